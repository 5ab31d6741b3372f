//! The earlier system's own files: what they hold, and what of it does not follow.

use schwabot::event::Side;
use schwabot::import::accounts::{AccountFormat, NoticeKind};

use super::reading::{read, refused};

/// The four published trades, as the registry writes them.
fn published() -> String {
    let trades = [
        (
            "924fdee34129479cd4b1b63070a86bfbb30f8cc05fbd9d751d966fe752312932",
            "buy",
            "ETH/USDC",
            "50.0",
            "3000.0",
            "3010.0",
            "0.05",
            "5.0",
            "test_strategy_0",
            "1752166552.0024238",
        ),
        (
            "19e1eb0e6ffdedf39fe0307202868b71734553cd59dae632e2df9afc6b6b36f1",
            "sell",
            "ETH/USDC",
            "50.0",
            "3010.0",
            "3020.0",
            "0.05",
            "6.0",
            "test_strategy_1",
            "1752166553.0044236",
        ),
        (
            "872cfcaca90080e0152a422c33c6baaf7c6c8aa9971d9baa71e89ee3fc3a264e",
            "buy",
            "ETH/USDC",
            "50.0",
            "3020.0",
            "3030.0",
            "0.05",
            "7.0",
            "test_strategy_2",
            "1752166554.006422",
        ),
        (
            "3701f0c6c8ceef8bdea269a9efd25025071a3be50cb7ae78c79474131815a51f",
            "buy",
            "BTC/USDC",
            "100.0",
            "50000.0",
            "50500.0",
            "0.1",
            "4.9",
            "test_strategy",
            "1752166552.0193334",
        ),
    ];
    let trades = trades.map(|(hash, action, symbol, amount, entry, exit, fees, profit, by, time)| {
        format!(
            "    {{\"trade_hash\": \"{hash}\", \"timestamp\": {time}, \"symbol\": \"{symbol}\", \
             \"action\": \"{action}\", \"entry_price\": {entry}, \"exit_price\": {exit}, \
             \"amount\": {amount}, \"fees\": {fees}, \"profit_usd\": {profit}, \"strategy_id\": \
             \"{by}\", \"linked_registries\": \"set()\"}}"
        )
    });
    format!(
        "{{\n  \"trades\": [\n{}\n  ],\n  \"specialized_registries\": {{}},\n  \"metadata\": \
         {{\"total_trades\": 4, \"total_profit\": 22.9}}\n}}\n",
        trades.join(",\n")
    )
}

#[test]
fn of_the_four_published_trades_none_earned_what_it_claims() {
    let read = read(AccountFormat::EarlierRegistry, published());
    let computed: Vec<String> =
        read.trips.iter().map(|trip| trip.computed.unwrap().to_string()).collect();
    let rounded = ["0.1166", "-0.216", "0.1155", "0.9"];
    assert!(
        computed.iter().zip(rounded).all(|(found, known)| found.starts_with(known)),
        "{computed:?}"
    );
    assert!(read.trips.iter().all(|trip| trip.agrees == Some(false)));
    assert_eq!(read.trips[1].side, Side::Sell);
    let said = read.said(NoticeKind::Contradiction);
    assert_eq!(said.len(), 4, "all four are told, and all four hashes hold: {said:?}");
    assert!(said[3].starts_with("profit 4.9 is claimed, and 0.9 follows"));
    assert_eq!(read.said(NoticeKind::Inexact).len(), 4, "links written as text are lost");
}

#[test]
fn a_field_of_the_hash_that_was_edited_and_a_wrong_total_are_told() {
    let edited = published().replace("\"amount\": 100.0", "\"amount\": 500.0");
    let edited = edited.replace("\"total_trades\": 4", "\"total_trades\": 5");
    let edited = edited.replace("22.9", "24");
    let read = read(AccountFormat::EarlierRegistry, edited);
    assert_eq!(read.trips[3].agrees, Some(true), "with a notional of 500 the profit is 4.9");
    let said = read.said(NoticeKind::Contradiction).join("\n");
    assert!(said.contains("its hash is `3701f0c6c8ceef8bdea269a9efd25025071a3be5..."), "{said}");
    assert!(said.contains("metadata counts `5` trades, there are 4"), "{said}");
    assert!(said.contains("metadata says a profit of 24, its trades claim 22.9"), "{said}");
}

#[test]
fn links_of_the_registry_are_entries_of_their_own() {
    let linked = published().replace(
        "\"specialized_registries\": {}",
        "\"specialized_registries\": {\"soulprints\": {\"924f\": \"aa\", \"19e1\": \"bb\"}}",
    );
    let read = read(AccountFormat::EarlierRegistry, linked);
    let entries: Vec<_> = read
        .entries
        .iter()
        .map(|e| (e.row, e.registry.as_str(), e.key.as_str(), e.json.as_str()))
        .collect();
    assert_eq!(
        entries,
        [(5, "links/soulprints", "924f", "\"aa\""), (6, "links/soulprints", "19e1", "\"bb\"")]
    );
}

#[test]
fn buckets_keep_every_field_and_a_percentage_that_does_not_follow_is_told() {
    let bucket = |percent: &str, trade: &str| {
        format!(
            "{{\"hash_pattern\": \"p{percent}\", \"entry_price\": 50000.0, \"exit_price\": 50500.0, \
             \"profit_pct\": {percent}, {trade} \"confidence\": 5e-1, \"last_used\": 1752166552.5}}"
        )
    };
    let text = format!(
        "{{\"buckets\": {{\"p1.0\": {}, \"p2.0\": {}}}}}",
        bucket("1.0", "\"canonical_hash\": \"ab\","),
        bucket("2.0", "")
    );
    let of_map = read(AccountFormat::EarlierBuckets, &text);
    assert_eq!(of_map.entries.len(), 2);
    assert_eq!(
        of_map.entries[0].json,
        "{\"canonical_hash\":\"ab\",\"confidence\":5e-1,\"entry_price\":50000.0,\
         \"exit_price\":50500.0,\"hash_pattern\":\"p1.0\",\"last_used\":1752166552.5,\
         \"profit_pct\":1.0}",
        "keys sorted, no blanks, numbers as they were written"
    );
    assert_eq!(of_map.entries[0].time.unwrap().to_string(), "2025-07-10T16:55:52.5Z");
    assert_eq!(
        of_map.said(NoticeKind::Contradiction),
        ["profit_pct is 2, its prices give 1 before the side", "it refers to no trade"]
    );
    // The map alone.
    let alone = text.strip_prefix("{\"buckets\": ").unwrap().strip_suffix('}').unwrap();
    let alone = read(AccountFormat::EarlierBuckets, alone);
    assert_eq!(alone.entries, of_map.entries);
}

const MEMORY: &str = r#"{
  "entries": {
    "ghost_1752166552001": {"entry_id": "ghost_1752166552001", "memory_type": "ghost_trigger",
      "timestamp": 1752166552.001, "importance": 0.8, "data": {"pair": "BTC→ETH", "bit": "0101"}},
    "ghost_1752166552002": {"entry_id": "ghost_1", "memory_type": "ghost_trigger"}
  },
  "patterns": {"price_spike": 2},
  "metrics": {"total_triggers": 3},
  "volume_weights": {"BTC→ETH_bit4": 1.3},
  "timestamp": 1752166553.0
}"#;

#[test]
fn a_memory_is_its_entries_and_one_that_calls_itself_otherwise_is_told() {
    let read = read(AccountFormat::EarlierMemory, MEMORY);
    let keys: Vec<_> = read.entries.iter().map(|e| (e.registry.as_str(), e.key.as_str())).collect();
    assert_eq!(
        keys,
        [
            ("ghost_memory", "ghost_1752166552001"),
            ("ghost_memory", "ghost_1752166552002"),
            ("volume_weights", "BTC→ETH_bit4"),
        ]
    );
    assert!(read.entries[0].json.contains("\"pair\":\"BTC→ETH\""));
    assert_eq!(read.entries[0].time.unwrap().to_string(), "2025-07-10T16:55:52.001Z");
    let said = read.said(NoticeKind::Contradiction);
    assert_eq!(said, ["it stands under `ghost_1752166552002` and calls itself `ghost_1`"]);
    let unread = read.said(NoticeKind::NoFact);
    assert!(unread[0].ends_with("`metrics` (1), `patterns` (1)"), "{unread:?}");
}

#[test]
fn the_memory_of_a_pair_is_its_cases_under_the_name_of_its_file() {
    let text = r#"{"events": [{"trigger": "price_spike", "outcome": "+0.05", "confidence": 0.8},
      {"trigger": "trend_reversal", "outcome": "-0.01", "timestamp": "2025-07-10T16:55:52Z"}]}"#;
    let cases = read(AccountFormat::EarlierPair, text);
    let keys: Vec<_> = cases.entries.iter().map(|e| e.key.as_str()).collect();
    assert_eq!(keys, ["BTC→ETH_bit4#1", "BTC→ETH_bit4#2"]);
    let error = refused(AccountFormat::EarlierPair, text.replace("-0.01", "lost"));
    assert_eq!(
        error,
        "line 2, column 48: outcome: `lost`: character 0 is not part of a decimal number"
    );
    let error =
        refused(AccountFormat::EarlierPair, text.replace("\"trigger\": \"trend", "\"t\": \"trend"));
    assert_eq!(error, "line 2, column 7: trigger: is missing");
}

#[test]
fn a_malformed_trade_of_the_registry_names_its_place() {
    let cases = [
        (published().replacen("\"buy\"", "\"hold\"", 1), "line 3, column 153: action: `hold`"),
        (
            published().replacen("\"entry_price\": 3000.0", "\"entry_price\": 0", 1),
            "entry_price: is not above zero",
        ),
        (published().replacen("3010.0", "3e300", 1), "exit_price: `3e300`: too large"),
        (published().replacen("\"ETH/USDC\"", "[]", 1), "symbol: `[]` is no text"),
        (published().replace("\n  ],", "\n  "), "JSON: expected"),
    ];
    for (text, expected) in cases {
        let error = refused(AccountFormat::EarlierRegistry, &text);
        assert!(error.contains(expected), "{error}\n  where expected: {expected}");
    }
}
