//! Which records `replay` shows.
//!
//! Invariants: every condition that is given must hold; times are event times, so those of the
//! ledger's own records are the wall clock's; a pair is known by what the record's own run calls
//! it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::cli::args_replay::ReplayArgs;
use crate::event::{Class, Envelope, Event, Instrument, RecordRef, RunId, kind_name};
use crate::ledger::Entry;
use crate::projections::UpTo;

/// What is asked for, and what was learnt on the way.
pub(super) struct Filter<'a> {
    args: &'a ReplayArgs,
    /// The symbols of each run, at the places that its records call them by.
    symbols: BTreeMap<RunId, Vec<String>>,
}

impl<'a> Filter<'a> {
    pub(super) const fn new(args: &'a ReplayArgs) -> Self {
        Self { args, symbols: BTreeMap::new() }
    }

    /// Where reading begins: what pairs are called stands where their run begins.
    pub(super) fn first(&self) -> u64 {
        match self.args.from {
            UpTo::Sequence(sequence) if self.args.pair.is_none() => sequence,
            _ => 0,
        }
    }

    /// True for a record behind the last one that is asked for.
    pub(super) fn is_past(&self, sequence: u64) -> bool {
        matches!(self.args.to, Some(UpTo::Sequence(last)) if sequence > last)
    }

    /// What the envelope alone tells.
    pub(super) fn wants(&self, record: &RecordRef<'_>, envelope: &Envelope) -> bool {
        let (args, stamp) = (self.args, &envelope.stamp);
        let from = match args.from {
            UpTo::Sequence(first) => record.sequence >= first,
            UpTo::Time(first) => stamp.time >= first,
            UpTo::End => true,
        };
        let to = match args.to {
            Some(UpTo::Time(last)) => stamp.time <= last,
            _ => true,
        };
        let kind = args.kind.is_empty() || args.kind.contains(&envelope.kind);
        let mut classes = args.class.iter().map(|class| Class::from(*class));
        let class = args.class.is_empty() || classes.any(|class| class == stamp.class);
        let cause = args.cause.is_none_or(|cause| record.cause(envelope) == Some(cause));
        let run = args.run.as_ref().is_none_or(|run| stamp.run.to_string().starts_with(run));
        from && to && kind && class && cause && run
    }

    /// True for a record that says what pairs are called, where that is asked.
    pub(super) fn learns_from(&self, envelope: &Envelope) -> bool {
        self.args.pair.is_some() && kind_name(envelope.kind) == Some("run_started")
    }

    /// Learns what a run calls its pairs, from the record that begins it.
    pub(super) fn learn(&mut self, entry: Option<&Entry<Event>>) {
        if let Some(Entry::Event(Event::RunStarted(started))) = entry {
            let symbols = started.config.instruments.iter().map(Instrument::symbol);
            self.symbols.insert(started.run, symbols.collect());
        }
    }

    /// Where no run has the pair that is asked for: which pairs there are.
    pub(super) fn pairs_instead(&self) -> Option<String> {
        let pair = self.args.pair.as_ref()?.to_string();
        let all: BTreeSet<&str> = self.symbols.values().flatten().map(String::as_str).collect();
        let known = all.into_iter().collect::<Vec<_>>();
        (!known.contains(&pair.as_str())).then(|| {
            format!("no run up to here has the pair {pair}; there are {}", known.join(", "))
        })
    }

    /// Does the payload name the pair that is asked for?
    pub(super) fn names_pair(&self, envelope: &Envelope, payload: &Value) -> bool {
        let Some(pair) = &self.args.pair else { return true };
        let symbol = pair.to_string();
        let own = self.symbols.get(&envelope.stamp.run);
        let place = payload["pair"].as_u64().and_then(|place| usize::try_from(place).ok());
        let called = place.and_then(|place| own?.get(place));
        let listed = payload["config"]["instruments"].as_array();
        let is_leg = |leg: &Value| {
            let ends = (leg["from"].as_str(), leg["to"].as_str());
            let (base, quote) = (Some(pair.base()), Some(pair.quote()));
            ends == (base, quote) || ends == (quote, base)
        };
        let legs = payload["legs"].as_array();
        called == Some(&symbol)
            || payload["symbol"] == *symbol
            || is_leg(&payload["leg"])
            || is_leg(&payload["key"]["leg"])
            || legs.is_some_and(|legs| legs.iter().any(|walked| is_leg(&walked["leg"])))
            || listed.is_some_and(|all| {
                all.iter()
                    .any(|known| known["base"] == *pair.base() && known["quote"] == *pair.quote())
            })
    }
}
