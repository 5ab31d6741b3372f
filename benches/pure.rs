//! Work that touches no disk, beside other implementations of the same formulas.

use std::convert::Infallible;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use schwabot::hash;
use schwabot::ledger::clock::Stopwatch;
use schwabot::measure::{RECORD_BYTES, Reached, append};
use schwabot::signals::ChronoResonance;
use schwabot::units::Ratio;

use crate::harness::{Done, Run, Table};

/// A window of 130 bars has 64 frequencies.
const WINDOW_BARS: usize = 130;

/// Returns of so many bars: a small generator, so that nothing in them repeats.
fn returns(bars: u64) -> Vec<i64> {
    let step = |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    let states = std::iter::successors(Some(1_u64), step).take(bars as usize);
    states.map(|state| ((state >> 33) % 2_000_000) as i64 - 1_000_000).collect()
}

pub(crate) fn signals(run: &mut Run) {
    let bars = returns(run.size(2_000, 1_000_000));
    Table::new("strongest of 64 waves of each bar", "bars/s")
        .with("a real FFT a bar (realfft)", |_| fft_a_bar(&bars))
        .with("sliding transform", |_| sliding(&bars))
        .beside("sliding transform", &["a real FFT a bar (realfft)"], "2; 6.7 M")
        .run(run);
}

fn sliding(bars: &[i64]) -> Done {
    let mut chrono = ChronoResonance::new(WINDOW_BARS as u32);
    let (mut found, watch) = (0, Stopwatch::start());
    for bar in bars {
        chrono.push(Ratio::from_raw(*bar))?;
        found += chrono.resonance().map_or(0, |strongest| u64::from(strongest.frequency));
    }
    std::hint::black_box(found);
    Ok(Reached::new(bars.len() as u64, watch.elapsed(), Vec::new()))
}

/// The direct formula: the window's transform is taken anew at each bar.
fn fft_a_bar(bars: &[i64]) -> Done {
    let fft = realfft::RealFftPlanner::<f64>::new().plan_fft_forward(WINDOW_BARS);
    let (mut spectrum, mut scratch) = (fft.make_output_vec(), fft.make_scratch_vec());
    let mut window = fft.make_input_vec();
    let (mut found, watch) = (0, Stopwatch::start());
    for end in WINDOW_BARS..=bars.len() {
        for (value, bar) in window.iter_mut().zip(&bars[end - WINDOW_BARS..end]) {
            *value = *bar as f64;
        }
        fft.process_with_scratch(&mut window, &mut spectrum, &mut scratch)?;
        let powers = spectrum[1..]
            .iter()
            .take((WINDOW_BARS - 1) / 2)
            .map(realfft::num_complex::Complex::norm_sqr);
        let (mut strongest, mut most, mut sum) = (0, 0.0, 0.0);
        for (index, power) in powers.enumerate() {
            sum += power;
            if power > most {
                (strongest, most) = (index + 1, power);
            }
        }
        std::hint::black_box((most / sum, spectrum[strongest].arg()));
        found += strongest;
    }
    std::hint::black_box(found);
    Ok(Reached::new(bars.len() as u64, watch.elapsed(), Vec::new()))
}

pub(crate) fn trees(run: &mut Run) {
    let records = run.size(500, 200_000);
    Table::new("tree of records of 256 bytes, one core", "records/s")
        .with("ct-merkle", |_| Ok::<_, Infallible>(ct_merkle_tree(records)))
        .with("tlog_tiles", |_| tlog_tree(records))
        .with("ours", |_| Ok::<_, Infallible>(append::bare_tree(records)))
        .beside("ours", &["ct-merkle", "tlog_tiles"], "")
        .run(run);
}

/// In memory, and all of it is kept.
fn ct_merkle_tree(records: u64) -> Reached {
    let mut tree = MemoryBackedTree::<sha2::Sha256, [u8; RECORD_BYTES]>::new();
    let watch = Stopwatch::start();
    for _ in 0..records {
        tree.push([7; RECORD_BYTES]);
    }
    std::hint::black_box(tree.root());
    Reached::new(records, watch.elapsed(), Vec::new())
}

/// The hashes of a log's tree, in memory.
struct Stored(Vec<tlog_tiles::Hash>);

impl tlog_tiles::HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|index| self.0[*index as usize]).collect())
    }
}

fn tlog_tree(records: u64) -> Done {
    let mut stored = Stored(Vec::new());
    let watch = Stopwatch::start();
    for number in 0..records {
        let hashes = tlog_tiles::stored_hashes(number, &[7; RECORD_BYTES], &stored)?;
        stored.0.extend(hashes);
    }
    let root = tlog_tiles::tree_hash(records, &stored)?;
    let elapsed = watch.elapsed();
    let mut tree = schwabot::merkle::CompactRange::new(0);
    let leaf = hash::leaf(&[7; RECORD_BYTES]);
    (0..records).for_each(|_| tree.push(leaf));
    assert_eq!(Some(root.0), tree.root().map(|root| root.0), "both make the tree of RFC 6962");
    Ok(Reached::new(records, elapsed, Vec::new()))
}
