//! Numbers as files write them, and sums of them: exact, however fine.
//!
//! A [`Number`] keeps up to 24 decimals and how many the text had; only 12 fit a price or a
//! quantity: the rest is rounded half-even, and [`Number::note`] keeps the whole. A [`Sum`] adds
//! numbers and products of two and shows as many decimals as the finest of them was written with.
//!
//! Invariants: no float is made of any number; nothing is rounded unseen, and no sum of anything
//! rounded; what cannot be held is refused.

use std::fmt;

use super::error::Fault;
use crate::event::NamedText;
use crate::market::quote;
use crate::units::{Money, Price, Quantity, SCALE_DIGITS, UnitError, parse_decimal};

/// Decimals that a number can have.
const FINE_DIGITS: u32 = 24;
/// 10^12: parts of a unit, and parts of such a part.
const PARTS: i128 = 1_000_000_000_000;
/// Decimals of a sum's fraction: those of a price times a fine number.
const SUM_DIGITS: u32 = 36;
const SUM_ONE: i128 = 10_i128.pow(SUM_DIGITS);

/// A decimal number, exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Number {
    /// In 10^-12, rounded half-even.
    raw: i128,
    /// What the number is above that, in 10^-24: at most half of 10^-12 either way.
    rest: i128,
    /// Decimals that the text had.
    decimals: u32,
}

impl Number {
    /// Reads a number: sign, digits, point, exponent.
    ///
    /// # Errors
    /// What is wrong with it; a number of more than 24 decimals, or too large, is refused.
    ///
    /// # Examples
    /// ```
    /// use schwabot::import::Number;
    /// let size = Number::parse(b"33.35399601000002").map_err(|_| "no number")?;
    /// assert_eq!(size.quantity().to_string(), "33.35399601");
    /// assert_eq!(size.to_string(), "33.35399601000002");
    /// let even = |text: &[u8]| Number::parse(text).map(|number| number.quantity().to_string());
    /// assert_eq!(even(b"-0.0000000000025"), Ok("-0.000000000002".to_owned()));
    /// assert_eq!(even(b"-0.0000000000035"), Ok("-0.000000000004".to_owned()));
    /// # Ok::<(), &str>(())
    /// ```
    pub fn parse(text: &[u8]) -> Result<Self, UnitError> {
        let decimals = decimals_of(text);
        match parse_decimal(text, SCALE_DIGITS) {
            Ok(raw) => Ok(Self { raw, rest: 0, decimals }),
            Err(UnitError::TooFine { .. }) => {
                let fine = parse_decimal(text, FINE_DIGITS)?;
                let (below, part) = (fine.div_euclid(PARTS), fine.rem_euclid(PARTS));
                let up = part > PARTS / 2 || (part == PARTS / 2 && below % 2 != 0);
                let raw = below + i128::from(up);
                Ok(Self { raw, rest: fine - raw * PARTS, decimals })
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

    /// Keeps the whole number under a field's name where the field cannot hold it.
    pub fn note(self, field: &str, finer: &mut Vec<NamedText>) {
        if self.rest != 0 {
            finer.push(NamedText { name: field.to_owned(), text: self.to_string() });
        }
    }
}

impl fmt::Display for Number {
    /// Shows the decimals that the text had.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sum = Sum::default();
        sum.add(*self).map_err(|SumOverflow| fmt::Error)?;
        sum.fmt(f)
    }
}

/// How many decimals a text means; `1.08e-06` means 8.
fn decimals_of(text: &[u8]) -> u32 {
    let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&text[..at], std::str::from_utf8(&text[at + 1..]).unwrap_or_default()),
        None => (text, "0"),
    };
    let point = mantissa.iter().position(|byte| *byte == b'.');
    let written = point.map_or(0, |at| mantissa.len() - at - 1);
    let exponent: i64 = exponent.trim_start_matches('+').parse().unwrap_or_default();
    let decimals = i64::try_from(written).unwrap_or(i64::MAX).saturating_sub(exponent);
    u32::try_from(decimals.clamp(0, SUM_DIGITS.into())).unwrap_or_default()
}

/// A sum of numbers and of products of two, exact.
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
        self.decimals = self.decimals.max(number.decimals);
        self.add_scaled(number.raw, SCALE_DIGITS)?;
        self.add_scaled(number.rest, FINE_DIGITS)
    }

    /// Adds the product of two numbers, the first of which has at most 12 decimals.
    ///
    /// # Errors
    /// [`SumOverflow`] for a product that does not fit, or a first number that is finer.
    pub fn add_product(&mut self, first: Number, second: Number) -> Result<(), SumOverflow> {
        if first.rest != 0 && second.rest != 0 {
            return Err(SumOverflow);
        }
        let (plain, fine) = if first.rest == 0 { (first, second) } else { (second, first) };
        self.decimals = self.decimals.max(first.decimals + second.decimals).min(SUM_DIGITS);
        let parts = [
            (fine.raw / PARTS, SCALE_DIGITS),
            (fine.raw % PARTS, FINE_DIGITS),
            (fine.rest, SUM_DIGITS),
        ];
        parts.into_iter().try_for_each(|(part, digits)| {
            let product = plain.raw.checked_mul(part).ok_or(SumOverflow)?;
            self.add_scaled(product, digits)
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
