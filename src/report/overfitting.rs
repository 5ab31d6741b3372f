//! How likely it is that the best of many trials is the best by chance alone.
//!
//! Combinatorially symmetric cross-validation (D. H. Bailey, J. M. Borwein, M. Lopez de Prado and
//! Q. J. Zhu, The Probability of Backtest Overfitting, Journal of Computational Finance 20 (2016)):
//! the periods are cut into an even number of blocks. For every way to take half of them, the trial
//! that is best there is looked up among all trials on the other half. The probability of
//! overfitting is the share of ways in which it then stands in the lower half.

use serde::Serialize;

use super::statistics::quotient;

/// Blocks that are taken where there are enough periods: 12,870 ways to take half of them.
const BLOCKS_MAX: usize = 16;
/// Fewest blocks that say anything.
const BLOCKS_MIN: usize = 4;
/// Fewest periods of a block.
const BLOCK_PERIODS: usize = 4;

/// What the cross-validation found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Overfitting {
    /// Share of the ways in which the best trial of one half stands in the lower half of the other.
    pub probability: f64,
    /// Blocks that the periods were cut into.
    pub blocks: u64,
    /// Ways to take half of them.
    pub ways: u64,
}

/// Sums of a trial over one block.
#[derive(Clone, Copy, Default)]
struct Sums {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Sums {
    fn and(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            sum: self.sum + other.sum,
            squares: self.squares + other.squares,
        }
    }

    /// Mean over deviation; as low as can be where returns do not vary.
    fn sharpe(self) -> f64 {
        let mean = self.sum / self.count;
        let variance = (self.squares - self.sum * mean) / (self.count - 1.0);
        // Sums of squares of equal values leave a rest of rounding behind.
        let floor = 1e-12 * self.squares;
        if variance <= floor {
            return if self.sum > 0.0 && self.squares > 0.0 { f64::MAX } else { f64::MIN };
        }
        mean / variance.sqrt()
    }
}

/// Works out how likely the best of these trials is the best by chance; none below two trials or
/// sixteen periods, and none where no trial has a ratio, so that there is no best.
///
/// # Examples
/// ```
/// use schwabot::report::overfitting;
/// // One trial is better in every block: the choice holds wherever it is looked at.
/// let wave = |lift: f64| (0..64).map(|n| f64::from(n % 3) - 1.0 + lift).collect::<Vec<f64>>();
/// let found = overfitting(&[wave(0.0), wave(0.5), wave(0.1)]).unwrap();
/// assert_eq!((found.probability, found.ways), (0.0, 12_870));
/// ```
#[must_use]
pub fn overfitting(trials: &[Vec<f64>]) -> Option<Overfitting> {
    let periods = trials.first()?.len();
    let blocks = (periods / BLOCK_PERIODS).min(BLOCKS_MAX) & !1;
    if trials.len() < 2 || blocks < BLOCKS_MIN {
        return None;
    }
    // The first periods are left out where they do not come out even, so that blocks are alike.
    let length = periods / blocks;
    let skipped = periods - length * blocks;
    let sums: Vec<Vec<Sums>> = trials
        .iter()
        .map(|returns| returns[skipped..].chunks(length).map(sums_of).collect())
        .collect();
    let whole = |own: &Vec<Sums>| own.iter().fold(Sums::default(), |all, one| all.and(*one));
    if sums.iter().all(|own| whole(own).sharpe() == f64::MIN) {
        return None;
    }
    let (mut ways, mut lower) = (0_u64, 0.0);
    for taken in 0_u32..1 << blocks {
        if taken.count_ones() as usize * 2 != blocks {
            continue;
        }
        ways += 1;
        let over = |own: &[Sums], wanted: bool| {
            let picked = own.iter().enumerate();
            let picked = picked.filter(|(place, _)| (taken >> place & 1 == 1) == wanted);
            picked.fold(Sums::default(), |all, (_, one)| all.and(*one)).sharpe()
        };
        let mut best = (0, f64::MIN);
        for (trial, own) in sums.iter().enumerate() {
            let sharpe = over(own, true);
            if sharpe > best.1 {
                best = (trial, sharpe);
            }
        }
        let others: Vec<f64> = sums.iter().map(|own| over(own, false)).collect();
        let own = others[best.0];
        let below = others.iter().filter(|other| **other < own).count() as f64;
        let equal = others.iter().filter(|other| **other == own).count() as f64;
        // Its rank from 1, ties at their mean; the median is not above itself.
        let rank = below + (equal + 1.0) / 2.0;
        lower += f64::from(u8::from(rank * 2.0 <= others.len() as f64 + 1.0));
    }
    let probability = quotient(lower, ways as f64)?;
    Some(Overfitting { probability, blocks: blocks as u64, ways })
}

fn sums_of(returns: &[f64]) -> Sums {
    Sums {
        count: returns.len() as f64,
        sum: returns.iter().fold(0.0, |sum, one| sum + one),
        squares: returns.iter().fold(0.0, |sum, one| sum + one * one),
    }
}
