//! The one door to stdout: lines, tables, JSON.
//!
//! Invariants: whatever data holds, no control character and no character that turns the reading
//! direction reaches the terminal; colours appear only on a terminal, and not under `NO_COLOR`;
//! tables have no frame when piped.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::manners::{colours, manners};
use super::outcome::CliError;
use crate::units::{Money, MoneyExact};

/// Good news.
pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Bad news.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What is less important.
pub(super) const DIM: Style = Style::new().dimmed();

/// Digits behind the point that people are shown of exact amounts.
const SHOWN_DIGITS: u32 = 8;

/// Standard output.
pub(super) struct Screen {
    out: BufWriter<StdoutLock<'static>>,
    terminal: bool,
    colours: bool,
}

impl Screen {
    pub(super) fn new() -> Self {
        let stdout = io::stdout().lock();
        let terminal = stdout.is_terminal();
        let colours = colours(&stdout);
        let out = BufWriter::with_capacity(64 << 10, stdout);
        Self { out, terminal, colours }
    }

    /// True where people read it as it comes.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Writes one line.
    pub(super) fn line(&mut self, text: impl Display) -> Result<(), CliError> {
        let text = text.to_string();
        Ok(writeln!(self.out, "{}", visible(&text))?)
    }

    /// Writes one line in a style.
    pub(super) fn styled(&mut self, style: Style, text: impl Display) -> Result<(), CliError> {
        if !self.colours {
            return self.line(text);
        }
        let text = text.to_string();
        Ok(writeln!(self.out, "{style}{}{style:#}", visible(&text))?)
    }

    /// Writes a name and its value.
    pub(super) fn field(&mut self, name: &str, value: impl Display) -> Result<(), CliError> {
        self.line(format_args!("  {name:<15} {value}"))
    }

    /// Writes a table; numbers stand right.
    pub(super) fn table(&mut self, header: &[&str], rows: &[Vec<String>]) -> Result<(), CliError> {
        let mut table = Table::new();
        table.load_style(if self.terminal { presets::UTF8_BORDERS_ONLY } else { presets::NOTHING });
        table.set_header(header.to_vec());
        for row in rows {
            table.add_row(row.iter().map(|cell| visible(cell).into_owned()).collect::<Vec<_>>());
        }
        for (place, column) in table.column_iter_mut().enumerate() {
            let number = |row: &Vec<String>| {
                row.get(place).is_some_and(|cell| {
                    cell.starts_with(|c: char| c.is_ascii_digit() || c == '-')
                        && cell.ends_with(|c: char| c.is_ascii_digit())
                })
            };
            if rows.iter().any(number) && rows.iter().all(|row| number(row) || row[place] == "-") {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Ok(writeln!(self.out, "{}", table.trim_fmt())?)
    }

    /// Writes one JSON object and a line end.
    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<(), CliError> {
        let text = to_json(value)?;
        Ok(writeln!(self.out, "{text}")?)
    }

    /// Gives bytes that are safe already, such as CSV of safe fields.
    pub(super) fn raw(&mut self) -> &mut impl Write {
        &mut self.out
    }

    /// Shows everything now.
    pub(super) fn flush(&mut self) -> Result<(), CliError> {
        Ok(self.out.flush()?)
    }
}

/// Returns a value as one line of JSON without any character that a terminal obeys.
pub(super) fn to_json(value: &impl Serialize) -> Result<String, CliError> {
    let text = serde_json::to_string(value).map_err(io::Error::from)?;
    if !text.contains(is_obeyed) {
        return Ok(text);
    }
    // Outside its strings JSON is ASCII, so such a character stands in a string.
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_obeyed(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            safe.push(c);
        }
    }
    Ok(safe)
}

/// Returns text in which every character is shown and none is obeyed.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_obeyed(c) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// Control characters, and those that break lines or turn the reading direction.
fn is_obeyed(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}');
    turns || c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
}

/// Writes an error to stderr, each of its lines safe.
pub(super) fn complain(error: &dyn Display) {
    let mut stderr = io::stderr().lock();
    let text = error.to_string();
    let mut prefix = "error: ";
    for line in text.lines() {
        // Nothing can be done about a stderr that is gone.
        drop(writeln!(stderr, "{prefix}{}", visible(line)));
        prefix = "";
    }
}

/// Writes what the arguments' reader has to say: help to stdout, wrong usage to stderr. It repeats
/// arguments as they were given, and these may come from names of files.
pub(super) fn usage(told: &clap::Error) {
    let text = told.render().to_string();
    if !text.contains(|c| is_obeyed(c) && c != '\n') {
        // Nothing can be done about an output that is gone.
        return drop(told.print());
    }
    drop(writeln!(io::stderr().lock(), "{}", usage_text(told)));
}

/// The same as text without any character that a terminal obeys.
pub(super) fn usage_text(told: &clap::Error) -> String {
    let text = told.render().to_string();
    let lines: Vec<Cow<'_, str>> = text.trim_end().split('\n').map(visible).collect();
    lines.join("\n")
}

/// Writes a note to stderr, unless nothing is to be said there.
pub(super) fn note(text: &dyn Display) {
    if !manners().quiet {
        say(text);
    }
}

/// Writes to stderr what is being done now and how long the program has been at work, where that is
/// asked for.
pub(super) fn trace(text: &dyn Display) {
    let manners = manners();
    if manners.verbose {
        let millis = manners.began.elapsed().as_millis();
        say(&format_args!("[{:>4}.{:03} s] {text}", millis / 1000, millis % 1000));
    }
}

/// Writes a line to stderr.
pub(super) fn say(text: &dyn Display) {
    let text = text.to_string();
    drop(writeln!(io::stderr().lock(), "{}", visible(&text)));
}

/// An exact amount for people: to 10^-8, rounded half away from zero.
pub(super) fn amount(exact: MoneyExact) -> String {
    let step = 10_i128.pow(crate::units::EXACT_SCALE_DIGITS - SHOWN_DIGITS);
    let raw = exact.raw();
    let away = (raw % step).abs() * 2 >= step;
    let steps = raw / step + if away { raw.signum() } else { 0 };
    let unit = 10_i128.pow(crate::units::SCALE_DIGITS - SHOWN_DIGITS);
    Money::from_raw(steps * unit).to_string()
}

/// An amount that may not be known.
pub(super) fn amount_or_none(exact: Option<MoneyExact>) -> String {
    exact.map_or_else(|| "does not fit".to_owned(), amount)
}

/// A count and its noun, in the plural where it has one.
pub(super) fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
