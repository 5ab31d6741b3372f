//! What the signed notes say of the log: which hold, which contradict it, which are not to be
//! believed, and how far each range of records is vouched for.
//!
//! Keys come from the log's own anchors and rotations, and from a policy. The former show that log
//! and notes fit together; who signed is known only by a key from elsewhere. A note whose known key
//! did not sign it is *rotten* and accuses nobody; one that is well signed and says another root is
//! *contradicted*, and then the log was written anew below it.

use std::collections::BTreeSet;
use std::path::Path;

use super::chain::ChainResult;
use super::collect::OwnRecord;
use super::damage::{SignedTree, raise};
use super::report::{CheckpointReport, ProvableRange, Report, Strength, Verdict, Witnessed};
use crate::checkpoint::{
    Checkpoint, KeyKind, Met, Misbehaviour, Note, NoteError, NoteFile, Policy, Signed, VerifierKey,
    consistency_path, rotated_key,
};
use crate::event::{Event, SystemEvent};
use crate::ledger::layout::Layout;
use crate::ledger::segment::LedgerId;
use crate::ledger::{Head, LedgerError, Reader};
use crate::time::Timestamp;

/// A reader that walks any program's records.
type AnyReader = Reader<Event>;
/// The text of a proof, where there is one.
type Proof = Result<Option<String>, LedgerError>;

/// A note that the log is held against.
pub(super) struct HeldNote {
    /// What it is called in a report.
    name: String,
    note: Result<Note, NoteError>,
    /// The caller holds it, so it counts though nobody known signed it.
    from_outside: bool,
}

/// The notes of the ledger, and those from elsewhere.
pub(super) fn held_notes<'n>(
    files: Vec<NoteFile>,
    layout: &Layout,
    outside: impl Iterator<Item = &'n Note>,
) -> Vec<HeldNote> {
    // As it is called inside the ledger, wherever that lies.
    let name = |path: &Path| {
        path.strip_prefix(layout.root()).unwrap_or(path).to_string_lossy().into_owned()
    };
    let own = files.into_iter().map(|file| HeldNote {
        name: name(&file.path),
        note: file.note,
        from_outside: false,
    });
    let outside = outside.map(|note| HeldNote {
        name: "the checkpoint from outside".to_owned(),
        note: Ok(note.clone()),
        from_outside: true,
    });
    own.chain(outside).collect()
}

/// The sizes at which these notes state a root, and one more, in ascending order.
pub(super) fn sizes(held: &[HeldNote], more: Option<u64>) -> Vec<u64> {
    let stated = held.iter().filter_map(|held| Some(held.note.as_ref().ok()?.checkpoint().size));
    let mut sizes: Vec<u64> = stated.chain(more).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// Keys that a log may name: each note is held against each of them.
const KEYS_NAMED_MAX: usize = 1024;

/// The keys that an audit knows.
pub(super) struct Keys {
    /// A policy's, and those that the log itself names: what they signed is compared.
    known: Vec<VerifierKey>,
    /// Those whose signatures vouch for something: with a policy its own and those that they were
    /// rotated to, else all that are known.
    trusted: Vec<VerifierKey>,
    /// True when the log names more keys than are looked at.
    left_out: bool,
}

impl Keys {
    pub(super) fn new(
        policy: Option<&Policy>,
        ledger: Option<LedgerId>,
        chain: &ChainResult,
    ) -> Self {
        let listed: Vec<VerifierKey> = policy.into_iter().flat_map(Policy::keys).cloned().collect();
        let (listed_keys, mut left_out) = (listed.len(), false);
        let (mut known, mut trusted) = (listed.clone(), listed);
        let mut names: BTreeSet<String> = known.iter().map(ToString::to_string).collect();
        for own in chain.own.iter().filter(|own| own.alone) {
            if known.len().max(trusted.len()) >= listed_keys + KEYS_NAMED_MAX {
                left_out = true;
                break;
            }
            let key = match (&own.event, ledger) {
                (SystemEvent::ChainAnchor(anchor), _) if !names.contains(&anchor.key) => {
                    anchor.key.parse().ok()
                }
                (SystemEvent::KeyRotated(rotation), Some(ledger)) => {
                    let trusts = rotated_key(&ledger, rotation, &trusted);
                    trusted.extend(trusts.filter(|key| !trusted.contains(key)));
                    rotated_key(&ledger, rotation, &known)
                }
                _ => None,
            };
            known.extend(key.filter(|key| names.insert(key.to_string())));
        }
        if policy.is_none() {
            trusted.clone_from(&known);
        }
        Self { known, trusted, left_out }
    }

    fn vouches(&self, signed: &Signed) -> bool {
        self.trusted.contains(&signed.key)
    }
}

/// What the notes amount to.
pub(super) struct Judgement<'w> {
    pub(super) policy: Option<&'w Policy>,
    pub(super) keys: Keys,
    pub(super) chain: &'w ChainResult,
    /// Not all of the log was read, or not all of it is whole.
    pub(super) incomplete: bool,
}

impl Judgement<'_> {
    /// Adds what the anchors say to a report: each must stand in the frame that it names.
    pub(super) fn anchors(&self, report: &mut Report) {
        report.keys = self.keys.known.iter().map(ToString::to_string).collect();
        if self.keys.left_out {
            let what = format!("keys that the log names behind the first {KEYS_NAMED_MAX}");
            report.not_checked.push(what);
        }
        for own in &self.chain.own {
            let signs =
                matches!(own.event, SystemEvent::ChainAnchor(_) | SystemEvent::KeyRotated(_));
            if signs && !own.alone {
                let what = "a record about keys that is not alone in its frame, as it was written";
                report.note(Verdict::Contradicted, own.sequence, what.to_owned());
            }
            let SystemEvent::ChainAnchor(anchor) = &own.event else { continue };
            if (anchor.frame, anchor.link) != (own.frame, own.previous) {
                let what = format!(
                    "the anchor names frame {} after link {}, and stands in frame {} after {}: the \
                     frames before it were chained anew",
                    anchor.frame, anchor.link, own.frame, own.previous
                );
                report.note(Verdict::Contradicted, own.sequence, what);
            }
        }
    }

    /// Adds what the notes say to a report.
    pub(super) fn notes(&self, held: &[HeldNote], report: &mut Report) {
        let mut newest: Option<(&Note, Judged)> = None;
        let mut found = Vec::new();
        for held in held {
            let note = match &held.note {
                Ok(note) => note,
                Err(error) => {
                    let what = format!("{}: {error}", held.name);
                    report.note(Verdict::BadSignature, 0, what);
                    continue;
                }
            };
            let checkpoint = note.checkpoint();
            let judged = match self.judge(held, note) {
                Ok(judged) => judged,
                Err((verdict, what)) => {
                    let at = checkpoint.size.saturating_sub(1).min(self.chain.records);
                    report.note(verdict, at, format!("{}: {what}", held.name));
                    found.push(CheckpointReport::new(checkpoint, &[], Some(false)));
                    continue;
                }
            };
            let holds = judged.compared.then_some(true);
            found.push(CheckpointReport::new(checkpoint, &judged.good, holds));
            // Behind damage nothing was compared; who signed what is known all the same.
            let counts = judged.compared || self.incomplete;
            let newer = newest.as_ref().is_none_or(|(n, _)| n.checkpoint().size <= checkpoint.size);
            if counts && newer && !held.from_outside && !judged.good.is_empty() {
                newest = Some((note, judged));
            }
        }
        found.dedup();
        report.set_checkpoints(found);
        let met = self.policy.map(|policy| match &newest {
            Some((note, _)) => policy.judge(note).map_err(|error| error.to_string()),
            None => Err("the ledger has no checkpoint that holds".to_owned()),
        });
        if let Some(Err(what)) = &met {
            report.note(Verdict::BadSignature, 0, format!("the policy is not met: {what}"));
        }
        let met = met.and_then(Result::ok);
        if let Some((note, judged)) = newest.filter(|(_, judged)| judged.compared) {
            let by = self.vouching(&judged.good);
            if !by.is_empty() {
                vouch(report, note.checkpoint(), &by, met.as_ref());
            }
        }
    }

    /// Adds to a report that the log is not the one that an earlier look saw.
    pub(super) fn continues(&self, seen: Head, report: &mut Report) {
        let Head { size, root } = seen;
        if let Err(what) = self.compare(&Checkpoint { origin: String::new(), size, root }) {
            let at = size.saturating_sub(1).min(self.chain.records);
            report.note(Verdict::Contradicted, at, format!("the look before: {what}"));
        }
    }

    /// Names of the log keys that vouch for what they signed.
    fn vouching(&self, good: &[Signed]) -> Vec<String> {
        let logs = good.iter().filter(|signed| signed.key.kind() == KeyKind::Log);
        let vouching = logs.filter(|signed| self.keys.vouches(signed));
        vouching.map(|signed| signed.key.name().to_owned()).collect()
    }

    /// Proof that one key signed both the caller's note and one that the log agrees with, where the
    /// caller's contradicts the log: what to show to somebody who has neither.
    pub(super) fn misbehaviour(&self, held: &[HeldNote], reader: &AnyReader) -> Proof {
        let outside = held.iter().filter(|held| held.from_outside);
        let Some(older) = outside.filter_map(|held| held.note.as_ref().ok()).next() else {
            return Ok(None);
        };
        let size = older.checkpoint().size;
        let Some(prefix) = self.chain.roots.get(&size).copied() else { return Ok(None) };
        if prefix == older.checkpoint().root {
            return Ok(None);
        }
        let log_keys = || self.keys.known.iter().filter(|key| key.kind() == KeyKind::Log);
        let by = |note: &Note, key| note.signed_by([key]).is_ok_and(|good| !good.is_empty());
        for newer in held.iter().filter(|held| !held.from_outside) {
            let Ok(newer) = &newer.note else { continue };
            let Checkpoint { size: to, root, .. } = newer.checkpoint();
            let agrees = self.chain.roots.get(to) == Some(root);
            let signed = log_keys().any(|key| by(older, key) && by(newer, key));
            if !agrees || !signed {
                continue;
            }
            if let Some(path) = consistency_path(reader, size, (*to, *root))? {
                let (older, newer) = (older.clone(), newer.clone());
                return Ok(Some(Misbehaviour { older, newer, prefix, path }.to_string()));
            }
        }
        Ok(None)
    }

    /// The newest tree that a known log key signed, whether or not the log still has all of it.
    pub(super) fn signed_tree<'n>(&self, held: &'n [HeldNote]) -> Option<SignedTree<'n>> {
        let signed = held.iter().filter_map(|held| {
            let note = held.note.as_ref().ok()?;
            let by = self.vouching(&self.judge(held, note).ok()?.good);
            (!by.is_empty()).then_some(SignedTree { checkpoint: note.checkpoint(), by })
        });
        signed.max_by_key(|signed| signed.checkpoint.size)
    }

    /// Who signed a note that holds; or the verdict of one that does not.
    fn judge(&self, held: &HeldNote, note: &Note) -> Result<Judged, (Verdict, String)> {
        let checkpoint = note.checkpoint();
        let rotten = |what: String| (Verdict::BadSignature, what);
        let mut good =
            note.signed_by(&self.keys.known).map_err(|error| rotten(error.to_string()))?;
        // A log's key speaks of its own log only.
        let foreign = |signed: &Signed| {
            signed.key.kind() == KeyKind::Log && signed.key.name() != checkpoint.origin
        };
        good.retain(|signed| !foreign(signed));
        let logs = || self.keys.known.iter().filter(|key| key.kind() == KeyKind::Log);
        if good.is_empty() && logs().next().is_some() {
            if logs().all(|key| key.name() != checkpoint.origin) {
                let origin = &checkpoint.origin;
                return Err(rotten(format!("it is of the log `{origin}`, and no known key is")));
            }
            if held.from_outside && self.policy.is_some() {
                return Err(rotten("no key of the policy signed it".to_owned()));
            }
        }
        let compared = self.compare(checkpoint);
        let compared = compared.map_err(|what| (Verdict::Contradicted, what))?;
        if let Some(key) = self.announced(checkpoint)
            && !good.iter().any(|signed| signed.key.to_string() == *key)
        {
            let what = "it does not hold the signature that the log's anchor announces";
            return Err(rotten(what.to_owned()));
        }
        Ok(Judged { good, compared })
    }

    /// Does the log have the root that a note states? False where that cannot be told.
    fn compare(&self, checkpoint: &Checkpoint) -> Result<bool, String> {
        let Checkpoint { size, root, .. } = checkpoint;
        match self.chain.roots.get(size) {
            Some(own) if own == root => Ok(true),
            Some(own) => Err(format!(
                "it says that the first {size} records have root {root}, and here they have {own}"
            )),
            None if *size > self.chain.records && !self.incomplete => Err(format!(
                "it says that there were {size} records, and here are {}: rolled back",
                self.chain.records
            )),
            // Damage lies below, or what is below was left out.
            None => Ok(false),
        }
    }

    /// The key that the record right before the checkpoint's end announces.
    fn announced(&self, checkpoint: &Checkpoint) -> Option<&String> {
        let last = checkpoint.size.checked_sub(1)?;
        let own = &self.chain.own;
        let place = own.binary_search_by_key(&last, |own: &OwnRecord| own.sequence).ok()?;
        match &own[place].event {
            SystemEvent::ChainAnchor(anchor) => Some(&anchor.key),
            _ => None,
        }
    }
}

/// A note that nothing is wrong with.
struct Judged {
    /// The good signatures of known keys.
    good: Vec<Signed>,
    /// The log has its root; else it could not be compared.
    compared: bool,
}

/// Raises the strength of what a checkpoint covers.
fn vouch(report: &mut Report, checkpoint: &Checkpoint, by: &[String], met: Option<&Met>) {
    let size = checkpoint.size;
    report.unanchored = report.records.saturating_sub(size);
    let witnessed = met.filter(|met| !met.witnesses.is_empty()).map(|met| {
        let latest = met.witnesses.iter().map(|(_, seconds)| *seconds).max().unwrap_or(0);
        let (cosigned, of) = (met.witnesses.len(), met.witnesses_listed);
        Witnessed { cosigned, of, time: Timestamp::from_seconds(latest) }
    });
    let strength = if witnessed.is_some() { Strength::Witnessed } else { Strength::Signed };
    let first = report.left_out.map_or(0, |left| left.records);
    // Behind damage the root says nothing.
    let sound = report.provable.iter().find(|range| range.from == first);
    let to = sound.map_or(first, |range| range.to.min(size));
    if to > first {
        raise(
            report,
            vec![ProvableRange { from: first, to, strength, by: by.to_vec(), witnessed }],
        );
    }
}
