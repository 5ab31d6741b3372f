//! `salvage`: copies what is provable, and says what was dropped.

use crate::audit::{VerifyOptions, salvage};
use crate::cli::answer::Answer;
use crate::cli::args::Format;
use crate::cli::args_proofs::SalvageArgs;
use crate::cli::interrupt;
use crate::cli::outcome::Outcome;
use crate::cli::progress::Reading;
use crate::cli::text::{Screen, count};

pub(in crate::cli) fn run(args: &SalvageArgs) -> Outcome {
    let reading = Reading::new("salvaging", &args.ledger, 4);
    let out = args.out.display();
    let advice = format!("the original was only read; remove {out}, and begin again");
    interrupt::end_at_once(advice)?;
    let options = VerifyOptions { disk: reading.disk(), ..VerifyOptions::default() };
    let salvaged = salvage(&args.ledger, &args.out, &options)?;
    drop(reading);
    let mut screen = Screen::new();
    if args.format != Format::Text {
        screen.answer(args.format, &Answer::new("salvage", &salvaged))?;
        screen.flush()?;
        return Ok(0);
    }
    screen.line(format_args!("the original: {}", salvaged.report.verdict()))?;
    let ledger = args.out.join("ledger");
    if salvaged.has_ledger {
        let kept = count(salvaged.head.size, "record");
        screen.field("kept", format_args!("{kept} in {}", ledger.display()))?;
        screen.field("root", salvaged.head.root)?;
        if salvaged.identity_from_segment {
            screen.field("ledger.id", "made anew from the header of the first segment")?;
        }
    } else {
        screen.field("kept", "nothing: no segment can be kept from the beginning on")?;
    }
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
    if salvaged.has_ledger {
        screen.line(format_args!("check it: schwabot verify {}", ledger.display()))?;
    }
    screen.flush()?;
    Ok(0)
}
