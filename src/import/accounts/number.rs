//! Numbers as files write them: exact where the ledger can hold them, else cut and told so.
//!
//! No float is made of any number. A number finer than 10^-12 is cut toward zero, and its own text
//! is kept beside it, however many digits a binary float left there: nothing is lost.

use std::fmt;

use crate::units::{SCALE_DIGITS, UnitError, parse_decimal};

/// Characters that the text of a number may have.
pub const NUMBER_MAX: usize = 64;

/// A decimal number in 10^-12, with its own text where that is finer.
#[derive(Clone, PartialEq, Eq)]
pub struct Number {
    raw: i128,
    finer: Option<Box<str>>,
}

impl Number {
    /// Nothing.
    pub const ZERO: Self = Self { raw: 0, finer: None };

    /// Makes a number of a whole number of 10^-12.
    #[must_use]
    pub const fn from_raw(raw: i128) -> Self {
        Self { raw, finer: None }
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
    /// assert_eq!(Number::parse("-0.0000000000019")?.raw(), -1);
    /// assert!(Number::parse("1,5").is_err());
    /// # Ok::<(), schwabot::units::UnitError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        if text.len() > NUMBER_MAX {
            return Err(UnitError::TooLarge);
        }
        match parse_decimal(text.as_bytes(), SCALE_DIGITS) {
            Ok(raw) => Ok(Self { raw, finer: None }),
            Err(UnitError::TooFine { .. } | UnitError::TooLarge) => {
                let (raw, exact) = cut(text)?;
                Ok(Self { raw, finer: (!exact).then(|| text.into()) })
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the value in 10^-12.
    #[must_use]
    pub const fn raw(&self) -> i128 {
        self.raw
    }

    /// Returns the text of a number that was cut.
    #[must_use]
    pub fn finer(&self) -> Option<&str> {
        self.finer.as_deref()
    }

    /// Returns the number with the other sign.
    #[must_use]
    pub fn negated(&self) -> Self {
        let finer = self.finer.as_deref().map(|text| match text.strip_prefix('-') {
            Some(rest) => rest.into(),
            None => format!("-{}", text.trim_start_matches('+')).into(),
        });
        // No text has the one value without an opposite: its magnitude has 39 digits.
        Self { raw: self.raw.saturating_neg(), finer }
    }

    /// Returns the number without its sign.
    #[must_use]
    pub fn magnitude(&self) -> Self {
        if self.raw < 0 { self.negated() } else { self.clone() }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&crate::units::Money::from_raw(self.raw), f)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Number({self}{})", if self.finer.is_some() { ", cut" } else { "" })
    }
}

/// Cuts text that is known to be a decimal number behind 10^-12; whether that changed nothing.
fn cut(text: &str) -> Result<(i128, bool), UnitError> {
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
    // Digits before the point of the scaled value; what is behind it is cut.
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
    let lost = digits.get(usize::try_from(kept).unwrap_or(0)..).unwrap_or_default();
    let exact = lost.iter().all(|digit| *digit == 0);
    Ok((if negative { -value } else { value }, exact))
}
