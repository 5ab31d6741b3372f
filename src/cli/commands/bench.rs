//! `bench`: what this disk can do, and what a ledger on it does.

use serde_json::{Value, json};

use crate::cli::answer::Answer;
use crate::cli::args::Format;
use crate::cli::args_bench::BenchArgs;
use crate::cli::interrupt;
use crate::cli::outcome::{CliError, INTERRUPTED, Outcome};
use crate::cli::text::{Screen, note};
use crate::measure::MeasureError;
use crate::measure::suite::{Extent, Line, measure};

/// Columns of the table of what was measured.
const MEASURE_COLUMNS: &[&str] =
    &["work", "name", "records_per_second", "least", "most", "ratio_percent", "waits_micros"];

pub(in crate::cli) fn run(args: &BenchArgs) -> Outcome {
    let extent = Extent { rounds: args.rounds, records: args.records };
    let mut tell = |work: &'static str| note(&format_args!("measuring: {work}"));
    interrupt::listen()?;
    let measured = match measure(&args.dir, extent, &mut tell, &interrupt::asked) {
        Err(MeasureError::Stopped) => {
            note(&"stopped; nothing is left behind");
            return Ok(INTERRUPTED);
        }
        measured => measured?,
    };
    let mut screen = Screen::new();
    match args.format {
        Format::Text => {
            let (rounds, bytes) = (measured.rounds, measured.record_bytes);
            screen.line(format_args!(
                "records of {bytes} bytes; medians of {rounds} rounds, ratios to the first line"
            ))?;
            for table in &measured.tables {
                screen.line("")?;
                let header =
                    [table.work, "records/s", "least", "most", "ratio", "p50 us", "p99 us"];
                let rows: Vec<_> = table.lines.iter().map(cells).collect();
                screen.table(&header, &rows)?;
            }
        }
        format => {
            let lines = measured
                .tables
                .iter()
                .flat_map(|table| table.lines.iter().map(|line| measured_line(table.work, line)));
            let lines: Result<Vec<Value>, CliError> = lines.collect();
            let answer = Answer::new("bench", &measured);
            screen.answer(format, &answer.listing("measure", MEASURE_COLUMNS, lines?))?;
        }
    }
    screen.flush()?;
    Ok(0)
}

/// A line with the work that it is about.
fn measured_line(work: &str, line: &Line) -> Result<Value, CliError> {
    let mut value = serde_json::to_value(line).map_err(std::io::Error::from)?;
    value["work"] = json!(work);
    Ok(value)
}

fn cells(line: &Line) -> Vec<String> {
    let wait =
        |place: usize| line.waits_micros.map_or("-".to_owned(), |all| all[place].to_string());
    vec![
        line.name.to_owned(),
        line.records_per_second.to_string(),
        line.least.to_string(),
        line.most.to_string(),
        line.ratio(),
        wait(0),
        wait(1),
    ]
}
