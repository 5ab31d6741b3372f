//! Times as files write them; exact to the nanosecond.

use crate::time::Timestamp;
use crate::units::parse_decimal;

/// Reads seconds since 1970 with a fraction.
pub(super) fn seconds(text: &str) -> Option<Timestamp> {
    whole(text, 9)
}

/// Reads milliseconds since 1970, with a fraction perhaps.
pub(super) fn milliseconds(text: &str) -> Option<Timestamp> {
    whole(text, 6)
}

/// Reads seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by magnitude.
pub(super) fn unix(text: &str) -> Option<Timestamp> {
    let digits = text.trim_start_matches('-');
    let whole_digits = digits.split('.').next().unwrap_or_default().len();
    match whole_digits {
        0..=11 => whole(text, 9),
        12..=14 => whole(text, 6),
        15..=17 => whole(text, 3),
        _ => whole(text, 0),
    }
}

fn whole(text: &str, digits: u32) -> Option<Timestamp> {
    // Finer than a nanosecond only by what a binary float adds: cut there.
    let cut = match text.split_once('.') {
        Some((before, after)) if !after.contains(['e', 'E']) => {
            let after = after.get(..after.len().min(digits as usize))?;
            format!("{before}.{after}")
        }
        _ => text.to_owned(),
    };
    let nanos = parse_decimal(cut.trim_end_matches('.').as_bytes(), digits).ok()?;
    i64::try_from(nanos).ok().map(Timestamp::from_nanos)
}

/// Reads a date and a time of day, in UTC where no offset follows: ISO 8601, with a blank instead
/// of the `T`, and with points or slashes in the date.
pub(super) fn civil(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() < 8 || !text.is_ascii() {
        return None;
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let (date, rest) = text.split_once([' ', 'T']).unwrap_or((text, "0:0:0"));
    let mut parts = date.split(['-', '.', '/']);
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    // A time of day may lack its seconds or a leading zero.
    let zone = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
    let (day_time, zone) = rest.split_at(zone);
    let mut clock = day_time.trim().splitn(3, ':');
    let (hour, minute) = (clock.next()?, clock.next()?);
    let second = clock.next().unwrap_or("00");
    let zone = if zone == "Z" || zone.is_empty() { "Z" } else { zone };
    let text = format!("{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute:0>2}:{second:0>2}{zone}");
    text.parse().ok()
}

/// Reads a FIX UTC timestamp, `20240808-23:54:15.030314667`.
pub(super) fn fix(text: &str) -> Option<Timestamp> {
    let (date, clock) = text.split_once('-')?;
    if date.len() != 8 || !date.bytes().all(|byte| byte.is_ascii_digit()) || !clock.is_ascii() {
        return None;
    }
    let clock = clock.trim_end_matches('Z');
    format!("{}-{}-{}T{clock}Z", &date[..4], &date[4..6], &date[6..]).parse().ok()
}

/// Moves a civil time of a zone that is so many seconds east of UTC to UTC.
pub(super) fn shifted(time: Timestamp, east_seconds: i32) -> Option<Timestamp> {
    let nanos = i64::from(east_seconds).checked_mul(1_000_000_000)?;
    time.nanos().checked_sub(nanos).map(Timestamp::from_nanos)
}
