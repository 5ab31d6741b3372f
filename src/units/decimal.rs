//! Decimal text, exactly: no float on the way, nothing rounded.

use super::UnitError;

/// Parses decimal text into a whole number of `10^-scale_digits`, exactly.
///
/// Takes an optional sign, digits with at most one point, and an optional exponent
/// (`1.08e-06`). Digits below the scale are refused unless they are zero.
///
/// # Errors
/// [`UnitError`] for an empty text, a character that does not belong, a value too fine or too
/// large.
///
/// # Examples
/// ```
/// use schwabot::units::{parse_decimal, UnitError};
/// assert_eq!(parse_decimal(b"-1.25", 12), Ok(-1_250_000_000_000));
/// assert_eq!(parse_decimal(b"1.08e-06", 12), Ok(1_080_000));
/// assert_eq!(parse_decimal(b"0.1230", 3), Ok(123));
/// assert_eq!(parse_decimal(b"0.1234", 3), Err(UnitError::TooFine { scale_digits: 3 }));
/// assert_eq!(parse_decimal(b"1,5", 12), Err(UnitError::BadCharacter { index: 1 }));
/// ```
pub fn parse_decimal(text: &[u8], scale_digits: u32) -> Result<i128, UnitError> {
    let negative = text.first() == Some(&b'-');
    let signed = matches!(text.first(), Some(b'-' | b'+'));
    let mut digits = Digits::default();
    let mut index = usize::from(signed);
    let mut exponent = 0_i32;
    while let Some(&byte) = text.get(index) {
        match byte {
            b'0'..=b'9' => digits.push(byte - b'0')?,
            b'.' if digits.point.is_none() => digits.point = Some(0),
            b'e' | b'E' if digits.seen > 0 => {
                exponent = parse_exponent(text, index + 1)?;
                break;
            }
            _ => return Err(UnitError::BadCharacter { index }),
        }
        index += 1;
    }
    if digits.seen == 0 {
        return Err(UnitError::Empty);
    }
    let shift = scale_digits.cast_signed() + exponent - digits.point.unwrap_or(0);
    let magnitude = shift_decimal(digits.value(), shift, scale_digits)?;
    Ok(if negative { -magnitude } else { magnitude })
}

/// Digits of which any number fits a `u64`.
const SMALL_DIGITS: u32 = 19;

#[derive(Default)]
struct Digits {
    /// The number, while it has at most [`SMALL_DIGITS`]: nearly always, and several times faster.
    small: u64,
    /// The number, once it has more.
    large: i128,
    seen: u32,
    /// Digits since the point, once there is one.
    point: Option<i32>,
}

impl Digits {
    fn push(&mut self, digit: u8) -> Result<(), UnitError> {
        if self.seen < SMALL_DIGITS {
            self.small = self.small * 10 + u64::from(digit);
        } else {
            let value = if self.seen == SMALL_DIGITS { i128::from(self.small) } else { self.large };
            let longer = value.checked_mul(10).and_then(|v| v.checked_add(i128::from(digit)));
            self.large = longer.ok_or(UnitError::TooLarge)?;
        }
        self.seen += 1;
        if let Some(after) = &mut self.point {
            *after += 1;
        }
        Ok(())
    }

    fn value(&self) -> i128 {
        if self.seen <= SMALL_DIGITS { i128::from(self.small) } else { self.large }
    }
}

fn parse_exponent(text: &[u8], start: usize) -> Result<i32, UnitError> {
    let (negative, first) = match text.get(start) {
        Some(b'-') => (true, start + 1),
        Some(b'+') => (false, start + 1),
        _ => (false, start),
    };
    let digits = text.get(first..).unwrap_or_default();
    if digits.is_empty() {
        return Err(UnitError::BadCharacter { index: text.len().saturating_sub(1) });
    }
    let mut value = 0_i32;
    for (position, byte) in digits.iter().enumerate() {
        if !byte.is_ascii_digit() {
            return Err(UnitError::BadCharacter { index: first + position });
        }
        value = (value * 10 + i32::from(byte - b'0')).min(10_000);
    }
    Ok(if negative { -value } else { value })
}

/// Every power of ten that fits.
const POWERS: [i128; 39] = {
    let mut powers = [1; 39];
    let mut index = 1;
    while index < powers.len() {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

fn shift_decimal(value: i128, shift: i32, scale_digits: u32) -> Result<i128, UnitError> {
    if value == 0 {
        return Ok(0);
    }
    let power = POWERS.get(shift.unsigned_abs() as usize).copied();
    if shift >= 0 {
        power.and_then(|p| value.checked_mul(p)).ok_or(UnitError::TooLarge)
    } else {
        match power {
            Some(p) if value % p == 0 => Ok(value / p),
            _ => Err(UnitError::TooFine { scale_digits }),
        }
    }
}
