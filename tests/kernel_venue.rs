//! The simulated venue: when orders fill, at what price, and what they cost.

use schwabot::event::*;
use schwabot::strategies::{Size, Stance};
use schwabot::units::Ratio;

use crate::support::runs::*;

fn four_bars() -> Vec<Bar> {
    vec![
        bar(0, 0, "99", "99.5"),
        bar(0, 1, "100", "105"),
        bar(0, 2, "105", "108"),
        bar(0, 3, "110", "90"),
    ]
}

#[test]
fn a_round_trip_comes_out_as_computed_by_hand() {
    let script = scripted(vec![(0, buy("2")), (2, sell_all())]);
    let outcome = run(frictionless("own", 1), script, &four_bars());
    assert_eq!(
        outcome.names(),
        [
            "order_placed",
            "order_filled",
            "order_placed",
            "order_filled",
            "trade_closed",
            "state_root",
            "run_ended"
        ]
    );
    let trade = outcome.trades()[0];
    // In at the open of bar 1 for 200 and 0.2 fee, out at the open of bar 3 for 220 and 0.22.
    assert_eq!((trade.entry.price, trade.exit.price), (price("100"), price("110")));
    assert_eq!((trade.entry.time, trade.exit.time), (at(1), at(3)));
    assert_eq!(
        (trade.entry.fee.to_string(), trade.exit.fee.to_string()),
        ("0.2".into(), "0.22".into())
    );
    assert_eq!((trade.gross.to_string(), trade.net.to_string()), ("20".into(), "19.58".into()));
    assert_eq!((trade.trade, trade.symbol.as_str()), (1, "AAA/USD"));
    let run = outcome.world.run().unwrap();
    assert_eq!(run.portfolio().account("USD").unwrap().cash.to_string(), "10019.58");
    assert_eq!(run.equity("USD").unwrap().to_string(), "10019.58");
    assert_eq!(outcome.world.trades().performance("USD").total_net.to_string(), "19.58");
    assert!(trade.legacy_hash.is_some());
}

#[test]
fn this_close_fills_in_the_step_that_decided() {
    let mut config = frictionless("own", 1);
    config.venue.fill = FillModel::ThisClose;
    let outcome = run(config, scripted(vec![(0, buy("2")), (2, sell_all())]), &four_bars());
    let trade = outcome.trades()[0];
    assert_eq!((trade.entry.price, trade.exit.price), (price("99.5"), price("108")));
    assert_eq!((trade.entry.time, trade.exit.time), (at(1), at(3)));
    let sequence = |name| outcome.log.iter().position(|r| r.event.name() == name).unwrap();
    assert_eq!(sequence("order_filled"), sequence("order_placed") + 1);
}

#[test]
fn an_order_waits_for_a_bar_of_its_own_pair() {
    let order = order(1, Side::Buy, Stance::Open, Size::Quantity(quantity("1")));
    let mut first = bar(0, 0, "5", "5");
    first.last_of_instant = false;
    let bars = [
        first,
        bar(1, 0, "50", "50"),
        bar(0, 1, "6", "6"),
        bar(0, 2, "7", "7"),
        bar(1, 3, "60", "60"),
    ];
    let outcome = run(frictionless("own", 2), scripted(vec![(0, order)]), &bars);
    let fill = outcome.fills()[0];
    assert_eq!((fill.price, fill.time), (price("60"), at(3)));
}

#[test]
fn the_price_is_worse_by_the_half_spread_and_rounded_against_the_taker() {
    let mut config = frictionless("own", 1);
    config.venue.half_spread = "0.0001".parse().unwrap();
    config.instruments[0].tick = price("0.5");
    let outcome = run(config, scripted(vec![(0, buy("2")), (2, sell_all())]), &four_bars());
    let fills = outcome.fills();
    assert_eq!((fills[0].price, fills[1].price), (price("100.5"), price("109.5")));
    assert_eq!(fills[0].slippage, "0.0001".parse().unwrap());
}

#[test]
fn without_slippage_the_markets_price_is_taken_to_the_last_digit() {
    let mut config = frictionless("own", 1);
    config.instruments[0].tick = price("0.5");
    let mut bars = four_bars();
    (bars[1].open, bars[1].low) = (price("100.12345678901"), price("100"));
    let outcome = run(config, scripted(vec![(0, buy("2"))]), &bars);
    assert_eq!(outcome.fills()[0].price, price("100.12345678901"));
}

/// Twelve bars of 100, 101, 100, ...; buys at decision 9, so the fill bar is bar 10.
fn impact_fill(change: impl Fn(&mut Vec<Bar>), fill: FillModel, unit: VolumeUnit) -> OrderFilled {
    let mut config = frictionless("own", 1);
    config.venue.impact = Ratio::ONE;
    config.venue.impact_window_bars = 6;
    config.venue.fill = fill;
    config.instruments[0].volume_unit = unit;
    let closes = ["100", "101"];
    let mut bars: Vec<Bar> = (0..12)
        .map(|minute| bar(0, minute, closes[minute as usize % 2], closes[minute as usize % 2]))
        .collect();
    change(&mut bars);
    run(config, scripted(vec![(9, buy("10"))]), &bars).fills()[0].clone()
}

/// The sample deviation of `count` alternating returns of ln 1.01, as the formula says.
fn alternating_deviation(count: f64) -> f64 {
    let step = 0.009_950_331_f64;
    (count * step * step / (count - 1.0)).sqrt()
}

#[test]
fn impact_is_the_square_root_law_over_the_bars_before_the_fill() {
    let fill = impact_fill(|_| {}, FillModel::NextOpen, VolumeUnit::Base);
    let expected = alternating_deviation(6.0) * (10.0_f64 / 1000.0).sqrt();
    assert_eq!(fill.slippage.raw(), (expected * 1e9).round() as i64);
    assert!(fill.price > price("100"));
    let quote = impact_fill(|_| {}, FillModel::NextOpen, VolumeUnit::Quote);
    let expected = alternating_deviation(6.0) * (10.0_f64 * 100.0 / 1000.0).sqrt();
    assert_eq!(quote.slippage.raw(), (expected * 1e9).round() as i64);
}

#[test]
fn nothing_that_came_with_the_fill_bar_moves_its_price() {
    let wild = |bar: &mut Bar| {
        bar.volume = quantity("1");
        (bar.high, bar.close) = (price("5000"), price("4000"));
    };
    for (model, fill_bar) in [(FillModel::NextOpen, 10), (FillModel::ThisClose, 9)] {
        let plain = impact_fill(|_| {}, model, VolumeUnit::Base);
        let own =
            impact_fill(|bars| bars[fill_bar].volume = quantity("1"), model, VolumeUnit::Base);
        assert_eq!(own.slippage, plain.slippage, "{model:?}: its own volume");
        let later = impact_fill(|bars| wild(&mut bars[11]), model, VolumeUnit::Base);
        assert_eq!(later, plain, "{model:?}: a later bar");
        let earlier =
            impact_fill(|bars| bars[fill_bar - 1].volume = quantity("1"), model, VolumeUnit::Base);
        assert!(earlier.slippage > plain.slippage, "{model:?}: an earlier bar does count");
        let gone = impact_fill(|bars| wild(&mut bars[1]), model, VolumeUnit::Base);
        assert_eq!(gone, plain, "{model:?}: what has left the window does not");
    }
    let own = impact_fill(|bars| wild(&mut bars[10]), FillModel::NextOpen, VolumeUnit::Base);
    assert_eq!(own, impact_fill(|_| {}, FillModel::NextOpen, VolumeUnit::Base));
}

#[test]
fn no_return_crosses_a_gap() {
    // The jump from 100 to 300 happens while bars are missing: it is no return of one minute.
    let jump = |gap: i64| {
        let mut config = frictionless("own", 1);
        config.venue.impact = Ratio::ONE;
        let mut bars: Vec<Bar> = (0..4).map(|m| bar(0, m, "100", "100")).collect();
        bars.extend((4..8).map(|m| bar(0, m + gap, "300", "300")));
        run(config, scripted(vec![(6, buy("10"))]), &bars).fills()[0].slippage
    };
    assert_eq!(jump(5), Ratio::ZERO);
    assert!(jump(0) > Ratio::ZERO);
}

#[test]
fn without_volume_or_history_only_the_half_spread_counts() {
    let mut config = config("own", 1);
    config.venue.half_spread = "0.0005".parse().unwrap();
    let mut bars = four_bars();
    for bar in &mut bars {
        bar.volume = quantity("0");
    }
    let outcome = run(config.clone(), scripted(vec![(2, buy("1"))]), &bars);
    assert_eq!(outcome.fills()[0].slippage, "0.0005".parse().unwrap());
    let outcome = run(config, scripted(vec![(0, buy("1"))]), &four_bars());
    assert_eq!(outcome.fills()[0].slippage, "0.0005".parse().unwrap());
}

#[test]
fn an_order_that_the_opening_price_made_too_dear_is_rejected() {
    let bars = [bar(0, 0, "100", "100"), bar(0, 1, "120", "120"), bar(0, 2, "120", "120")];
    let outcome = run(frictionless("own", 1), scripted(vec![(0, buy("99"))]), &bars);
    let rejected = OrderRejected { order: 1, pair: PairId(0), reason: RefusalReason::NoCash };
    assert!(outcome.derived().any(|event| *event == Event::OrderRejected(rejected.clone())));
    let run = outcome.world.run().unwrap();
    assert_eq!(run.counters().rejected, 1);
    assert!(run.pairs()[0].pending.is_empty());
    assert_eq!(run.portfolio().account("USD").unwrap().cash.to_string(), "10000");
}

#[test]
fn a_bar_that_cannot_be_fills_no_order() {
    let mut bars = four_bars();
    bars[1].low = price("0");
    let outcome = run(frictionless("own", 1), scripted(vec![(0, buy("2"))]), &bars);
    let fill = outcome.fills()[0];
    assert_eq!((fill.price, fill.time), (price("105"), at(2)));
    assert_eq!(outcome.world.findings().total(), 1);
}

#[test]
fn what_still_waits_at_the_end_of_the_data_expires() {
    let outcome = run(frictionless("own", 1), scripted(vec![(3, buy("1"))]), &four_bars());
    let derived: Vec<&Event> = outcome.derived().collect();
    let expired = OrderExpired { order: 1, pair: PairId(0) };
    assert_eq!(*derived[1], Event::OrderExpired(expired));
    let ended = RunEnded { bars: 4, defects: 0, orders: 1, refused: 0, fills: 0, trades: 0 };
    assert_eq!(derived[2].name(), "state_root");
    assert_eq!(*derived[3], Event::RunEnded(ended));
}

#[test]
fn an_open_position_at_the_end_is_marked_and_no_trade() {
    let outcome = run(frictionless("own", 1), scripted(vec![(0, buy("2"))]), &four_bars());
    assert_eq!(outcome.trades().len(), 0);
    let run = outcome.world.run().unwrap();
    // Bought at 100 with 0.2 fee, last close 90.
    assert_eq!(run.unrealised("USD").unwrap().to_string(), "-20.2");
    assert_eq!(run.equity("USD").unwrap().to_string(), "9979.8");
    // The highest mark was 108 at bar 2: 10,000 + 15.8 = 10,015.8.
    let track = run.equity_tracks()[0];
    assert_eq!(
        (track.peak.to_string(), track.max_drawdown.to_string()),
        ("10015.8".into(), "36".into())
    );
}
