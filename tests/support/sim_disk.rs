//! A disk in memory that keeps what is durable apart from what is only written.
//!
//! A file is a row of 512-byte sectors. A write changes what everybody reads at once, and notes a
//! new *version* of each sector it touches; a sync makes the newest version durable. A directory
//! keeps a list of changes since its last sync. A power cut ([`SimDisk::cut_power`]) picks, for
//! every sector by itself, the durable version or any later one, and for every directory any part
//! of its changes: nothing more may be hoped for than what was synced. The death of a process
//! ([`SimDisk::kill`]) loses nothing of that, it only releases the lock.
//!
//! A call can be made to fail; a failing sync keeps the pages to be written, or drops them as
//! Linux does: everybody still reads them, but no later sync will write them. A read can fail, end
//! too early, or show a flipped bit, once or from then on.
//!
//! With [`SimDisk::record`] every call that changes something leaves a copy of the whole disk.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::path::{Component, Path};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use schwabot::ledger::disk::{Access, Disk, DiskFile, Map};

use super::dice::Dice;

const SECTOR: usize = 512;
/// The longest file, which is held in memory.
const FILE_BYTES_MAX: u64 = 128 << 20;
type Sector = [u8; SECTOR];

/// The kinds of call that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Call {
    Create,
    CreateDir,
    Reserve,
    Write,
    Sync,
    SetLen,
    Rename,
    Remove,
    SyncDir,
    /// Fails only when it is asked for by name: reading changes nothing.
    Read,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// EIO. A write has then written a part; a sync will write its pages next time.
    Io,
    /// EIO; a failing sync forgets that its pages are to be written.
    IoDropsPages,
    /// ENOSPC.
    Full,
    /// A read gives a part of what is there; any other call fails like [`Failure::Io`].
    Short,
}

/// What survives a power cut of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsynced {
    Lost,
    Kept,
    /// Each sector, length and name by itself, by this seed.
    Chosen(u64),
}

#[derive(Debug, Clone, Default)]
struct FileNode {
    durable: Vec<u8>,
    bytes: Vec<u8>,
    /// Versions of each sector since it was last durable, oldest first.
    dirty: BTreeMap<usize, Vec<Sector>>,
    /// Lengths since the length was last durable.
    lengths: Vec<usize>,
    reserved: u64,
}

#[derive(Debug, Clone)]
enum Change {
    Add(String, u64),
    Remove(String, u64),
    Rename(String, String, u64),
}

#[derive(Debug, Clone, Default)]
struct DirNode {
    durable: BTreeMap<String, u64>,
    names: BTreeMap<String, u64>,
    changes: Vec<Change>,
}

/// Shared between copies of the disk until one of them changes it.
#[derive(Debug, Clone)]
enum Node {
    File(Arc<FileNode>),
    Dir(Arc<DirNode>),
}

#[derive(Debug, Clone, Copy)]
struct Planned {
    only: Option<Call>,
    /// Calls of that kind that still pass.
    left: u64,
    failure: Failure,
}

/// Everything on the disk.
#[derive(Debug, Clone)]
pub(crate) struct State {
    nodes: BTreeMap<u64, Node>,
    /// What the test noted last: how much was acknowledged, how much handed in.
    pub(crate) noted: (u64, u64),
    /// Records under the newest checkpoint that was given out.
    pub(crate) signed: u64,
    /// The call that led here.
    pub(crate) call: Option<Call>,
    /// That call was made on the thread that syncs beside a writer.
    pub(crate) beside: bool,
    /// A writer held the lock then.
    pub(crate) locked: bool,
}

#[derive(Debug, Default)]
struct Plan {
    fail: Option<Planned>,
    /// The planned failure happened, in a thread of this name.
    failed_in: Option<String>,
    capacity: Option<u64>,
    history: Option<Vec<State>>,
    flip: Option<(u64, u64, u8)>,
    trim: Option<(u64, u64)>,
    /// What others do once so many more reading calls are over, and dice for where in a read.
    later: Option<(u64, Dice, State)>,
    dice: u64,
}

impl Plan {
    /// How this read fails, if it does.
    fn failing_read(&mut self) -> Option<Failure> {
        let planned = self.fail.as_mut().filter(|planned| planned.only == Some(Call::Read))?;
        if planned.left > 0 {
            planned.left -= 1;
            return None;
        }
        let failure = planned.failure;
        self.fails_now();
        Some(failure)
    }

    /// The planned failure happens, once.
    fn fails_now(&mut self) {
        self.fail = None;
        self.failed_in = Some(std::thread::current().name().unwrap_or_default().to_owned());
    }
}

/// A disk in memory; clones are the same disk.
#[derive(Clone)]
pub(crate) struct SimDisk {
    inner: Arc<Mutex<(State, Plan)>>,
    locked: Arc<AtomicBool>,
}

const ROOT: u64 = 0;

fn error(kind: io::ErrorKind) -> io::Error {
    io::Error::from(kind)
}

fn sector_of(bytes: &[u8], index: usize) -> Sector {
    let mut sector = [0; SECTOR];
    let start = (index * SECTOR).min(bytes.len());
    let end = (start + SECTOR).min(bytes.len());
    sector[..end - start].copy_from_slice(&bytes[start..end]);
    sector
}

fn put_sector(bytes: &mut Vec<u8>, index: usize, sector: &Sector) {
    let start = index * SECTOR;
    if bytes.len() < start + SECTOR {
        bytes.resize(start + SECTOR, 0);
    }
    bytes[start..start + SECTOR].copy_from_slice(sector);
}

impl FileNode {
    fn note_sectors(&mut self, start: usize, end: usize) {
        for index in start / SECTOR..end.div_ceil(SECTOR) {
            let sector = sector_of(&self.bytes, index);
            self.dirty.entry(index).or_default().push(sector);
        }
    }

    fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
            self.lengths.push(end);
        }
        self.bytes[offset..end].copy_from_slice(bytes);
        self.note_sectors(offset, end);
    }

    fn set_len(&mut self, len: usize) {
        let held = self.bytes.len();
        self.bytes.resize(len, 0);
        self.lengths.push(len);
        if len < held {
            // What is cut off must not come back when the file grows again.
            self.note_sectors(len, held);
        }
    }

    fn sync(&mut self) {
        let len = self.bytes.len();
        for index in std::mem::take(&mut self.dirty).into_keys() {
            put_sector(&mut self.durable, index, &sector_of(&self.bytes, index));
        }
        self.durable.resize(len, 0);
        self.lengths.clear();
    }

    fn is_durable(&self) -> bool {
        self.dirty.is_empty() && self.lengths.is_empty() && self.bytes == self.durable
    }

    fn after_power_cut(&self, mut pick: impl FnMut(usize) -> usize) -> Self {
        let mut bytes = self.durable.clone();
        let choice = pick(self.lengths.len() + 1);
        let len = choice.checked_sub(1).map_or(self.durable.len(), |index| self.lengths[index]);
        for (index, versions) in &self.dirty {
            if let Some(choice) = pick(versions.len() + 1).checked_sub(1) {
                put_sector(&mut bytes, *index, &versions[choice]);
            }
        }
        bytes.resize(len, 0);
        Self { durable: bytes.clone(), bytes, reserved: self.reserved, ..Self::default() }
    }
}

impl DirNode {
    fn after_power_cut(&self, mut pick: impl FnMut(usize) -> usize) -> Self {
        let mut names = self.durable.clone();
        for change in &self.changes {
            if pick(2) == 0 {
                continue;
            }
            match change {
                Change::Add(name, node) => {
                    names.insert(name.clone(), *node);
                }
                Change::Remove(name, node) => {
                    if names.get(name) == Some(node) {
                        names.remove(name);
                    }
                }
                Change::Rename(from, to, node) => {
                    if names.get(from) == Some(node) {
                        names.remove(from);
                    }
                    names.insert(to.clone(), *node);
                }
            }
        }
        Self { durable: names.clone(), names, changes: Vec::new() }
    }
}

impl State {
    fn dir(&self, id: u64) -> io::Result<&DirNode> {
        match self.nodes.get(&id) {
            Some(Node::Dir(dir)) => Ok(dir),
            _ => Err(error(io::ErrorKind::NotADirectory)),
        }
    }

    fn dir_mut(&mut self, id: u64) -> io::Result<&mut DirNode> {
        match self.nodes.get_mut(&id) {
            Some(Node::Dir(dir)) => Ok(Arc::make_mut(dir)),
            _ => Err(error(io::ErrorKind::NotADirectory)),
        }
    }

    fn file(&self, id: u64) -> &FileNode {
        match self.nodes.get(&id) {
            Some(Node::File(file)) => file,
            _ => panic!("node {id} is no file"),
        }
    }

    fn file_mut(&mut self, id: u64) -> &mut FileNode {
        match self.nodes.get_mut(&id) {
            Some(Node::File(file)) => Arc::make_mut(file),
            _ => panic!("node {id} is no file"),
        }
    }

    fn find(&self, path: &Path) -> io::Result<u64> {
        let mut id = ROOT;
        for part in path.components() {
            if let Component::Normal(name) = part {
                let name = name.to_str().unwrap();
                let found = self.dir(id)?.names.get(name).copied();
                id = found.ok_or_else(|| error(io::ErrorKind::NotFound))?;
            }
        }
        Ok(id)
    }

    fn parent(&self, path: &Path) -> io::Result<(u64, String)> {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        Ok((self.find(path.parent().unwrap())?, name))
    }

    fn add(&mut self, parent: u64, name: &str, node: Node) -> io::Result<u64> {
        let id = self.nodes.keys().next_back().map_or(0, |last| last + 1);
        if self.dir(parent)?.names.contains_key(name) {
            return Err(error(io::ErrorKind::AlreadyExists));
        }
        let dir = self.dir_mut(parent)?;
        dir.names.insert(name.to_owned(), id);
        dir.changes.push(Change::Add(name.to_owned(), id));
        self.nodes.insert(id, node);
        Ok(id)
    }

    /// Bytes that the files with a name take.
    fn used(&self) -> u64 {
        let named = self.nodes.values().filter_map(|node| match node {
            Node::Dir(dir) => Some(dir.names.values()),
            Node::File(_) => None,
        });
        named
            .flatten()
            .filter_map(|id| match self.nodes.get(id) {
                Some(Node::File(file)) => Some(file.reserved.max(file.bytes.len() as u64)),
                _ => None,
            })
            .sum()
    }

    /// All files by path, as anybody reads them.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut dirs = vec![(String::new(), ROOT)];
        while let Some((path, id)) = dirs.pop() {
            let Some(Node::Dir(dir)) = self.nodes.get(&id) else { continue };
            for (name, id) in &dir.names {
                let path = format!("{path}/{name}");
                match &self.nodes[id] {
                    Node::File(file) => {
                        found.insert(path, file.bytes.clone());
                    }
                    Node::Dir(_) => dirs.push((path, *id)),
                }
            }
        }
        found
    }

    /// What a power cut leaves: `pick` is asked for a number below each number of choices.
    fn after_power_cut(&self, pick: &mut dyn FnMut(usize) -> usize) -> Self {
        let lasting = self.lasting();
        let nodes = self.nodes.iter().filter(|(id, _)| lasting.contains(id)).map(|(id, node)| {
            let node = match node {
                // What nothing is open about is shared, not copied.
                Node::File(file) if file.is_durable() => node.clone(),
                Node::Dir(dir) if dir.changes.is_empty() => node.clone(),
                Node::File(file) => Node::File(Arc::new(file.after_power_cut(&mut *pick))),
                Node::Dir(dir) => Node::Dir(Arc::new(dir.after_power_cut(&mut *pick))),
            };
            (*id, node)
        });
        Self { nodes: nodes.collect(), ..*self }
    }

    /// Nodes that can have a name after a power cut.
    fn lasting(&self) -> BTreeSet<u64> {
        let mut lasting = BTreeSet::from([ROOT]);
        for node in self.nodes.values() {
            let Node::Dir(dir) = node else { continue };
            lasting.extend(dir.durable.values());
            lasting.extend(dir.changes.iter().map(|change| match change {
                Change::Add(_, id) | Change::Remove(_, id) | Change::Rename(_, _, id) => *id,
            }));
        }
        lasting
    }

    /// Between how many possibilities a power cut picks, choice by choice.
    pub(crate) fn choices(&self) -> Vec<usize> {
        let mut choices = Vec::new();
        self.after_power_cut(&mut |count| {
            choices.push(count);
            0
        });
        choices
    }
}

impl SimDisk {
    /// A disk with one durable, empty directory, `/disk`.
    pub(crate) fn new() -> Self {
        let root = DirNode { durable: [("disk".to_owned(), 1)].into(), ..DirNode::default() };
        let root = DirNode { names: root.durable.clone(), ..root };
        let nodes = [(ROOT, Node::Dir(Arc::new(root))), (1, Node::Dir(Arc::default()))];
        Self::holding(State {
            nodes: nodes.into(),
            noted: (0, 0),
            signed: 0,
            call: None,
            beside: false,
            locked: false,
        })
    }

    pub(crate) fn holding(state: State) -> Self {
        let inner = Arc::new(Mutex::new((state, Plan::default())));
        Self { inner, locked: Arc::new(AtomicBool::new(false)) }
    }

    fn inner(&self) -> MutexGuard<'_, (State, Plan)> {
        self.inner.lock().unwrap()
    }

    pub(crate) fn state(&self) -> State {
        State { locked: self.locked.load(Ordering::SeqCst), ..self.inner().0.clone() }
    }

    /// What the disk holds after a power cut, on a healthy machine.
    pub(crate) fn cut_power(state: &State, unsynced: Unsynced) -> Self {
        let mut dice = Dice::new(if let Unsynced::Chosen(seed) = unsynced { seed } else { 0 });
        Self::holding(state.after_power_cut(&mut |choices| match unsynced {
            Unsynced::Lost => 0,
            Unsynced::Kept => choices - 1,
            Unsynced::Chosen(_) => dice.below(choices),
        }))
    }

    /// The same, with each of [`State::choices`] picked by name.
    pub(crate) fn cut_power_at(state: &State, picked: &[usize]) -> Self {
        let mut picked = picked.iter();
        Self::holding(state.after_power_cut(&mut |_| *picked.next().unwrap()))
    }

    /// What the disk holds after its process died: all that was written, synced or not.
    pub(crate) fn kill(state: &State) -> Self {
        Self::holding(state.clone())
    }

    /// The disk in the middle of a [`SimDisk::history`], whoever wrote then still alive.
    pub(crate) fn living(state: &State) -> Self {
        let disk = Self::holding(state.clone());
        disk.locked.store(state.locked, Ordering::SeqCst);
        disk
    }

    /// From now on, keeps a copy of the disk after every call that changes something.
    pub(crate) fn record(&self) {
        let now = self.state();
        self.inner().1.history = Some(vec![now]);
    }

    pub(crate) fn history(&self) -> Vec<State> {
        self.inner().1.history.take().unwrap()
    }

    /// Notes how many records were acknowledged and how many handed in.
    pub(crate) fn note(&self, acknowledged: u64, handed_in: u64) {
        let mut inner = self.inner();
        inner.0.noted = (acknowledged, handed_in);
        let now = inner.0.noted;
        if let Some(last) = inner.1.history.as_mut().and_then(|history| history.last_mut()) {
            // What is promised is promised with the disk as it is now.
            last.noted = now;
        }
    }

    /// Notes that a checkpoint over so many records was given out.
    pub(crate) fn note_signed(&self, size: u64) {
        let mut inner = self.inner();
        inner.0.signed = size;
        if let Some(last) = inner.1.history.as_mut().and_then(|history| history.last_mut()) {
            last.signed = size;
        }
    }

    /// Lets the call after `passes` calls of a kind (or of any kind) fail, once.
    pub(crate) fn fail(&self, only: Option<Call>, passes: u64, failure: Failure) {
        let mut inner = self.inner();
        inner.1.fail = Some(Planned { only, left: passes, failure });
        inner.1.failed_in = None;
    }

    /// True when the planned failure happened.
    pub(crate) fn has_failed(&self) -> bool {
        self.inner().1.failed_in.is_some()
    }

    /// The name of the thread in which the planned failure happened.
    pub(crate) fn failed_in(&self) -> Option<String> {
        self.inner().1.failed_in.clone()
    }

    /// Repairs the disk; what it holds stays.
    pub(crate) fn heal(&self) {
        let mut inner = self.inner();
        inner.1.fail = None;
        inner.1.capacity = None;
    }

    /// Leaves `free` bytes on the disk.
    pub(crate) fn leave_free(&self, free: u64) {
        let mut inner = self.inner();
        inner.1.capacity = Some(inner.0.used() + free);
    }

    /// From now on, reading this byte of a file shows it with `mask` flipped.
    pub(crate) fn flip_on_read(&self, path: &Path, offset: u64, mask: u8) {
        let mut inner = self.inner();
        let id = inner.0.find(path).unwrap();
        inner.1.flip = Some((id, offset, mask));
    }

    /// Lets a writer trim a file just when it is read next.
    pub(crate) fn trim_on_read(&self, path: &Path, len: u64) {
        let mut inner = self.inner();
        let id = inner.0.find(path).unwrap();
        inner.1.trim = Some((id, len));
    }

    /// Lets others do, between two of the calls that read, or in the middle of one, all that leads
    /// to `later`: a state in the [`SimDisk::history`] of this disk.
    pub(crate) fn become_after(&self, reads: u64, later: State) {
        self.inner().1.later = Some((reads, Dice::new(reads), later));
    }

    /// True when the planned state has come.
    pub(crate) fn has_become(&self) -> bool {
        self.inner().1.later.is_none()
    }

    /// The disk for a call that reads, after what others do just then.
    fn reading(&self) -> MutexGuard<'_, (State, Plan)> {
        let mut inner = self.inner();
        if let Some((left, dice, later)) = inner.1.later.take() {
            if left == 0 {
                self.locked.store(later.locked, Ordering::SeqCst);
                inner.0 = later;
            } else {
                inner.1.later = Some((left - 1, dice, later));
            }
        }
        inner
    }

    /// A read is no single moment: where others act just then, the first part of what is read is
    /// from before, and so may its length be. Returns that part, how much was to be read, and the
    /// disk for the rest.
    fn reading_bytes(
        &self,
        id: u64,
        range: &Range<usize>,
    ) -> (Vec<u8>, usize, MutexGuard<'_, (State, Plan)>) {
        let (mut before, mut length) = (Vec::new(), 0);
        let mut inner = self.inner();
        if let (State { nodes, .. }, Plan { later: Some((0, dice, _)), .. }) = &mut *inner
            && let Some(Node::File(file)) = nodes.get(&id)
        {
            let held = &file.bytes[range.start.min(file.bytes.len())..];
            let held = &held[..range.len().min(held.len())];
            before = held[..dice.below(held.len() + 1)].to_vec();
            length = held.len() * dice.below(2);
        }
        drop(inner);
        (before, length, self.reading())
    }

    /// Changes a file as rot or a stranger would: behind everybody's back, durably.
    pub(crate) fn alter(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut inner = self.inner();
        let id = inner.0.find(path).unwrap();
        let file = inner.0.file_mut(id);
        assert!(file.dirty.is_empty() && file.lengths.is_empty(), "{path:?} is not synced");
        change(&mut file.bytes);
        file.durable = file.bytes.clone();
    }

    /// Forgets a name, durably.
    pub(crate) fn forget(&self, path: &Path) {
        let mut inner = self.inner();
        let (parent, name) = inner.0.parent(path).unwrap();
        let dir = inner.0.dir_mut(parent).unwrap();
        dir.names.remove(&name).unwrap();
        dir.durable.remove(&name);
    }

    /// Runs one changing call: fails it if that is planned, else keeps a copy afterwards.
    fn change<T>(
        &self,
        call: Call,
        on_failure: impl FnOnce(&mut State, Failure, &mut Dice),
        act: impl FnOnce(&mut State, Option<u64>) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut inner = self.inner();
        let (state, plan) = &mut *inner;
        if let Some(planned) = &mut plan.fail
            && planned.only.is_none_or(|only| only == call)
        {
            if planned.left == 0 {
                let failure = planned.failure;
                plan.fails_now();
                plan.dice += 1;
                on_failure(state, failure, &mut Dice::new(plan.dice));
                return Err(match failure {
                    Failure::Full => error(io::ErrorKind::StorageFull),
                    _ => io::Error::from_raw_os_error(libc::EIO),
                });
            }
            planned.left -= 1;
        }
        let done = act(state, plan.capacity);
        state.call = Some(call);
        state.beside = std::thread::current().name() == Some("sync");
        state.locked = self.locked.load(Ordering::SeqCst);
        if let Some(history) = &mut plan.history {
            history.push(state.clone());
        }
        done
    }
}

impl SimDisk {
    /// Renames within a directory; `over` whatever has the name, or nothing.
    fn rename(&self, from: &Path, to: &Path, over: bool) -> io::Result<()> {
        assert_eq!(from.parent(), to.parent(), "this disk renames within a directory");
        self.change(Call::Rename, nothing, |state, _| {
            let (parent, from) = state.parent(from)?;
            let (_, to) = state.parent(to)?;
            let dir = state.dir_mut(parent)?;
            if !over && dir.names.contains_key(&to) {
                return Err(error(io::ErrorKind::AlreadyExists));
            }
            let id = dir.names.remove(&from).ok_or_else(|| error(io::ErrorKind::NotFound))?;
            dir.names.insert(to.clone(), id);
            dir.changes.push(Change::Rename(from, to, id));
            Ok(())
        })
    }
}

fn nothing(_: &mut State, _: Failure, _: &mut Dice) {}

impl Disk for SimDisk {
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let inner = self.reading();
        let id = inner.0.find(dir)?;
        Ok(inner.0.dir(id)?.names.keys().cloned().collect())
    }

    fn open(&self, path: &Path, _access: Access) -> io::Result<Box<dyn DiskFile>> {
        let inner = self.reading();
        let id = inner.0.find(path)?;
        match inner.0.nodes[&id] {
            Node::File(_) => Ok(Box::new(SimFile { disk: self.clone(), id })),
            Node::Dir(_) => Err(error(io::ErrorKind::IsADirectory)),
        }
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let id = self.change(Call::Create, nothing, |state, _| {
            let (parent, name) = state.parent(path)?;
            state.add(parent, &name, Node::File(Arc::default()))
        })?;
        Ok(Box::new(SimFile { disk: self.clone(), id }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let above = path.parent().unwrap();
        if self.list(above).is_err() {
            self.create_dir(above)?;
        }
        if self.list(path).is_ok() {
            return Ok(());
        }
        self.change(Call::CreateDir, nothing, |state, _| {
            let (parent, name) = state.parent(path)?;
            state.add(parent, &name, Node::Dir(Arc::default())).map(|_| ())
        })
    }

    fn create_private(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.create(path)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.rename(from, to, false)
    }

    fn replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.rename(from, to, true)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(Call::Remove, nothing, |state, _| {
            let (parent, name) = state.parent(path)?;
            let dir = state.dir_mut(parent)?;
            let id = dir.names.remove(&name).ok_or_else(|| error(io::ErrorKind::NotFound))?;
            dir.changes.push(Change::Remove(name, id));
            Ok(())
        })
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.change(Call::SyncDir, nothing, |state, _| {
            let id = state.find(path)?;
            let dir = state.dir_mut(id)?;
            dir.durable = dir.names.clone();
            dir.changes.clear();
            Ok(())
        })
    }

    fn lock(&self, _path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        let taken = self.locked.swap(true, Ordering::SeqCst);
        Ok((!taken).then(|| -> Box<dyn Send + Sync> { Box::new(Held(Arc::clone(&self.locked))) }))
    }

    fn is_locked(&self, _path: &Path) -> io::Result<bool> {
        drop(self.reading());
        Ok(self.locked.load(Ordering::SeqCst))
    }
}

struct Held(Arc<AtomicBool>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

struct SimFile {
    disk: SimDisk,
    id: u64,
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.reading().0.file(self.id).bytes.len() as u64)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let from = usize::try_from(offset).unwrap();
        let range = from..from + bytes.len();
        let (before, length, mut inner) = self.disk.reading_bytes(self.id, &range);
        let failure = inner.1.failing_read();
        if let Some(Failure::Io | Failure::IoDropsPages | Failure::Full) = failure {
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        if let Some((_, len)) = inner.1.trim.take_if(|(id, _)| *id == self.id) {
            inner.0.file_mut(self.id).set_len(usize::try_from(len).unwrap());
        }
        let flip = inner.1.flip;
        let held = &inner.0.file(self.id).bytes;
        let start = from.min(held.len());
        let mut count = bytes.len().min(held.len() - start);
        if failure.is_some() {
            count /= 2;
        }
        bytes[..count].copy_from_slice(&held[start..start + count]);
        // What was cut off meanwhile reads as zeroes.
        bytes[count..count.max(length)].fill(0);
        count = count.max(length);
        let torn = before.len().min(count);
        bytes[..torn].copy_from_slice(&before[..torn]);
        if let Some((id, at, mask)) = flip
            && id == self.id
            && (offset..offset + count as u64).contains(&at)
        {
            bytes[usize::try_from(at - offset).unwrap()] ^= mask;
        }
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let offset = usize::try_from(offset).unwrap();
        let partly = |state: &mut State, _: Failure, dice: &mut Dice| {
            let written = dice.below(bytes.len() + 1);
            state.file_mut(self.id).write(&bytes[..written], offset);
        };
        self.disk.change(Call::Write, partly, |state, capacity| {
            let end = (offset + bytes.len()) as u64;
            let file = state.file(self.id);
            let grows = end.saturating_sub(file.reserved.max(file.bytes.len() as u64));
            if capacity.is_some_and(|capacity| grows > 0 && state.used() + grows > capacity) {
                return Err(error(io::ErrorKind::StorageFull));
            }
            state.file_mut(self.id).write(bytes, offset);
            Ok(())
        })
    }

    fn reserve(&self, len: u64) -> io::Result<()> {
        self.disk.change(Call::Reserve, nothing, |state, capacity| {
            let file = state.file(self.id);
            let grows = len.saturating_sub(file.reserved.max(file.bytes.len() as u64));
            if capacity.is_some_and(|capacity| grows > 0 && state.used() + grows > capacity) {
                return Err(error(io::ErrorKind::StorageFull));
            }
            let file = state.file_mut(self.id);
            file.reserved = file.reserved.max(len);
            let len = usize::try_from(len).unwrap();
            if file.bytes.len() < len {
                file.set_len(len);
            }
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if len > FILE_BYTES_MAX {
            return Err(error(io::ErrorKind::FileTooLarge));
        }
        self.disk.change(Call::SetLen, nothing, |state, _| {
            let file = state.file_mut(self.id);
            file.reserved = file.reserved.min(len);
            file.set_len(usize::try_from(len).unwrap());
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        let fails = |state: &mut State, failure: Failure, dice: &mut Dice| {
            let file = state.file_mut(self.id);
            if failure == Failure::IoDropsPages {
                // Some pages may have reached the disk before the failure.
                let survives: Vec<usize> =
                    file.dirty.keys().copied().filter(|_| dice.below(2) == 0).collect();
                for index in survives {
                    put_sector(&mut file.durable, index, &sector_of(&file.bytes, index));
                }
                file.dirty.clear();
            }
        };
        self.disk.change(Call::Sync, fails, |state, _| {
            state.file_mut(self.id).sync();
            Ok(())
        })
    }

    fn map(&self) -> io::Result<Option<Map>> {
        Ok(None)
    }
}
