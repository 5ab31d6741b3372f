//! What a strategy does on markets in which nothing follows from anything: the same bars, shuffled.
//!
//! Each seed's market is run through the kernel without a ledger. If a strategy trades there as
//! much as on the real order, what it found in the real order is no more than chance finds.

use std::ops::ControlFlow;

use crossbeam_channel::unbounded;
use serde::Serialize;

use super::unrecorded::decide;
use super::{Job, PipelineError};
use crate::event::{Mode, RunConfig};
use crate::market::PermutableMarket;
use crate::strategies::Catalogue;
use crate::time::Timestamp;
use crate::units::MoneyExact;

/// What one shuffled market came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PermutationOutcome {
    /// The seed of the shuffle.
    pub seed: u64,
    /// Closed trades.
    pub trades: u64,
    /// Those with a net profit above zero.
    pub successes: u64,
    /// Net profit in the account currency.
    pub net_profit: MoneyExact,
}

/// Runs a configuration over shuffled markets, one a seed, on so many threads; the answers stand in
/// the order of the seeds, whatever the number of threads. A seed that is not begun when `go_on`
/// says no has no answer.
///
/// # Errors
/// The kernel's.
pub fn run_permutations(
    config: &RunConfig,
    strategies: &Catalogue,
    market: &PermutableMarket,
    seeds: &[u64],
    threads: usize,
    go_on: impl Fn() -> bool + Sync,
) -> Result<Vec<PermutationOutcome>, PipelineError> {
    let (give, take) = unbounded();
    for (place, seed) in seeds.iter().enumerate() {
        // The receiver lives as long as this function.
        let _sent = give.send((place, *seed));
    }
    drop(give);
    let mut outcomes: Vec<(usize, PermutationOutcome)> = std::thread::scope(|scope| {
        let work = || {
            let mut own = Vec::new();
            while let Ok((place, seed)) = take.recv() {
                if !go_on() {
                    break;
                }
                own.push((place, run_one(config, strategies, market, seed)?));
            }
            Ok::<_, PipelineError>(own)
        };
        let workers: Vec<_> =
            (0..threads.clamp(1, seeds.len().max(1))).map(|_| scope.spawn(work)).collect();
        let mut all = Vec::with_capacity(seeds.len());
        for worker in workers {
            match worker.join() {
                Ok(outcomes) => all.extend(outcomes?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok::<_, PipelineError>(all)
    })?;
    outcomes.sort_by_key(|(place, _)| *place);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

fn run_one(
    config: &RunConfig,
    strategies: &Catalogue,
    market: &PermutableMarket,
    seed: u64,
) -> Result<PermutationOutcome, PipelineError> {
    let job = Job {
        mode: Mode::Backtest,
        config: config.clone(),
        generator: None,
        origin: Timestamp::from_nanos(0),
        inputs: vec![],
        source: market.permuted(seed),
        strategies: strategies.clone(),
    };
    let (kernel, ..) = decide(job, 1, |_, _| (), |_| ControlFlow::Continue(()))?;
    let run = kernel.world().run().ok_or(PipelineError::NotBegun)?;
    let account = run.portfolio().account(&config.account_currency);
    Ok(PermutationOutcome {
        seed,
        trades: run.counters().trades,
        successes: run.portfolio().accounts().iter().map(|known| known.successes).sum(),
        net_profit: account.map_or(MoneyExact::ZERO, |account| account.net),
    })
}
