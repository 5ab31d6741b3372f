//! Is it true? Three verdicts over a ledger that is handed over, read-only by construction.
//!
//! *Integrity*: not a byte was changed, cut, reordered or slipped in ([`Level::Chain`],
//! [`Level::Tree`], with signed checkpoints). *State*: what the log states about registries, profit
//! and times holds ([`Level::State`]). *Derivation*: every recorded decision follows from the
//! recorded inputs ([`Level::Derive`]). What each input rests on is reported beside them, as its
//! *vantage*.
//!
//! An unkeyed chain does not stop its own operator from writing another history; only outside
//! knowledge (an older head) finds that.
//!
//! Invariants: nothing is created, changed or locked; a read error is a failure to check and never
//! a verdict; the answer does not depend on the number of threads.

mod background;
mod backup;
mod bundle;
mod chain;
mod collect;
mod damage;
mod derived;
mod envelopes;
mod findings;
mod flow;
mod follow;
mod imports;
mod join;
mod meaning;
mod report;
mod salvage;
mod sealed;
mod self_test;
mod signatures;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use background::BackgroundAudit;
pub use backup::{BackedUp, BackupError, Restored, backup, restore};
pub use bundle::{BundleFile, bundle};
pub use derived::DerivedDamage;
pub use follow::Follower;
pub use report::{
    CheckpointReport, FAULTS_LISTED_MAX, Finding, LeftOut, Level, Mismatch, ProvableRange,
    REPORT_SCHEMA, Report, StateParting, Strength, Verdict, Witnessed,
};
pub use salvage::{Salvaged, salvage};
pub use self_test::{Planted, SELF_TEST_BYTES_MAX, SelfTestError, self_test};

use crate::checkpoint::{Note, Policy};
use crate::erasure::Unseal;
use crate::ledger::LedgerError;
use crate::ledger::disk::{Disk, RealDisk};
use crate::strategies::Catalogue;

/// How to verify.
#[derive(Clone)]
pub struct VerifyOptions {
    /// How far to go; by default to [`Level::Derive`], or to [`Level::Tree`] where the ledger holds
    /// another program's events.
    pub level: Option<Level>,
    /// How many threads may work; the answer does not depend on it.
    pub threads: usize,
    /// The storage.
    pub disk: Arc<dyn Disk>,
    /// Whom to believe: the newest checkpoint must meet it.
    pub policy: Option<Policy>,
    /// An older checkpoint from elsewhere: the log must continue it.
    pub against: Option<Note>,
    /// A checkpoint from elsewhere that is believed: segments that it covers whole are left out.
    /// For the levels up to [`Level::Tree`], which is then the default.
    pub since: Option<Note>,
    /// Who opens sealed inputs. A step whose input stays sealed is not re-executed.
    pub keys: Option<Arc<dyn Unseal>>,
    /// What is not done within this time is told as not checked.
    pub time_budget: Option<Duration>,
    /// The strategies that can be re-executed: an embedding program adds its own.
    pub strategies: Catalogue,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let disk = Arc::new(RealDisk);
        Self {
            level: None,
            threads,
            disk,
            policy: None,
            against: None,
            since: None,
            keys: None,
            time_budget: None,
            strategies: Catalogue::default(),
        }
    }
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The ledger could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The level asks what the events mean, and they are another program's.
    #[error("the ledger holds events of `{application}`: only the levels chain and tree apply")]
    OtherApplication {
        /// The program that wrote it.
        application: String,
    },
    /// Checkpoints are about roots, and no root is computed at the level that was asked for.
    #[error("level chain computes no root: a policy or an older checkpoint needs level tree")]
    LevelTooLow,
    /// Whatever is written belongs outside of what is audited.
    #[error("{} lies inside a ledger; nothing is written there", path.display())]
    InsideLedger {
        /// Where it was to be written.
        path: PathBuf,
    },
    /// What records mean follows from all records before them.
    #[error("only the levels chain and tree can leave out what a checkpoint covers")]
    LevelTooHigh,
}

/// Verifies the ledger at `path`.
///
/// # Errors
/// [`AuditError`] when nothing could be checked; what could not be checked beside other answers
/// is in [`Report::not_checked`].
///
/// # Examples
/// ```
/// use schwabot::audit::{Verdict, VerifyOptions, verify};
/// use schwabot::event::Event;
/// use schwabot::ledger::{Writer, WriterOptions};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("ledger");
/// Writer::<Event>::open(&path, &WriterOptions::default())?.close()?;
/// let report = verify(&path, &VerifyOptions::default())?;
/// assert_eq!(report.verdict(), Verdict::Intact);
/// assert_eq!(report.exit_code(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn verify(path: &Path, options: &VerifyOptions) -> Result<Report, AuditError> {
    flow::verify(path, options)
}
