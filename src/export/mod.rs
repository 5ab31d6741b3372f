//! Where the history gets out, in other people's formats.
//!
//! Invariants: an export is a function of the log; it says which range and head it was made from;
//! the same log gives the same bytes; a file is there whole or not at all.
//!
//! Tables, columns and types are stated in [`docs::exports`](crate::docs::exports).

mod about;
mod error;
mod memory_stack;
#[cfg(feature = "parquet")]
mod parquet_file;
mod place;
mod registry_rows;
mod row;
mod rows;
mod stack_files;
mod table;
mod tables;
mod text;
mod vcp;
mod vcp_events;

pub use about::{About, Request};
pub use error::ExportError;
pub use memory_stack::{MemoryStack, memory_stack};
pub use stack_files::{StackDifference, compare_memory_stack, write_memory_stack};
pub use table::{Column, ColumnType, Table};
pub use tables::{TableFormat, export_table};
pub use vcp::export_vcp;
