//! Where fuzzing begins: for each target, inputs that are understood.

use std::num::NonZeroU32;

use schwabot::checkpoint::{
    Checkpoint, Consistency, Misbehaviour, Note, Receipt, Request, SigningKey,
};
use schwabot::event::{Event, Mode, RunConfig, Vantage, encode_record};
use schwabot::hash;
use schwabot::kernel::{self, Kernel, World, derived_stamp, input_stamp};
use schwabot::ledger::layout::Identity;
use schwabot::merkle::proof::{consistency_spans, inclusion_spans, span_root};
use schwabot::time::Timestamp;

use super::ledgers::log_key;
use super::notes::{LEAVES, record_at, root_of, witness_key};
use super::{accounts, importers, imports, ledgers, meaning, packed};
use crate::support::notes::stamp;
use crate::support::{runs, samples};

/// The seeds of a target.
pub(crate) fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "record" => records(),
        "frame" => ledgers::frames_of_a_segment(),
        "header" => headers(),
        "segment" => segments(),
        "ledger" | "salvage" => edits(),
        "packed-segment" => packed::seeds(),
        "index" => [0, 1].map(ledgers::index_seed).to_vec(),
        "tiles" => vec![vec![0, 5, 0, 1, 3, 0, 9], vec![1, 44, 1, 0], vec![2, 7, 0, 2]],
        "meaning" => vec![behind_lengths(&run_records()), behind_lengths(&engine_records())],
        "snapshot" => vec![meaning::honest_body()],
        "note" => [3, LEAVES].map(|size| signed(size).to_string().into_bytes()).to_vec(),
        "receipt" => [0, 7].map(receipt).to_vec(),
        "witness" => [(0, 5), (0, LEAVES), (3, 7)].map(request).to_vec(),
        "proof" => proofs(),
        "policy" => policies(),
        "key" => keys(),
        "merkle" => vec![vec![11, 7, 5, 2, 1, 3, 128], vec![69, 68, 64, 0, 0, 1, 1, 0, 2]],
        _ => importers::seeds(target)
            .or_else(|| accounts::seeds(target))
            .unwrap_or_else(|| texts(target)),
    }
}

fn texts(target: &str) -> Vec<Vec<u8>> {
    let of = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    let ohlcv = "date,open,high,low,close,volume\n2021-04-20 20:42:00,2,4,1,3,10.5\n\
                 2021-04-20 20:43:00,3,4,1,2,0\n";
    match target {
        "words" => of(&[
            "-1.25",
            "1.08e-06",
            "2021-04-20T20:42:00Z",
            "2021-04-20",
            "15m",
            "BTC→ETH",
            "BTC->ETH",
            "BTC/USDT",
            "BTC/USDT=some/prices.csv",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ]),
        "settings" => of(&[
            "strategy = \"sma-cross\"\ndata = [\"BTC/USDT=b.csv\"]\nfee = 0.001\nfill = \
             \"next-open\"\n[param]\nfast = 20\nslow = 50\n[cash]\nUSDT = 10_000\nBTC = 1\n\
             [instrument.\"BTC/USDT\"]\nmin-notional = 5\ntick = 0.01\nlot = 1e-5\n",
            "interval = \"5m\"\nsync = 'end'\nsegment-bytes = 4096\nthreads = 2\nappend = true\n\
             half-spread = 0\nimpact = 1\nimpact-window-bars = 9\nallow-short = true\n",
        ]),
        "arguments" => of(&[
            "demo\n--cycles\n500\n--seed\n7",
            "backtest\n--data\nBTC/USDT=a.csv\n--cash\nUSDT=5\n--fee\n0.1\n--sync\nend",
            "replay\nledger\n--from\n3\n--kind\nbar\n--format\njsonl",
            "state\nledger\ntrades\n--at\n2021-04-20",
            "verify\nledger\n--level\ntree\n--format=json",
            "prove\nledger\n--sequence\n5\n-o\nout",
        ]),
        "klines" => of(&["1618951320000,2,4,1,3,10,1618951379999,30,5,1,2,0\n\
             1618951380000,3,4,1,2,0,1618951439999,0,0,0,0,0\n"]),
        "ohlcv" => {
            of(&[ohlcv, "unix;date;open;high;low;close;vol\n1618951320;\"a;b\";2;4;1;3;1e2\n"])
        }
        "candles" => of(&["[[1618951320000,2,4,1,3,10.5],\n [1618951380000, 3, 4, 1, 2, 0]]"]),
        "packed" => {
            let mut all: Vec<Vec<u8>> =
                (1..4).map(|how| [&[how], ohlcv.as_bytes()].concat()).collect();
            let members = [("BTCUSDT-1m.csv", ohlcv.as_bytes())];
            let stored = imports::zip(&members, zip::CompressionMethod::Stored);
            let zip = imports::zip(&members, zip::CompressionMethod::Deflated);
            for packed in [imports::gzip(ohlcv.as_bytes()), zip, stored] {
                all.push([vec![0], packed].concat());
            }
            all
        }
        "commands" => of(&[COMMANDS]),
        _ => Vec::new(),
    }
}

const COMMANDS: &str = r#"{"time":"2021-04-20T00:00:00Z","action":"ghost_trigger","leg":"BTC→ETH","trigger":"price_spike","word_bits":4,"word":"0101","direction":"up","confidence":"0.8"}
{"time":"2021-04-20T00:01:00Z","action":"append_memory","leg":"BTC->ETH","trigger":"price_spike","word_bits":4,"net_return":0.05}
{"time":"2021-04-20T00:01:00Z","action":"change_weight","leg":"BTC→ETH","word_bits":4,"delta":"0.1"}
{"time":"2021-04-20T00:01:00Z","action":"flip_bits","word":"0101"}
{"time":"2021-04-20T00:01:00Z","action":"flip_pair","leg":"BTC→ETH","word_bits":4}

{"time":"2021-04-21","action":"run_orbit","stages":[[["BTC→ETH",4],["ETH→USDC",4]]],"market":{"BTC→ETH":"up","ETH→USDC":"down"}}
{"time":"2021-04-21","action":"select_orbit","stages":[[["BTC→ETH",4]]]}
{"time":"2021-04-21","action":"clean_up"}
"#;

fn records() -> Vec<Vec<u8>> {
    let encode = |event: Event| {
        let mut record = Vec::new();
        encode_record(&event, &stamp(), &mut record).unwrap();
        record
    };
    let own = ledgers::own_records();
    samples::events().into_iter().map(encode).chain(own).collect()
}

fn headers() -> Vec<Vec<u8>> {
    let identity =
        Identity { ledger: [1; 16], application: [2; 16], created: Timestamp::from_nanos(3) };
    let segments = ledgers::segment_files();
    let headers = segments.iter().map(|file| [&[0], &file[..192]].concat());
    headers.chain([[[1].as_slice(), &identity.encode()].concat()]).collect()
}

/// Segments as they are, and one in which the checksums are made to fit.
fn segments() -> Vec<Vec<u8>> {
    let files = ledgers::segment_files();
    let hows = [0b0000_0000, 0b0000_0100, 0b0000_0111, 0b0000_1001];
    hows.iter().zip(files.iter().cycle()).map(|(how, file)| [&[*how], &file[..]].concat()).collect()
}

/// Scripts of edits: one of each kind, forged and not, for each ledger.
fn edits() -> Vec<Vec<u8>> {
    let scripts: [&[u8]; 8] = [
        &[],
        &[0, 1, 0, 1, 3],
        &[2, 2, 200, 2, 0],
        &[6, 3, 0, 0, 0],
        &[1, 1, 20, 1, 4, 9, 9, 9, 9, 7, 1, 0, 0, 1],
        &[4, 2, 0, 1, 20, 7, 2, 0, 0, 0],
        &[5, 1, 192, 0, 80, 3, 2, 0, 0, 9],
        &[0, 0, 9, 0, 1, 0, 4, 60, 1, 2, 7, 4, 0, 0, 1],
    ];
    (0_u8..16).zip(scripts.iter().cycle()).map(|(how, script)| [&[how], *script].concat()).collect()
}

/// The records of a small run of the moving averages, each encoded.
pub(super) fn run_records() -> Vec<Vec<u8>> {
    let mut config = runs::config("sma-cross", 1);
    config.strategy = schwabot::strategies::canonical(
        "sma-cross",
        &[("fast", "2"), ("slow", "4")].map(|(name, value)| schwabot::event::Parameter {
            name: name.to_owned(),
            value: value.to_owned(),
        }),
    )
    .unwrap();
    records_of(config, &runs::market(3, 1, 24))
}

/// The same of the strategy that has engines.
fn engine_records() -> Vec<Vec<u8>> {
    let parameters = [("warm-up", "20"), ("horizon-minutes", "3")].map(|(name, value)| {
        schwabot::event::Parameter { name: name.to_owned(), value: value.to_owned() }
    });
    let mut config = runs::config("schwabot", 2);
    if let Ok(strategy) = schwabot::strategies::canonical("schwabot", &parameters) {
        config.strategy = strategy;
    }
    records_of(config, &runs::market(5, 2, 40))
}

fn records_of(config: RunConfig, bars: &[schwabot::event::Bar]) -> Vec<Vec<u8>> {
    let started = kernel::run_started(Mode::Backtest, config, None, 0).unwrap();
    let mut kernel = Kernel::start(World::default(), &started).unwrap();
    let run = started.run;
    let begin = (Event::RunStarted(Box::new(started)), runs::at(0));
    let (mut records, mut answers): (Vec<Vec<u8>>, Vec<_>) = (Vec::new(), Vec::new());
    for (input, time) in std::iter::once(begin).chain(runs::with_end(bars)) {
        answers.clear();
        kernel.step(records.len() as u64, &input, time, &mut answers).unwrap();
        let stamp = input_stamp(&input, run, Vantage::Imported, time);
        let mut push = |event: &Event, stamp: &schwabot::event::Stamp| {
            let mut record = Vec::new();
            encode_record(event, stamp, &mut record).unwrap();
            records.push(record);
        };
        push(&input, &stamp);
        for (answer, back) in answers.iter().zip(1..) {
            let stamp = derived_stamp(&stamp, NonZeroU32::new(back).unwrap(), answer.actor);
            push(&answer.event, &stamp);
        }
    }
    records
}

fn behind_lengths(records: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in records {
        bytes.extend_from_slice(&u16::try_from(record.len()).unwrap().to_le_bytes());
        bytes.extend_from_slice(record);
    }
    bytes
}

fn hash_at(level: u32, place: u64) -> hash::Digest {
    match level.checked_sub(1) {
        None => hash::leaf(&record_at(place)),
        Some(below) => hash::node(&hash_at(below, 2 * place), &hash_at(below, 2 * place + 1)),
    }
}

fn path(spans: Option<Vec<std::ops::Range<u64>>>) -> Vec<hash::Digest> {
    let node = &mut |level, place| Ok::<_, ()>(hash_at(level, place));
    spans.unwrap_or_default().iter().map(|span| span_root(span, node).unwrap()).collect()
}

fn signed_tree(size: u64, root: hash::Digest) -> Note {
    let checkpoint = Checkpoint { origin: "example.com/bot".to_owned(), size, root };
    let mut note = Note::new(checkpoint);
    note.sign(&log_key(), 0);
    note
}

fn signed(size: u64) -> Note {
    let mut note = signed_tree(size, root_of(size));
    note.sign(&witness_key(), 1_700_000_000);
    note
}

fn receipt(sequence: u64) -> Vec<u8> {
    let (record, note) = (record_at(sequence), signed(LEAVES));
    let path = path(inclusion_spans(sequence, LEAVES));
    Receipt { record, sequence, path, note }.to_string().into_bytes()
}

fn request((old, size): (u64, u64)) -> Vec<u8> {
    let proof = path(consistency_spans(old, size));
    Request { old, proof, note: signed_tree(size, root_of(size)) }.to_string().into_bytes()
}

fn proofs() -> Vec<Vec<u8>> {
    let path = path(consistency_spans(5, LEAVES));
    let (from, to) = ((5, root_of(5)), (LEAVES, root_of(LEAVES)));
    let consistency = Consistency { from, to, path: path.clone() };
    let older = signed_tree(5, hash::leaf(b"another history"));
    let fork = Misbehaviour { older, newer: signed(LEAVES), prefix: root_of(5), path };
    vec![consistency.to_string().into_bytes(), fork.to_string().into_bytes()]
}

fn policies() -> Vec<Vec<u8>> {
    let (log, witness) = (log_key(), witness_key());
    let other = |seed: u8| {
        let kind = schwabot::checkpoint::KeyKind::Cosigner;
        SigningKey::from_seed(&format!("w{seed}"), kind, &[seed; 32]).unwrap()
    };
    let (log, witness) = (log.verifier(), witness.verifier());
    let (third, fourth) = (other(3), other(4));
    let groups = format!(
        "# who\nlog {log} https://a.example\nwitness w {witness}\nwitness x {}\nwitness y {}\n\
         group g 2 x y\ngroup h any w g\nquorum h\n",
        third.verifier(),
        fourth.verifier()
    );
    vec![format!("log {log}\nquorum none\n").into_bytes(), groups.into_bytes()]
}

fn keys() -> Vec<Vec<u8>> {
    let (log, witness) = (log_key(), witness_key());
    let subject = format!("schwabot subject key v1\n{}\nAda\n", "5a".repeat(32));
    let texts = [
        log.verifier().to_string(),
        witness.verifier().to_string(),
        log.to_private_text(),
        witness.to_private_text(),
        subject,
    ];
    texts.map(String::into_bytes).to_vec()
}
