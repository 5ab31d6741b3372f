//! Numbers as files write them: exact where the ledger can hold them, else rounded and told so.
//!
//! No float is made of any number. A number finer than 10^-12 is rounded half-even, and its own
//! text is kept beside it, however many digits a binary float left there: nothing is lost.

use std::fmt;

use crate::units::{MoneyExact, SCALE_DIGITS, UnitError, parse_decimal};

/// Digits behind those of a record that calculations use.
const REST_DIGITS: i64 = 12;
const REST_ONE: i128 = 1_000_000_000_000;

/// Characters that the text of a number may have.
pub const NUMBER_MAX: usize = 64;

/// A decimal number in 10^-12, with its own text where that is finer.
#[derive(Clone, PartialEq, Eq)]
pub struct Number {
    raw: i128,
    /// What the number is above `raw`, in 10^-24, as far as twelve digits tell.
    rest: i64,
    finer: Option<Box<str>>,
}

impl Number {
    /// Nothing.
    pub const ZERO: Self = Self { raw: 0, rest: 0, finer: None };

    /// Makes a number of a whole number of 10^-12.
    #[must_use]
    pub const fn from_raw(raw: i128) -> Self {
        Self { raw, rest: 0, finer: None }
    }

    /// Reads a decimal number.
    ///
    /// # Errors
    /// [`UnitError`] for text that is no decimal number, or a value that does not fit.
    ///
    /// # Examples
    /// ```
    /// use schwabot::import::accounts::Number;
    /// let fee = Number::parse("2.7535e-7")?;
    /// assert_eq!((fee.raw(), fee.finer()), (275_350, None));
    /// let amount = Number::parse("10.3734439834024925")?;
    /// assert_eq!(amount.raw(), 10_373_443_983_402);
    /// assert_eq!(amount.finer(), Some("10.3734439834024925"));
    /// assert_eq!(Number::parse("-0.0000000000019")?.raw(), -2);
    /// assert_eq!(Number::parse("0.0000000000025")?.raw(), 2);
    /// assert_eq!(Number::parse("0.00000000000250000000000001")?.raw(), 3);
    /// assert!(Number::parse("1,5").is_err());
    /// # Ok::<(), schwabot::units::UnitError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        if text.len() > NUMBER_MAX {
            return Err(UnitError::TooLarge);
        }
        match parse_decimal(text.as_bytes(), SCALE_DIGITS) {
            Ok(raw) => Ok(Self { raw, rest: 0, finer: None }),
            Err(UnitError::TooFine { .. } | UnitError::TooLarge) => {
                let (raw, rest, exact) = rounded(text)?;
                Ok(Self { raw, rest, finer: (!exact).then(|| text.into()) })
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the value in 10^-12.
    #[must_use]
    pub const fn raw(&self) -> i128 {
        self.raw
    }

    /// Returns the text of a number that was rounded.
    #[must_use]
    pub fn finer(&self) -> Option<&str> {
        self.finer.as_deref()
    }

    /// Returns this price times a quantity in 10^-24: with 24 digits of the price, and 12 of the
    /// quantity, rounded to the nearest.
    ///
    /// # Errors
    /// [`UnitError::Overflow`] for a product that does not fit.
    pub fn times(&self, quantity: &Self) -> Result<MoneyExact, UnitError> {
        let overflow = UnitError::Overflow { operation: "price * quantity" };
        let main = self.raw.checked_mul(quantity.raw).ok_or(overflow)?;
        let fine = i128::from(self.rest).checked_mul(quantity.raw).ok_or(overflow)? / REST_ONE;
        main.checked_add(fine).map(MoneyExact::from_raw).ok_or(overflow)
    }

    /// Returns the number with the other sign.
    #[must_use]
    pub fn negated(&self) -> Self {
        let finer = self.finer.as_deref().map(|text| match text.strip_prefix('-') {
            Some(rest) => rest.into(),
            None => format!("-{}", text.trim_start_matches('+')).into(),
        });
        // No text has the one value without an opposite: its magnitude has 39 digits.
        Self { raw: self.raw.saturating_neg(), rest: -self.rest, finer }
    }

    /// Returns the number without its sign.
    #[must_use]
    pub fn magnitude(&self) -> Self {
        if self.raw < 0 || (self.raw == 0 && self.rest < 0) { self.negated() } else { self.clone() }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&crate::units::Money::from_raw(self.raw), f)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Number({self}{})", if self.finer.is_some() { ", rounded" } else { "" })
    }
}

/// Rounds text that is known to be a decimal number to 10^-12; gives what twelve more digits say it
/// is above that, and whether nothing was rounded.
fn rounded(text: &str) -> Result<(i128, i64, bool), UnitError> {
    let negative = text.starts_with('-');
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            let exponent = exponent.trim_start_matches('+');
            (mantissa, exponent.parse::<i32>().map_err(|_| UnitError::TooLarge)?)
        }
        None => (text, 0),
    };
    let mantissa = mantissa.trim_start_matches(['-', '+']);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|digit| digit - b'0').collect();
    // Digits before the point of the scaled value.
    let kept = i64::try_from(whole.len()).unwrap_or(i64::MAX)
        + i64::from(exponent)
        + i64::from(SCALE_DIGITS);
    let mut value = 0_i128;
    for place in 0..kept.max(0) {
        let digit = usize::try_from(place).ok().and_then(|place| digits.get(place)).copied();
        if digit.is_none() && value == 0 {
            break;
        }
        let next = value.checked_mul(10);
        let next = next.and_then(|value| value.checked_add(i128::from(digit.unwrap_or(0))));
        value = next.ok_or(UnitError::TooLarge)?;
    }
    let behind = |place: i64| usize::try_from(kept + place).ok().and_then(|at| digits.get(at));
    let mut rest = (0..REST_DIGITS)
        .fold(0, |rest: i64, place| rest * 10 + behind(place).copied().map_or(0, i64::from));
    let beyond = digits.get(usize::try_from(kept + REST_DIGITS).unwrap_or(0)..).unwrap_or_default();
    let half = i64::try_from(REST_ONE / 2).unwrap_or(i64::MAX);
    let above_half = rest > half || (rest == half && beyond.iter().any(|digit| *digit != 0));
    if above_half || (rest == half && value % 2 != 0) {
        value = value.checked_add(1).ok_or(UnitError::TooLarge)?;
        rest -= 2 * half;
    }
    let lost = digits.get(usize::try_from(kept).unwrap_or(0)..).unwrap_or_default();
    let exact = lost.iter().all(|digit| *digit == 0);
    Ok(if negative { (-value, -rest, exact) } else { (value, rest, exact) })
}
