//! Importing what accounts did: every format of fills, round trips and registries.

mod databases;
mod hostile;
mod legacy;
mod logs;
mod reading;
mod reconcile;
mod reports;
mod tables;
mod through;
