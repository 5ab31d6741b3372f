//! The machine of a run: a simulated disk whose power can go at any call, and a clock that jumps.
//!
//! From the moment the power goes every call fails, reading too, until [`Machine::cut`] makes the
//! disk that is found when the machine starts again. So the program under test cannot repair
//! anything after the moment of the crash. Each call is also written down, in a digest: two runs
//! of one seed must ask the disk for the same things in the same order.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use schwabot::ledger::clock::Host;
use schwabot::ledger::disk::{Access, Disk, DiskFile, Map};
use schwabot::time::Timestamp;

use crate::support::dice::Dice;
use crate::support::sim_disk::{SimDisk, Unsynced};

/// What becomes of what was written and not synced when a process or a machine dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// The process alone dies: the page cache stays.
    Process,
    /// The power goes.
    Power(Unsynced),
}

#[derive(Debug, Default)]
struct Power {
    /// Changing calls since the machine was switched on.
    calls: u64,
    /// Changing calls that still pass; none while the power is safe.
    left: Option<u64>,
    gone: bool,
    /// FNV-1a over all calls.
    order: u64,
}

/// A clock that is set, and seeded dice.
pub(crate) struct Clock(Mutex<(i64, Dice)>);

impl Clock {
    /// Sets the clock forwards or backwards.
    pub(crate) fn jump(&self, nanos: i64) {
        let mut state = self.0.lock().unwrap();
        state.0 = state.0.saturating_add(nanos);
    }
}

impl Host for Clock {
    fn now(&self) -> Timestamp {
        let mut state = self.0.lock().unwrap();
        state.0 += 1_000_000;
        Timestamp::from_nanos(state.0)
    }

    fn random(&self, bytes: &mut [u8]) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        for byte in bytes {
            *byte = state.1.next().to_le_bytes()[0];
        }
        Ok(())
    }
}

/// A machine; see the module's story.
pub(crate) struct Machine {
    pub(crate) disk: SimDisk,
    power: Arc<Mutex<Power>>,
    pub(crate) clock: Arc<Clock>,
}

impl Machine {
    pub(crate) fn new(seed: u64) -> Self {
        let start = 1_700_000_000_000_000_000;
        Self {
            disk: SimDisk::new(),
            power: Arc::default(),
            clock: Arc::new(Clock(Mutex::new((start, Dice::new(seed))))),
        }
    }

    /// The disk as a program gets it.
    pub(crate) fn wire(&self) -> Arc<Wire> {
        Arc::new(Wire { disk: self.disk.clone(), power: Arc::clone(&self.power) })
    }

    fn power(&self) -> MutexGuard<'_, Power> {
        self.power.lock().unwrap()
    }

    /// Lets the power go at the call after so many changing ones.
    pub(crate) fn lose_power_after(&self, calls: u64) {
        self.power().left = Some(calls);
    }

    pub(crate) fn power_is_gone(&self) -> bool {
        self.power().gone
    }

    /// Ends what was planned to go wrong.
    pub(crate) fn heal(&self) {
        self.disk.heal();
        let mut power = self.power();
        (power.left, power.gone) = (None, false);
    }

    /// The machine after the death; all that the dead process held must be gone by then.
    pub(crate) fn cut(&mut self, death: Death) {
        let state = self.disk.state();
        self.disk = match death {
            Death::Process => SimDisk::kill(&state),
            Death::Power(unsynced) => SimDisk::cut_power(&state, unsynced),
        };
        let mut power = self.power();
        *power = Power { calls: power.calls, order: power.order, ..Power::default() };
    }

    /// How many changing calls there were, and a digest over all calls in their order.
    pub(crate) fn calls(&self) -> (u64, u64) {
        let power = self.power();
        (power.calls, power.order)
    }
}

/// A simulated disk, as long as there is power.
pub(crate) struct Wire {
    disk: SimDisk,
    power: Arc<Mutex<Power>>,
}

fn no_power() -> io::Error {
    io::Error::from_raw_os_error(libc::EIO)
}

fn note(power: &Mutex<Power>, changes: bool, call: &str, path: &Path) -> io::Result<()> {
    let mut power = power.lock().unwrap();
    if power.gone {
        return Err(no_power());
    }
    if changes {
        if power.left == Some(0) {
            power.gone = true;
            return Err(no_power());
        }
        power.left = power.left.map(|left| left - 1);
        power.calls += 1;
    }
    // Reading is not written down: audits may read with several threads.
    if changes {
        for byte in call.bytes().chain(path.to_str().unwrap_or("?").bytes()) {
            power.order = (power.order ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    Ok(())
}

impl Wire {
    fn change(&self, call: &str, path: &Path) -> io::Result<()> {
        note(&self.power, true, call, path)
    }

    fn look(&self, path: &Path) -> io::Result<()> {
        note(&self.power, false, "look", path)
    }

    fn file(&self, path: &Path, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(WireFile { file, path: path.to_owned(), power: Arc::clone(&self.power) })
    }
}

impl Disk for Wire {
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.look(dir)?;
        self.disk.list(dir)
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        self.look(path)?;
        Ok(self.file(path, self.disk.open(path, access)?))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.change("create", path)?;
        Ok(self.file(path, self.disk.create(path)?))
    }

    fn create_private(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.create(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.change("create_dir", path)?;
        self.disk.create_dir(path)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change("rename", to)?;
        self.disk.rename_new(from, to)
    }

    fn replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change("replace", to)?;
        self.disk.replace(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change("remove", path)?;
        self.disk.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.change("sync_dir", dir)?;
        self.disk.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        self.look(path)?;
        self.disk.lock(path)
    }

    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        self.look(path)?;
        self.disk.is_locked(path)
    }
}

struct WireFile {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    power: Arc<Mutex<Power>>,
}

impl WireFile {
    fn change(&self, call: &str) -> io::Result<()> {
        note(&self.power, true, call, &self.path)
    }

    fn look(&self) -> io::Result<()> {
        note(&self.power, false, "look", &self.path)
    }
}

impl DiskFile for WireFile {
    fn len(&self) -> io::Result<u64> {
        self.look()?;
        self.file.len()
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.look()?;
        self.file.read_at(bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if let Err(error) = self.change("write") {
            // The write under way when the power goes may have reached the disk in part.
            let mut power = self.power.lock().unwrap();
            if power.left.take().is_some() {
                let written = Dice::new(power.calls).below(bytes.len() + 1);
                self.file.write_at(&bytes[..written], offset)?;
            }
            return Err(error);
        }
        self.file.write_at(bytes, offset)
    }

    fn reserve(&self, len: u64) -> io::Result<()> {
        self.change("reserve")?;
        self.file.reserve(len)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change("set_len")?;
        self.file.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.change("sync")?;
        self.file.sync()
    }

    fn map(&self) -> io::Result<Option<Map>> {
        Ok(None)
    }
}
