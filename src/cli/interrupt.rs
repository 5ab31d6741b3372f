//! Ctrl-C as a flag that is looked at between steps; a second one ends the program at once.

use std::sync::atomic::{AtomicBool, Ordering};

use super::outcome::{CliError, INTERRUPTED};

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
