//! What the kernel does for the engines: paper fills, scaling, and what a ghost adds to a trade.

use std::collections::BTreeMap;

use schwabot::event::*;
use schwabot::kernel::World;

use crate::event_kinds::one_of_each;
use crate::support::demo;
use crate::support::runs::{Outcome, run_inputs};

const OPEN: [(&str, &str); 3] = [("gate-cases", "1"), ("gate-bound", "0"), ("gate-edge", "false")];

fn with(over: &[(&str, &str)], fill: FillModel, bars: u64) -> Outcome {
    let mut config = demo::config(over);
    config.venue.fill = fill;
    let inputs = demo::inputs(&demo::bars(1, bars));
    run_inputs(World::default(), 0, config, None, inputs)
}

#[test]
fn a_ghost_is_filled_as_an_order_would_be_at_this_close_or_the_next_open() {
    for (model, same_step) in [(FillModel::ThisClose, true), (FillModel::NextOpen, false)] {
        let outcome = with(&[], model, 1_500);
        // Which input each ghost was opened, entered, due and closed behind.
        let mut steps: BTreeMap<u64, [Option<usize>; 4]> = BTreeMap::new();
        let mut input = 0;
        for record in &outcome.log {
            let (ghost, place) = match &record.event {
                Event::GhostOpened(opened) => (opened.ghost, 0),
                Event::GhostEntered(entered) => (entered.ghost, 1),
                Event::GhostExitDue(due) => (due.ghost, 2),
                Event::GhostClosed(closed) => (closed.ghost, 3),
                event => {
                    input += usize::from(event.class() == Class::Input);
                    continue;
                }
            };
            steps.entry(ghost).or_default()[place] = Some(input);
        }
        let closed = steps.values().filter_map(|[opened, entered, due, closed]| {
            Some(((*opened)?, (*entered)?, (*due)?, (*closed)?))
        });
        let closed: Vec<_> = closed.collect();
        assert!(closed.len() > 10, "{model:?}: {} ghosts were closed", closed.len());
        for (opened, entered, due, closed) in closed {
            assert_eq!((entered == opened, closed == due), (same_step, same_step), "{model:?}");
        }
    }
}

#[test]
fn a_trade_that_a_ghost_flipped_into_holds_what_was_seen_when_it_fired() {
    let outcome = with(&OPEN, FillModel::NextOpen, 4_000);
    let opened: Vec<_> = outcome
        .derived()
        .filter_map(|event| match event {
            Event::GhostOpened(opened) => Some(opened.features.clone()),
            _ => None,
        })
        .collect();
    let known = |trade: &TradeClosed| {
        let MarketContext { volatility, volume, volume_z, drift_t } = *trade.market.as_ref()?;
        let seen = (Some(volatility), Some(volume), Some(volume_z), Some(drift_t));
        let of = |f: &Features| (f.volatility, f.volume, f.volume_z, f.drift_t);
        Some(opened.iter().any(|features| of(features) == seen))
    };
    let known: Vec<bool> = outcome.trades().into_iter().filter_map(known).collect();
    assert!(!known.is_empty() && known.iter().all(|known| *known), "{known:?}");
}

#[test]
fn the_scaling_of_a_pair_is_frozen_once_and_kept() {
    let outcome = with(&[], FillModel::NextOpen, 1_500);
    let mut frozen: BTreeMap<PairId, Vec<&FeatureScalingFrozen>> = BTreeMap::new();
    for event in outcome.derived() {
        if let Event::FeatureScalingFrozen(scaling) = event {
            frozen.entry(scaling.pair).or_default().push(scaling);
        }
    }
    assert!(!frozen.is_empty());
    for (pair, scalings) in frozen {
        let kept = outcome.world.run().unwrap().pair(pair).unwrap().scaling.as_ref();
        assert_eq!((scalings.len(), kept), (1, Some(scalings[0])), "{pair:?}");
    }
}

#[test]
fn a_walk_that_was_selected_reaches_its_engine() {
    let outcome = with(&[], FillModel::NextOpen, 10);
    let mut world = World::default();
    world.evolve(&outcome.log[0].event, 0, outcome.log[0].time);
    let selected = one_of_each().into_iter().find(|event| event.name() == "orbit_selected");
    world.evolve(&selected.unwrap(), 1, outcome.log[0].time);
    assert_eq!(world.run().unwrap().engines().unwrap().orbits.report().selections, 1);
}
