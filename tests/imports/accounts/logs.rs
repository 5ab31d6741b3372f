//! FIX logs: length and checksum of every message, executions of two versions, and what is missing.

use std::path::Path;

use schwabot::event::{Event, Liquidity, Side};
use schwabot::import::accounts::{AccountFormat, NoticeKind};
use schwabot::ledger::Reader;
use schwabot::projections::FillsByLabel;

use serde_json::json;

use super::reading::{read, refused};
use super::through::{import, verified};
use crate::support::TestResult;
use crate::support::cli::{Place, run};

/// A message with the length and sum that its fields have, separators as SOH.
fn message(version: &str, fields: &str) -> String {
    let body: String = fields.split('|').map(|field| format!("{field}\u{1}")).collect();
    let head = format!("8={version}\u{1}9={}\u{1}{body}", body.len());
    let sum = head.bytes().fold(0_u8, u8::wrapping_add);
    format!("{head}10={sum:03}\u{1}")
}

fn report(number: u32, more: &str) -> String {
    let fields = format!(
        "35=8|34={number}|49=VENUE|56=BOT|52=20240808-23:54:15.030|37=O1|11=C1|55=BTCUSDT|54=1|\
         38=3|14=1|151=2|39=1|{more}"
    );
    message("FIX.4.4", &fields)
}

const TRADE: &str = "17=E1|150=F|31=60000.5|32=1|60=20240808-23:54:15.030314|1057=Y|1003=777|\
                     136=1|137=0.001|138=BTC|139=4";

#[test]
fn an_execution_report_of_a_trade_is_a_fill_whatever_separates_its_fields() {
    let wire = report(2, TRADE);
    let shown = [
        wire.clone(),
        wire.replace('\u{1}', "|"),
        wire.replace('\u{1}', "^A"),
        format!("2024-08-08 23:54:15,031 INFO <in> {}", wire.replace('\u{1}', "|")),
    ];
    for text in shown {
        let read = read(AccountFormat::FixLog, format!("{text}\n"));
        let [fill] = read.fills.as_slice() else { panic!("{read:?}") };
        assert_eq!((fill.side, fill.symbol.as_str()), (Side::Buy, "BTCUSDT"));
        assert_eq!(
            (fill.price.to_string(), fill.quantity.to_string()),
            ("60000.5".into(), "1".into())
        );
        assert_eq!(fill.time.to_string(), "2024-08-08T23:54:15.030314Z");
        assert_eq!((fill.trade_id.as_deref(), fill.order_id.as_deref()), (Some("E1"), Some("O1")));
        assert_eq!(
            (fill.fee.as_ref().unwrap().raw(), fill.fee_currency.as_deref()),
            (1_000_000_000, Some("BTC"))
        );
        assert_eq!(fill.liquidity, Some(Liquidity::Taker));
        assert!(fill.extra.contains(&("trade_id", "777".to_owned())));
        assert_eq!(read.notices, []);
    }
}

#[test]
fn several_fees_are_added_exactly_however_fine_they_are() {
    let more = "17=E1|150=F|31=2|32=1|60=20240808-23:54:15|136=2|\
                137=0.0000000000001234|138=BTC|139=4|137=0.0000000000005|138=BTC|139=4";
    let read = read(AccountFormat::FixLog, format!("{}\n", report(2, more)));
    let [fill] = read.fills.as_slice() else { panic!("{read:?}") };
    let fee = fill.fee.unwrap();
    assert_eq!((fee.to_string().as_str(), fee.raw()), ("0.0000000000006234", 1));
    assert_eq!(fill.fee_currency.as_deref(), Some("BTC"));
}

#[test]
fn in_version_4_2_partial_and_whole_fills_are_trades_and_a_correction_is_a_fill_in_anothers_place()
{
    let old = |number: u32, more: &str| {
        message(
            "FIX.4.2",
            &format!("35=8|34={number}|49=V|56=B|52=20240808-23:54:15|37=O1|55=ES|54=2|{more}"),
        )
    };
    let log = [
        old(1, "17=A|20=0|150=0|39=0|151=3|14=0"),
        old(2, "17=B|20=0|150=1|39=1|31=10|32=1|60=20240808-23:54:15"),
        old(3, "17=C|20=0|150=2|39=2|31=10|32=2|60=20240808-23:54:16"),
        old(4, "17=D|20=1|19=C|150=2|39=2|31=10|32=2"),
        old(5, "17=E|20=2|19=B|150=1|39=1|31=11|32=1"),
        old(6, "17=F|20=3|150=2|39=2|31=10|32=2"),
    ];
    let read = read(AccountFormat::FixLog, log.join("\n"));
    let ids: Vec<_> = read.fills.iter().map(|fill| fill.trade_id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["B", "C", "E"]);
    assert_eq!(read.fills[0].side, Side::Sell);
    let busts = read.busts.iter().map(|bust| (&*bust.trade_id, &*bust.by, bust.corrected));
    assert_eq!(busts.collect::<Vec<_>>(), [("C", "D", false), ("B", "E", true)]);
    assert_eq!(read.fills[2].price.to_string(), "11");
    assert_eq!(
        read.said(NoticeKind::NoFact),
        ["no executions: 1 of `35=8 150=0`, 1 of `35=8 150=2`"]
    );
}

#[test]
fn every_checksum_and_length_is_checked_and_a_wrong_one_names_its_place() {
    let wire = report(2, TRADE).replace('\u{1}', "|");
    for at in 0..wire.len() {
        let byte = wire.as_bytes()[at];
        if byte == b'|' || byte == b'=' {
            continue;
        }
        let mut changed = wire.clone().into_bytes();
        changed[at] = if byte == b'1' { b'2' } else { b'1' };
        let error = refused_or_none(&changed);
        let error = error.unwrap_or_else(|| panic!("byte {at} of the message may be changed"));
        assert!(error.starts_with("line 1, column ") || error.contains("no line holds"), "{error}");
    }
    for cut in 10..wire.len() - 1 {
        assert!(refused_or_none(&wire.as_bytes()[..cut]).is_some(), "cut behind byte {cut}");
    }
    let error = refused(AccountFormat::FixLog, wire.replace("31=60000.5", "31=60001.5"));
    assert!(error.contains("CheckSum(10): says"), "{error}");
    let error = refused(AccountFormat::FixLog, wire.replace("31=60000.5", "31=60000.50"));
    assert!(error.starts_with("line 1, column 11: BodyLength(9): says"), "{error}");
}

fn refused_or_none(text: &[u8]) -> Option<String> {
    let read = super::reading::read_as(AccountFormat::FixLog, text, &super::reading::options());
    match read {
        Ok(read) => read.bad.first().cloned(),
        Err(error) => Some(error.to_string()),
    }
}

#[test]
fn a_leap_of_the_sequence_is_told_for_each_sender_and_a_repetition_is_not() {
    let repeated = TRADE.replace("17=E1", "43=Y|97=Y|17=E1");
    let log = [
        report(2, TRADE),
        report(5, &TRADE.replace("E1", "E2")),
        report(2, &repeated),
        message("FIX.4.4", "35=0|34=900|49=BOT|56=VENUE|52=20240808-23:54:16"),
        report(6, &TRADE.replace("E1", "E3")),
    ];
    let read = read(AccountFormat::FixLog, log.join("\n"));
    assert_eq!(read.said(NoticeKind::Gap), ["`VENUE` to `BOT`: 2 messages are missing before 5"]);
    assert_eq!(read.fills.len(), 4, "who takes them knows E1 again by its number");
}

#[test]
fn what_was_ordered_is_what_is_filled_and_left_while_the_order_is_open() {
    let sound = read(AccountFormat::FixLog, report(1, TRADE));
    assert_eq!(sound.notices, []);
    let broken = report(1, TRADE).replace("151=2", "151=9");
    // The sum of the bytes follows.
    let fields = broken.split('\u{1}').collect::<Vec<_>>();
    let inner = fields[2..fields.len() - 2].join("|");
    let broken = read(AccountFormat::FixLog, message("FIX.4.4", &inner));
    assert_eq!(
        broken.said(NoticeKind::Contradiction),
        ["ordered 3 is not filled 1 and left 9 while the order is open"]
    );
}

#[test]
fn a_venue_that_leaves_out_average_price_and_leaves_quantity_is_read() {
    let bare = "35=8|34=1|49=SPOT|56=ME|52=20240808-23:54:15.030314|17=1|37=2|55=BTCUSDT|54=2|\
                150=F|39=2|38=1|14=1|32=1|31=60000|25016=20240808-23:54:15.030314";
    let read = read(AccountFormat::FixLog, message("FIX.4.4", bare));
    assert_eq!(read.fills[0].time.to_string(), "2024-08-08T23:54:15.030314Z");
    assert_eq!(read.notices, []);
}

#[test]
fn a_field_that_cannot_be_read_is_named_by_tag() {
    let cases = [
        (report(1, &TRADE.replace("31=60000.5", "31=high")), "LastPx(31): `high`"),
        (report(1, &TRADE.replace("32=1|", "32=0|")), "LastQty(32): is not above zero"),
        (report(1, TRADE).replace("54=1", "54=8"), "CheckSum(10)"),
        (message("FIX.4.4", "35=8|34=x|49=a|56=b"), "MsgSeqNum(34): `x` is no number"),
        (message("FIX.5.0", "35=8|34=1"), "BeginString(8): `FIX.5.0`"),
        ("8=FIX.4.4|35=8|10=000|".to_owned(), "BodyLength(9): is not the second field"),
        ("nothing here\n".to_owned(), "no line holds a message"),
    ];
    for (text, expected) in cases {
        let error = refused(AccountFormat::FixLog, &text);
        assert!(error.contains(expected), "{error}\n  where expected: {expected}");
    }
}

#[test]
fn a_fill_that_was_taken_back_is_in_the_log_and_none_of_its_label_any_more() -> TestResult {
    let place = Place::new()?;
    let fill = |number: u32, id: &str, more: &str| {
        report(number, &format!("17={id}|{more}|32=1|60=20240808-23:54:15.030314"))
    };
    let day = [fill(2, "E1", "150=F|31=60000"), fill(3, "E2", "150=F|31=60001")].join("\n");
    import(&place, &place.write("one.log", &day)?, &["--label", "bot"])?;
    // On the next day one is taken back, one is corrected, and one is taken back before it is told.
    let next = [
        fill(4, "E3", "150=H|19=E1|31=60000"),
        fill(5, "E4", "150=G|19=E2|31=60002"),
        fill(6, "E5", "150=H|19=E6|31=60003"),
        fill(7, "E6", "150=F|31=60003"),
    ];
    let told = import(&place, &place.write("two.log", &next.join("\n"))?, &["--label", "bot"])?;
    assert_eq!(told["facts"], json!({"imported_bust": 3, "imported_fill": 2}));
    assert_eq!(told["figures"]["taken_back"], 3);
    let venue = "txid,ordertxid,pair,time,type,price,cost,fee,vol\n\
                 E4,O1,BTCUSDT,2024-08-08 23:54:15.030314,buy,60002,60002,0,1\n";
    import(&place, &place.write("venue.csv", venue)?, &["--label", "venue"])?;
    let ledger = place.arg("ledger");
    let args = ["reconcile", &ledger, "--ours", "bot", "--venue", "venue", "--format", "json"];
    let ran = run(&args)?;
    assert_eq!((ran.code, &ran.json()?["fills"]["ours"]), (Some(0), &json!(1)), "{}", ran.out);
    let kept = run(&["replay", &ledger, "--kind", "imported_fill", "--format", "jsonl"])?;
    assert_eq!(kept.out.lines().count(), 5, "nothing is hidden");
    assert_eq!(verified(&place)?, Some(0));
    Ok(())
}

#[test]
fn a_correction_that_names_the_first_fill_again_replaces_the_correction_before() -> TestResult {
    let fill = |number: u32, id: &str, more: &str| {
        report(number, &format!("17={id}|{more}|32=1|60=20240808-23:54:15.030314"))
    };
    let twice = [
        fill(2, "E1", "150=F|31=60000"),
        fill(3, "E2", "150=G|19=E1|31=60001"),
        fill(4, "E3", "150=G|19=E1|31=60002"),
    ];
    let gone = fill(5, "E4", "150=H|19=E1|31=60002");
    // The message is told once more: nothing else follows from it.
    let again = fill(6, "E3", "150=G|19=E1|31=60002");
    for (log, left) in [
        (twice.join("\n"), vec!["E3"]),
        ([&twice[..], std::slice::from_ref(&again)].concat().join("\n"), vec!["E3"]),
        ([&twice[..], std::slice::from_ref(&gone)].concat().join("\n"), vec![]),
    ] {
        let place = Place::new()?;
        import(&place, &place.write("one.log", &log)?, &["--label", "bot"])?;
        let reader = Reader::<Event>::open(Path::new(&place.arg("ledger")))?;
        let fills = FillsByLabel::read(&reader, &["bot"])?;
        let ids: Vec<&str> =
            fills.of("bot").iter().flat_map(|fill| &fill.trade_ids).map(String::as_str).collect();
        assert_eq!(ids, left);
    }
    Ok(())
}
