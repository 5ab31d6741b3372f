//! Exact quantities: identities, rounding, refusal to overflow.

use proptest::prelude::*;
use schwabot::units::*;

fn exact(raw: i128) -> MoneyExact {
    MoneyExact::from_raw(raw)
}

proptest! {
    #[test]
    fn a_printed_number_reads_back_as_itself(raw in any::<i128>(), ratio in any::<i64>()) {
        prop_assume!(raw != i128::MIN);
        let price = Price::from_raw(raw);
        prop_assert_eq!(price.to_string().parse(), Ok(price));
        let money = exact(raw);
        prop_assert_eq!(money.to_string().parse(), Ok(money));
        let ratio = Ratio::from_raw(ratio);
        prop_assert_eq!(ratio.to_string().parse(), Ok(ratio));
    }

    #[test]
    fn an_exponent_only_moves_the_point(digits in 1_i128..1_000_000, exponent in -12_i32..12) {
        let text = format!("{digits}e{exponent}");
        let expected = if exponent >= 0 {
            digits * 10_i128.pow(exponent.unsigned_abs() + 12)
        } else {
            digits * 10_i128.pow(12 - exponent.unsigned_abs())
        };
        prop_assert_eq!(text.parse(), Ok(Price::from_raw(expected)));
    }

    #[test]
    fn any_text_is_read_or_refused_and_never_panics(text in "[-+0-9.eE]{0,60}|\\PC{0,12}") {
        let _ = text.parse::<Price>();
        let _ = parse_decimal(text.as_bytes(), 24);
    }

    #[test]
    fn what_is_added_and_taken_away_leaves_the_same(a in any::<i128>(), b in any::<i128>()) {
        let (a, b) = (exact(a), exact(b));
        match a.plus(b) {
            Ok(sum) => prop_assert_eq!(sum.minus(b), Ok(a)),
            Err(error) => prop_assert_eq!(error, UnitError::Overflow { operation: "addition" }),
        }
    }

    #[test]
    fn a_sum_does_not_depend_on_its_order_unless_a_part_of_it_does_not_fit(
        a in any::<i128>(), b in any::<i128>(), c in any::<i128>(),
    ) {
        let (a, b, c) = (exact(a), exact(b), exact(c));
        prop_assert_eq!(a.plus(b), b.plus(a));
        let left = a.plus(b).and_then(|sum| sum.plus(c));
        let right = b.plus(c).and_then(|sum| a.plus(sum));
        if let (Ok(left), Ok(right)) = (left, right) {
            prop_assert_eq!(left, right);
        }
        let zero = exact(0);
        prop_assert_eq!(a.plus(zero), Ok(a));
        prop_assert_eq!(a.minus(a), Ok(zero));
        if let Ok(negated) = a.negated() {
            prop_assert_eq!(a.plus(negated), Ok(zero));
            prop_assert_eq!(b.minus(a).ok(), b.plus(negated).ok());
        }
    }

    #[test]
    fn a_position_is_worth_the_sum_of_its_parts(
        price in -10_i128.pow(18)..10_i128.pow(18),
        first in -10_i128.pow(18)..10_i128.pow(18),
        second in -10_i128.pow(18)..10_i128.pow(18),
    ) {
        let (price, first, second) =
            (Price::from_raw(price), Quantity::from_raw(first), Quantity::from_raw(second));
        let parts = price.times(first).unwrap().plus(price.times(second).unwrap());
        prop_assert_eq!(price.times(first.plus(second).unwrap()), parts);
        let (higher, lower) = (price.plus(price).unwrap(), price);
        let twice = lower.times(first).unwrap().plus(lower.times(first).unwrap());
        prop_assert_eq!(higher.times(first), twice);
    }

    #[test]
    fn a_product_is_exact_or_refused(price in any::<i128>(), quantity in any::<i128>()) {
        let (by_price, by_quantity) = (Price::from_raw(price), Quantity::from_raw(quantity));
        match (by_price.times(by_quantity), price.checked_mul(quantity)) {
            (Ok(product), Some(raw)) => prop_assert_eq!(product.raw(), raw),
            (Err(error), None) => {
                prop_assert!(matches!(error, UnitError::Overflow { .. }), "{error:?}");
            }
            (met, expected) => prop_assert!(false, "{met:?}, and exactly it is {expected:?}"),
        }
    }

    #[test]
    fn a_fee_is_the_product_rounded_half_even(amount in -10_i128.pow(26)..10_i128.pow(26), rate in 0_i64..1_000_000_000) {
        // The product fits an i128 here, so it can be rounded directly.
        let product = amount * i128::from(rate);
        let divisor = 10_i128.pow(21);
        let (floor, rest) = (product.div_euclid(divisor), product.rem_euclid(divisor));
        let up = rest * 2 > divisor || (rest * 2 == divisor && floor % 2 != 0);
        let fee = exact(amount).fee_at(Ratio::from_raw(rate)).unwrap();
        prop_assert_eq!(fee.raw(), floor + i128::from(up));
    }

    #[test]
    fn steps_round_against_the_taker(raw in 0_i128..10_i128.pow(20), step in 1_i128..10_i128.pow(9)) {
        let (price, tick) = (Price::from_raw(raw), Price::from_raw(step));
        let (down, up) = (price.round_down_to(tick).unwrap(), price.round_up_to(tick).unwrap());
        prop_assert!(down <= price && price <= up && up.raw() - down.raw() <= step);
        prop_assert_eq!((down.raw() % step, up.raw() % step), (0, 0));
    }

    #[test]
    fn a_budget_buys_the_most_that_it_can_pay(budget in 0_i128..10_i128.pow(36), raw in 1_i128..10_i128.pow(18)) {
        let price = Price::from_raw(raw);
        let bought = exact(budget).quantity_at(price).unwrap();
        prop_assert!(price.times(bought).unwrap() <= exact(budget));
        let more = Quantity::from_raw(bought.raw() + 1);
        prop_assert!(price.times(more).unwrap() > exact(budget));
    }

    #[test]
    fn a_mean_is_within_half_a_unit_of_the_truth(sum in -10_i128.pow(30)..10_i128.pow(30), count in 1_u64..1_000_000) {
        let mean = exact(sum).divided_by(count).unwrap().raw();
        let off = (mean * i128::from(count) - sum).abs() * 2;
        prop_assert!(off <= i128::from(count));
        prop_assert!(off < i128::from(count) || mean % 2 == 0);
    }
}

#[test]
fn ties_round_to_the_even_neighbour_on_both_sides_of_zero() {
    for (raw, rounded) in [(5, 0), (15, 2), (25, 2), (-5, 0), (-15, -2), (-25, -2), (26, 3)] {
        let tenth = exact(raw * 10_i128.pow(11));
        assert_eq!(tenth.rounded(), Money::from_raw(rounded), "{raw}");
    }
    let up = Price::from_raw(1).changed_by(Ratio::from_raw(500_000_000)).unwrap();
    assert_eq!(up.raw(), 1); // the change 0.5 rounds to 0
    let up = Price::from_raw(3).changed_by(Ratio::from_raw(500_000_000)).unwrap();
    assert_eq!(up.raw(), 5); // the change 1.5 rounds to 2
}

#[test]
fn what_does_not_fit_is_refused() {
    assert!(Price::MAX.plus(Price::from_raw(1)).is_err());
    assert!(Price::MAX.times(Quantity::ONE).is_err());
    assert!(Money::MAX.exact().is_err());
    assert!(MoneyExact::MAX.fee_at(Ratio::MAX).is_err());
    assert!(exact(i128::MIN).negated().is_err());
    assert!(Price::ONE.round_up_to(Price::ZERO).is_err());
    assert!(MoneyExact::ONE.quantity_at(Price::ZERO).is_err());
    assert_eq!(MoneyExact::ONE.divided_by(0), None);
    assert_eq!("1e400".parse::<Price>(), Err(UnitError::TooLarge));
    assert_eq!("0.0000000000001".parse::<Price>(), Err(UnitError::TooFine { scale_digits: 12 }));
    assert_eq!("".parse::<Price>(), Err(UnitError::Empty));
    assert_eq!("-".parse::<Price>(), Err(UnitError::Empty));
    assert_eq!("1.2.3".parse::<Price>(), Err(UnitError::BadCharacter { index: 3 }));
}

#[test]
fn a_share_of_counts_is_rounded_half_even() {
    assert_eq!(Ratio::of_counts(1, 3).unwrap().to_string(), "0.333333333");
    assert_eq!(Ratio::of_counts(2, 3).unwrap().to_string(), "0.666666667");
    assert_eq!(Ratio::of_counts(1, 2_000_000_000).unwrap(), Ratio::ZERO);
    assert_eq!(Ratio::of_counts(3, 2_000_000_000).unwrap(), Ratio::from_raw(2));
    assert_eq!(Ratio::of_counts(1, 0), None);
}
