//! Pages about the whole: guides, how it is built, why it is built so, and what changed.

/// Guide: record what your bot does, in twenty lines.
pub mod embed {
    #![doc = include_str!("EMBED.md")]
}

/// Guide: check a log that somebody handed to you.
pub mod audit {
    #![doc = include_str!("AUDIT.md")]
}

/// Guide: run, record and re-execute a strategy of your own.
pub mod own_strategy {
    #![doc = include_str!("STRATEGY.md")]
}

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

/// Every figure of a report: its formula, its source, and where other programs differ.
pub mod metrics {
    #![doc = include_str!("METRICS.md")]
}

/// Tables, columns and types of exports, and what VCP events are made of.
pub mod exports {
    #![doc = include_str!("EXPORTS.md")]
}

/// Many runs side by side: grids, going on, walk-forward, and how far the best may be believed.
pub mod sweeps {
    #![doc = include_str!("SWEEPS.md")]
}

/// What the source documents' names became, and what was dropped.
pub mod names {
    #![doc = include_str!("NAMES.md")]
}

/// What every command answers with `--format json`, `jsonl` and `csv`: types and their fields.
pub mod output {
    #![doc = include_str!("OUTPUT.md")]
}

/// All commands and flags, as the program itself tells them.
pub mod cli {
    #![doc = include_str!("CLI.md")]
}

/// What changed, release by release.
pub mod changelog {
    #![doc = include_str!("CHANGELOG.md")]
}
