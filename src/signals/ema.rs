//! Reversals: a fast and a slow exponential average of one price.
//!
//! `e <- e + 2 / (span + 1) * (price - e)`, started at the first price it is given (J. M. Hurst's
//! "span" convention: the weights have the centre of mass of a plain mean over `span` bars).
//!
//! An exponential average remembers everything, a ring buffer does not. So at every 1,024th bar
//! both averages are made anew from the newest ten slow spans of the ring. What lies further back
//! had a weight of e^-20, so the step this makes is below 10^-8 of how far the price has moved
//! since: against the formula without restarts the spread is exact to 10^-8 while the price stays
//! within a factor of two over ten slow spans.
//!
//! A snapshot stores [`prices`](EmaCross::prices) (at most 10 slow spans + 1,023 integers) and
//! [`seen`](EmaCross::seen); [`rebuilt`](EmaCross::rebuilt) makes the same bits.

use std::collections::VecDeque;

use super::{RESTART_BARS, SignalError, ratio};
use crate::units::{Price, Ratio};

/// The longest span, in bars.
pub const EMA_SPAN_MAX: u32 = 10_000;
/// How many slow spans a restart looks back.
const MEMORY_SPANS: usize = 10;

/// Two exponential averages and how far the fast one stands above the slow one.
///
/// # Examples
/// ```
/// use schwabot::signals::EmaCross;
/// let mut cross = EmaCross::new(2, 4);
/// for price in ["100", "101", "102"] {
///     cross.push(price.parse()?)?;
///     assert_eq!(cross.spread(), None); // fewer bars than the slow span
/// }
/// cross.push("103".parse()?)?;
/// assert_eq!(cross.spread(), Some("0.006820774".parse()?)); // rising: fast above slow
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct EmaCross {
    fast_share: f64,
    slow_share: f64,
    slow_span: u64,
    memory: usize,
    seen: u64,
    prices: VecDeque<i128>,
    averages: Option<(f64, f64)>,
}

impl EmaCross {
    /// Makes averages without a price yet; spans are at least 1 and at most [`EMA_SPAN_MAX`], 60
    /// and 240 being usual.
    #[must_use]
    pub fn new(fast_span: u32, slow_span: u32) -> Self {
        let (fast, slow) = (fast_span.clamp(1, EMA_SPAN_MAX), slow_span.clamp(1, EMA_SPAN_MAX));
        Self {
            fast_share: 2.0 / (f64::from(fast) + 1.0),
            slow_share: 2.0 / (f64::from(slow) + 1.0),
            slow_span: u64::from(slow),
            memory: slow as usize * MEMORY_SPANS,
            seen: 0,
            prices: VecDeque::new(),
            averages: None,
        }
    }

    /// Makes the state again that had `seen` bars and held these prices, to the last bit.
    ///
    /// # Errors
    /// [`SignalError::LengthMismatch`] when that state held another number of prices;
    /// [`SignalError::NotPositive`] for a price that is not.
    pub fn rebuilt(
        fast_span: u32,
        slow_span: u32,
        seen: u64,
        prices: &[Price],
    ) -> Result<Self, SignalError> {
        let mut state = Self::new(fast_span, slow_span);
        let held = usize::try_from(seen).unwrap_or(usize::MAX).min(state.capacity());
        if prices.len() != held {
            return Err(SignalError::LengthMismatch { left: held, right: prices.len() });
        }
        if prices.iter().any(|price| !price.is_positive()) {
            return Err(SignalError::NotPositive { input: "a price" });
        }
        state.prices.extend(prices.iter().map(|price| price.raw()));
        state.seen = seen;
        // Fewer than 1,024, so the cast is exact.
        let restart = held - (seen % RESTART_BARS) as usize;
        state.average_from_ring(restart);
        for index in restart..held {
            state.average(state.prices[index]);
        }
        Ok(state)
    }

    /// Takes the newest price.
    ///
    /// # Errors
    /// [`SignalError::NotPositive`] for a price that is not; all is then as before.
    pub fn push(&mut self, price: Price) -> Result<(), SignalError> {
        if !price.is_positive() {
            return Err(SignalError::NotPositive { input: "a price" });
        }
        if self.prices.len() == self.capacity() {
            self.prices.pop_front();
        }
        self.prices.push_back(price.raw());
        self.seen += 1;
        if self.seen.is_multiple_of(RESTART_BARS) {
            self.average_from_ring(self.prices.len());
        } else {
            self.average(price.raw());
        }
        Ok(())
    }

    /// Forgets all prices, as after a gap.
    pub fn clear(&mut self) {
        self.seen = 0;
        self.prices.clear();
        self.averages = None;
    }

    /// Returns fast / slow - 1, rounded half-even to 10^-9: positive while the fast average stands
    /// above. None before there were as many prices as the slow span. Its sign changes where the
    /// averages cross; what rounds to zero counts as neither side.
    #[must_use]
    pub fn spread(&self) -> Option<Ratio> {
        let (fast, slow) = self.averages.filter(|_| self.seen >= self.slow_span)?;
        ratio((fast - slow) / slow, "spread of the averages").ok()
    }

    /// Returns how many prices came since the start or the last [`clear`](Self::clear).
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Iterates over the prices that a snapshot stores, the oldest first.
    pub fn prices(&self) -> impl Iterator<Item = Price> + '_ {
        self.prices.iter().copied().map(Price::from_raw)
    }

    fn capacity(&self) -> usize {
        self.memory + RESTART_BARS as usize - 1
    }

    /// Starts both averages anew from the newest prices that stand before `end`.
    fn average_from_ring(&mut self, end: usize) {
        self.averages = None;
        for index in end.saturating_sub(self.memory)..end {
            self.average(self.prices[index]);
        }
    }

    fn average(&mut self, price: i128) {
        let price = price as f64;
        let (fast, slow) = self.averages.unwrap_or((price, price));
        let fast = fast + self.fast_share * (price - fast);
        let slow = slow + self.slow_share * (price - slow);
        self.averages = Some((fast, slow));
    }
}
