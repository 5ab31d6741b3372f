//! What the engines of a run say of themselves, for people: ghosts, the gate, the predictor, the
//! registries, and the same market shuffled.

use crate::cli::outcome::CliError;
use crate::cli::text::{Screen, count};
use crate::engines::{FlipReport, GhostReport, OrbitReport, PredictorVerdict};
use crate::pipeline::{EngineReports, PermutationOutcome, Summary};
use crate::units::Ratio;

pub(super) fn tell(
    screen: &mut Screen,
    summary: &Summary,
    permutations: &[PermutationOutcome],
) -> Result<(), CliError> {
    let Some(engines) = &summary.engines else { return Ok(()) };
    tell_reports(screen, engines)?;
    for (name, registry) in &summary.registries.registries {
        let (entries, coverage) = (count(registry.entries, "entry"), share(registry.coverage));
        let entries = entries.replace("entrys", "entries");
        let name = name.replace('_', " ");
        screen.field(&name, format_args!("{entries}; {coverage} of all trades are linked"))?;
    }
    if !permutations.is_empty() {
        let trades: Vec<String> = permutations.iter().map(|run| run.trades.to_string()).collect();
        let shuffled = format!("{} trades on the same bars shuffled", trades.join(", "));
        screen.field("by chance", format_args!("{shuffled}, seeds 1 to {}", trades.len()))?;
    }
    Ok(())
}

/// Tells what the three engines say.
pub(super) fn tell_reports(screen: &mut Screen, engines: &EngineReports) -> Result<(), CliError> {
    tell_ghosts(screen, &engines.ghosts)?;
    tell_orbits(screen, &engines.orbits)?;
    tell_flips(screen, &engines.flips)
}

/// A share as a percentage with two digits, rounded down.
fn share(ratio: Option<Ratio>) -> String {
    let Some(ratio) = ratio else { return "-".to_owned() };
    let hundredths = ratio.raw() / 100_000;
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

fn tell_ghosts(screen: &mut Screen, ghosts: &GhostReport) -> Result<(), CliError> {
    let GhostReport { firings, opened, closed, successes, .. } = ghosts;
    screen.field("ghosts", format_args!("{firings} firings, {opened} opened, {closed} closed"))?;
    let rate = share(ghosts.success_rate);
    screen.field("", format_args!("{successes} earned something after costs: {rate}"))?;
    let (tested, passed) = (count(ghosts.keys_tested, "key"), ghosts.keys_ever_passed);
    screen.field(
        "gate",
        format_args!("{tested} tested, {passed} ever passed; of many keys some pass by chance"),
    )?;
    let refused = ghosts.ignored.iter().filter(|(_, count)| **count > 0);
    let refused: Vec<String> = refused.map(|(reason, count)| format!("{reason} {count}")).collect();
    let reasons = if refused.is_empty() { "none".to_owned() } else { refused.join(", ") };
    screen.field("", format_args!("{} flipped into orders; ignored: {reasons}", ghosts.triggered))
}

fn tell_orbits(screen: &mut Screen, orbits: &OrbitReport) -> Result<(), CliError> {
    let ratio = share(orbits.success_ratio);
    let mut text = format!("{}, success ratio {ratio}", count(orbits.cycles, "cycle"));
    for (quote, earned) in &orbits.return_on_notional {
        text.push_str(&format!(", return on notional {} ({quote})", share_signed(*earned)));
    }
    screen.field("orbits", text)?;
    let available = orbits.instant_cycles_available;
    screen.field("", format_args!("{available} walks of three currencies, {} paid", orbits.instant))
}

fn share_signed(ratio: Option<Ratio>) -> String {
    match ratio {
        Some(ratio) if ratio < Ratio::ZERO => {
            format!("-{}", share(Some(Ratio::from_raw(ratio.raw().saturating_neg()))))
        }
        other => share(other),
    }
}

fn tell_flips(screen: &mut Screen, flips: &FlipReport) -> Result<(), CliError> {
    let FlipReport { bit_flips, pair_flips, .. } = flips;
    screen.field("flips", format_args!("{bit_flips} of words, {pair_flips} of pairs"))?;
    let found =
        |pair: &&crate::engines::PairFlips| pair.predictor.verdict == PredictorVerdict::Predicts;
    let predicting: Vec<&str> =
        flips.pairs.iter().filter(found).map(|pair| pair.symbol.as_str()).collect();
    let verdict = if predicting.is_empty() {
        "nothing to predict in the next bar of any pair".to_owned()
    } else {
        format!("better than the share of rises, before costs, on {}", predicting.join(", "))
    };
    screen.field("predictor", verdict)
}
