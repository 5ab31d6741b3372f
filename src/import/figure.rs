//! What a file adds up to: named figures of any shape, for reports, JSON and the ledger.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::event::NamedText;

/// A figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Figure {
    /// A count.
    Count(u64),
    /// A whole number.
    Whole(i64),
    /// A number in tenths.
    Tenths(i64),
    /// A text, such as an exact decimal or a time.
    Text(String),
    /// Several.
    List(Vec<Figure>),
    /// Several, by name.
    Map(BTreeMap<String, Figure>),
}

impl Figure {
    /// A figure from anything that shows itself.
    #[expect(clippy::needless_pass_by_value, reason = "callers hand over what they made for it")]
    pub fn text(value: impl ToString) -> Self {
        Self::Text(value.to_string())
    }

    /// The figure as one text, as records and reports hold it.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Count(count) => count.to_string(),
            Self::Whole(number) => number.to_string(),
            Self::Tenths(tenths) => tenths_text(*tenths),
            Self::Text(text) => text.clone(),
            Self::List(list) => list.iter().map(Self::to_text).collect::<Vec<_>>().join(" "),
            Self::Map(map) => {
                let pairs = map.iter().map(|(name, figure)| format!("{name} {}", figure.to_text()));
                pairs.collect::<Vec<_>>().join(", ")
            }
        }
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Whole(number) => serializer.serialize_i64(*number),
            Self::Tenths(tenths) => {
                let raw = RawValue::from_string(tenths_text(*tenths));
                raw.map_err(serde::ser::Error::custom)?.serialize(serializer)
            }
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(list) => list.serialize(serializer),
            Self::Map(map) => map.serialize(serializer),
        }
    }
}

fn tenths_text(tenths: i64) -> String {
    let sign = if tenths < 0 { "-" } else { "" };
    let size = tenths.unsigned_abs();
    format!("{sign}{}.{}", size / 10, size % 10)
}

/// Figures by name, in the order in which they are told.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Figures(pub Vec<(&'static str, Figure)>);

impl Figures {
    /// Adds a figure.
    pub fn put(&mut self, name: &'static str, figure: Figure) {
        self.0.push((name, figure));
    }

    /// Adds a count.
    pub fn count(&mut self, name: &'static str, count: u64) {
        self.put(name, Figure::Count(count));
    }

    /// Adds a text.
    pub fn text(&mut self, name: &'static str, value: impl ToString) {
        self.put(name, Figure::text(value));
    }

    /// Puts a text in place of a figure, or adds it.
    pub fn replace(&mut self, name: &'static str, text: String) {
        match self.0.iter_mut().find(|(own, _)| *own == name) {
            Some((_, figure)) => *figure = Figure::Text(text),
            None => self.put(name, Figure::Text(text)),
        }
    }

    /// Returns the figures as one.
    #[must_use]
    pub fn into_map(self) -> Figure {
        Figure::Map(self.0.into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect())
    }

    /// Returns a figure by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Figure> {
        self.0.iter().find(|(own, _)| *own == name).map(|(_, figure)| figure)
    }

    /// The figures as a record holds them.
    #[must_use]
    pub fn as_texts(&self) -> Vec<NamedText> {
        let texts = self.0.iter();
        texts.map(|(name, f)| NamedText { name: (*name).to_owned(), text: f.to_text() }).collect()
    }
}

impl Serialize for Figures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, figure)| (name, figure)))
    }
}
