//! Up/down words: the market's path, one bit a bar.
//!
//! A bar's bit is 1 when its return is positive; a tie is 0. The newest bit is the lowest, so a
//! word of n bits is `sum of b(t-i) 2^i`. The *bit phase* is the word's width, the *bit flip* its
//! complement (the mirrored path), and the distance of two paths the number of bits in which they
//! differ (R. W. Hamming, 1950: a metric). All of that is integer arithmetic.
//!
//! Two numbers say how regular a path is: the runs test (A. Wald and J. Wolfowitz, Annals of
//! Mathematical Statistics 11 (1940) 147-162) on a word, and the permutation entropy (C. Bandt and
//! B. Pompe, Physical Review Letters 88 (2002) 174102) on the values themselves. Both are exact to
//! 10^-9.
//!
//! A snapshot stores a word's value and how many bars it has seen.

use std::fmt;

use super::{SignalError, ratio};
use crate::event::wire::through_parts;
use crate::units::Ratio;

/// A path of 2 to 64 bars.
///
/// # Examples
/// ```
/// use schwabot::signals::UpDownWord;
/// let word = UpDownWord::new(0b0101, 4)?;
/// assert_eq!(word.complement().to_string(), "1010");
/// assert_eq!(word.hamming(word.complement())?, 4);
/// assert_eq!(word.sign_changes(), 3);
/// # Ok::<(), schwabot::signals::SignalError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UpDownWord {
    width: u8,
    value: u64,
}

impl UpDownWord {
    /// Makes a word of `width` bits.
    ///
    /// # Errors
    /// [`SignalError::Outside`] for a width outside 2..=64, or a value with more bits than that.
    pub fn new(value: u64, width: u8) -> Result<Self, SignalError> {
        if !(2..=64).contains(&width) {
            return Err(SignalError::Outside { input: "the width of a word", range: "2..=64" });
        }
        if value & !mask(width) != 0 {
            return Err(SignalError::Outside { input: "a word", range: "its width" });
        }
        Ok(Self { width, value })
    }

    /// Returns the bits, the newest lowest.
    #[must_use]
    pub fn value(self) -> u64 {
        self.value
    }

    /// Returns the number of bits.
    #[must_use]
    pub fn width(self) -> u8 {
        self.width
    }

    /// Returns the word one bar later: the oldest bit goes, the newest is that of this return.
    #[must_use]
    pub fn followed_by(self, newest: Ratio) -> Self {
        let value = (self.value << 1 | u64::from(newest.is_positive())) & mask(self.width);
        Self { value, ..self }
    }

    /// Returns the mirrored path: every bit turned. Twice gives the word back.
    #[must_use]
    pub fn complement(self) -> Self {
        Self { value: !self.value & mask(self.width), ..self }
    }

    /// Returns in how many bars the two paths differ.
    ///
    /// # Errors
    /// [`SignalError::LengthMismatch`] for words of different widths.
    pub fn hamming(self, other: Self) -> Result<u32, SignalError> {
        if self.width != other.width {
            let (left, right) = (usize::from(self.width), usize::from(other.width));
            return Err(SignalError::LengthMismatch { left, right });
        }
        Ok((self.value ^ other.value).count_ones())
    }

    /// Returns how many bars went up.
    #[must_use]
    pub fn ups(self) -> u32 {
        self.value.count_ones()
    }

    /// Returns how often the path turned, from 0 to its width less one.
    #[must_use]
    pub fn sign_changes(self) -> u32 {
        ((self.value ^ (self.value >> 1)) & mask(self.width - 1)).count_ones()
    }

    /// Returns the score of the runs test, rounded half-even to 10^-9: below zero the path turns
    /// less often than chance would, above more often. None when all bars go the same way, or when
    /// chance leaves no choice of the number of runs.
    #[must_use]
    pub fn runs_score(self) -> Option<Ratio> {
        let (all, ups) = (f64::from(self.width), f64::from(self.ups()));
        let twice = 2.0 * ups * (all - ups);
        let expected = twice / all + 1.0;
        let variance = twice * (twice - all) / (all * all * (all - 1.0));
        let runs = f64::from(self.sign_changes() + 1);
        if variance <= 0.0 {
            return None;
        }
        ratio((runs - expected) / libm::sqrt(variance), "score of the runs").ok()
    }
}

impl fmt::Display for UpDownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$b}", self.value, width = usize::from(self.width))
    }
}

/// As many ones as bits; `width` is from 1 to 64.
fn mask(width: u8) -> u64 {
    u64::MAX >> (64 - u32::from(width))
}

/// The newest word of a pair, once there were enough bars for one.
///
/// # Examples
/// ```
/// use schwabot::signals::WordWindow;
/// let mut window = WordWindow::new(2)?;
/// window.push("0.01".parse()?);
/// assert_eq!(window.word(), None);
/// window.push("0".parse()?); // a tie counts as down
/// assert_eq!(window.word().map(|word| word.to_string()).as_deref(), Some("10"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordWindow {
    word: UpDownWord,
    /// Bits taken, at most the width.
    seen: u8,
}

impl WordWindow {
    /// Makes a window without bars.
    ///
    /// # Errors
    /// [`SignalError::Outside`] for a width outside 2..=64.
    pub fn new(width: u8) -> Result<Self, SignalError> {
        Ok(Self { word: UpDownWord::new(0, width)?, seen: 0 })
    }

    /// Makes the window again whose newest bits these were, of which only `seen` count.
    ///
    /// # Errors
    /// [`SignalError::Outside`] when more bits are set, or were seen, than the word has.
    pub fn rebuilt(bits: UpDownWord, seen: u8) -> Result<Self, SignalError> {
        let unseen = if seen == 0 { u64::MAX } else { !mask(seen.min(64)) };
        if seen > bits.width || bits.value & unseen != 0 {
            return Err(SignalError::Outside { input: "the bits seen", range: "the word" });
        }
        Ok(Self { word: bits, seen })
    }

    /// Takes the newest return.
    pub fn push(&mut self, value: Ratio) {
        self.word = self.word.followed_by(value);
        self.seen = (self.seen + 1).min(self.word.width);
    }

    /// Returns the newest word; none before there were as many bars as bits.
    #[must_use]
    pub fn word(&self) -> Option<UpDownWord> {
        (self.seen == self.word.width).then_some(self.word)
    }

    /// Returns the bits taken so far and their number: what a snapshot stores.
    #[must_use]
    pub fn bits(&self) -> (UpDownWord, u8) {
        (self.word, self.seen)
    }

    /// Forgets all bars, as after a gap.
    pub fn clear(&mut self) {
        self.word.value = 0;
        self.seen = 0;
    }
}

/// Returns the permutation entropy of order `order`, from 0 (always the same order) to 1 (all
/// orders alike often), rounded half-even to 10^-9. Of equal values the earlier counts as smaller.
///
/// # Errors
/// [`SignalError::Outside`] for an order outside 2..=7; [`SignalError::TooFew`] for fewer values
/// than the order.
///
/// # Examples
/// ```
/// use schwabot::signals::permutation_entropy;
/// use schwabot::units::Ratio;
/// // The example of Bandt and Pompe: 4, 7, 9, 10, 6, 11, 3 has four rises and two falls.
/// let values = [4, 7, 9, 10, 6, 11, 3].map(Ratio::from_raw);
/// assert_eq!(permutation_entropy(&values, 2)?.to_string(), "0.918295834");
/// # Ok::<(), schwabot::signals::SignalError>(())
/// ```
pub fn permutation_entropy(values: &[Ratio], order: usize) -> Result<Ratio, SignalError> {
    if !(2..=7).contains(&order) {
        return Err(SignalError::Outside { input: "the order of a permutation", range: "2..=7" });
    }
    if values.len() < order {
        let met = values.len();
        return Err(SignalError::TooFew { signal: "permutation entropy", needed: order, met });
    }
    let kinds: usize = (2..=order).product();
    let mut counts = vec![0_u64; kinds];
    for window in values.windows(order) {
        counts[permutation_number(window)] += 1;
    }
    let all = (values.len() - order + 1) as f64;
    let mut entropy = 0.0;
    for count in counts.into_iter().filter(|count| *count > 0) {
        let share = count as f64 / all;
        entropy -= share * libm::log(share);
    }
    let normalised = entropy / libm::log(kinds as f64);
    ratio(normalised.clamp(0.0, 1.0), "permutation entropy")
}

/// Numbers the order of the values from 0 to n! - 1, in the factorial number system.
fn permutation_number(window: &[Ratio]) -> usize {
    let mut number = 0;
    for (place, value) in window.iter().enumerate() {
        let later = window.get(place + 1..).unwrap_or_default();
        let smaller = later.iter().filter(|other| *other < value).count();
        number = number * (window.len() - place) + smaller;
    }
    number
}

through_parts!(UpDownWord, (u64, u8), |word: &UpDownWord| (word.value, word.width), |(
    value,
    width,
)| {
    UpDownWord::new(value, width).map_err(|error| error.to_string())
});
through_parts!(WordWindow, (UpDownWord, u8), WordWindow::bits, |(bits, seen)| WordWindow::rebuilt(
    bits, seen
)
.map_err(|error| error.to_string()));
