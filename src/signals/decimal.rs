//! Decimal text as another language's floats print it.
//!
//! The earlier system hashed Python's `repr` of floats. To reproduce such a hash, text is read to
//! the nearest double (ties to even) and printed with the fewest digits that read back as it.

/// Returns the text that Python's `repr` gives for the double nearest to this decimal text.
///
/// Only plain decimals: zero, and magnitudes from 10^-4 up to (not including) 10^16, where Python
/// prints no exponent. Anything else, and text that is no decimal number, gives `None`.
///
/// # Examples
/// ```
/// use schwabot::signals::python_float_text;
/// assert_eq!(python_float_text("50").as_deref(), Some("50.0"));
/// assert_eq!(python_float_text("1752166552.002423800").as_deref(), Some("1752166552.0024238"));
/// assert_eq!(python_float_text("0.1000000000000000055").as_deref(), Some("0.1"));
/// assert_eq!(python_float_text("1e16"), None); // Python would print 1e+16
/// assert_eq!(python_float_text("nan"), None);
/// ```
#[must_use]
pub fn python_float_text(decimal: &str) -> Option<String> {
    let value = nearest_float(decimal)?;
    let magnitude = value.abs();
    let plain = value == 0.0 || (1e-4..1e16).contains(&magnitude);
    // Inside this range the debug form is plain too, and holds at least one digit after the point.
    plain.then(|| format!("{value:?}"))
}

/// Returns the shortest decimal text that reads back as the double with these bits, with an
/// exponent where that is usual; none where it is not finite.
///
/// # Examples
/// ```
/// use schwabot::signals::shortest_float_text;
/// assert_eq!(shortest_float_text(0x3fb9_9999_9999_999a).as_deref(), Some("0.1"));
/// assert_eq!(shortest_float_text(0x3e45_798e_e230_8c3a).as_deref(), Some("1e-8"));
/// assert_eq!(shortest_float_text(0x7ff0_0000_0000_0000), None);
/// ```
#[must_use]
pub fn shortest_float_text(bits: u64) -> Option<String> {
    let value = f64::from_bits(bits);
    value.is_finite().then(|| format!("{value:?}"))
}

/// Reads decimal text to the nearest finite double.
fn nearest_float(decimal: &str) -> Option<f64> {
    // The standard parser also takes "inf" and "nan"; decimal numbers hold none of their letters.
    let decimal_only =
        decimal.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
    let value = decimal_only.then(|| decimal.parse::<f64>().ok()).flatten()?;
    value.is_finite().then_some(value)
}
