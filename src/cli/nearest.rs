//! What a mistyped word was meant to be.

/// Below this words are not alike.
const ALIKE_PERMILLE: u32 = 650;

/// The known word that is most like this one, if any is.
pub(super) fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let word = word.to_ascii_lowercase();
    let scored = known.map(|known| (likeness(&word, known), known));
    let best = scored.max_by_key(|(likeness, _)| *likeness)?;
    (best.0 >= ALIKE_PERMILLE).then_some(best.1)
}

/// How alike two words are, in thousandths: edits (a swap is one) against the longer of the two.
fn likeness(one: &str, other: &str) -> u32 {
    let longest = one.chars().count().max(other.chars().count()).max(1);
    let edits = strsim::damerau_levenshtein(one, other).min(longest);
    u32::try_from(1000 * (longest - edits) / longest).unwrap_or_default()
}
