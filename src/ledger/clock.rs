//! The wall clock and the dice: the only file that asks the machine for either.
//!
//! Nothing that is recorded in a simulated run comes from here but commit times, salts and ledger
//! ids, which belong to frames and never enter a record.

#![expect(clippy::disallowed_methods, reason = "this file is the clock's one door")]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::Timestamp;

/// What a ledger needs from the machine besides a disk.
pub trait Host: Send + Sync {
    /// Returns the time by the wall clock.
    fn now(&self) -> Timestamp;

    /// Fills `bytes` with bytes nobody can foresee.
    ///
    /// # Errors
    /// When the machine has none to give.
    fn random(&self, bytes: &mut [u8]) -> std::io::Result<()>;
}

/// The real machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Machine;

impl Host for Machine {
    fn now(&self) -> Timestamp {
        let nanos = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX),
        };
        Timestamp::from_nanos(nanos)
    }

    fn random(&self, mut bytes: &mut [u8]) -> std::io::Result<()> {
        while !bytes.is_empty() {
            let filled =
                rustix::rand::getrandom(&mut *bytes, rustix::rand::GetRandomFlags::empty())?;
            bytes = &mut bytes[filled..];
        }
        Ok(())
    }
}

/// Measures how long something took, for people to read.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Returns the time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A time by which something must end, for people who cannot wait.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Ends so long from now; never, where no length is given.
    #[must_use]
    pub fn after(length: Option<Duration>) -> Self {
        Self(length.and_then(|length| Instant::now().checked_add(length)))
    }

    /// Is it over?
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.is_some_and(|end| Instant::now() >= end)
    }
}

/// Waits that long, to look again.
pub fn pause(length: Duration) {
    std::thread::sleep(length);
}
