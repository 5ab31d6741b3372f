//! One event of every kind of an import, each field with a value of its own.

use schwabot::event::*;
use schwabot::hash::Digest;
use schwabot::time::{Span, Timestamp};
use schwabot::units::{Money, MoneyExact, Price, Quantity};

fn time(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(nanos * 1_000_000_007)
}

fn import_started() -> Event {
    Event::ImportStarted(Box::new(ImportStarted {
        format: "text 502".into(),
        importer: 503,
        bytes: 504,
        digest: Digest([5; 32]),
        checksum_matched: true,
        label: "text 507".into(),
        symbol: Some("text 509".into()),
        symbol_unnamed: Some("text 510".into()),
        interval: Some(Span::from_nanos(511)),
        utc_offset: Some(Span::from_nanos(-512)),
        binary_floats: true,
    }))
}

fn imported_bar() -> Event {
    Event::ImportedBar(Box::new(ImportedBar {
        row: 514,
        symbol: "text 515".into(),
        open_time: time(516),
        interval: Span::from_nanos(517),
        open: Price::from_raw(518),
        high: Price::from_raw(519),
        low: Price::from_raw(520),
        close: Price::from_raw(521),
        volume: Quantity::from_raw(522),
        quote_volume: Some(Money::from_raw(-524)),
        trades: Some(526),
        taker_buy_volume: Some(Quantity::from_raw(528)),
        taker_buy_quote_volume: Some(Money::from_raw(-530)),
        finer: vec![
            NamedText { name: "text 533".into(), text: "text 534".into() },
            NamedText { name: "text 536".into(), text: "text 537".into() },
        ],
    }))
}

fn trade_print() -> Event {
    Event::TradePrint(Box::new(TradePrint {
        row: 539,
        symbol: "text 540".into(),
        id: Some("text 542".into()),
        first_id: Some(544),
        last_id: Some(546),
        time: time(547),
        received: Some(time(549)),
        aggressor: Some(Side::Sell),
        price: Price::from_raw(552),
        quantity: Quantity::from_raw(553),
        quote: Some(Money::from_raw(-555)),
        execution: Some("text 557".into()),
        finer: vec![
            NamedText { name: "text 560".into(), text: "text 561".into() },
            NamedText { name: "text 563".into(), text: "text 564".into() },
        ],
    }))
}

fn quote() -> Event {
    Event::Quote(Box::new(Quote {
        row: 566,
        symbol: "text 567".into(),
        update: Some(569),
        time: time(570),
        received: Some(time(572)),
        bid: Some(QuoteLevel { price: Price::from_raw(575), quantity: Quantity::from_raw(576) }),
        ask: Some(QuoteLevel { price: Price::from_raw(579), quantity: Quantity::from_raw(580) }),
        finer: vec![
            NamedText { name: "text 583".into(), text: "text 584".into() },
            NamedText { name: "text 586".into(), text: "text 587".into() },
        ],
    }))
}

fn quote_bar() -> Event {
    Event::QuoteBar(Box::new(QuoteBar {
        row: 589,
        symbol: "text 590".into(),
        open_time: time(591),
        interval: Span::from_nanos(592),
        bid: Some(QuoteSpan {
            open: Price::from_raw(595),
            high: Price::from_raw(596),
            low: Price::from_raw(597),
            close: Price::from_raw(598),
            quantity: Quantity::from_raw(599),
        }),
        ask: Some(QuoteSpan {
            open: Price::from_raw(602),
            high: Price::from_raw(603),
            low: Price::from_raw(604),
            close: Price::from_raw(605),
            quantity: Quantity::from_raw(606),
        }),
        finer: vec![
            NamedText { name: "text 609".into(), text: "text 610".into() },
            NamedText { name: "text 612".into(), text: "text 613".into() },
        ],
    }))
}

fn imported_fill() -> Event {
    Event::ImportedFill(Box::new(ImportedFill {
        row: 615,
        symbol: "text 616".into(),
        venue: Some("text 618".into()),
        trade_id: Some("text 620".into()),
        order_id: Some("text 622".into()),
        time: time(623),
        side: Side::Sell,
        price: Price::from_raw(625),
        quantity: Quantity::from_raw(626),
        quote: Some(Money::from_raw(-628)),
        fee: Some(Money::from_raw(-630)),
        fee_currency: Some("text 632".into()),
        liquidity: Some(Liquidity::Taker),
        exactness: Exactness::Truncated,
        finer: vec![
            NamedText { name: "text 638".into(), text: "text 639".into() },
            NamedText { name: "text 641".into(), text: "text 642".into() },
        ],
        extra: vec![
            NamedText { name: "text 645".into(), text: "text 646".into() },
            NamedText { name: "text 648".into(), text: "text 649".into() },
        ],
    }))
}

fn imported_bust() -> Event {
    Event::ImportedBust(Box::new(ImportedBust {
        row: 680,
        symbol: "text 681".into(),
        trade_id: "text 682".into(),
        by: "text 683".into(),
        time: time(684),
        corrected: true,
    }))
}

fn imported_trade() -> Event {
    Event::ImportedTrade(Box::new(ImportedTrade {
        row: 651,
        symbol: "text 652".into(),
        trade_id: Some("text 654".into()),
        side: Side::Sell,
        quantity: Some(Quantity::from_raw(657)),
        notional: Some(Money::from_raw(-659)),
        entry_time: time(660),
        entry_price: Some(Price::from_raw(662)),
        exit_time: Some(time(664)),
        exit_price: Some(Price::from_raw(666)),
        fees: Some(Money::from_raw(-668)),
        claimed_profit: Some(Money::from_raw(-670)),
        recomputed_profit: Some(MoneyExact::from_raw(-672)),
        exit_reason: Some("text 674".into()),
        exactness: Exactness::Truncated,
        finer: vec![
            NamedText { name: "text 678".into(), text: "text 679".into() },
            NamedText { name: "text 681".into(), text: "text 682".into() },
        ],
        extra: vec![
            NamedText { name: "text 685".into(), text: "text 686".into() },
            NamedText { name: "text 688".into(), text: "text 689".into() },
        ],
    }))
}

fn imported_entry() -> Event {
    Event::ImportedEntry(Box::new(ImportedEntry {
        row: 691,
        registry: "text 692".into(),
        key: "text 693".into(),
        time: Some(time(695)),
        json: "text 696".into(),
    }))
}

fn import_defect() -> Event {
    Event::ImportDefect(ImportDefect {
        row: 698,
        fault: ImportFault::Clock,
        count: 700,
        what: "text 701".into(),
    })
}

fn import_ended() -> Event {
    Event::ImportEnded(Box::new(ImportEnded {
        rows: 703,
        facts: vec![
            FactCount { kind: "text 706".into(), count: 707 },
            FactCount { kind: "text 709".into(), count: 710 },
        ],
        defects: 711,
        duplicates: 712,
        contradictions: 713,
        first: Some(time(715)),
        last: Some(time(717)),
        figures: vec![
            NamedText { name: "text 720".into(), text: "text 721".into() },
            NamedText { name: "text 723".into(), text: "text 724".into() },
        ],
    }))
}

pub(crate) fn events() -> Vec<Event> {
    vec![
        import_started(),
        imported_bar(),
        trade_print(),
        quote(),
        quote_bar(),
        imported_fill(),
        imported_bust(),
        imported_trade(),
        imported_entry(),
        import_defect(),
        import_ended(),
    ]
}
