//! Tables into files, in one pass over the log and bounded memory.

use std::path::Path;

use super::about::{About, Request, Scope, walk};
use super::error::ExportError;
#[cfg(feature = "parquet")]
use super::parquet_file::ParquetFile;
use super::rows::Rows;
use super::table::Table;
use super::text::{Csv, Jsonl, Sink, text_columns};
use crate::event::Event;
use crate::ledger::Reader;

/// A format that holds tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// Comma separated values (RFC 4180), and a JSON file beside it.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Apache Parquet.
    #[cfg(feature = "parquet")]
    Parquet,
}

impl TableFormat {
    const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            #[cfg(feature = "parquet")]
            Self::Parquet => "parquet",
        }
    }
}

/// Writes one table of a log into a file, and returns what it was made from.
///
/// # Errors
/// [`ExportError`]; no file appears then, and none that was there is gone.
///
/// # Examples
/// ```
/// # use std::ops::ControlFlow;
/// # use schwabot::event::Mode;
/// # use schwabot::kernel::{default_config, default_instrument};
/// # use schwabot::market::{SyntheticConfig, SyntheticMarket};
/// # use schwabot::pipeline::{Job, RunOptions, run};
/// use schwabot::export::{Request, Table, TableFormat, export_table};
/// use schwabot::ledger::Reader;
/// # let market = SyntheticConfig { bars: 100, ..SyntheticConfig::default() };
/// # let source = SyntheticMarket::new(market.clone())?;
/// # let instruments = source.pairs().iter()
/// #     .map(|pair| default_instrument(pair.symbol.base(), pair.symbol.quote(), pair.interval))
/// #     .collect();
/// # let job = Job {
/// #     mode: Mode::Demo,
/// #     config: default_config(schwabot::strategies::canonical("sma-cross", &[])?, instruments),
/// #     generator: Some(source.generator()), origin: market.start, inputs: vec![], source,
/// #     strategies: schwabot::strategies::Catalogue::default(),
/// # };
/// # let folder = tempfile::tempdir()?;
/// # let ledger = folder.path().join("ledger");
/// # run(&ledger, job, &RunOptions::default(), |_| ControlFlow::Continue(()))?;
/// let reader = Reader::open(&ledger)?;
/// let file = folder.path().join("bars.jsonl");
/// let about = export_table(&reader, Table::Bars, TableFormat::Jsonl, &file, &Request::default())?;
/// assert_eq!((about.rows, about.head.size), (300, reader.len()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn export_table(
    reader: &Reader<Event>,
    table: Table,
    format: TableFormat,
    path: &Path,
    request: &Request<'_>,
) -> Result<About, ExportError> {
    let scope = Scope::of(reader, request)?;
    let columns = match format {
        TableFormat::Csv | TableFormat::Jsonl => text_columns(table.columns()),
        #[cfg(feature = "parquet")]
        TableFormat::Parquet => {
            table.columns().iter().map(|column| column.name.to_owned()).collect()
        }
    };
    let mut about = About::new(reader, scope, (format.name(), table.name()), columns);
    let force = request.force;
    let mut sink: Box<dyn Sink> = match format {
        TableFormat::Csv => Box::new(Csv::create(path, force, table)?),
        TableFormat::Jsonl => Box::new(Jsonl::create(path, force, table, &about)?),
        #[cfg(feature = "parquet")]
        TableFormat::Parquet => Box::new(ParquetFile::create(path, force, table)?),
    };
    let (mut rows, mut made) = (Rows::new(table), 0);
    about.head.root =
        walk(reader, scope, request.go_on, &mut |record, envelope, entry, inside| {
            rows.take(record, envelope, entry, inside, &mut |sequence, cells| {
                made += 1;
                sink.row(sequence, cells)
            })
        })?;
    about.rows = made;
    sink.finish(&about)?;
    Ok(about)
}
