//! Imports in the log: each is whole or was cut off, and its end says what it holds.
//!
//! An import stands between runs. Its facts bear its id, a digest of its beginning and of where it
//! stands; its end counts them. An import inside a run, a fact outside an import, or an end that
//! counts otherwise, is a finding: the links prove that no byte changed, this proves that no record
//! was moved there.

use std::collections::BTreeMap;

use super::report::{Report, Verdict};
use crate::event::{Event, ImportEnded, ImportStarted, RunId, Stamp, wire};

/// Follows the imports of a log.
#[derive(Default)]
pub(super) struct Imports {
    open: Option<Open>,
    /// Where the run under way began.
    run: Option<u64>,
}

/// The import under way.
struct Open {
    id: RunId,
    facts: BTreeMap<&'static str, u64>,
    defects: u64,
}

impl Imports {
    /// Takes one event of the log.
    pub(super) fn take(
        &mut self,
        sequence: u64,
        stamp: &Stamp,
        event: &Event,
        report: &mut Report,
    ) {
        match event {
            Event::ImportStarted(started) => self.begin(sequence, stamp, started, report),
            Event::RunStarted(_) => {
                self.finish(report);
                self.run = Some(sequence);
            }
            Event::RunEnded(_) => self.run = None,
            _ if !event.is_import() => {}
            _ => {
                let Some(open) = self.open.as_mut().filter(|open| open.id == stamp.run) else {
                    let what = format!("`{}` outside the import that it names", event.name());
                    return report.note(Verdict::Finding, sequence, what);
                };
                match event {
                    Event::ImportDefect(_) => open.defects += 1,
                    Event::ImportEnded(ended) => {
                        if let Some(what) = open.differs_from(ended) {
                            report.note(Verdict::Finding, sequence, what);
                        }
                        self.open = None;
                    }
                    fact => *open.facts.entry(fact.name()).or_default() += 1,
                }
            }
        }
    }

    /// Counts the import under way as one without its end, if there is one.
    pub(super) fn finish(&mut self, report: &mut Report) {
        report.cut_off_imports += u64::from(self.open.take().is_some());
    }

    fn begin(
        &mut self,
        sequence: u64,
        stamp: &Stamp,
        started: &ImportStarted,
        report: &mut Report,
    ) {
        let mut payload = Vec::new();
        if wire::encode(started, &mut payload).is_ok()
            && RunId::of_simulated(&payload, sequence) != stamp.run
        {
            let what = format!("import id {} is not that of its beginning", stamp.run);
            report.note(Verdict::Finding, sequence, what);
        }
        // Whoever imports waits for the end of a run: a record among those of a run says that the
        // one was moved there, or that the other was never ended.
        if let Some(run) = self.run {
            let what = format!("an import begins inside the run at record {run}");
            report.note(Verdict::Finding, sequence, what);
        }
        self.finish(report);
        self.open = Some(Open { id: stamp.run, facts: BTreeMap::new(), defects: 0 });
    }
}

impl Open {
    /// What the end says that is not so.
    fn differs_from(&self, ended: &ImportEnded) -> Option<String> {
        let said: BTreeMap<&str, u64> =
            ended.facts.iter().map(|fact| (fact.kind.as_str(), fact.count)).collect();
        if self.facts != said {
            return Some(format!("the import holds {:?}, and its end says {said:?}", self.facts));
        }
        (self.defects != ended.defects).then(|| {
            format!("the import holds {} defects, its end says {}", self.defects, ended.defects)
        })
    }
}
