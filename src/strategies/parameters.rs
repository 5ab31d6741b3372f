//! Named settings as text: looked up once, refused when unknown, written back canonically.

use std::fmt::Display;
use std::str::FromStr;

use super::StrategyError;
use crate::event::Parameter;

/// The parameters a user gave to one strategy.
///
/// # Examples
/// ```
/// use schwabot::strategies::{Parameters, parameter};
/// let given = [parameter("bars", &20)];
/// let known = Parameters::of("dip-buyer", &["bars", "dip"], &given)?;
/// assert_eq!(known.get::<u32>("bars")?, Some(20));
/// assert_eq!(known.get::<u32>("dip")?, None);
/// assert!(Parameters::of("dip-buyer", &["dip"], &given).is_err());
/// # Ok::<(), schwabot::strategies::StrategyError>(())
/// ```
pub struct Parameters<'a>(&'a [Parameter]);

impl<'a> Parameters<'a> {
    /// Takes the parameters of a strategy that has these names.
    ///
    /// # Errors
    /// [`StrategyError`] for names that the strategy does not have, and names given twice.
    pub fn of(
        strategy: &'static str,
        names: &[&str],
        given: &'a [Parameter],
    ) -> Result<Self, StrategyError> {
        for (place, parameter) in given.iter().enumerate() {
            if !names.contains(&parameter.name.as_str()) {
                let parameter = parameter.name.clone();
                return Err(StrategyError::UnknownParameter { strategy, parameter });
            }
            if given[..place].iter().any(|earlier| earlier.name == parameter.name) {
                let parameter = parameter.name.clone();
                return Err(StrategyError::RepeatedParameter { parameter });
            }
        }
        Ok(Self(given))
    }

    /// Returns a parameter's value, if it was given.
    ///
    /// # Errors
    /// [`StrategyError::BadParameter`] for text that is no such value.
    pub fn get<T>(&self, name: &'static str) -> Result<Option<T>, StrategyError>
    where
        T: FromStr<Err: Display>,
    {
        let Some(found) = self.0.iter().find(|parameter| parameter.name == name) else {
            return Ok(None);
        };
        let parsed = found.value.parse::<T>();
        parsed.map(Some).map_err(|error| bad_parameter(name, &found.value, &error))
    }
}

/// Returns the error of a value that will not do.
#[must_use]
pub fn bad_parameter(
    parameter: &'static str,
    value: &dyn Display,
    reason: &dyn Display,
) -> StrategyError {
    StrategyError::BadParameter { parameter, value: value.to_string(), reason: reason.to_string() }
}

/// Returns a parameter with the text that the value shows itself as.
#[must_use]
pub fn parameter(name: &str, value: &dyn Display) -> Parameter {
    Parameter { name: name.to_owned(), value: value.to_string() }
}
