//! The frozen vectors of the formulas, and what "near enough" means.

use schwabot::units::Ratio;
use serde_json::Value;

/// Returns the cases of one family from `tests/golden/signals/vectors.json`, which
/// `tools/signal_vectors.py` made.
pub(crate) fn cases(family: &str) -> Vec<Value> {
    let text = include_str!("../golden/signals/vectors.json");
    let mut all: Value = serde_json::from_str(text).unwrap();
    match all[family].take() {
        Value::Array(cases) => cases,
        case @ Value::Object(_) => vec![case],
        other => panic!("no family {family} in the vectors, but {other}"),
    }
}

pub(crate) fn ratios(case: &Value, name: &str) -> Vec<Ratio> {
    let values = case[name].as_array().unwrap_or_else(|| panic!("{name} is no list in {case}"));
    values.iter().map(|value| Ratio::from_raw(value.as_i64().unwrap())).collect()
}

pub(crate) fn whole(case: &Value, name: &str) -> u64 {
    case[name].as_u64().unwrap_or_else(|| panic!("{name} is no whole number in {case}"))
}

pub(crate) fn small(case: &Value, name: &str) -> u32 {
    u32::try_from(whole(case, name)).unwrap()
}

pub(crate) fn text<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name].as_str().unwrap_or_else(|| panic!("{name} is no text in {case}"))
}

/// Fails unless the ratio lies within so many units of 10^-9 of the decimal text.
pub(crate) fn assert_near(got: Ratio, expected: &str, units: f64, what: &str) {
    let exact = expected.parse::<f64>().unwrap() * 1e9;
    let off = (got.raw() as f64 - exact).abs();
    assert!(off <= units, "{what}: {got} is {off} units away from {expected}");
}

/// Whole numbers from -size to size, the same at every run.
pub(crate) fn noise(seed: u64, size: i64) -> impl Iterator<Item = i64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i64 % (2 * size + 1) - size
    })
}
