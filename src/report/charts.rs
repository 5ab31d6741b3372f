//! What is drawn of a run, and what is said where there is nothing to draw.

use super::equity::{Curve, Sample};
use super::metric::Unit;
use super::returns::{Closes, Period, sharpe};
use super::svg::{Bar, Chart, Row, Segment, Stroke, Tick, round_steps};
use super::thinned::Thinned;
use super::trades::{TradeFigures, scaled};
use super::words::{at_step, counted, minute, moment, shown};
use crate::engines::Engines;
use crate::registries::TradeEntry;
use crate::time::{DAY_NS, Timestamp};

/// Trades that are drawn on one pair's price.
const TRADES_DRAWN: usize = 300;
/// Pairs whose prices are drawn.
pub(super) const PAIRS_DRAWN: usize = 12;
/// Points of a row that is worked out from returns.
const ROW_POINTS: usize = 1_200;
/// Columns of a distribution.
const BINS: usize = 25;
/// Legs whose weights are drawn.
const LEGS_DRAWN: usize = 8;
/// Colours and dashes of many rows: those that look alike stand far apart.
const STYLES: [usize; 8] = [0, 3, 1, 4, 5, 6, 7, 2];

/// A drawing, or why there is none.
#[derive(Clone, Debug)]
pub(super) enum Figure {
    Drawn(Box<Chart>),
    Absent { title: String, why: String },
}

impl Figure {
    pub(super) const fn is_wide(&self) -> bool {
        match self {
            Self::Drawn(chart) => chart.wide,
            Self::Absent { .. } => false,
        }
    }
}

fn absent(title: &str, why: &str) -> Figure {
    Figure::Absent { title: title.to_owned(), why: why.to_owned() }
}

pub(super) fn place(time: Timestamp) -> f64 {
    time.nanos() as f64
}

/// Begins a drawing over time: its horizontal axis from one instant to another.
pub(super) fn over_time(id: &str, title: &str, from: Timestamp, to: Timestamp) -> Chart {
    let short = to.nanos().saturating_sub(from.nanos()) < 12 * DAY_NS;
    let tick = |part: i64| {
        let step = (to.nanos().saturating_sub(from.nanos()) / 4).saturating_mul(part);
        let at = Timestamp::from_nanos(from.nanos().saturating_add(step));
        Tick { at: place(at), label: moment(at, short), minor: part % 2 == 1 }
    };
    Chart {
        id: id.to_owned(),
        title: title.to_owned(),
        x: (place(from), place(to)),
        x_ticks: if from < to { (0..=4).map(tick).collect() } else { vec![tick(0)] },
        ..Chart::default()
    }
}

/// Sets the vertical axis so that all these values are on it.
pub(super) fn with_values(
    mut chart: Chart,
    values: impl Iterator<Item = f64>,
    unit: Unit,
) -> Chart {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), value| (l.min(value), h.max(value)));
    let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
    let room = match (high - low) * 0.06 {
        room if room > 0.0 => room,
        _ => (low.abs() * 0.01).max(0.01),
    };
    // A curve that never leaves one side of zero stands on it.
    let low = if low >= 0.0 && low - room < 0.0 { 0.0 } else { low - room };
    let high = if high <= 0.0 && high + room > 0.0 { 0.0 } else { high + room };
    chart.y = (low, high);
    chart.y_ticks = ticks(low, high, 5, unit);
    chart
}

/// Labels at round places, with as many digits as their distance needs.
fn ticks(low: f64, high: f64, most: usize, unit: Unit) -> Vec<Tick> {
    let steps = round_steps(low, high, most);
    let step = steps.windows(2).map(|pair| pair[1] - pair[0]).next().unwrap_or(high - low);
    let label = |at: f64| Tick { at, label: at_step(at, step, unit), minor: false };
    steps.into_iter().map(label).collect()
}

pub(super) fn row(name: &str, style: usize, stroke: Stroke, points: Vec<(f64, f64)>) -> Row {
    Row { name: name.to_owned(), style, stroke, points }
}

/// Equity beside buy and hold.
pub(super) fn equity(curve: &Curve) -> Figure {
    let samples = curve.samples.kept();
    let title = format!("Equity and buy and hold, {}", curve.currency);
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        return absent(&title, "No bar closed, so nothing was measured.");
    };
    let begin = curve.first_bar.unwrap_or(first.time);
    let line = |value: fn(&Sample) -> Option<f64>| -> Vec<(f64, f64)> {
        let rest = samples.iter().filter_map(|at| Some((place(at.time), value(at)?)));
        std::iter::once((place(begin), curve.opening)).chain(rest).collect()
    };
    let own = line(|sample| Some(sample.equity));
    let mut chart = over_time("equity", &title, begin, last.time);
    let held = if last.hold.is_some() { line(|sample| sample.hold) } else { Vec::new() };
    chart = with_values(chart, own.iter().chain(&held).map(|point| point.1), Unit::Money);
    let money = |value: f64| shown(value, Unit::Money);
    chart.description = format!(
        "From {} on {} to {} on {}; highest {}, lowest {}.",
        money(curve.opening),
        minute(begin),
        money(last.equity),
        minute(last.time),
        money(curve.peak),
        money(curve.lowest)
    );
    if let Some(hold) = last.hold {
        chart.description.push_str(&format!(" Buy and hold ends at {}.", money(hold)));
    }
    chart.rows = vec![row("equity", 0, Stroke::Line, own)];
    if held.is_empty() {
        chart.description.push_str(" No tradable pair is paid in this currency to be held.");
    } else {
        chart.rows.insert(0, row("buy and hold", 1, Stroke::Line, held));
    }
    chart.wide = true;
    Figure::Drawn(Box::new(chart))
}

/// How far equity lies below its peak.
pub(super) fn drawdown(curve: &Curve) -> Figure {
    let title = "Drawdown, at every close";
    let samples = curve.samples.kept();
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        return absent(title, "No bar closed, so nothing was measured.");
    };
    let points: Vec<_> = samples.iter().map(|at| (place(at.time), -at.depth)).collect();
    let begin = curve.first_bar.unwrap_or(first.time);
    let chart = over_time("drawdown", title, begin, last.time);
    let zero = std::iter::once(0.0);
    let mut chart = with_values(chart, points.iter().map(|point| point.1).chain(zero), Unit::Share);
    chart.description = match curve.falls.deepest() {
        None => "Equity never fell below an earlier peak.".to_owned(),
        Some(fall) => format!(
            "The deepest of {} is {}, from {} to {}.",
            counted(curve.falls.count() as usize, "fall"),
            shown(fall.depth, Unit::Share),
            minute(fall.peak),
            minute(fall.bottom)
        ),
    };
    chart.rows = vec![row("", 2, Stroke::Area, points)];
    Figure::Drawn(Box::new(chart))
}

/// The share of equity in positions.
pub(super) fn exposure(curve: &Curve) -> Figure {
    let title = "Exposure, share of equity in positions";
    let samples = curve.samples.kept();
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        return absent(title, "No bar closed, so nothing was measured.");
    };
    if curve.exposure_max <= 0.0 {
        return absent(title, "No position was ever held at a close.");
    }
    let points: Vec<_> = samples.iter().map(|at| (place(at.time), at.exposure)).collect();
    let begin = curve.first_bar.unwrap_or(first.time);
    let chart = over_time("exposure", title, begin, last.time);
    let zero = std::iter::once(0.0);
    let mut chart = with_values(chart, points.iter().map(|point| point.1).chain(zero), Unit::Share);
    chart.description = format!(
        "At most {}. Each point is the largest of the closes that it stands for.",
        shown(curve.exposure_max, Unit::Share)
    );
    chart.rows = vec![row("", 0, Stroke::Area, points)];
    Figure::Drawn(Box::new(chart))
}

/// How often returns of a size came.
pub(super) fn distribution(id: &str, title: &str, values: &[f64], of: &str) -> Figure {
    let low = values.iter().copied().reduce(f64::min);
    let high = values.iter().copied().reduce(f64::max);
    let (Some(low), Some(high)) = (low, high) else {
        return absent(title, &format!("There are no {of}."));
    };
    let width = (high - low) / BINS as f64;
    // Zero stands between two columns, so that none is both a gain and a loss; one column more.
    let start = if width > 0.0 { (low / width).floor() * width } else { low };
    let mut counts = vec![0_u64; if width > 0.0 { BINS + 1 } else { 1 }];
    for value in values {
        let bin = if width > 0.0 { ((value - start) / width) as usize } else { 0 };
        let bin = bin.min(counts.len() - 1);
        counts[bin] += 1;
    }
    // A single value has no width of its own.
    let width = if width > 0.0 { width } else { (low.abs() * 0.1).max(0.001) };
    let share = |value: f64| shown(value, Unit::Share);
    let bars = counts.iter().enumerate().map(|(place, count)| {
        let from = start + place as f64 * width;
        let says = format!("{} to {}: {count} {of}", share(from), share(from + width));
        let (to, loss) = (from + width, from + width / 2.0 < 0.0);
        Bar { from, to, height: *count as f64, says, loss }
    });
    let most = counts.iter().copied().max().unwrap_or(0);
    let end = start + width * counts.len() as f64;
    let chart = Chart {
        id: id.to_owned(),
        title: title.to_owned(),
        description: format!(
            "{} {of} from {} to {}; at most {most} in one of {} columns.",
            values.len(),
            share(low),
            share(high),
            counts.len()
        ),
        x: (start, end),
        x_ticks: ticks(start, end, 4, Unit::Share),
        bars: bars.collect(),
        ..Chart::default()
    };
    let heights = [0.0, most as f64].into_iter();
    Figure::Drawn(Box::new(with_values(chart, heights, Unit::Count)))
}

/// How many returns a rolling figure looks back over.
pub(super) const fn window(period: Period, returns: usize) -> usize {
    match period {
        Period::Hour => 24,
        Period::Day if returns < 365 => 30,
        Period::Day => 90,
    }
}

/// The Sharpe ratio of the newest returns, at each moment.
pub(super) fn rolling_sharpe(closes: &Closes) -> Figure {
    let returns = closes.returns().unwrap_or_default();
    let (period, size) = (closes.period(), window(closes.period(), returns.len()));
    let title = format!("Rolling Sharpe ratio, {size} {}s", period.name());
    let ends: Vec<Timestamp> = closes.ends().collect();
    let (Some(from), Some(to)) = (ends.get(size - 1), ends.last()) else {
        return absent(&title, &format!("There are {} returns, fewer than that.", returns.len()));
    };
    let step = returns.len().div_ceil(ROW_POINTS).max(1);
    let windows = returns.windows(size).zip(&ends[size - 1..]).step_by(step);
    let points: Vec<(f64, f64)> = windows
        .filter_map(|(window, end)| Some((place(*end), sharpe(window, period.a_year())?)))
        .collect();
    if points.is_empty() {
        return absent(&title, "Returns did not vary within any such stretch.");
    }
    let chart = over_time("rolling-sharpe", &title, *from, *to);
    let zero = std::iter::once(0.0);
    let values = points.iter().map(|point| point.1).chain(zero);
    let mut chart = with_values(chart, values, Unit::Number);
    let last = points.last().map_or(0.0, |point| point.1);
    chart.description = format!(
        "Annual, over the newest {size} returns; it ends at {}. Left out where they do not vary.",
        shown(last, Unit::Number)
    );
    chart.rows = vec![row("", 3, Stroke::Line, points)];
    Figure::Drawn(Box::new(chart))
}

/// A pair's price and the trades on it.
pub(super) fn trades_on_price(
    (place_of, symbol): (usize, &str),
    curve: &Curve,
    trades: &[&TradeEntry],
) -> Figure {
    let title = format!("Trades on the price of {symbol}");
    let prices = curve.prices.get(place_of).map(Thinned::kept).unwrap_or_default();
    let (Some(first), Some(last)) = (prices.first(), prices.last()) else {
        return absent(&title, "The pair has no bar.");
    };
    let own: Vec<&&TradeEntry> =
        trades.iter().filter(|entry| entry.trade.symbol == symbol).collect();
    let begin = curve.first_bar.unwrap_or(first.time).min(first.time);
    let chart = over_time(&format!("price-{place_of}"), &title, begin, last.time);
    let extremes = prices.iter().flat_map(|at| [at.low, at.high]);
    let mut chart = with_values(chart, extremes, Unit::Number);
    let (lows, highs, closes): (Vec<_>, Vec<_>, Vec<_>) = prices.iter().fold(
        (Vec::new(), Vec::new(), Vec::new()),
        |(mut lows, mut highs, mut closes), at| {
            lows.push((place(at.time), at.low));
            highs.push((place(at.time), at.high));
            closes.push((place(at.time), at.close));
            (lows, highs, closes)
        },
    );
    chart.rows = vec![
        row("", 7, Stroke::Thin, lows),
        row("", 7, Stroke::Thin, highs),
        row("close", 7, Stroke::Line, closes),
    ];
    chart.keys = vec![("won", "won, from its entry"), ("lost", "lost")];
    let left_out = own.len().saturating_sub(TRADES_DRAWN);
    chart.segments = own[left_out..].iter().map(|entry| segment(entry)).collect();
    chart.description = format!(
        "{}, each a line from its entry (the dot) to its exit. The pale lines are lowest and \
         highest prices.",
        counted(own.len(), "trade")
    );
    if left_out > 0 {
        chart.description.push_str(&format!(" Only the newest {TRADES_DRAWN} are drawn."));
    }
    Figure::Drawn(Box::new(chart))
}

fn segment(entry: &TradeEntry) -> Segment {
    let trade = &entry.trade;
    let figures = TradeFigures::from(trade);
    let share = figures.net_return().map(|share| shown(share, Unit::Share)).unwrap_or_default();
    let side = if figures.long { "long" } else { "short" };
    Segment {
        from: (place(trade.entry.time), scaled(trade.entry.price.raw())),
        to: (place(trade.exit.time), scaled(trade.exit.price.raw())),
        says: format!(
            "trade {}, {side}: {} at {} to {} at {}, net {share}",
            trade.trade,
            minute(trade.entry.time),
            trade.entry.price,
            minute(trade.exit.time),
            trade.exit.price
        ),
        loss: figures.net < 0.0,
    }
}

/// The allocation weights over time.
pub(super) fn weights(curve: &Curve, engines: &Engines) -> Figure {
    let title = "Orbit weights over time";
    let points = curve.weights.kept();
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return absent(title, "No weight ever changed.");
    };
    let mut legs: Vec<(usize, String)> = engines
        .orbits
        .weights()
        .map(|known| format!("{} bit{}", known.leg, known.word_bits))
        .enumerate()
        .collect();
    // The heaviest at the end first.
    let weight = |place: usize| last.weights.get(place).copied().unwrap_or(0.0);
    legs.sort_by(|a, b| weight(b.0).total_cmp(&weight(a.0)).then(a.0.cmp(&b.0)));
    let all = legs.len();
    legs.truncate(LEGS_DRAWN);
    let end = curve.last.unwrap_or(last.time).max(last.time);
    let chart = over_time("weights", title, first.time.min(end), end);
    let drawn = || legs.iter().map(|(leg, _)| *leg);
    let values =
        points.iter().flat_map(|at| drawn().filter_map(|leg| at.weights.get(leg).copied()));
    let mut chart = with_values(chart, values, Unit::Share);
    chart.rows = legs
        .iter()
        .enumerate()
        .map(|(style, (leg, name))| {
            // A weight stays until it changes: a staircase, and on to the end.
            let mut stairs: Vec<(f64, f64)> = Vec::new();
            for at in points {
                let Some(weight) = at.weights.get(*leg).copied() else { continue };
                stairs.extend(stairs.last().map(|before| (place(at.time), before.1)));
                stairs.push((place(at.time), weight));
            }
            stairs.extend(stairs.last().map(|before| (place(end), before.1)));
            row(name, STYLES[style % STYLES.len()], Stroke::Line, stairs)
        })
        .collect();
    chart.description = format!("The {} heaviest of {all} legs; all are in the table.", legs.len());
    Figure::Drawn(Box::new(chart))
}

/// How many flips there were at each width of the word.
pub(super) fn bit_phases(engines: &Engines) -> Figure {
    let title = "Bit phases: flips by width of the word";
    let phases = engines.flips.report().bit_phases;
    let (Some(low), Some(high)) = (phases.keys().next(), phases.keys().last()) else {
        return absent(title, "No word was flipped.");
    };
    let bar = |(bits, flips): (&u8, &u64)| Bar {
        from: f64::from(*bits) - 0.4,
        to: f64::from(*bits) + 0.4,
        height: *flips as f64,
        says: format!("{bits} bits: {flips} flips"),
        loss: false,
    };
    let most = phases.values().copied().max().unwrap_or(0);
    let chart = Chart {
        id: "bit-phases".to_owned(),
        title: title.to_owned(),
        description: format!(
            "{} flips, at widths from {low} to {high} bits.",
            phases.values().sum::<u64>()
        ),
        x: (f64::from(*low) - 1.0, f64::from(*high) + 1.0),
        x_ticks: phases
            .keys()
            .map(|bits| Tick { at: f64::from(*bits), label: format!("{bits} bits"), minor: false })
            .collect(),
        bars: phases.iter().map(bar).collect(),
        ..Chart::default()
    };
    Figure::Drawn(Box::new(with_values(chart, [0.0, most as f64].into_iter(), Unit::Count)))
}
