//! One event of every kind, each field with a value of its own so that no two can be swapped.

use schwabot::event::*;
use schwabot::hash::Digest;
use schwabot::time::{Span, Timestamp};
use schwabot::units::{Money, MoneyExact, Price, Quantity, Ratio};

fn price(raw: i128) -> Price {
    Price::from_raw(raw)
}

fn quantity(raw: i128) -> Quantity {
    Quantity::from_raw(raw)
}

fn ratio(raw: i64) -> Ratio {
    Ratio::from_raw(raw)
}

fn time(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(nanos * 1_000_000_007)
}

fn config() -> RunConfig {
    let parameter = |name: &str, value: &str| Parameter { name: name.into(), value: value.into() };
    RunConfig {
        strategy: StrategyConfig {
            name: "sma-cross".into(),
            parameters: vec![parameter("fast", "10"), parameter("slow", "50")],
        },
        venue: VenueConfig {
            fill: FillModel::ThisClose,
            fee_rate: ratio(101),
            half_spread: ratio(102),
            impact: ratio(-103),
            impact_window_bars: 104,
            allow_short: true,
        },
        instruments: vec![Instrument {
            base: "BTC".into(),
            quote: "USDC".into(),
            tick: price(105),
            lot: quantity(106),
            min_notional: Money::from_raw(107),
            volume_unit: VolumeUnit::Quote,
            interval: Span::from_nanos(60_000_000_000),
            tradable: false,
        }],
        balances: vec![Balance { currency: "USDC".into(), amount: Money::from_raw(-108) }],
        account_currency: "EUR".into(),
    }
}

fn trade(full: bool) -> TradeClosed {
    let leg = |number: i64, reason| TradeLeg {
        order: 200 + number.unsigned_abs(),
        time: time(210 + number),
        price: price(220 + i128::from(number)),
        reason,
        fee: Money::from_raw(230 + i128::from(number)),
    };
    let math = MathContext {
        periodicity_g: ratio(241),
        periodicity_p: ratio(242),
        dominant_period: ratio(243),
        dominant_phase: ratio(244),
        ln_market_clock_rate: ratio(-245),
        kelly_fraction: ratio(246),
        expected_net_edge: ratio(247),
    };
    let market = MarketContext {
        volatility: ratio(251),
        volume: quantity(252),
        volume_z: ratio(253),
        drift_t: ratio(-254),
    };
    TradeClosed {
        run: RunId([9; 16]),
        trade: 261,
        pair: PairId(262),
        symbol: "BTC/USDC".into(),
        strategy: "Überkreuz".into(),
        side: Side::Sell,
        quantity: quantity(263),
        entry: leg(1, OrderReason::Ghost),
        exit: leg(2, OrderReason::TakeProfit),
        gross: MoneyExact::from_raw(i128::MAX),
        net: MoneyExact::from_raw(-264),
        trigger: full.then_some(Trigger::Orbit),
        word_bits: full.then_some(4),
        signal_strength: full.then_some(ratio(265)),
        confidence: full.then_some(ratio(266)),
        math: full.then_some(math),
        market: full.then_some(market),
        legacy_hash: full.then_some(Digest([7; 32])),
    }
}

fn defects() -> Vec<Event> {
    let kinds = [
        Defect::Gap { after: time(301), until: time(302), missing_bars: 303 },
        Defect::Duplicate { open_time: time(304), identical: true },
        Defect::Disorder { open_time: time(305), newest: time(306) },
        Defect::Malformed { field: "close".into(), reason: "no digit".into() },
        Defect::OffGrid { after: time(307), open_time: time(308) },
    ];
    let of = |defect| Event::DataDefect(DataDefect { pair: PairId(309), row: 310, defect });
    kinds.into_iter().map(of).collect()
}

fn orders() -> [Event; 6] {
    let (pair, side, reason) = (PairId(401), Side::Sell, RefusalReason::TooSmall);
    let signal = SignalFired {
        pair,
        trigger: Trigger::TrendReversal,
        direction: Direction::Down,
        strength: Some(ratio(402)),
    };
    let placed = OrderPlaced {
        order: 403,
        pair,
        side,
        quantity: quantity(404),
        reference_price: price(405),
        reason: OrderReason::Stop,
    };
    let filled = OrderFilled {
        order: 406,
        pair,
        side,
        quantity: quantity(407),
        price: price(408),
        fee: Money::from_raw(409),
        slippage: ratio(410),
        time: time(411),
    };
    [
        Event::SignalFired(signal),
        Event::OrderPlaced(placed),
        Event::OrderRefused(OrderRefused { pair, side, quantity: quantity(412), reason }),
        Event::OrderFilled(filled),
        Event::OrderRejected(OrderRejected { order: 413, pair, reason }),
        Event::OrderExpired(OrderExpired { order: 414, pair }),
    ]
}

/// One event of every kind, and more where a kind has several shapes.
pub(crate) fn events() -> Vec<Event> {
    let started = |mode, generator| {
        let run = RunId([8; 16]);
        Event::RunStarted(Box::new(RunStarted {
            run,
            mode,
            kernel: 501,
            config: config(),
            generator,
        }))
    };
    let generator = Generator { name: "planted-1".into(), seed: 502, bars: 503 };
    let file = |pair| {
        let digest = Digest([6; 32]);
        Event::InputFile(InputFile { pair, format: FileFormat::OhlcvCsv, bytes: 504, digest })
    };
    let bar = |trades| {
        Event::Bar(Bar {
            pair: PairId(505),
            row: 506,
            open_time: time(507),
            available_at: time(508),
            open: price(509),
            high: price(510),
            low: price(-511),
            close: price(512),
            volume: quantity(513),
            trades,
            last_of_instant: true,
        })
    };
    let ended =
        RunEnded { bars: 521, defects: 522, orders: 523, refused: 524, fills: 525, trades: 526 };
    let mut all = vec![
        started(Mode::Live, None),
        started(Mode::Demo, Some(generator)),
        file(None),
        file(Some(PairId(514))),
        bar(None),
        bar(Some(515)),
        Event::EndOfData(EndOfData { bars: 516, defects: 517 }),
        Event::TradeClosed(Box::new(trade(false))),
        Event::TradeClosed(Box::new(trade(true))),
        Event::RunEnded(ended),
    ];
    all.extend(super::samples_domain::events());
    all.extend(super::samples_import::events());
    all.extend(defects());
    all.extend(orders());
    all
}
