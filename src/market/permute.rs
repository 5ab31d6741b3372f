//! The same bars in another order: what a strategy does where nothing can be predicted.
//!
//! Each bar keeps its own shape: open, high, low and close as multiples of the close before it,
//! volume and number of trades. The shapes of a pair are shuffled over that pair's own times, and
//! the path is built again from the pair's first open. So every return, range and volume of the
//! market is still there, once; what is gone is that one follows from another. Prices themselves
//! are not shuffled: a path that jumps between levels of different weeks turns back after nearly
//! every bar, which no market does, and which any rule that waits for a turn would "predict".
//!
//! Invariants: a pair's times, gaps and the marks of instants stay; a pair's shuffle depends on the
//! seed and its symbol alone, never on the other pairs or the order of files; every bar is valid;
//! integers only. Rounding to the grid of 10^-8 lets the last close differ from the original's by
//! at most half a step a bar.
//!
//! Memory: the bars of the whole run, 160 bytes each, at most [`PERMUTED_BARS_MAX`].

use super::Source;
use super::error::SourceError;
use super::synthetic::Random;
use crate::event::{Bar, Event, PairId, Vantage};
use crate::hash;
use crate::units::Price;

/// The most bars that are kept: with them, 800 MB.
pub const PERMUTED_BARS_MAX: usize = 5_000_000;
/// Step of prices, in raw units: 10^-8.
const TICK: i128 = 10_000;

/// All bars of a market, ready to be put into another order.
pub struct PermutableMarket {
    /// Every bar, in the order of the market.
    bars: Vec<Bar>,
    /// By pair: its symbol, and the places of its bars.
    pairs: Vec<(String, Vec<usize>)>,
}

impl PermutableMarket {
    /// Reads a market to its end; what is no bar decides nothing and is left out.
    ///
    /// `symbols` names the pairs, in the order of their numbers. None when there are more bars than
    /// [`PERMUTED_BARS_MAX`].
    ///
    /// # Errors
    /// The source's.
    pub fn read(
        source: &mut impl Source,
        symbols: Vec<String>,
    ) -> Result<Option<Self>, SourceError> {
        let mut pairs: Vec<(String, Vec<usize>)> =
            symbols.into_iter().map(|symbol| (symbol, Vec::new())).collect();
        let mut bars: Vec<Bar> = Vec::new();
        while let Some(event) = source.next()? {
            if let Event::Bar(bar) = event
                && let Some((_, places)) = pairs.get_mut(usize::from(bar.pair.0))
            {
                if bars.len() >= PERMUTED_BARS_MAX {
                    return Ok(None);
                }
                places.push(bars.len());
                bars.push(bar);
            }
        }
        Ok(Some(Self { bars, pairs }))
    }

    /// Returns how many bars there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bars.len()
    }

    /// True when there is no bar.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bars.is_empty()
    }

    /// Returns the market of one seed.
    ///
    /// # Examples
    /// ```
    /// use schwabot::event::Event;
    /// use schwabot::market::{PermutableMarket, Source, SyntheticConfig, SyntheticMarket};
    /// let config = SyntheticConfig { bars: 100, ..SyntheticConfig::default() };
    /// let mut market = SyntheticMarket::new(config)?;
    /// let symbols = market.pairs().iter().map(|pair| pair.symbol.to_string()).collect();
    /// let market = PermutableMarket::read(&mut market, symbols)?.expect("few bars");
    /// let mut shuffled = market.permuted(1);
    /// let mut bars = 0;
    /// while let Some(event) = shuffled.next()? {
    ///     assert!(matches!(event, Event::Bar(_)));
    ///     bars += 1;
    /// }
    /// assert_eq!(bars, market.len());
    /// # Ok::<(), schwabot::market::SourceError>(())
    /// ```
    #[must_use]
    pub fn permuted(&self, seed: u64) -> PermutedSource<'_> {
        let pairs = self.pairs.iter().map(|(symbol, places)| {
            let digest = hash::sha256(symbol.as_bytes());
            let mut stream = [0; 8];
            stream.copy_from_slice(&digest.0[..8]);
            let mut random = Random::new(seed, u64::from_le_bytes(stream));
            // Fisher and Yates, from the last place down.
            let mut order: Vec<u32> = (0..).take(places.len()).collect();
            for last in (1..order.len()).rev() {
                let bound = u32::try_from(last + 1).unwrap_or(u32::MAX);
                let other = usize::try_from(random.below(bound)).unwrap_or_default();
                order.swap(last, other);
            }
            let first = places.first().map(|place| self.bars[*place].open);
            Walk { order, next: 0, close: first.unwrap_or(Price::ZERO) }
        });
        PermutedSource { market: self, walks: pairs.collect(), next: 0 }
    }

    /// The close that a bar's shape is measured from: of the bar before, or its own open.
    fn before(&self, pair: usize, number: usize) -> Price {
        let places = &self.pairs[pair].1;
        match number.checked_sub(1) {
            Some(before) => self.bars[places[before]].close,
            None => self.bars[places[number]].open,
        }
    }
}

/// How far the path of one pair has come.
struct Walk {
    /// Which shape stands at which time.
    order: Vec<u32>,
    next: usize,
    close: Price,
}

/// A market in another order.
pub struct PermutedSource<'m> {
    market: &'m PermutableMarket,
    walks: Vec<Walk>,
    next: usize,
}

impl Source for PermutedSource<'_> {
    fn next(&mut self) -> Result<Option<Event>, SourceError> {
        let Some(here) = self.market.bars.get(self.next) else { return Ok(None) };
        self.next += 1;
        let PairId(pair) = here.pair;
        let pair = usize::from(pair);
        let walk = &mut self.walks[pair];
        // Below the length of a list, so the cast is exact.
        let shape = walk.order[walk.next] as usize;
        walk.next += 1;
        let from = self.market.before(pair, shape);
        let bar = &self.market.bars[self.market.pairs[pair].1[shape]];
        let moved = |price: Price| scaled(price, walk.close, from);
        let (open, close) = (moved(bar.open), moved(bar.close));
        let high = moved(bar.high).max(open).max(close);
        let low = moved(bar.low).min(open).min(close);
        walk.close = close;
        Ok(Some(Event::Bar(Bar {
            open,
            high,
            low,
            close,
            volume: bar.volume,
            trades: bar.trades,
            ..here.clone()
        })))
    }

    fn vantage(&self) -> Vantage {
        Vantage::Simulated
    }
}

/// Returns `price * to / from` on the grid, and at least one step.
fn scaled(price: Price, to: Price, from: Price) -> Price {
    let (mut to, mut from) = (to.raw(), from.raw().max(1));
    let product = loop {
        match price.raw().checked_mul(to) {
            Some(product) => break product,
            // Prices beyond any market: half the digits of both are given up.
            None => (to, from) = (to >> 1, (from >> 1).max(1)),
        }
    };
    let raw = product / from;
    Price::from_raw(((raw + TICK / 2) / TICK * TICK).max(TICK))
}
