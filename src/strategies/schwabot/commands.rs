//! What the strategy answers an operator: the same engines, fed by hand.
//!
//! A trigger that an operator feeds is judged by the same gate on the same memory as one that a
//! detector found. What cannot be done is answered, never swallowed.

use super::{Numbers, Schwabot, Seen, Sensors, ignored, instrument, triggered};
use crate::engines::Engines;
use crate::event::{
    Action, Command, CommandRefusal, CommandRefused, Event, EvidenceKey, IgnoreReason, Leg,
    OrderReason, PairId, PairMemoryAppended, Side, SignalFired,
};
use crate::signals::UpDownWord;
use crate::strategies::{Intention, OrderIntention, Size, Stance, View};

/// Answers one command.
pub(super) fn answer(
    strategy: &Schwabot,
    view: &dyn View,
    command: &Command,
    wanted: &mut Vec<Intention>,
) {
    let row = command.row;
    let Some(engines) = view.engines() else {
        let reason = CommandRefusal::NoCommands;
        wanted.push(record(Event::CommandRefused(CommandRefused { row, reason })));
        return;
    };
    let answered = match &command.action {
        Action::GhostTrigger { key, word, .. } => {
            trigger(strategy, view, engines, key, *word, wanted)
        }
        Action::AppendMemory { key, net_return } => {
            UpDownWord::new(0, key.word_bits).map_err(|_| CommandRefusal::BadWord).map(|_| {
                wanted.push(record(Event::PairMemoryAppended(PairMemoryAppended {
                    key: key.clone(),
                    net_return: *net_return,
                    success: net_return.is_positive(),
                })));
            })
        }
        Action::ChangeWeight { leg, word_bits, delta } => engines
            .orbits
            .change(leg, *word_bits, *delta)
            .map(|changed| wanted.push(record(Event::VolumeWeightsChanged(changed)))),
        Action::FlipBits { word, word_bits } => {
            UpDownWord::new(*word, *word_bits).map_err(|_| CommandRefusal::BadWord).map(|word| {
                let flipped = engines.flips.flip(None, None, word);
                wanted.push(record(Event::BitFlipped(flipped)));
            })
        }
        Action::FlipPair { leg, word_bits } => {
            let price = pair_of(view, leg).and_then(|(pair, _)| view.last_price(pair));
            let flipped = engines.flips.resolve(leg, *word_bits, price, &engines.ghosts, None);
            wanted.push(record(Event::PairFlipResolved(Box::new(flipped))));
            Ok(())
        }
        Action::RunOrbit { stages, market } => engines
            .orbits
            .run_stages(stages, market)
            .map(|run| wanted.push(record(Event::OrbitCycleRun(Box::new(run))))),
        Action::SelectOrbit { stages } => engines
            .orbits
            .select(stages, &engines.ghosts)
            .map(|selected| wanted.push(record(Event::OrbitSelected(selected)))),
        Action::CleanUp => {
            wanted.extend(view.registries().clean_up().into_iter().map(record));
            Ok(())
        }
    };
    if let Err(reason) = answered {
        wanted.push(record(Event::CommandRefused(CommandRefused { row, reason })));
    }
}

/// An answer stands where it is asked for, so it needs no pair to be sorted by.
const fn record(event: Event) -> Intention {
    Intention::Record { pair: PairId(0), event }
}

/// The pair that walks a leg, and which way.
fn pair_of(view: &dyn View, leg: &Leg) -> Option<(PairId, Side)> {
    let places = (0_u16..).zip(&view.config().instruments);
    let mut walks = places.flat_map(|(place, known)| {
        [Side::Buy, Side::Sell].map(|side| (PairId(place), side, Leg::of(known, side)))
    });
    walks.find(|(_, _, walked)| walked == leg).map(|(pair, side, _)| (pair, side))
}

/// Judges a trigger that an operator feeds.
fn trigger(
    strategy: &Schwabot,
    view: &dyn View,
    engines: &Engines,
    key: &EvidenceKey,
    word: Option<u64>,
    wanted: &mut Vec<Intention>,
) -> Result<(), CommandRefusal> {
    UpDownWord::new(word.unwrap_or(0), key.word_bits).map_err(|_| CommandRefusal::BadWord)?;
    let walk = pair_of(view, &key.leg);
    if let Some((pair, Side::Buy)) = walk
        && view.last_price(pair).is_some()
        && let Some(known) = instrument(view.config(), pair).filter(|known| known.tradable)
    {
        // Followed on paper like any other firing.
        let (next_ghost, next_cycle) = (engines.ghosts.next_number(), engines.orbits.next_cycle());
        let mut numbers = Numbers { next_ghost, next_cycle };
        let sensors = strategy.pairs.get(usize::from(pair.0));
        let features = sensors.map(Sensors::features).unwrap_or_default();
        let (trigger, direction) = (key.trigger, key.direction);
        wanted.push(Intention::Signal(SignalFired { pair, trigger, direction, strength: None }));
        let seen = Seen { pair, key: key.clone(), strength: None, word, features: &features };
        strategy.judge(view, engines, known, seen, false, &mut numbers, wanted);
        return Ok(());
    }
    let judgement = engines.ghosts.judge(key);
    let pair = walk.map(|(pair, _)| pair);
    let unpriced = walk.is_none().then_some(IgnoreReason::NoPrice);
    if let Some(reason) = judgement.refusal.or(unpriced) {
        wanted.push(record(ignored(None, pair, key.clone(), reason, &judgement)));
        return Ok(());
    }
    wanted.push(record(triggered(None, pair, key.clone(), &judgement)));
    if let Some((pair, side)) = walk {
        let known = instrument(view.config(), pair);
        let stake = known.map(|known| strategy.stake(view, engines, known, key, &judgement));
        let (size, stance) = match (side, stake) {
            (Side::Buy, Some(stake)) => (Size::NotionalWithinCash(stake), Stance::Open),
            _ => (Size::Position, Stance::Reduce),
        };
        let reason = OrderReason::Operator;
        wanted.push(Intention::Order(OrderIntention { pair, side, size, stance, reason }));
    }
    Ok(())
}
