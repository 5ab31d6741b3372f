//! Parts of `state` that the engines and the registries answer for.

use serde_json::{Value, json};

use crate::cli::args::{StateArgs, What};
use crate::cli::outcome::CliError;
use crate::cli::text::{Screen, amount, count};
use crate::engines::Engines;
use crate::event::{PairId, VECTOR_FEATURES};
use crate::kernel::RunState;
use crate::pipeline::EngineReports;
use crate::projections::Folded;
use crate::registries::{
    Analytics, BucketEffect, Neighbour, NetReturnCorrelation, Registries, SoulprintEntry,
    SoulprintFilter,
};
use crate::units::Ratio;

/// Columns of the table of buckets.
const BUCKET_COLUMNS: &[&str] = &[
    "id",
    "key.trigger",
    "key.direction",
    "key.drift",
    "key.volatility",
    "key.volume",
    "key.clock",
    "support",
    "successes",
    "failures",
    "confidence",
    "mean_net_return",
    "mean_holding",
    "best",
    "worst",
    "risk_level",
    "retired",
];

/// Columns of the table of soulprints.
const SOULPRINT_COLUMNS: &[&str] = &[
    "sequence",
    "id",
    "soulprint.time",
    "soulprint.order",
    "soulprint.ghost",
    "soulprint.confidence",
    "soulprint.up_probability",
    "soulprint.weight",
    "soulprint.vector",
    "outcomes",
];

/// Columns of the table of a soulprint's neighbours.
const NEIGHBOUR_COLUMNS: &[&str] =
    &["similarity", "entry.sequence", "entry.id", "entry.soulprint.time", "entry.outcomes"];

/// Columns of the table of links.
const LINK_COLUMNS: &[&str] =
    &["sequence", "linked.number", "linked.trade", "linked.registry", "linked.entry"];

/// The part's name and value in JSON; none for a part that is answered elsewhere.
pub(super) fn as_json(args: &StateArgs, folded: &Folded) -> Option<(&'static str, Value)> {
    let registries = folded.world.registries();
    Some(match args.what {
        What::Buckets => {
            let top = registries.buckets().top(usize::MAX, 0);
            let listed: Vec<BucketEffect> =
                page(args, top.into_iter()).map(BucketEffect::of).collect();
            ("buckets", json!(listed))
        }
        What::Soulprints => ("soulprints", soulprints_json(args, registries)),
        What::Links => (
            "links",
            json!({
                "links": page(args, registries.links().all()).collect::<Vec<_>>(),
                "tombstones": registries.links().tombstones(),
            }),
        ),
        What::Engines => ("engines", engines_json(folded)),
        What::Analytics => ("analytics", json!(registries.analytics())),
        What::Statistics => ("statistics", json!(registries.statistics())),
        What::Consistency => (
            "consistency",
            json!({
                "health": registries.health(),
                "registries": registries.consistency(),
                "findings": folded.world.findings().kept(),
                "finding_count": folded.world.findings().total(),
                "state_roots": folded.world.findings().roots(),
            }),
        ),
        _ => return None,
    })
}

/// Where the list stands in the answer about a part, the type of its members, and the columns of
/// its table; none for a part that is no list.
pub(super) fn listed(
    what: What,
    near: bool,
) -> Option<(&'static str, &'static str, &'static [&'static str])> {
    Some(match what {
        What::Buckets => ("/buckets", "bucket", BUCKET_COLUMNS),
        What::Soulprints if near => ("/soulprints", "neighbour", NEIGHBOUR_COLUMNS),
        What::Soulprints => ("/soulprints", "soulprint", SOULPRINT_COLUMNS),
        What::Links => ("/links/links", "link", LINK_COLUMNS),
        _ => return None,
    })
}

fn page<T>(args: &StateArgs, all: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
    all.skip(args.offset).take(args.limit.unwrap_or(usize::MAX))
}

/// Neighbours of the soulprint whose id begins as asked, or all.
fn soulprints_json(args: &StateArgs, registries: &Registries) -> Value {
    match &args.near {
        Some(_) => json!(neighbours(args, registries)),
        None => json!(page(args, registries.soulprints().all()).collect::<Vec<_>>()),
    }
}

fn neighbours<'a>(args: &StateArgs, registries: &'a Registries) -> Vec<Neighbour<'a>> {
    let digits = args.near.as_deref().unwrap_or_default();
    let named = |entry: &&SoulprintEntry| entry.id.to_string().starts_with(digits);
    let Some(own) = registries.soulprints().all().find(named) else { return Vec::new() };
    let (vector, wanted) = (&own.soulprint.vector, args.limit.unwrap_or(10));
    let filter = SoulprintFilter::default();
    // Itself is the nearest, and no answer.
    let found = registries.soulprints().nearest(vector, wanted.saturating_add(1), filter);
    found.into_iter().filter(|near| near.entry.id != own.id).take(wanted).collect()
}

fn engines_json(folded: &Folded) -> Value {
    let Some(engines) = folded.world.run().and_then(RunState::engines) else { return Value::Null };
    let evidence = engines.ghosts.evidence().map(|(key, seen)| {
        let judged = engines.ghosts.judge(key);
        json!({
            "key": key,
            "cases": seen.cases(),
            "successes": seen.successes(),
            "lower_bound": judged.lower_bound,
            "confidence": judged.confidence,
            "mean_net_return": judged.mean_net_return,
            "refusal": judged.refusal,
        })
    });
    let open = engines.ghosts.open().map(|ghost| {
        json!({
            "opened": ghost.opened,
            "opened_at": ghost.opened_at,
            "entry": ghost.entry,
            "exit": ghost.exit,
            "triggered": ghost.triggered.is_some(),
        })
    });
    json!({
        "reports": EngineReports::of(engines),
        "metrics": {
            "ghost_flip": engines.ghosts.metrics(),
            "profit_orbit": engines.orbits.metrics(),
            "pair_flip": engines.flips.metrics(),
        },
        "evidence": evidence.collect::<Vec<_>>(),
        "open_ghosts": open.collect::<Vec<_>>(),
        "in_sample": folded.in_sample,
    })
}

/// Tells the part; false for one that is answered elsewhere.
pub(super) fn tell(
    screen: &mut Screen,
    args: &StateArgs,
    folded: &Folded,
) -> Result<bool, CliError> {
    let registries = folded.world.registries();
    match args.what {
        What::Buckets => tell_buckets(screen, args, registries)?,
        What::Soulprints => tell_soulprints(screen, args, folded)?,
        What::Links => tell_links(screen, args, registries)?,
        What::Engines => match folded.world.run().and_then(RunState::engines) {
            Some(engines) => tell_engines(screen, engines, folded)?,
            None => screen.line("the last run has no engines")?,
        },
        What::Analytics => tell_analytics(screen, &registries.analytics())?,
        What::Statistics => tell_statistics(screen, registries)?,
        What::Consistency => tell_consistency(screen, folded)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn or_dash(value: Option<Ratio>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

fn tell_buckets(
    screen: &mut Screen,
    args: &StateArgs,
    registries: &Registries,
) -> Result<(), CliError> {
    let top = registries.buckets().top(usize::MAX, 0);
    let rows: Vec<Vec<String>> = page(args, top.into_iter())
        .map(|bucket| {
            let key = &bucket.key;
            let third = |third| format!("{third:?}").to_lowercase();
            vec![
                bucket.id.short(),
                format!("{} {}", key.trigger.name(), key.direction.name()),
                [key.drift, key.volatility, key.volume, key.clock].map(third).join(" "),
                bucket.support().to_string(),
                bucket.successes.to_string(),
                bucket.confidence().to_string(),
                bucket.mean_net_return().to_string(),
                bucket.mean_holding().to_string(),
                if bucket.retired { "retired" } else { "active" }.to_owned(),
            ]
        })
        .collect();
    let header = [
        "bucket",
        "trigger",
        "drift volatility volume clock",
        "trades",
        "won",
        "confidence",
        "mean net",
        "held",
        "",
    ];
    screen.table(&header, &rows)
}

fn tell_soulprints(screen: &mut Screen, args: &StateArgs, folded: &Folded) -> Result<(), CliError> {
    let registries = folded.world.registries();
    // A pair has its name in the configuration of its own run; of earlier runs only the number is
    // at hand.
    let pair_name = |entry: &SoulprintEntry| {
        let PairId(number) = entry.soulprint.pair;
        let run = folded.world.run().filter(|run| run.started().run == entry.soulprint.run);
        let known = run.and_then(|run| run.pair(entry.soulprint.pair));
        known.map_or_else(|| format!("number {number}"), |pair| pair.symbol.clone())
    };
    let row = |similarity: String, entry: &SoulprintEntry| {
        let vector: Vec<String> = entry.soulprint.vector.iter().map(ToString::to_string).collect();
        let net = or_dash(entry.net_return());
        let time = entry.soulprint.time.to_string();
        vec![entry.id.short(), similarity, pair_name(entry), time, net, vector.join(" ")]
    };
    let rows: Vec<Vec<String>> = match &args.near {
        Some(_) => neighbours(args, registries)
            .iter()
            .map(|near| row(near.similarity.to_string(), near.entry))
            .collect(),
        None => page(args, registries.soulprints().all())
            .map(|entry| row("-".to_owned(), entry))
            .collect(),
    };
    let features = VECTOR_FEATURES.join(" ");
    screen.table(&["soulprint", "cosine", "pair", "time", "net return", &features], &rows)
}

fn tell_links(
    screen: &mut Screen,
    args: &StateArgs,
    registries: &Registries,
) -> Result<(), CliError> {
    let rows: Vec<Vec<String>> = page(args, registries.links().all())
        .map(|link| {
            vec![
                link.sequence.to_string(),
                link.linked.trade.short(),
                link.linked.registry.name().to_owned(),
                link.linked.entry.short(),
            ]
        })
        .collect();
    screen.table(&["record", "trade", "registry", "entry"], &rows)?;
    screen.line(count(registries.links().tombstones().len() as u64, "tombstone"))
}

fn tell_engines(screen: &mut Screen, engines: &Engines, folded: &Folded) -> Result<(), CliError> {
    super::engines::tell_reports(screen, &EngineReports::of(engines))?;
    if folded.in_sample {
        screen.line("  in sample: evidence was carried over from a run on the same files")?;
    }
    let rows: Vec<Vec<String>> = engines
        .ghosts
        .evidence()
        .map(|(key, seen)| {
            let judged = engines.ghosts.judge(key);
            vec![
                key.to_string(),
                seen.cases().to_string(),
                seen.successes().to_string(),
                or_dash(judged.lower_bound),
                or_dash(judged.mean_net_return),
                judged.refusal.map_or("passes", |reason| reason.name()).to_owned(),
            ]
        })
        .collect();
    screen.table(&["key", "cases", "won", "lower bound", "mean net", "gate"], &rows)
}

fn tell_analytics(screen: &mut Screen, analytics: &Analytics) -> Result<(), CliError> {
    for (quote, found) in &analytics.by_quote {
        let performance = &found.performance;
        screen.field("currency", quote)?;
        screen.field("trades", performance.total)?;
        screen.field("success rate", or_dash(performance.success_rate))?;
        screen.field("net", amount(performance.total_net))?;
        screen.field("profit factor", or_dash(found.profit_factor))?;
        screen.field("mean net", or_dash(found.mean_net_return))?;
        screen.field("sharpe a trade", or_dash(found.sharpe_per_trade))?;
        screen.field("worst fall", amount(found.max_drawdown))?;
    }
    let rows: Vec<Vec<String>> = analytics
        .by_trigger
        .iter()
        .map(|(trigger, slice)| {
            let net: Vec<String> =
                slice.net.iter().map(|(quote, sum)| format!("{} {quote}", amount(*sum))).collect();
            vec![
                trigger.clone(),
                slice.trades.to_string(),
                slice.successes.to_string(),
                net.join(", "),
            ]
        })
        .collect();
    screen.table(&["trigger", "trades", "won", "net"], &rows)?;
    let row = |found: &NetReturnCorrelation| {
        let interval = format!("{} .. {}", or_dash(found.lower), or_dash(found.upper));
        let (pairs, rho) = (found.pairs.to_string(), or_dash(found.rho));
        vec![found.what.to_owned(), pairs, rho, interval, or_dash(found.p_holm)]
    };
    let rows: Vec<Vec<String>> = analytics.correlations.iter().map(row).collect();
    screen.line("  What goes with the net return (Spearman; p adjusted by Holm):")?;
    screen.table(&["", "pairs", "rho", "95 % interval", "p"], &rows)
}

fn tell_statistics(screen: &mut Screen, registries: &Registries) -> Result<(), CliError> {
    let found = registries.statistics();
    screen.field("trades", found.total_trades)?;
    screen.field("successful", found.successful_trades)?;
    screen.field("linked", found.linked_trades)?;
    screen.field("links", found.total_linkages)?;
    screen.field("tombstones", found.tombstones)?;
    let (made, scored, hits) = found.predictions;
    screen.field("predictions", format_args!("{made} made, {scored} scored, {hits} hits"))?;
    for (name, registry) in &found.registries {
        let coverage = or_dash(registry.coverage);
        screen.field(name, format_args!("{} entries, coverage {coverage}", registry.entries))?;
    }
    Ok(())
}

fn tell_consistency(screen: &mut Screen, folded: &Folded) -> Result<(), CliError> {
    let registries = folded.world.registries();
    let (health, found) = (registries.health(), registries.consistency());
    screen.field("health", format!("{:?}", health.status).to_lowercase())?;
    screen.field("links checked", found.links_checked)?;
    screen.field("entries checked", found.entries_checked)?;
    screen.field("answered", found.answered)?;
    screen.field("faults", found.faults.len())?;
    for fault in &found.faults {
        screen.line(format_args!("  record {}: {fault}", fault.sequence))?;
    }
    screen.field("findings", folded.world.findings().total())?;
    folded.world.findings().kept().iter().try_for_each(|finding| screen.line(finding))
}
