//! One file a command.

pub(super) mod backtest;
pub(super) mod demo;
pub(super) mod inspect;
mod place;
pub(super) mod recover;
pub(super) mod replay;
pub(super) mod state;
pub(super) mod verify;
