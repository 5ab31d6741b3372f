//! Named settings as text: looked up once, refused when unknown, written back canonically.

use std::fmt::Display;
use std::str::FromStr;

use super::StrategyError;
use crate::event::Parameter;

/// The parameters a user gave to one strategy.
pub(super) struct Parameters<'a>(&'a [Parameter]);

impl<'a> Parameters<'a> {
    /// Refuses names that the strategy does not have, and names given twice.
    pub(super) fn of(
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
    pub(super) fn get<T>(&self, name: &'static str) -> Result<Option<T>, StrategyError>
    where
        T: FromStr<Err: Display>,
    {
        let Some(found) = self.0.iter().find(|parameter| parameter.name == name) else {
            return Ok(None);
        };
        let parsed = found.value.parse::<T>();
        parsed.map(Some).map_err(|error| bad(name, &found.value, &error))
    }
}

/// Returns the error of a value that will not do.
pub(super) fn bad(
    parameter: &'static str,
    value: &dyn Display,
    reason: &dyn Display,
) -> StrategyError {
    StrategyError::BadParameter { parameter, value: value.to_string(), reason: reason.to_string() }
}

/// Returns a parameter in canonical form.
pub(super) fn parameter(name: &str, value: &dyn Display) -> Parameter {
    Parameter { name: name.to_owned(), value: value.to_string() }
}
