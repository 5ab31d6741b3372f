//! Figures as people read them, and text as a page may hold it.

use super::metric::Unit;
use crate::time::Timestamp;

/// Returns text that is only text in HTML and in its attributes, whatever data it comes from.
/// Control characters, and those that turn the reading direction, are shown and not obeyed.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' => {
                safe.extend(c.escape_unicode());
            }
            '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}' => safe.extend(c.escape_unicode()),
            c if c.is_control() => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
    }
    safe
}

/// A number with this many digits behind the point; never a zero with a sign.
pub(super) fn fixed(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let zero = text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
    if zero { text.trim_start_matches('-').to_owned() } else { text }
}

/// Groups the digits before the point by threes, with a thin space that does not break.
pub(super) fn grouped(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(w, f)| (w, Some(f)));
    let mut out = String::from(sign);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// Digits that keep three or four figures of a number of this size.
fn digits_for(value: f64) -> usize {
    match value.abs() {
        size if size >= 1_000.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 1.0 => 2,
        size if size >= 0.01 => 4,
        0.0 => 0,
        _ => 6,
    }
}

/// A figure as people read it.
pub(super) fn shown(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Share => {
            let size = (value * 100.0).abs();
            let digits = if (0.000_05..0.01).contains(&size) { 4 } else { 2 };
            format!("{} %", grouped(&fixed(value * 100.0, digits)))
        }
        Unit::Number => grouped(&fixed(value, digits_for(value))),
        Unit::Money => grouped(&fixed(value, 2)),
        Unit::Count => grouped(&fixed(value, 0)),
        Unit::Seconds => lasting(value),
    }
}

/// A label of an axis whose labels are this far apart.
pub(super) fn at_step(value: f64, step: f64, unit: Unit) -> String {
    let percent = if unit == Unit::Share { 100.0 } else { 1.0 };
    let (mut digits, mut left) = (0, step * percent);
    while left > 0.0 && left < 1.0 - 1e-9 && digits < 9 {
        left *= 10.0;
        digits += 1;
    }
    let text = grouped(&fixed(value * percent, digits));
    if unit == Unit::Share { format!("{text} %") } else { text }
}

/// A count and its noun.
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A length of time in its two largest units.
fn lasting(seconds: f64) -> String {
    if !(0.0..1e12).contains(&seconds) {
        return fixed(seconds, 0);
    }
    let whole = seconds.round() as u64;
    let (days, hours, minutes) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{} s", whole % 60),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes:02} min"),
        (..100, _, _) => format!("{days} d {hours} h"),
        _ => format!("{days} d"),
    }
}

/// The date, and the time of day where the stretch is short.
pub(super) fn moment(time: Timestamp, short: bool) -> String {
    let text = time.to_string();
    let part = if short { text.get(5..16) } else { text.get(..10) };
    part.map_or_else(|| text.clone(), |part| part.replace('T', " "))
}

/// Date and time to the minute.
pub(super) fn minute(time: Timestamp) -> String {
    let text = time.to_string();
    text.get(..16).map_or_else(|| text.clone(), |part| part.replace('T', " "))
}
