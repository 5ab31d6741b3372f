//! A synthetic market: made up, seeded, on a simulated clock. It says nothing about any real one.
//!
//! Three pairs form a true triangle. BTC/USDC and ETH/USDC walk on their own; the close of ETH/BTC
//! is the ratio of their closes, up to [`SyntheticConfig::triangle_noise_ppm`]. What they are made
//! of is declared here and in [`SyntheticConfig`], and nothing else is hidden in them:
//!
//! - *noise*: each bar's return is a sum of four uniform draws, its width set by the regime;
//! - *regimes*: every 200 to 799 bars a new trend (at most half a basis point a bar) and width;
//!   beyond four times or a quarter of its first price a pair trends back, 3 basis points a bar,
//!   and nothing of what follows begins there;
//! - *shocks*: one bar in 1,500 moves by 60 to 119 basis points more, up or down;
//! - *bursts*: one bar in [`SyntheticConfig::burst_one_in`] trades 10 to 20 times the usual volume
//!   and moves by 15 to 29 basis points, up or down;
//! - **planted drift**: after an *up*-burst of ETH/USDC, and only there, each of the next
//!   [`SyntheticConfig::drift_bars`] bars rises by [`SyntheticConfig::drift_ppm`] more, and no new
//!   burst or shock begins meanwhile. Bursts of BTC/USDC are followed by nothing: the control.
//!   ETH/BTC inherits the drift through the triangle, but has no bursts of its own.
//!
//! Invariants: integers only, so every machine makes the same market; each pair draws from its own
//! generator, so a longer market begins with the shorter one of the same seed; prices are positive
//! multiples of 10^-8, and every bar is valid.

use super::Source;
use super::error::SourceError;
use super::names::PairSymbol;
use super::open::MarketPair;
use crate::event::{Bar, Event, Generator, PairId, Vantage};
use crate::time::{MINUTE_NS, Span, Timestamp};
use crate::units::{Price, Quantity};

/// Name and version of the generator; any change of its output changes it.
const NAME: &str = "schwabot-synthetic-1";
/// One tick of prices and one lot of volumes, in raw units: 10^-8.
const TICK: i128 = 10_000;
/// Returns are counted in 10^-9.
const ONE: i128 = 1_000_000_000;
const PPM: i64 = 1_000;
const BASIS_POINT: i64 = 100_000;
/// The pairs, sorted by symbol.
const SYMBOLS: [&str; 3] = ["BTC/USDC", "ETH/BTC", "ETH/USDC"];

/// What a synthetic market is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntheticConfig {
    /// The seed.
    pub seed: u64,
    /// Bars a pair.
    pub bars: u64,
    /// Open time of the first bar.
    pub start: Timestamp,
    /// Length of a bar.
    pub interval: Span,
    /// The planted drift of ETH/USDC after its up-bursts, in 10^-6 a bar.
    pub drift_ppm: u32,
    /// Bars that the planted drift lasts.
    pub drift_bars: u32,
    /// A burst begins at one bar in so many.
    pub burst_one_in: u32,
    /// How far ETH/BTC may stray from the ratio of the other two, in 10^-6.
    pub triangle_noise_ppm: u32,
}

impl Default for SyntheticConfig {
    /// The demo's market: 5,000 minutes from 2025-01-01, 8 basis points a bar for 10 bars.
    fn default() -> Self {
        Self {
            seed: 1,
            bars: 5_000,
            start: Timestamp::from_nanos(1_735_689_600_000_000_000),
            interval: Span::from_nanos(MINUTE_NS),
            drift_ppm: 800,
            drift_bars: 10,
            burst_one_in: 40,
            triangle_noise_ppm: 100,
        }
    }
}

/// splitmix64 (Steele, Lea and Flood, 2014): a counter and a mixing function.
pub(super) struct Random(u64);

impl Random {
    /// Returns a generator of its own for each stream of a seed.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut root = Self(seed ^ stream.wrapping_mul(0xd1b5_4a32_d192_ed03));
        Self(root.draw())
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number of `0..bound`; the bias is below `bound / 2^64`.
    pub(super) fn below(&mut self, bound: u32) -> i64 {
        let product = u128::from(self.draw()) * u128::from(bound);
        // The product's upper half is below `bound`, a u32.
        i64::try_from(product >> 64).unwrap_or_default()
    }

    /// Returns a number of `-width..=width`.
    fn around_zero(&mut self, width: u32) -> i64 {
        self.below(width.saturating_mul(2).saturating_add(1)) - i64::from(width)
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.below(count.max(1)) == 0
    }

    fn sign(&mut self) -> i64 {
        if self.one_in(2) { 1 } else { -1 }
    }
}

/// The state of a price that walks.
struct Walk {
    random: Random,
    first: i128,
    close: i128,
    volume: i128,
    trend: i64,
    width: u32,
    regime_left: i64,
    /// The planted drift, none for the control.
    drift: i64,
    drift_bars: u32,
    drift_left: u32,
    burst_one_in: u32,
}

/// What one bar of a walk does.
struct Step {
    change: i64,
    volume_factor: i64,
}

impl Walk {
    fn new(config: &SyntheticConfig, stream: u64, price: i128, volume: i128, drift: i64) -> Self {
        Self {
            random: Random::new(config.seed, stream),
            first: price,
            close: price,
            volume,
            trend: 0,
            width: 0,
            regime_left: 0,
            drift,
            drift_bars: config.drift_bars,
            drift_left: 0,
            burst_one_in: config.burst_one_in,
        }
    }

    fn step(&mut self) -> Step {
        if self.regime_left == 0 {
            self.regime_left = 200 + self.random.below(600);
            self.trend = self.random.around_zero(50) * PPM;
            // Four draws of this width deviate by 1.15 times it: 2.3 to 5.2 basis points.
            self.width = 200_000 + u32::try_from(self.random.below(250_000)).unwrap_or_default();
        }
        self.regime_left -= 1;
        let (high, low) = (self.close > self.first * 4, self.close < self.first / 4);
        let pull = match (high, low) {
            (true, _) => -3 * BASIS_POINT,
            (_, true) => 3 * BASIS_POINT,
            _ => self.trend,
        };
        let noise: i64 = (0..4).map(|_| self.random.around_zero(self.width)).sum();
        let (event, volume_factor) = self.event(high || low);
        Step { change: pull + noise + event, volume_factor }
    }

    /// Draws bursts and shocks, or goes on with the drift; returns change and volume factor.
    fn event(&mut self, far_off: bool) -> (i64, i64) {
        if self.drift_left > 0 {
            self.drift_left -= 1;
            return (self.drift, 1);
        }
        if far_off {
            return (0, 1);
        }
        if self.random.one_in(self.burst_one_in) {
            let sign = self.random.sign();
            let change = sign * (15 * BASIS_POINT + self.random.below(15) * BASIS_POINT);
            if sign > 0 && self.drift != 0 {
                self.drift_left = self.drift_bars;
            }
            return (change, 10 + self.random.below(11));
        }
        if self.random.one_in(1_500) {
            let change =
                self.random.sign() * (60 * BASIS_POINT + self.random.below(60) * BASIS_POINT);
            return (change, 2);
        }
        (0, 1)
    }

    fn bar(&mut self) -> Values {
        let step = self.step();
        let open = self.close;
        self.close = changed(open, step.change);
        values(&mut self.random, open, self.close, self.volume, step.volume_factor)
    }
}

/// A bar without its place: raw units.
struct Values {
    open: i128,
    high: i128,
    low: i128,
    close: i128,
    volume: i128,
    trades: u64,
}

/// Draws the rest of a bar from its open and close.
fn values(random: &mut Random, open: i128, close: i128, usual: i128, factor: i64) -> Values {
    let (top, bottom) = (open.max(close), open.min(close));
    // Both wicks at most 2 basis points; rounding is to the nearest tick, so never past the body.
    let high = changed(top, random.below(200_000)).max(top);
    let low = changed(bottom, -random.below(200_000)).min(bottom);
    let factors: i64 = (0..3).map(|_| 600 + random.below(801)).product();
    let volume = on_grid(usual * i128::from(factors) / ONE * i128::from(factor));
    let trades = (50 + random.below(100)) * factor;
    Values { open, high, low, close, volume, trades: trades.unsigned_abs() }
}

/// Returns a price changed by so many 10^-9, on the grid and above zero.
fn changed(price: i128, change: i64) -> i128 {
    // Prices stay within 2^100: a walk is pulled back at four times its first price.
    on_grid(price + price * i128::from(change) / ONE)
}

fn on_grid(raw: i128) -> i128 {
    ((raw + TICK / 2) / TICK * TICK).max(TICK)
}

/// A seeded synthetic market of three pairs.
///
/// # Examples
/// ```
/// use schwabot::market::{Source, SyntheticConfig, SyntheticMarket};
/// let config = SyntheticConfig { seed: 7, bars: 2, ..SyntheticConfig::default() };
/// let mut market = SyntheticMarket::new(config)?;
/// let mut bars = 0;
/// while let Some(event) = market.next()? {
///     assert_eq!(event.name(), "bar");
///     bars += 1;
/// }
/// assert_eq!(bars, 2 * market.pairs().len());
/// # Ok::<(), schwabot::market::SourceError>(())
/// ```
pub struct SyntheticMarket {
    config: SyntheticConfig,
    bitcoin: Walk,
    ether: Walk,
    cross: Random,
    cross_close: i128,
    row: u64,
    /// The bars of the current instant, last pair first.
    ready: Vec<Bar>,
}

impl SyntheticMarket {
    /// Makes a market.
    ///
    /// # Errors
    /// [`SourceError::BadConfig`] when the settings leave the range of time or of returns.
    pub fn new(config: SyntheticConfig) -> Result<Self, SourceError> {
        check(&config)?;
        let whole = Price::ONE.raw();
        let (bitcoin, ether) = (94_000 * whole, 3_350 * whole);
        let drift = i64::from(config.drift_ppm) * PPM;
        Ok(Self {
            bitcoin: Walk::new(&config, 0, bitcoin, 12 * whole, 0),
            ether: Walk::new(&config, 1, ether, 180 * whole, drift),
            cross: Random::new(config.seed, 2),
            cross_close: on_grid(ether * whole / bitcoin),
            row: 0,
            ready: Vec::with_capacity(SYMBOLS.len()),
            config,
        })
    }

    /// Returns the pairs, sorted by symbol.
    #[must_use]
    pub fn pairs(&self) -> Vec<MarketPair> {
        let interval = self.config.interval;
        let symbols = SYMBOLS.iter().filter_map(|symbol| PairSymbol::parse(symbol));
        symbols.map(|symbol| MarketPair { symbol, interval }).collect()
    }

    /// Returns what the run records about its market: name and version with every setting that is
    /// not a field of its own, seed and length.
    #[must_use]
    pub fn generator(&self) -> Generator {
        let SyntheticConfig { seed, bars, .. } = self.config;
        let SyntheticConfig { drift_ppm, drift_bars, burst_one_in, .. } = self.config;
        let noise = self.config.triangle_noise_ppm;
        let name = format!(
            "{NAME} start={} interval={} drift_ppm={drift_ppm} drift_bars={drift_bars} \
             burst_one_in={burst_one_in} triangle_noise_ppm={noise}",
            self.config.start, self.config.interval
        );
        Generator { name, seed, bars }
    }

    /// Makes the bars of the next instant.
    fn advance(&mut self) {
        let bitcoin = self.bitcoin.bar();
        let ether = self.ether.bar();
        let ratio = ether.close * Price::ONE.raw() / bitcoin.close;
        let noise = self.cross.around_zero(self.config.triangle_noise_ppm);
        let open = self.cross_close;
        self.cross_close = changed(ratio, noise * PPM);
        let usual = 40 * Price::ONE.raw();
        let cross = values(&mut self.cross, open, self.cross_close, usual, 1);
        // `check` saw that the last bar's times fit.
        let interval = self.config.interval.nanos();
        let offset = interval.saturating_mul(self.row.cast_signed());
        let opened = self.config.start.nanos().saturating_add(offset);
        self.row += 1;
        for (pair, values) in [(2_u16, ether), (1, cross), (0, bitcoin)] {
            self.ready.push(Bar {
                pair: PairId(pair),
                row: self.row,
                open_time: Timestamp::from_nanos(opened),
                available_at: Timestamp::from_nanos(opened.saturating_add(interval)),
                open: Price::from_raw(values.open),
                high: Price::from_raw(values.high),
                low: Price::from_raw(values.low),
                close: Price::from_raw(values.close),
                volume: Quantity::from_raw(values.volume),
                trades: Some(values.trades),
                last_of_instant: pair == 2,
            });
        }
    }
}

fn check(config: &SyntheticConfig) -> Result<(), SourceError> {
    let bad = |field, reason| Err(SourceError::BadConfig { field, reason });
    let interval = config.interval.nanos();
    if interval <= 0 {
        return bad("interval", "not above zero");
    }
    let length = i64::try_from(config.bars).ok().and_then(|bars| bars.checked_mul(interval));
    if length.and_then(|length| config.start.nanos().checked_add(length)).is_none() {
        return bad("bars", "the last bar would end after the last possible instant");
    }
    if config.burst_one_in == 0 {
        return bad("burst_one_in", "not above zero");
    }
    // A price that nothing pulls back yet may then rise by half, far inside the arithmetic's range.
    if u64::from(config.drift_ppm) * u64::from(config.drift_bars) > 400_000 {
        return bad("drift_ppm", "drift_ppm times drift_bars is above 400,000");
    }
    if config.triangle_noise_ppm > 10_000 {
        return bad("triangle_noise_ppm", "above 10,000");
    }
    Ok(())
}

impl Source for SyntheticMarket {
    fn next(&mut self) -> Result<Option<Event>, SourceError> {
        if self.ready.is_empty() && self.row < self.config.bars {
            self.advance();
        }
        Ok(self.ready.pop().map(Event::Bar))
    }

    fn vantage(&self) -> Vantage {
        Vantage::Simulated
    }
}
