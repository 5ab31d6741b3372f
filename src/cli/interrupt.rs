//! Ctrl-C: a flag that is looked at between steps, where a second press ends the program at once;
//! or an end at once, for work that any moment may cut short.

use std::sync::atomic::{AtomicBool, Ordering};

use super::outcome::{CliError, INTERRUPTED};
use super::progress::say_where_it_stopped;

static ASKED: AtomicBool = AtomicBool::new(false);

/// Begins to listen.
pub(super) fn listen() -> Result<(), CliError> {
    ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
    })?;
    Ok(())
}

/// True once Ctrl-C was pressed.
pub(super) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// From here on Ctrl-C ends the program at once, and says how far it was and how to go on. For work
/// that only reads, or whose parts are whole or not there whenever the machine dies.
pub(super) fn end_at_once(advice: String) -> Result<(), CliError> {
    ctrlc::set_handler(move || {
        say_where_it_stopped(&advice);
        std::process::exit(INTERRUPTED.into());
    })?;
    Ok(())
}
