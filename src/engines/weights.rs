//! Allocation weights: the documents' volume weights, with their true old values.
//!
//! Two rules. *Exponentiated*: one weight for the entry leg of each tradable pair, together exactly
//! one, started equal; what a leg's ghost earned multiplies its weight, and no weight dies out.
//! *Additive*, the documents' own: any leg at any width, started at 1, changed by hand, never below
//! zero.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{EngineFault, EngineSettings};
use crate::event::wire::{Decode, Encode};
use crate::event::{CommandRefusal, Leg, Side, StageLeg, VolumeWeightsChanged, WeightRule};
use crate::signals::{additive_weight, exponentiated_gradient};
use crate::units::Ratio;

/// One weight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LegWeight {
    /// The leg.
    pub leg: Leg,
    /// Width of its word.
    pub word_bits: u8,
    /// The weight.
    pub weight: Ratio,
}

/// All weights of a run.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Weights {
    pub(super) rule: WeightRule,
    by_leg: BTreeMap<StageLeg, Ratio>,
}

impl Weights {
    pub(super) fn new(settings: &EngineSettings) -> Result<Self, EngineFault> {
        let mut by_leg = BTreeMap::new();
        if settings.rule == WeightRule::Exponentiated {
            let tradable = settings.instruments.iter().filter(|known| known.tradable);
            for instrument in tradable {
                let (leg, word_bits) = (Leg::of(instrument, Side::Buy), settings.word_bits);
                by_leg.insert(StageLeg { leg, word_bits }, Ratio::ZERO);
            }
            // Equal shares that add up to exactly one, by the rule itself.
            let ones = vec![Ratio::ONE; by_leg.len()];
            let gains = vec![Ratio::ZERO; by_leg.len()];
            if !by_leg.is_empty() {
                let equal = exponentiated_gradient(&ones, &gains)?;
                by_leg.values_mut().zip(equal).for_each(|(weight, share)| *weight = share);
            }
        }
        Ok(Self { rule: settings.rule, by_leg })
    }

    pub(super) fn get(&self, leg: &Leg, word_bits: u8) -> Option<Ratio> {
        let known = self.by_leg.get(&StageLeg { leg: leg.clone(), word_bits }).copied();
        match self.rule {
            WeightRule::Exponentiated => known,
            WeightRule::Additive => Some(known.unwrap_or(Ratio::ONE)),
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = LegWeight> + '_ {
        self.by_leg.iter().map(|(key, weight)| LegWeight {
            leg: key.leg.clone(),
            word_bits: key.word_bits,
            weight: *weight,
        })
    }

    /// What the weights become when a leg has earned a net log-return.
    pub(super) fn learned(
        &self,
        leg: &Leg,
        word_bits: u8,
        gain: Ratio,
    ) -> Result<VolumeWeightsChanged, EngineFault> {
        let key = StageLeg { leg: leg.clone(), word_bits };
        let unknown = EngineFault::Figure { what: "volume_weights_changed", field: "leg" };
        let place = self.by_leg.keys().position(|known| *known == key).ok_or(unknown)?;
        let before: Vec<Ratio> = self.by_leg.values().copied().collect();
        let mut gains = vec![Ratio::ZERO; before.len()];
        gains[place] = gain;
        let weights = exponentiated_gradient(&before, &gains)?;
        Ok(VolumeWeightsChanged {
            leg: key.leg,
            word_bits,
            rule: WeightRule::Exponentiated,
            gain,
            old: before[place],
            new: weights[place],
            weights,
        })
    }

    /// What the weights become when an operator adds to one.
    pub(super) fn changed(
        &self,
        leg: &Leg,
        word_bits: u8,
        delta: Ratio,
    ) -> Result<VolumeWeightsChanged, CommandRefusal> {
        if self.rule != WeightRule::Additive {
            return Err(CommandRefusal::WeightsLearn);
        }
        let old = self.get(leg, word_bits).unwrap_or(Ratio::ONE);
        let new = additive_weight(old, delta).map_err(|_| CommandRefusal::Overflow)?;
        let mut after = self.by_leg.clone();
        after.insert(StageLeg { leg: leg.clone(), word_bits }, new);
        Ok(VolumeWeightsChanged {
            leg: leg.clone(),
            word_bits,
            rule: WeightRule::Additive,
            gain: delta,
            old,
            new,
            weights: after.into_values().collect(),
        })
    }

    /// Takes a change; what it says is worked out again.
    pub(super) fn fold(&mut self, said: &VolumeWeightsChanged) -> Result<(), EngineFault> {
        let own = match said.rule {
            WeightRule::Exponentiated => self.learned(&said.leg, said.word_bits, said.gain)?,
            WeightRule::Additive => {
                let changed = self.changed(&said.leg, said.word_bits, said.gain);
                let field = "rule";
                changed
                    .map_err(|_| EngineFault::Figure { what: "volume_weights_changed", field })?
            }
        };
        let key = StageLeg { leg: said.leg.clone(), word_bits: said.word_bits };
        self.by_leg.entry(key).or_insert(Ratio::ZERO);
        if said.weights.len() == self.by_leg.len() {
            self.by_leg.values_mut().zip(&said.weights).for_each(|(weight, new)| *weight = *new);
        }
        super::ghost::check(
            "volume_weights_changed",
            &[
                (said.rule == self.rule, "rule"),
                (said.old == own.old, "old"),
                (said.new == own.new, "new"),
                (said.weights == own.weights, "weights"),
            ],
        )
    }
}

/// Counts the legs; refuses no stage and empty ones.
pub(super) fn check_stages(stages: &[Vec<StageLeg>]) -> Result<u64, CommandRefusal> {
    if stages.is_empty() || stages.iter().any(Vec::is_empty) || stages.len() > 1_000 {
        return Err(CommandRefusal::EmptyOrbit);
    }
    Ok(stages.iter().map(|legs| legs.len() as u64).sum())
}
