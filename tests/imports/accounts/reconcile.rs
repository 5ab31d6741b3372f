//! A bot's own fills against its venue's: one to one, by the strongest name, each finding told.

use proptest::prelude::*;
use schwabot::event::{Exactness, Side};
use schwabot::projections::{PairedBy, Reconciled, ToldFill, reconcile_fills};
use schwabot::time::{Span, Timestamp};
use schwabot::units::{Price, Quantity};
use serde_json::json;

use super::through::{import, verified};
use crate::support::cli::{Place, run};
use crate::support::{TestResult, cases};

const SECOND: Span = Span::from_nanos(1_000_000_000);

/// A fill of a whole price and quantity at a second.
fn fill(sequence: u64, second: u64, price: i64, quantity: i64) -> ToldFill {
    ToldFill {
        sequence,
        row: sequence,
        symbol: "BTC/USDT".to_owned(),
        side: Side::Buy,
        price: price.to_string().parse().unwrap(),
        quantity: quantity.to_string().parse().unwrap(),
        fee: None,
        fee_currency: None,
        time: Timestamp::from_seconds(1_700_000_000 + second),
        trade_ids: Vec::new(),
        order_id: None,
        exactness: Exactness::Decimal,
    }
}

fn named(mut fill: ToldFill, trade: &str) -> ToldFill {
    fill.trade_ids.push(trade.to_owned());
    fill
}

fn ordered(mut fill: ToldFill, order: &str) -> ToldFill {
    fill.order_id = Some(order.to_owned());
    fill
}

fn sequences(fills: &[ToldFill]) -> Vec<u64> {
    fills.iter().map(|fill| fill.sequence).collect()
}

fn fields(found: &Reconciled) -> Vec<(&'static str, &str, &str)> {
    let fields = found.contradicted.iter().flat_map(|pair| &pair.fields);
    fields.map(|f| (f.field, f.ours.as_str(), f.venue.as_str())).collect()
}

#[test]
fn a_fill_is_confirmed_by_the_name_of_its_trade_whatever_separates_its_currencies() {
    let ours = [named(fill(1, 0, 10, 1), "a"), named(fill(2, 1, 10, 1), "b")];
    let mut venue = [named(fill(3, 1, 10, 1), "b"), named(fill(4, 0, 10, 1), "a")];
    venue.iter_mut().for_each(|fill| fill.symbol = "btc-usdt".to_owned());
    let found = reconcile_fills(&ours, &venue, SECOND);
    assert!(found.is_clean());
    assert_eq!(found.confirmed, [(PairedBy::TradeId, 2)].into());
}

#[test]
fn two_fills_of_one_name_that_say_otherwise_are_contradicted_field_by_field() {
    let ours = [named(fill(1, 0, 10, 1), "a")];
    let mut other = named(fill(2, 30, 11, 2), "a");
    other.side = Side::Sell;
    let found = reconcile_fills(&ours, &[other], SECOND);
    assert_eq!(
        fields(&found),
        [
            ("side", "buy", "sell"),
            ("price", "10", "11"),
            ("quantity", "1", "2"),
            ("time", "2023-11-14T22:13:20Z", "2023-11-14T22:13:50Z"),
        ]
    );
    assert!(found.missing_at_ours.is_empty() && found.missing_at_venue.is_empty());
}

#[test]
fn a_fee_is_compared_where_both_tell_it_with_its_currency() {
    let with_fee = |mut fill: ToldFill, fee: &str, currency: Option<&str>| {
        fill.fee = Some(fee.parse().unwrap());
        fill.fee_currency = currency.map(str::to_owned);
        fill
    };
    let ours = [
        with_fee(named(fill(1, 0, 10, 1), "a"), "0.1", Some("USDT")),
        with_fee(named(fill(2, 0, 10, 1), "b"), "0.1", Some("USDT")),
        named(fill(3, 0, 10, 1), "c"),
    ];
    let venue = [
        with_fee(named(fill(4, 0, 10, 1), "a"), "0.1", None),
        with_fee(named(fill(5, 0, 10, 1), "b"), "0.1", Some("BNB")),
        with_fee(named(fill(6, 0, 10, 1), "c"), "0.3", Some("BNB")),
    ];
    let found = reconcile_fills(&ours, &venue, SECOND);
    assert_eq!(fields(&found), [("fee", "0.1 USDT", "0.1 BNB")]);
    assert_eq!(found.confirmed_count(), 2);
}

#[test]
fn what_only_one_side_tells_is_missing_on_the_other() {
    let ours = [named(fill(1, 0, 10, 1), "a"), named(fill(2, 0, 12, 1), "b")];
    let venue = [named(fill(3, 0, 10, 1), "a"), named(fill(4, 0, 13, 1), "c")];
    let found = reconcile_fills(&ours, &venue, SECOND);
    assert_eq!(sequences(&found.missing_at_venue), [2]);
    assert_eq!(sequences(&found.missing_at_ours), [4]);
}

#[test]
fn fills_of_one_order_are_paired_by_what_they_say_and_then_one_to_one() {
    let ours = [ordered(fill(1, 0, 10, 1), "o"), ordered(fill(2, 0, 10, 2), "o")];
    let venue = [ordered(fill(3, 0, 10, 2), "o"), ordered(fill(4, 0, 10, 3), "o")];
    let found = reconcile_fills(&ours, &venue, SECOND);
    assert_eq!(found.confirmed, [(PairedBy::OrderId, 1)].into());
    assert_eq!(fields(&found), [("quantity", "1", "3")]);
    // With names of trades that differ they are different trades of the order.
    let ours = ours.map(|fill| named(fill, "x"));
    let venue = [named(venue[0].clone(), "y"), named(venue[1].clone(), "z")];
    let found = reconcile_fills(&ours, &venue, SECOND);
    assert_eq!((found.confirmed_count(), found.contradicted.len()), (1, 0));
    assert_eq!(
        (sequences(&found.missing_at_venue), sequences(&found.missing_at_ours)),
        (vec![1], vec![4])
    );
}

#[test]
fn without_names_figures_and_a_time_within_the_tolerance_pair_as_many_as_can_be() {
    let ours = [fill(1, 0, 10, 1), fill(2, 1, 10, 1), fill(3, 2, 10, 1)];
    let venue = [fill(4, 1, 10, 1), fill(5, 2, 10, 1), fill(6, 3, 10, 1)];
    let found = reconcile_fills(&ours, &venue, SECOND);
    assert_eq!(found.confirmed, [(PairedBy::Figures, 3)].into(), "each shifted by one");
    let strict = reconcile_fills(&ours, &venue, Span::from_nanos(0));
    assert_eq!(strict.confirmed_count(), 2);
    assert_eq!(
        (sequences(&strict.missing_at_venue), sequences(&strict.missing_at_ours)),
        (vec![1], vec![6])
    );
}

#[test]
fn fills_of_one_name_are_paired_as_many_as_can_be_whatever_order_they_are_told_in() {
    // The last could be taken by the first, whose own partner is then too far away for it.
    let told = [1, 2, 0].map(|second| fill(second, second, 10, 1));
    let with_trade = |mut fill: ToldFill| {
        fill.trade_ids = vec!["t".to_owned()];
        fill
    };
    let with_order = |mut fill: ToldFill| {
        fill.order_id = Some("o".to_owned());
        fill
    };
    for told in [told.clone().map(with_trade), told.map(with_order)] {
        let found = reconcile_fills(&told, &told, SECOND);
        assert!(found.is_clean(), "{found:?}");
    }
    // Nor does one that says otherwise take the partner of one that says the same.
    let ours = [fill(1, 0, 11, 1), fill(2, 1, 10, 1)].map(with_trade);
    let venue = [fill(3, 1, 10, 1), fill(4, 0, 12, 1)].map(with_trade);
    let found = reconcile_fills(&ours, &venue, SECOND);
    assert_eq!((found.confirmed_count(), found.contradicted.len()), (1, 1), "{found:?}");
}

#[test]
fn numbers_that_a_bot_cut_to_six_decimals_confirm_the_whole_ones_and_no_others() {
    let mut ours = fill(1, 0, 10, 1);
    (ours.exactness, ours.price) = (Exactness::Truncated, "10.123456".parse().unwrap());
    let mut venue = fill(2, 0, 10, 1);
    venue.price = "10.12345699".parse().unwrap();
    let found = reconcile_fills(&[ours.clone()], &[venue.clone()], SECOND);
    assert!(found.is_clean());
    venue.price = "10.123457".parse().unwrap();
    assert!(!reconcile_fills(&[ours], &[venue], SECOND).is_clean());
}

#[test]
fn totals_are_exact_for_each_side_and_symbol() {
    let mut sold = fill(2, 0, 11, 3);
    sold.side = Side::Sell;
    let found = reconcile_fills(&[fill(1, 0, 10, 1), sold], &[], SECOND);
    let total = &found.totals["BTCUSDT"];
    assert_eq!(total.ours.fills, 2);
    assert_eq!(total.ours.net_quantity.unwrap().to_string(), "-2");
    assert_eq!(total.ours.turnover.unwrap().to_string(), "43");
    assert_eq!(total.venue.fills, 0);
}

fn any_fill() -> impl Strategy<Value = ToldFill> {
    let ids = proptest::option::of(0..4_u8);
    (0..4_u64, 1..3_i64, 1..3_i64, any::<bool>(), ids.clone(), ids, any::<bool>()).prop_map(
        |(second, price, quantity, buy, trade, order, other)| {
            let mut fill = fill(0, second, price, quantity);
            fill.side = if buy { Side::Buy } else { Side::Sell };
            fill.symbol = if other { "A/B" } else { "C/B" }.to_owned();
            fill.trade_ids = trade.map(|id| id.to_string()).into_iter().collect();
            fill.order_id = order.map(|id| id.to_string());
            fill
        },
    )
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn every_fill_is_paired_once_or_missing_once_and_what_is_equal_is_confirmed(
        mut ours in proptest::collection::vec(any_fill(), 0..12),
        mut venue in proptest::collection::vec(any_fill(), 0..12),
    ) {
        for (sequence, fill) in (0..).zip(ours.iter_mut().chain(venue.iter_mut())) {
            fill.sequence = sequence;
        }
        let found = reconcile_fills(&ours, &venue, SECOND);
        let pairs = usize::try_from(found.confirmed_count())? + found.contradicted.len();
        prop_assert_eq!(pairs + found.missing_at_venue.len(), ours.len());
        prop_assert_eq!(pairs + found.missing_at_ours.len(), venue.len());
        let again = reconcile_fills(&ours, &venue, SECOND);
        prop_assert_eq!(found, again);
        let itself = reconcile_fills(&ours, &ours, SECOND);
        prop_assert!(itself.is_clean(), "{:?}", itself);
    }
}

#[test]
fn the_program_tells_each_finding_and_ends_with_15() -> TestResult {
    let place = Place::new()?;
    let venue = "txid,ordertxid,pair,time,type,price,cost,fee,vol\n\
                 T1,O1,ETH/USDT,2023-11-14 22:13:20.123,buy,2000.1234565,1000.06,1,0.5\n\
                 T2,O2,ETH/USDT,2023-11-14 22:14:20,sell,2001,1000.5,1,0.5\n\
                 T3,O3,ETH/USDT,2023-11-14 22:15:20,sell,2002,200.2,1,0.1\n";
    let head = "symbol,timestamp,order_id,trade_type,price,amount,exchange_trade_id\n";
    let own = "ETH-USDT,1700000000123,b1,BUY,2000123456,500000,T1\n\
               ETH-USDT,1700000060000,b2,SELL,2001000000,400000,T2\n\
               ETH-USDT,1700000090000,b4,SELL,2003000000,100000,T4\n";
    import(&place, &place.write("venue.csv", venue)?, &["--label", "kraken"])?;
    import(&place, &place.write("own.csv", &format!("{head}{own}"))?, &["--label", "bot"])?;
    let ledger = place.arg("ledger");
    let args = ["reconcile", &ledger, "--ours", "bot", "--venue", "kraken"];
    let ran = run(&[&args[..], &["--format", "json"]].concat())?;
    assert_eq!(ran.code, Some(15), "{}", ran.err);
    let told = ran.json()?;
    assert_eq!((&told["confirmed"], &told["confirmed_by"]), (&json!(1), &json!({"trade_id": 1})));
    assert_eq!(
        told["contradicted"][0]["fields"][0],
        json!({"field": "quantity", "ours": "0.4", "venue": "0.5"})
    );
    assert_eq!(told["missing_at_venue"][0]["trade_ids"], json!(["T4"]));
    assert_eq!(told["missing_at_ours"][0]["trade_ids"], json!(["T3"]));
    assert_eq!(told["totals"]["ETHUSDT"]["venue"]["net_quantity"], "-0.1");
    let text = run(&args)?;
    assert_eq!(text.code, Some(15));
    for words in [
        "not every fill is confirmed",
        "quantity: ours 0.4, venue 0.5",
        "missing at ours: sold 0.1",
    ] {
        assert!(text.out.contains(words), "{}", text.out);
    }
    assert_eq!(verified(&place)?, Some(0));

    let unknown = run(&["reconcile", &ledger, "--ours", "me", "--venue", "kraken"])?;
    assert_eq!(unknown.code, Some(2));
    assert!(
        unknown.err.contains("no fills under `me`; labels with fills: bot (3), kraken (3)"),
        "{}",
        unknown.err
    );
    Ok(())
}

#[test]
fn what_is_answered_to_programs_is_what_the_page_says() -> TestResult {
    let page = include_str!("../../../src/docs/OUTPUT.md");
    let said = |kind: &str| -> Vec<&str> {
        let section = page.split("### `").find(|section| section.starts_with(&format!("{kind}`")));
        let rows = section.unwrap_or_default().lines().filter(|line| line.starts_with("| `"));
        let mut fields: Vec<&str> = rows.filter_map(|row| row.split('`').nth(1)).collect();
        fields.sort_unstable();
        fields
    };
    let place = Place::new()?;
    let head = "txid,ordertxid,pair,time,type,price,cost,fee,vol\n";
    for (label, price) in [("a", "2"), ("b", "3")] {
        let row = format!("{head}T1,O1,A/B,2023-11-14 22:13:20,buy,{price},{price},0,1\n");
        import(&place, &place.write(&format!("{label}.csv"), &row)?, &["--label", label])?;
    }
    let ledger = place.arg("ledger");
    let ask = |format: &str| {
        run(&[
            "reconcile",
            &ledger,
            "--ours",
            "a",
            "--venue",
            "b",
            "--tolerance-seconds",
            "0",
            "--format",
            format,
        ])
    };
    let keys = |text: &str| -> TestResult<Vec<String>> {
        let value: serde_json::Value = serde_json::from_str(text)?;
        let fields = value.as_object().ok_or("no object")?.keys();
        Ok(fields.filter(|key| *key != "type").cloned().collect())
    };
    assert_eq!(keys(&ask("json")?.out)?, said("reconcile"));
    let lines = ask("jsonl")?.out;
    let first = lines.lines().next().ok_or("no line")?;
    assert_eq!(keys(first)?, said("fill_finding"));
    assert!(first.contains("\"type\":\"fill_finding\""), "{first}");
    let table = ask("csv")?.out;
    assert!(table.starts_with("finding,by,fields,ours.sequence,"), "{table}");
    Ok(())
}

#[test]
fn the_fills_of_a_run_are_confirmed_by_a_venue_that_tells_the_same() -> TestResult {
    let place = Place::new()?;
    let ledger = place.arg("ledger");
    let demo = run(&["demo", "--ledger", &ledger])?;
    assert_eq!(demo.code, Some(0), "{}", demo.err);
    let ran = run(&["replay", &ledger, "--kind", "order_filled", "--format", "jsonl"])?;
    let mut export = String::from("trade id,product,side,created at,size,price,fee,total\n");
    let pairs = ["BTC-USDC", "ETH-BTC", "ETH-USDC"];
    for (number, line) in (1..).zip(ran.out.lines()) {
        let line: serde_json::Value = serde_json::from_str(line)?;
        let fill = &line["payload"];
        let pair = pairs[usize::try_from(fill["pair"].as_u64().unwrap_or(9))?];
        let text = |name: &str| fill[name].as_str().unwrap_or_default().to_owned();
        let (price, quantity): (Price, Quantity) =
            (text("price").parse()?, text("quantity").parse()?);
        let gross = price.times(quantity)?.rounded();
        let fee: schwabot::units::Money = text("fee").parse()?;
        let total = match text("side").as_str() {
            "buy" => format!("-{}", gross.plus(fee)?),
            _ => gross.minus(fee)?.to_string(),
        };
        let (side, time) = (text("side"), text("time"));
        export
            .push_str(&format!("{number},{pair},{side},{time},{quantity},{price},{fee},{total}\n"));
    }
    import(&place, &place.write("venue.csv", &export)?, &["--label", "venue"])?;
    let args = ["reconcile", &ledger, "--ours", "@run", "--venue", "venue", "--format", "json"];
    let ran = run(&args)?;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let told = ran.json()?;
    assert_eq!(told["confirmed"], told["fills"]["ours"]);
    assert!(told["confirmed"].as_u64() > Some(10), "{told}");
    Ok(())
}

#[test]
fn many_equal_fills_of_one_name_or_of_none_are_paired_without_comparing_all_with_all() {
    // All with all would be 900 million comparisons for each.
    let plain: Vec<ToldFill> = (0..30_000).map(|number| fill(number, 0, 10, 1)).collect();
    let of_order: Vec<ToldFill> = plain.iter().map(|one| ordered(one.clone(), "o")).collect();
    let of_trade: Vec<ToldFill> = plain.iter().map(|one| named(one.clone(), "t")).collect();
    for (fills, by) in
        [(plain, PairedBy::Figures), (of_order, PairedBy::OrderId), (of_trade, PairedBy::TradeId)]
    {
        let found = reconcile_fills(&fills, &fills, SECOND);
        assert!(found.is_clean(), "{by:?}");
        assert_eq!(found.confirmed, [(by, 30_000)].into());
    }
}

#[test]
fn many_fills_that_all_differ_are_held_against_few_others_each() {
    // Within the tolerance of each other, of one symbol and side: all with all would be 3,600
    // million comparisons for each.
    const MANY: i64 = 60_000;
    let numbered = |from: i64| -> Vec<ToldFill> {
        (0..MANY).map(|number| fill(0, 0, 10, from + number)).collect()
    };
    let (ours, mut backwards) = (numbered(1), numbered(1));
    backwards.reverse();
    let all = u64::try_from(MANY).unwrap();
    let found = reconcile_fills(&ours, &numbered(1 + MANY), SECOND);
    assert_eq!((found.missing_at_venue.len(), found.confirmed_count()), (ours.len(), 0));
    let found = reconcile_fills(&ours, &backwards, SECOND);
    assert_eq!(found.confirmed, [(PairedBy::Figures, all)].into());
    for (name, by) in
        [(ordered as fn(ToldFill, &str) -> ToldFill, PairedBy::OrderId), (named, PairedBy::TradeId)]
    {
        let all_named = |fills: &[ToldFill]| -> Vec<ToldFill> {
            fills.iter().map(|fill| name(fill.clone(), "x")).collect()
        };
        let found = reconcile_fills(&all_named(&ours), &all_named(&backwards), SECOND);
        assert_eq!(found.confirmed, [(by, all)].into());
    }
}
