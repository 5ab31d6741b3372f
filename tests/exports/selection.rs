//! Which trial to believe: choices see no future, and every figure knows how many trials there were.

use schwabot::projections::{CurvePoint, EquityCurve};
use schwabot::report::{
    Judgement, SelectionError, SharpeEstimate, Trials, WalkForward, deflated_sharpe, judge,
    overfitting, probabilistic_sharpe, selection_page,
};
use schwabot::time::Span;
use schwabot::units::{MoneyExact, Price, Ratio};
use serde_json::Value;

use crate::support::TestResult;
use crate::support::cli::{Place, run, walk};
use crate::support::runs::Dice;

fn money(value: f64) -> MoneyExact {
    MoneyExact::from_raw((value * 1e9).round() as i128 * 10_i128.pow(15))
}

/// A curve of these returns in hours, with a share of equity invested all the time.
fn curve(returns: &[f64], invested: f64) -> EquityCurve {
    let mut value = 1_000.0;
    let points = (100..).zip(returns).map(|(period, one)| {
        value *= 1.0 + one;
        CurvePoint {
            period,
            equity: Some(money(value)),
            cash: money(value * (1.0 - invested)),
            closes: vec![Some(Price::from_raw((value * 1e12) as i128))],
        }
    });
    EquityCurve {
        period: Span::from_nanos(3_600_000_000_000),
        currency: "USDC".to_owned(),
        opening: money(1_000.0),
        pairs: vec!["BTC/USDC".to_owned()],
        opens: vec![Some(Price::from_raw(1_000 * 10_i128.pow(12)))],
        side_cost: "0.01".parse::<Ratio>().unwrap(),
        trades: 1,
        bars: 1,
        keys: None,
        points: points.collect(),
    }
}

fn judged(rows: &[Vec<f64>], plan: Option<WalkForward>) -> Result<Judgement, SelectionError> {
    let curves: Vec<EquityCurve> = rows.iter().map(|row| curve(row, 0.0)).collect();
    judge(&curves.iter().collect::<Vec<_>>(), plan)
}

const PLAN: WalkForward = WalkForward { train: 4, test: 2, step: 2 };

/// Good first and bad then, and the other way round.
fn turning() -> [Vec<f64>; 2] {
    let up = [0.02, 0.01, 0.02, 0.01, -0.03, -0.02, -0.03, -0.02];
    let down = [-0.01, -0.02, -0.01, -0.02, 0.05, 0.04, 0.05, 0.04];
    [up.to_vec(), down.to_vec()]
}

#[test]
fn a_choice_is_made_on_what_was_and_judged_on_what_came() -> TestResult {
    let judged = judged(&turning(), Some(PLAN))?;
    let followed = judged.followed.unwrap();
    let first = followed.windows[0];
    assert_eq!(first.chosen, 0, "it was the better one while it was looked at");
    assert!((first.test_return.unwrap() - (0.97 * 0.98 - 1.0)).abs() < 1e-9);
    assert!(followed.windows[1].test_from == first.test_to);
    // In hindsight the other was better from the start, and nobody knew.
    let expected = 0.97 * 0.98 * 1.05 * 1.04 - 1.0;
    assert!((followed.figures.total_return.unwrap() - expected).abs() < 1e-9);
    assert_eq!(followed.figures.returns, 4);
    Ok(())
}

#[test]
fn what_comes_behind_a_window_changes_nothing_in_it() -> TestResult {
    let mut dice = Dice(7);
    let mut noise = |_| (dice.below(2_001) as f64 - 1_000.0) / 1e5;
    let rows: Vec<Vec<f64>> = (0..5).map(|_| (0..40).map(&mut noise).collect()).collect();
    let before = judged(&rows, Some(PLAN))?.followed.unwrap();
    for cut in [6, 13, 20, 33] {
        let mut other = rows.clone();
        for row in &mut other {
            row[cut..].iter_mut().for_each(|one| *one = noise(0));
        }
        let after = judged(&other, Some(PLAN))?.followed.unwrap();
        let whole = |index: &usize| 4 + 2 * index + 2 <= cut;
        for index in (0..before.windows.len()).filter(whole) {
            assert_eq!(before.windows[index], after.windows[index], "cut at {cut}");
        }
        // The choice of the window that the cut falls into was made before.
        let over = (0..before.windows.len()).find(|index| !whole(index)).unwrap();
        if 4 + 2 * over <= cut {
            assert_eq!(before.windows[over].chosen, after.windows[over].chosen);
        }
        let points = (cut - 4) / 2 * 2;
        assert_eq!(before.curve[..points], after.curve[..points]);
    }
    Ok(())
}

#[test]
fn bars_behind_a_window_change_nothing_before_its_end() -> TestResult {
    let place = Place::new()?;
    // 40 hours of the same bars, then two different futures.
    let (same, all) = (2_400, 3_600);
    let text = walk(3, all);
    let other: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(row, line)| {
            let parts: Vec<&str> = line.split(',').collect();
            if row <= same { line.to_owned() } else { format!("{},9,9,9,9,7", parts[0]) }
        })
        .collect();
    place.write("one.csv", &text)?;
    place.write("two.csv", &other.join("\n"))?;
    let mut told: Vec<Value> = Vec::new();
    for name in ["one.csv", "two.csv"] {
        let data = format!("BTC/USDC={}", place.arg(name));
        let mut arguments = vec!["sweep", "--data", &data, "--interval", "1m", "--no-ledgers"];
        arguments.extend(["--format", "json"]);
        arguments.extend(["--param", "fast=5,10,20", "--param", "slow=30,60"]);
        arguments.extend(["--walk-forward", "20h:5h"]);
        let ran = run(&arguments)?;
        told.push(ran.json().map_err(|error| format!("{error}: {}", ran.err))?);
    }
    let windows = |told: &Value| told["walk_forward"]["windows"].as_array().unwrap().clone();
    let (one, two) = (windows(&told[0]), windows(&told[1]));
    assert_eq!(one.len(), 8);
    assert_eq!(one[..4], two[..4], "the windows that end within the 40 hours");
    assert_ne!(one[4..], two[4..], "the others saw another market");
    let points = |told: &Value| told["walk_forward"]["curve"].as_array().unwrap()[..20].to_vec();
    assert_eq!(points(&told[0]), points(&told[1]));
    Ok(())
}

#[test]
fn going_over_to_another_trial_is_paid_for() -> TestResult {
    let rows = turning();
    let curves = [curve(&rows[0], 0.5), curve(&rows[1], 0.25)];
    let plan = WalkForward { train: 4, test: 2, step: 2 };
    let followed = judge(&[&curves[0], &curves[1]], Some(plan))?.followed.unwrap();
    let costs: Vec<f64> = followed.windows.iter().map(|window| window.change_cost).collect();
    // To enter: a side of a half. Then it goes over: a side of a half and one of a quarter.
    assert_eq!(followed.windows.iter().map(|window| window.chosen).collect::<Vec<_>>(), [0, 1]);
    assert!((costs[0] - 0.005).abs() < 1e-9 && (costs[1] - 0.0075).abs() < 1e-9, "{costs:?}");
    let expected = (0.97 * (1.0 - 0.005)) * 0.98 - 1.0;
    assert!((followed.windows[0].test_return.unwrap() - expected).abs() < 1e-9);
    Ok(())
}

#[test]
fn figures_are_deflated_by_all_trials_and_say_so() -> TestResult {
    let mut dice = Dice(11);
    let mut row =
        || -> Vec<f64> { (0..400).map(|_| (dice.below(2_001) as f64 - 1_000.0) / 1e5).collect() };
    let rows: Vec<Vec<f64>> = (0..30).map(|_| row()).collect();
    let judged = judged(&rows, None)?;
    let best = judged.ranked[0].whole;
    assert_eq!((judged.trials, best.trials), (30, 30));
    let sharpes: Vec<f64> = judged.ranked.iter().map(|one| one.whole.sharpe.unwrap()).collect();
    assert!(sharpes.is_sorted_by(|left, right| left >= right), "best first");
    let mean = sharpes.iter().sum::<f64>() / 30.0;
    let variance = sharpes.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / 29.0;
    assert!((best.sharpe_variance.unwrap() - variance).abs() < 1e-12);
    let returns = &rows[judged.ranked[0].trial];
    let estimate = SharpeEstimate::of(returns).unwrap();
    let trials = Trials { count: 30, sharpe_variance: variance };
    let expected = deflated_sharpe(&estimate, &trials).unwrap();
    assert!((best.deflated_sharpe.unwrap() - expected).abs() < 1e-6);
    // The best of thirty without any skill is convincing alone, and not when all are counted.
    let alone = probabilistic_sharpe(&estimate, 0.0).unwrap();
    assert!(alone > 0.9 && expected < 0.5, "{alone} {expected}");
    Ok(())
}

#[test]
fn chance_is_told_from_skill_by_cross_validation() {
    let mut dice = Dice(5);
    let mut noise = |lift: f64| -> Vec<f64> {
        (0..320).map(|_| (dice.below(2_001) as f64 - 1_000.0) / 1e5 + lift).collect()
    };
    let chance: Vec<Vec<f64>> = (0..20).map(|_| noise(0.0)).collect();
    let mut skill = chance.clone();
    skill.push(noise(0.006));
    let (chance, skill) = (overfitting(&chance).unwrap(), overfitting(&skill).unwrap());
    assert_eq!((chance.blocks, chance.ways), (16, 12_870));
    assert!(chance.probability > 0.25, "{chance:?}");
    assert!(skill.probability < 0.01, "{skill:?}");
    assert_eq!(overfitting(&[vec![0.1; 320]]), None, "one trial is no choice");
    assert_eq!(overfitting(&vec![vec![0.1, 0.2, 0.3]; 4]), None);
}

#[test]
fn plans_that_judge_twice_or_fit_nowhere_are_refused() {
    let rows = turning();
    let overlap = WalkForward { train: 4, test: 2, step: 1 };
    assert!(matches!(judged(&rows, Some(overlap)), Err(SelectionError::Overlap { .. })));
    let long = WalkForward { train: 8, test: 1, step: 1 };
    assert!(matches!(judged(&rows, Some(long)), Err(SelectionError::TooShort { .. })));
    assert_eq!(judge(&[], None), Err(SelectionError::Nothing));
}

#[test]
fn more_periods_than_memory_holds_are_refused_and_the_flag_is_named() {
    let mut wide = curve(&[0.1, 0.2, 0.1], 0.0);
    wide.points[2].period += 60_000_000;
    let refused = judge(&[&wide], None).unwrap_err();
    assert!(matches!(refused, SelectionError::TooMany { trials: 1, .. }), "{refused}");
    assert!(refused.to_string().contains("--period"), "{refused}");
}

#[test]
fn trials_that_never_traded_have_no_probability_of_overfitting() {
    assert_eq!(overfitting(&vec![vec![0.0; 320]; 5]), None);
    let mut one = vec![vec![0.0; 320]; 5];
    one[3] = (0..320).map(|place| f64::from(place % 3) - 0.5).collect();
    assert!(overfitting(&one).is_some_and(|found| found.probability < 0.01));
}

#[test]
fn holding_is_measured_from_the_first_open_and_a_lost_account_stays_lost() -> TestResult {
    let judged = judged(&[vec![0.1, -0.5, 0.2]], None)?;
    let expected = 1.1 * 0.5 * 1.2 - 1.0;
    assert!((judged.held.whole.total_return.unwrap() - expected).abs() < 1e-9);
    let lost = curve(&[0.1, -1.5, 0.4], 0.0);
    let judged = judge(&[&lost], None)?;
    let figures = judged.ranked[0].whole;
    assert!((figures.total_return.unwrap() - (1.1 * -0.5 - 1.0)).abs() < 1e-9);
    assert_eq!(figures.returns, 3);
    Ok(())
}

#[test]
fn whatever_a_label_says_is_text_on_the_page() -> TestResult {
    let judged = judged(&turning(), Some(PLAN))?;
    let labels = ["<script>alert(1)</script>".to_owned(), "a\"b'c&d\u{202e}\u{0}".to_owned()];
    let page = selection_page(&judged, &labels, &[String::new(), String::new()]);
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
    assert!(page.contains("a&quot;b&#39;c&amp;d") && !page.contains('\u{0}'));
    assert!(!page.contains("NaN") && !page.contains("inf "));
    Ok(())
}
