//! The one table of settings.

/// A setting: the default of a flag.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) struct Key {
    /// Its name in the file; what stands before a point is the section.
    pub(in crate::cli) name: &'static str,
    /// The argument whose default it is.
    pub(in crate::cli) argument: &'static str,
    /// The commands that take it; empty for all that have the argument.
    pub(in crate::cli) commands: &'static [&'static str],
    /// What stands where nobody says anything; none where the command decides.
    pub(in crate::cli) usual: Option<&'static str>,
    /// True for a path: in a file it is relative to that file.
    pub(in crate::cli) is_path: bool,
    /// True for whom to believe: a file that merely lies where the program is started, perhaps
    /// beside a ledger that somebody handed over, must not say that.
    pub(in crate::cli) is_trust: bool,
    /// An example, as TOML.
    pub(in crate::cli) example: &'static str,
    /// What it is.
    pub(in crate::cli) about: &'static str,
}

impl Key {
    /// The variable of the environment that says the same.
    pub(in crate::cli) fn variable(&self) -> String {
        format!("SCHWABOT_{}", self.name.to_ascii_uppercase().replace(['.', '-'], "_"))
    }

    /// True for what a run file speaks about, too.
    pub(in crate::cli) fn is_of_backtest(&self) -> bool {
        self.name.starts_with("backtest.") || self.name == "threads"
    }
}

const fn key(name: &'static str, example: &'static str, about: &'static str) -> Key {
    Key {
        name,
        argument: name,
        commands: &[],
        usual: None,
        is_path: false,
        is_trust: false,
        example,
        about,
    }
}

const fn path(
    name: &'static str,
    commands: &'static [&'static str],
    example: &'static str,
    about: &'static str,
) -> Key {
    Key { commands, is_path: true, ..key(name, example, about) }
}

const fn run(
    name: &'static str,
    argument: &'static str,
    usual: &'static str,
    example: &'static str,
    about: &'static str,
) -> Key {
    let known = key(name, example, about);
    Key { argument, commands: &["backtest"], usual: Some(usual), ..known }
}

/// All settings, in the order of the file.
pub(in crate::cli) const KEYS: &[Key] = &[
    path(
        "ledger",
        &["replay", "verify", "checkpoint", "prove", "inspect", "watch"],
        "\"run1\"",
        "The ledger of replay, verify, checkpoint, prove, inspect and watch, where none is named",
    ),
    Key {
        usual: Some("text"),
        ..key("format", "\"json\"", "How commands answer: text, json, jsonl or csv")
    },
    Key {
        usual: Some("auto"),
        ..key(
            "color",
            "\"never\"",
            "Colours: auto (on a terminal, not under NO_COLOR), always, never",
        )
    },
    Key {
        usual: Some("false"),
        ..key("quiet", "true", "Say nothing on standard error but errors")
    },
    Key {
        usual: Some("false"),
        ..key("verbose", "true", "Say on standard error what is being done, and when")
    },
    Key {
        argument: "no_progress",
        usual: Some("false"),
        ..key("no-progress", "true", "Draw no progress on a terminal")
    },
    key("threads", "2", "Threads to use; no answer depends on it"),
    path("key", &["checkpoint"], "\"bot.key\"", "The key that signs checkpoints"),
    path(
        "keys",
        &["replay", "verify", "note", "shred"],
        "\"keys\"",
        "The directory of the keys to personal fields",
    ),
    Key {
        is_trust: true,
        ..path(
            "policy",
            &["verify", "check"],
            "\"policy.txt\"",
            "Whom verify and check believe; not read in a ./schwabot.toml that nobody named",
        )
    },
    Key {
        commands: &["note"],
        usual: Some("operator"),
        ..key("author", "\"Ada\"", "Who leaves notes")
    },
    run("backtest.strategy", "strategy", "sma-cross", "\"schwabot\"", "Who decides"),
    run("backtest.fee", "fee", "0.001", "0.0005", "Fee a side, as a share of the notional"),
    run(
        "backtest.half-spread",
        "half_spread",
        "0.0001",
        "0.0002",
        "Half the spread, as a share of the price",
    ),
    run("backtest.impact", "impact", "1", "0", "Factor of the square-root impact; 0 for none"),
    run("backtest.fill", "fill", "next-open", "\"this-close\"", "When orders fill"),
    run("backtest.sync", "sync", "end", "\"always\"", "When an append is durable"),
    run("backtest.segment-bytes", "segment_bytes", "67108864", "16777216", "Length of segments"),
    run(
        "backtest.permutations",
        "permutations",
        "20",
        "0",
        "How often a strategy with engines is run on the same bars shuffled",
    ),
];
