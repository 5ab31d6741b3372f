//! The arguments of showing records.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::{Format, at, pair};
use super::nearest::nearest;
use crate::event::{Class, Event, SystemEvent, kind_name};
use crate::market::PairSymbol;
use crate::projections::UpTo;

/// So few digits of a run's id may name another run, too.
const RUN_DIGITS_MIN: usize = 6;

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// The ledger
    pub(super) ledger: PathBuf,
    /// First record; or only records of this event time and later
    #[arg(long, value_name = "SEQ|TIME", default_value = "0", value_parser = at)]
    pub(super) from: UpTo,
    /// Last record; or only records up to this event time
    #[arg(long, value_name = "SEQ|TIME", value_parser = at)]
    pub(super) to: Option<UpTo>,
    /// Only records of this kind, by name (such as trade_closed) or number (such as 0x0207)
    #[arg(long, value_parser = kind)]
    pub(super) kind: Vec<u16>,
    /// Only records of this class: input, derived, or system (the ledger's own)
    #[arg(long, value_name = "CLASS")]
    pub(super) class: Vec<RecordClass>,
    /// Only records that name this pair, in either direction
    #[arg(long, value_name = "BASE/QUOTE", value_parser = pair)]
    pub(super) pair: Option<PairSymbol>,
    /// Only records of the run whose id begins so (at least 6 digits)
    #[arg(long, value_name = "ID", value_parser = run)]
    pub(super) run: Option<String>,
    /// Only records that this one caused
    #[arg(long, value_name = "SEQ")]
    pub(super) cause: Option<u64>,
    /// Go on with what is added, until Ctrl-C
    #[arg(long)]
    pub(super) follow: bool,
    /// Open personal fields with the keys in this directory
    #[arg(long, value_name = "DIR")]
    pub(super) keys: Option<PathBuf>,
    /// How to answer; json is one object a record, as jsonl is
    #[arg(long, default_value = "text")]
    pub(super) format: Format,
}

/// What a record is to replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RecordClass {
    /// What came in.
    Input,
    /// What was decided.
    Derived,
    /// What the ledger says of itself.
    System,
}

impl From<RecordClass> for Class {
    fn from(class: RecordClass) -> Self {
        match class {
            RecordClass::Input => Self::Input,
            RecordClass::Derived => Self::Derived,
            RecordClass::System => Self::System,
        }
    }
}

fn run(text: &str) -> Result<String, String> {
    let digits = text.to_ascii_lowercase();
    let fits = digits.len() >= RUN_DIGITS_MIN && digits.bytes().all(|b| b.is_ascii_hexdigit());
    fits.then_some(digits).ok_or_else(|| {
        format!(
            "write at least {RUN_DIGITS_MIN} hex digits of it; `schwabot state LEDGER` shows it"
        )
    })
}

fn kind(text: &str) -> Result<u16, String> {
    let number = match text.strip_prefix("0x") {
        Some(hex) => u16::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    };
    let named = || (0..=u16::MAX).find(|number| kind_name(*number) == Some(text));
    number.or_else(named).ok_or_else(|| {
        let own = SystemEvent::KINDS.iter().map(|(_, name)| *name);
        let names: Vec<&str> = own.chain(Event::KINDS.iter().map(|(_, name, _)| *name)).collect();
        match nearest(text, names.iter().copied()) {
            Some(near) => format!("no such kind; did you mean `{near}`?"),
            None => format!("no such kind; known are {}", names.join(", ")),
        }
    })
}
