//! The figures that follow from the closed trades.
//!
//! A trade is one round trip as the ledger records it: one entry lot, consumed first in first out
//! by one closing fill. Its return is its net profit, both fees taken off, over its entry notional.

use serde::Serialize;

use super::metric::{Group, Metric, Range, Unit};
use super::returns::{longest_rows, payoff, profit_factor, win_rate};
use super::statistics::{deviation, mean, quotient, sum};
use crate::event::{Side, TradeClosed};
use crate::time::Timestamp;
use crate::units::{EXACT_SCALE_DIGITS, MoneyExact, SCALE_DIGITS};

/// What statistics need of a closed trade.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TradeFigures {
    /// True where it was entered by a buy.
    pub long: bool,
    /// When it was entered.
    pub entry: Timestamp,
    /// When it was left.
    pub exit: Timestamp,
    /// Entry price times quantity.
    pub entry_notional: f64,
    /// Exit price times quantity.
    pub exit_notional: f64,
    /// Both fees.
    pub fees: f64,
    /// Profit after fees.
    pub net: f64,
}

/// The float nearest to an exact amount, or a unit in the last place beside it.
pub(super) fn amount(exact: MoneyExact) -> f64 {
    const ONE: f64 = 10_i128.pow(EXACT_SCALE_DIGITS) as f64;
    exact.raw() as f64 / ONE
}

/// The same of a number of 10^-12.
pub(super) fn scaled(raw: i128) -> f64 {
    const ONE: f64 = 10_i128.pow(SCALE_DIGITS) as f64;
    raw as f64 / ONE
}

impl From<&TradeClosed> for TradeFigures {
    fn from(trade: &TradeClosed) -> Self {
        let quantity = scaled(trade.quantity.raw());
        Self {
            long: trade.side == Side::Buy,
            entry: trade.entry.time,
            exit: trade.exit.time,
            entry_notional: quantity * scaled(trade.entry.price.raw()),
            exit_notional: quantity * scaled(trade.exit.price.raw()),
            fees: scaled(trade.entry.fee.raw()) + scaled(trade.exit.fee.raw()),
            net: amount(trade.net),
        }
    }
}

impl TradeFigures {
    /// Returns net profit over entry notional; none where nothing was staked.
    #[must_use]
    pub fn net_return(&self) -> Option<f64> {
        quotient(self.net, self.entry_notional)
    }

    /// Returns how long it was held, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.exit.nanos().saturating_sub(self.entry.nanos()) as f64 / 1e9
    }
}

/// Works out every figure that follows from closed trades of one currency, in the order of their
/// exits. `opening` is the opening cash.
///
/// # Examples
/// ```
/// use schwabot::report::{Range, TradeFigures, trade_metrics, value_of};
/// use schwabot::time::Timestamp;
/// let range = Range { from: Timestamp::MIN, to: Timestamp::MAX };
/// let found = trade_metrics(&[], 10_000.0, range);
/// assert_eq!(value_of(&found, "trades"), Some(0.0));
/// assert_eq!(value_of(&found, "expectancy"), None);
/// ```
#[must_use]
pub fn trade_metrics(trades: &[TradeFigures], opening: f64, range: Range) -> Vec<Metric> {
    let group = Group { group: "Trades", periods: trades.len() as u64, of: "closed trades", range };
    let mut found = results(&group, trades);
    let group = Group { group: "Costs and times", ..group };
    found.extend(costs_and_times(&group, trades, opening));
    found.extend(sides(range, trades));
    found
}

fn results(group: &Group, trades: &[TradeFigures]) -> Vec<Metric> {
    let nets: Vec<f64> = trades.iter().map(|trade| trade.net).collect();
    let shares: Vec<f64> = trades.iter().filter_map(TradeFigures::net_return).collect();
    let (won, lost) = longest_rows(&nets);
    let root = (nets.len() as f64).sqrt();
    let quality = mean(&nets).zip(deviation(&nets));
    let some = |count: u64| Some(count as f64).filter(|_| !nets.is_empty());
    let above: Vec<f64> = nets.iter().copied().filter(|net| *net > 0.0).collect();
    let below: Vec<f64> = nets.iter().copied().filter(|net| *net < 0.0).collect();
    let won_share = quotient(above.len() as f64, nets.len() as f64);
    let figures = [
        (("trades", "Closed trades", Unit::Count), Some(nets.len() as f64), "how many"),
        (
            ("win_rate", "Win rate", Unit::Share),
            won_share,
            "trades with a net profit above 0 / all trades",
        ),
        (("net_profit", "Net profit", Unit::Money), Some(sum(&nets)), "sum of the net profits"),
        (("expectancy", "Expectancy", Unit::Money), mean(&nets), "mean net profit of a trade"),
        (
            ("expectancy_share", "Expectancy, of the stake", Unit::Share),
            mean(&shares),
            "mean of net profit / entry notional",
        ),
        (
            ("profit_factor", "Profit factor", Unit::Number),
            profit_factor(&nets),
            "sum of net profits / sum of net losses; undefined without a loss",
        ),
        (
            ("payoff", "Payoff", Unit::Number),
            payoff(&nets),
            "mean net profit / mean net loss; undefined without both",
        ),
        (
            ("kelly", "Kelly share", Unit::Share),
            won_share.zip(payoff(&nets)).map(|(won, payoff)| won - (1.0 - won) / payoff),
            "w - (1 - w) / payoff, w the win rate",
        ),
        (
            ("sqn", "System quality number", Unit::Number),
            quality.and_then(|(mean, deviation)| quotient(mean, deviation)).map(|q| q * root),
            "sqrt(n) * mean / sample deviation of the net profits",
        ),
        (("average_win", "Average win", Unit::Money), mean(&above), "mean net profit"),
        (("average_loss", "Average loss", Unit::Money), mean(&below), "mean net loss"),
        (
            ("best_trade", "Best trade", Unit::Share),
            shares.iter().copied().reduce(f64::max),
            "largest net profit / entry notional",
        ),
        (
            ("worst_trade", "Worst trade", Unit::Share),
            shares.iter().copied().reduce(f64::min),
            "smallest net profit / entry notional",
        ),
        (
            ("wins_in_a_row", "Most wins in a row", Unit::Count),
            some(won),
            "longest row of net profits, in the order of the exits",
        ),
        (
            ("losses_in_a_row", "Most losses in a row", Unit::Count),
            some(lost),
            "longest row of net losses, in the order of the exits",
        ),
    ];
    figures.map(|(named, value, formula)| group.metric(named, value, formula)).into()
}

fn costs_and_times(group: &Group, trades: &[TradeFigures], opening: f64) -> Vec<Metric> {
    let column = |of: fn(&TradeFigures) -> f64| trades.iter().map(of).collect::<Vec<f64>>();
    let lengths = column(TradeFigures::seconds);
    let (fees, nets) = (sum(&column(|trade| trade.fees)), sum(&column(|trade| trade.net)));
    let traded = sum(&column(|trade| trade.entry_notional + trade.exit_notional));
    let figures = [
        (
            ("trade_fees", "Fees of closed trades", Unit::Money),
            Some(fees),
            "sum of the fees of both sides",
        ),
        (
            ("fees_of_gross", "Fees, of the profit before fees", Unit::Share),
            quotient(fees, nets + fees).filter(|_| nets + fees > 0.0),
            "fees / (net profit + fees); undefined where that is not above 0",
        ),
        (
            ("turnover", "Turnover", Unit::Number),
            quotient(traded, opening),
            "sum of entry and exit notionals / opening cash",
        ),
        (
            ("average_trade_seconds", "Average holding time", Unit::Seconds),
            mean(&lengths),
            "mean of exit - entry",
        ),
        (
            ("longest_trade_seconds", "Longest holding time", Unit::Seconds),
            lengths.iter().copied().reduce(f64::max),
            "largest exit - entry",
        ),
        (
            ("shortest_trade_seconds", "Shortest holding time", Unit::Seconds),
            lengths.iter().copied().reduce(f64::min),
            "smallest exit - entry",
        ),
    ];
    figures.map(|(named, value, formula)| group.metric(named, value, formula)).into()
}

fn sides(range: Range, trades: &[TradeFigures]) -> Vec<Metric> {
    let of_side = |long: bool| -> Vec<f64> {
        trades.iter().filter(|trade| trade.long == long).map(|trade| trade.net).collect()
    };
    let (long, short) = (of_side(true), of_side(false));
    let group = |nets: &[f64]| Group {
        group: "Long and short",
        periods: nets.len() as u64,
        of: "closed trades of this side",
        range,
    };
    let (longs, shorts) = (group(&long), group(&short));
    let (count, net) = ("trades of this side", "sum of the net profits of this side");
    let rate = "wins / (wins + losses) of this side";
    let number = |nets: &[f64]| Some(nets.len() as f64);
    vec![
        longs.metric(("long_trades", "Long trades", Unit::Count), number(&long), count),
        longs.metric(("long_net", "Net of long trades", Unit::Money), Some(sum(&long)), net),
        longs.metric(("long_win_rate", "Win rate, long", Unit::Share), win_rate(&long), rate),
        shorts.metric(("short_trades", "Short trades", Unit::Count), number(&short), count),
        shorts.metric(("short_net", "Net of short trades", Unit::Money), Some(sum(&short)), net),
        shorts.metric(("short_win_rate", "Win rate, short", Unit::Share), win_rate(&short), rate),
    ]
}
