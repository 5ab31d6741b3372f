//! The file of settings: read with the line of each, and written as an explained empty one.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{ConfigError, KEYS, Key};
use crate::cli::nearest::nearest;

/// A setting of the file: which, its text, and its line.
type Found = (&'static Key, String, usize);

/// Reads all settings of a file.
pub(super) fn parse(path: &Path, text: &str) -> Result<Vec<Found>, ConfigError> {
    let line_of = |offset: usize| 1 + text[..offset].matches('\n').count();
    let refuse = |offset: usize, reason: String| ConfigError::Syntax {
        path: path.to_owned(),
        line: line_of(offset),
        reason,
    };
    let table = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start.min(text.len()));
        refuse(offset, error.message().to_owned())
    })?;
    let mut found = Vec::new();
    let mut waiting: Vec<(String, &Spanned<_>, &Spanned<DeValue<'_>>)> = table
        .get_ref()
        .iter()
        .map(|(name, value)| (name.get_ref().to_string(), name, value))
        .collect();
    while let Some((name, place, value)) = waiting.pop() {
        let offset = place.span().start;
        let key = KEYS.iter().find(|key| key.name == name);
        let section = format!("{name}.");
        match (key, value.get_ref()) {
            (None, DeValue::Table(inner)) if KEYS.iter().any(|k| k.name.starts_with(&section)) => {
                waiting.extend(
                    inner.iter().map(|(inner, value)| {
                        (format!("{section}{}", inner.get_ref()), inner, value)
                    }),
                );
            }
            (None, _) => {
                let near = nearest(&name, KEYS.iter().map(|key| key.name));
                let near = near.map_or_else(
                    || "`schwabot config show` lists all".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                return Err(refuse(offset, format!("there is no setting `{name}`; {near}")));
            }
            (Some(key), value_of) => {
                let span = value.span();
                let said = match value_of {
                    DeValue::String(said) => said.to_string(),
                    // As it is written, never by way of a float.
                    DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) => {
                        text[span].replace('_', "")
                    }
                    _ => return Err(refuse(offset, format!("`{name}` takes one value"))),
                };
                found.push((key, said, line_of(offset)));
            }
        }
    }
    Ok(found)
}

/// The file that explains every setting and sets none.
pub(super) fn template() -> String {
    let mut text = "\
# What schwabot starts from. Each line that begins with a name, once its `#` is removed, is the
# default of a flag: default < this file < environment < flag. Paths are relative to this file.
# `schwabot config show --origin` says what holds, and why.
"
    .to_owned();
    let mut section = "";
    for key in KEYS {
        let (own, name) = key.name.split_once('.').unwrap_or(("", key.name));
        if own != section {
            section = own;
            text += &format!(
                "\n# What `{own} --config FILE` reads in a run file; then this section is not \
                 read.\n\
                 [{own}]\n"
            );
        }
        let usual = key.usual.map(|usual| format!(" (default: {usual})")).unwrap_or_default();
        let variable = key.variable();
        text += &format!("\n# {}{usual}; {variable}\n#{name} = {}\n", key.about, key.example);
    }
    text
}
