//! Progress for people: on stderr, and only where that is a terminal.

use std::ops::ControlFlow;

use indicatif::{ProgressBar, ProgressStyle};

use super::interrupt;
use crate::pipeline::Progress;

/// Steps between two looks at the bar; looking costs more than a step.
const EVERY: u64 = 4096;

/// Watches a run: draws its progress, and stops it on Ctrl-C.
pub(super) struct Watch {
    bar: ProgressBar,
    steps: u64,
}

impl Watch {
    /// Begins to watch a run of so many bars, where that is known.
    pub(super) fn new(bars: Option<u64>) -> Self {
        let (bar, template) = match bars {
            Some(bars) => {
                (ProgressBar::new(bars), "{bar:30} {pos}/{len} bars, {per_sec}, {eta} left  {msg}")
            }
            // How many rows a file holds is not known before its end.
            None => (ProgressBar::new_spinner(), "{spinner} {pos} bars, {per_sec}  {msg}"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, steps: 0 }
    }

    /// Takes the progress after a step.
    pub(super) fn step(&mut self, progress: &Progress) -> ControlFlow<()> {
        self.steps += 1;
        if self.steps.is_multiple_of(EVERY) && !self.bar.is_hidden() {
            self.bar.set_position(progress.bars);
            self.bar.set_message(progress.time.to_string());
        }
        if interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
