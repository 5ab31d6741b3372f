//! `why`: the chain of causes of one trade, from the bar to the registry links.

use serde_json::{Value, json};

use crate::cli::answer::Answer;
use crate::cli::args::{Format, WhyArgs};
use crate::cli::interrupt;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::progress::Reading;
use crate::cli::text::Screen;
use crate::event::{Action, Event, OrderReason};
use crate::ledger::Reader;
use crate::projections::{Explanation, why};

pub(in crate::cli) fn run(args: &WhyArgs) -> Outcome {
    let reading = Reading::new("looking", &args.ledger, 2);
    interrupt::end_at_once("nothing was changed; the same command begins again".to_owned())?;
    let reader = Reader::open_on(reading.disk(), &args.ledger)?;
    let found = why(&reader, &args.trade)?;
    drop(reading);
    let mut screen = Screen::new();
    match args.format {
        Format::Text => tell(&mut screen, &found)?,
        format => {
            let causes: Vec<Value> = found
                .causes
                .iter()
                .map(|cause| {
                    json!({
                        "sequence": cause.sequence,
                        "kind": cause.kind,
                        "time": cause.time,
                        "cause": cause.cause,
                        "digest": cause.digest,
                        "words": in_words(&cause.event),
                        "payload": cause.event,
                    })
                })
                .collect();
            let fields = json!({"trade": found.trade, "causes": causes});
            let answer = Answer::new("why", &fields);
            let columns = &["sequence", "kind", "time", "cause", "digest", "words", "payload"];
            screen.answer(format, &answer.listing("cause", columns, causes))?;
        }
    }
    screen.flush()?;
    Ok(0)
}

fn tell(screen: &mut Screen, found: &Explanation) -> Result<(), CliError> {
    screen.line(format_args!("trade {}", found.trade))?;
    for cause in &found.causes {
        let (sequence, time, kind) = (cause.sequence, cause.time, cause.kind);
        let digest = cause.digest.short();
        screen.line(format_args!("{sequence:>9}  {time}  {digest}  {kind}"))?;
        screen.line(format_args!("           {}", in_words(&cause.event)))?;
    }
    Ok(())
}

fn reason_in_words(reason: OrderReason) -> &'static str {
    match reason {
        OrderReason::Signal => "a signal fired",
        OrderReason::Ghost => "a ghost passed the gate",
        OrderReason::Horizon => "the holding time is over",
        OrderReason::TakeProfit => "the price reached its target",
        OrderReason::Stop => "the price fell to its limit",
        OrderReason::Operator => "the operator said so",
    }
}

/// An event of a chain in one line.
pub(super) fn in_words(event: &Event) -> String {
    match event {
        Event::Bar(bar) => format!(
            "the bar from {} closed at {} (open {}, high {}, low {}), volume {}",
            bar.open_time, bar.close, bar.open, bar.high, bar.low, bar.volume
        ),
        Event::Command(command) => match &command.action {
            Action::GhostTrigger { key, .. } => format!("the operator fed the trigger {key}"),
            _ => format!("line {} of the operator's commands", command.row),
        },
        Event::SealedCommand(command) => {
            format!("line {} of the operator's commands, sealed", command.row)
        }
        Event::SignalFired(signal) => {
            let strength = signal.strength.map(|z| format!(", {z} deviations")).unwrap_or_default();
            format!(
                "{} fired, pointing {}{strength}",
                signal.trigger.name(),
                signal.direction.name()
            )
        }
        Event::BitFlipped(flip) => {
            let width = usize::from(flip.word_bits);
            format!("the path was {:0width$b}, mirrored {:0width$b}", flip.word, flip.complement)
        }
        Event::GhostOpened(ghost) => {
            format!("ghost {} opened on paper for {}", ghost.ghost, ghost.key)
        }
        Event::GhostTriggered(said) => format!(
            "the gate let it pass: {} of {} cases won, lower bound {}, mean net {}",
            said.successes, said.cases, said.lower_bound, said.mean_net_return
        ),
        Event::OrderPlaced(order) => format!(
            "order {}: {:?} {} at {} or so, because {}",
            order.order,
            order.side,
            order.quantity,
            order.reference_price,
            reason_in_words(order.reason)
        )
        .to_lowercase(),
        Event::OrderFilled(fill) => format!(
            "order {} filled at {}, {} worse than the market's, fee {}",
            fill.order, fill.price, fill.slippage, fill.fee
        ),
        other => after_in_words(other),
    }
}

/// An event that follows the entry.
fn after_in_words(event: &Event) -> String {
    match event {
        Event::GhostEntered(said) => format!("the ghost was entered at {}", said.price),
        Event::GhostExitDue(due) => {
            let gap = if due.gap { ", late: bars were missing" } else { "" };
            format!("it is to leave: {}{gap}", reason_in_words(due.reason))
        }
        Event::GhostClosed(closed) => {
            format!("the ghost closed at {}, net return {}", closed.price, closed.net_return)
        }
        Event::TradeClosed(trade) => format!(
            "trade {}: {} {} from {} to {}, net {}",
            trade.trade,
            trade.quantity,
            trade.symbol,
            trade.entry.price,
            trade.exit.price,
            trade.net
        ),
        Event::SoulprintRegistered(soulprint) => {
            format!("its soulprint was taken, confidence {}", soulprint.confidence)
        }
        Event::SoulprintOutcome(outcome) => {
            format!("the soulprint's outcome: net return {}", outcome.net_return)
        }
        Event::BucketMatched(matched) => format!(
            "like bucket {} (cosine {}), which predicts success with {}",
            matched.bucket.short(),
            matched.similarity,
            matched.expected_success
        ),
        Event::BucketMatchScored(scored) => {
            let met = if scored.success { "won" } else { "lost" };
            format!("the prediction {} met its outcome: {met}", scored.expected_success)
        }
        Event::BucketObserved(seen) => {
            format!("it entered its bucket: net return {}, held {}", seen.net_return, seen.holding)
        }
        Event::RegistryLinked(linked) => {
            format!("linked to {} of {}", linked.entry.short(), linked.registry.name())
        }
        Event::PairFlipResolved(flip) => {
            let cost = flip.round_trip_cost.map(|cost| format!(", there and back costs {cost}"));
            format!("the way back of {} is {}{}", flip.leg, flip.inverse, cost.unwrap_or_default())
        }
        Event::OrbitCycleRun(run) => {
            let log = run.log_return.map(|log| log.to_string()).unwrap_or_default();
            format!("cycle {}: round trip with log-return {log}", run.cycle)
        }
        other => other.name().to_owned(),
    }
}
