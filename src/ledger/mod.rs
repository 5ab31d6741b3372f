//! What survives: an append-only log of records, chained frame by frame.
//!
//! [`Ledger`] records a program's own events and folds them; [`Writer`] and [`Reader`] are what it
//! is made of, and [`GroupWriter`] lets many producers share one writer. The log is generic over
//! the event type: [`own_events!`](crate::own_events) makes one. The guide
//! [embed it in your bot](crate::docs::embed) shows all of it.
//!
//! # The promise
//! An append in [`SyncMode::Always`] is acknowledged after fdatasync and survives any crash from
//! then on. Recovery alters no old byte. Promised bytes that are gone are reported as damage and
//! never cut off. `FORMAT.md` (below) has every byte.
//!
#![doc = include_str!("FORMAT.md")]

pub mod clock;
pub mod disk;
pub mod frame;
pub mod index;
pub mod layout;
pub mod packed;
pub mod recovery;
pub mod scan;
pub mod segment;
pub mod walk;

mod ahead;
mod batch;
mod embedded;
mod error;
mod fault;
mod files;
mod group;
mod inside;
mod keys;
mod open;
mod options;
mod own;
mod queue;
mod reader;
mod roll;
mod segment_file;
mod sync;
mod tail;
mod tree;
mod writer;

pub(crate) use ahead::read_ahead;
pub use ahead::usual_threads;
pub use batch::Batch;
pub use embedded::{Ledger, Recorded};
pub use error::LedgerError;
pub(crate) use error::{at, changed, damage_among, what_stopped};
pub(crate) use files::make_durable_dir;
pub use group::{Pending, QUEUE_STEPS_MAX};
pub(crate) use inside::is_inside_ledger;
pub use keys::KEYS_REMEMBERED;
pub use options::{Appended, Head, SyncMode, WriterOptions};
pub use queue::{Appender, GroupWriter};
pub use reader::{Cursor, Entry, LedgerEnd, Reader, decode};
pub use writer::Writer;
