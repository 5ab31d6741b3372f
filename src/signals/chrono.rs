//! Chrono resonance: is there a rhythm in the last N returns, and which?
//!
//! The returns of a window are split into the waves that fit 1, 2, .. m = floor((N - 1) / 2) times
//! into it. The strongest wave's share of their power is Fisher's g, its length the dominant
//! period, its angle the dominant phase. With window-relative time j = 0 (oldest) .. N - 1:
//!
//! ```text
//! X_k = sum of r_j e^(-2 pi i k j / N),   g = max |X_k|^2 / sum of |X_k|^2,   k = 1 .. m
//! ```
//!
//! (Fisher 1929; [`fisher_p_value`](super::fisher_p_value) says how surprising a g is.) Taking the
//! mean off first changes nothing: at these frequencies a constant adds up to zero.
//!
//! A bar slides the transform on instead of taking it again (E. Jacobsen and R. Lyons, "The sliding
//! DFT", IEEE Signal Processing Magazine 20 (2003) 74-80): `X_k <- (X_k - leaving + coming)
//! e^(2 pi i k / N)`, one turn a frequency whatever the run's length. Three things keep that
//! honest:
//!
//! - the turn is made anew from the ring buffer at every 1,024th bar, so that rounding cannot add
//!   up: after any number of bars g is within 10^-9 of the direct formula as long as no return of
//!   the last 1,024 + N bars was more than 10^4 times as large as those of the window;
//! - the sum of the power comes from exact integers (Parseval: `2 * sum = N * sum of squares -
//!   square of the sum`, less the square of the alternating sum when N is even), so that a window
//!   without variance is seen as such and never as noise left by what has gone;
//! - a snapshot stores [`values`](ChronoResonance::values) (at most N + 1,023 integers) and
//!   [`seen`](ChronoResonance::seen); [`rebuilt`](ChronoResonance::rebuilt) makes the same bits.

use std::collections::VecDeque;

use super::window::RETURN_RAW_MAX;
use super::{RESTART_BARS, SignalError, ratio};
use crate::units::Ratio;

/// The shortest window, in bars: the first with two frequencies to choose from.
pub const CHRONO_BARS_MIN: u32 = 5;
/// The longest window, in bars.
pub const CHRONO_BARS_MAX: u32 = 4_096;

/// How many comparisons run beside each other.
const LANES: usize = 4;

const _: () = {
    // N * sum of squares is the largest exact number in here.
    let bars = CHRONO_BARS_MAX as i128;
    let square = RETURN_RAW_MAX as i128 * RETURN_RAW_MAX as i128;
    assert!(square * bars * bars < i128::MAX);
};

/// The strongest wave of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resonance {
    /// Fisher's g: its share of the power of all frequencies, from 1/m to 1.
    pub share: Ratio,
    /// How often it fits into the window, k; of equally strong ones the slowest.
    pub frequency: u32,
    /// How many bars it takes, N / k.
    pub period: Ratio,
    /// Its angle at the oldest bar, in turns from 0 up to (not including) 1: 0 where the wave
    /// stands at its top, 0.75 where it rises through its middle.
    pub phase: Ratio,
}

/// The waves in the newest returns of a pair, kept up bar by bar.
///
/// # Examples
/// ```
/// use schwabot::signals::{ChronoResonance, fisher_p_value};
/// use schwabot::units::Ratio;
/// let mut chrono = ChronoResonance::new(32);
/// for bar in 0..40 {
///     // Up four bars, down four bars: a rhythm of eight.
///     chrono.push(Ratio::from_raw(if bar % 8 < 4 { 1_000_000 } else { -1_000_000 }))?;
/// }
/// let strongest = chrono.resonance().ok_or("the window is full and not flat")?;
/// assert_eq!(strongest.period, "8".parse()?);
/// assert!(fisher_p_value(strongest.share, chrono.frequencies())? < "0.001".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ChronoResonance {
    window: usize,
    seen: u64,
    /// The newest N + 1,023 returns: the window as it was at the last restart, and all since.
    history: VecDeque<i64>,
    sum: i128,
    sum_of_squares: i128,
    /// The sum with alternating signs, the oldest counted positive; kept for even N only.
    alternating: i128,
    turn_re: Vec<f64>,
    turn_im: Vec<f64>,
    wave_re: Vec<f64>,
    wave_im: Vec<f64>,
}

impl ChronoResonance {
    /// Makes an empty window of `bars`, at least [`CHRONO_BARS_MIN`] and at most
    /// [`CHRONO_BARS_MAX`].
    #[must_use]
    pub fn new(bars: u32) -> Self {
        let bars = bars.clamp(CHRONO_BARS_MIN, CHRONO_BARS_MAX);
        let frequencies = (bars - 1) / 2;
        let angle = |k: u32| 2.0 * std::f64::consts::PI * f64::from(k) / f64::from(bars);
        let zeros = vec![0.0; frequencies as usize];
        Self {
            window: bars as usize,
            seen: 0,
            history: VecDeque::new(),
            sum: 0,
            sum_of_squares: 0,
            alternating: 0,
            turn_re: (1..=frequencies).map(|k| libm::cos(angle(k))).collect(),
            turn_im: (1..=frequencies).map(|k| libm::sin(angle(k))).collect(),
            wave_re: zeros.clone(),
            wave_im: zeros,
        }
    }

    /// Makes the state again that had `seen` bars and held these values, to the last bit.
    ///
    /// # Errors
    /// [`SignalError::LengthMismatch`] when that state held another number of values;
    /// [`SignalError::OutOfRange`] for a value that no window takes.
    pub fn rebuilt(bars: u32, seen: u64, values: &[Ratio]) -> Result<Self, SignalError> {
        let mut state = Self::new(bars);
        let held = usize::try_from(seen).unwrap_or(usize::MAX).min(state.capacity());
        if values.len() != held {
            return Err(SignalError::LengthMismatch { left: held, right: values.len() });
        }
        for value in values {
            let raw = checked(*value)?;
            state.take(raw);
        }
        state.seen = seen;
        // Fewer than 1,024, so the cast is exact.
        let since = (seen % RESTART_BARS) as usize;
        let restart = state.history.len() - since;
        state.wave_from_ring(restart);
        for index in restart..state.history.len() {
            let leaving = index.checked_sub(state.window).map_or(0, |old| state.history[old]);
            state.turn(state.history[index] - leaving);
        }
        Ok(state)
    }

    /// Takes the newest log-return; the oldest of a full window goes.
    ///
    /// # Errors
    /// [`SignalError::OutOfRange`] for a return beyond +-100; all is then as before.
    pub fn push(&mut self, value: Ratio) -> Result<(), SignalError> {
        let raw = checked(value)?;
        let leaving = self.take(raw);
        self.seen += 1;
        if self.seen.is_multiple_of(RESTART_BARS) {
            self.wave_from_ring(self.history.len());
        } else {
            self.turn(raw - leaving);
        }
        Ok(())
    }

    /// Forgets all values, as after a gap.
    pub fn clear(&mut self) {
        self.seen = 0;
        self.history.clear();
        (self.sum, self.sum_of_squares, self.alternating) = (0, 0, 0);
        self.wave_re.fill(0.0);
        self.wave_im.fill(0.0);
    }

    /// Returns how many bars came since the start or the last [`clear`](Self::clear).
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Returns the number of frequencies, m.
    #[must_use]
    pub fn frequencies(&self) -> u32 {
        // At most half of CHRONO_BARS_MAX.
        self.wave_re.len() as u32
    }

    /// Iterates over the values that a snapshot stores, the oldest first.
    pub fn values(&self) -> impl Iterator<Item = Ratio> + '_ {
        self.history.iter().copied().map(Ratio::from_raw)
    }

    /// Returns the strongest wave; none before the window is full, and none when these
    /// frequencies hold no power at all.
    #[must_use]
    pub fn resonance(&self) -> Option<Resonance> {
        if self.seen < self.window as u64 {
            return None;
        }
        let bars = self.window as i128;
        let all = bars * self.sum_of_squares - self.sum * self.sum;
        let doubled = all - self.alternating * self.alternating;
        if doubled <= 0 {
            return None;
        }
        let (index, power) = self.strongest();
        let least = 1.0 / self.wave_re.len() as f64;
        let share = (2.0 * power / doubled as f64).clamp(least, 1.0);
        let frequency = index as u32 + 1;
        Some(Resonance {
            share: ratio(share, "largest share").ok()?,
            frequency,
            period: Ratio::of_counts(self.window as u64, u64::from(frequency))?,
            phase: phase(self.wave_re[index], self.wave_im[index]).ok()?,
        })
    }

    fn capacity(&self) -> usize {
        self.window + RESTART_BARS as usize - 1
    }

    /// Takes a value into ring and sums, and returns the one that left the window.
    fn take(&mut self, raw: i64) -> i64 {
        let held = self.history.len();
        let leaving = held.checked_sub(self.window).map_or(0, |oldest| self.history[oldest]);
        if held == self.capacity() {
            self.history.pop_front();
        }
        self.history.push_back(raw);
        let (coming, gone) = (i128::from(raw), i128::from(leaving));
        self.sum += coming - gone;
        self.sum_of_squares += coming * coming - gone * gone;
        if self.window.is_multiple_of(2) {
            // Everything moves one place to the old side, and so changes its sign.
            self.alternating = gone - self.alternating - coming;
        }
        leaving
    }

    /// Starts the transform anew from the window that ends before `end`.
    fn wave_from_ring(&mut self, end: usize) {
        self.wave_re.fill(0.0);
        self.wave_im.fill(0.0);
        for index in end.saturating_sub(self.window)..end {
            self.turn(self.history[index]);
        }
    }

    /// Slides every frequency on by one bar.
    fn turn(&mut self, change: i64) {
        // At most twice RETURN_RAW_MAX: exact as a float.
        let change = change as f64;
        let waves = self.wave_re.iter_mut().zip(&mut self.wave_im);
        for ((re, im), (cos, sin)) in waves.zip(self.turn_re.iter().zip(&self.turn_im)) {
            let (old_re, old_im) = (*re + change, *im);
            *re = old_re * cos - old_im * sin;
            *im = old_re * sin + old_im * cos;
        }
    }

    /// Index and power of the strongest wave; of equal ones the first.
    ///
    /// First the power, then where it stands: a search for both at once waits for every
    /// comparison, four independent ones do not (a fifth of a bar's time at 63 frequencies). The
    /// largest of some numbers is the same in any order.
    fn strongest(&self) -> (usize, f64) {
        let power = |(re, im): (&f64, &f64)| re * re + im * im;
        let mut lanes = [0.0_f64; LANES];
        let (re, re_rest) = self.wave_re.as_chunks::<LANES>();
        let (im, im_rest) = self.wave_im.as_chunks::<LANES>();
        for (re, im) in re.iter().zip(im) {
            for (lane, wave) in lanes.iter_mut().zip(re.iter().zip(im)) {
                *lane = larger(*lane, power(wave));
            }
        }
        let rest = re_rest.iter().zip(im_rest).map(power).fold(0.0, larger);
        let most = lanes.into_iter().fold(rest, larger);
        let mut powers = self.wave_re.iter().zip(&self.wave_im).map(power);
        // Found among the very same products.
        (powers.position(|power| power >= most).unwrap_or(0), most)
    }
}

/// The larger of two powers, neither of which is ever no number: one instruction.
fn larger(left: f64, right: f64) -> f64 {
    if right > left { right } else { left }
}

fn checked(value: Ratio) -> Result<i64, SignalError> {
    if value.raw().unsigned_abs() > RETURN_RAW_MAX {
        return Err(SignalError::OutOfRange { signal: "log-return" });
    }
    Ok(value.raw())
}

/// The angle in turns, from 0 up to (not including) 1.
fn phase(re: f64, im: f64) -> Result<Ratio, SignalError> {
    let turns = libm::atan2(im, re) / (2.0 * std::f64::consts::PI);
    let turns = ratio(if turns < 0.0 { turns + 1.0 } else { turns }, "phase")?;
    // A full turn is none: rounding may have reached it.
    Ok(if turns == Ratio::ONE { Ratio::ZERO } else { turns })
}
