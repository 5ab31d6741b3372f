//! `shred`: says durably that a subject's key is destroyed, and then destroys it.

use std::collections::BTreeSet;

use serde_json::json;

use super::key_ring;
use crate::cli::answer::Answer;
use crate::cli::args::Format;
use crate::cli::args_erasure::ShredArgs;
use crate::cli::interrupt;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::text::{GOOD, Screen, count};
use crate::erasure::{KeyRing, finish_shredding, records_under, shred, shredded_subjects};
use crate::event::SubjectId;

pub(in crate::cli) fn run(args: &ShredArgs) -> Outcome {
    // What is begun is finished: it takes no time.
    interrupt::listen()?;
    let reader = key_ring::reader(&args.ledger)?;
    let ring = key_ring::open_existing(&args.about.keys)?;
    let told = shredded_subjects(&reader)?;
    let Some(subject) = ring.find_by_name(&args.about.subject)? else {
        return finish(args, &ring, &told);
    };
    let records = records_under(&reader, &subject)?;
    let recorded = told.contains(&subject);
    drop(reader);
    let mut writer = key_ring::writer(&args.ledger)?;
    let done = shred(&mut writer, &ring, &subject, &args.reason, recorded);
    // Closed in any case, so that nothing is left to recover.
    let closed = writer.close();
    let done = done?;
    let head = closed?;
    let mut screen = Screen::new();
    match args.format {
        Format::Text => {
            let fields = count(records, "record");
            screen.styled(GOOD, format_args!("shredded: {fields} lost their personal fields"))?;
            screen.field("subject", subject)?;
            match done.sequence {
                Some(sequence) => screen.field("told in", format_args!("record {sequence}"))?,
                None => screen.field("told in", "an earlier record; the key was still there")?,
            }
            screen.field("root", head.root)?;
            screen.line("  No stored byte changed. Copies of the key, if any, still open them.")?;
        }
        format => {
            let fields = json!({
                "subject": subject,
                "sequence": done.sequence,
                "records": records,
                "size": head.size,
                "root": head.root,
            });
            screen.answer(format, &Answer::new("shredded", &fields))?;
        }
    }
    screen.flush()?;
    Ok(0)
}

/// There is no key of that name, but there may be what an earlier call left of one whose name it
/// had wiped out already: the log knows it by its id.
fn finish(args: &ShredArgs, ring: &KeyRing, told: &BTreeSet<SubjectId>) -> Outcome {
    let finished = finish_shredding(ring, told)?;
    if finished.is_empty() {
        let what = format!("no key of `{}`", args.about.subject);
        return Err(CliError::File { path: args.about.keys.clone(), what });
    }
    let mut screen = Screen::new();
    match args.format {
        Format::Text => {
            screen.styled(GOOD, "finished what an earlier call had begun and told")?;
            for subject in &finished {
                screen.field("destroyed", subject)?;
            }
        }
        format => {
            let fields = json!({ "keys": finished });
            screen.answer(format, &Answer::new("shredding_finished", &fields))?;
        }
    }
    screen.flush()?;
    Ok(0)
}
