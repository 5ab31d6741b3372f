//! The next step after an error: one line that says what to do now.
//!
//! Invariants: a hint names commands and flags that there are; where the error itself says what to
//! do, there is no hint; nothing is guessed about what cannot be seen.

use std::io;
use std::path::Path;

use super::nearest::nearest;
use super::outcome::CliError;
use crate::audit::{AuditError, BackupError};
use crate::checkpoint::{ProveError, SignError, WitnessError};
use crate::erasure::ErasureError;
use crate::export::ExportError;
use crate::ledger::LedgerError;
use crate::market::SourceError;
use crate::pipeline::{PipelineError, RunFileError, SettingsError};
use crate::projections::{ProjectionError, WhyError};
use crate::strategies::{self, StrategyError};

/// What to do after an error; none where the error says it itself.
pub(super) fn next_step(error: &CliError) -> Option<String> {
    if let Some(ledger) = ledger_error(error) {
        return of_ledger(ledger);
    }
    match error {
        CliError::Settings(error) => of_settings(error),
        CliError::Source(error) | CliError::Pipeline(PipelineError::Source(error)) => {
            of_source(error)
        }
        CliError::RunFile(RunFileError::Toml { .. } | RunFileError::Value { .. }) => {
            Some("`schwabot backtest --help` has the same settings as flags".to_owned())
        }
        CliError::Config(_) => {
            Some("`schwabot config init FILE` writes one that explains every setting".to_owned())
        }
        CliError::NotBuilt { feature } => Some(format!(
            "in the source's directory: `cargo install --path . --features {feature}`"
        )),
        CliError::Audit(error) => of_audit(error),
        CliError::Backup(error) => of_backup(error),
        CliError::Projection(error)
        | CliError::Why(WhyError::Projection(error))
        | CliError::Pipeline(PipelineError::Projection(error))
        | CliError::Export(ExportError::Projection(error)) => of_projection(error),
        CliError::Why(WhyError::Ambiguous { .. } | WhyError::BadHash { .. }) => {
            Some("`schwabot state LEDGER trades` lists the hashes".to_owned())
        }
        CliError::Erasure(error) => of_erasure(error),
        CliError::Sign(error) => of_signing(error),
        CliError::Witness(error) => of_witness(error),
        CliError::Prove(error) => of_proof(error),
        CliError::Place { .. } => {
            Some("name a directory with --ledger, or set TMPDIR to one that can be written".into())
        }
        CliError::Serve { .. } => {
            Some("--listen takes another address; port 0 takes any that is free".to_owned())
        }
        CliError::File { path, .. } | CliError::RunFile(RunFileError::Io { file: path, .. }) => {
            of_file(path)
        }
        CliError::NotWritten { path, .. } => of_folder(path),
        _ => None,
    }
}

/// The ledger's own error, wherever it came up.
fn ledger_error(error: &CliError) -> Option<&LedgerError> {
    match error {
        CliError::Ledger(error)
        | CliError::Pipeline(
            PipelineError::Ledger(error)
            | PipelineError::Projection(ProjectionError::Ledger(error)),
        )
        | CliError::Projection(ProjectionError::Ledger(error))
        | CliError::Audit(AuditError::Ledger(error))
        | CliError::Backup(
            BackupError::Ledger(error) | BackupError::Audit(AuditError::Ledger(error)),
        )
        | CliError::Why(WhyError::Projection(ProjectionError::Ledger(error)))
        | CliError::Export(ExportError::Projection(ProjectionError::Ledger(error)))
        | CliError::Erasure(ErasureError::Ledger(error))
        | CliError::Sign(SignError::Ledger(error))
        | CliError::Witness(WitnessError::State(error))
        | CliError::Prove(ProveError::Ledger(error)) => Some(error),
        _ => None,
    }
}

fn of_ledger(error: &LedgerError) -> Option<String> {
    Some(match error {
        LedgerError::Io { path, source, .. } => return of_io(path, source),
        LedgerError::NotALedger { path } if !path.exists() => {
            format!("nothing is at {}: check the path", path.display())
        }
        LedgerError::NotALedger { path } => match inside(path) {
            Some(inside) => format!("did you mean {inside}?"),
            None => "name the directory of a ledger; `schwabot demo --ledger DIR` makes one to \
                     try things on"
                .to_owned(),
        },
        LedgerError::DirectoryInUse { .. } => "name a directory that is new or empty".to_owned(),
        LedgerError::IsBackup { path } => {
            let path = path.display();
            format!("`schwabot recover NEW --from {path}` makes a ledger of it that goes on")
        }
        LedgerError::Unsupported { .. } => {
            let version = env!("CARGO_PKG_VERSION");
            format!("a later schwabot wrote it, and reads it; this one is {version}")
        }
        LedgerError::OtherApplication { path, .. } => {
            let path = path.display();
            format!(
                "`schwabot replay {path}`, `inspect` and `verify` work with any program's ledger"
            )
        }
        LedgerError::Locked { path } => {
            let path = path.display();
            format!("wait for it; `schwabot verify {path}` and `replay --follow` work beside it")
        }
        LedgerError::Poisoned { .. } | LedgerError::Stopped => {
            "mend what failed, then `schwabot recover LEDGER` says what is kept".to_owned()
        }
        damage if damage.is_damage() => "`schwabot verify LEDGER` names all that is damaged; \
                                         `recover NEW --from BACKUP` or `salvage LEDGER DIR` \
                                         save the rest"
            .to_owned(),
        _ => return None,
    })
}

/// A ledger that stands right below a directory that is none: as demos and salvages leave it.
fn inside(path: &Path) -> Option<String> {
    let inside = path.join("ledger");
    let above = path.parent().filter(|_| path.ends_with("segments"));
    let found = [Some(inside.as_path()), above];
    let found = found.into_iter().flatten().find(|path| path.join("ledger.id").is_file())?;
    Some(found.display().to_string())
}

fn of_io(path: &Path, error: &io::Error) -> Option<String> {
    let path = path.display();
    Some(match error.kind() {
        io::ErrorKind::NotFound => {
            format!("nothing is at {path}: check the path")
        }
        io::ErrorKind::PermissionDenied => {
            format!("`ls -ld {path}` says who may read and write it")
        }
        io::ErrorKind::StorageFull => {
            "make room on that disk; then `schwabot recover LEDGER` says what is kept".to_owned()
        }
        _ => return None,
    })
}

/// A file that was to be written need not be there, but its folder must.
fn of_folder(path: &Path) -> Option<String> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""))?;
    let shown = folder.display();
    (!folder.is_dir()).then(|| format!("there is no folder {shown}: make it, or check the path"))
}

fn of_file(path: &Path) -> Option<String> {
    let shown = path.display();
    match path.try_exists() {
        Ok(false) => Some(format!("nothing is at {shown}: check the path")),
        _ => None,
    }
}

fn of_settings(error: &SettingsError) -> Option<String> {
    match error {
        SettingsError::Strategy(StrategyError::Unknown { name, .. }) => {
            let near = nearest(name, strategies::names())?;
            Some(format!("did you mean --strategy {near}?"))
        }
        SettingsError::Strategy(StrategyError::UnknownParameter { strategy, parameter }) => {
            let usual = strategies::canonical(strategy, &[]).ok()?;
            let names = usual.parameters.iter().map(|known| known.name.as_str());
            Some(match nearest(parameter, names.clone()) {
                Some(near) => format!("did you mean --param {near}=VALUE?"),
                None => format!("it has {}", names.collect::<Vec<_>>().join(", ")),
            })
        }
        SettingsError::UnknownInstrument { .. } => {
            Some("add its file to --data, or take the settings out".to_owned())
        }
        _ => None,
    }
}

fn of_source(error: &SourceError) -> Option<String> {
    Some(match error {
        SourceError::Io { file, source } => return of_io(file, source),
        SourceError::Malformed { .. } => {
            "--skip-malformed leaves such rows out, and records that it did".to_owned()
        }
        SourceError::UnknownFormat { .. } => "--data-format says what it is: binance-klines, \
                                              freqtrade, or ohlcv (CSV with a header)"
            .to_owned(),
        SourceError::SameFileTwice { .. } => "name each file once".to_owned(),
        SourceError::NoBars { .. } => "take another file; nothing can be traded on none".to_owned(),
        SourceError::Changed { .. } => "copy it to where nobody writes, and name the copy".into(),
        _ => return None,
    })
}

fn of_projection(error: &ProjectionError) -> Option<String> {
    match error {
        ProjectionError::NoSuchRecord { records, .. } => match records.checked_sub(1) {
            Some(last) => Some(format!("its last record is {last}")),
            None => Some("the ledger is empty".to_owned()),
        },
        _ => None,
    }
}

fn of_audit(error: &AuditError) -> Option<String> {
    Some(match error {
        AuditError::OtherApplication { .. } => "give --level tree, or no level".to_owned(),
        AuditError::LevelTooLow | AuditError::LevelTooHigh => {
            "give --level tree, or no level".to_owned()
        }
        AuditError::InsideLedger { .. } => "name a directory outside of the ledger".to_owned(),
        _ => return None,
    })
}

fn of_backup(error: &BackupError) -> Option<String> {
    Some(match error {
        BackupError::Audit(error) => return of_audit(error),
        BackupError::NotABackup { .. } | BackupError::NotEmpty { .. } => {
            "name a directory that is new or empty".to_owned()
        }
        BackupError::UnfinishedRestore { .. } => {
            "give the same `schwabot recover LEDGER --from BACKUP` again: it goes on".to_owned()
        }
        BackupError::IsLink { .. } => "name the directory itself".to_owned(),
        BackupError::InUse { .. } => "wait until that process ends".to_owned(),
        BackupError::OtherLedger { .. } => "give each ledger a backup of its own".to_owned(),
        BackupError::Forked { ledger, copy, .. } => {
            let (ledger, copy) = (ledger.display(), copy.display());
            format!("`schwabot diff {ledger} {copy}` shows where they part")
        }
        BackupError::RolledBack { copy, .. } => {
            let copy = copy.display();
            format!("`schwabot recover NEW --from {copy}` brings back what the copy holds")
        }
        _ => return None,
    })
}

fn of_erasure(error: &ErasureError) -> Option<String> {
    Some(match error {
        ErasureError::InsideLedger { .. } => {
            "name a directory outside of the ledger with --keys".to_owned()
        }
        ErasureError::IsShredded { .. } => {
            "what is said of that person from now on needs another name".to_owned()
        }
        ErasureError::NoKey { .. } | ErasureError::BadKeyFile { .. } => {
            "check --keys; without the key what it sealed stays closed".to_owned()
        }
        _ => return None,
    })
}

fn of_signing(error: &SignError) -> Option<String> {
    Some(match error {
        SignError::KeyExists { .. } => "name another file with -o".to_owned(),
        SignError::BadKeyFile { .. } => {
            "`schwabot keygen --name NAME -o FILE` makes a key".to_owned()
        }
        SignError::NotALogKey { .. } => {
            "sign with the log's key first; `schwabot keygen` without --cosigner makes one".into()
        }
        SignError::NotACosigner { .. } => {
            "`schwabot keygen --cosigner` makes a key that cosigns".to_owned()
        }
        SignError::NoCheckpoint { .. } => {
            "`schwabot checkpoint LEDGER --key FILE` signs one".to_owned()
        }
        _ => return None,
    })
}

fn of_witness(error: &WitnessError) -> Option<String> {
    Some(match error {
        WitnessError::NotACosigner { .. } => {
            "`schwabot keygen --cosigner` makes a key that cosigns".to_owned()
        }
        WitnessError::NotALog { .. } => "--log takes what `schwabot keygen` printed".to_owned(),
        WitnessError::Locked { .. } => "give each witness a --state of its own".to_owned(),
        _ => return None,
    })
}

fn of_proof(error: &ProveError) -> Option<String> {
    Some(match error {
        ProveError::NotCovered { path, .. } => {
            let path = path.display();
            format!("`schwabot checkpoint {path} --key FILE` signs all that is there now")
        }
        ProveError::NoRecord { records, .. } => match records.checked_sub(1) {
            Some(last) => format!("its last record is {last}"),
            None => "the ledger is empty".to_owned(),
        },
        ProveError::Contradicted { .. } => {
            "`schwabot verify LEDGER` says which checkpoint does not hold".to_owned()
        }
        _ => return None,
    })
}
