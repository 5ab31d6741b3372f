//! What is fuzzed: one function a target, from bytes to panics.
//!
//! A target takes any bytes and panics where a law is broken; it returns whether the bytes were
//! understood, that is, whether they came as far as the laws beyond "it does not panic". The same
//! functions run under the coverage-guided fuzzer (`tools/fuzz`), over the committed corpus and
//! over a few thousand random changes of it (`tests/fault_corpus.rs`).

#![expect(clippy::expect_used, reason = "a panic with the law in it is what a target is for")]

mod accounts;
mod frames;
mod importers;
mod imports;
mod ledgers;
mod meaning;
mod notes;
mod packed;
pub(crate) mod seeds;
mod words;

/// One target: its name, which is also the folder of its corpus, and its function.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&[u8]) -> bool,
    /// How many random changes of its corpus an ordinary test run makes: fewer where one is slow.
    pub(crate) changes: u64,
}

const fn target(name: &'static str, run: fn(&[u8]) -> bool, changes: u64) -> Target {
    Target { name, run, changes }
}

pub(crate) const TARGETS: &[Target] = &[
    target("record", frames::record, 20_000),
    target("frame", frames::frame, 20_000),
    target("header", frames::header, 20_000),
    target("segment", frames::segment, 5_000),
    target("ledger", ledgers::ledger, 300),
    target("salvage", ledgers::salvaged, 20),
    target("packed-segment", packed::segment, 300),
    target("index", ledgers::index, 300),
    target("tiles", ledgers::tiles, 300),
    target("meaning", meaning::meaning, 150),
    target("snapshot", meaning::snapshot, 100),
    target("note", notes::note, 5_000),
    target("receipt", notes::receipt, 2_000),
    target("witness", notes::witness, 500),
    target("proof", notes::proof, 5_000),
    target("policy", notes::policy, 2_000),
    target("key", notes::key, 3_000),
    target("merkle", words::merkle, 5_000),
    target("words", words::words, 20_000),
    target("settings", words::settings, 3_000),
    target("arguments", words::arguments, 300),
    target("klines", imports::klines, 300),
    target("ohlcv", imports::ohlcv, 300),
    target("candles", imports::candles, 300),
    target("packed", imports::packed, 300),
    target("commands", imports::commands, 500),
    target("import-klines", importers::klines, 100),
    target("import-agg-trades", importers::sums, 100),
    target("import-trades", importers::trades, 100),
    target("import-kraken-trades", importers::kraken_trades, 100),
    target("import-kraken-ohlcvt", importers::kraken_bars, 100),
    target("import-candles", importers::candles, 100),
    target("import-json-trades", importers::json_trades, 100),
    target("import-feed", importers::feed, 100),
    target("import-lean", importers::lean, 100),
    target("import-ohlcv", importers::ohlcv, 100),
    target("import-binance-account", accounts::binance, 60),
    target("import-kraken-account", accounts::kraken, 60),
    target("import-coinbase-fills", accounts::coinbase, 60),
    target("import-hummingbot-fills", accounts::hummingbot, 60),
    target("import-hummingbot-database", accounts::hummingbot_database, 60),
    target("import-freqtrade-backtest", accounts::freqtrade, 60),
    target("import-freqtrade-database", accounts::freqtrade_database, 60),
    target("import-ccxt", accounts::ccxt, 60),
    target("import-metatrader", accounts::metatrader, 60),
    target("import-fix", accounts::fix, 60),
    target("import-earlier", accounts::earlier, 60),
];

/// Bytes that are taken apart from the front; past the end they are zero.
pub(super) struct Taken<'b>(pub(super) &'b [u8]);

impl<'b> Taken<'b> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    pub(super) fn short(&mut self) -> u16 {
        let low = self.byte();
        u16::from_le_bytes([low, self.byte()])
    }

    pub(super) fn long(&mut self) -> u64 {
        let mut out = [0; 8];
        let taken = self.bytes(8);
        out[..taken.len()].copy_from_slice(taken);
        u64::from_le_bytes(out)
    }

    pub(super) fn bytes(&mut self, count: usize) -> &'b [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }
}
