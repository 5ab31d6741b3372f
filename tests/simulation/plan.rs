//! What a seed means: a list of actions, each complete in itself, so that a shorter list made of
//! some of them is a run as well.

use schwabot::audit::Level;
use schwabot::ledger::SyncMode;

use super::machine::Death;
use crate::support::dice::Dice;
use crate::support::sim_disk::{Call, Failure, Unsynced};

/// What goes wrong with the disk while an action is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    None,
    /// The process or machine dies at the call after so many changing ones.
    Dies {
        after: u64,
        death: Death,
    },
    /// One call fails; whoever met it ends, and then perhaps the machine as well.
    Fails {
        call: Option<Call>,
        after: u64,
        failure: Failure,
        then: Option<Death>,
    },
    /// So many bytes are left on the disk.
    Full {
        free: u64,
    },
}

/// Who decides in a run, and what it is asked by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strategy {
    SmaCross {
        fast: u32,
        slow: u32,
    },
    /// With so many commands of an operator.
    Schwabot {
        carry: bool,
        additive: bool,
        commands: usize,
    },
}

/// One run of a strategy over a synthetic market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) market: u64,
    pub(crate) bars: u64,
    pub(crate) seconds: i64,
    pub(crate) strategy: Strategy,
    pub(crate) backtest: bool,
    pub(crate) sync: SyncMode,
    pub(crate) segment_bytes: u64,
    pub(crate) threads: usize,
    /// False asks for a ledger without events.
    pub(crate) append: bool,
    /// Its caller drives it cycle by cycle.
    pub(crate) cycles: bool,
    /// After so many inputs it is stopped by whoever watches.
    pub(crate) stop_after: Option<u64>,
    /// After so many inputs somebody reads, audits and tries to write beside it.
    pub(crate) look_after: Option<u64>,
    pub(crate) trouble: Trouble,
}

/// How an audit is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Audit {
    pub(crate) level: Level,
    pub(crate) threads: usize,
    pub(crate) policy: bool,
    /// Against one of the notes that were kept outside, picked by this number.
    pub(crate) against: Option<u64>,
    pub(crate) trouble: Trouble,
}

/// One thing that happens to a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Run(Run),
    /// Opened for writing, and closed or left.
    Restart {
        sync: SyncMode,
        segment_bytes: u64,
        close: bool,
        trouble: Trouble,
    },
    Sign {
        trouble: Trouble,
    },
    Rotate {
        trouble: Trouble,
    },
    Cosign {
        trouble: Trouble,
    },
    AskWitness {
        trouble: Trouble,
    },
    /// The witness's own machine loses power and starts again.
    WitnessDies {
        chosen: u64,
    },
    Snapshot {
        trouble: Trouble,
    },
    LoseDerived {
        pick: u64,
    },
    RotDerived {
        pick: u64,
    },
    Dies(Death),
    Clock {
        nanos: i64,
    },
    Audit(Audit),
    /// A covered byte turned in a copy, which must be found.
    Rot {
        pick: u64,
    },
    /// An old copy put in the ledger's place, which must be found and never signed.
    RollBack {
        pick: u64,
    },
}

/// The seed's own machine, witness and actions.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) actions: Vec<Action>,
}

/// A number of calls: small ones as often as large ones.
fn calls(dice: &mut Dice, doublings: usize) -> u64 {
    let limit = 1_usize << dice.below(doublings);
    dice.below(2 * limit) as u64
}

fn death(dice: &mut Dice) -> Death {
    match dice.below(8) {
        0 | 1 => Death::Process,
        2 => Death::Power(Unsynced::Kept),
        3 => Death::Power(Unsynced::Lost),
        _ => Death::Power(Unsynced::Chosen(dice.next())),
    }
}

const CALLS: [Call; 10] = [
    Call::Create,
    Call::CreateDir,
    Call::Reserve,
    Call::Write,
    Call::Sync,
    Call::SetLen,
    Call::Rename,
    Call::Remove,
    Call::SyncDir,
    Call::Read,
];

const FAILURES: [Failure; 4] = [Failure::Io, Failure::IoDropsPages, Failure::Full, Failure::Short];

fn trouble(dice: &mut Dice, doublings: usize) -> Trouble {
    // Opening takes about twenty calls; half of the time the failure waits until it is over.
    let after = calls(dice, doublings) + [0, 20][dice.below(2)];
    match dice.below(10) {
        0..3 => Trouble::None,
        3..6 => Trouble::Dies { after, death: death(dice) },
        6..9 => {
            let call = dice.below(3).checked_sub(1).map(|_| CALLS[dice.below(CALLS.len())]);
            let failure = FAILURES[dice.below(FAILURES.len())];
            let then = (dice.below(2) == 0).then(|| death(dice));
            Trouble::Fails { call, after, failure, then }
        }
        _ => Trouble::Full { free: after * 64 },
    }
}

fn sync(dice: &mut Dice) -> SyncMode {
    if dice.below(2) == 0 { SyncMode::Always } else { SyncMode::End }
}

fn segment_bytes(dice: &mut Dice) -> u64 {
    1024 << dice.below(7)
}

fn run(dice: &mut Dice) -> Run {
    let bars = match dice.below(20) {
        0 => 200 + dice.below(400),
        1..5 => 60 + dice.below(140),
        _ => 4 + dice.below(56),
    } as u64;
    let strategy = if dice.below(2) == 0 {
        let fast = 1 + dice.below(4) as u32;
        Strategy::SmaCross { fast, slow: fast + 1 + dice.below(12) as u32 }
    } else {
        let (carry, additive) = (dice.below(2) == 0, dice.below(2) == 0);
        Strategy::Schwabot { carry, additive, commands: dice.below(9) }
    };
    let some = |dice: &mut Dice, one_in: usize| {
        (dice.below(one_in) == 0).then(|| dice.below(bars as usize * 3) as u64)
    };
    let trouble = if dice.below(4) == 0 { Trouble::None } else { trouble(dice, 10) };
    let threads_do_not_read = !matches!(trouble, Trouble::Fails { call: Some(Call::Read), .. });
    Run {
        market: dice.below(1_000) as u64,
        bars,
        seconds: [1, 60, 300, 3_600][dice.below(4)],
        strategy,
        backtest: dice.below(2) == 0,
        sync: sync(dice),
        segment_bytes: segment_bytes(dice),
        threads: 1 + dice.below(2),
        append: dice.below(20) != 0,
        cycles: dice.below(4) == 0,
        stop_after: some(dice, 6),
        look_after: some(dice, 4).filter(|_| threads_do_not_read),
        trouble,
    }
}

fn audit(dice: &mut Dice) -> Audit {
    let level = [Level::Chain, Level::Tree, Level::State, Level::Derive][dice.below(4)];
    let trouble = match dice.below(3) {
        0 => Trouble::Fails {
            call: Some(Call::Read),
            after: calls(dice, 8),
            failure: [Failure::Io, Failure::Short][dice.below(2)],
            then: None,
        },
        _ => Trouble::None,
    };
    // Which of two threads meets a failing read is a matter of chance.
    let threads = if trouble == Trouble::None { 1 + dice.below(3) } else { 1 };
    let (policy, against) = (dice.below(2) == 0, (dice.below(2) == 0).then(|| dice.next()));
    Audit { level, threads, policy, against, trouble }
}

fn action(dice: &mut Dice) -> Action {
    const DAY: i64 = 86_400_000_000_000;
    match dice.below(46) {
        0..13 => Action::Run(run(dice)),
        13..16 => Action::Restart {
            sync: sync(dice),
            segment_bytes: segment_bytes(dice),
            close: dice.below(2) == 0,
            trouble: trouble(dice, 6),
        },
        16..22 => Action::Sign { trouble: trouble(dice, 7) },
        22..24 => Action::Rotate { trouble: trouble(dice, 7) },
        24..26 => Action::Cosign { trouble: trouble(dice, 4) },
        26..29 => Action::AskWitness { trouble: trouble(dice, 4) },
        29 => Action::WitnessDies { chosen: dice.next() },
        30..32 => Action::Snapshot { trouble: trouble(dice, 3) },
        32 => Action::LoseDerived { pick: dice.next() },
        33 => Action::RotDerived { pick: dice.next() },
        34..37 => Action::Dies(death(dice)),
        37 => {
            // An hour or ten years back, a day or forty forwards.
            let nanos = [DAY, 40 * DAY, -DAY / 24, -3_650 * DAY][dice.below(4)];
            Action::Clock { nanos }
        }
        38..42 => Action::Audit(audit(dice)),
        42..44 => Action::Rot { pick: dice.next() },
        _ => Action::RollBack { pick: dice.next() },
    }
}

impl Plan {
    /// Everything that a seed says.
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed ^ 0x5eed_0f51_0000_0000);
        let count = 3 + dice.below(10);
        let mut actions = vec![Action::Run(run(&mut dice))];
        actions.extend((1..count).map(|_| action(&mut dice)));
        Self { seed, actions }
    }
}

impl Action {
    /// The same with a smaller market, halved so often.
    pub(crate) fn halved(self, times: u32) -> Self {
        match self {
            Self::Run(run) => Self::Run(Run { bars: (run.bars >> times.min(63)).max(1), ..run }),
            other => other,
        }
    }
}
