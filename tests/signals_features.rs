//! Features: frozen z-scores are exact, cosines follow the frozen vectors and their invariances.

use proptest::prelude::*;
use schwabot::signals::*;
use schwabot::units::Ratio;

use crate::support::vectors::{assert_near, cases, ratios, text};

fn vector(raws: &[i64]) -> Vec<Ratio> {
    raws.iter().copied().map(Ratio::from_raw).collect()
}

#[test]
fn cosines_are_those_of_the_frozen_vectors() {
    for case in cases("cosines") {
        let (left, right) = (ratios(&case, "left"), ratios(&case, "right"));
        let what = format!("{} features", left.len());
        assert_near(cosine_similarity(&left, &right).unwrap(), text(&case, "cosine"), 1.0, &what);
    }
}

#[test]
fn a_vector_without_length_has_no_direction() {
    let refused = Err(SignalError::NotPositive { input: "the length of a vector" });
    assert_eq!(cosine_similarity(&vector(&[0, 0]), &vector(&[1, 2])), refused);
    assert_eq!(cosine_similarity(&[], &[]), refused);
    let mismatch = Err(SignalError::LengthMismatch { left: 1, right: 2 });
    assert_eq!(cosine_similarity(&vector(&[1]), &vector(&[1, 2])), mismatch);
    let widest = vector(&[i64::MIN, i64::MAX]);
    assert_eq!(cosine_similarity(&widest, &widest), Ok(Ratio::ONE));
}

#[test]
fn a_scaling_needs_values_that_vary() {
    let mut warm_up = Moments::default();
    warm_up.push(Ratio::ONE).unwrap();
    let few = SignalError::TooFew { signal: "the scaling", needed: 2, met: 1 };
    assert_eq!(FeatureScaling::frozen(&warm_up), Err(few));
    warm_up.push(Ratio::ONE).unwrap();
    let flat = SignalError::NoVariance { input: "the values of the warm-up" };
    assert_eq!(FeatureScaling::frozen(&warm_up), Err(flat));
    let read = FeatureScaling { mean: Ratio::ONE, deviation: Ratio::ZERO };
    assert_eq!(read.z(Ratio::ONE), Err(flat), "from a record that nobody froze");
}

#[test]
fn a_z_score_is_exact_and_refused_beyond_its_scale() {
    let scaling = FeatureScaling { mean: Ratio::from_raw(7), deviation: Ratio::from_raw(3) };
    assert_eq!(scaling.z(Ratio::from_raw(7)), Ok(Ratio::ZERO));
    assert_eq!(scaling.z(Ratio::from_raw(8)).map(Ratio::raw), Ok(333_333_333));
    assert_eq!(scaling.z(Ratio::from_raw(5)).map(Ratio::raw), Ok(-666_666_667));
    let beyond = Err(SignalError::OutOfRange { signal: "scaled feature" });
    assert_eq!(scaling.z(Ratio::MAX), beyond);
    assert_eq!(scaling.z(Ratio::from_raw(i64::MIN)), beyond);
    // A tie: half a unit goes to the even one.
    let coarse = FeatureScaling { mean: Ratio::ZERO, deviation: Ratio::from_raw(2_000_000_000) };
    let z = |raw| coarse.z(Ratio::from_raw(raw)).map(Ratio::raw);
    assert_eq!((z(1), z(3), z(-1), z(-3)), (Ok(0), Ok(2), Ok(0), Ok(-2)));
}

proptest! {
    #[test]
    fn scores_of_the_warm_up_itself_have_mean_zero_and_deviation_one(
        raws in prop::collection::vec(-9_000_000_000_i64..9_000_000_000, 3..80),
    ) {
        let mut warm_up = Moments::default();
        raws.iter().for_each(|raw| warm_up.push(Ratio::from_raw(*raw)).unwrap());
        prop_assume!(warm_up.deviation().unwrap().raw() > 10_000_000);
        let scaling = FeatureScaling::frozen(&warm_up).unwrap();
        let mut scores = Moments::default();
        for raw in &raws {
            scores.push(scaling.z(Ratio::from_raw(*raw)).unwrap()).unwrap();
        }
        // Mean and deviation were rounded to 10^-9 of deviations of at least 0.01.
        prop_assert!(scores.mean().unwrap().raw().abs() <= 100);
        prop_assert!((scores.deviation().unwrap().raw() - Ratio::ONE.raw()).abs() <= 200);
    }

    #[test]
    fn a_cosine_is_symmetric_within_one_and_blind_to_length(
        pairs in prop::collection::vec((-4_000_000_i64..4_000_000, -4_000_000_i64..4_000_000), 1..20),
        factor in 1_i64..1_000_000,
    ) {
        let left: Vec<i64> = pairs.iter().map(|pair| pair.0).collect();
        let right: Vec<i64> = pairs.iter().map(|pair| pair.1).collect();
        prop_assume!(left.iter().any(|x| *x != 0) && right.iter().any(|x| *x != 0));
        let cosine = |a: &[i64], b: &[i64]| cosine_similarity(&vector(a), &vector(b)).unwrap();
        let plain = cosine(&left, &right);
        prop_assert!(plain.raw().abs() <= Ratio::ONE.raw());
        prop_assert_eq!(plain, cosine(&right, &left));
        prop_assert!((cosine(&left, &left).raw() - Ratio::ONE.raw()).abs() <= 1);
        let longer: Vec<i64> = left.iter().map(|x| x * factor).collect();
        let turned: Vec<i64> = left.iter().map(|x| -x).collect();
        prop_assert!((cosine(&longer, &right).raw() - plain.raw()).abs() <= 1);
        prop_assert_eq!(cosine(&turned, &right).raw(), -plain.raw());
    }
}
