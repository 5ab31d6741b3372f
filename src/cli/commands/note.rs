//! `note`: who did what and why, in a record whose words only the subject's key opens.

use serde_json::json;

use super::key_ring;
use crate::cli::answer::Answer;
use crate::cli::args::Format;
use crate::cli::args_erasure::NoteArgs;
use crate::cli::interrupt;
use crate::cli::outcome::Outcome;
use crate::cli::text::{GOOD, Screen};
use crate::erasure::{ErasureError, leave_note, shredded_subjects};

pub(in crate::cli) fn run(args: &NoteArgs) -> Outcome {
    // What is begun is finished: it takes no time.
    interrupt::listen()?;
    let reader = key_ring::reader(&args.ledger)?;
    let ring = key_ring::open(&args.about.keys)?;
    let known = ring.find_by_name(&args.about.subject)?;
    if let Some(subject) = known
        && shredded_subjects(&reader)?.contains(&subject)
    {
        return Err(ErasureError::IsShredded { subject }.into());
    }
    drop(reader);
    // Opened before a key is drawn: a ledger that refuses leaves no key behind.
    let mut writer = key_ring::writer(&args.ledger)?;
    let subject = match known {
        Some(subject) => subject,
        None => ring.create(&args.about.subject)?,
    };
    let left = leave_note(&mut writer, &ring, &subject, &args.author, &args.text);
    // Closed in any case, so that nothing is left to recover.
    let closed = writer.close();
    let sequence = left?;
    let head = closed?;
    let mut screen = Screen::new();
    match args.format {
        Format::Text => {
            screen.styled(GOOD, format_args!("noted in record {sequence}"))?;
            screen.field("subject", subject)?;
            let key = if known.is_none() { "new" } else { "known" };
            screen.field("key", format_args!("{key}, in {}", args.about.keys.display()))?;
            screen.field("root", head.root)?;
        }
        format => {
            let fields = json!({
                "sequence": sequence,
                "subject": subject,
                "new_key": known.is_none(),
                "size": head.size,
                "root": head.root,
            });
            screen.answer(format, &Answer::new("note", &fields))?;
        }
    }
    screen.flush()?;
    Ok(0)
}
