//! The flip engine: words and their complements, legs and their ways back, and the predictor.
//!
//! A *bit flip* complements an up/down word: the mirrored path. A *pair flip* is the way back of a
//! leg, with what there and back costs. Both are counted by pattern and by the word's width, the
//! *bit phase*; the paths themselves are kept up bar by bar, in constant time.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ghost::{GhostEngine, check};
use super::metrics::{EngineMetrics, Tally};
use super::predictor::{Predictor, PredictorReport};
use super::{EngineFault, EngineSettings};
use crate::event::wire::{Decode, Encode};
use crate::event::{BitFlipped, Instrument, Leg, PairFlipResolved, PairId, state_digest};
use crate::hash::Digest;
use crate::signals::{UpDownWord, WordWindow, beta_mean, round_trip_cost};
use crate::units::{Price, Ratio};

/// The flips of one pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PairFlips {
    /// The pair as `BASE/QUOTE`.
    pub symbol: String,
    /// The newest word, its newest bit last.
    pub word: Option<String>,
    /// Bit flips by pattern, such as `0101->1010`.
    pub patterns: BTreeMap<String, u64>,
    /// The predictor's record.
    pub predictor: PredictorReport,
}

/// Flips in figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FlipReport {
    /// Bit flips.
    pub bit_flips: u64,
    /// Pair flips.
    pub pair_flips: u64,
    /// Bit flips by width of the word: the bit-phase distribution.
    pub bit_phases: BTreeMap<u8, u64>,
    /// Pair flips by leg.
    pub legs: BTreeMap<String, u64>,
    /// Mean round-trip cost of the pair flips that had a price.
    pub mean_round_trip_cost: Option<Ratio>,
    /// By pair.
    pub pairs: Vec<PairFlips>,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
struct PairPath {
    window: WordWindow,
    predictor: Predictor,
    /// The word of the newest flip, by width.
    flipped: BTreeMap<u8, u64>,
    patterns: BTreeMap<String, u64>,
}

/// The pair flip engine.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct FlipEngine {
    instruments: Vec<Instrument>,
    fee_rate: Ratio,
    half_spread: Ratio,
    pairs: Vec<PairPath>,
    bit_flips: u64,
    pair_flips: u64,
    bit_phases: BTreeMap<u8, u64>,
    legs: BTreeMap<String, u64>,
    costs: crate::signals::Moments,
    tally: Tally,
}

impl FlipEngine {
    pub(super) fn new(settings: &EngineSettings) -> Result<Self, EngineFault> {
        let path = PairPath {
            window: WordWindow::new(settings.word_bits)?,
            predictor: Predictor::new(settings.word_bits),
            flipped: BTreeMap::new(),
            patterns: BTreeMap::new(),
        };
        Ok(Self {
            pairs: vec![path; settings.instruments.len()],
            instruments: settings.instruments.clone(),
            fee_rate: settings.fee_rate,
            half_spread: settings.half_spread,
            bit_flips: 0,
            pair_flips: 0,
            bit_phases: BTreeMap::new(),
            legs: BTreeMap::new(),
            costs: crate::signals::Moments::default(),
            tally: Tally::default(),
        })
    }

    /// Takes a bar's return; none behind a gap, where the path begins anew.
    pub fn fold_bar(&mut self, pair: PairId, change: Option<Ratio>) {
        let Some(path) = self.pairs.get_mut(usize::from(pair.0)) else { return };
        match change {
            Some(change) => {
                path.window.push(change);
                path.predictor.push(change.is_positive());
            }
            None => {
                path.window.clear();
                path.predictor.restart();
            }
        }
    }

    /// Returns the newest word of a pair, once there were enough bars for one.
    #[must_use]
    pub fn word(&self, pair: PairId) -> Option<UpDownWord> {
        self.pairs.get(usize::from(pair.0)).and_then(|path| path.window.word())
    }

    /// Returns what the predictor gives the pair's next bar for rising.
    #[must_use]
    pub fn up_probability(&self, pair: PairId) -> Option<Ratio> {
        self.pairs.get(usize::from(pair.0)).and_then(|path| path.predictor.up_probability())
    }

    /// Returns the flip of a word.
    #[must_use]
    pub fn flip(&self, pair: Option<PairId>, leg: Option<Leg>, word: UpDownWord) -> BitFlipped {
        let path = pair.and_then(|pair| self.pairs.get(usize::from(pair.0)));
        let before = path.and_then(|path| path.flipped.get(&word.width()));
        BitFlipped {
            pair,
            leg,
            word_bits: word.width(),
            word: word.value(),
            complement: word.complement().value(),
            distance: before.map(|before| (before ^ word.value()).count_ones()),
            sign_changes: word.sign_changes(),
        }
    }

    /// Returns the way back of a leg, priced at this close of its pair where there is one.
    #[must_use]
    pub fn resolve(
        &self,
        leg: &Leg,
        word_bits: Option<u8>,
        close: Option<Price>,
        ghosts: &GhostEngine,
        trade: Option<Digest>,
    ) -> PairFlipResolved {
        let word = self
            .pair_of(leg)
            .and_then(|pair| self.word(pair))
            .filter(|word| Some(word.width()) == word_bits);
        let own = ghosts.evidence().filter(|(key, _)| key.leg == *leg);
        let own = own.filter(|(key, _)| word_bits.is_none_or(|bits| bits == key.word_bits));
        let (cases, successes) = own.fold((0, 0), |(cases, wins), (_, seen)| {
            (cases + seen.cases(), wins + seen.successes())
        });
        let confidence = beta_mean(successes, cases, Ratio::ONE, Ratio::ONE);
        PairFlipResolved {
            inverse: leg.inverse(),
            leg: leg.clone(),
            word_bits,
            word: word.map(UpDownWord::value),
            // Costs are shares: they are the same at every price.
            round_trip_cost: close
                .and_then(|_| round_trip_cost(self.half_spread, self.fee_rate).ok()),
            confidence: confidence.ok().filter(|_| cases > 0),
            trade,
        }
    }

    fn pair_of(&self, leg: &Leg) -> Option<PairId> {
        let mut places = (0_u16..).zip(&self.instruments);
        places.find(|(_, known)| known.walks(leg)).map(|(place, _)| PairId(place))
    }

    /// Takes a bit flip.
    ///
    /// # Errors
    /// [`EngineFault::Figure`] for a complement that is none, or a word that is not the pair's.
    pub fn fold_bit_flipped(&mut self, said: &BitFlipped) -> Result<(), EngineFault> {
        let word = UpDownWord::new(said.word, said.word_bits)?;
        let own = self.flip(said.pair, said.leg.clone(), word);
        self.bit_flips += 1;
        *self.bit_phases.entry(said.word_bits).or_default() += 1;
        let pattern = format!("{word}->{}", word.complement());
        let known = said.pair.map(|pair| self.word(pair));
        if let Some(path) = said.pair.and_then(|pair| self.pairs.get_mut(usize::from(pair.0))) {
            path.flipped.insert(said.word_bits, said.word);
            *path.patterns.entry(pattern.clone()).or_default() += 1;
        }
        self.tally.count(true, None, pattern, Some(said.word_bits));
        let figures = [
            (said.complement == own.complement, "complement"),
            (said.distance == own.distance, "distance"),
            (said.sign_changes == own.sign_changes, "sign_changes"),
            (known.is_none_or(|known| known == Some(word)), "word"),
        ];
        check("bit_flipped", &figures)
    }

    /// Takes a pair flip.
    ///
    /// # Errors
    /// [`EngineFault::Figure`] for an inverse that is none, or a cost that is not the venue's.
    pub fn fold_pair_flip(&mut self, said: &PairFlipResolved) -> Result<(), EngineFault> {
        self.pair_flips += 1;
        *self.legs.entry(said.leg.to_string()).or_default() += 1;
        if let Some(cost) = said.round_trip_cost {
            // Beyond a million flips the mean stays that of the first million.
            let _full = self.costs.push(cost);
        }
        let resolved = self.pair_of(&said.leg).is_some();
        let pattern = format!("{}=>{}", said.leg, said.inverse);
        self.tally.count(resolved, said.confidence, pattern, said.word_bits);
        let own = round_trip_cost(self.half_spread, self.fee_rate).ok();
        let figures = [
            (said.inverse == said.leg.inverse(), "inverse"),
            (said.round_trip_cost.is_none() || said.round_trip_cost == own, "round_trip_cost"),
        ];
        check("pair_flip_resolved", &figures)
    }

    /// Returns flips and forecasts in figures.
    #[must_use]
    pub fn report(&self) -> FlipReport {
        let pairs = self.instruments.iter().zip(&self.pairs).map(|(known, path)| PairFlips {
            symbol: known.symbol(),
            word: path.window.word().map(|word| word.to_string()),
            patterns: path.patterns.clone(),
            predictor: path.predictor.report(),
        });
        FlipReport {
            bit_flips: self.bit_flips,
            pair_flips: self.pair_flips,
            bit_phases: self.bit_phases.clone(),
            legs: self.legs.clone(),
            mean_round_trip_cost: self.costs.mean(),
            pairs: pairs.collect(),
        }
    }

    /// Returns the engine in the figures that all have: an operation is a flip; a pair flip
    /// succeeds where a pair of the run walks the leg.
    #[must_use]
    pub fn metrics(&self) -> EngineMetrics {
        self.tally.metrics()
    }

    /// Returns the digest of the engine's state.
    #[must_use]
    pub fn digest(&self) -> Digest {
        state_digest(self)
    }
}
