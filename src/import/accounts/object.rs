//! One JSON object that was taken out of a document: its fields, by name, with their places.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::named::Named;
use super::rows::{WORD_MAX, quote};
use crate::import::Fault;
use crate::import::json::{Piece, place_at, unsound};

/// The fields of an object in their order, each with its text.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// An object of a document.
pub(super) struct Object<'a> {
    whole: &'a [u8],
    place: (u64, u64),
    fields: Vec<(String, &'a RawValue)>,
}

impl<'a> Object<'a> {
    /// Reads the object that a piece is.
    pub(super) fn of(piece: &'a Piece) -> Result<Self, Fault> {
        Self::read(&piece.text, piece.place, &piece.text)
    }

    fn read(whole: &'a [u8], place: (u64, u64), text: &'a [u8]) -> Result<Self, Fault> {
        let read: Result<Fields<'_>, _> = serde_json::from_slice(text);
        let Fields(mut fields) =
            read.map_err(|error| unsound(text, place_in(whole, place, text), &error))?;
        fields.sort_by(|one, other| one.0.cmp(&other.0));
        if let Some(pair) = fields.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let at = place_in(whole, place, pair[1].1.get().as_bytes());
            let reason = format!("the object names {} twice", quote(&pair[1].0));
            return Err(Fault::placed(at, "JSON", reason));
        }
        Ok(Self { whole, place, fields })
    }

    /// The names of its fields, sorted.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| name.as_str())
    }

    /// Whether it has a field of this name, also if it says `null`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// Returns the text of a field; none where it is absent or `null`.
    pub(super) fn raw(&self, name: &str) -> Option<&'a str> {
        let found = self.fields.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        let text = self.fields[found].1.get();
        (text != "null").then_some(text)
    }

    /// Reads `true` or `false`, or 1 or 0.
    pub(super) fn flag(&self, name: &'static str) -> Result<Option<bool>, Fault> {
        match self.raw(name) {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(other) => Err(self.fault(name, format!("{} is no yes or no", quote(other)))),
        }
    }

    /// Reads the object that a field is.
    pub(super) fn object(&self, name: &'static str) -> Result<Option<Object<'a>>, Fault> {
        match self.raw(name) {
            Some(raw) => Self::read(self.whole, self.place, raw.as_bytes()).map(Some),
            None => Ok(None),
        }
    }

    /// Reads the objects of the array that a field is.
    pub(super) fn objects(&self, name: &'static str) -> Result<Vec<Object<'a>>, Fault> {
        let Some(raw) = self.raw(name) else { return Ok(Vec::new()) };
        let elements: Result<Vec<&'a RawValue>, _> = serde_json::from_str(raw);
        let elements = elements.map_err(|_| self.fault(name, "is no array"))?;
        let read = |raw: &'a RawValue| Self::read(self.whole, self.place, raw.get().as_bytes());
        elements.into_iter().map(read).collect()
    }
}

impl Named for Object<'_> {
    fn fault(&self, name: &'static str, reason: impl Into<String>) -> Fault {
        let place = match self.raw(name) {
            Some(text) => place_in(self.whole, self.place, text.as_bytes()),
            None => self.place,
        };
        Fault::placed(place, name, reason)
    }

    // Returns a field as text: a string, or a number as it is written.
    fn text(&self, name: &'static str) -> Result<Option<String>, Fault> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        let text = if raw.starts_with('"') {
            serde_json::from_str(raw).map_err(|_| self.fault(name, "is no text"))?
        } else if raw.starts_with(['{', '[']) {
            return Err(self.fault(name, format!("{} is no text", quote(raw))));
        } else {
            raw.to_owned()
        };
        if text.len() > WORD_MAX {
            return Err(self.fault(name, format!("longer than {WORD_MAX} bytes")));
        }
        Ok((!text.is_empty()).then_some(text))
    }
}

/// The JSON text of a value with sorted keys and no blanks, numbers as they are written.
pub(super) fn canonical(piece: &Piece) -> Result<String, Fault> {
    let mut out = String::with_capacity(piece.text.len());
    write_canonical(piece, &piece.text, &mut out)?;
    Ok(out)
}

/// No deeper than a piece is: the walk that took it counted its levels.
fn write_canonical(piece: &Piece, text: &[u8], out: &mut String) -> Result<(), Fault> {
    let bad =
        |error: serde_json::Error| unsound(text, place_in(&piece.text, piece.place, text), &error);
    match text.first() {
        Some(b'{') => {
            let object = Object::read(&piece.text, piece.place, text)?;
            out.push('{');
            for (number, (name, value)) in object.fields.iter().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                out.push_str(&serde_json::to_string(name).map_err(bad)?);
                out.push(':');
                write_canonical(piece, value.get().as_bytes(), out)?;
            }
            out.push('}');
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_slice(text).map_err(bad)?;
            out.push('[');
            for (number, element) in elements.iter().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                write_canonical(piece, element.get().as_bytes(), out)?;
            }
            out.push(']');
        }
        Some(b'"') => {
            let text: String = serde_json::from_slice(text).map_err(bad)?;
            out.push_str(&serde_json::to_string(&text).map_err(bad)?);
        }
        _ => {
            let value: &RawValue = serde_json::from_slice(text).map_err(bad)?;
            out.push_str(value.get());
        }
    }
    Ok(())
}

/// Line and column of a part of a text that begins at a place.
fn place_in(whole: &[u8], place: (u64, u64), part: &[u8]) -> (u64, u64) {
    // A part is a slice of the whole; were it none, the place of the whole would be named.
    place_at(whole, place, part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr()))
}
