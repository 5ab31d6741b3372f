//! The screen of `watch`: it follows a growing ledger, and verifies it in the background.
//!
//! A [`Picture`] says everything that is shown, in words and numbers; [`picture_as_text`] and the
//! screen draw it with one pure function. The ledger is folded as `state` folds it, a stretch at a
//! time, so that keys are answered while a long one is read.
//!
//! Invariants: nothing is written; beside a living writer only what is durable is shown; whatever
//! the data hold, no character of them commands the terminal.

mod draw;
mod model;
mod picture;
mod screen;

pub use draw::picture_as_text;
pub use picture::{Account, Audited, Checkpointed, Picture};
pub(super) use screen::run;
