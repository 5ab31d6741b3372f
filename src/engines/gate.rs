//! Evidence and the gate: what a memory must show before a ghost flips.
//!
//! The documents let a trigger pass once it had *ever* ended well. Here losses count as much as
//! wins: the lower 95 % bound of the share of successes must exceed one half, over enough cases,
//! and the cases must have earned something on average after all costs. An empty memory lets
//! nothing pass.

use crate::event::IgnoreReason;
use crate::event::wire::{Decode, Encode};
use crate::signals::{
    KellySize, Moments, SignalError, capped_kelly, expected_net_edge, flat_posterior, wilson_bounds,
};
use crate::units::Ratio;

/// Whether the gate allows for how many keys are tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Family {
    /// Each key stands alone: of many keys, some pass by chance.
    None,
    /// The level of 5 % is shared by all keys that have a case.
    Bonferroni,
}

/// What the gate asks for.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct GateSettings {
    /// Cases that a key needs.
    pub min_cases: u64,
    /// What the lower bound of the share of successes must exceed.
    pub bound: Ratio,
    /// How many standard errors the bound is away: 1.96 for 95 %.
    pub z: Ratio,
    /// Whether the mean net return must be positive.
    pub need_edge: bool,
    /// Whether the number of keys counts.
    pub family: Family,
    /// Share of Kelly's stake that is taken.
    pub kelly_share: Ratio,
    /// The most of equity that Kelly may ask for.
    pub kelly_cap: Ratio,
}

impl Default for GateSettings {
    /// 20 cases, bound above one half at 95 %, a positive mean; a quarter of Kelly, at most a
    /// tenth.
    fn default() -> Self {
        Self {
            min_cases: 20,
            bound: Ratio::from_raw(500_000_000),
            z: Ratio::from_raw(1_960_000_000),
            need_edge: true,
            family: Family::None,
            kelly_share: Ratio::from_raw(250_000_000),
            kelly_cap: Ratio::from_raw(100_000_000),
        }
    }
}

/// What the closed ghosts of one key came to.
#[derive(Clone, Debug, PartialEq, Eq, Default, Encode, Decode)]
pub struct Evidence {
    successes: u64,
    returns: Moments,
    /// Sums of the net returns above zero, and of the sizes of the others, in 10^-9.
    won: i128,
    lost: i128,
}

impl Evidence {
    /// Returns the number of cases.
    #[must_use]
    pub fn cases(&self) -> u64 {
        self.returns.count()
    }

    /// Returns the cases that earned something.
    #[must_use]
    pub const fn successes(&self) -> u64 {
        self.successes
    }

    /// Returns the net returns of all cases.
    #[must_use]
    pub const fn returns(&self) -> &Moments {
        &self.returns
    }

    /// Takes one case.
    pub(super) fn push(&mut self, net_return: Ratio) -> Result<(), SignalError> {
        self.returns.push(net_return)?;
        let raw = i128::from(net_return.raw());
        if raw > 0 {
            self.successes += 1;
            self.won += raw;
        } else {
            self.lost -= raw;
        }
        Ok(())
    }

    /// Mean size of what was won by the successes and lost by the others; zero without any.
    fn mean_sizes(&self) -> (Ratio, Ratio) {
        let mean = |sum: i128, count: u64| {
            let mean = if count == 0 { 0 } else { sum / i128::from(count) };
            Ratio::from_raw(i64::try_from(mean).unwrap_or(i64::MAX))
        };
        (mean(self.won, self.successes), mean(self.lost, self.cases() - self.successes))
    }
}

/// What the evidence says of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Cases.
    pub cases: u64,
    /// Those that earned something.
    pub successes: u64,
    /// Wilson's lower bound of the share of successes; none without a case.
    pub lower_bound: Option<Ratio>,
    /// Posterior mean of success under a flat prior: one half without a case.
    pub confidence: Ratio,
    /// Mean net return; none without a case.
    pub mean_net_return: Option<Ratio>,
    /// Capped fractional Kelly stake; none below two cases, or where the returns do not vary.
    pub kelly: Option<KellySize>,
    /// What a case earns on average after costs, from the posterior and the mean sizes of wins and
    /// losses; zero without a case.
    pub expected_net_edge: Ratio,
    /// Why the gate does not let it pass, if it does not.
    pub refusal: Option<IgnoreReason>,
}

/// Judges the evidence of a key; `z` is that of the settings, or of the family.
pub(super) fn judge(evidence: Option<&Evidence>, gate: &GateSettings, z: Ratio) -> Judgement {
    let none = Evidence::default();
    let evidence = evidence.unwrap_or(&none);
    let (cases, successes) = (evidence.cases(), evidence.successes());
    let lower_bound = wilson_bounds(successes, cases, z).ok().map(|bounds| bounds.lower);
    let confidence = flat_posterior(successes, cases);
    let mean_net_return = evidence.returns.mean();
    let (win, loss) = evidence.mean_sizes();
    let edge = expected_net_edge(confidence, win, loss, Ratio::ZERO);
    let refusal = if cases == 0 {
        Some(IgnoreReason::NoEvidence)
    } else if cases < gate.min_cases {
        Some(IgnoreReason::TooFew)
    } else if lower_bound.is_none_or(|bound| bound <= gate.bound) {
        Some(IgnoreReason::Bound)
    } else if gate.need_edge && !mean_net_return.is_some_and(Ratio::is_positive) {
        Some(IgnoreReason::NoEdge)
    } else {
        None
    };
    Judgement {
        cases,
        successes,
        lower_bound,
        confidence,
        mean_net_return,
        kelly: capped_kelly(&evidence.returns, gate.kelly_share, gate.kelly_cap).ok(),
        expected_net_edge: edge.unwrap_or(Ratio::ZERO),
        refusal,
    }
}
