//! Who decides: the seam where users bring their own.
//!
//! A [`Strategy`] is pure. It takes the inputs of its run, sees the world through a read-only
//! [`View`], and answers [`Intention`]s at the end of each instant. The kernel turns intentions
//! into orders or refusals; a strategy can neither spend what is not there nor see what has not
//! happened. Its own state is a function of the inputs alone, so that an audit which feeds it the
//! recorded inputs gets the recorded decisions.
//!
//! A run names its strategy, and whoever records or re-executes it looks the name up in a
//! [`Catalogue`]: the built-in ones, and an embedding program's own. The guide
//! [bring your own strategy](crate::docs::own_strategy) has one from end to end.

mod catalogue;
mod parameters;
pub mod schwabot;
pub mod sma_cross;
mod venue;

pub use catalogue::{Catalogue, OwnStrategy, build, canonical, engine_use, names};
pub use parameters::{Parameters, bad_parameter, parameter};
pub use venue::{Quote, Venue};

use std::collections::BTreeMap;

use serde::Serialize;

use crate::engines::{EngineSettings, Engines};
use crate::event::wire::{Decode, Encode};
use crate::event::{
    Command, CommandRefusal, CommandRefused, Event, GhostOpened, GhostTriggered, OrderPlaced,
    OrderReason, PairId, RunConfig, Side, SignalFired,
};
use crate::registries::{Registries, TradeRegistry};
use crate::time::Timestamp;
use crate::units::{MoneyExact, Price, Quantity, Ratio};

/// Decides what to do, and nothing else.
///
/// The same inputs must give the same intentions: no clock, no chance, no hashed order, nothing
/// from outside.
pub trait Strategy: Send {
    /// Takes one input of the run. The world has folded it already.
    fn observe(&mut self, view: &dyn View, input: &Event);

    /// Appends what the strategy wants, now that every input of the instant is in.
    ///
    /// [`View::instant`] names the pairs that have a new bar.
    fn decide(&mut self, view: &dyn View, wanted: &mut Vec<Intention>);

    /// Appends the answer to an operator's command, in the order in which it is to be recorded.
    ///
    /// A strategy that takes none refuses it: a command is never swallowed.
    fn command(&mut self, _view: &dyn View, command: &Command, wanted: &mut Vec<Intention>) {
        let (row, reason) = (command.row, CommandRefusal::NoCommands);
        let event = Event::CommandRefused(CommandRefused { row, reason });
        wanted.push(Intention::Record { pair: PairId(0), event });
    }

    /// Returns the venue that fills this strategy's orders; none for the simulated one.
    ///
    /// A run records who decides by name and parameters, and not who fills: the name stands for
    /// both. So a venue is chosen by a parameter of the strategy, or by another name.
    fn venue(&self) -> Option<&dyn Venue> {
        None
    }

    /// Returns the limits that the kernel holds every opening order of this strategy to.
    fn limits(&self) -> RiskLimits {
        RiskLimits::default()
    }
}

/// Beyond what an order that opens is refused. Shares of the quote account's equity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct RiskLimits {
    /// The most that all positions of the account may be worth together.
    pub max_exposure: Option<Ratio>,
    /// The most that equity may have fallen since the day (UTC) began.
    pub daily_loss: Option<Ratio>,
    /// The most that equity may have fallen below its peak.
    pub max_drawdown: Option<Ratio>,
}

/// What a strategy that lets the engines work needs of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineUse {
    /// The engines' settings.
    pub settings: EngineSettings,
    /// Whether the evidence of the run before is taken over.
    pub carry_evidence: bool,
}

/// How a position began: the ghost that flipped into its order, and what the gate said.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct GhostEntry {
    /// The ghost and the signals at its firing.
    pub opened: GhostOpened,
    /// The gate's figures.
    pub triggered: GhostTriggered,
}

/// An order on its way, and the signal that made it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Pending {
    /// The order.
    pub order: OrderPlaced,
    /// The signal that fired with it, if one did.
    pub signal: Option<SignalFired>,
    /// The ghost that flipped into it, if one did.
    pub ghost: Option<Box<GhostEntry>>,
}

/// The world as a strategy may see it: everything up to now, nothing later.
pub trait View {
    /// Returns the configuration of the run.
    fn config(&self) -> &RunConfig;
    /// Returns the pairs with a new bar in this instant, in pair order.
    fn instant(&self) -> &[PairId];
    /// Returns how many bars of the pair the run has seen.
    fn bars(&self, pair: PairId) -> u64;
    /// Returns the pair's last close.
    fn last_price(&self, pair: PairId) -> Option<Price>;
    /// Returns the mean volume of the pair's last bars (`impact_window_bars` of the run's venue),
    /// in the pair's own unit; none before there are enough, or where nothing was traded.
    fn mean_volume(&self, pair: PairId) -> Option<Quantity>;
    /// Returns the standard deviation of the returns of the same bars; none before there are
    /// enough.
    fn deviation(&self, pair: PairId) -> Option<Ratio>;
    /// Returns what is held of the pair's base currency; negative when sold short.
    fn position(&self, pair: PairId) -> Quantity;
    /// Returns the pair's orders that wait for their fill, by number.
    fn pending(&self, pair: PairId) -> &BTreeMap<u64, Pending>;
    /// Returns the cash in a quote currency; none where the run has no account.
    fn cash(&self, currency: &str) -> Option<MoneyExact>;
    /// Returns cash and positions at last closes; none without an account, or where the exact
    /// sum does not fit.
    fn equity(&self, currency: &str) -> Option<MoneyExact>;
    /// Returns when the pair's last bar was over.
    fn last_time(&self, pair: PairId) -> Option<Timestamp>;
    /// Returns the ghost that flipped into the pair's position, if one did.
    fn position_ghost(&self, pair: PairId) -> Option<u64>;
    /// Returns the engines of the run; none where its strategy has no use for them.
    fn engines(&self) -> Option<&Engines>;
    /// Returns the registries of the whole log, earlier runs included.
    fn registries(&self) -> &Registries;
    /// Returns the closed trades of the whole log, earlier runs included.
    fn trades(&self) -> &TradeRegistry {
        self.registries().trades()
    }
}

/// What a strategy wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intention {
    /// To record that a detector fired. The next order of that pair in this instant carries it
    /// as its trigger.
    Signal(SignalFired),
    /// To trade.
    Order(OrderIntention),
    /// To record what an engine of the strategy decided. The kernel takes the kinds from
    /// `command_refused` to `orphan_tombstoned` and leaves out everything else.
    Record {
        /// The pair it is about: what a strategy wants is recorded in pair order.
        pair: PairId,
        /// The derived event.
        event: Event,
    },
}

impl Intention {
    /// Returns the pair it is about.
    #[must_use]
    pub const fn pair(&self) -> PairId {
        match self {
            Self::Signal(signal) => signal.pair,
            Self::Order(order) => order.pair,
            Self::Record { pair, .. } => *pair,
        }
    }
}

/// A wish to trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderIntention {
    /// The pair.
    pub pair: PairId,
    /// Which way.
    pub side: Side,
    /// How much.
    pub size: Size,
    /// What it is to the position.
    pub stance: Stance,
    /// Why.
    pub reason: OrderReason,
}

/// What an order is to the position it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stance {
    /// A new position: refused when a position or an order of the pair is open.
    Open,
    /// More of the same side: refused when the position is on the other side.
    Increase,
    /// Less of what there is: refused beyond what is held and not on its way out already.
    Reduce,
}

/// How much a strategy wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// This much base currency.
    Quantity(Quantity),
    /// Base currency for this much quote currency at the last close.
    Notional(MoneyExact),
    /// The same, but never more than the free cash pays, fee included.
    NotionalWithinCash(MoneyExact),
    /// Base currency for this share of the quote account's equity at the last close.
    ShareOfEquity(Ratio),
    /// All that is held and not on its way out already.
    Position,
}

/// Why a strategy cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StrategyError {
    /// This program knows no strategy of that name, so it cannot re-execute it either.
    #[error("unknown strategy `{name}`: known are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// The names that would do.
        known: String,
    },
    /// A program's own strategy has the name of another.
    #[error("there is a strategy `{name}` already")]
    NameTaken {
        /// The name.
        name: &'static str,
    },
    /// The strategy has no such parameter.
    #[error("strategy `{strategy}` has no parameter `{parameter}`")]
    UnknownParameter {
        /// The strategy.
        strategy: &'static str,
        /// The parameter.
        parameter: String,
    },
    /// A parameter is given twice.
    #[error("parameter `{parameter}` is given twice")]
    RepeatedParameter {
        /// The parameter.
        parameter: String,
    },
    /// A parameter's value is not usable.
    #[error("parameter `{parameter}` = `{value}`: {reason}")]
    BadParameter {
        /// The parameter.
        parameter: &'static str,
        /// What was given.
        value: String,
        /// Why it will not do.
        reason: String,
    },
    /// The configuration is not in its one canonical form.
    #[error("the parameters of strategy `{strategy}` are not in canonical form")]
    NotCanonical {
        /// The strategy.
        strategy: String,
    },
}
