//! Kinds and bytes of events: numbers for life, one encoding a value, nothing hostile taken.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use proptest::prelude::*;
use schwabot::event::wire::{self, DecodeError};
use schwabot::event::*;
use schwabot::hash::Digest;
use schwabot::kernel;
use schwabot::time::Timestamp;
use schwabot::units::{Money, MoneyExact, Ratio};

use crate::support::notes::{Note, note, stamp};
use crate::support::runs::*;

/// The list as it was published. A line may be added; none may ever change or go.
const FROZEN: &[(u16, &str, Class)] = &[
    (0x0101, "run_started", Class::Input),
    (0x0102, "input_file", Class::Input),
    (0x0103, "bar", Class::Input),
    (0x0104, "data_defect", Class::Input),
    (0x0105, "end_of_data", Class::Input),
    (0x0106, "command", Class::Input),
    (0x0107, "sealed_command", Class::Input),
    (0x0110, "import_started", Class::Input),
    (0x0111, "imported_bar", Class::Input),
    (0x0112, "trade_print", Class::Input),
    (0x0113, "quote", Class::Input),
    (0x0114, "quote_bar", Class::Input),
    (0x0115, "imported_fill", Class::Input),
    (0x0116, "imported_trade", Class::Input),
    (0x0117, "imported_entry", Class::Input),
    (0x0118, "import_defect", Class::Input),
    (0x0119, "import_ended", Class::Input),
    (0x011A, "imported_bust", Class::Input),
    (0x0201, "signal_fired", Class::Derived),
    (0x0202, "order_placed", Class::Derived),
    (0x0203, "order_refused", Class::Derived),
    (0x0204, "order_filled", Class::Derived),
    (0x0205, "order_rejected", Class::Derived),
    (0x0206, "order_expired", Class::Derived),
    (0x0207, "trade_closed", Class::Derived),
    (0x0210, "command_refused", Class::Derived),
    (0x0211, "feature_scaling_frozen", Class::Derived),
    (0x0220, "ghost_opened", Class::Derived),
    (0x0221, "ghost_triggered", Class::Derived),
    (0x0222, "ghost_ignored", Class::Derived),
    (0x0223, "ghost_entered", Class::Derived),
    (0x0224, "ghost_exit_due", Class::Derived),
    (0x0225, "ghost_closed", Class::Derived),
    (0x0226, "pair_memory_appended", Class::Derived),
    (0x0230, "orbit_cycle_run", Class::Derived),
    (0x0231, "orbit_selected", Class::Derived),
    (0x0232, "volume_weights_changed", Class::Derived),
    (0x0240, "bit_flipped", Class::Derived),
    (0x0241, "pair_flip_resolved", Class::Derived),
    (0x0250, "soulprint_registered", Class::Derived),
    (0x0251, "soulprint_outcome", Class::Derived),
    (0x0252, "bucket_matched", Class::Derived),
    (0x0253, "bucket_match_scored", Class::Derived),
    (0x0254, "bucket_observed", Class::Derived),
    (0x0255, "bucket_retired", Class::Derived),
    (0x0256, "registry_linked", Class::Derived),
    (0x0257, "orphan_tombstoned", Class::Derived),
    (0x02F0, "state_root", Class::Derived),
    (0x02FF, "run_ended", Class::Derived),
];

/// One event of every kind, with every optional field there.
pub(crate) fn one_of_each() -> Vec<Event> {
    let domain = crate::support::samples_domain::events();
    let imports = crate::support::samples_import::events();
    let all = inputs().into_iter().chain(derived()).chain(domain).chain(imports);
    let by_kind: std::collections::BTreeMap<u16, Event> =
        all.map(|event| (event.kind(), event)).collect();
    by_kind.into_values().collect()
}

fn inputs() -> Vec<Event> {
    let pair = PairId(0);
    let generator = Generator { name: "planted-1".into(), seed: 7, bars: 5_000 };
    let config = config("sma-cross", 3);
    let started = kernel::run_started(Mode::Demo, config, Some(generator), 0).unwrap();
    let defect = Defect::Malformed { field: "close".into(), reason: "no digit".into() };
    let (format, digest) = (FileFormat::OhlcvCsv, Digest([1; 32]));
    vec![
        Event::RunStarted(Box::new(started)),
        Event::InputFile(InputFile { pair: Some(pair), format, bytes: 1, digest }),
        Event::Bar(Bar { trades: Some(4), ..bar(0, 5, "1", "2") }),
        Event::DataDefect(DataDefect { pair, row: 2, defect }),
        Event::EndOfData(EndOfData { bars: 1, defects: 2 }),
    ]
}

fn derived() -> Vec<Event> {
    let (order, pair, quantity, price) = (1, PairId(0), quantity("2"), price("1.5"));
    let (side, reason) = (Side::Buy, RefusalReason::TooSmall);
    let slippage = Ratio::from_raw(-123_456_789);
    let placed = OrderPlaced {
        order,
        pair,
        side,
        quantity,
        reference_price: price,
        reason: OrderReason::Signal,
    };
    let (fee, time) = (Money::ONE, at(3));
    vec![
        Event::SignalFired(SignalFired {
            pair,
            trigger: Trigger::VolumeSurge,
            direction: Direction::Down,
            strength: Some(slippage),
        }),
        Event::OrderPlaced(placed),
        Event::OrderRefused(OrderRefused { pair, side, quantity, reason }),
        Event::OrderFilled(OrderFilled { order, pair, side, quantity, price, fee, slippage, time }),
        Event::OrderRejected(OrderRejected { order, pair, reason }),
        Event::OrderExpired(OrderExpired { order, pair }),
        Event::TradeClosed(Box::new(full_trade())),
        Event::RunEnded(RunEnded {
            bars: 1,
            defects: 2,
            orders: 3,
            refused: 4,
            fills: 5,
            trades: 6,
        }),
    ]
}

fn full_trade() -> TradeClosed {
    let ratio = Ratio::from_raw(-123_456_789);
    let leg = |order, minute| TradeLeg {
        order,
        time: at(minute),
        price: price("1.5"),
        reason: OrderReason::Ghost,
        fee: Money::from_raw(-7),
    };
    let math = MathContext {
        periodicity_g: ratio,
        periodicity_p: ratio,
        dominant_period: ratio,
        dominant_phase: ratio,
        ln_market_clock_rate: ratio,
        kelly_fraction: ratio,
        expected_net_edge: ratio,
    };
    let volume = quantity("2");
    TradeClosed {
        run: RunId([9; 16]),
        trade: 3,
        pair: PairId(0),
        symbol: "AAA/USD".into(),
        strategy: "sma-cross".into(),
        side: Side::Sell,
        quantity: volume,
        entry: leg(1, 0),
        exit: leg(2, 9),
        gross: MoneyExact::from_raw(-1),
        net: MoneyExact::MAX,
        trigger: Some(Trigger::Orbit),
        word_bits: Some(4),
        signal_strength: Some(ratio),
        confidence: Some(ratio),
        math: Some(math),
        market: Some(MarketContext { volatility: ratio, volume, volume_z: ratio, drift_t: ratio }),
        legacy_hash: Some(Digest([3; 32])),
    }
}

fn payload(event: &Event) -> Vec<u8> {
    let mut bytes = Vec::new();
    event.encode_payload(&mut bytes).unwrap();
    bytes
}

#[test]
fn numbers_names_and_classes_are_those_that_were_published() {
    assert_eq!(Event::KINDS, FROZEN);
    let mut numbers: Vec<u16> = Event::KINDS.iter().map(|kind| kind.0).collect();
    let mut names: Vec<&str> = Event::KINDS.iter().map(|kind| kind.1).collect();
    numbers.dedup();
    names.sort_unstable();
    names.dedup();
    assert_eq!((numbers.len(), names.len()), (FROZEN.len(), FROZEN.len()));
    assert!(numbers.is_sorted() && numbers[0] >= record::FIRST_APPLICATION_KIND);
    assert_eq!(kind_name(0x0001), Some("recovered"));
    assert_eq!(kind_name(0x0207), Some("trade_closed"));
    assert_eq!(kind_name(0x0208), None);
}

#[test]
fn every_kind_reads_back_as_itself_from_its_one_encoding() {
    let events = one_of_each();
    let kinds: Vec<u16> = events.iter().map(Payload::kind).collect();
    assert_eq!(kinds, FROZEN.iter().map(|kind| kind.0).collect::<Vec<_>>(), "none is left out");
    for event in events {
        let bytes = payload(&event);
        let again: Event = decode_canonical(event.kind(), event.schema(), &bytes).unwrap();
        assert_eq!(again, event);
    }
}

#[test]
fn a_byte_too_many_or_too_few_is_refused() {
    for event in one_of_each() {
        let mut bytes = payload(&event);
        bytes.push(0);
        let read = Event::decode_payload(event.kind(), event.schema(), &bytes);
        assert_eq!(read, Err(DecodeError::Trailing { left: 1 }), "{}", event.name());
        for length in 0..bytes.len() - 1 {
            let read = Event::decode_payload(event.kind(), event.schema(), &bytes[..length]);
            assert!(matches!(read, Err(DecodeError::Malformed(_))), "{} {length}", event.name());
        }
    }
}

#[test]
fn an_unknown_kind_or_a_later_schema_is_named() {
    let unknown = |kind, schema| {
        assert_eq!(
            Event::decode_payload(kind, schema, &[]),
            Err(DecodeError::UnknownKind { kind, schema })
        );
    };
    unknown(0x0208, 1);
    unknown(0x0103, 2);
    unknown(0, 0);
}

#[test]
fn a_length_that_claims_the_whole_memory_takes_none_of_it() {
    for claimed in [u64::MAX, u64::MAX / 2, 1 << 40, 1 << 25] {
        let mut bytes = claimed.to_le_bytes().to_vec();
        bytes.extend([b'x'; 64]);
        assert!(wire::decode::<String>(&bytes).is_err());
        assert!(wire::decode::<Vec<Instrument>>(&bytes).is_err());
        // The strategy's name is the first length in a run's start.
        let start = &one_of_each()[0];
        let mut bytes = payload(start);
        bytes[24..32].copy_from_slice(&claimed.to_le_bytes());
        assert!(Event::decode_payload(start.kind(), 1, &bytes).is_err());
    }
}

#[test]
fn a_bool_that_is_neither_is_refused() {
    let bar = &one_of_each()[2];
    let mut bytes = payload(bar);
    let last = bytes.len() - 1;
    bytes[last] = 2;
    assert!(Event::decode_payload(bar.kind(), 1, &bytes).is_err());
}

fn pick<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

fn stamps() -> impl Strategy<Value = Stamp> {
    let id = || any::<Option<[u8; 16]>>();
    (
        (pick(Class::ALL), pick(Vantage::ALL), any::<i64>(), any::<[u8; 16]>()),
        (any::<u32>(), any::<u16>(), pick(ClockSource::ALL), pick(ClockStatus::ALL)),
        (id(), id(), id()),
    )
        .prop_map(|((class, vantage, time, run), (cause, actor, clock, status), ids)| Stamp {
            class,
            vantage,
            time: Timestamp::from_nanos(time),
            run: RunId(run),
            cause: NonZeroU32::new(cause),
            actor: Actor(actor),
            clock,
            clock_status: status,
            idempotency_key: ids.0,
            erasure_key: ids.1.map(SubjectId),
            salt: ids.2,
        })
}

proptest! {
    #[test]
    fn a_record_reads_back_as_its_envelope_and_payload(stamp in stamps(), place in 0..FROZEN.len()) {
        let event = &one_of_each()[place];
        let mut bytes = vec![0xAA];
        let length = encode_record(event, &stamp, &mut bytes).unwrap();
        prop_assert_eq!(length, bytes.len() - 1);
        let record = RecordRef { sequence: 0, bytes: &bytes[1..] };
        let (envelope, rest) = record.envelope().unwrap();
        prop_assert_eq!(envelope.stamp, stamp);
        prop_assert_eq!(&decode_canonical::<Event>(envelope.kind, envelope.schema, rest).unwrap(), event);
    }

    #[test]
    fn any_bytes_are_read_or_refused_and_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok((envelope, payload)) = Envelope::decode(&bytes) {
            drop(Event::decode_payload(envelope.kind, envelope.schema, payload));
        }
        for (kind, _, _) in Event::KINDS {
            drop(decode_canonical::<Event>(*kind, 1, &bytes));
        }
    }

    #[test]
    fn a_changed_byte_gives_another_value_or_none(place in 0..FROZEN.len(), at in any::<prop::sample::Index>(), change in 1_u8..) {
        let event = &one_of_each()[place];
        let mut bytes = payload(event);
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        if let Ok(other) = decode_canonical::<Event>(event.kind(), 1, &bytes) {
            prop_assert_ne!(&other, event);
            prop_assert_eq!(payload(&other), bytes);
        }
    }
}

#[test]
fn a_record_of_65_535_bytes_is_written_and_read_and_one_byte_more_is_neither() {
    let long = |bytes: usize| Note { number: 1, text: "x".repeat(bytes - 56) };
    let mut out = Vec::new();
    assert_eq!(encode_record(&long(65_535), &stamp(), &mut out).unwrap(), 65_535);
    assert!(Envelope::decode(&out).is_ok());
    let before = out.clone();
    let refused = encode_record(&long(65_536), &stamp(), &mut out);
    assert!(matches!(refused, Err(RecordError::Long { bytes: 65_536 })), "{refused:?}");
    assert_eq!(out, before, "nothing of it is left");
    out.push(0);
    let refused = Envelope::decode(&out);
    assert!(matches!(refused, Err(RecordError::Long { bytes: 65_536 })), "{refused:?}");
}

#[test]
fn an_event_is_private_only_where_its_type_says_so() {
    assert!(!note(1).is_private());
}

#[test]
fn a_state_claims_as_much_memory_as_the_step_of_its_length_allows_and_no_more() {
    // A set that claims memory that the rest of its bytes cannot fill. It takes none of it: what
    // its bytes hold is the same member again and again.
    let refused_for = |length: usize, memory: u64| {
        let mut bytes = (memory / 8192).to_le_bytes().to_vec();
        bytes.resize(length, 0);
        wire::decode_state::<BTreeSet<[u8; 8192]>>(&bytes).unwrap_err().to_string()
    };
    let steps: [(usize, u64); 6] = [
        (256 << 10, 16 << 20),
        ((256 << 10) + 1, 256 << 20),
        (4 << 20, 256 << 20),
        ((4 << 20) + 1, 4 << 30),
        (64 << 20, 4 << 30),
        ((64 << 20) + 1, 8 << 30),
    ];
    for (length, most) in steps {
        let within = refused_for(length, most - 8192);
        assert!(within.contains("UnexpectedEnd"), "{length}, less than {most}: {within}");
        // Its length is claimed too.
        let above = refused_for(length, most);
        assert!(above.contains("Limit"), "{length}, more than {most}: {above}");
    }
}

#[test]
fn the_cause_of_a_record_stands_as_far_back_as_it_says_and_never_before_the_first() {
    let stamp = Stamp { cause: NonZeroU32::new(3), ..stamp() };
    let envelope = Envelope { kind: 0x0100, schema: 1, stamp };
    let cause_of = |sequence| RecordRef { sequence, bytes: &[] }.cause(&envelope);
    assert_eq!((cause_of(2), cause_of(3), cause_of(10)), (None, Some(0), Some(7)));
}
