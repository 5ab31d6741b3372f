//! The envelopes of a simulated run: pure, so that whoever re-executes a run makes the same bytes.
//!
//! | record | vantage | clock | actor |
//! |---|---|---|---|
//! | `run_started` | operator: somebody configured it | simulated, at its origin | operator |
//! | `input_file` | imported | simulated, at its origin | source |
//! | `command`, sealed or not | operator | the time in the command | operator |
//! | other inputs | the source's | the source's data, or its simulated clock | source |
//! | derived, by the venue | simulated | none: the time of the cause | venue |
//! | derived, by others | computed | none: the time of the cause | who did it |
//!
//! Invariants: no wall clock; the time of an input depends on that input and those before it, so
//! cutting the data at any instant changes no record up to it; time never runs backwards in a run.

use std::num::NonZeroU32;

use crate::event::{
    Actor, Class, ClockSource, ClockStatus, DataDefect, Defect, Event, PairId, RunConfig, RunId,
    Stamp, Vantage,
};
use crate::time::{Span, Timestamp};

/// The clock of a simulated run: moved by its inputs, and by nothing else.
///
/// # Examples
/// ```
/// use schwabot::event::{DataDefect, Defect, EndOfData, Event, PairId};
/// use schwabot::kernel::{self, InputClock};
/// use schwabot::strategies;
/// use schwabot::time::Timestamp;
///
/// let pair = kernel::default_instrument("BTC", "USDC", "1m".parse()?);
/// let config = kernel::default_config(strategies::canonical("sma-cross", &[])?, vec![pair]);
/// let mut clock = InputClock::new(Timestamp::from_nanos(0), &config);
/// let minute = |count: i64| Timestamp::from_nanos(count * 60_000_000_000);
/// let defect = Defect::Gap { after: minute(1), until: minute(5), missing_bars: 3 };
/// let gap = Event::DataDefect(DataDefect { pair: PairId(0), row: 2, defect });
/// // A gap is known when the bar behind it is over.
/// assert_eq!(clock.advance(&gap), minute(6));
/// assert_eq!(clock.advance(&Event::EndOfData(EndOfData { bars: 1, defects: 1 })), minute(6));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct InputClock {
    now: Timestamp,
    /// Bar lengths, by [`PairId`].
    intervals: Vec<Span>,
}

impl InputClock {
    /// Starts the clock of a run at its origin: 0 where the data is somebody else's, the start of
    /// the market where it is made up.
    #[must_use]
    pub fn new(origin: Timestamp, config: &RunConfig) -> Self {
        let intervals = config.instruments.iter().map(|known| known.interval).collect();
        Self { now: origin, intervals }
    }

    /// Moves the clock to when the input was known, and returns that time.
    pub fn advance(&mut self, input: &Event) -> Timestamp {
        let known = match input {
            Event::Bar(bar) => Some(bar.available_at),
            Event::DataDefect(defect) => self.known_at(defect),
            Event::Command(command) => Some(command.time),
            Event::SealedCommand(command) => Some(command.time),
            _ => None,
        };
        self.now = known.map_or(self.now, |known| known.max(self.now));
        self.now
    }

    /// A defect that a delivered bar shows is known with that bar; a row that was left out, as
    /// soon as the bar before it is.
    fn known_at(&self, defect: &DataDefect) -> Option<Timestamp> {
        let opened = match defect.defect {
            Defect::Gap { until, .. } => until,
            Defect::OffGrid { open_time, .. } => open_time,
            Defect::Duplicate { .. } | Defect::Disorder { .. } | Defect::Malformed { .. } => {
                return None;
            }
        };
        let PairId(pair) = defect.pair;
        self.intervals.get(usize::from(pair)).and_then(|interval| opened.plus(*interval))
    }
}

/// Returns the stamp of an input of a simulated run. `source` is the vantage of its market.
#[must_use]
pub fn input_stamp(input: &Event, run: RunId, source: Vantage, time: Timestamp) -> Stamp {
    let simulated = (ClockSource::Simulated, ClockStatus::Exact);
    let (vantage, actor, (clock, clock_status)) = match input {
        Event::RunStarted(_) => (Vantage::Operator, Actor::OPERATOR, simulated),
        Event::InputFile(_) => (Vantage::Imported, Actor::SOURCE, simulated),
        Event::Command(_) | Event::SealedCommand(_) => {
            (Vantage::Operator, Actor::OPERATOR, (ClockSource::Data, ClockStatus::Unknown))
        }
        _ if source == Vantage::Simulated => (source, Actor::SOURCE, simulated),
        // Nobody can tell how good the clock was that a file's stamps came from.
        _ => (source, Actor::SOURCE, (ClockSource::Data, ClockStatus::Unknown)),
    };
    Stamp { run, actor, clock, clock_status, ..Stamp::new(Class::Input, vantage, time) }
}

/// Returns the stamp of a derived record that stands `distance` records behind its input.
#[must_use]
pub fn derived_stamp(input: &Stamp, distance: NonZeroU32, actor: Actor) -> Stamp {
    let vantage = if actor == Actor::VENUE { Vantage::Simulated } else { Vantage::Computed };
    Stamp {
        run: input.run,
        cause: Some(distance),
        actor,
        clock: ClockSource::None,
        clock_status: input.clock_status,
        ..Stamp::new(Class::Derived, vantage, input.time)
    }
}
