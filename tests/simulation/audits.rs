//! Audits: of what crashes left, beside a living writer, and of what was tampered with.

use std::fmt::Write as _;
use std::sync::Arc;

use schwabot::audit::{AuditError, Level, Report, VerifyOptions, verify};
use schwabot::checkpoint::{SignError, sign_head};
use schwabot::event::{Class, Event, RecordRef};
use schwabot::hash::Digest;
use schwabot::ledger::disk::Disk;
use schwabot::ledger::frame::{FLAG_ORDERED, FrameRef};
use schwabot::ledger::layout::{Layout, Listing};
use schwabot::ledger::scan::{Follower, scan_segment};
use schwabot::ledger::segment::SEGMENT_HEADER_BYTES;
use schwabot::ledger::walk::SegmentFile;
use schwabot::ledger::{LedgerEnd, LedgerError, Reader, SyncMode, Writer, WriterOptions};

use super::actions::is_failure;
use super::life::{Life, is_harmless, key_path};
use super::model::{Checked, Violation, law, read, refused};
use super::plan::{Audit, Trouble};
use crate::support::dice::Dice;
use crate::support::sim_disk::{SimDisk, Unsynced};
use crate::support::sim_ledger::ledger_path;

/// What somebody saw beside a writer at work.
pub(super) struct Beside {
    /// Records when the last step returned, and when the one before it did.
    now: u64,
    before: Option<u64>,
    seen: Checked<Vec<Vec<u8>>>,
    audit: Result<Report, AuditError>,
    second_writer: Option<LedgerError>,
    /// Had the disk failed by then?
    struck: bool,
}

impl Beside {
    /// `struck` is asked last, so that what fails during the look counts too.
    pub(super) fn look(
        options: &WriterOptions,
        now: u64,
        before: Option<u64>,
        struck: impl FnOnce() -> bool,
    ) -> Self {
        let disk = Arc::clone(&options.disk);
        let second_writer = Writer::<Event>::open(&ledger_path(), options).err();
        let seen = read(&disk);
        let audit = VerifyOptions { threads: 1, disk, ..VerifyOptions::default() };
        let audit = verify(&ledger_path(), &audit);
        Self { now, before, seen, audit, second_writer, struck: struck() }
    }

    pub(super) fn check(&self, handed_in: &[Vec<u8>], sync: SyncMode) -> Checked {
        let (Ok(seen), Ok(report)) = (&self.seen, &self.audit) else {
            // Once the disk has failed nothing need be readable.
            return law(self.struck, "beside a writer on a sound disk all can be read", || {
                format!("{:?} {:?}", self.seen.as_ref().err(), self.audit.as_ref().err())
            });
        };
        law(
            matches!(self.second_writer, Some(LedgerError::Locked { .. } | LedgerError::Io { .. })),
            "there is one writer",
            || format!("{:?}", self.second_writer),
        )?;
        law(
            handed_in.starts_with(seen) && seen.len() as u64 <= self.now,
            "a reader beside a writer sees a beginning of the log",
            || format!("{} of {}", seen.len(), self.now),
        )?;
        let proven = self.before.filter(|_| sync == SyncMode::Always).unwrap_or(0);
        law(seen.len() as u64 >= proven, "a reader sees what a later frame proves", || {
            format!("{} of {proven}", seen.len())
        })?;
        law(
            report.end == LedgerEnd::Live && is_harmless(report.verdict),
            "an audit beside a writer accuses nobody",
            || format!("{} {:?} {:?}", report.exit_code, report.first_bad, report.findings),
        )
    }
}

/// How many bytes from the first one on are covered in each segment: all of them where a later
/// segment stands or the file was trimmed, which proves its end frame; else those of frames that a
/// later one proves.
fn covered_bytes(disk: &Arc<dyn Disk>) -> Checked<Vec<u64>> {
    let layout = Layout::new(&ledger_path());
    let Ok(listing) = Listing::read(&**disk, &layout) else { return Ok(Vec::new()) };
    let mut covered: Vec<u64> = listing.segments.iter().map(|listed| listed.bytes).collect();
    let Some(last) = listing.segments.last() else { return Ok(covered) };
    let unreadable = |error: &dyn std::fmt::Display| refused("what crashes leave is sound", error);
    let header = last.header.as_ref().map_err(|error| unreadable(error))?;
    let mut file = SegmentFile::open(&**disk, &layout.segment(last.index), false)
        .map_err(|error| unreadable(&error))?;
    let (mut frames, mut proven) = (Vec::new(), 0);
    let mut visit = |frame: &FrameRef<'_>, _: Digest| {
        let header = &frame.header;
        let ordered = header.flags & FLAG_ORDERED != 0;
        proven = proven.max(header.watermark).max(if ordered { header.number } else { 0 });
        frames.push((header.number, frame.offset));
    };
    scan_segment(&mut file, header, Follower::Nothing, &mut visit)
        .map_err(|error| unreadable(&error))?;
    let unproven = frames.iter().find(|(number, _)| *number >= proven);
    let trimmed = last.bytes < header.file_bytes;
    if let Some(bytes) = covered.last_mut().filter(|_| !trimmed) {
        *bytes = unproven.map_or(SEGMENT_HEADER_BYTES as u64, |(_, offset)| *offset);
    }
    Ok(covered)
}

fn derived_records(records: &[Vec<u8>]) -> u64 {
    let derived = |bytes: &&Vec<u8>| {
        let envelope = RecordRef { sequence: 0, bytes }.envelope();
        envelope.is_ok_and(|(envelope, _)| envelope.stamp.class == Class::Derived)
    };
    records.iter().filter(derived).count() as u64
}

impl Life {
    /// Verifies, as asked, and holds the report against what is known.
    pub(super) fn audit(&mut self, asked: &Audit) -> Checked {
        let notes = &self.model.notes;
        let against = asked.against.filter(|_| !notes.is_empty());
        let against = against.map(|pick| notes[(pick % notes.len() as u64) as usize].clone());
        let policy = (asked.policy && !notes.is_empty()).then(|| self.policy());
        let level = if against.is_some() || policy.is_some() {
            asked.level.max(Level::Tree)
        } else {
            asked.level
        };
        self.arm(asked.trouble);
        let options = VerifyOptions {
            level: Some(level),
            threads: asked.threads,
            disk: self.machine.wire(),
            policy,
            against,
            ..VerifyOptions::default()
        };
        let report = verify(&ledger_path(), &options);
        let struck = self.struck(asked.trouble);
        self.disarm(asked.trouble);
        self.figures.audits += 1;
        let report = match report {
            Ok(report) => report,
            Err(AuditError::Ledger(LedgerError::NotALedger { .. }))
                if self.model.records.is_empty() =>
            {
                return Ok(());
            }
            Err(error) => {
                write!(self.told, " failed").unwrap();
                let failure = matches!(&error, AuditError::Ledger(error) if is_failure(error));
                return law(struck && failure, "an error has a cause, and names it", || {
                    error.to_string()
                });
            }
        };
        write!(self.told, " {}", report.exit_code).unwrap();
        self.check_report(&report, level, struck)?;
        if asked.trouble == Trouble::None && asked.threads > 1 {
            let alone = verify(&ledger_path(), &VerifyOptions { threads: 1, ..options });
            let (alone, all) = (format!("{alone:?}"), format!("{:?}", Ok::<_, ()>(report)));
            law(alone == all, "the answer does not depend on threads", || {
                format!("{alone}\n{all}")
            })?;
        }
        Ok(())
    }

    fn check_report(&mut self, report: &Report, level: Level, struck: bool) -> Checked {
        let told = || {
            let (bad, findings) = (&report.first_bad, &report.findings);
            let (mismatch, left) = (&report.mismatch, &report.not_checked);
            format!("{} {bad:?} {findings:?} {mismatch:?} {left:?}", report.exit_code)
        };
        let could_not = struck && report.exit_code == 2;
        law(could_not || is_harmless(report.verdict), "crashes alone accuse nobody", told)?;
        if could_not {
            return Ok(());
        }
        let records = self.model.records.len();
        law(report.records == records as u64, "an audit counts what is there", || {
            format!("{} of {records}", report.records)
        })?;
        if level >= Level::Tree {
            let root = self.model.root(records);
            law(
                report.head.is_some_and(|head| head.root == root),
                "the head of an audit is that of the records",
                || format!("{:?}", report.head),
            )?;
            let holds = report.checkpoints.iter().all(|note| note.holds == Some(true));
            law(holds, "every note holds", || format!("{:?}", report.checkpoints))?;
        }
        if level == Level::Derive {
            let derived = derived_records(&self.model.records);
            law(report.re_executed == derived, "every decision is executed again", || {
                format!("{} of {derived}", report.re_executed)
            })?;
        }
        Ok(())
    }

    /// Turns a bit of a byte that is covered, in a copy of the disk: audits, readers and writers
    /// say so.
    pub(super) fn rot(&mut self, pick: u64) -> Checked {
        let copy = SimDisk::cut_power(&self.machine.disk.state(), Unsynced::Kept);
        let disk: Arc<dyn Disk> = Arc::new(copy.clone());
        let covered = covered_bytes(&disk)?;
        if covered.is_empty() {
            return Ok(());
        }
        let mut dice = Dice::new(pick);
        // The last segment is the one that recovery judges.
        let last = dice.below(2) == 0;
        let picked = if last { covered.len() - 1 } else { dice.below(covered.len()) };
        let (segment, bytes) = (picked as u64, covered[picked]);
        let (at, bit) = (dice.below(usize::try_from(bytes).unwrap()), dice.below(8));
        copy.alter(&Layout::new(&ledger_path()).segment(segment), |bytes| bytes[at] ^= 1 << bit);
        self.figures.rot += 1;
        let place = format!("bit {bit} of byte {at} of segment {segment}");
        let level = [Level::Chain, Level::Tree, Level::State, Level::Derive][dice.below(4)];
        let threads = 1 + dice.below(2);
        let options = VerifyOptions {
            level: Some(level),
            threads,
            disk: Arc::clone(&disk),
            ..VerifyOptions::default()
        };
        let report = verify(&ledger_path(), &options);
        let code = report.as_ref().map_or(2, |report| report.exit_code);
        write!(self.told, " {code}, {place}").unwrap();
        // A version or feature bit that is turned may look like a later program's file.
        law(matches!(code, 2 | 11 | 12), "rot of a covered byte is found", || {
            format!("{code}: {place}")
        })?;
        let in_place = |mut violation: Violation| {
            write!(violation.detail, ", {place}").unwrap();
            violation
        };
        self.check_rotten_reader(&disk).map_err(in_place)?;
        // Whoever opens it for writing is refused, or builds on what is there; nothing is cut.
        let writer = WriterOptions { disk: Arc::clone(&disk), ..self.options(SyncMode::End, 4096) };
        if let Ok(writer) = Writer::<Event>::open(&ledger_path(), &writer) {
            let records = self.model.records.len() as u64;
            law(writer.next_sequence() >= records, "recovery never drops a covered byte", || {
                format!("{} of {records}, {place}", writer.next_sequence())
            })?;
        }
        Ok(())
    }

    /// A reader shows what was written, or an error; never anything else.
    fn check_rotten_reader(&self, disk: &Arc<dyn Disk>) -> Checked {
        let Ok(reader) = Reader::<Event>::open_on(Arc::clone(disk), &ledger_path()) else {
            return Ok(());
        };
        let (mut place, mut wrong) = (0, None);
        let read = reader.for_each::<LedgerError>(0, |record| {
            let known = self.model.records.get(place).map(Vec::as_slice);
            if known != Some(record.bytes) {
                wrong.get_or_insert(place);
            }
            place += 1;
            Ok(())
        });
        law(wrong.is_none(), "a reader shows what was written, or an error", || {
            format!("record {wrong:?}")
        })?;
        law(
            read.is_err() || place == self.model.records.len(),
            "no error looks like the end of the log",
            || format!("it ends at {place}"),
        )
    }

    /// An old copy of the whole ledger in the place of the new one: a note that was kept outside
    /// shows it, and the key, which remembers, does not sign it.
    pub(super) fn roll_back(&mut self, pick: u64) -> Checked {
        let Some(newest) = self.model.notes.iter().max_by_key(|note| note.checkpoint().size) else {
            return Ok(());
        };
        let size = usize::try_from(newest.checkpoint().size).unwrap();
        let older: Vec<_> = self.backups.iter().filter(|(held, _)| *held < size).collect();
        if older.is_empty() {
            return Ok(());
        }
        let mut dice = Dice::new(pick);
        let (held, state) = older[dice.below(older.len())];
        let copy: Arc<dyn Disk> = Arc::new(SimDisk::kill(state));
        let options = VerifyOptions {
            level: Some(Level::Tree),
            threads: 1,
            disk: Arc::clone(&copy),
            against: Some(newest.clone()),
            ..VerifyOptions::default()
        };
        let report = verify(&ledger_path(), &options)
            .map_err(|error| refused("an old copy can be audited", &error))?;
        write!(self.told, " {} at {held} of {size}", report.exit_code).unwrap();
        law(report.exit_code == 13, "a rolled back log is found by a kept note", || {
            format!("{} at {held} of {size}", report.exit_code)
        })?;
        let key = self.key_file(&key_path(self.signs))?;
        let writer = WriterOptions { disk: copy, ..self.options(SyncMode::Always, 4096) };
        let signed = sign_head::<Event>(&ledger_path(), &key, &writer);
        law(
            matches!(signed, Err(SignError::Contradiction(_))),
            "a key signs no second history",
            || format!("{:?}", signed.map(|s| s.note)),
        )?;
        self.figures.rollbacks += 1;
        self.look_for_nothing_new()
    }
}
