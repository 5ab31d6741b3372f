//! Figures of trials as text: for a screen, for CSV, for a page.

use super::overfitting::Overfitting;
use super::selection::Figures;

/// Names of the figures in CSV, in order.
pub const FIGURE_NAMES: [&str; 8] = [
    "returns",
    "total_return",
    "max_drawdown",
    "sharpe",
    "sharpe_year",
    "probabilistic_sharpe",
    "deflated_sharpe",
    "sharpe_variance",
];

/// A number with so many digits behind the point; `-` where there is none.
pub(super) fn shown(value: Option<f64>, digits: usize) -> String {
    let text = value.map(|value| format!("{value:.digits$}"));
    match text {
        // A loss too small to be shown is shown as none.
        Some(text) if text.starts_with('-') && text.trim_matches(['-', '0', '.']).is_empty() => {
            text.trim_start_matches('-').to_owned()
        }
        Some(text) => text,
        None => "-".to_owned(),
    }
}

/// A share in hundredths.
pub(super) fn percent(value: Option<f64>) -> String {
    shown(value.map(|value| value * 100.0), 2)
}

impl Figures {
    /// Returns what people look at: return and deepest fall in per cent, the Sharpe ratio of a year
    /// and its deflated probability.
    #[must_use]
    pub fn cells(&self) -> [String; 4] {
        [
            percent(self.total_return),
            percent(self.max_drawdown),
            shown(self.sharpe_year, 2),
            shown(self.deflated_sharpe, 3),
        ]
    }

    /// Returns all figures in the order of [`FIGURE_NAMES`], as exact as they are.
    #[must_use]
    pub fn fields(&self) -> [String; 8] {
        let exact = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        [
            self.returns.to_string(),
            exact(self.total_return),
            exact(self.max_drawdown),
            exact(self.sharpe),
            exact(self.sharpe_year),
            exact(self.probabilistic_sharpe),
            exact(self.deflated_sharpe),
            exact(self.sharpe_variance),
        ]
    }
}

impl Overfitting {
    /// Returns the probability for people.
    #[must_use]
    pub fn in_words(&self) -> String {
        format!("{} %", shown(Some(self.probability * 100.0), 1))
    }
}
