//! Everything a log says, folded into one value.
//!
//! [`World::evolve`] is the same function in a live run, in a backtest and in replay. It takes
//! events one by one in the order of the log. It never fails, decides nothing and never panics,
//! whatever the log holds: what does not fit is a [`Finding`](super::Finding), and the world goes
//! on without it.
//!
//! A new run starts flat with fresh cash, prices and orders; registries accumulate over all runs.

use super::finding::{FindingKind, Findings};
use super::roots;
use super::run::RunState;
use super::view::RunView;
use crate::event::wire::{self, Decode, DecodeError, Encode, EncodeError};
use crate::event::{Event, RunStarted, StateRoot, TradeClosed, state_digest};
use crate::registries::{Registries, TradeRegistry};
use crate::strategies::View;
use crate::time::Timestamp;

/// The state that a log amounts to.
///
/// # Examples
/// ```
/// use schwabot::event::{EndOfData, Event};
/// use schwabot::kernel::World;
/// use schwabot::time::Timestamp;
///
/// let mut world = World::default();
/// // An end without a beginning: nothing breaks, and it does not go unnoticed.
/// let event = Event::EndOfData(EndOfData { bars: 1, defects: 0 });
/// world.evolve(&event, 0, Timestamp::from_nanos(0));
/// assert_eq!(world.findings().kept()[0].to_string(), "record 0: `end_of_data` outside any run");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct World {
    run: Option<RunState>,
    runs: u64,
    unfinished_runs: u64,
    events: u64,
    latest: Option<Timestamp>,
    registries: Registries,
    findings: Findings,
}

/// What a world counts beside its parts.
#[derive(Encode, Decode)]
struct Figures {
    runs: u64,
    unfinished_runs: u64,
    events: u64,
    latest: Option<Timestamp>,
}

impl World {
    /// Folds one event, which stands at `sequence` and bears event time `time`.
    pub fn evolve(&mut self, event: &Event, sequence: u64, time: Timestamp) {
        if event.is_import() {
            // Somebody else's records stand outside every run, wherever they were put.
            return;
        }
        if let Event::StateRoot(said) = event {
            // A statement about the state is no part of it.
            let differing = roots::differing(self, said);
            return self.findings.note_root(sequence, differing);
        }
        // Which files a run reads is a matter of record, and no part of any state.
        self.events += u64::from(!matches!(event, Event::InputFile(_)));
        self.latest = Some(self.latest.map_or(time, |latest| latest.max(time)));
        let folded = match event {
            Event::RunStarted(started) => self.begin(started, sequence, time),
            // Which files a run reads is a matter of record; nothing may follow from it.
            Event::InputFile(_) => Ok(()),
            Event::TradeClosed(trade) => self.fold_trade(event, trade, sequence, time),
            _ => self.fold_in_run(event, sequence, time),
        };
        if let Err(kind) = folded {
            self.findings.note(sequence, kind);
        }
    }

    fn begin(
        &mut self,
        started: &RunStarted,
        sequence: u64,
        time: Timestamp,
    ) -> Result<(), FindingKind> {
        // No contradiction: a run that was cut off (a crash, a kill) stays as it was left.
        self.unfinished_runs += u64::from(self.run.as_ref().is_some_and(|run| !run.ended()));
        // Taken away first: after a configuration that is not sound, no run is under way.
        let earlier = self.run.take();
        self.runs += 1;
        self.run = Some(RunState::begin(started, sequence, time, earlier.as_ref())?);
        Ok(())
    }

    fn fold_in_run(
        &mut self,
        event: &Event,
        sequence: u64,
        time: Timestamp,
    ) -> Result<(), FindingKind> {
        let outside = FindingKind::OutsideRun { event: event.name() };
        let run = self.run.as_mut().filter(|run| !run.ended()).ok_or(outside)?;
        // The trades of a fill follow it at once.
        let missing = run.forgive_owed();
        if missing > 0 {
            self.findings.note(sequence, FindingKind::TradeMissing { missing });
        }
        match event {
            Event::Bar(bar) => run.fold_bar(bar),
            Event::DataDefect(defect) => run.fold_defect(defect),
            Event::SignalFired(signal) => run.fold_signal(signal),
            Event::OrderPlaced(order) => run.fold_placed(order),
            Event::OrderRefused(refused) => run.fold_refused(refused.pair),
            Event::OrderFilled(fill) => run.fold_filled(fill),
            Event::OrderRejected(rejected) => run.fold_rejected(rejected.pair, rejected.order),
            Event::OrderExpired(expired) => run.fold_expired(expired.pair, expired.order),
            Event::RunEnded(ended) => run.fold_ended(ended),
            // Sealed or not, a command counts, and nothing follows from it by itself.
            Event::Command(_) | Event::SealedCommand(_) => run.fold_command(),
            Event::SoulprintRegistered(_)
            | Event::SoulprintOutcome(_)
            | Event::BucketMatched(_)
            | Event::BucketMatchScored(_)
            | Event::BucketObserved(_)
            | Event::BucketRetired(_)
            | Event::RegistryLinked(_)
            | Event::OrphanTombstoned(_) => {
                let folded = self.registries.fold(event, sequence, time);
                folded.map_err(|fault| FindingKind::Registry { problem: fault.to_string() })
            }
            // The first three were folded by `evolve`; a refusal and the end of the data change
            // nothing by themselves.
            Event::RunStarted(_)
            | Event::InputFile(_)
            | Event::TradeClosed(_)
            | Event::CommandRefused(_)
            | Event::StateRoot(_)
            | Event::EndOfData(_) => Ok(()),
            _ => run.fold_engine(event, time),
        }
    }

    fn fold_trade(
        &mut self,
        event: &Event,
        trade: &TradeClosed,
        sequence: u64,
        time: Timestamp,
    ) -> Result<(), FindingKind> {
        let outside = FindingKind::OutsideRun { event: "trade_closed" };
        let run = self.run.as_mut().filter(|run| !run.ended()).ok_or(outside)?;
        if let Err(kind) = run.fold_trade(trade, time) {
            self.findings.note(sequence, kind);
        }
        // The registry takes what the log says, sound or not: the finding stands beside it.
        let folded = self.registries.fold(event, sequence, time);
        folded.map_err(|fault| FindingKind::Registry { problem: fault.to_string() })
    }

    /// Returns the world as bytes, findings left out: what a snapshot holds.
    ///
    /// # Errors
    /// [`EncodeError`], which keeps the door honest.
    pub fn save(&self) -> Result<Vec<u8>, EncodeError> {
        let Self { run, runs, unfinished_runs, events, latest, registries, .. } = self;
        let mut bytes = Vec::new();
        let figures = Figures {
            runs: *runs,
            unfinished_runs: *unfinished_runs,
            events: *events,
            latest: *latest,
        };
        wire::encode(&(figures, run, registries), &mut bytes)?;
        Ok(bytes)
    }

    /// Makes the world again that [`save`](Self::save) wrote, as one without a finding. The bytes
    /// are believed only as far as [`state_root`](Self::state_root) of what comes out agrees with
    /// what the log says.
    ///
    /// # Errors
    /// [`DecodeError`] for bytes that are no world.
    pub fn load(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (figures, run, registries): (Figures, Option<RunState>, Registries) =
            wire::decode_state(bytes)?;
        let Figures { runs, unfinished_runs, events, latest } = figures;
        let findings = Findings::default();
        Ok(Self { run, runs, unfinished_runs, events, latest, registries, findings })
    }

    pub(super) fn figures_digest(&self) -> crate::hash::Digest {
        let orders = self.run.as_ref().map(RunState::orders_digest);
        state_digest(&(self.runs, self.unfinished_runs, self.events, self.latest, orders))
    }

    /// Returns the run under way, or the last one.
    #[must_use]
    pub const fn run(&self) -> Option<&RunState> {
        self.run.as_ref()
    }

    /// Returns how many runs began.
    #[must_use]
    pub const fn runs(&self) -> u64 {
        self.runs
    }

    /// Returns how many runs were followed by another before their end.
    #[must_use]
    pub const fn unfinished_runs(&self) -> u64 {
        self.unfinished_runs
    }

    /// Returns the latest event time met so far; a later run may go back behind it.
    #[must_use]
    pub const fn latest(&self) -> Option<Timestamp> {
        self.latest
    }

    /// Returns how many events were folded; state roots and input files, which change nothing,
    /// left aside.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Returns the closed trades of all runs.
    #[must_use]
    pub fn trades(&self) -> &TradeRegistry {
        self.registries.trades()
    }

    /// Returns the registries, over all runs.
    #[must_use]
    pub const fn registries(&self) -> &Registries {
        &self.registries
    }

    /// Returns the digests of the state: what a [`StateRoot`] recorded next would have to say.
    #[must_use]
    pub fn state_root(&self) -> StateRoot {
        roots::state_root(self)
    }

    /// Returns what does not fit in the log.
    #[must_use]
    pub const fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Returns the world as a strategy sees it; none before the first run.
    #[must_use]
    pub fn view(&self) -> Option<impl View + '_> {
        self.run_view()
    }

    pub(super) fn run_view(&self) -> Option<RunView<'_>> {
        self.run.as_ref().map(|run| RunView { run, registries: &self.registries })
    }
}
