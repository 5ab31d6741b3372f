//! `pack` and `unpack`: ended segments made small, and back.

use serde::Serialize;

use crate::cli::answer::Answer;
use crate::cli::args::Format;
use crate::cli::args_pack::PackArgs;
use crate::cli::interrupt;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::progress::Reading;
use crate::cli::text::{GOOD, Screen, count};
use crate::ledger::LedgerError;
use crate::ledger::disk::Disk;
use crate::ledger::packed::{Packing, pack, unpack};

/// Each segment is judged, copied and compared.
const READ_TIMES: u64 = 3;

/// What was done, with what follows from it.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    packing: Packing,
    ratio: Option<String>,
}

pub(in crate::cli) fn run(args: &PackArgs) -> Outcome {
    let done = work(args, "packing", |disk| pack(disk, &args.ledger))?;
    answer(args, "packed", done, tell_packed)
}

pub(in crate::cli) fn run_back(args: &PackArgs) -> Outcome {
    let done = work(args, "unpacking", |disk| unpack(disk, &args.ledger))?;
    answer(args, "unpacked", done, tell_unpacked)
}

fn work(
    args: &PackArgs,
    what: &'static str,
    work: impl FnOnce(&dyn Disk) -> Result<Packing, LedgerError>,
) -> Result<Packing, CliError> {
    let reading = Reading::new(what, &args.ledger, READ_TIMES);
    let advice = "the ledger holds all that it held; the same command goes on";
    interrupt::end_at_once(advice.to_owned())?;
    Ok(work(&*reading.disk())?)
}

fn answer(
    args: &PackArgs,
    kind: &str,
    packing: Packing,
    tell: fn(&mut Screen, &Told) -> Result<(), CliError>,
) -> Outcome {
    let told = Told { packing, ratio: packing.ratio() };
    let mut screen = Screen::new();
    match args.format {
        Format::Text => tell(&mut screen, &told)?,
        format => screen.answer(format, &Answer::new(kind, &told))?,
    }
    screen.flush()?;
    Ok(0)
}

fn tell_packed(screen: &mut Screen, told: &Told) -> Result<(), CliError> {
    let Packing { segments, already, left, bytes, packed_bytes } = told.packing;
    let text = format!("packed: {}", count(segments, "segment"));
    screen.styled(GOOD, text)?;
    if let Some(ratio) = &told.ratio {
        screen.field("before", format_args!("{bytes} bytes"))?;
        screen.field("now", format_args!("{packed_bytes} bytes, {ratio} times less"))?;
    }
    if already > 0 {
        screen.field("packed before", count(already, "segment"))?;
    }
    if left == 0 {
        return Ok(());
    }
    let why = "the last one, for whoever appends, and those of more than 4 GiB stay as they are";
    screen.field("left", format_args!("{} ({why})", count(left, "segment")))
}

fn tell_unpacked(screen: &mut Screen, told: &Told) -> Result<(), CliError> {
    let Packing { segments, already, bytes, packed_bytes, .. } = told.packing;
    screen.styled(GOOD, format_args!("unpacked: {}", count(segments, "segment")))?;
    if segments > 0 {
        screen.field("before", format_args!("{packed_bytes} bytes"))?;
        screen.field("now", format_args!("{bytes} bytes"))?;
    }
    screen.field("not packed", count(already, "segment"))
}
