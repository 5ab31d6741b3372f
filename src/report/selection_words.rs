//! Figures of trials as people read them on a screen.

use super::overfitting::Overfitting;
use super::selection::Figures;
use super::words::fixed;

/// A number with so many digits behind the point; `-` where there is none.
fn shown(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| fixed(value, digits))
}

/// A share in hundredths.
fn percent(value: Option<f64>) -> String {
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
}

impl Overfitting {
    /// Returns the probability for people.
    #[must_use]
    pub fn in_words(&self) -> String {
        format!("{} %", shown(Some(self.probability * 100.0), 1))
    }
}
