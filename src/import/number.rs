//! Numbers as files write them, and sums of them: exact, however fine.
//!
//! A [`Number`] keeps up to 50 decimals and how many the text had, which is more than any float of
//! a price or an amount needs; only 12 fit a record's field: the rest is rounded half-even, and
//! [`Number::note`] keeps the whole. A [`Sum`] adds numbers and products of two and shows as many
//! decimals as the finest of them was written with.
//!
//! Invariants: no float is made of any number; nothing is rounded unseen; what cannot be held is
//! refused. A sum is exact to its 36 decimals: of what is finer, only residues of binary floats,
//! the rest is cut off.

use std::cmp::Ordering;
use std::fmt;

use super::error::Fault;
use crate::event::NamedText;
use crate::market::quote;
use crate::units::{Money, MoneyExact, Price, Quantity, SCALE_DIGITS, UnitError, parse_decimal};

/// Decimals that a number can have.
const FINE_DIGITS: u32 = 50;
/// Digits of what a record's field cannot hold.
const REST_DIGITS: u32 = FINE_DIGITS - SCALE_DIGITS;
const REST_ONE: i128 = 10_i128.pow(REST_DIGITS);
/// 10^12: parts of a unit, and parts of such a part.
const PARTS: i128 = 1_000_000_000_000;
/// Decimals of a sum's fraction: those of a price times a fine number.
const SUM_DIGITS: u32 = 36;
const SUM_ONE: i128 = 10_i128.pow(SUM_DIGITS);

/// A decimal number, exact. Numbers of one value are equal, however many zeros they end in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Number {
    /// In 10^-12, rounded half-even.
    raw: i128,
    /// What the number is above that, in 10^-50: at most half of 10^-12 either way.
    rest: i128,
    /// Decimals that the text had.
    decimals: u32,
}

impl Number {
    /// Makes a number of a whole number of 10^-12.
    #[must_use]
    pub fn from_raw(raw: i128) -> Self {
        Self { raw, rest: 0, decimals: SCALE_DIGITS }.trimmed()
    }

    /// Reads a number: sign, digits, point, exponent.
    ///
    /// # Errors
    /// What is wrong with it; a number of more than 50 decimals, or too large, is refused.
    ///
    /// # Examples
    /// ```
    /// use schwabot::import::Number;
    /// let size = Number::parse("33.35399601000002")?;
    /// assert_eq!(size.quantity().to_string(), "33.35399601");
    /// assert_eq!(size.to_string(), "33.35399601000002");
    /// assert_eq!(Number::parse("2.7535e-7")?.raw(), 275_350);
    /// let even = |text| Number::parse(text).map(|number| number.raw());
    /// assert_eq!((even("-0.0000000000025")?, even("-0.0000000000035")?), (-2, -4));
    /// assert_eq!(even("0.00000000000250000000000001")?, 3);
    /// assert_eq!(Number::parse("1.50")?, Number::parse("1.5")?);
    /// assert!(Number::parse("1,5").is_err());
    /// # Ok::<(), schwabot::units::UnitError>(())
    /// ```
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, UnitError> {
        let text = text.as_ref();
        let decimals = decimals_of(text);
        match parse_decimal(text, SCALE_DIGITS) {
            Ok(raw) => Ok(Self { raw, rest: 0, decimals }),
            // Also of digits that are many and not large.
            Err(UnitError::TooFine { .. } | UnitError::TooLarge) => {
                let (raw, rest) = fine(text)?;
                Ok(Self { raw, rest, decimals })
            }
            Err(error) => Err(error),
        }
    }

    /// As [`Number::parse`], for a field of a row.
    pub(super) fn of_field(field: &'static str, text: &[u8]) -> Result<Self, Fault> {
        Self::parse(text).map_err(|error| {
            let what = match error {
                UnitError::Empty | UnitError::BadCharacter { .. } => "no decimal number".to_owned(),
                other => other.to_string(),
            };
            Fault::new(field, format!("{} is {what}", quote(text)))
        })
    }

    /// Returns the number without zeros at its end.
    #[must_use]
    pub fn trimmed(self) -> Self {
        let (digits, mut value) =
            if self.rest == 0 { (SCALE_DIGITS, self.raw) } else { (FINE_DIGITS, self.rest) };
        let mut decimals = if value == 0 { 0 } else { digits };
        while decimals > 0 && value % 10 == 0 {
            (decimals, value) = (decimals - 1, value / 10);
        }
        Self { decimals, ..self }
    }

    /// The number in 10^-12, rounded half-even.
    #[must_use]
    pub const fn raw(self) -> i128 {
        self.raw
    }

    /// The number as a price, rounded half-even to 10^-12.
    #[must_use]
    pub const fn price(self) -> Price {
        Price::from_raw(self.raw)
    }

    /// The number as a quantity, rounded half-even to 10^-12.
    #[must_use]
    pub const fn quantity(self) -> Quantity {
        Quantity::from_raw(self.raw)
    }

    /// The number as an amount of money, rounded half-even to 10^-12.
    #[must_use]
    pub const fn money(self) -> Money {
        Money::from_raw(self.raw)
    }

    /// True above zero.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.raw > 0 || (self.raw == 0 && self.rest > 0)
    }

    /// True below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.raw < 0 || (self.raw == 0 && self.rest < 0)
    }

    /// True where a record's field cannot hold all of it.
    #[must_use]
    pub const fn is_finer(self) -> bool {
        self.rest != 0
    }

    /// Keeps the whole number under a field's name where the field cannot hold it.
    pub fn note(self, field: &str, finer: &mut Vec<NamedText>) {
        if self.is_finer() {
            finer.push(NamedText { name: field.to_owned(), text: self.to_string() });
        }
    }

    /// Returns this price times a quantity in 10^-24: with 24 digits of the price, and 12 of the
    /// quantity.
    ///
    /// # Errors
    /// [`UnitError::Overflow`] for a product that does not fit.
    pub fn times(self, quantity: Self) -> Result<MoneyExact, UnitError> {
        let overflow = UnitError::Overflow { operation: "price * quantity" };
        let main = self.raw.checked_mul(quantity.raw).ok_or(overflow)?;
        let fine = self.part().checked_mul(quantity.raw).ok_or(overflow)? / PARTS;
        main.checked_add(fine).map(MoneyExact::from_raw).ok_or(overflow)
    }

    /// Returns the sum of both, exact and without zeros at its end; none where it does not fit.
    ///
    /// # Examples
    /// ```
    /// use schwabot::import::Number;
    /// let (one, other) = (Number::parse("1.0000000000004")?, Number::parse("2.0000000000002")?);
    /// let sum = one.plus(other).unwrap();
    /// assert_eq!((sum, sum.raw()), (Number::parse("3.0000000000006")?, 3_000_000_000_001));
    /// assert_eq!(Number::from_raw(i128::MAX).plus(Number::from_raw(1)), None);
    /// # Ok::<(), schwabot::units::UnitError>(())
    /// ```
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let raw = self.raw.checked_add(other.raw)?;
        let rest = self.rest + other.rest;
        // Rounded half-even, as every number is.
        let (above, half) = (rest.abs(), REST_ONE / 2);
        let carries = above > half || (above == half && raw % 2 != 0);
        let carry = if carries { rest.signum() } else { 0 };
        let raw = raw.checked_add(carry)?;
        let rest = rest - carry * REST_ONE;
        Some(Self { raw, rest, decimals: FINE_DIGITS }.trimmed())
    }

    /// Returns this number less the other; as [`Number::plus`].
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        self.plus(Self { raw: other.raw.checked_neg()?, rest: -other.rest, ..other })
    }

    /// Returns the number without its sign.
    #[must_use]
    pub const fn magnitude(self) -> Self {
        // No text has the one value without an opposite: its magnitude has 39 digits.
        if self.is_negative() {
            Self { raw: self.raw.saturating_neg(), rest: -self.rest, ..self }
        } else {
            self
        }
    }

    /// What the number is above `raw`, in 10^-24, cut off there.
    const fn part(self) -> i128 {
        self.rest / 10_i128.pow(REST_DIGITS - SCALE_DIGITS)
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.raw, self.rest).cmp(&(other.raw, other.rest))
    }
}

impl fmt::Display for Number {
    /// Shows the decimals that the text had.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let negative = self.is_negative();
        let mut raw = self.raw.unsigned_abs();
        let mut rest = if negative { -self.rest } else { self.rest };
        if rest < 0 {
            (raw, rest) = (raw - 1, rest + REST_ONE);
        }
        let parts = PARTS.unsigned_abs();
        let width = REST_DIGITS as usize;
        let digits = format!("{:012}{rest:0width$}", raw % parts);
        let shown = digits.get(..self.decimals as usize).unwrap_or(&digits);
        let point = if shown.is_empty() { "" } else { "." };
        let sign = if negative { "-" } else { "" };
        write!(f, "{sign}{}{point}{shown}", raw / parts)
    }
}

/// Reads text that is finer, or longer, than a record's field: the part that fits, rounded
/// half-even, and what is above that.
fn fine(text: &[u8]) -> Result<(i128, i128), UnitError> {
    let negative = text.first() == Some(&b'-');
    let signed = matches!(text.first(), Some(b'-' | b'+'));
    let (mut digits, mut decimals, mut behind) = (Vec::new(), 0_i64, false);
    for (index, byte) in text.iter().enumerate().skip(usize::from(signed)) {
        match byte {
            b'0'..=b'9' => {
                digits.push(*byte);
                decimals += i64::from(behind);
            }
            b'.' if !behind => behind = true,
            b'e' | b'E' => {
                let exponent = exponent_of(&text[index + 1..]);
                decimals -= i64::from(exponent.ok_or(UnitError::BadCharacter { index })?);
                break;
            }
            _ => return Err(UnitError::BadCharacter { index }),
        }
    }
    while digits.last() == Some(&b'0') {
        digits.pop();
        decimals -= 1;
    }
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.drain(..zeros);
    // All digits of the number in 10^-50: what the two halves can have at most.
    let missing = i64::from(FINE_DIGITS) - decimals;
    let missing =
        usize::try_from(missing).map_err(|_| UnitError::TooFine { scale_digits: FINE_DIGITS })?;
    let width = REST_DIGITS as usize;
    if digits.len().saturating_add(missing) > width + 39 {
        return if digits.is_empty() { Ok((0, 0)) } else { Err(UnitError::TooLarge) };
    }
    digits.extend(std::iter::repeat_n(b'0', missing));
    let (above, below) = digits.split_at(digits.len().saturating_sub(width));
    let mut raw = whole(above)?;
    let mut rest = whole(below)?;
    if rest > REST_ONE / 2 || (rest == REST_ONE / 2 && raw % 2 != 0) {
        raw = raw.checked_add(1).ok_or(UnitError::TooLarge)?;
        rest -= REST_ONE;
    }
    Ok(if negative { (-raw, -rest) } else { (raw, rest) })
}

fn whole(digits: &[u8]) -> Result<i128, UnitError> {
    let next = |sum: i128, digit: &u8| {
        sum.checked_mul(10)?.checked_add(i128::from(digit.saturating_sub(b'0')))
    };
    digits.iter().try_fold(0_i128, next).ok_or(UnitError::TooLarge)
}

/// How many decimals a text means; `1.08e-06` means 8.
fn decimals_of(text: &[u8]) -> u32 {
    let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&text[..at], exponent_of(&text[at + 1..]).unwrap_or_default()),
        None => (text, 0),
    };
    let point = mantissa.iter().position(|byte| *byte == b'.');
    let written = point.map_or(0, |at| mantissa.len() - at - 1);
    let decimals = i64::try_from(written).unwrap_or(i64::MAX).saturating_sub(exponent.into());
    u32::try_from(decimals.clamp(0, FINE_DIGITS.into())).unwrap_or_default()
}

fn exponent_of(text: &[u8]) -> Option<i32> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A sum of numbers and of products of two, exact to 36 decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Sum {
    whole: i128,
    /// In 10^-36, from 0 on and below 1.
    fraction: i128,
    decimals: u32,
}

/// The sum does not fit any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sum is too large")]
pub struct SumOverflow;

impl Sum {
    /// Adds a number.
    ///
    /// # Errors
    /// [`SumOverflow`] above about 10^38.
    pub fn add(&mut self, number: Number) -> Result<(), SumOverflow> {
        self.decimals = self.decimals.max(number.decimals).min(SUM_DIGITS);
        self.add_scaled(number.raw, SCALE_DIGITS)?;
        self.add_scaled(number.rest / 10_i128.pow(FINE_DIGITS - SUM_DIGITS), SUM_DIGITS)
    }

    /// Adds the product of two numbers, with 24 decimals of each: exact where one of them has at
    /// most 12.
    ///
    /// # Errors
    /// [`SumOverflow`] for a product that does not fit.
    pub fn add_product(&mut self, first: Number, second: Number) -> Result<(), SumOverflow> {
        self.decimals = self.decimals.max(first.decimals + second.decimals).min(SUM_DIGITS);
        // Of two fine numbers, what lies below 10^-36 is cut off.
        let finest = first.part() * second.part() / PARTS;
        self.add_scaled(finest, SUM_DIGITS)?;
        let parts = [
            (first.raw, second.raw / PARTS, SCALE_DIGITS),
            (first.raw, second.raw % PARTS, SCALE_DIGITS * 2),
            (first.raw, second.part(), SUM_DIGITS),
            (second.raw, first.part(), SUM_DIGITS),
        ];
        parts.into_iter().try_for_each(|(one, other, digits)| {
            self.add_scaled(one.checked_mul(other).ok_or(SumOverflow)?, digits)
        })
    }

    fn add_scaled(&mut self, raw: i128, digits: u32) -> Result<(), SumOverflow> {
        let one = 10_i128.pow(digits);
        let fraction = self.fraction + raw.rem_euclid(one) * 10_i128.pow(SUM_DIGITS - digits);
        let whole = raw.div_euclid(one) + i128::from(fraction >= SUM_ONE);
        self.whole = self.whole.checked_add(whole).ok_or(SumOverflow)?;
        self.fraction = fraction % SUM_ONE;
        Ok(())
    }
}

impl fmt::Display for Sum {
    /// Shows as many decimals as the finest number that was added was written with.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Below zero the fraction counts up from the whole number below.
        let negative = self.whole < 0;
        let (whole, fraction) = match (negative, self.fraction) {
            (true, 0) => (self.whole.unsigned_abs(), 0),
            (true, fraction) => (self.whole.unsigned_abs() - 1, SUM_ONE - fraction),
            (false, fraction) => (self.whole.unsigned_abs(), fraction),
        };
        if negative {
            f.write_str("-")?;
        }
        write!(f, "{whole}")?;
        if self.decimals > 0 {
            let digits = format!("{fraction:0width$}", width = SUM_DIGITS as usize);
            write!(f, ".{}", &digits[..self.decimals as usize])?;
        }
        Ok(())
    }
}
