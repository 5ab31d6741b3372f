//! One file a command.

pub(super) mod backtest;
pub(super) mod backup;
pub(super) mod bench;
pub(super) mod check;
pub(super) mod checkpoint;
pub(super) mod demo;
pub(super) mod diff;
mod engines;
pub(super) mod export;
mod figures;
pub(super) mod import;
pub(super) mod inspect;
mod key_ring;
pub(super) mod keygen;
pub(super) mod note;
mod personal;
mod place;
pub(super) mod prove;
pub(super) mod recover;
pub(super) mod replay;
pub(super) mod salvage;
pub(super) mod shred;
pub(super) mod state;
mod state_domain;
pub(super) mod verify;
pub(super) mod why;
pub(super) mod witness;
