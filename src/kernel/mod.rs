//! The pure decision machine: inputs in, derived events out, the same every time.
//!
//! A [`Kernel`] joins a [`World`], a strategy and the simulated venue. [`Kernel::step`] takes one
//! input and answers with the events that follow from it. Kernel and strategy know no clock, no
//! chance, no file and no thread, so the same inputs give the same events on any machine.
//!
//! # One step, in order
//! 1. the world folds the input; the strategy observes it;
//! 2. at a bar, the venue fills the pair's pending orders at the bar's open (model `next_open`),
//!    then the paper trades of its ghosts; a ghost that closes moves the allocation weights;
//! 3. at the last bar of an instant, the strategy decides for all pairs; its intentions are taken
//!    in pair order, and under `this_close` each order fills at once, at the last close;
//! 4. a command is answered by the strategy at once;
//! 5. a state root follows when the count of events passed a multiple of [`STATE_ROOT_EVENTS`];
//! 6. at the end of the data, pending orders expire in pair order, the state root of the end is
//!    taken, and the run ends.
//!
//! The world folds each derived event as it is made, before the next is decided: exactly what
//! replay does later. A fill is followed at once by the trades it closes, a trade by its links, and
//! a fill that a ghost flipped into by its soulprint.
//!
//! # Kernel number
//! Any change that could alter a derived event or a fold raises [`KERNEL_NUMBER`]. A log of
//! another number can be read and checked, but not re-executed by this program.
//!
//! # Room to grow
//! An engine is a module beside `venue` that a step consults at a stated place; a registry is a
//! field of the [`World`] that [`View`](crate::strategies::View) shows to strategies.

mod config;
mod counts;
mod decisions;
mod engines;
mod entry;
mod finding;
mod limits;
mod orders;
mod pair;
mod portfolio;
mod quality;
mod roots;
mod run;
mod stamps;
mod venue;
mod view;
mod world;

pub use config::{
    ConfigError, check as check_config, default_balance, default_config, default_instrument,
    default_venue, run_started,
};
pub use counts::{Counters, EquityTrack};
pub use finding::{FINDINGS_KEPT_MAX, Finding, FindingKind, Findings, RootsMet};
pub use pair::{LastBar, PairState};
pub use portfolio::{Account, Closed, Lot, Portfolio, Position, SettleError, Settlement};
pub use quality::PairQuality;
pub use roots::STATE_ROOT_EVENTS;
pub use run::RunState;
pub use stamps::{InputClock, derived_stamp, input_stamp};
pub use world::World;

use crate::event::{Actor, Bar, Class, Event, FillModel, RunStarted};
use crate::strategies::{Catalogue, Intention, Strategy, StrategyError};
use crate::time::Timestamp;

/// The number of this kernel; recorded in every run.
pub const KERNEL_NUMBER: u32 = 2;

/// Why a run cannot be executed, or an input not be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// The run was made by a kernel that may decide differently.
    #[error("the run is of kernel {recorded}, this is kernel {own}")]
    OtherKernel {
        /// The number in the run.
        recorded: u32,
        /// [`KERNEL_NUMBER`].
        own: u32,
    },
    /// The configuration is not sound.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The strategy cannot be built.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    /// The event is not an input.
    #[error("`{event}` is no input")]
    NotAnInput {
        /// Name of the event's kind.
        event: &'static str,
    },
    /// The input is encrypted, so nothing can be decided on it.
    #[error("`{event}` is sealed: open it, or pass over it")]
    Sealed {
        /// Name of the event's kind.
        event: &'static str,
    },
    /// The first input is not the start this kernel was made for, or a start came later.
    #[error("`{event}` where {expected} was expected")]
    OutOfTurn {
        /// Name of the event's kind.
        event: &'static str,
        /// What was expected.
        expected: &'static str,
    },
}

/// A derived event and who answers for it. All of a step are caused by the step's input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What follows from the input.
    pub event: Event,
    /// Who did it.
    pub actor: Actor,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Ready,
    Running,
    Over,
}

/// One run being executed.
pub struct Kernel {
    world: World,
    strategy: Box<dyn Strategy>,
    started: Box<RunStarted>,
    phase: Phase,
    /// Kept between steps so that a quiet step allocates nothing.
    wanted: Vec<Intention>,
}

/// Where a step's derived events go, and which records they will be.
struct Step<'a> {
    next_sequence: u64,
    time: Timestamp,
    out: &'a mut Vec<Decision>,
}

impl Kernel {
    /// Makes a kernel for a run of a built-in strategy, on top of what the log holds so far.
    ///
    /// # Errors
    /// [`KernelError`] for a run of another kernel number, a configuration that is not sound, or
    /// a strategy that is not known here.
    pub fn start(world: World, started: &RunStarted) -> Result<Self, KernelError> {
        Self::start_from(world, started, &Catalogue::default())
    }

    /// Makes a kernel for a run of a strategy of this catalogue.
    ///
    /// # Errors
    /// As [`Kernel::start`].
    pub fn start_from(
        world: World,
        started: &RunStarted,
        strategies: &Catalogue,
    ) -> Result<Self, KernelError> {
        config::check(&started.config)?;
        let strategy = strategies.build(&started.config.strategy, &started.config)?;
        Self::start_with(world, started, strategy)
    }

    /// Makes a kernel for a run of the caller's own strategy.
    ///
    /// # Errors
    /// As [`Kernel::start`], but the strategy is not looked up.
    ///
    /// # Examples
    /// ```
    /// use schwabot::event::*;
    /// use schwabot::kernel::{self, Kernel, World};
    /// use schwabot::strategies::{Intention, OrderIntention, Size, Stance, Strategy, View};
    /// use schwabot::time::Timestamp;
    ///
    /// /// Buys once, and holds.
    /// struct BuyAndHold;
    ///
    /// impl Strategy for BuyAndHold {
    ///     fn observe(&mut self, _view: &dyn View, _input: &Event) {}
    ///     fn decide(&mut self, view: &dyn View, wanted: &mut Vec<Intention>) {
    ///         for &pair in view.instant().iter().filter(|pair| view.bars(**pair) == 1) {
    ///             wanted.push(Intention::Order(OrderIntention {
    ///                 pair,
    ///                 side: Side::Buy,
    ///                 size: Size::Quantity("2".parse().unwrap()),
    ///                 stance: Stance::Open,
    ///                 reason: OrderReason::Signal,
    ///             }));
    ///         }
    ///     }
    /// }
    ///
    /// let own = StrategyConfig { name: "buy-and-hold".into(), parameters: vec![] };
    /// let pair = kernel::default_instrument("BTC", "USDC", "1m".parse()?);
    /// let config = kernel::default_config(own, vec![pair]);
    /// let started = kernel::run_started(Mode::Backtest, config, None, 0)?;
    /// let mut run = Kernel::start_with(World::default(), &started, Box::new(BuyAndHold))?;
    ///
    /// let at = |minute: i64| Timestamp::from_nanos(minute * 60_000_000_000);
    /// let mut out = Vec::new();
    /// run.step(0, &Event::RunStarted(Box::new(started)), at(0), &mut out)?;
    /// let price = "100".parse()?;
    /// let bar = Event::Bar(Bar {
    ///     pair: PairId(0), row: 1, open_time: at(0), available_at: at(1),
    ///     open: price, high: price, low: price, close: price,
    ///     volume: "5".parse()?, trades: None, last_of_instant: true,
    /// });
    /// run.step(1, &bar, at(1), &mut out)?;
    /// assert_eq!(out[0].event.name(), "order_placed");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn start_with(
        world: World,
        started: &RunStarted,
        strategy: Box<dyn Strategy>,
    ) -> Result<Self, KernelError> {
        if started.kernel != KERNEL_NUMBER {
            let recorded = started.kernel;
            return Err(KernelError::OtherKernel { recorded, own: KERNEL_NUMBER });
        }
        config::check(&started.config)?;
        let started = Box::new(started.clone());
        Ok(Self { world, strategy, started, phase: Phase::Ready, wanted: Vec::new() })
    }

    /// Returns the world as it is after the last step.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// Gives the world back, for the next run on the same log.
    #[must_use]
    pub fn into_world(self) -> World {
        self.world
    }

    /// Takes one input, which stands at `sequence` and bears event time `time`, and appends what
    /// follows from it to `out`.
    ///
    /// The derived events must be recorded right behind the input, in their order, with the same
    /// event time. The first input is the [`RunStarted`] that the kernel was made for; nothing
    /// may come after [`EndOfData`](crate::event::EndOfData).
    ///
    /// # Errors
    /// [`KernelError`] for an event that is no input, is sealed, or comes out of turn; nothing is
    /// changed then.
    pub fn step(
        &mut self,
        sequence: u64,
        input: &Event,
        time: Timestamp,
        out: &mut Vec<Decision>,
    ) -> Result<(), KernelError> {
        if matches!(input, Event::SealedCommand(_)) {
            return Err(KernelError::Sealed { event: input.name() });
        }
        self.take_turn(input)?;
        let (findings, events) = (self.world.findings().total(), self.world.events());
        self.world.evolve(input, sequence, time);
        let folded = self.world.findings().total() == findings;
        let mut step = Step { next_sequence: sequence.saturating_add(1), time, out };
        if folded && let Some(view) = self.world.view() {
            self.strategy.observe(&view, input);
        }
        match input {
            Event::Bar(bar) => self.at_bar(bar, folded, &mut step),
            Event::Command(command) => self.command(command, &mut step),
            Event::EndOfData(_) => {
                self.at_end(&mut step);
                return Ok(());
            }
            _ => {}
        }
        self.root_when_due(events, &mut step);
        Ok(())
    }

    /// Folds one recorded event into the world and decides nothing: for audits of a step whose
    /// input is sealed and cannot be opened. First the input, then what was recorded behind it,
    /// each with its own sequence and the step's event time.
    ///
    /// The strategy observes the input, as it is. So a strategy whose state depends on commands is
    /// not the same afterwards; those that are built in keep nothing of them.
    ///
    /// # Errors
    /// [`KernelError`] for an input that comes out of turn; nothing is changed then.
    pub fn pass_over(
        &mut self,
        sequence: u64,
        recorded: &Event,
        time: Timestamp,
    ) -> Result<(), KernelError> {
        let is_input = recorded.class() == Class::Input;
        if is_input {
            self.take_turn(recorded)?;
        }
        self.world.evolve(recorded, sequence, time);
        if is_input && let Some(view) = self.world.view() {
            self.strategy.observe(&view, recorded);
        }
        Ok(())
    }

    fn take_turn(&mut self, input: &Event) -> Result<(), KernelError> {
        let event = input.name();
        if input.class() != Class::Input {
            return Err(KernelError::NotAnInput { event });
        }
        let out_of_turn = |expected| Err(KernelError::OutOfTurn { event, expected });
        self.phase = match (self.phase, input) {
            (Phase::Ready, Event::RunStarted(started)) if *started == self.started => {
                Phase::Running
            }
            (Phase::Ready, _) => return out_of_turn("the start of this run"),
            (Phase::Over, _) => return out_of_turn("nothing more"),
            (Phase::Running, Event::RunStarted(_)) => return out_of_turn("another input"),
            (Phase::Running, Event::EndOfData(_)) => Phase::Over,
            (Phase::Running, _) => Phase::Running,
        };
        Ok(())
    }

    fn at_bar(&mut self, bar: &Bar, folded: bool, step: &mut Step<'_>) {
        if folded && self.fill_model() == FillModel::NextOpen {
            self.fill_pending(bar.pair, bar.open, bar.open_time, step);
            self.fill_ghosts(bar.pair, bar.open, bar.open_time, step);
        }
        if bar.last_of_instant {
            self.decide(step);
        }
    }
}
