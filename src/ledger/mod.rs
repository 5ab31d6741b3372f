//! What survives: an append-only log of records, chained frame by frame.
//!
//! [`Writer`] appends, [`Reader`] reads, [`GroupWriter`] lets many producers share one writer. The
//! log is generic over the event type: implement [`Payload`](crate::event::Payload) and embed it.
//!
//! # The promise
//! An append in [`SyncMode::Always`] is acknowledged after fdatasync and survives any crash from
//! then on. Recovery alters no old byte. Promised bytes that are gone are reported as damage and
//! never cut off. `FORMAT.md` (below) has every byte.
//!
//! # Examples
//! ```
//! use schwabot::event::wire::{self, Decode, DecodeError, Encode, EncodeError};
//! use schwabot::event::{Class, Payload, Stamp, Vantage};
//! use schwabot::ledger::{Batch, Entry, Reader, Writer, WriterOptions, decode};
//! use schwabot::time::Timestamp;
//!
//! #[derive(Debug, PartialEq, Encode, Decode)]
//! struct Temperature { milli_kelvin: u32 }
//!
//! impl Payload for Temperature {
//!     const APPLICATION: [u8; 16] = *b"weather-station\0";
//!     fn kind(&self) -> u16 { 0x0100 }
//!     fn schema(&self) -> u16 { 1 }
//!     fn encode_payload(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
//!         wire::encode(self, out)
//!     }
//!     fn decode_payload(kind: u16, schema: u16, bytes: &[u8]) -> Result<Self, DecodeError> {
//!         match (kind, schema) {
//!             (0x0100, 1) => wire::decode(bytes),
//!             _ => Err(DecodeError::UnknownKind { kind, schema }),
//!         }
//!     }
//! }
//!
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("weather");
//! let mut writer: Writer<Temperature> = Writer::open(&path, &WriterOptions::default())?;
//! let mut step = Batch::new();
//! let stamp = Stamp::new(Class::Input, Vantage::SelfReported, Timestamp::from_nanos(0));
//! step.push(&Temperature { milli_kelvin: 293_150 }, &stamp)?;
//! writer.append(&step)?; // durable when it returns
//! let head = writer.close()?;
//!
//! let reader: Reader<Temperature> = Reader::open(&path)?;
//! assert_eq!(reader.len(), head.size);
//! let record = reader.record(0)?.expect("the record that was appended");
//! let record = schwabot::event::RecordRef { sequence: 0, bytes: &record };
//! let (_, entry) = decode::<Temperature>(&record)?;
//! assert_eq!(entry, Entry::Event(Temperature { milli_kelvin: 293_150 }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
#![doc = include_str!("FORMAT.md")]

pub mod clock;
pub mod disk;
pub mod frame;
pub mod index;
pub mod layout;
pub mod recovery;
pub mod scan;
pub mod segment;
pub mod walk;

mod batch;
mod error;
mod files;
mod group;
mod keys;
mod open;
mod options;
mod own;
mod queue;
mod reader;
mod roll;
mod sync;
mod tail;
mod tree;
mod writer;

pub use batch::Batch;
pub use error::LedgerError;
pub(crate) use error::{at, changed, damage_among, what_stopped};
pub(crate) use files::make_durable_dir;
pub use group::{Pending, QUEUE_STEPS_MAX};
pub use keys::KEYS_REMEMBERED;
pub use options::{Appended, Head, SyncMode, WriterOptions};
pub use queue::{Appender, GroupWriter};
pub use reader::{Cursor, Entry, LedgerEnd, Reader, decode};
pub use writer::Writer;
