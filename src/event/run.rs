//! Runs: what was asked for, from which files, and how it ended.

use serde::Serialize;

use super::stamp::RunId;
use super::wire::{Decode, Encode};
use crate::hash::Digest;
use crate::time::Span;
use crate::units::{Money, Price, Quantity, Ratio};

/// How a run meets the world. A field of the run, never a code path of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A seeded synthetic market on a simulated clock.
    Demo,
    /// Recorded market data on a simulated clock.
    Backtest,
    /// Real venues on the wall clock.
    Live,
}

/// Where a pair stands in [`RunConfig::instruments`], which is sorted by symbol.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode, Serialize,
)]
pub struct PairId(pub u16);

/// What the volume of a pair's bars counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VolumeUnit {
    /// Base currency.
    Base,
    /// Quote currency.
    Quote,
}

/// One pair and its trading rules.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Instrument {
    /// The currency that is bought and sold.
    pub base: String,
    /// The currency it is paid in.
    pub quote: String,
    /// Step of prices.
    pub tick: Price,
    /// Step of quantities.
    pub lot: Quantity,
    /// Smallest order, in quote currency.
    pub min_notional: Money,
    /// What its bars' volume counts.
    pub volume_unit: VolumeUnit,
    /// Length of its bars.
    pub interval: Span,
    /// False for a pair that is only watched.
    pub tradable: bool,
}

impl Instrument {
    /// Returns the pair as `BASE/QUOTE`.
    #[must_use]
    pub fn symbol(&self) -> String {
        format!("{}/{}", self.base, self.quote)
    }
}

/// When the simulated venue fills an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FillModel {
    /// At the open of that pair's next bar.
    NextOpen,
    /// At the close of the bar that decided; for comparison with other programs.
    ThisClose,
}

/// The simulated venue's rules.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct VenueConfig {
    /// When orders fill.
    pub fill: FillModel,
    /// Fee as a share of the notional, once a side.
    pub fee_rate: Ratio,
    /// Half the spread as a share of the price.
    pub half_spread: Ratio,
    /// `Y` in the square-root impact `Y * sigma * sqrt(Q / V)`; zero switches impact off.
    pub impact: Ratio,
    /// Bars over which `sigma` and `V` are trailing means.
    pub impact_window_bars: u32,
    /// Whether a sale may exceed what is held.
    pub allow_short: bool,
}

/// One named setting of a strategy, as text.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its value in canonical form.
    pub value: String,
}

/// A strategy and all its settings, defaults written out.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct StrategyConfig {
    /// The name under which the strategy is known.
    pub name: String,
    /// Its settings, sorted by name.
    pub parameters: Vec<Parameter>,
}

/// Opening cash in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Balance {
    /// The currency.
    pub currency: String,
    /// How much of it.
    pub amount: Money,
}

/// The complete canonical configuration of a run: with the inputs, all that a decision rests on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct RunConfig {
    /// Who decides.
    pub strategy: StrategyConfig,
    /// Who fills.
    pub venue: VenueConfig,
    /// The pairs, sorted by symbol; [`PairId`] is the place in this list.
    pub instruments: Vec<Instrument>,
    /// Opening cash, sorted by currency.
    pub balances: Vec<Balance>,
    /// The currency of the headline figures.
    pub account_currency: String,
}

/// A seeded market: which generator, which seed, how long.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Generator {
    /// The generator's name and version.
    pub name: String,
    /// Its seed.
    pub seed: u64,
    /// Bars a pair.
    pub bars: u64,
}

/// The first event of a run.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct RunStarted {
    /// The run's id; in simulated runs [`RunId::of_simulated`].
    pub run: RunId,
    /// How it meets the world.
    pub mode: Mode,
    /// Number of the kernel that decides; another number may decide differently.
    pub kernel: u32,
    /// The complete configuration.
    pub config: RunConfig,
    /// The seeded market, where there is one.
    pub generator: Option<Generator>,
}

/// What a data file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// Binance public-data klines.
    BinanceKlines,
    /// freqtrade candle JSON.
    FreqtradeCandles,
    /// OHLCV rows under a header line.
    OhlcvCsv,
    /// One command a line, as JSON.
    Commands,
}

/// A data file that the run reads. Its name is not recorded: the digest says which it was.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct InputFile {
    /// The pair it is for; none for a file of commands.
    pub pair: Option<PairId>,
    /// Its format.
    pub format: FileFormat,
    /// Length of the file as stored, in bytes.
    pub bytes: u64,
    /// SHA-256 of the file as stored (compressed, if it is).
    pub digest: Digest,
}

/// The sources have no more inputs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct EndOfData {
    /// Bars that were delivered.
    pub bars: u64,
    /// Defects that were found.
    pub defects: u64,
}

/// The last event of a run: what it did, in counts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct RunEnded {
    /// Bars seen.
    pub bars: u64,
    /// Data defects seen.
    pub defects: u64,
    /// Orders placed.
    pub orders: u64,
    /// Orders that the risk rules refused.
    pub refused: u64,
    /// Fills.
    pub fills: u64,
    /// Closed round trips.
    pub trades: u64,
}
