//! Where the history gets out, in other people's formats.
//!
//! Invariants: an export is a function of the log; it says which range and head it was made from;
//! the same log gives the same bytes.

mod memory_stack;
mod stack_files;

pub use memory_stack::{ExportError, MemoryStack, memory_stack};
pub use stack_files::{StackDifference, compare_memory_stack, write_memory_stack};
