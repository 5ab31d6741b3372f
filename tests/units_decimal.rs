//! Decimal text and exact numbers are two ways to write the same thing.

use proptest::prelude::*;
use schwabot::units::{Price, UnitError, parse_decimal};

#[test]
fn numbers_around_the_width_of_a_machine_word_keep_every_digit() {
    for text in [
        "9999999999999999999",
        "18446744073709551615",
        "18446744073709551616",
        "10000000000000000000000000000000000000",
        "170141183460469231731687303715884105727",
    ] {
        assert_eq!(
            parse_decimal(text.as_bytes(), 0).map(|raw| raw.to_string()).as_deref(),
            Ok(text)
        );
        let zeros = format!("{text}.{}", "0".repeat(30));
        let padded = format!("{}{text}", "0".repeat(30));
        assert_eq!(parse_decimal(padded.as_bytes(), 0), text.parse().map_err(|_| UnitError::Empty));
        let long = parse_decimal(zeros.as_bytes(), 0);
        assert!(long == parse_decimal(text.as_bytes(), 0) || long == Err(UnitError::TooLarge));
    }
    let above = b"170141183460469231731687303715884105728";
    assert_eq!(parse_decimal(above, 0), Err(UnitError::TooLarge));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(raw in (i128::MIN + 1)..=i128::MAX) {
        let price = Price::from_raw(raw);
        prop_assert_eq!(price.to_string().parse::<Price>(), Ok(price));
    }

    #[test]
    fn an_exponent_moves_the_point_and_changes_nothing_else(
        digits in 1_i64..1_000_000_000, exponent in -12_i32..18
    ) {
        let text = format!("{digits}e{exponent}");
        let expected = i128::from(digits) * 10_i128.pow((12 + exponent).unsigned_abs());
        prop_assert_eq!(parse_decimal(text.as_bytes(), 12), Ok(expected));
        let finer = format!("{digits}1e-13");
        prop_assert_eq!(
            parse_decimal(finer.as_bytes(), 12), Err(UnitError::TooFine { scale_digits: 12 })
        );
    }
}
