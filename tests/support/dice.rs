//! Random numbers that are the same on every run, and a clock and dice for ledgers made of them.

use std::sync::Mutex;

use schwabot::ledger::clock::Host;
use schwabot::time::Timestamp;

/// SplitMix64: small, and the same everywhere.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not zero.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }
}

/// A machine whose clock counts calls and whose dice are seeded.
pub(crate) struct SeededHost(Mutex<(i64, Dice)>);

impl SeededHost {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new((0, Dice::new(seed))))
    }
}

impl Host for SeededHost {
    fn now(&self) -> Timestamp {
        let mut state = self.0.lock().unwrap();
        state.0 += 1_000;
        Timestamp::from_nanos(state.0)
    }

    fn random(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        let mut state = self.0.lock().unwrap();
        for byte in bytes {
            *byte = state.1.next().to_le_bytes()[0];
        }
        Ok(())
    }
}
