//! One file a command.

pub(super) mod backtest;
pub(super) mod demo;
pub(super) mod diff;
mod engines;
pub(super) mod export;
pub(super) mod inspect;
mod place;
pub(super) mod recover;
pub(super) mod replay;
pub(super) mod state;
mod state_domain;
pub(super) mod verify;
pub(super) mod why;
