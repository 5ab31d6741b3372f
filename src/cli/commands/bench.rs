//! `bench`: what this disk can do, and what a ledger on it does.

use crate::cli::args::Format;
use crate::cli::args_bench::BenchArgs;
use crate::cli::interrupt;
use crate::cli::outcome::{INTERRUPTED, Outcome};
use crate::cli::text::{Screen, note};
use crate::measure::MeasureError;
use crate::measure::suite::{Extent, Line, measure};

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
        Format::Json => screen.json(&measured)?,
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
    }
    screen.flush()?;
    Ok(0)
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
