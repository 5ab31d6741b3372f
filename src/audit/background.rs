//! An audit on a thread of its own, for faces that must go on drawing.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};

use super::{AuditError, Follower, Report, VerifyOptions};

/// Looks at a growing ledger whenever it is asked, as [`Follower`] does, and never makes anybody
/// wait. Dropping it lets a look under way end by itself.
pub struct BackgroundAudit {
    ask: Sender<()>,
    answers: Receiver<Result<Report, AuditError>>,
    busy: bool,
}

impl BackgroundAudit {
    /// Begins; nothing is looked at before [`BackgroundAudit::ask`].
    #[must_use]
    pub fn new(path: &Path, options: VerifyOptions) -> Self {
        let (ask, asked) = channel();
        let (answer, answers) = channel();
        let path = path.to_owned();
        std::thread::spawn(move || {
            let mut follower = Follower::new(&path, &options);
            while let Ok(()) = asked.recv() {
                if answer.send(follower.look()).is_err() {
                    break;
                }
            }
        });
        Self { ask, answers, busy: false }
    }

    /// Asks for a look, unless one is under way.
    pub fn ask(&mut self) {
        self.busy = self.busy || self.ask.send(()).is_ok();
    }

    /// True while a look is under way.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.busy
    }

    /// The answer to what was asked, once it is there.
    pub fn answer(&mut self) -> Option<Result<Report, AuditError>> {
        match self.answers.try_recv() {
            Ok(answer) => {
                self.busy = false;
                Some(answer)
            }
            Err(TryRecvError::Empty) => None,
            // The thread is gone: nothing is under way, and nothing comes any more.
            Err(TryRecvError::Disconnected) => {
                self.busy = false;
                None
            }
        }
    }
}
