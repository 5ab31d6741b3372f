//! What several tests share.

pub(crate) mod dice;
pub(crate) mod notes;
pub(crate) mod sim_disk;
pub(crate) mod sim_ledger;
