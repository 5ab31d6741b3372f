//! A market file whose rows are all of one sort: read one at a time, judged in order, added up.

use std::collections::VecDeque;

use super::bars::{BarRow, Bars};
use super::columns::Rows;
use super::error::{Fault, ImportError};
use super::figure::Figures;
use super::file::ImportFile;
use super::item::{Importer, Item, Opened};
use super::json::{Piece, Step, Walk};
use crate::market::Unpacked;
use crate::time::Span;

/// Rows that are looked at to find how long the bars are.
const PROBED: usize = 1000;

/// Facts and defects that were not given out yet.
pub(super) type Queue = VecDeque<Item>;

/// A row's number, and what it says or what is wrong with it; none at the end of the file.
pub(super) type Read<T> = Result<Option<(u64, Result<T, Fault>)>, ImportError>;

/// Reads the next row of a file.
pub(super) type Next<T> = Box<dyn FnMut() -> Read<T>>;

/// Judges rows in the order of a file and adds them up.
pub(super) trait Judge<T> {
    /// Takes the next row: queues its defects, and then its fact.
    ///
    /// # Errors
    /// A sum that left its range.
    fn take(&mut self, row: T, queue: &mut Queue) -> Result<(), ImportError>;

    /// What so many rows add up to.
    fn figures(&self, rows: u64) -> Figures;
}

/// The rows of a file and who judges them.
struct Reading<T, J> {
    next: Next<T>,
    judge: J,
    opened: Opened,
    rows: u64,
    queue: Queue,
}

/// Makes an importer of rows and who judges them.
pub(super) fn reading<T: 'static>(
    next: Next<T>,
    judge: impl Judge<T> + 'static,
    opened: Opened,
) -> Box<dyn Importer> {
    Box::new(Reading { next, judge, opened, rows: 0, queue: Queue::new() })
}

/// Opens a file of bars of one length: what was said of it, else the shortest step of its rows.
pub(super) fn bars(
    file: &ImportFile,
    interval: Option<Span>,
    binary_floats: bool,
    open: impl Fn() -> Result<Next<BarRow>, ImportError>,
) -> Result<Box<dyn Importer>, ImportError> {
    let symbol = file.symbol()?;
    let unknown = || ImportError::UnknownInterval { file: file.path.clone() };
    let interval = match interval {
        Some(interval) => interval,
        None => shortest_step(open()?)?.ok_or_else(unknown)?,
    };
    let judge = Bars::new(file.path.clone(), symbol.clone(), interval);
    let opened = Opened::of_bars(symbol, interval, binary_floats);
    Ok(reading(open()?, judge, opened))
}

fn shortest_step(mut next: Next<BarRow>) -> Result<Option<Span>, ImportError> {
    let mut times = Vec::new();
    while times.len() < PROBED
        && let Some((_, read)) = next()?
    {
        times.extend(read.ok().map(|bar| bar.open_time));
    }
    Ok(super::bars::shortest_step(&times))
}

/// The rows of a text, its header lines left aside.
pub(super) fn lines<T>(
    mut rows: Rows,
    parse: impl Fn(u64, &[u8]) -> Result<T, Fault> + 'static,
) -> Next<T> {
    Box::new(move || {
        let line = rows.next()?;
        Ok(line.map(|(row, line)| (row, parse(row, &line).map_err(|fault| fault.in_line(row)))))
    })
}

/// The elements of a JSON array.
pub(super) fn elements<T>(
    file: &ImportFile,
    parse: impl Fn(u64, &Piece) -> Result<T, Fault> + 'static,
) -> Result<Next<T>, ImportError> {
    let path = file.path.clone();
    let input = Box::new(Unpacked::open_inside(&path, None)?);
    let mut walk = Walk::new(input, false).map_err(|error| error.in_file(&path))?;
    let mut row = 0;
    Ok(Box::new(move || {
        let element = walk.next(|path| matches!(path, [Step::Place(_)]));
        let Some(element) = element.map_err(|error| error.in_file(&path))? else {
            return Ok(None);
        };
        row += 1;
        Ok(Some((row, parse(row, &element).map_err(|fault| element.place(fault)))))
    }))
}

impl<T, J: Judge<T>> Importer for Reading<T, J> {
    fn opened(&self) -> Opened {
        self.opened.clone()
    }

    fn next(&mut self) -> Result<Option<Item>, ImportError> {
        loop {
            if let Some(item) = self.queue.pop_front() {
                return Ok(Some(item));
            }
            let Some((row, read)) = (self.next)()? else { return Ok(None) };
            self.rows += 1;
            match read {
                Ok(row) => self.judge.take(row, &mut self.queue)?,
                Err(fault) => self.queue.push_back(Item::Bad { row, fault }),
            }
        }
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn figures(&self) -> Figures {
        self.judge.figures(self.rows)
    }
}
