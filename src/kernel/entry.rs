//! Round trips as trades, and what the ghost that flipped into them adds.
//!
//! The kernel records what [`trade_of`] gives, and the fold compares every field with it, so an
//! edited trade is found whichever field was edited.

use super::portfolio::{Closed, Lot};
use super::run::{Owed, RunState};
use crate::event::{
    BucketKey, Features, MarketContext, MathContext, RunId, SoulprintRegistered, Tercile,
    TradeClosed, TradeLeg,
};
use crate::registries::legacy_hash_of;
use crate::strategies::GhostEntry;
use crate::units::Ratio;

/// Returns the trade that a closed round trip is; none for a pair that is not there.
pub(super) fn trade_of(run: &RunState, owed: &Owed, number: u64) -> Option<TradeClosed> {
    let Closed { entry, exit, gross, net } = &owed.closed;
    let signal = entry.signal.as_ref();
    let ghost = entry.ghost.as_deref();
    let mut trade = TradeClosed {
        run: run.started().run,
        trade: number,
        pair: owed.pair,
        symbol: run.pair(owed.pair)?.symbol.clone(),
        strategy: run.started().config.strategy.name.clone(),
        side: entry.side,
        quantity: entry.quantity,
        entry: leg(entry),
        exit: leg(exit),
        gross: *gross,
        net: *net,
        trigger: ghost
            .map(|ghost| ghost.opened.key.trigger)
            .or(signal.map(|signal| signal.trigger)),
        word_bits: ghost.map(|ghost| ghost.opened.key.word_bits),
        signal_strength: match ghost {
            Some(ghost) => ghost.opened.strength,
            None => signal.and_then(|signal| signal.strength),
        },
        confidence: ghost.map(|ghost| ghost.triggered.confidence),
        math: ghost.and_then(math),
        market: ghost.and_then(|ghost| market(&ghost.opened.features)),
        legacy_hash: None,
    };
    trade.legacy_hash = legacy_hash_of(&trade);
    Some(trade)
}

/// Returns a lot as one end of a trade.
fn leg(lot: &Lot) -> TradeLeg {
    let Lot { order, time, price, reason, fee, .. } = *lot;
    TradeLeg { order, time, price, reason, fee }
}

/// The numbers of the signals; none unless all of them were there.
fn math(ghost: &GhostEntry) -> Option<MathContext> {
    let features = &ghost.opened.features;
    Some(MathContext {
        periodicity_g: features.periodicity_g?,
        periodicity_p: features.periodicity_p?,
        dominant_period: features.dominant_period?,
        dominant_phase: features.dominant_phase?,
        ln_market_clock_rate: features.ln_market_clock_rate?,
        kelly_fraction: ghost.triggered.kelly_fraction?,
        expected_net_edge: ghost.triggered.expected_net_edge,
    })
}

fn market(features: &Features) -> Option<MarketContext> {
    Some(MarketContext {
        volatility: features.volatility?,
        volume: features.volume?,
        volume_z: features.volume_z?,
        drift_t: features.drift_t?,
    })
}

/// Returns the soulprint of a position that a ghost flipped into.
pub(super) fn soulprint_of(run: RunId, lot: &Lot, ghost: &GhostEntry) -> SoulprintRegistered {
    let GhostEntry { opened, triggered } = ghost;
    let third =
        |place: usize| Tercile::of(opened.vector.get(place).copied().unwrap_or(Ratio::ZERO));
    SoulprintRegistered {
        run,
        order: lot.order,
        ghost: opened.ghost,
        pair: opened.pair,
        time: lot.time,
        vector: opened.vector.clone(),
        // The first four features of a vector, in their order for life.
        bucket: BucketKey {
            trigger: opened.key.trigger,
            direction: opened.key.direction,
            drift: third(0),
            volatility: third(1),
            volume: third(2),
            clock: third(3),
        },
        confidence: triggered.confidence,
        up_probability: opened.up_probability,
        weight: opened.weight,
    }
}
