//! `watch`: a screen that follows a growing ledger.

use crate::cli::args_watch::WatchArgs;
use crate::cli::outcome::Outcome;

/// Follows the ledger until somebody has seen enough.
#[cfg(feature = "tui")]
pub(in crate::cli) fn run(args: &WatchArgs) -> Outcome {
    crate::cli::watch::run(args)
}

/// Says how to get the screen.
#[cfg(not(feature = "tui"))]
pub(in crate::cli) fn run(args: &WatchArgs) -> Outcome {
    let _nothing_to_show_it_on = (&args.ledger, args.verify_every, args.level);
    Err(crate::cli::outcome::CliError::NotBuilt { feature: "tui" })
}
