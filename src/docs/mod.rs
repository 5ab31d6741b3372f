//! Pages about the whole: how it is built, why it is built so, and what changed.

/// The problem, the house, the loop, and what is absent.
pub mod architecture {
    #![doc = include_str!("ARCHITECTURE.md")]
}

/// What was decided, why, what it costs, and what would change our mind.
pub mod decisions {
    #![doc = include_str!("DECISIONS.md")]
}

/// What is promised, under which assumptions, how it is tested, and what came out.
pub mod reliability {
    #![doc = include_str!("RELIABILITY.md")]
}

/// What the source documents' names became, and what was dropped.
pub mod names {
    #![doc = include_str!("NAMES.md")]
}

/// What changed, release by release.
pub mod changelog {
    #![doc = include_str!("CHANGELOG.md")]
}
