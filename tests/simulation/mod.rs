//! A run by seed: the whole program on a machine that fails, held against a model outside.

mod actions;
mod audits;
mod life;
mod machine;
mod model;
mod plan;
mod seeds;
mod signing;
mod twin;

pub(crate) use life::Figures;
pub(crate) use plan::Plan;
pub(crate) use seeds::{Failed, Selection, catch_panics, shrink, try_plan};
