//! The arguments of `import`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::args::{Format, pair};
use crate::import;
use crate::market::PairSymbol;
use crate::time::Span;

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The ledger; a new one where there is none
    #[arg(required_unless_present = "list")]
    pub(super) ledger: Option<PathBuf>,
    /// The files, plain, gzip or zip; the pair is taken from the name unless it stands before a `=`
    #[arg(value_name = "[PAIR=]FILE", required_unless_present = "list")]
    pub(super) files: Vec<OsString>,
    /// What the files are, by a name of --list [default: told by their bytes]
    #[arg(long, value_name = "FORMAT", value_parser = from)]
    pub(super) from: Option<&'static import::Format>,
    /// The pair (BASE/QUOTE) of the files that name none
    #[arg(long, value_parser = pair)]
    pub(super) pair: Option<PairSymbol>,
    /// Length of the bars, such as 1m or 4h [default: told by the rows or the name]
    #[arg(long, value_name = "SPAN")]
    pub(super) interval: Option<Span>,
    /// Whose data it is: what was imported under one label is not imported twice [default: the
    /// format's venue]
    #[arg(long, value_name = "NAME", value_parser = label)]
    pub(super) label: Option<String>,
    /// Offset of the clock that wrote times without a zone, such as +02:00: of mt5-deals, and
    /// refused for others [default: +00:00, told as a defect]
    #[arg(long, value_name = "OFFSET", value_parser = offset, allow_hyphen_values = true)]
    pub(super) utc_offset: Option<i32>,
    /// Leave out rows that cannot be read, and record that, instead of importing nothing
    #[arg(long)]
    pub(super) skip_malformed: bool,
    /// Say what would be imported, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// List all defects instead of the first 20
    #[arg(long)]
    pub(super) defects: bool,
    /// List the formats
    #[arg(long)]
    pub(super) list: bool,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

fn from(name: &str) -> Result<&'static import::Format, String> {
    import::Format::by_name(name).ok_or_else(|| {
        let names: Vec<&str> = import::formats().map(|format| format.name).collect();
        format!("no such format; known are {}", names.join(", "))
    })
}

fn label(text: &str) -> Result<String, String> {
    if text.starts_with('@') {
        return Err("what begins with `@` is the ledger's own".to_owned());
    }
    match text.chars().count() {
        1..=100 => Ok(text.to_owned()),
        _ => Err("write 1 to 100 characters".to_owned()),
    }
}

/// Reads an offset such as `+02:00` or `-3` and returns its seconds east of UTC.
fn offset(text: &str) -> Result<i32, String> {
    let bad = || "write it as +02:00 or -05:30".to_owned();
    let (sign, digits) = match (text.strip_prefix('-'), text.strip_prefix('+')) {
        (Some(digits), _) => (-1, digits),
        (None, Some(digits)) => (1, digits),
        (None, None) => (1, text),
    };
    let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "0"));
    let number = |part: &str| part.parse::<u8>().ok().map(i32::from).filter(|_| part.len() <= 2);
    let (hours, minutes) = (number(hours).ok_or_else(bad)?, number(minutes).ok_or_else(bad)?);
    if hours > 18 || minutes > 59 {
        return Err(bad());
    }
    Ok(sign * (hours * 3_600 + minutes * 60))
}
