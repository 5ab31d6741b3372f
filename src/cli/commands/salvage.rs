//! `salvage`: copies what is provable, and says what was dropped.

use crate::audit::{VerifyOptions, salvage};
use crate::cli::answer::Answer;
use crate::cli::args::Format;
use crate::cli::args_proofs::SalvageArgs;
use crate::cli::outcome::Outcome;
use crate::cli::text::{Screen, count};

pub(in crate::cli) fn run(args: &SalvageArgs) -> Outcome {
    let salvaged = salvage(&args.ledger, &args.out, &VerifyOptions::default())?;
    let mut screen = Screen::new();
    if args.format != Format::Text {
        screen.answer(args.format, &Answer::new("salvage", &salvaged))?;
        screen.flush()?;
        return Ok(0);
    }
    screen.line(format_args!("the original is {}", salvaged.report.verdict()))?;
    let ledger = args.out.join("ledger");
    let kept = count(salvaged.head.size, "record");
    screen.field("kept", format_args!("{kept} in {}", ledger.display()))?;
    screen.field("root", salvaged.head.root)?;
    let folder = args.out.join("islands");
    for (from, to) in &salvaged.islands {
        screen.field("island", format_args!("records {from}..{to} in {}", folder.display()))?;
    }
    for (from, to) in &salvaged.dropped {
        screen.field("dropped", format_args!("records {from}..{to}"))?;
    }
    if salvaged.dropped.is_empty() {
        screen.field("dropped", "nothing")?;
    }
    screen.line(format_args!("check it: schwabot verify {}", ledger.display()))?;
    screen.flush()?;
    Ok(0)
}
