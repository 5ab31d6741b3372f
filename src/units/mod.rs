//! Exact quantities, each with its own type.
//!
//! Prices, quantities and money are whole numbers of 10^-12 units in an `i128`; sums of
//! price times quantity keep all their digits at 10^-24 ([`MoneyExact`]); rates, probabilities
//! and other plain ratios are whole numbers of 10^-9 ([`Ratio`]). Nothing here rounds unless its
//! name says so, and nothing wraps: every operation that could leave its range returns an
//! [`UnitError`].
//!
//! # Examples
//! ```
//! use schwabot::units::{Price, Quantity};
//! let price: Price = "50000.5".parse()?;
//! let quantity: Quantity = "0.25".parse()?;
//! assert_eq!(price.times(quantity)?.to_string(), "12500.125");
//! # Ok::<(), schwabot::units::UnitError>(())
//! ```

mod decimal;

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

pub use decimal::parse_decimal;

/// Decimal digits after the point of [`Price`], [`Quantity`] and [`Money`].
pub const SCALE_DIGITS: u32 = 12;
/// Decimal digits after the point of [`MoneyExact`].
pub const EXACT_SCALE_DIGITS: u32 = 24;
/// Decimal digits after the point of [`Ratio`].
pub const RATIO_SCALE_DIGITS: u32 = 9;

const ONE: i128 = 10_i128.pow(SCALE_DIGITS);
const RATIO_ONE: i64 = 10_i64.pow(RATIO_SCALE_DIGITS);

/// Why a number could not be taken, or a calculation not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// The text holds no digit.
    #[error("there is no digit")]
    Empty,
    /// A byte of the text does not belong to a decimal number.
    #[error("character {index} is not part of a decimal number")]
    BadCharacter {
        /// Zero-based byte position in the text.
        index: usize,
    },
    /// The text is finer than the type's scale; nothing was rounded.
    #[error("finer than 10^-{scale_digits}")]
    TooFine {
        /// The scale that was met.
        scale_digits: u32,
    },
    /// The value does not fit the type.
    #[error("too large")]
    TooLarge,
    /// A calculation left the range of its result.
    #[error("the exact result of {operation} does not fit")]
    Overflow {
        /// What was being calculated.
        operation: &'static str,
    },
}

/// Writes a whole number of `10^-scale_digits` as decimal text without needless zeros.
fn write_decimal(f: &mut fmt::Formatter<'_>, raw: i128, scale_digits: u32) -> fmt::Result {
    let one = 10_u128.pow(scale_digits);
    let magnitude = raw.unsigned_abs();
    let (whole, fraction) = (magnitude / one, magnitude % one);
    let mut text = whole.to_string();
    if fraction != 0 {
        let digits = format!("{fraction:0width$}", width = scale_digits as usize);
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
    f.pad_integral(raw >= 0, "", &text)
}

macro_rules! fixed_point {
    ($(#[$doc:meta])* $name:ident($raw:ty), $digits:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name($raw);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);
            /// The largest value.
            pub const MAX: Self = Self(<$raw>::MAX);
            /// One whole unit.
            pub const ONE: Self = Self((10 as $raw).pow($digits));

            /// Makes a value from its raw whole number; see the type for the scale.
            #[must_use]
            pub const fn from_raw(raw: $raw) -> Self {
                Self(raw)
            }

            /// Returns the raw whole number; see the type for the scale.
            #[must_use]
            pub const fn raw(self) -> $raw {
                self.0
            }

            /// Returns `self + other`.
            ///
            /// # Errors
            /// [`UnitError::Overflow`] when the sum does not fit.
            pub fn plus(self, other: Self) -> Result<Self, UnitError> {
                let sum = self.0.checked_add(other.0);
                sum.map(Self).ok_or(UnitError::Overflow { operation: "addition" })
            }

            /// Returns `self - other`.
            ///
            /// # Errors
            /// [`UnitError::Overflow`] when the difference does not fit.
            pub fn minus(self, other: Self) -> Result<Self, UnitError> {
                let difference = self.0.checked_sub(other.0);
                difference.map(Self).ok_or(UnitError::Overflow { operation: "subtraction" })
            }

            /// True when greater than zero.
            #[must_use]
            pub const fn is_positive(self) -> bool {
                self.0 > 0
            }
        }

        impl FromStr for $name {
            type Err = UnitError;
            fn from_str(text: &str) -> Result<Self, UnitError> {
                let raw = parse_decimal(text.as_bytes(), $digits)?;
                <$raw>::try_from(raw).map(Self).map_err(|_| UnitError::TooLarge)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_decimal(f, i128::from(self.0), $digits)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

fixed_point! {
    /// Quote currency for one whole unit of base currency, in 10^-12.
    Price(i128), SCALE_DIGITS
}
fixed_point! {
    /// An amount of base currency, in 10^-12.
    Quantity(i128), SCALE_DIGITS
}
fixed_point! {
    /// An amount of quote currency, in 10^-12.
    Money(i128), SCALE_DIGITS
}
fixed_point! {
    /// An amount of quote currency with every digit that price times quantity can have, in 10^-24.
    ///
    /// The largest amount is about 1.7 * 10^14 units.
    MoneyExact(i128), EXACT_SCALE_DIGITS
}
fixed_point! {
    /// A plain number without unit (a rate, a share, a probability, a score), in 10^-9.
    Ratio(i64), RATIO_SCALE_DIGITS
}

impl Price {
    /// Returns price times quantity with all its digits.
    ///
    /// # Errors
    /// [`UnitError::Overflow`] when the product exceeds [`MoneyExact`].
    pub fn times(self, quantity: Quantity) -> Result<MoneyExact, UnitError> {
        let product = self.0.checked_mul(quantity.0);
        product.map(MoneyExact).ok_or(UnitError::Overflow { operation: "price * quantity" })
    }

    /// Rounds up to a whole number of ticks: against a buyer.
    ///
    /// # Errors
    /// [`UnitError::Overflow`] when the tick is not positive or the result does not fit.
    pub fn round_up_to(self, tick: Price) -> Result<Price, UnitError> {
        let down = self.round_down_to(tick)?;
        if down == self { Ok(self) } else { down.plus(tick) }
    }

    /// Rounds down to a whole number of ticks: against a seller.
    ///
    /// # Errors
    /// [`UnitError::Overflow`] when the tick is not positive.
    pub fn round_down_to(self, tick: Price) -> Result<Price, UnitError> {
        floor_to(self.0, tick.0).map(Price)
    }

    /// Returns this price changed by the rate, rounded half-even to 10^-12.
    ///
    /// # Errors
    /// [`UnitError::Overflow`] when the result does not fit.
    ///
    /// # Examples
    /// ```
    /// use schwabot::units::{Price, Ratio};
    /// let price: Price = "100".parse()?;
    /// assert_eq!(price.changed_by("0.001".parse()?)?.to_string(), "100.1");
    /// # Ok::<(), schwabot::units::UnitError>(())
    /// ```
    pub fn changed_by(self, rate: Ratio) -> Result<Price, UnitError> {
        let change = mul_ratio_half_even(self.0, rate)?;
        self.plus(Price(change))
    }
}

impl Quantity {
    /// Rounds down to a whole number of lots.
    ///
    /// # Errors
    /// [`UnitError::Overflow`] when the lot is not positive.
    pub fn round_down_to(self, lot: Quantity) -> Result<Quantity, UnitError> {
        floor_to(self.0, lot.0).map(Quantity)
    }
}

impl Ratio {
    /// One half.
    pub const HALF: Self = Self(RATIO_ONE / 2);

    /// Returns `part / whole`, rounded half-even to 10^-9; none when `whole` is zero or the share
    /// does not fit.
    #[must_use]
    pub fn of_counts(part: u64, whole: u64) -> Option<Ratio> {
        let (scaled, divisor) = (i128::from(part) * i128::from(RATIO_ONE), i128::from(whole));
        let (quotient, remainder) =
            (scaled.checked_div_euclid(divisor)?, scaled.checked_rem_euclid(divisor)?);
        i64::try_from(round_half_even(quotient, remainder, divisor)).ok().map(Ratio)
    }
}

impl Money {
    /// Returns the same amount with the digits of [`MoneyExact`].
    ///
    /// # Errors
    /// [`UnitError::Overflow`] above about 1.7 * 10^14 units.
    pub fn exact(self) -> Result<MoneyExact, UnitError> {
        let raw = self.0.checked_mul(ONE);
        raw.map(MoneyExact).ok_or(UnitError::Overflow { operation: "widening" })
    }
}

impl MoneyExact {
    /// Returns this amount times the rate, rounded half-even to 10^-12: a fee.
    ///
    /// # Errors
    /// [`UnitError::Overflow`] when an intermediate product does not fit.
    ///
    /// # Examples
    /// ```
    /// use schwabot::units::{MoneyExact, Ratio};
    /// let notional: MoneyExact = "500".parse()?;
    /// assert_eq!(notional.fee_at("0.001".parse()?)?.to_string(), "0.5");
    /// # Ok::<(), schwabot::units::UnitError>(())
    /// ```
    pub fn fee_at(self, rate: Ratio) -> Result<Money, UnitError> {
        // amount * 10^-24 * rate * 10^-9 = raw * 10^-12, so the divisor is 10^21. Split the
        // amount first: the plain product would overflow above 1.7 * 10^5 units.
        const DIVISOR: i128 = 10_i128.pow(EXACT_SCALE_DIGITS + RATIO_SCALE_DIGITS - SCALE_DIGITS);
        let overflow = UnitError::Overflow { operation: "fee" };
        let (whole, rest) = (self.0.div_euclid(DIVISOR), self.0.rem_euclid(DIVISOR));
        let rate = i128::from(rate.0);
        let high = whole.checked_mul(rate).ok_or(overflow)?;
        let low = rest.checked_mul(rate).ok_or(overflow)?;
        // `high` is whole, so rounding the low part rounds the sum, up to the parity of a tie.
        let (quotient, remainder) = (low.div_euclid(DIVISOR), low.rem_euclid(DIVISOR));
        let floor = high.checked_add(quotient).ok_or(overflow)?;
        Ok(Money(round_half_even(floor, remainder, DIVISOR)))
    }

    /// Returns the largest quantity that this amount buys at `price`, rounded down to 10^-12.
    ///
    /// # Errors
    /// [`UnitError::Overflow`] when the price is not positive.
    pub fn quantity_at(self, price: Price) -> Result<Quantity, UnitError> {
        if price.0 <= 0 {
            return Err(UnitError::Overflow { operation: "division by price" });
        }
        Ok(Quantity(self.0.div_euclid(price.0)))
    }

    /// Returns this amount times a ratio, rounded down to 10^-24.
    ///
    /// # Errors
    /// [`UnitError::Overflow`] when the result does not fit.
    pub fn share(self, ratio: Ratio) -> Result<MoneyExact, UnitError> {
        let overflow = UnitError::Overflow { operation: "share" };
        let divisor = i128::from(RATIO_ONE);
        let (whole, rest) = (self.0.div_euclid(divisor), self.0.rem_euclid(divisor));
        let high = whole.checked_mul(i128::from(ratio.0)).ok_or(overflow)?;
        let low = (rest * i128::from(ratio.0)).div_euclid(divisor);
        high.checked_add(low).map(MoneyExact).ok_or(overflow)
    }

    /// Rounds half-even to 10^-12.
    #[must_use]
    pub fn rounded(self) -> Money {
        let (quotient, remainder) = (self.0.div_euclid(ONE), self.0.rem_euclid(ONE));
        Money(round_half_even(quotient, remainder, ONE))
    }

    /// Returns this amount divided by a count, rounded half-even to 10^-24; none for a count of
    /// zero.
    #[must_use]
    pub fn divided_by(self, count: u64) -> Option<MoneyExact> {
        let divisor = i128::from(count);
        let (quotient, remainder) =
            (self.0.checked_div_euclid(divisor)?, self.0.checked_rem_euclid(divisor)?);
        Some(MoneyExact(round_half_even(quotient, remainder, divisor)))
    }

    /// Returns the largest amount that leaves room for a fee at this rate, `self / (1 + rate)`,
    /// rounded down.
    ///
    /// # Errors
    /// [`UnitError::Overflow`] for a negative rate, or a result that does not fit.
    ///
    /// # Examples
    /// ```
    /// use schwabot::units::MoneyExact;
    /// let cash: MoneyExact = "1001".parse()?;
    /// assert_eq!(cash.before_fee("0.001".parse()?)?.to_string(), "1000");
    /// # Ok::<(), schwabot::units::UnitError>(())
    /// ```
    pub fn before_fee(self, rate: Ratio) -> Result<MoneyExact, UnitError> {
        let overflow = UnitError::Overflow { operation: "amount before the fee" };
        if rate < Ratio::ZERO {
            return Err(overflow);
        }
        let one = i128::from(RATIO_ONE);
        let divisor = one + i128::from(rate.0);
        let (whole, rest) = (self.0.div_euclid(divisor), self.0.rem_euclid(divisor));
        let high = whole.checked_mul(one).ok_or(overflow)?;
        high.checked_add(rest * one / divisor).map(MoneyExact).ok_or(overflow)
    }

    /// Returns this amount as a share of another, rounded half-even to 10^-9; none when the other
    /// is not positive or the share does not fit.
    #[must_use]
    pub fn ratio_to(self, whole: MoneyExact) -> Option<Ratio> {
        let (mut part, mut whole) = (self.0, whole.0);
        if whole <= 0 {
            return None;
        }
        let scaled = loop {
            match part.checked_mul(i128::from(RATIO_ONE)) {
                Some(scaled) => break scaled,
                // Amounts this large keep 29 digits after losing the last of both.
                None => (part, whole) = (part / 2, whole / 2),
            }
        };
        let (quotient, remainder) =
            (scaled.checked_div_euclid(whole)?, scaled.checked_rem_euclid(whole)?);
        i64::try_from(round_half_even(quotient, remainder, whole)).ok().map(Ratio)
    }

    /// Returns the amount with its sign turned.
    ///
    /// # Errors
    /// [`UnitError::Overflow`] for the smallest value, which has no opposite.
    pub fn negated(self) -> Result<MoneyExact, UnitError> {
        Self::ZERO.minus(self)
    }
}

/// `floor + remainder / divisor` rounded half-even; `0 <= remainder < divisor`.
const fn round_half_even(floor: i128, remainder: i128, divisor: i128) -> i128 {
    let twice = remainder * 2;
    if twice > divisor || (twice == divisor && floor % 2 != 0) { floor + 1 } else { floor }
}

fn mul_ratio_half_even(raw: i128, ratio: Ratio) -> Result<i128, UnitError> {
    let overflow = UnitError::Overflow { operation: "multiplication by a ratio" };
    let product = raw.checked_mul(i128::from(ratio.0)).ok_or(overflow)?;
    let divisor = i128::from(RATIO_ONE);
    Ok(round_half_even(product.div_euclid(divisor), product.rem_euclid(divisor), divisor))
}

fn floor_to(raw: i128, step: i128) -> Result<i128, UnitError> {
    if step <= 0 {
        return Err(UnitError::Overflow { operation: "rounding to a step that is not positive" });
    }
    raw.checked_sub(raw.rem_euclid(step)).ok_or(UnitError::Overflow { operation: "rounding" })
}
