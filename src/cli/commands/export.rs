//! `export`: the history in other people's formats.

use crate::cli::args::ExportArgs;
use crate::cli::outcome::Outcome;
use crate::cli::text::Screen;
use crate::export::{memory_stack, write_memory_stack};
use crate::ledger::Reader;

pub(in crate::cli) fn run(args: &ExportArgs) -> Outcome {
    let reader = Reader::open(&args.ledger)?;
    let stack = memory_stack(&reader)?;
    write_memory_stack(&stack, &args.folder)?;
    let mut screen = Screen::new();
    let (files, folder) = (stack.len(), args.folder.display());
    screen.line(format_args!(
        "{files} files of records 0..{} (chain head {}) in {folder}",
        reader.len(),
        reader.chain_head().short()
    ))?;
    screen.flush()?;
    Ok(0)
}
