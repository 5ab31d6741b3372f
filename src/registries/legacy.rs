//! The six-field trade hash of the earlier system, for import and comparison only.
//!
//! It is SHA-256 over the text that Python's `json.dumps(fields, sort_keys=True)` gives. Exit
//! price, fees and profit are outside of it, and two equal-looking trades have the same one: the
//! identity of a trade is its canonical hash.

use std::fmt::Write as _;

use crate::event::{Side, TradeClosed};
use crate::hash::{self, Digest};
use crate::signals::python_float_text;

/// The fields of the earlier hash, numbers as decimal text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegacyFields<'a> {
    /// `buy` or `sell`.
    pub action: &'a str,
    /// Entry notional in quote currency.
    pub amount: &'a str,
    /// Entry price.
    pub entry_price: &'a str,
    /// The strategy.
    pub strategy_id: &'a str,
    /// The pair as `BASE/QUOTE`.
    pub symbol: &'a str,
    /// Entry time in seconds since 1970.
    pub timestamp: &'a str,
}

/// Returns the six-field hash, or `None` where a number is beyond what the two languages print
/// alike (see [`python_float_text`]).
///
/// # Examples
/// ```
/// use schwabot::registries::{legacy_hash, LegacyFields};
/// let hash = legacy_hash(&LegacyFields {
///     action: "buy", amount: "50", entry_price: "3000", strategy_id: "test_strategy_0",
///     symbol: "ETH/USDC", timestamp: "1752166552.0024238",
/// });
/// assert!(hash.unwrap().to_string().starts_with("924fdee34129479c"));
/// ```
#[must_use]
pub fn legacy_hash(fields: &LegacyFields<'_>) -> Option<Digest> {
    let text = format!(
        "{{\"action\": {}, \"amount\": {}, \"entry_price\": {}, \"strategy_id\": {}, \
         \"symbol\": {}, \"timestamp\": {}}}",
        python_json_text(fields.action),
        python_float_text(fields.amount)?,
        python_float_text(fields.entry_price)?,
        python_json_text(fields.strategy_id),
        python_json_text(fields.symbol),
        python_float_text(fields.timestamp)?,
    );
    Some(hash::sha256(text.as_bytes()))
}

/// Returns the six-field hash of a trade of this program, where its rules can express the trade.
///
/// The trade's own `legacy_hash` field is not looked at.
#[must_use]
pub fn legacy_hash_of(trade: &TradeClosed) -> Option<Digest> {
    let notional = trade.entry.price.times(trade.quantity).ok()?;
    let nanos = i128::from(trade.entry.time.nanos());
    let (sign, nanos) = (if nanos < 0 { "-" } else { "" }, nanos.unsigned_abs());
    let seconds = format!("{sign}{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
    legacy_hash(&LegacyFields {
        action: match trade.side {
            Side::Buy => "buy",
            Side::Sell => "sell",
        },
        amount: &notional.to_string(),
        entry_price: &trade.entry.price.to_string(),
        strategy_id: &trade.strategy,
        symbol: &trade.symbol,
        timestamp: &seconds,
    })
}

/// Quotes text as `json.dumps` does by default: ASCII only, everything else as UTF-16 escapes.
fn python_json_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a `String` cannot fail.
                    let _infallible = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
    out
}
