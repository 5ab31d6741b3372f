//! Words: bits as documented, laws of complement and distance, entropy of the order of values.

use proptest::prelude::*;
use schwabot::signals::*;
use schwabot::units::Ratio;

use crate::support::vectors::{assert_near, cases, ratios, small, text, whole};

fn word(value: u64, width: u8) -> UpDownWord {
    UpDownWord::new(value, width).unwrap()
}

#[test]
fn bit_flips_are_those_of_the_scenario() {
    for (value, width, flipped, shown) in
        [(5, 4, 10, "1010"), (10, 4, 5, "0101"), (255, 8, 0, "00000000"), (15, 4, 0, "0000")]
    {
        let flip = word(value, width).complement();
        assert_eq!((flip.value(), flip.to_string().as_str()), (flipped, shown));
        assert_eq!(word(value, width).hamming(flip), Ok(u32::from(width)));
    }
}

#[test]
fn the_newest_bar_is_the_lowest_bit_and_a_tie_is_down() {
    // 43000, 43200, 43100, 43300, 43250, 43400: up, down, up, down, up.
    let mut window = WordWindow::new(5).unwrap();
    for change in [200, -100, 200, -50, 150] {
        assert_eq!(window.word(), None);
        window.push(Ratio::from_raw(change));
    }
    assert_eq!(window.word().unwrap().to_string(), "10101");
    window.push(Ratio::ZERO);
    assert_eq!(window.word().unwrap().to_string(), "01010");
    window.push(Ratio::from_raw(1));
    assert_eq!(window.word().unwrap().to_string(), "10101");
    assert_eq!(window.word().unwrap().sign_changes(), 4);
    window.clear();
    assert_eq!(Ok(window), WordWindow::new(5));
}

#[test]
fn a_word_has_2_to_64_bits_and_no_more_than_its_width() {
    for width in [0, 1, 65, 255] {
        assert!(UpDownWord::new(0, width).is_err() && WordWindow::new(width).is_err());
    }
    assert!(UpDownWord::new(0b100, 2).is_err());
    assert_eq!(word(u64::MAX, 64).complement().value(), 0);
    assert_eq!(word(0b10, 2).sign_changes(), 1);
    assert_eq!(word(0xAAAA_AAAA_AAAA_AAAA, 64).sign_changes(), 63);
    let apart = word(0, 4).hamming(word(0, 8));
    assert_eq!(apart, Err(SignalError::LengthMismatch { left: 4, right: 8 }));
}

#[test]
fn a_window_is_rebuilt_only_from_bits_that_it_had() {
    assert!(WordWindow::rebuilt(word(0b0100, 4), 2).is_err(), "a third bit, of two seen");
    assert!(WordWindow::rebuilt(word(0b0001, 4), 0).is_err());
    assert!(WordWindow::rebuilt(word(0, 4), 5).is_err());
    assert_eq!(WordWindow::rebuilt(word(0, 4), 0), WordWindow::new(4));
    let full = WordWindow::rebuilt(word(u64::MAX, 64), 64).unwrap();
    assert_eq!(full.word(), Some(word(u64::MAX, 64)));
}

#[test]
fn the_runs_test_is_that_of_the_frozen_vectors() {
    for case in cases("runs") {
        let width = u8::try_from(small(&case, "width")).unwrap();
        let score = word(text(&case, "word").parse().unwrap(), width).runs_score().unwrap();
        assert_near(score, text(&case, "score"), 1.0, &width.to_string());
    }
    assert_eq!(word(0, 8).runs_score(), None);
    assert_eq!(word(255, 8).runs_score(), None);
    assert_eq!(word(0b01, 2).runs_score(), None, "one up and one down always make two runs");
}

#[test]
fn permutation_entropy_is_that_of_the_frozen_vectors() {
    for case in cases("entropy") {
        let order = whole(&case, "order") as usize;
        let got = permutation_entropy(&ratios(&case, "values"), order).unwrap();
        assert_near(got, text(&case, "entropy"), 1.0, &format!("order {order}"));
    }
}

#[test]
fn permutation_entropy_knows_order_from_disorder() {
    let rising: Vec<Ratio> = (0..50).map(Ratio::from_raw).collect();
    assert_eq!(permutation_entropy(&rising, 4), Ok(Ratio::ZERO));
    let flat = [Ratio::ONE; 20];
    assert_eq!(permutation_entropy(&flat, 3), Ok(Ratio::ZERO), "ties keep their order in time");
    let turning: Vec<Ratio> = (0..51).map(|bar| Ratio::from_raw(bar % 2)).collect();
    assert_eq!(permutation_entropy(&turning, 2), Ok(Ratio::ONE), "as many rises as falls");
    for order in [0, 1, 8] {
        assert!(permutation_entropy(&rising, order).is_err());
    }
    let few = SignalError::TooFew { signal: "permutation entropy", needed: 4, met: 3 };
    assert_eq!(permutation_entropy(&rising[..3], 4), Err(few));
}

fn three_words() -> impl Strategy<Value = (UpDownWord, UpDownWord, UpDownWord)> {
    (2_u8..=64, any::<[u64; 3]>()).prop_map(|(width, values)| {
        let [a, b, c] = values.map(|value| word(value >> (64 - u32::from(width)), width));
        (a, b, c)
    })
}

proptest! {
    #[test]
    fn complement_is_an_involution_and_mirrors_the_path((a, b, _) in three_words()) {
        prop_assert_eq!(a.complement().complement(), a);
        prop_assert_eq!(a.complement().ups(), u32::from(a.width()) - a.ups());
        prop_assert_eq!(a.complement().sign_changes(), a.sign_changes());
        prop_assert_eq!(a.complement().hamming(b.complement()), a.hamming(b));
        prop_assert_eq!(a.complement().runs_score(), a.runs_score());
    }

    #[test]
    fn hamming_is_a_metric((a, b, c) in three_words()) {
        let d = |x: UpDownWord, y| x.hamming(y).unwrap();
        prop_assert_eq!(d(a, b) == 0, a == b);
        prop_assert_eq!(d(a, b), d(b, a));
        prop_assert!(d(a, c) <= d(a, b) + d(b, c));
        prop_assert_eq!(d(a, b) + d(a.complement(), b), u32::from(a.width()));
    }

    #[test]
    fn a_window_holds_the_signs_of_the_last_bars(
        values in prop::collection::vec(-2_i64..=2, 0..150), width in 2_u8..=64,
    ) {
        let mut window = WordWindow::new(width).unwrap();
        values.iter().for_each(|raw| window.push(Ratio::from_raw(*raw)));
        let (bits, seen) = window.bits();
        prop_assert_eq!(WordWindow::rebuilt(bits, seen), Ok(window));
        let expected = (values.len() >= usize::from(width)).then(|| {
            let last = &values[values.len() - usize::from(width)..];
            last.iter().map(|raw| if *raw > 0 { '1' } else { '0' }).collect::<String>()
        });
        prop_assert_eq!(window.word().map(|word| word.to_string()), expected.clone());
        if let (Some(word), Some(path)) = (window.word(), expected) {
            let turns = path.as_bytes().windows(2).filter(|pair| pair[0] != pair[1]).count();
            prop_assert_eq!(word.sign_changes() as usize, turns);
        }
    }

    #[test]
    fn permutation_entropy_sees_only_the_order(
        values in prop::collection::vec(-1_000_i64..1_000, 7..60), order in 2_usize..=7,
    ) {
        let entropy = |map: fn(i64) -> i64| {
            let mapped: Vec<Ratio> = values.iter().map(|raw| Ratio::from_raw(map(*raw))).collect();
            permutation_entropy(&mapped, order).unwrap()
        };
        let plain = entropy(|raw| raw);
        prop_assert!((Ratio::ZERO..=Ratio::ONE).contains(&plain));
        prop_assert_eq!(plain, entropy(|raw| raw * raw * raw + 5));
    }
}
