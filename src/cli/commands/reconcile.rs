//! `reconcile`: a bot's own fills against its venue's.

use serde_json::{Value, json};

use crate::cli::answer::Answer;
use crate::cli::args::Format;
use crate::cli::args_reconcile::ReconcileArgs;
use crate::cli::outcome::{CliError, FINDINGS, Outcome};
use crate::cli::text::{BAD, DIM, GOOD, Screen, count};
use crate::event::{Event, Side};
use crate::ledger::Reader;
use crate::projections::{
    FillsByLabel, OWN_RUNS, Reconciled, SideTotal, ToldFill, reconcile_fills,
};
use crate::time::Span;

/// Findings of each sort that are shown unless all are asked for.
const SHOWN: usize = 20;

/// Columns of the table of findings.
const COLUMNS: &[&str] = &[
    "finding",
    "by",
    "fields",
    "ours.sequence",
    "ours.symbol",
    "ours.side",
    "ours.quantity",
    "ours.price",
    "ours.time",
    "venue.sequence",
    "venue.symbol",
    "venue.side",
    "venue.quantity",
    "venue.price",
    "venue.time",
];

pub(in crate::cli) fn run(args: &ReconcileArgs) -> Outcome {
    if args.ours == args.venue {
        return Err(CliError::Usage("--ours and --venue name one label".to_owned()));
    }
    let reader: Reader<Event> = Reader::open(&args.ledger)?;
    let fills = FillsByLabel::read(&reader, &[&args.ours, &args.venue])?;
    let (ours, venue) = (fills.of(&args.ours), fills.of(&args.venue));
    for label in [&args.ours, &args.venue] {
        if fills.of(label).is_empty() {
            return Err(CliError::Usage(no_fills(label, &fills)));
        }
    }
    let tolerance = Span::from_nanos(i64::from(args.tolerance_seconds) * 1_000_000_000);
    let found = reconcile_fills(ours, venue, tolerance);
    let mut screen = Screen::new();
    match args.format {
        Format::Text => tell(&mut screen, args, &found)?,
        format => {
            let fields = json!({
                "ours": args.ours,
                "venue": args.venue,
                "tolerance_seconds": args.tolerance_seconds,
                "fills": { "ours": ours.len(), "venue": venue.len() },
                "confirmed": found.confirmed_count(),
                "confirmed_by": found.confirmed,
                "contradicted": found.contradicted,
                "missing_at_venue": found.missing_at_venue,
                "missing_at_ours": found.missing_at_ours,
                "totals": found.totals,
            });
            let answer = Answer::new("reconcile", &fields);
            screen.answer(format, &answer.listing("fill_finding", COLUMNS, findings(&found)))?;
        }
    }
    screen.flush()?;
    Ok(if found.is_clean() { 0 } else { FINDINGS })
}

/// The findings one after another: contradictions, then what is missing on either side.
fn findings(found: &Reconciled) -> Vec<Value> {
    let contradicted = found.contradicted.iter().map(|pair| {
        let (by, fields) = (pair.by, &pair.fields);
        json!({
            "finding": "contradicted", "by": by, "fields": fields, "ours": pair.ours,
            "venue": pair.venue,
        })
    });
    let alone = |finding: &str, ours: Option<&ToldFill>, venue: Option<&ToldFill>| {
        json!({
            "finding": finding, "by": null, "fields": [], "ours": ours, "venue": venue,
        })
    };
    let at_venue = found.missing_at_venue.iter();
    let at_ours = found.missing_at_ours.iter();
    contradicted
        .chain(at_venue.map(|fill| alone("missing_at_venue", Some(fill), None)))
        .chain(at_ours.map(|fill| alone("missing_at_ours", None, Some(fill))))
        .collect()
}

fn no_fills(label: &str, fills: &FillsByLabel) -> String {
    let known = fills.labels().iter().map(|(label, fills)| format!("{label} ({fills})"));
    let known: Vec<String> = known.collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    format!("no fills under `{label}`; labels with fills: {known}; `{OWN_RUNS}` are the runs' own")
}

fn tell(screen: &mut Screen, args: &ReconcileArgs, found: &Reconciled) -> Result<(), CliError> {
    let limit = if args.all { usize::MAX } else { SHOWN };
    let confirmed = found.confirmed_count();
    if found.is_clean() {
        screen.styled(GOOD, format_args!("all {} confirmed", count(confirmed, "fill")))?;
    } else {
        screen.styled(BAD, "not every fill is confirmed")?;
    }
    let by: Vec<String> =
        found.confirmed.iter().map(|(by, number)| format!("{number} by {}", name(*by))).collect();
    let by = if by.is_empty() { String::new() } else { format!(": {}", by.join(", ")) };
    screen.field("confirmed", format_args!("{confirmed}{by}"))?;
    screen.field("contradicted", found.contradicted.len())?;
    screen.field(
        "missing",
        format_args!(
            "{} at the venue, {} at ours",
            found.missing_at_venue.len(),
            found.missing_at_ours.len()
        ),
    )?;
    for pair in found.contradicted.iter().take(limit) {
        let by = name(pair.by);
        screen.line(format_args!("  contradicted, paired by {by}: {}", shown(&pair.ours)))?;
        for field in &pair.fields {
            let (ours, venue) = (&field.ours, &field.venue);
            screen.line(format_args!("      {}: ours {ours}, venue {venue}", field.field))?;
        }
    }
    more(screen, found.contradicted.len(), limit)?;
    let sorts = [
        ("missing at the venue", &found.missing_at_venue),
        ("missing at ours", &found.missing_at_ours),
    ];
    for (sort, fills) in sorts {
        for fill in fills.iter().take(limit) {
            screen.line(format_args!("  {sort}: {}", shown(fill)))?;
        }
        more(screen, fills.len(), limit)?;
    }
    totals(screen, args, found)
}

fn more(screen: &mut Screen, total: usize, limit: usize) -> Result<(), CliError> {
    match total.saturating_sub(limit) {
        0 => Ok(()),
        more => screen.styled(DIM, format_args!("  and {more} more (--all)")),
    }
}

fn totals(screen: &mut Screen, args: &ReconcileArgs, found: &Reconciled) -> Result<(), CliError> {
    let mut rows = Vec::new();
    for (symbol, total) in &found.totals {
        for (label, side) in [(&args.ours, &total.ours), (&args.venue, &total.venue)] {
            let SideTotal { fills, net_quantity, turnover } = side;
            rows.push(vec![
                symbol.clone(),
                label.clone(),
                fills.to_string(),
                net_quantity.map_or_else(|| "-".to_owned(), |sum| sum.to_string()),
                turnover.map_or_else(|| "-".to_owned(), |sum| sum.to_string()),
            ]);
        }
    }
    screen.table(&["symbol", "label", "fills", "net quantity", "turnover"], &rows)
}

const fn name(by: crate::projections::PairedBy) -> &'static str {
    use crate::projections::PairedBy;
    match by {
        PairedBy::TradeId => "trade id",
        PairedBy::OrderId => "order id",
        PairedBy::Figures => "figures and time",
    }
}

/// A fill in a line.
fn shown(fill: &ToldFill) -> String {
    let side = match fill.side {
        Side::Buy => "bought",
        Side::Sell => "sold",
    };
    let name = fill.trade_ids.first().map(|id| format!(", trade {id}")).unwrap_or_default();
    let row = if fill.row > 0 { format!(", row {}", fill.row) } else { String::new() };
    format!(
        "{side} {} {} at {}, {}{name} (record {}{row})",
        fill.quantity, fill.symbol, fill.price, fill.time, fill.sequence
    )
}
