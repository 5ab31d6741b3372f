//! Keeping notes costs each note one file, and the folder and the newest note are written once.

use schwabot::checkpoint::{Checkpoint, KeyKind, Note as Signed};
use schwabot::hash;
use schwabot::ledger::disk::{Disk, Readers, write_whole};
use schwabot::ledger::layout::Layout;
use schwabot::ledger::{SyncMode, Writer};

use crate::fault_backup::{back_up, safe};
use crate::support::keys::key;
use crate::support::notes::{Note, step};
use crate::support::sim_disk::{Call, SimDisk};
use crate::support::sim_ledger::{ledger_path, sim_options};

/// A ledger that holds as many notes.
fn with_notes(count: u64) -> SimDisk {
    let disk = SimDisk::new();
    let options = sim_options(&disk, SyncMode::Always, 1 << 14, 1);
    let mut writer: Writer<Note> = Writer::open(&ledger_path(), &options).unwrap();
    writer.append(&step(&[1, 2, 3])).unwrap();
    writer.close().unwrap();
    let folder = Layout::new(&ledger_path()).checkpoints();
    disk.create_dir(&folder).unwrap();
    for size in 1..=count {
        let origin = "example.com/bot".to_owned();
        let root = hash::sha256(&size.to_le_bytes());
        let mut note = Signed::new(Checkpoint { origin: origin.clone(), size, root });
        note.sign(&key(&origin, KeyKind::Log, 1), 0);
        let path = folder.join(format!("{size:012}.note"));
        write_whole(&disk, &path, note.to_string().as_bytes(), Readers::Usual).unwrap();
    }
    disk
}

/// How often a backup of as many notes makes each of these calls.
fn calls<const N: usize>(notes: u64, kinds: [Call; N]) -> [usize; N] {
    let disk = with_notes(notes);
    disk.record();
    let done = back_up(&disk).unwrap();
    assert_eq!((done.notes, done.new_notes), (notes, notes));
    let history = disk.history();
    let newest = disk.state().files()[&safe().join("checkpoint").display().to_string()].clone();
    let newest = Signed::parse(&newest).unwrap();
    assert_eq!(newest.checkpoint().size, notes, "the newest is published");
    kinds.map(|kind| history.iter().filter(|state| state.call == Some(kind)).count())
}

#[test]
fn a_backup_writes_each_new_note_once_and_the_newest_and_the_folder_once_for_all() {
    let kinds = [Call::Write, Call::Sync, Call::Rename, Call::SyncDir];
    let (few, many) = (calls(5, kinds), calls(25, kinds));
    let more: Vec<usize> = many.iter().zip(few).map(|(many, few)| many - few).collect();
    assert_eq!(more, [20, 20, 20, 0], "{few:?} {many:?}");
}
