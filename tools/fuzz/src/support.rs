//! What the targets share with the project's tests.

#[path = "../../../tests/support/dice.rs"]
pub(crate) mod dice;
#[path = "../../../tests/support/notes.rs"]
pub(crate) mod notes;
#[path = "../../../tests/support/runs.rs"]
pub(crate) mod runs;
#[path = "../../../tests/support/samples.rs"]
pub(crate) mod samples;
#[path = "../../../tests/support/samples_domain.rs"]
pub(crate) mod samples_domain;
#[path = "../../../tests/support/samples_import.rs"]
pub(crate) mod samples_import;
#[path = "../../../tests/support/sim_disk.rs"]
pub(crate) mod sim_disk;
#[path = "../../../tests/support/sim_ledger.rs"]
pub(crate) mod sim_ledger;
