//! What the screen shows, in words and numbers.

use std::time::Duration;

/// One moment of a ledger, ready to be drawn.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picture {
    /// Where the ledger is.
    pub ledger: String,
    /// The last run: its strategy and mode, and whether it ended.
    pub run: String,
    /// Event time of the last record.
    pub time: String,
    /// Records that are shown.
    pub records: u64,
    /// Records that there are; more than are shown while a long ledger is still being read.
    pub records_there: u64,
    /// Link of the last frame, shortened.
    pub chain_head: String,
    /// How the ledger ends: `closed`, `open` or `live`.
    pub end: &'static str,
    /// The accounts of the last run.
    pub accounts: Vec<Account>,
    /// Equity from the run's beginning on, from 0 (its lowest) to 1000 (its highest).
    pub equity: Vec<u64>,
    /// Open positions: pair, quantity, last close, unrealised profit.
    pub positions: Vec<[String; 4]>,
    /// Open ghosts: key, entry price, what becomes of it.
    pub ghosts: Vec<[String; 3]>,
    /// The last records, the newest last.
    pub last: Vec<String>,
    /// The newest checkpoint.
    pub checkpoint: Option<Checkpointed>,
    /// The last look in the background.
    pub audit: Audited,
    /// True while nothing new is taken in.
    pub paused: bool,
    /// So many of the last records are below the screen's edge.
    pub scroll: usize,
    /// Why nothing new is shown any more.
    pub trouble: Option<String>,
}

/// One account in figures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// The currency.
    pub currency: String,
    /// Cash and positions at the last closes.
    pub equity: String,
    /// Net profit of closed trades.
    pub net_profit: String,
    /// Profit of open positions.
    pub unrealised: String,
    /// The deepest fall of equity.
    pub worst_fall: String,
}

/// The newest checkpoint of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checkpointed {
    /// Records that it covers.
    pub size: u64,
    /// Who signed.
    pub origin: String,
    /// How long ago, where its anchor is in the log.
    pub age: Option<Duration>,
}

/// What the audit in the background said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Audited {
    /// Nothing yet.
    #[default]
    NotYet,
    /// The first look is under way.
    Looking,
    /// What the last look found.
    Found {
        /// The verdict.
        verdict: String,
        /// True where nothing is wrong.
        intact: bool,
        /// Records that were looked at.
        records: u64,
        /// How long ago.
        ago: Duration,
        /// True while the next look is under way.
        looking: bool,
    },
    /// It could not look.
    Failed(String),
}
