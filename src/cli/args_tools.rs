//! The arguments of what is about the program itself: completions, man pages, configuration.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use clap_complete::Shell;

use super::args::Format;

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    pub(super) shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Where to write one page a command, such as ~/.local/share/man/man1
    pub(super) dir: PathBuf,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    pub(super) action: ConfigAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigAction {
    /// Show every setting as commands take it, before their flags
    Show {
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
        /// How to answer
        #[arg(long, default_value = "text")]
        format: Format,
    },
    /// Write a file in which every setting is explained and none is set
    Init {
        /// The file; must not exist yet
        #[arg(default_value = "schwabot.toml")]
        path: PathBuf,
        /// How to answer
        #[arg(long, default_value = "text")]
        format: Format,
    },
    /// Show which file is read, and where else one is looked for
    Path {
        /// How to answer
        #[arg(long, default_value = "text")]
        format: Format,
    },
}

impl super::args::Command {
    /// True for commands that work though the settings cannot be read.
    pub(super) fn needs_no_settings(&self) -> bool {
        match self {
            Self::Completions(_) | Self::Man(_) => true,
            Self::Config(args) => !matches!(args.action, ConfigAction::Show { .. }),
            _ => false,
        }
    }
}
