//! The engines of a run: each folds its own events.

use super::finding::FindingKind;
use super::run::RunState;
use crate::engines::Engines;
use crate::event::{Event, FeatureScalingFrozen, GhostTriggered, PairId};
use crate::strategies::GhostEntry;
use crate::time::Timestamp;

impl RunState {
    /// Returns the engines; none where the run's strategy has no use for them.
    #[must_use]
    pub fn engines(&self) -> Option<&Engines> {
        self.engines.as_deref()
    }

    /// Takes an engine's event.
    pub(super) fn fold_engine(
        &mut self,
        event: &Event,
        time: Timestamp,
    ) -> Result<(), FindingKind> {
        if let Event::FeatureScalingFrozen(frozen) = event {
            return self.fold_scaling(frozen);
        }
        if let Event::GhostTriggered(triggered) = event {
            self.flip(triggered);
        }
        let name = event.name();
        let engines = self.engines.as_deref_mut();
        let engines = engines.ok_or(FindingKind::NoEngines { event: name })?;
        let Engines { ghosts, orbits, flips } = engines;
        match event {
            Event::GhostOpened(opened) => ghosts.fold_opened(opened, time)?,
            Event::GhostTriggered(triggered) => ghosts.fold_triggered(triggered)?,
            Event::GhostIgnored(ignored) => ghosts.fold_ignored(ignored)?,
            Event::GhostEntered(entered) => ghosts.fold_entered(entered)?,
            Event::GhostExitDue(due) => ghosts.fold_exit_due(due)?,
            Event::GhostClosed(closed) => ghosts.fold_closed(closed)?,
            Event::PairMemoryAppended(appended) => ghosts.fold_memory(appended)?,
            Event::OrbitCycleRun(run) => orbits.fold_cycle(run)?,
            Event::OrbitSelected(selected) => orbits.fold_selected(selected)?,
            Event::VolumeWeightsChanged(changed) => orbits.fold_weights(changed)?,
            Event::BitFlipped(flipped) => flips.fold_bit_flipped(flipped)?,
            Event::PairFlipResolved(resolved) => flips.fold_pair_flip(resolved)?,
            _ => {}
        }
        Ok(())
    }

    fn fold_scaling(&mut self, frozen: &FeatureScalingFrozen) -> Result<(), FindingKind> {
        self.pair_mut(frozen.pair)?.scaling = Some(frozen.clone());
        Ok(())
    }

    /// Keeps a ghost that passed the gate for the order that follows.
    fn flip(&mut self, triggered: &GhostTriggered) {
        let (Some(number), Some(pair)) = (triggered.ghost, triggered.pair) else { return };
        let open = self.engines().and_then(|engines| engines.ghosts.get(number));
        let Some(opened) = open.map(|ghost| ghost.opened.clone()) else { return };
        if let Ok(state) = self.pair_mut(pair) {
            let triggered = triggered.clone();
            state.flipping = Some(Box::new(GhostEntry { opened, triggered }));
        }
    }

    /// Tells the engines of a bar that was folded.
    pub(super) fn engines_see_bar(&mut self, pair: PairId) {
        let change = self.pair(pair).and_then(|state| state.last).and_then(|last| last.change);
        if let Some(engines) = self.engines.as_deref_mut() {
            engines.flips.fold_bar(pair, change);
        }
    }
}
