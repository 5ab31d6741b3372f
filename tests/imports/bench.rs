//! A place to import into, and what came out of it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::TestResult;
use crate::support::cli::{Ran, run};

/// A folder with a ledger to be.
pub(crate) struct Bench(tempfile::TempDir);

impl Bench {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.0.path().join("ledger")
    }

    /// A file with this content.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Runs `import` with a file and more arguments, as text or as told.
    pub(crate) fn run(&self, file: &Path, more: &[&str]) -> TestResult<Ran> {
        let (ledger, file) = (self.ledger(), file.to_owned());
        let mut args = vec!["import", ledger.to_str().unwrap(), file.to_str().unwrap()];
        args.extend(more);
        run(&args)
    }

    /// Imports a file, and returns what JSON says about it.
    pub(crate) fn import(&self, file: &Path, more: &[&str]) -> TestResult<Value> {
        let more: Vec<&str> = more.iter().copied().chain(["--format", "json"]).collect();
        let ran = self.run(file, &more)?;
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        Ok(ran.json()?["files"][0].clone())
    }

    /// Imports a file that is refused, and returns why.
    pub(crate) fn refused(&self, file: &Path, more: &[&str]) -> TestResult<String> {
        let ran = self.run(file, more)?;
        assert_eq!(ran.code, Some(2), "{}{}", ran.out, ran.err);
        assert!(!self.ledger().exists(), "nothing was written");
        Ok(ran.err)
    }

    /// The records of the ledger as JSON.
    pub(crate) fn records(&self) -> TestResult<Vec<Value>> {
        let ran = run(&["replay", self.ledger().to_str().unwrap(), "--format", "jsonl"])?;
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        ran.out.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// The payloads of one kind.
    pub(crate) fn payloads(&self, kind: &str) -> TestResult<Vec<Value>> {
        let of_kind = self.records()?.into_iter().filter(|record| record["kind"] == kind);
        Ok(of_kind.map(|record| record["payload"].clone()).collect())
    }

    /// What `verify` at its highest level exits with.
    pub(crate) fn verified(&self) -> TestResult<Option<i32>> {
        Ok(run(&["verify", self.ledger().to_str().unwrap()])?.code)
    }
}
