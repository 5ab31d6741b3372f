//! `checkpoint`: signs the head of a ledger, or adds a cosigner's signature to the newest note;
//! then asks the witnesses of a policy.

use std::sync::Arc;

use serde_json::{Value, json};

use super::check::read_policy;
use crate::audit::Verdict;
use crate::checkpoint::{
    HttpTransport, KeyFile, KeyKind, Met, Policy, PolicyError, Signature, WitnessAnswer,
    WitnessState, ask_witnesses, cosign_head, rotate, sign_head,
};
use crate::cli::answer::Answer;
use crate::cli::args::Format;
use crate::cli::args_proofs::CheckpointArgs;
use crate::cli::interrupt;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::progress::Reading;
use crate::cli::text::{BAD, GOOD, Screen, count};
use crate::event::Event;
use crate::ledger::clock::Machine;
use crate::ledger::disk::RealDisk;
use crate::ledger::{Reader, WriterOptions};
use crate::time::Timestamp;

/// What the witnesses of a policy said, and what that comes to.
struct Witnessed {
    states: Vec<WitnessState>,
    met: Result<Met, PolicyError>,
}

pub(in crate::cli) fn run(args: &CheckpointArgs) -> Outcome {
    // What is begun is finished: it takes no time.
    interrupt::listen()?;
    let reading = Reading::new("signing", &args.ledger, 1);
    let options = WriterOptions { disk: reading.disk(), ..WriterOptions::default() };
    let policy = args.policy.as_deref().map(read_policy).transpose()?;
    let key = KeyFile::open(Arc::clone(&options.disk), &args.key)?;
    let mut signature = match (&args.rotate_to, key.key().verifier().kind()) {
        (Some(new), _) => {
            let new = KeyFile::open(Arc::clone(&options.disk), new)?;
            rotate::<Event>(&args.ledger, &key, &new, &options)?
        }
        (None, KeyKind::Log) => sign_head::<Event>(&args.ledger, &key, &options)?,
        (None, KeyKind::Cosigner) => cosign_head::<Event>(&args.ledger, &key, &Machine, &options)?,
    };
    drop(reading);
    let policy = policy.map(|policy| ask(args, &policy, &mut signature)).transpose()?;
    let met = policy.as_ref().is_none_or(|witnessed| witnessed.met.is_ok());
    let code = if met { 0 } else { Verdict::BadSignature.exit_code() };
    let shown = show(args, &signature, policy.as_ref());
    match shown {
        // What was signed stands, whoever reads it to its end.
        Ok(()) | Err(CliError::ClosedPipe) => Ok(code),
        Err(error) => Err(error),
    }
}

/// Asks the witnesses, and takes what they give into the note.
fn ask(
    args: &CheckpointArgs,
    policy: &Policy,
    signature: &mut Signature,
) -> Result<Witnessed, CliError> {
    let reader: Reader<Event> = Reader::open_any(Arc::new(RealDisk), &args.ledger)?;
    let asked = ask_witnesses(&reader, &signature.note, policy, &HttpTransport::new())?;
    signature.note = asked.note;
    signature.saved &= asked.saved;
    Ok(Witnessed { states: asked.witnesses, met: policy.judge(&signature.note) })
}

fn show(
    args: &CheckpointArgs,
    signature: &Signature,
    witnessed: Option<&Witnessed>,
) -> Result<(), CliError> {
    let mut screen = Screen::new();
    match args.format {
        Format::Text => tell(&mut screen, args, signature, witnessed)?,
        format => {
            let fields = json_of(signature, witnessed);
            screen.answer(format, &Answer::new("checkpoint", &fields))?;
        }
    }
    screen.flush()
}

fn json_of(signature: &Signature, witnessed: Option<&Witnessed>) -> Value {
    let checkpoint = signature.note.checkpoint();
    let signers: Vec<&str> =
        signature.note.signatures.iter().map(|line| line.name.as_str()).collect();
    json!({
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root,
        "signatures": signers,
        "saved": signature.saved,
        "witnesses": witnessed.map(|by| by.states.iter().map(witness_json).collect::<Vec<_>>()),
        "policy_met": witnessed.map(|by| by.met.is_ok()),
        "policy_why_not":
            witnessed.and_then(|by| by.met.as_ref().err()).map(ToString::to_string),
        "frame_headers_not_fixed_from": signature.unanchored.as_ref().map(|left| left.from_frame),
        "note": signature.note.to_string(),
    })
}

fn witness_json(witness: &WitnessState) -> Value {
    let (state, seconds, status, text) = match &witness.answer {
        WitnessAnswer::Cosigned { seconds } => ("cosigned", Some(*seconds), None, None),
        WitnessAnswer::Refused { status, text } => ("refused", None, Some(*status), Some(text)),
        WitnessAnswer::Away { why } => ("away", None, None, Some(why)),
        WitnessAnswer::NoUrl => ("no_url", None, None, None),
    };
    json!({
        "name": witness.name,
        "state": state,
        "time": seconds.map(Timestamp::from_seconds),
        "status": status,
        "text": text,
    })
}

/// Says how asking each witness ended, and whether that is enough.
fn tell_witnesses(screen: &mut Screen, witnessed: &Witnessed) -> Result<(), CliError> {
    for WitnessState { name, answer } in &witnessed.states {
        match answer {
            WitnessAnswer::Cosigned { seconds } => {
                screen.line(format_args!(
                    "{name} cosigned at {}",
                    Timestamp::from_seconds(*seconds)
                ))?;
            }
            WitnessAnswer::Refused { status, text } => {
                screen.line(format_args!("{name} did not cosign: status {status}: {text}"))?;
            }
            WitnessAnswer::Away { why } => screen.line(format_args!("{name} is away: {why}"))?,
            WitnessAnswer::NoUrl => {
                screen.line(format_args!("{name} was not asked: the policy names no address"))?;
            }
        }
    }
    match &witnessed.met {
        Ok(met) => {
            let (seen, of) = (met.witnesses.len(), met.witnesses_listed);
            screen.styled(GOOD, format_args!("the policy is met: {seen} of {of} witnesses"))
        }
        Err(why) => {
            screen.styled(BAD, format_args!("the policy is not met: {why}"))?;
            screen.line("what was signed stands all the same, and can be witnessed later")
        }
    }
}

fn tell(
    screen: &mut Screen,
    args: &CheckpointArgs,
    signature: &Signature,
    witnessed: Option<&Witnessed>,
) -> Result<(), CliError> {
    let checkpoint = signature.note.checkpoint();
    screen.styled(GOOD, format_args!("signed {}", count(checkpoint.size, "record")))?;
    screen.field("origin", &checkpoint.origin)?;
    screen.field("root", checkpoint.root)?;
    for line in &signature.note.signatures {
        screen.field("signed by", &line.name)?;
    }
    if let Some(left) = &signature.unanchored {
        let text = format!("{}; frame headers from frame {} on", left.why, left.from_frame);
        screen.field("not fixed", text)?;
    }
    if let Some(witnessed) = witnessed {
        tell_witnesses(screen, witnessed)?;
    }
    if signature.saved {
        screen.field("note", args.ledger.join("checkpoint").display())?;
        return Ok(());
    }
    screen.field("note", "the ledger can only be read, so the note is shown here:")?;
    screen.line("")?;
    for line in signature.note.to_string().lines() {
        screen.line(line)?;
    }
    Ok(())
}
