//! State roots: what each part states, when one is recorded, and one that says something else.

use schwabot::event::*;
use schwabot::hash::Digest;
use schwabot::kernel::World;

use crate::kernel_world::round_trip;
use crate::support::runs::*;

/// The digest that a world states of a part.
fn digest(world: &World, projection: Projection) -> Digest {
    let root = world.state_root();
    root.roots.iter().find(|root| root.projection == projection).unwrap().digest
}

#[test]
fn each_part_of_a_state_root_moves_with_what_it_states() {
    let log = round_trip().log;
    let folded = |skipped: &str| {
        let mut world = World::default();
        for record in log.iter().filter(|record| record.event.name() != skipped) {
            world.evolve(&record.event, record.sequence, record.time);
        }
        world
    };
    let whole = folded("");
    let differ = |other: &World, part| assert_ne!(digest(other, part), digest(&whole, part));
    differ(&folded("bar"), Projection::Market);
    differ(&folded("order_filled"), Projection::Portfolio);
    differ(&folded("order_filled"), Projection::Orders);
    differ(&folded("run_started"), Projection::Market);
    // As many events at the same times, and other counts of them.
    let start = &log[0].event;
    let pair = PairId(0);
    let [one, two] = [OrderExpired { order: 1, pair }, OrderExpired { order: 2, pair }];
    let counted = |events: [Event; 2]| {
        let mut world = World::default();
        world.evolve(start, 0, at(0));
        for event in events {
            world.evolve(&event, 1, at(0));
        }
        digest(&world, Projection::Orders)
    };
    let placed = log.iter().find(|record| record.event.name() == "order_placed").unwrap();
    let nothing = counted([Event::OrderExpired(two.clone()), Event::OrderExpired(two)]);
    assert_ne!(counted([placed.event.clone(), Event::OrderExpired(one)]), nothing);
}

#[test]
fn a_state_root_that_counts_other_events_or_has_other_parts_is_found() {
    let world = round_trip().world;
    let said = |change: &dyn Fn(&mut StateRoot)| {
        let (mut world, mut root) = (world.clone(), world.state_root());
        change(&mut root);
        world.evolve(&Event::StateRoot(root), 99, at(9));
        let found: Vec<_> = world.findings().kept().iter().map(ToString::to_string).collect();
        (found.join("; "), world.events())
    };
    let events = world.events();
    assert_eq!(said(&|_| {}), (String::new(), events));
    let orders = "record 99: the state root says another state of `orders`".to_owned();
    assert_eq!(said(&|root| root.events += 1), (orders.clone(), events));
    assert_eq!(said(&|root| root.roots.push(root.roots[0])), (orders, events));
}

#[test]
fn a_state_root_follows_the_step_that_passes_ten_thousand_events_and_the_end() {
    let bars: Vec<Bar> = (0..20_100).map(|minute| bar(0, minute, "100", "100")).collect();
    let outcome = run(frictionless("own", 1), scripted(vec![]), &bars);
    let counted: Vec<u64> = outcome
        .derived()
        .filter_map(|event| match event {
            Event::StateRoot(root) => Some(root.events),
            _ => None,
        })
        .collect();
    // The start, the bars and the end of the data.
    assert_eq!(counted, [10_000, 20_000, 20_102]);
    assert_eq!(outcome.world.findings().roots().first_differing, None);
}
