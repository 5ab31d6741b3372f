//! What the registries say: patterns, soulprints, what goes with the net return, and their health.

use super::table::{COUNT, Cell, NUMBER, SECONDS, SHARE, TEXT, Table};
use super::words::minute;
use crate::event::Tercile;
use crate::kernel::RunState;
use crate::projections::{Folded, ImportedFile};
use crate::registries::{HealthStatus, Registries, SoulprintFilter};

/// Rows of the longer tables that are shown.
pub(super) const LISTED: usize = 40;
/// Soulprints whose neighbours are shown, and how many of each.
const SOULPRINTS_LISTED: usize = 5;
const NEIGHBOURS_LISTED: usize = 3;

/// Returns the profit buckets, the most trusted first.
pub(super) fn buckets(registries: &Registries) -> Table {
    let columns = [
        ("Bucket", TEXT),
        ("Trigger", TEXT),
        ("Drift, volatility, volume, clock", TEXT),
        ("Trades", COUNT),
        ("Won", COUNT),
        ("Confidence", SHARE),
        ("Mean net", SHARE),
        ("Mean time held", SECONDS),
        ("State", TEXT),
    ];
    let third = |third: Tercile| match third {
        Tercile::Low => "low",
        Tercile::Middle => "middle",
        Tercile::High => "high",
    };
    let rows = registries.buckets().top(LISTED, 0).into_iter().map(|bucket| {
        let key = &bucket.key;
        let thirds = [key.drift, key.volatility, key.volume, key.clock].map(third).join(" ");
        vec![
            bucket.id.short().into(),
            format!("{} {}", key.trigger.name().replace('_', " "), key.direction.name()).into(),
            thirds.into(),
            bucket.support().into(),
            bucket.successes.into(),
            bucket.confidence().into(),
            bucket.mean_net_return().into(),
            (bucket.mean_holding().nanos() as f64 / 1e9).into(),
            if bucket.retired { "retired" } else { "active" }.into(),
        ]
    });
    let mut table = Table::new("by_bucket", "By profit bucket", &columns);
    table.rows = rows.collect();
    let all = registries.buckets().len();
    table.note = match all {
        0 => "No trade fell into a profit bucket.".to_owned(),
        _ if all > LISTED => format!("The {LISTED} most trusted of {all}; over all runs."),
        _ => "Over all runs of the ledger.".to_owned(),
    };
    table
}

/// Returns what the newest entries looked like.
pub(super) fn neighbours(registries: &Registries) -> Table {
    let columns = [
        ("Soulprint", TEXT),
        ("taken", TEXT),
        ("net return", SHARE),
        ("Neighbour", TEXT),
        ("Cosine", NUMBER),
        ("taken", TEXT),
        ("net return", SHARE),
    ];
    let mut table = Table::new("soulprint_neighbours", "Soulprint neighbours", &columns);
    let soulprints = registries.soulprints();
    let newest = soulprints.len().saturating_sub(SOULPRINTS_LISTED);
    for own in soulprints.all().skip(newest) {
        // Itself is the nearest, and no answer.
        let wanted = NEIGHBOURS_LISTED + 1;
        let near = soulprints.nearest(&own.soulprint.vector, wanted, SoulprintFilter::default());
        let others = near.into_iter().filter(|near| near.entry.id != own.id);
        table.rows.extend(others.take(NEIGHBOURS_LISTED).map(|near| {
            vec![
                own.id.short().into(),
                minute(own.soulprint.time).into(),
                own.net_return().into(),
                near.entry.id.short().into(),
                near.similarity.into(),
                minute(near.entry.soulprint.time).into(),
                near.entry.net_return().into(),
            ]
        }));
    }
    table.note = match soulprints.len() {
        0 => "No soulprint was taken.".to_owned(),
        1 => "There is one soulprint, and no neighbour.".to_owned(),
        all => format!("Of the newest of {all}: the entries that looked most alike, by cosine."),
    };
    table
}

/// Returns what goes with the net return.
pub(super) fn correlations(registries: &Registries) -> Table {
    let columns = [
        ("What goes with the net return", TEXT),
        ("Trades", COUNT),
        ("Rank correlation", NUMBER),
        ("from", NUMBER),
        ("to", NUMBER),
        ("p, adjusted", NUMBER),
    ];
    let found = registries.analytics().correlations;
    let rows = found.iter().map(|row| {
        vec![
            row.what.replace('_', " ").into(),
            row.pairs.into(),
            row.rho.into(),
            row.lower.into(),
            row.upper.into(),
            row.p_holm.into(),
        ]
    });
    let mut table = Table::new("correlations", "What goes with the net return", &columns);
    table.rows = rows.collect();
    table.noted("Spearman's, with 95 % intervals; p adjusted by Holm for all of them together.")
}

/// Returns whether the registries fit together.
pub(super) fn health(folded: &Folded) -> Table {
    let registries = folded.world.registries();
    let (health, found) = (registries.health(), registries.consistency());
    let statistics = registries.statistics();
    let (made, scored, hits) = statistics.predictions;
    let status = match health.status {
        HealthStatus::Healthy => "Healthy: every reference holds",
        HealthStatus::Degraded => "Degraded: something is not linked",
        HealthStatus::Broken => "Broken: a reference leads nowhere",
    };
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let counted = [
        ("links checked", found.links_checked),
        ("entries checked", found.entries_checked),
        ("references that do not hold", health.open_faults),
        ("orphans answered", health.answered),
        ("trades, over all runs", statistics.total_trades),
        ("trades with links", statistics.linked_trades),
        ("predictions of patterns", made),
        ("of these scored", scored),
        ("of these right", hits),
        ("contradictions in the log", folded.world.findings().total()),
    ];
    rows.extend(counted.map(|(what, count)| vec![what.into(), count.into()]));
    for (name, registry) in &statistics.registries {
        let name = name.replace('_', " ");
        rows.push(vec![format!("{name}, entries").into(), registry.entries.into()]);
    }
    let columns = [("What", TEXT), ("How many", COUNT)];
    let mut table = Table::new("registry_health", "Registry health", &columns);
    table.rows = rows;
    table.noted(status)
}

/// Returns what is wrong with the data, pair by pair.
pub(super) fn data(run: Option<&RunState>) -> Table {
    let columns = [
        ("Pair", TEXT),
        ("Bars", COUNT),
        ("Gaps", COUNT),
        ("Bars missing", COUNT),
        ("Repeated rows", COUNT),
        ("Out of order", COUNT),
        ("Malformed", COUNT),
        ("Off the grid", COUNT),
    ];
    let mut table = Table::new("data_quality", "The data", &columns);
    let pairs = run.map(RunState::pairs).unwrap_or_default();
    let rows = pairs.iter().map(|pair| {
        let found = &pair.quality;
        vec![
            pair.symbol.as_str().into(),
            found.bars.into(),
            found.gaps.into(),
            found.missing_bars.into(),
            found.duplicates.into(),
            found.disorders.into(),
            found.malformed.into(),
            found.off_grid.into(),
        ]
    });
    table.rows = rows.collect();
    table
}

/// Returns what was imported of other people's files.
pub(super) fn imports(imported: &[ImportedFile]) -> Table {
    let columns = [
        ("Record", COUNT),
        ("Format", TEXT),
        ("Label", TEXT),
        ("Of", TEXT),
        ("SHA-256", TEXT),
        ("Facts", COUNT),
        ("Defects", COUNT),
        ("End", TEXT),
    ];
    let rows = imported.iter().map(|import| {
        let started = &import.started;
        vec![
            import.sequence.into(),
            started.format.as_str().into(),
            started.label.as_str().into(),
            started.symbol.as_deref().unwrap_or("by row").into(),
            started.digest.to_string().into(),
            import.facts.values().sum::<u64>().into(),
            import.defects.into(),
            if import.ended.is_some() { "whole" } else { "cut off" }.into(),
        ]
    });
    let mut table = Table::new("imports", "Imports", &columns);
    table.rows = rows.collect();
    if table.rows.is_empty() {
        table.note = "Nothing was imported of other people's files.".to_owned();
    }
    table
}
