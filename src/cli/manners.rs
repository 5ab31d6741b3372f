//! How loud and how colourful the program is; said once, before the command begins.

use std::io::IsTerminal;
use std::sync::OnceLock;

use clap::ValueEnum;

use super::args::{Cli, ColorWhen};
use super::config::Layers;
use crate::ledger::clock::Stopwatch;

static MANNERS: OnceLock<Manners> = OnceLock::new();

/// How loud, how colourful.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manners {
    pub(super) color: ColorWhen,
    /// Nothing on stderr but errors.
    pub(super) quiet: bool,
    /// What is being done, and when.
    pub(super) verbose: bool,
    /// Whether progress may be drawn, where there is a terminal.
    pub(super) progress: bool,
    /// When the program began.
    pub(super) began: Stopwatch,
}

impl Manners {
    /// What flags say, and else what the configuration says.
    pub(super) fn of(cli: &Cli, layers: &Layers) -> Self {
        let is_set = |name: &str| layers.value(name) == Some("true");
        let color = layers.value("color").and_then(|name| ColorWhen::from_str(name, false).ok());
        let quiet = cli.quiet || (is_set("quiet") && !cli.verbose);
        Self {
            color: cli.color.or(color).unwrap_or(ColorWhen::Auto),
            quiet,
            verbose: cli.verbose || (is_set("verbose") && !quiet),
            progress: !(quiet || cli.no_progress || is_set("no-progress")),
            began: Stopwatch::start(),
        }
    }

    /// From here on.
    pub(super) fn keep(self) {
        // A second call is a second command in one process, which is none of this program's.
        let _kept = MANNERS.set(self);
    }
}

/// The manners that were said, or the usual ones.
pub(super) fn manners() -> Manners {
    *MANNERS.get_or_init(|| Manners {
        color: ColorWhen::Auto,
        quiet: false,
        verbose: false,
        progress: true,
        began: Stopwatch::start(),
    })
}

/// May a stream be coloured?
pub(super) fn colours(stream: &impl IsTerminal) -> bool {
    match manners().color {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => {
            let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            stream.is_terminal() && !forbidden
        }
    }
}
