//! What a strategy does on markets in which nothing follows from anything: the same bars, shuffled.
//!
//! Each seed's market is run through the kernel without a ledger. If a strategy trades there as
//! much as on the real order, what it found in the real order is no more than chance finds.

use crossbeam_channel::unbounded;
use serde::Serialize;

use super::PipelineError;
use crate::event::{EndOfData, Event, Mode, RunConfig};
use crate::kernel::{Decision, InputClock, Kernel, World, run_started};
use crate::market::{PermutableMarket, Source};
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
                own.push((place, run_one(config, market, seed)?));
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
    market: &PermutableMarket,
    seed: u64,
) -> Result<PermutationOutcome, PipelineError> {
    let started = run_started(Mode::Backtest, config.clone(), None, 0)?;
    let mut kernel = Kernel::start(World::default(), &started)?;
    let mut clock = InputClock::new(Timestamp::from_nanos(0), config);
    let mut decisions: Vec<Decision> = Vec::new();
    let mut sequence = 0;
    let mut step = |input: &Event| {
        let now = clock.advance(input);
        decisions.clear();
        kernel.step(sequence, input, now, &mut decisions)?;
        sequence += 1 + decisions.len() as u64;
        Ok::<_, PipelineError>(())
    };
    step(&Event::RunStarted(Box::new(started)))?;
    let mut source = market.permuted(seed);
    let mut bars = 0;
    while let Some(bar) = source.next()? {
        step(&bar)?;
        bars += 1;
    }
    step(&Event::EndOfData(EndOfData { bars, defects: 0 }))?;
    let run = kernel.world().run().ok_or(PipelineError::NotBegun)?;
    let account = run.portfolio().account(&config.account_currency);
    Ok(PermutationOutcome {
        seed,
        trades: run.counters().trades,
        successes: run.portfolio().accounts().iter().map(|known| known.successes).sum(),
        net_profit: account.map_or(MoneyExact::ZERO, |account| account.net),
    })
}
