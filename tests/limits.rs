//! However large a file says it is, the memory that reading it takes is bounded.
//!
//! A program of its own: its allocator counts. Each bound is a constant here, stated in
//! `src/docs/RELIABILITY.md`; a length that is believed before it is checked breaks one of them, or
//! ends the program.

#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]
#![expect(unsafe_code, reason = "an allocator that counts is one")]

#[expect(dead_code, reason = "only some of what tests share is needed here")]
mod support;

use std::alloc::{GlobalAlloc, Layout as Block, System};
use std::cell::Cell;
use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use schwabot::audit::{VerifyOptions, verify};
use schwabot::checkpoint::{
    NOTES_BYTES_MAX, Note, Policy, Receipt, Request, read_notes, sign_head,
};
use schwabot::erasure::KeyRing;
use schwabot::event::wire;
use schwabot::event::{Event, SubjectId};
use schwabot::hash;
use schwabot::kernel::World;
use schwabot::ledger::clock::{Machine, Stopwatch};
use schwabot::ledger::disk::RealDisk;
use schwabot::ledger::frame::FRAME_HEADER_BYTES;
use schwabot::ledger::layout::Layout;
use schwabot::ledger::packed::{BLOCK_BYTES, ORIGINAL_BYTES_MAX, pack, packed_path};
use schwabot::ledger::segment::SEGMENT_HEADER_BYTES;
use schwabot::ledger::{Batch, LedgerError, Reader, SyncMode, Writer, frame, layout, segment};
use schwabot::market::{CommandFile, DataFile, MarketOptions, PairSymbol, open_market};
use schwabot::pipeline::RunFile;
use schwabot::projections::{UpTo, fold, fold_from_zero};

use support::keys::log_key;
use support::notes::{Note as TestNote, append, note, options, stamp, step};
use support::packing::packed_file;
use support::{copy_dir, demo};

/// Memory for reading, verifying and opening a ledger of a few kilobytes, whatever its fields say.
const LEDGER_PEAK_MAX: usize = 4 << 20;
/// Memory for the same of a ledger that holds a packed segment, the table of the longest included.
const PACKED_PEAK_MAX: usize = 12 << 20;
/// Memory for a text or a small file, beside what its own limit is.
const SMALL_PEAK_MAX: usize = 1 << 20;
/// Memory for a file of candles of any length.
const CANDLES_PEAK_MAX: usize = 4 << 20;
/// Memory that a forged snapshot of less than 256 KiB may claim: 64 times that.
const SNAPSHOT_PEAK_MAX: usize = (16 << 20) + LEDGER_PEAK_MAX;
/// Length that is claimed by files with nothing inside.
const SPARSE_BYTES: u64 = 1 << 40;

/// The system's allocator, and how much is held of it.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// How often this thread asked for memory.
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

impl Counting {
    fn took(bytes: usize) {
        ASKED.set(ASKED.get() + 1);
        let held = HELD.fetch_add(bytes, Ordering::SeqCst) + bytes;
        PEAK.fetch_max(held, Ordering::SeqCst);
    }
}

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, block: Block) -> *mut u8 {
        Self::took(block.size());
        // SAFETY: as the caller promised.
        unsafe { System.alloc(block) }
    }
    unsafe fn alloc_zeroed(&self, block: Block) -> *mut u8 {
        Self::took(block.size());
        // SAFETY: as the caller promised.
        unsafe { System.alloc_zeroed(block) }
    }
    unsafe fn dealloc(&self, at: *mut u8, block: Block) {
        HELD.fetch_sub(block.size(), Ordering::SeqCst);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(at, block) }
    }
    unsafe fn realloc(&self, at: *mut u8, block: Block, bytes: usize) -> *mut u8 {
        Self::took(bytes);
        HELD.fetch_sub(block.size(), Ordering::SeqCst);
        // SAFETY: as the caller promised.
        unsafe { System.realloc(at, block, bytes) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The allocator counts for all threads, so one test measures at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Runs something and checks the most memory that it held at once.
#[track_caller]
fn within<T>(bound: usize, what: &str, work: impl FnOnce() -> T) -> T {
    let before = HELD.load(Ordering::SeqCst);
    PEAK.store(before, Ordering::SeqCst);
    let done = work();
    let peak = PEAK.load(Ordering::SeqCst).saturating_sub(before);
    assert!(peak <= bound, "{what}: {peak} bytes, {bound} at most");
    done
}

fn sparse(path: &Path, bytes: u64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    File::create(path).unwrap().set_len(bytes).unwrap();
}

/// Does everything with a ledger that anybody does who was handed it.
fn use_ledger(path: &Path, what: &str) {
    use_ledger_within(LEDGER_PEAK_MAX, path, what);
}

fn use_ledger_within(bound: usize, path: &Path, what: &str) {
    let threads = 2;
    within(bound, what, || {
        drop(verify(path, &VerifyOptions { threads, ..VerifyOptions::default() }));
        if let Ok(reader) = Reader::<TestNote>::open(path) {
            drop(reader.for_each::<LedgerError>(0, |_| Ok(())));
            for sequence in [0, 5, u64::MAX, 1 << 62] {
                drop(reader.record(sequence));
            }
        }
        if let Ok(mut writer) = Writer::<TestNote>::open(path, &options(SyncMode::End, 2048)) {
            drop(writer.append(&step(&[1])));
            drop(writer.close());
        }
    });
}

/// What a field of so many bytes is forged to.
fn forged(bytes: usize) -> Vec<Vec<u8>> {
    let number = |value: u64| {
        let mut field = value.to_le_bytes().to_vec();
        field.resize(bytes.max(8), 0);
        field.truncate(bytes);
        field
    };
    let most = vec![0xff; bytes];
    vec![most, number(1 << 62), number(u64::MAX >> 1), number((16 << 20) - 88), number(1 << 40)]
}

#[test]
fn a_packed_segment_of_any_claim_takes_no_more_memory_than_the_longest_table() {
    let _alone = alone();
    let place = tempfile::tempdir().unwrap();
    let sound = place.path().join("sound");
    append(&sound, 0..12, 1, &options(SyncMode::Always, 1024));
    let plain = fs::read(Layout::new(&sound).segment(1)).unwrap();
    pack(&RealDisk, &sound).unwrap();
    let file = packed_path(&Layout::new(&sound).segment(1));
    let whole = fs::read(&file).unwrap();
    let own = vec![zstd::bulk::compress(&plain, 3).unwrap()];
    let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 3).unwrap();
    let most = ORIGINAL_BYTES_MAX / BLOCK_BYTES as u64;
    let many = vec![zstd::bulk::compress(&vec![0; BLOCK_BYTES], 3).unwrap(); most as usize];
    let footer = |count: u32| {
        let mut bytes = whole.clone();
        let at = bytes.len() - 9;
        bytes[at..at + 4].copy_from_slice(&count.to_le_bytes());
        bytes
    };
    let forged = [
        ("a bomb in a block", packed_file(&[bomb], plain.len() as u64, &plain)),
        ("a long original", packed_file(&own, ORIGINAL_BYTES_MAX, &plain)),
        ("the longest original there is", packed_file(&own, u64::MAX, &plain)),
        ("4 GiB of zeroes", packed_file(&many, ORIGINAL_BYTES_MAX, &plain)),
        ("a footer of many blocks", footer(most as u32)),
        ("a footer of all blocks", footer(u32::MAX)),
    ];
    for (what, bytes) in forged {
        fs::write(&file, bytes).unwrap();
        use_ledger_within(PACKED_PEAK_MAX, &sound, what);
    }
    // A file that is long and empty but for a footer.
    for count in [most as u32, u32::MAX] {
        sparse(&file, SPARSE_BYTES);
        let handle = File::options().write(true).open(&file).unwrap();
        let tail = &footer(count)[whole.len() - 9..];
        std::os::unix::fs::FileExt::write_all_at(&handle, tail, SPARSE_BYTES - 9).unwrap();
        use_ledger_within(PACKED_PEAK_MAX, &sound, "a sparse file");
    }
}

#[test]
fn a_ledger_with_any_header_field_at_its_largest_takes_no_more_memory() {
    let _alone = alone();
    let place = tempfile::tempdir().unwrap();
    let sound = place.path().join("sound");
    append(&sound, 0..12, 1, &options(SyncMode::Always, 1024));
    let segments = Layout::new(&sound).segments();
    let indexes: Vec<u64> =
        (0..9).filter(|n| segments.join(segment::file_name(*n)).exists()).collect();
    assert!(indexes.len() > 2, "several segments");
    let mut tried = 0;
    let mut forge = |name: &str, file: &Path, change: &dyn Fn(&mut Vec<u8>)| {
        let ledger = place.path().join(format!("forged-{tried}"));
        copy_dir(&sound, &ledger);
        let file = ledger.join(file.strip_prefix(&sound).unwrap());
        let mut bytes = fs::read(&file).unwrap();
        change(&mut bytes);
        fs::write(&file, bytes).unwrap();
        use_ledger(&ledger, name);
        fs::remove_dir_all(&ledger).unwrap();
        tried += 1;
    };
    let file = Layout::new(&sound).segment(1);
    let last = Layout::new(&sound).segment(*indexes.last().unwrap());
    for (name, offset, bytes) in segment::LAYOUT {
        for value in forged(*bytes) {
            for file in [&file, &last] {
                forge(name, file, &|file| {
                    file[*offset..offset + bytes].copy_from_slice(&value);
                    let checksum = crc32c::crc32c(&file[12..SEGMENT_HEADER_BYTES]);
                    file[8..12].copy_from_slice(&checksum.to_le_bytes());
                });
            }
        }
    }
    for (name, offset, bytes) in frame::LAYOUT {
        for value in forged(*bytes) {
            for file in [&file, &last] {
                forge(name, file, &|file| {
                    let seed = crc32c::crc32c(&file[48..56]);
                    let head = &mut file[SEGMENT_HEADER_BYTES..][..FRAME_HEADER_BYTES];
                    head[*offset..offset + bytes].copy_from_slice(&value);
                    let checksum = crc32c::crc32c_append(seed, &head[4..]);
                    head[..4].copy_from_slice(&checksum.to_le_bytes());
                });
            }
        }
    }
    for (name, offset, bytes) in layout::IDENTITY_LAYOUT {
        for value in forged(*bytes) {
            forge(name, &Layout::new(&sound).identity(), &|file| {
                file[*offset..offset + bytes].copy_from_slice(&value);
                let checksum = crc32c::crc32c(&file[12..]);
                file[8..12].copy_from_slice(&checksum.to_le_bytes());
            });
        }
    }
    assert!(tried > 350, "{tried} forgeries");
}

#[test]
fn small_files_of_a_terabyte_are_refused_before_they_are_read() {
    let _alone = alone();
    let place = tempfile::tempdir().unwrap();
    let sound = place.path().join("sound");
    append(&sound, 0..40, 1, &options(SyncMode::Always, 1024));
    let key = log_key(place.path(), 1);
    let signed = sign_head::<TestNote>(&sound, &key, &options(SyncMode::Always, 1024)).unwrap();
    let size = signed.note.checkpoint().size;
    let (note, tile) = (format!("checkpoints/{size:012}.note"), format!("tile/0/000.p/{size}"));
    let snapshot = format!("snapshots/000000000003-{}.snap", "0".repeat(64));
    // Derived files are named; what counts is refused or told; the spare says nothing at all.
    for (name, derived, code) in [
        ("checkpoint", false, 14),
        (&*note, false, 14),
        (&*tile, true, 0),
        ("segments/000000000000.idx", true, 0),
        (&*snapshot, true, 0),
        ("ledger.id", false, 11),
        ("segments/next", false, 0),
    ] {
        let ledger = place.path().join("hollow");
        copy_dir(&sound, &ledger);
        sparse(&ledger.join(name), SPARSE_BYTES);
        use_ledger(&ledger, name);
        let watch = Stopwatch::start();
        let report = verify(&ledger, &VerifyOptions::default()).unwrap();
        let named: Vec<&str> = report.derived_damage.iter().map(|found| &*found.path).collect();
        assert_eq!(named, if derived { vec![name] } else { vec![] }, "{report:?}");
        assert_eq!(report.exit_code(), code, "{name}: {report:?}");
        // Reading a terabyte would take many minutes.
        assert!(watch.elapsed().as_secs() < 60, "{name} was read");
        fs::remove_dir_all(&ledger).unwrap();
    }
}

#[test]
fn notes_that_are_too_many_together_are_told_and_not_kept() {
    let _alone = alone();
    let place = tempfile::tempdir().unwrap();
    let layout = Layout::new(place.path());
    let count = (NOTES_BYTES_MAX >> 20) as u64;
    for number in 0..count {
        sparse(&layout.checkpoints().join(format!("{number:012}.note")), 1 << 20);
    }
    let all = || within(4 * SMALL_PEAK_MAX, "notes", || read_notes(&RealDisk, &layout));
    assert_eq!(all().unwrap().len() as u64, count);
    sparse(&layout.checkpoints().join(format!("{count:012}.note")), 1);
    assert!(all().unwrap_err().to_string().contains("together"));
}

#[test]
fn a_forged_snapshot_claims_no_memory_that_its_length_does_not_earn() {
    let _alone = alone();
    let place = tempfile::tempdir().unwrap();
    let ledger = place.path().join("ledger");
    demo::record(&ledger, &[], 1, 300);
    let reader: Reader<Event> = Reader::open(&ledger).unwrap();
    let folder = Layout::new(&ledger).snapshots();
    let body = fold_from_zero(&reader, UpTo::End).unwrap().world.save().unwrap();
    let expected = fold_from_zero(&reader, UpTo::End).unwrap().world.state_root();
    // Every place of the body in turn holds the largest count; under the name that it asks for.
    for offset in (0..body.len().saturating_sub(8)).step_by(1 + body.len() / 3_000) {
        for count in [u64::MAX, 1 << 40, 1 << 28, 1 << 20] {
            let mut forged = body.clone();
            forged[offset..offset + 8].copy_from_slice(&count.to_le_bytes());
            within(SNAPSHOT_PEAK_MAX, "a forged world", || drop(World::load(&forged)));
        }
    }
    let name = format!("{:012}-{}.snap", 3, hash::sha256(b""));
    sparse(&folder.join(name), SPARSE_BYTES);
    let alone = within(64 << 20, "a hollow snapshot", || fold(&reader, UpTo::End).unwrap());
    assert_eq!(alone.world.state_root(), expected);
}

#[test]
fn texts_that_are_too_long_are_refused_by_their_length() {
    let _alone = alone();
    let long = vec![b'a'; 64 << 20];
    let lines = "log x\n".repeat(1 << 20).into_bytes();
    let nested = format!("{}\n", "old 1\n".repeat(1 << 18)).into_bytes();
    within(4 * SMALL_PEAK_MAX, "texts", || {
        for text in [&long, &lines, &nested] {
            assert!(Note::parse(text).is_err());
            assert!(Receipt::parse(text).is_err());
            assert!(Request::parse(text).is_err());
            assert!(Policy::parse(&text[..text.len().min(1 << 20)]).is_err());
        }
    });
}

#[test]
fn settings_and_commands_of_any_length_or_depth_take_bounded_memory() {
    let _alone = alone();
    let place = tempfile::tempdir().unwrap();
    let (settings, commands) = (place.path().join("run.toml"), place.path().join("c.jsonl"));
    sparse(&settings, SPARSE_BYTES);
    within(4 << 20, "hollow settings", || assert!(RunFile::read(&settings).is_err()));
    for text in
        ["a = [".to_owned() + &"[".repeat(100_000), "[a.".to_owned() + &"b.".repeat(100_000)]
    {
        fs::write(&settings, text).unwrap();
        within(64 << 20, "deep settings", || assert!(RunFile::read(&settings).is_err()));
    }
    // 64 MiB are read at once, and a file that is longer not at all.
    sparse(&commands, SPARSE_BYTES);
    within(200 << 20, "hollow commands", || assert!(CommandFile::read(&commands).is_err()));
    fs::write(&commands, "[".repeat(60_000)).unwrap();
    within(SMALL_PEAK_MAX, "deep commands", || assert!(CommandFile::read(&commands).is_err()));
    let stages = format!("{{\"stages\":[{}[]]", "[],".repeat(10 << 20));
    fs::write(&commands, stages).unwrap();
    within(80 << 20, "many stages", || assert!(CommandFile::read(&commands).is_err()));
}

#[test]
fn candles_of_any_length_take_as_much_memory_as_short_ones() {
    let _alone = alone();
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("BTC_USDT-1m.csv");
    let pair = PairSymbol::parse("BTC/USDT");
    let heads = ["", "date,open,high,low,close,volume\n", "[[1,", "1,2,3,4,5,6,7,8,9,10,11,12\n"];
    for head in heads {
        fs::write(&path, head).unwrap();
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(256 << 20).unwrap();
        for skip_malformed in [false, true] {
            let file = DataFile { path: path.clone(), pair: pair.clone(), format: None };
            let options = MarketOptions { interval: None, skip_malformed };
            let read = within(CANDLES_PEAK_MAX, head, || open_market(&[file], &options).map(drop));
            assert!(read.is_err(), "{head:?} and zeroes are no candles");
        }
    }
}

#[test]
fn the_key_file_of_a_subject_is_destroyed_however_long_it_is() {
    let _alone = alone();
    let place = tempfile::tempdir().unwrap();
    let ring = KeyRing::open(Arc::new(RealDisk), Arc::new(Machine), place.path()).unwrap();
    let subject = SubjectId([3; 16]);
    let path = place.path().join(format!("{subject}.subject"));
    sparse(&path, SPARSE_BYTES);
    within(SMALL_PEAK_MAX, "a hollow key", || {
        assert!(ring.key(&subject).is_err());
        ring.destroy(&subject).unwrap();
    });
    assert!(!path.exists());
}

#[test]
fn a_value_that_claims_much_memory_is_refused() {
    let _alone = alone();
    let claim = |count: u64| [count.to_le_bytes().as_slice(), &[0; 64]].concat();
    for count in [u64::MAX, 1 << 60, 1 << 32, 1 << 24] {
        let bytes = claim(count);
        within(wire::DECODE_MEMORY_MAX, "a list", || {
            assert!(wire::decode::<Vec<u64>>(&bytes).is_err());
            assert!(wire::decode::<String>(&bytes).is_err());
        });
        within(SNAPSHOT_PEAK_MAX, "a state", || {
            assert!(wire::decode_state::<Vec<[u64; 8]>>(&bytes).is_err());
        });
    }
}

#[test]
fn an_append_asks_for_no_memory_of_its_own_once_the_buffers_have_grown() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    for sync in [SyncMode::Always, SyncMode::End] {
        let options = options(sync, 16 << 20);
        let mut writer: Writer<TestNote> =
            Writer::open(&dir.path().join(format!("{sync:?}")), &options).unwrap();
        let mut batch = Batch::new();
        let (event, stamp) = (note(22), stamp());
        let mut appended = |times: u32| {
            let before = ASKED.get();
            for _ in 0..times {
                batch.clear();
                batch.push(&event, &stamp).unwrap();
                writer.append(&batch).unwrap();
            }
            ASKED.get() - before
        };
        appended(2_000);
        // A list doubles now and then, and a buffer more is taken where the tree's thread lags; an
        // append of its own asks for none.
        let asked = appended(2_000);
        assert!(asked < 100, "{sync:?}: asked {asked} times");
        writer.close().unwrap();
    }
}
