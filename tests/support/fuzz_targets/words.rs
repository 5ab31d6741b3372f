//! Small texts: numbers, times, names, settings, arguments. And proofs of the tree.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::str::FromStr;

use schwabot::event::Leg;
use schwabot::hash::{self, Digest};
use schwabot::kernel;
use schwabot::market::{MarketPair, PairSymbol, parse_data_argument};
use schwabot::merkle::proof::{
    consistency_spans, inclusion_spans, span_root, verify_consistency, verify_inclusion,
};
use schwabot::merkle::tile::Tile;
use schwabot::pipeline::{RunFile, market_config};
use schwabot::time::{Span, Timestamp};
use schwabot::units::{Money, MoneyExact, Price, Quantity, Ratio, parse_decimal};

use super::Taken;

/// What is read is what is written, and what is written is what is read.
fn comes_again<T: FromStr + ToString + PartialEq + std::fmt::Debug>(text: &str) -> bool {
    let Ok(value) = text.parse::<T>() else { return false };
    let written = value.to_string();
    match written.parse::<T>() {
        Ok(again) => assert_eq!(again, value, "{text:?} is written as {written:?}"),
        Err(_) => panic!("{text:?} is written as {written:?}, which cannot be read"),
    }
    true
}

/// Numbers, times, names.
pub(super) fn words(bytes: &[u8]) -> bool {
    for digits in [0, 2, 12, 18] {
        // Ten times as fine is ten times as much, where both fit.
        if let (Ok(coarse), Ok(fine)) =
            (parse_decimal(bytes, digits), parse_decimal(bytes, digits + 1))
        {
            assert_eq!(coarse.checked_mul(10), Some(fine));
        }
    }
    let Ok(text) = str::from_utf8(bytes) else { return false };
    let understood = [
        comes_again::<Price>(text),
        comes_again::<Quantity>(text),
        comes_again::<Money>(text),
        comes_again::<MoneyExact>(text),
        comes_again::<Ratio>(text),
        comes_again::<Timestamp>(text),
        comes_again::<Span>(text),
        comes_again::<Leg>(text),
        comes_again::<Digest>(text),
    ];
    if let Some(pair) = PairSymbol::parse(text) {
        assert_eq!(PairSymbol::parse(&pair.to_string()), Some(pair.clone()));
        assert_eq!(pair.to_string(), text);
    }
    let file = parse_data_argument(text);
    assert!(text.ends_with(file.path.to_str().unwrap()));
    understood.contains(&true)
}

/// Proofs of a small tree hold, and no other proof does.
pub(super) fn merkle(bytes: &[u8]) -> bool {
    let mut taken = Taken(bytes);
    let size = u64::from(taken.byte() % 70) + 1;
    let (index, old) = (u64::from(taken.byte()) % size, u64::from(taken.byte()) % (size + 1));
    let leaves: Vec<Digest> = (0..size).map(|n: u64| hash::leaf(&n.to_le_bytes())).collect();
    let mut node =
        |level: u32, place: u64| -> Result<Digest, ()> { Ok(node(&leaves, level, place)) };
    let root = span_root(&(0..size), &mut node).unwrap();
    let old_root = span_root(&(0..old), &mut node).unwrap();
    let spans = inclusion_spans(index, size).unwrap();
    let path: Vec<Digest> = spans.iter().map(|s| span_root(s, &mut node).unwrap()).collect();
    let spans = consistency_spans(old, size).unwrap();
    let between: Vec<Digest> = spans.iter().map(|s| span_root(s, &mut node).unwrap()).collect();
    let leaf = leaves[usize::try_from(index).unwrap()];
    assert_eq!(verify_inclusion(&leaf, index, size, &path, &root), Ok(()));
    assert_eq!(verify_consistency((old, &old_root), (size, &root), &between), Ok(()));

    let changed = |path: &[Digest], taken: &mut Taken<'_>| {
        let mut path = path.to_vec();
        let (what, place) = (taken.byte(), usize::from(taken.byte()));
        match what % 4 {
            0 => path.push(Digest([taken.byte(); 32])),
            1 => drop(path.pop()),
            2 if !path.is_empty() => {
                let place = place % path.len();
                path[place].0[usize::from(taken.byte()) % 32] ^= taken.byte();
            }
            _ if path.len() > 1 => {
                let with = place % (path.len() - 1) + 1;
                path.swap(0, with);
            }
            _ => {}
        }
        path
    };
    let other = changed(&path, &mut taken);
    let other_index = taken.long();
    let proven = verify_inclusion(&leaf, index, size, &other, &root).is_ok();
    assert_eq!(proven, other == path, "another path");
    let proven = verify_inclusion(&leaf, other_index, size, &path, &root).is_ok();
    assert_eq!(proven, other_index == index, "another place");
    let other = changed(&between, &mut taken);
    let proven = verify_consistency((old, &old_root), (size, &root), &other).is_ok();
    assert_eq!(proven, other == between, "another path between trees");
    // Any sizes at all: no panic, and none of this log's roots.
    let (any, more) = (taken.long(), taken.long());
    let held = verify_inclusion(&leaf, any, more, &other, &Digest([1; 32])).is_ok();
    assert!(!held, "a root that is nobody's");
    let held = verify_consistency((any, &old_root), (more, &Digest([1; 32])), &other).is_ok();
    assert!(!held || any == 0, "a root that is nobody's");
    tile(any, more, taken.byte());
    true
}

fn node(leaves: &[Digest], level: u32, place: u64) -> Digest {
    let Some(below) = level.checked_sub(1) else {
        return leaves[usize::try_from(place).unwrap()];
    };
    hash::node(&node(leaves, below, 2 * place), &node(leaves, below, 2 * place + 1))
}

/// A tile's path stays below `tile/`, and no other tile has it.
fn tile(place: u64, size: u64, level: u8) {
    let Some(tile) = Tile::in_tree(u32::from(level % 8), place, size) else { return };
    assert!((1..=256).contains(&tile.width) && tile.bytes() <= 8192);
    let path = tile.path();
    assert!(path.starts_with("tile/") && !path.contains("..") && !path.contains("//"));
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '/' | 'x' | '.' | 'p');
    assert!(path.trim_start_matches("tile/").chars().all(plain), "{path}");
    let next = Tile { place: place ^ 1, ..tile };
    assert_ne!(next.path(), path);
}

/// A file of settings, and the run it makes of two pairs.
pub(super) fn settings(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else { return false };
    let Ok(file) = RunFile::parse(Path::new("/folder/run.toml"), text)
        .inspect_err(|error| assert!(error.to_string().starts_with("/folder/run.toml: ")))
    else {
        return false;
    };
    let minute: Span = "1m".parse().unwrap();
    let pair =
        |name: &str| MarketPair { symbol: PairSymbol::parse(name).unwrap(), interval: minute };
    let pairs = [pair("BTC/USDT"), pair("ETH/BTC")];
    if let Ok(config) = market_config(&file.run, &pairs) {
        // What is accepted is canonical, and a run can begin with it.
        let started =
            kernel::run_started(schwabot::event::Mode::Backtest, config.clone(), None, 0).unwrap();
        assert_eq!(started.config, config);
        let kernel = kernel::Kernel::start(kernel::World::default(), &started);
        assert!(kernel.is_ok(), "settings that were accepted and no run can begin with");
    }
    true
}

/// Command lines, one argument a line.
pub(super) fn arguments(bytes: &[u8]) -> bool {
    let given = bytes.split(|byte| *byte == b'\n').map(|word| OsString::from_vec(word.to_vec()));
    let all: Vec<OsString> = std::iter::once("schwabot".into()).chain(given).collect();
    match schwabot::cli::check_arguments(&all) {
        Ok(()) => true,
        Err(message) => {
            assert!(!message.is_empty());
            let shown = message.chars().all(|c| c == '\n' || !c.is_control());
            assert!(shown, "a control character reaches the terminal: {message:?}");
            false
        }
    }
}
