//! Strategies by name: the built-in ones, and those that an embedding program brings.
//!
//! A recorded run says the name and all parameters of its strategy; a program that knows the name
//! can run it again. Invariants: a name means one strategy; a run is built only from the canonical
//! form of its parameters, so that equal settings are equal bytes.

use std::fmt;

use super::{EngineUse, Strategy, StrategyError, schwabot, sma_cross};
use crate::event::{Parameter, RunConfig, StrategyConfig};

type Canonical = fn(&[Parameter]) -> Result<Vec<Parameter>, StrategyError>;
type UseEngines = fn(&[Parameter], &RunConfig) -> Result<EngineUse, StrategyError>;
type Build = fn(&[Parameter], &RunConfig) -> Result<Box<dyn Strategy>, StrategyError>;

/// A strategy of an embedding program.
#[derive(Clone, Copy)]
pub struct OwnStrategy {
    /// The name that stands in the log.
    pub name: &'static str,
    /// Returns all parameters, defaults written out, sorted by name, each value in its one text.
    pub canonical: Canonical,
    /// Builds it from canonical parameters, for the pairs of a run.
    pub build: Build,
}

impl fmt::Debug for OwnStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnStrategy").field(&self.name).finish()
    }
}

struct BuiltIn {
    own: OwnStrategy,
    engines: Option<UseEngines>,
}

/// The built-in strategies, sorted by name.
const BUILT_IN: &[BuiltIn] = &[
    BuiltIn {
        own: OwnStrategy {
            name: schwabot::NAME,
            canonical: schwabot::canonical_parameters,
            build: |parameters, run| Ok(Box::new(schwabot::Schwabot::new(parameters, run)?)),
        },
        engines: Some(schwabot::engine_use),
    },
    BuiltIn {
        own: OwnStrategy {
            name: sma_cross::NAME,
            canonical: sma_cross::canonical_parameters,
            build: |parameters, run| Ok(Box::new(sma_cross::SmaCross::new(parameters, run)?)),
        },
        engines: None,
    },
];

/// The strategies that a program can build by name; by default the built-in ones.
///
/// # Examples
/// ```
/// use schwabot::event::Event;
/// use schwabot::strategies::{Catalogue, Intention, OwnStrategy, Strategy, View};
///
/// struct Idle;
/// impl Strategy for Idle {
///     fn observe(&mut self, _view: &dyn View, _input: &Event) {}
///     fn decide(&mut self, _view: &dyn View, _wanted: &mut Vec<Intention>) {}
/// }
/// let idle = OwnStrategy {
///     name: "idle",
///     canonical: |_given| Ok(vec![]),
///     build: |_parameters, _run| Ok(Box::new(Idle)),
/// };
/// let catalogue = Catalogue::with(&[idle])?;
/// assert_eq!(catalogue.names(), ["idle", "schwabot", "sma-cross"]);
/// assert!(Catalogue::with(&[idle, idle]).is_err());
/// # Ok::<(), schwabot::strategies::StrategyError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    own: Vec<OwnStrategy>,
}

impl Catalogue {
    /// Returns the built-in strategies and these.
    ///
    /// # Errors
    /// [`StrategyError::NameTaken`].
    pub fn with(own: &[OwnStrategy]) -> Result<Self, StrategyError> {
        let mut all = Self::default();
        for strategy in own {
            if all.find(strategy.name).is_ok() {
                return Err(StrategyError::NameTaken { name: strategy.name });
            }
            all.own.push(*strategy);
        }
        Ok(all)
    }

    /// Returns all names, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = names().chain(self.own.iter().map(|own| own.name)).collect();
        names.sort_unstable();
        names
    }

    /// Returns the canonical configuration of a strategy: defaults written out, values in their
    /// shortest form, sorted by name.
    ///
    /// # Errors
    /// [`StrategyError`] for an unknown name, or parameters that are unknown, repeated or unusable.
    pub fn canonical(
        &self,
        name: &str,
        given: &[Parameter],
    ) -> Result<StrategyConfig, StrategyError> {
        let parameters = (self.find(name)?.canonical)(given)?;
        Ok(StrategyConfig { name: name.to_owned(), parameters })
    }

    /// Builds a strategy for a run.
    ///
    /// # Errors
    /// [`StrategyError`], also when the configuration is not what [`canonical`](Self::canonical)
    /// gives: a recorded run must say all its settings.
    pub fn build(
        &self,
        strategy: &StrategyConfig,
        run: &RunConfig,
    ) -> Result<Box<dyn Strategy>, StrategyError> {
        let known = self.find(&strategy.name)?;
        if (known.canonical)(&strategy.parameters)? != strategy.parameters {
            return Err(StrategyError::NotCanonical { strategy: strategy.name.clone() });
        }
        (known.build)(&strategy.parameters, run)
    }

    fn find(&self, name: &str) -> Result<&OwnStrategy, StrategyError> {
        let mut all = BUILT_IN.iter().map(|known| &known.own).chain(&self.own);
        all.find(|known| known.name == name).ok_or_else(|| StrategyError::Unknown {
            name: name.to_owned(),
            known: self.names().join(", "),
        })
    }
}

/// Returns the names of the built-in strategies, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|known| known.own.name)
}

/// As [`Catalogue::canonical`], of a built-in strategy.
///
/// # Errors
/// As there.
///
/// # Examples
/// ```
/// use schwabot::strategies::canonical;
/// let config = canonical("sma-cross", &[])?;
/// let text = config.parameters.iter().map(|p| format!("{}={}", p.name, p.value));
/// let text: Vec<_> = text.collect();
/// assert_eq!(text, ["fast=10", "fraction=0.95", "slow=50"]);
/// # Ok::<(), schwabot::strategies::StrategyError>(())
/// ```
pub fn canonical(name: &str, given: &[Parameter]) -> Result<StrategyConfig, StrategyError> {
    Catalogue::default().canonical(name, given)
}

/// As [`Catalogue::build`], of a built-in strategy.
///
/// # Errors
/// As there.
pub fn build(
    strategy: &StrategyConfig,
    run: &RunConfig,
) -> Result<Box<dyn Strategy>, StrategyError> {
    Catalogue::default().build(strategy, run)
}

/// Returns what the engines of a run need to know; none where its strategy does without them. Own
/// strategies do: the engines work for the built-in one that is made of them.
///
/// # Errors
/// [`StrategyError`] for parameters that will not do.
pub fn engine_use(run: &RunConfig) -> Result<Option<EngineUse>, StrategyError> {
    let known = BUILT_IN.iter().find(|known| known.own.name == run.strategy.name);
    let engines = known.and_then(|known| known.engines);
    engines.map(|engines| engines(&run.strategy.parameters, run)).transpose()
}
