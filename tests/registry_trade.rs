//! The canonical trade registry: identity, queries, figures; and the hash of the earlier system.

use proptest::prelude::*;
use schwabot::event::*;
use schwabot::hash::Digest;
use schwabot::registries::*;
use schwabot::units::{MoneyExact, Ratio};

use crate::support::runs::*;

/// A closed trade with sound arithmetic.
fn trade(number: u64, entry: &str, exit: &str, amount: &str, fee: &str) -> TradeClosed {
    let leg = |order: u64, text: &str, minute: i64| TradeLeg {
        order,
        time: at(minute),
        price: price(text),
        reason: OrderReason::Signal,
        fee: fee.parse().unwrap(),
    };
    let minute = number as i64 * 2;
    let mut trade = TradeClosed {
        run: RunId([7; 16]),
        trade: number,
        pair: PairId(0),
        symbol: "ETH/USDC".into(),
        strategy: "test_strategy".into(),
        side: Side::Buy,
        quantity: quantity(amount),
        entry: leg(number * 2, entry, minute),
        exit: leg(number * 2 + 1, exit, minute + 1),
        gross: MoneyExact::ZERO,
        net: MoneyExact::ZERO,
        trigger: None,
        word_bits: None,
        signal_strength: None,
        confidence: None,
        math: None,
        market: None,
        legacy_hash: None,
    };
    (trade.gross, trade.net) = trade.recomputed().unwrap();
    trade
}

/// A trade that earns exactly `net`.
fn earning(number: u64, net: i64) -> TradeClosed {
    trade(number, "1000", &(1000 + net).to_string(), "1", "0")
}

fn registry(trades: &[TradeClosed]) -> TradeRegistry {
    let mut registry = TradeRegistry::default();
    for (sequence, trade) in trades.iter().enumerate() {
        assert!(matches!(registry.insert(trade, sequence as u64), Ok(Inserted::New(_))));
    }
    registry
}

fn numbers<'a>(entries: impl Iterator<Item = &'a TradeEntry>) -> Vec<u64> {
    entries.map(|entry| entry.trade.trade).collect()
}

#[test]
fn s8_the_four_published_hashes_of_the_earlier_system_come_out() {
    let rows = [
        (
            "buy",
            "50.0",
            "3000.0",
            "test_strategy_0",
            "ETH/USDC",
            "1752166552.0024238",
            "924fdee34129479cd4b1b63070a86bfbb30f8cc05fbd9d751d966fe752312932",
        ),
        (
            "sell",
            "50.0",
            "3010.0",
            "test_strategy_1",
            "ETH/USDC",
            "1752166553.0044236",
            "19e1eb0e6ffdedf39fe0307202868b71734553cd59dae632e2df9afc6b6b36f1",
        ),
        (
            "buy",
            "50.0",
            "3020.0",
            "test_strategy_2",
            "ETH/USDC",
            "1752166554.006422",
            "872cfcaca90080e0152a422c33c6baaf7c6c8aa9971d9baa71e89ee3fc3a264e",
        ),
        (
            "buy",
            "100.0",
            "50000.0",
            "test_strategy",
            "BTC/USDC",
            "1752166552.0193334",
            "3701f0c6c8ceef8bdea269a9efd25025071a3be50cb7ae78c79474131815a51f",
        ),
    ];
    for (action, amount, entry_price, strategy_id, symbol, timestamp, expected) in rows {
        let fields = LegacyFields { action, amount, entry_price, strategy_id, symbol, timestamp };
        assert_eq!(legacy_hash(&fields).unwrap().to_string(), expected);
    }
}

#[test]
fn a_trade_of_ours_has_the_earlier_hash_where_its_rules_can_express_it() {
    let mut ours = trade(1, "50000", "50100", "0.002", "0");
    ours.symbol = "BTC/USDC".into();
    ours.entry.time = schwabot::time::Timestamp::from_nanos(1_752_166_552_019_333_400);
    let expected = "3701f0c6c8ceef8bdea269a9efd25025071a3be50cb7ae78c79474131815a51f";
    assert_eq!(legacy_hash_of(&ours).unwrap().to_string(), expected);
    ours.entry.price = price("0.00001"); // Python would print 1e-05
    assert_eq!(legacy_hash_of(&ours), None);
}

#[test]
fn names_are_escaped_as_python_escapes_them() {
    let hash = |name: &str| {
        legacy_hash(&LegacyFields {
            action: "buy",
            amount: "1",
            entry_price: "1",
            strategy_id: name,
            symbol: "A/B",
            timestamp: "1",
        })
    };
    // {"action": "buy", "amount": 1.0, "entry_price": 1.0,
    //  "strategy_id": "\u00e9\ud83d\ude00\"\\\n\u007f", "symbol": "A/B", "timestamp": 1.0}
    let text = "{\"action\": \"buy\", \"amount\": 1.0, \"entry_price\": 1.0, \"strategy_id\": \
                \"\\u00e9\\ud83d\\ude00\\\"\\\\\\n\\u007f\", \"symbol\": \"A/B\", \"timestamp\": 1.0}";
    assert_eq!(hash("\u{e9}\u{1f600}\"\\\n\u{7f}"), Some(schwabot::hash::sha256(text.as_bytes())));
}

#[test]
fn s9_three_eth_trades_are_found_by_hash_symbol_and_time_and_enter_once() {
    // 50 quote each: the quantity is that at the entry price, rounded down to 10^-8.
    let amounts = ["0.01666666", "0.01661129", "0.01655629"];
    let trades: Vec<TradeClosed> = (0..3)
        .map(|i| {
            let (entry, exit) = (3000 + 10 * i, 3010 + 10 * i);
            trade(i + 1, &entry.to_string(), &exit.to_string(), amounts[i as usize], "0.05")
        })
        .collect();
    let mut registry = registry(&trades);
    let hashes: std::collections::BTreeSet<Digest> =
        registry.all(Page::ALL).map(|entry| entry.hash).collect();
    assert_eq!(hashes.len(), 3);
    for trade in &trades {
        let hash = trade.canonical_hash().unwrap();
        assert_eq!(registry.get(&hash).unwrap().trade, *trade);
    }
    assert_eq!(numbers(registry.by_symbol("ETH/USDC", Page::ALL)), [1, 2, 3]);
    assert!(numbers(registry.by_symbol("BTC/USDC", Page::ALL)).is_empty());
    assert_eq!(numbers(registry.recent(Page::ALL)), [3, 2, 1]);
    let before = registry.clone();
    for trade in &trades {
        let hash = trade.canonical_hash().unwrap();
        assert!(matches!(registry.insert(trade, 99), Ok(Inserted::Known(known)) if known == hash));
    }
    assert_eq!(registry, before, "a repeated insertion changes nothing at all");
    // 10 * 0.01666666 - 0.1, and so on.
    let performance = registry.performance("USDC");
    assert_eq!((performance.total, performance.successful), (3, 3));
    assert_eq!(performance.total_net.to_string(), "0.1983424");
}

#[test]
fn another_trade_under_a_known_number_is_refused_and_changes_nothing() {
    let mut registry = registry(&[earning(1, 5)]);
    let before = registry.clone();
    let error = registry.insert(&earning(1, 6), 1).unwrap_err();
    assert!(matches!(error, RegistryError::Conflict { trade: 1, .. }), "{error}");
    assert_eq!(registry, before);
}

#[test]
fn equal_looking_trades_differ_by_their_number() {
    let mut second = earning(1, 5);
    second.trade = 2;
    let registry = registry(&[earning(1, 5), second]);
    assert_eq!(registry.len(), 2);
}

#[test]
fn every_field_counts_in_the_canonical_hash() {
    let base = earning(1, 5);
    let mut changed = vec![base.clone(); 6];
    changed[0].exit.price = price("1");
    changed[1].exit.fee = "0.000000000001".parse().unwrap();
    changed[2].net = MoneyExact::from_raw(1);
    changed[3].legacy_hash = Some(Digest::ZERO);
    changed[4].run = RunId([8; 16]);
    changed[5].confidence = Some(Ratio::ZERO);
    let hash = base.canonical_hash().unwrap();
    assert!(changed.iter().all(|other| other.canonical_hash().unwrap() != hash));
}

#[test]
fn without_trades_the_figures_are_zeros_and_nothing() {
    let performance = TradeRegistry::default().performance("USDC");
    assert_eq!(performance, Performance::default());
    assert_eq!(performance.success_rate, None);
    assert_eq!(performance.best, None);
}

#[test]
fn of_equal_results_the_first_is_the_best_and_the_first_is_the_worst() {
    let nets = [3, -2, 3, -2, 0];
    let trades: Vec<_> = (1..).zip(nets).map(|(number, net)| earning(number, net)).collect();
    let registry = registry(&trades);
    let performance = registry.performance("USDC");
    let number =
        |result: Option<TradeResult>| registry.get(&result.unwrap().hash).unwrap().trade.trade;
    assert_eq!((number(performance.best), number(performance.worst)), (1, 2));
    assert_eq!((performance.total, performance.successful), (5, 2), "zero is no success");
    assert_eq!(performance.success_rate, Some("0.4".parse().unwrap()));
    assert_eq!(performance.average_net.unwrap().to_string(), "0.4");
    assert_eq!(numbers(registry.profitable("USDC", MoneyExact::ZERO, Page::ALL)), [1, 3, 5]);
}

#[test]
fn profits_of_different_currencies_are_never_added_up() {
    let mut other = earning(2, 7);
    other.symbol = "ETH/BTC".into();
    let registry = registry(&[earning(1, 5), other]);
    assert_eq!(registry.quotes().collect::<Vec<_>>(), ["BTC", "USDC"]);
    assert_eq!(registry.performance("USDC").total_net.to_string(), "5");
    assert_eq!(registry.performance("BTC").total_net.to_string(), "7");
}

#[test]
fn a_total_that_does_not_fit_refuses_the_trade_and_changes_nothing() {
    let mut huge = earning(1, 1);
    huge.net = MoneyExact::MAX;
    let mut registry = registry(&[huge.clone()]);
    let before = registry.clone();
    huge.trade = 2;
    assert!(matches!(registry.insert(&huge, 1), Err(RegistryError::Overflow { trade: 2, .. })));
    assert_eq!(registry, before);
}

proptest! {
    #[test]
    fn queries_are_what_a_search_through_all_trades_gives(
        rows in prop::collection::vec((-5_i64..5, 0_i64..8, 0_usize..2, 0_usize..2), 0..40),
        min in -6_i64..6,
        (from, until) in (0_i64..9, 0_i64..9),
        page in (0_usize..5, 0_usize..7),
    ) {
        let (symbols, strategies) = (["ETH/USDC", "BTC/USDC"], ["a", "b"]);
        let trades: Vec<TradeClosed> = (1..)
            .zip(&rows)
            .map(|(number, &(net, minute, symbol, strategy))| {
                let mut trade = earning(number, net);
                trade.exit.time = at(minute);
                (trade.symbol, trade.strategy) = (symbols[symbol].into(), strategies[strategy].into());
                trade
            })
            .collect();
        let registry = registry(&trades);
        let page = Page { offset: page.0, limit: page.1 };
        let part = |all: Vec<&TradeClosed>| -> Vec<u64> {
            all.iter().skip(page.offset).take(page.limit).map(|t| t.trade).collect()
        };
        let filtered = |keep: &dyn Fn(&TradeClosed) -> bool| -> Vec<&TradeClosed> {
            trades.iter().filter(|trade| keep(trade)).collect()
        };
        prop_assert_eq!(numbers(registry.by_symbol("BTC/USDC", page)), part(filtered(&|t| t.symbol == "BTC/USDC")));
        prop_assert_eq!(numbers(registry.by_strategy("b", page)), part(filtered(&|t| t.strategy == "b")));
        let mut timed = filtered(&|t| at(from) <= t.exit.time && t.exit.time < at(until));
        timed.sort_by_key(|t| t.exit.time);
        prop_assert_eq!(numbers(registry.between(at(from), at(until), page)), part(timed));
        let mut newest = filtered(&|_| true);
        newest.sort_by_key(|t| std::cmp::Reverse((t.exit.time, t.trade)));
        prop_assert_eq!(numbers(registry.recent(page)), part(newest));
        let least: MoneyExact = min.to_string().parse().unwrap();
        let mut paid = filtered(&|t| t.net >= least);
        paid.sort_by_key(|t| (std::cmp::Reverse(t.net), t.trade));
        prop_assert_eq!(numbers(registry.profitable("USDC", least, page)), part(paid));
        let performance = registry.performance("USDC");
        let total: i64 = rows.iter().map(|row| row.0).sum();
        prop_assert_eq!(performance.total_net.to_string(), total.to_string());
        prop_assert_eq!(performance.successful, rows.iter().filter(|row| row.0 > 0).count() as u64);
    }
}

#[test]
fn an_entry_takes_no_more_memory_than_its_page_says() {
    assert!(size_of::<TradeEntry>() <= 496, "{}", size_of::<TradeEntry>());
}
