//! The loop: look at the ledger, answer keys, draw.

use std::io::IsTerminal;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event as Input, KeyCode, KeyEventKind, KeyModifiers};

use super::draw::draw;
use super::model::Model;
use super::picture::{Audited, Picture};
use crate::audit::{BackgroundAudit, Report, Verdict, VerifyOptions};
use crate::cli::args_watch::WatchArgs;
use crate::cli::outcome::{CliError, INTERRUPTED, Outcome};
use crate::cli::text::note;
use crate::ledger::clock::Stopwatch;

/// How long keys are waited for before the ledger is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// Records that one press of a page key goes on.
const PAGE: usize = 10;

/// Follows a ledger on the terminal until `q` or Ctrl-C.
pub(in crate::cli) fn run(args: &WatchArgs) -> Outcome {
    if !std::io::stdout().is_terminal() {
        let text = "watch draws on a terminal; `replay LEDGER --follow` writes into pipes";
        return Err(CliError::Usage(text.to_owned()));
    }
    // Errors that come at once are told as those of any command.
    let mut model = Model::new(&args.ledger);
    model.advance()?;
    let options = VerifyOptions { level: Some(args.level), ..VerifyOptions::default() };
    let mut watched = Watched {
        picture: model.picture()?,
        model,
        audit: BackgroundAudit::new(&args.ledger, options),
        every: Duration::from_secs(args.verify_every),
        last_look: None,
        found: None,
    };
    if args.verify_every > 0 {
        watched.audit.ask();
    }
    let mut terminal = ratatui::try_init()?;
    let done = watched.follow(&mut terminal);
    let restored = ratatui::try_restore();
    let code = done?;
    restored?;
    note(&format_args!(
        "watched {} up to record {}",
        args.ledger.display(),
        watched.picture.records
    ));
    Ok(code)
}

/// The screen's state.
struct Watched {
    model: Model,
    audit: BackgroundAudit,
    picture: Picture,
    every: Duration,
    /// Since the last look of the audit ended.
    last_look: Option<Stopwatch>,
    /// What it found.
    found: Option<Audited>,
}

impl Watched {
    fn follow(&mut self, terminal: &mut DefaultTerminal) -> Outcome {
        loop {
            self.take_in();
            self.ask_the_audit();
            terminal.draw(|frame| draw(frame, &self.picture))?;
            let wait = if self.model.is_behind() && !self.picture.paused {
                Duration::ZERO
            } else {
                LOOK_AGAIN
            };
            if event::poll(wait)?
                && let Input::Key(key) = event::read()?
                && key.kind != KeyEventKind::Release
            {
                let control = key.modifiers.contains(KeyModifiers::CONTROL);
                if control && key.code == KeyCode::Char('c') {
                    return Ok(INTERRUPTED);
                }
                if key.code == KeyCode::Char('q') {
                    return Ok(0);
                }
                self.key(key.code);
            }
        }
    }

    fn key(&mut self, code: KeyCode) {
        let furthest = self.picture.last.len().saturating_sub(1);
        let scroll = self.picture.scroll;
        match code {
            KeyCode::Char('p') => self.picture.paused = !self.picture.paused,
            KeyCode::Char('v') => self.audit.ask(),
            KeyCode::Up => self.picture.scroll = (scroll + 1).min(furthest),
            KeyCode::PageUp => self.picture.scroll = (scroll + PAGE).min(furthest),
            KeyCode::Down => self.picture.scroll = scroll.saturating_sub(1),
            KeyCode::PageDown => self.picture.scroll = scroll.saturating_sub(PAGE),
            KeyCode::Home => self.picture.scroll = furthest,
            KeyCode::End => self.picture.scroll = 0,
            _ => {}
        }
    }

    /// Takes in what is new, unless it is paused or cannot be read any more.
    fn take_in(&mut self) {
        if self.picture.paused || self.picture.trouble.is_some() {
            return;
        }
        let fresh = self.model.advance().and_then(|_| self.model.picture());
        match fresh {
            Ok(fresh) => {
                let scroll = self.picture.scroll.min(fresh.last.len().saturating_sub(1));
                self.picture = Picture { scroll, ..fresh };
            }
            Err(error) => {
                let text = error.to_string();
                self.picture.trouble = Some(crate::cli::text::visible(&text).into_owned());
            }
        }
    }

    fn ask_the_audit(&mut self) {
        if let Some(answer) = self.audit.answer() {
            self.last_look = Some(Stopwatch::start());
            self.found = Some(match answer {
                Ok(report) => found(&report),
                Err(error) => {
                    let text = error.to_string();
                    Audited::Failed(crate::cli::text::visible(&text).into_owned())
                }
            });
        }
        let since = self.last_look.map(|last| last.elapsed());
        let is_due = !self.every.is_zero() && since.is_some_and(|since| since >= self.every);
        if is_due && !self.picture.paused {
            self.audit.ask();
        }
        self.picture.audit = match (&self.found, self.audit.is_busy()) {
            (None, true) => Audited::Looking,
            (None, false) => Audited::NotYet,
            (Some(Audited::Found { verdict, intact, records, .. }), looking) => Audited::Found {
                verdict: verdict.clone(),
                intact: *intact,
                records: *records,
                ago: since.unwrap_or_default(),
                looking,
            },
            (Some(other), _) => other.clone(),
        };
    }
}

fn found(report: &Report) -> Audited {
    let verdict = report.verdict();
    Audited::Found {
        verdict: verdict.to_string(),
        intact: verdict == Verdict::Intact,
        records: report.records,
        ago: Duration::ZERO,
        looking: false,
    }
}
