//! `check`: a receipt or a proof of misbehaviour, with a policy or a key and nothing else.

use std::path::Path;

use serde_json::{Value, json};

use super::why::in_words;
use crate::audit::Verdict;
use crate::checkpoint::{
    BadPolicy, Met, Misbehaviour, NOTE_BYTES_MAX, NotProven, Note, Policy, RECEIPT_BYTES_MAX,
    Receipt, ReceiptError,
};
use crate::cli::answer::Answer;
use crate::cli::args::Format;
use crate::cli::args_proofs::CheckArgs;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::text::{BAD, GOOD, Screen};
use crate::event::{Event, kind_name};
use crate::ledger::disk::{RealDisk, read_whole};
use crate::ledger::{Entry, decode};
use crate::time::Timestamp;

/// Bytes of the longest policy file that is read.
const POLICY_BYTES_MAX: usize = 1 << 20;

pub(in crate::cli) fn run(args: &CheckArgs) -> Outcome {
    // The policy may be a setting, and a key that is given stands above it.
    let policy = match (&args.policy, &args.vkey) {
        (_, Some(key)) => Policy::of_log(key.clone()),
        (Some(path), None) => read_policy(path)?,
        (None, None) => {
            let text = "whom to believe? give --policy FILE or --vkey KEY";
            return Err(CliError::Usage(text.to_owned()));
        }
    };
    let bytes = read(&args.file, RECEIPT_BYTES_MAX)?;
    let mut screen = Screen::new();
    let code = if bytes.starts_with(b"schwabot/misbehaviour/") {
        misbehaviour(&mut screen, args, &bytes, &policy)?
    } else {
        receipt(&mut screen, args, &bytes, &policy)?
    };
    screen.flush()?;
    Ok(code)
}

/// Reads a policy file; one that holds a verifier key and nothing else believes that key's log.
pub(super) fn read_policy(path: &Path) -> Result<Policy, CliError> {
    let bytes = read(path, POLICY_BYTES_MAX)?;
    let key = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim_end().parse().ok());
    if let Some(key) = key {
        return Ok(Policy::of_log(key));
    }
    Policy::parse(&bytes).map_err(|error: BadPolicy| bad(path, &error))
}

/// Reads a signed checkpoint.
pub(super) fn read_note(path: &Path) -> Result<Note, CliError> {
    Note::parse(&read(path, NOTE_BYTES_MAX)?).map_err(|error| bad(path, &error))
}

fn read(path: &Path, max: usize) -> Result<Vec<u8>, CliError> {
    read_whole(&RealDisk, path, max).map_err(|error| bad(path, &error))
}

fn bad(path: &Path, what: &dyn std::fmt::Display) -> CliError {
    CliError::File { path: path.to_owned(), what: what.to_string() }
}

fn receipt(
    screen: &mut Screen,
    args: &CheckArgs,
    bytes: &[u8],
    policy: &Policy,
) -> Result<u8, CliError> {
    let receipt = Receipt::parse(bytes).map_err(|error| bad(&args.file, &error))?;
    let verified = receipt.verify(policy);
    let verdict = match &verified {
        Ok(_) => Verdict::Intact,
        Err(ReceiptError::Policy(_)) => Verdict::BadSignature,
        Err(_) => Verdict::Corrupt,
    };
    match args.format {
        Format::Text => tell_receipt(screen, &receipt, &verified)?,
        format => {
            let fields = receipt_json(&receipt, &verified, verdict);
            screen.answer(format, &Answer::new("receipt", &fields))?;
        }
    }
    Ok(verdict.exit_code())
}

fn receipt_json(
    receipt: &Receipt,
    verified: &Result<Met, ReceiptError>,
    verdict: Verdict,
) -> Value {
    let checkpoint = receipt.note.checkpoint();
    let record = receipt.record();
    let decoded = decode::<Event>(&record).ok();
    let met = verified.as_ref().ok();
    let witnesses = met.map(|met| {
        let seen = |(name, seconds): &(String, u64)| {
            json!({"name": name, "time": Timestamp::from_seconds(*seconds)})
        };
        met.witnesses.iter().map(seen).collect::<Vec<_>>()
    });
    json!({
        "verdict": verdict,
        "exit_code": verdict.exit_code(),
        "why_not": verified.as_ref().err().map(ToString::to_string),
        "log": met.map(|met| &met.log),
        "witnesses": witnesses,
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root,
        "sequence": receipt.sequence,
        "digest": record.digest(),
        "kind": decoded.as_ref().and_then(|(envelope, _)| kind_name(envelope.kind)),
        "time": decoded.as_ref().map(|(envelope, _)| envelope.stamp.time),
        "vantage": decoded.as_ref().map(|(envelope, _)| envelope.stamp.vantage),
        "words": words(receipt),
        "payload": decoded.map(|(_, entry)| match entry {
            Entry::Event(event) => json!(event),
            Entry::System(event) => json!(event),
        }),
    })
}

fn tell_receipt(
    screen: &mut Screen,
    receipt: &Receipt,
    verified: &Result<Met, ReceiptError>,
) -> Result<(), CliError> {
    let checkpoint = receipt.note.checkpoint();
    let met = match verified {
        Ok(met) => met,
        Err(error) => {
            screen.styled(BAD, format_args!("not proven: {error}"))?;
            // What nobody vouches for is not repeated as if it were so.
            return screen.field("claimed", format_args!("record {}", receipt.sequence));
        }
    };
    let place = format!("record {} of the log {}", receipt.sequence, met.log);
    screen.styled(GOOD, format_args!("proven: {place}"))?;
    screen.field("what", words(receipt))?;
    if let Ok((envelope, _)) = decode::<Event>(&receipt.record()) {
        let name = kind_name(envelope.kind).unwrap_or("of an unknown kind");
        screen.field("kind", name)?;
        screen.field("time", envelope.stamp.time)?;
        let seen = format!("{:?}", envelope.stamp.vantage).to_lowercase();
        screen.field("rests on", seen)?;
    }
    screen.field("leaf", receipt.record().digest())?;
    let (size, root) = (checkpoint.size, checkpoint.root);
    screen.field("under", format_args!("the checkpoint of {size} records, root {root}"))?;
    for (name, seconds) in &met.witnesses {
        screen.field("seen by", format_args!("{name} at {}", Timestamp::from_seconds(*seconds)))?;
    }
    if met.witnesses.is_empty() {
        screen.field("seen by", "no witness: the log's operator alone signed")?;
    }
    Ok(())
}

/// The record in one line.
fn words(receipt: &Receipt) -> String {
    match decode::<Event>(&receipt.record()) {
        Ok((_, Entry::Event(event))) => in_words(&event),
        Ok((_, Entry::System(event))) => serde_json::to_string(&event).unwrap_or_default(),
        Err(error) => format!("{} bytes of another program: {error}", receipt.record.len()),
    }
}

fn misbehaviour(
    screen: &mut Screen,
    args: &CheckArgs,
    bytes: &[u8],
    policy: &Policy,
) -> Result<u8, CliError> {
    let proof = Misbehaviour::parse(bytes).map_err(|error| bad(&args.file, &error))?;
    let verified = policy.logs().iter().map(|log| (log, proof.verify(&log.key)));
    let mut not_proven = NotProven::NotSigned { key: "no log of the policy".to_owned() };
    let mut guilty = None;
    for (log, result) in verified {
        match result {
            Ok(()) => guilty = Some(log.name.clone()),
            Err(error) => not_proven = error,
        }
    }
    let (older, newer) = (proof.older.checkpoint(), proof.newer.checkpoint());
    let code = match (&guilty, &not_proven) {
        (Some(_), _) => 0,
        (None, NotProven::NotSigned { .. } | NotProven::Note(_)) => {
            Verdict::BadSignature.exit_code()
        }
        _ => Verdict::Corrupt.exit_code(),
    };
    if args.format != Format::Text {
        let fields = json!({
            "proven": guilty.is_some(),
            "exit_code": code,
            "log": guilty,
            "why_not": guilty.is_none().then(|| not_proven.to_string()),
            "older": {"size": older.size, "root": older.root},
            "newer": {"size": newer.size, "root": newer.root, "prefix": proof.prefix},
        });
        screen.answer(args.format, &Answer::new("misbehaviour", &fields))?;
        return Ok(code);
    }
    match guilty {
        Some(log) => screen.styled(GOOD, format_args!("proven: {log} signed two histories"))?,
        None => screen.styled(BAD, format_args!("not proven: {not_proven}"))?,
    }
    screen.field("signed", format_args!("{} records, root {}", older.size, older.root))?;
    screen.field("and signed", format_args!("{} records, root {}", newer.size, newer.root))?;
    let begins = format!("its first {} records have root {}", older.size, proof.prefix);
    screen.field("which begins", begins)?;
    Ok(code)
}
