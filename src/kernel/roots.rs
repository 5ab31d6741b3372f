//! State roots: one digest for each part of the world.
//!
//! A digest's cost does not grow with the log: what grows (trades, buckets' observations,
//! soulprints, links) keeps a running digest over its changes; what is bounded by the
//! configuration (windows, money, orders, evidence, weights, words) is encoded and hashed when a
//! root is asked for.
//!
//! Which files a run reads is no part of any state: nothing may follow from it.

use super::run::RunState;
use super::world::World;
use crate::event::{Projection, ProjectionRoot, StateRoot};
use crate::hash::Digest;

/// A root is written after the step in which the count of folded events passes a multiple of
/// this, and at the end of a run.
pub const STATE_ROOT_EVENTS: u64 = 10_000;

/// Returns the state root of a world: what a record that follows now would have to say.
pub(super) fn state_root(world: &World) -> StateRoot {
    let run = world.run();
    let part = |value: Option<Digest>| value.unwrap_or(Digest::ZERO);
    let engines = run.and_then(RunState::engines);
    let [trades, buckets, soulprints, links] = world.registries().digests();
    let root = |(projection, digest)| ProjectionRoot { projection, digest };
    let roots = [
        (Projection::Market, part(run.map(RunState::market_digest))),
        (Projection::Portfolio, part(run.map(RunState::portfolio_digest))),
        (Projection::Orders, world.figures_digest()),
        trades,
        buckets,
        soulprints,
        links,
        (Projection::Ghosts, part(engines.map(|engines| engines.ghosts.digest()))),
        (Projection::Orbits, part(engines.map(|engines| engines.orbits.digest()))),
        (Projection::Flips, part(engines.map(|engines| engines.flips.digest()))),
    ];
    StateRoot { events: world.events(), roots: roots.map(root).into() }
}

/// Returns the parts in which a recorded root differs from the world's own.
pub(super) fn differing(world: &World, said: &StateRoot) -> Vec<Projection> {
    let own = state_root(world);
    let said_of = |projection: Projection| {
        said.roots.iter().find(|root| root.projection == projection).map(|root| root.digest)
    };
    let same_shape = said.roots.len() == own.roots.len() && said.events == own.events;
    let parts = own.roots.iter();
    let mut parts: Vec<Projection> = parts
        .filter(|root| said_of(root.projection) != Some(root.digest))
        .map(|root| root.projection)
        .collect();
    if !same_shape && parts.is_empty() {
        // The digests agree and the count of events or the list of parts does not.
        parts.push(Projection::Orders);
    }
    parts
}
