//! The inputs of the source documents' own demo and tests, as commands.

use schwabot::event::*;
use schwabot::time::Timestamp;
use schwabot::units::Ratio;

use super::runs::at;

pub(crate) fn ratio(text: &str) -> Ratio {
    text.parse().unwrap()
}

pub(crate) fn leg(text: &str) -> Leg {
    text.parse().unwrap()
}

pub(crate) fn key(walk: &str, trigger: Trigger, word_bits: u8) -> EvidenceKey {
    EvidenceKey { leg: leg(walk), trigger, direction: Direction::Up, word_bits }
}

/// Commands one after the other, all at one and the same instant.
pub(crate) fn frozen(actions: Vec<Action>) -> Vec<(Event, Timestamp)> {
    let time = at(0);
    let rows = (1_u64..).zip(actions);
    rows.map(|(row, action)| (Event::Command(Box::new(Command { row, time, action })), time))
        .collect()
}

/// The three ghost events of the demo.
pub(crate) fn ghost_events() -> Vec<Action> {
    let trigger = |walk, trigger, word_bits, word, confidence: &str| Action::GhostTrigger {
        key: key(walk, trigger, word_bits),
        word: Some(word),
        confidence: Some(ratio(confidence)),
    };
    vec![
        trigger("BTC→ETH", Trigger::PriceSpike, 4, 0b0101, "0.8"),
        trigger("ETH→USDC", Trigger::VolumeSurge, 4, 0b1100, "0.7"),
        trigger("BTC→USDC", Trigger::TrendReversal, 8, 0b1010, "0.9"),
    ]
}

/// The memory of the documents' test, before its ghost events.
pub(crate) fn memory_updates() -> Vec<Action> {
    let append = |walk, trigger, word_bits, outcome: &str| Action::AppendMemory {
        key: key(walk, trigger, word_bits),
        net_return: ratio(outcome),
    };
    vec![
        append("BTC→ETH", Trigger::PriceSpike, 4, "0.05"),
        append("ETH→USDC", Trigger::VolumeSurge, 8, "0.02"),
        append("BTC→USDC", Trigger::TrendReversal, 4, "-0.01"),
    ]
}

fn stages() -> Vec<Vec<StageLeg>> {
    let stage = |legs: [(&str, u8); 2]| {
        legs.map(|(walk, word_bits)| StageLeg { leg: leg(walk), word_bits }).to_vec()
    };
    vec![
        stage([("BTC→ETH", 4), ("ETH→USDC", 4)]),
        stage([("BTC→USDC", 8), ("USDC→BTC", 8)]),
        stage([("ETH→BTC", 4), ("BTC→ETH", 8)]),
    ]
}

/// One orbit cycle of the documents; quotes of the demo's three pairs alone, or of all five.
pub(crate) fn orbit(all_quoted: bool) -> Action {
    let mut quotes =
        vec![("BTC→ETH", Trend::Up), ("ETH→USDC", Trend::Up), ("BTC→USDC", Trend::Down)];
    if all_quoted {
        quotes.extend([("USDC→BTC", Trend::Up), ("ETH→BTC", Trend::Neutral)]);
    }
    let quote = |(walk, trend)| LegQuote { leg: leg(walk), trend, price: None };
    Action::RunOrbit { stages: stages(), market: quotes.into_iter().map(quote).collect() }
}

pub(crate) fn weight(walk: &str, word_bits: u8, delta: &str) -> Action {
    Action::ChangeWeight { leg: leg(walk), word_bits, delta: ratio(delta) }
}

/// The four bit flips of the demo.
pub(crate) fn bit_flips() -> Vec<Action> {
    let words = [(5, 4), (10, 4), (255, 8), (15, 4)];
    words.map(|(word, word_bits)| Action::FlipBits { word, word_bits }).into()
}

/// The six pair flips of the demo: three pairs, two widths each.
pub(crate) fn pair_flips() -> Vec<Action> {
    let pairs = ["BTC→ETH", "ETH→USDC", "BTC→USDC"];
    let flips = pairs.into_iter().flat_map(|walk| {
        [4, 8].map(|bits| Action::FlipPair { leg: leg(walk), word_bits: Some(bits) })
    });
    flips.collect()
}

/// All sixteen events of the demo.
pub(crate) fn demo_events() -> Vec<Action> {
    let orbits = std::iter::repeat_n(orbit(true), 3);
    ghost_events().into_iter().chain(orbits).chain(bit_flips()).chain(pair_flips()).collect()
}
