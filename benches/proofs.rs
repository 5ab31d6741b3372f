//! What signing and proving cost in a long log: records in a scattered order, files in the cache.

use schwabot::checkpoint::{
    Checkpoint, KeyKind, Note, Policy, Receipt, SigningKey, Tiles, prove, save_note,
};
use schwabot::hash;
use schwabot::ledger::Reader;
use schwabot::ledger::clock::{Machine, Stopwatch};
use schwabot::ledger::disk::RealDisk;
use schwabot::ledger::layout::Layout;
use schwabot::measure::{Block, LEDGER, Reached, append};
use schwabot::merkle::proof::verify_inclusion;

use crate::harness::{Done, Run, Table};

/// Times each of several calls.
fn each(
    places: &[u64],
    mut work: impl FnMut(u64) -> Result<(), Box<dyn std::error::Error>>,
) -> Done {
    let mut waits = Vec::with_capacity(places.len());
    let watch = Stopwatch::start();
    for place in places {
        let one = Stopwatch::start();
        work(*place)?;
        waits.push(one.elapsed());
    }
    Ok(Reached::new(places.len() as u64, watch.elapsed(), waits))
}

pub(crate) fn proving(run: &mut Run) {
    const TITLE: &str = "proofs of one record in 10 M";
    let Some(place) = run.place_for(TITLE) else { return };
    let (records, turns) = (run.size(5_000, 10_000_000), run.size(20, 500));
    append::synced_at_the_end(place.path(), records, true).unwrap();
    let path = place.path().join(LEDGER);
    let reader: Reader<Block> = Reader::open(&path).unwrap();
    let (disk, layout) = (RealDisk, Layout::new(&path));
    let (size, root) = {
        let tiles = Tiles::anew(&reader, records).unwrap();
        (tiles.size(), tiles.root())
    };
    let key = SigningKey::generate("bench.example", KeyKind::Log, &Machine).unwrap();
    let checkpoint = Checkpoint { origin: "bench.example".to_owned(), size, root };
    let mut note = Note::new(checkpoint.clone());
    note.sign(&key, 0);
    save_note(&disk, &layout, &note).unwrap();
    let policy = Policy::of_log(key.verifier().clone());
    // Scattered over the whole log, and far enough apart to lie in tiles of their own.
    let places: Vec<u64> = (0..turns).map(|turn| turn * 7_919_993 % records).collect();
    let receipts: Vec<Receipt> =
        places.iter().take(50).map(|place| prove(&reader, *place).unwrap()).collect();
    let turns: Vec<u64> = (0..receipts.len() as u64).collect();
    let mut kept = Tiles::as_found(&disk, &layout, size, root);
    Table::new(TITLE, "proofs/s")
        .with("made from warm tiles", |_| {
            each(&places, |place| {
                let mut tiles = Tiles::as_found(&disk, &layout, size, root);
                tiles.inclusion(place, size)?.ok_or("no proof")?;
                Ok(())
            })
        })
        .with("made, upper tiles kept", |_| {
            each(&places, |place| {
                kept.inclusion(place, size)?.ok_or("no proof")?;
                Ok(())
            })
        })
        .with("receipt made, record and notes read", |_| {
            each(&places[..turns.len()], |place| {
                prove(&reader, place)?;
                Ok(())
            })
        })
        .with("path checked", |_| {
            each(&turns, |turn| {
                let receipt = &receipts[turn as usize];
                let leaf = hash::leaf(&receipt.record);
                verify_inclusion(&leaf, receipt.sequence, size, &receipt.path, &root)?;
                Ok(())
            })
        })
        .with("receipt checked, signature with it", |_| {
            each(&turns, |turn| {
                receipts[turn as usize].verify(&policy)?;
                Ok(())
            })
        })
        .with("checkpoint signed", |_| {
            each(&turns, |_| {
                Note::new(checkpoint.clone()).sign(&key, 0);
                Ok(())
            })
        })
        .beside("made from warm tiles", &[], "90 us")
        .beside("made, upper tiles kept", &[], "35 us")
        .beside("path checked", &[], "10 us")
        .run(run);
}
