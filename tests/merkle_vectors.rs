//! The tree against the known answers of RFC 6962 and against its definition.

use proptest::prelude::*;
use schwabot::hash::{self, Digest};
use schwabot::merkle::CompactRange;

use crate::support::cases;

/// Roots of the trees of the first n of [`LEAVES`], n from 0.
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

/// RFC 6962 section 2.1, word for word.
fn root_by_definition(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => hash::empty_root(),
        [leaf] => *leaf,
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(split);
            hash::node(&root_by_definition(left), &root_by_definition(right))
        }
    }
}

fn leaves(count: u64) -> Vec<Digest> {
    (0..count).map(|number| hash::leaf(&number.to_le_bytes())).collect()
}

fn range(begin: u64, leaves: &[Digest]) -> CompactRange {
    let mut range = CompactRange::new(begin);
    for leaf in leaves {
        range.push(*leaf);
    }
    range
}

#[test]
fn the_roots_of_small_trees_are_the_published_ones() {
    let mut tree = CompactRange::new(0);
    assert_eq!(tree.root().unwrap().to_string(), ROOTS[0]);
    for (leaf, root) in LEAVES.iter().zip(&ROOTS[1..]) {
        tree.push(hash::leaf(leaf));
        assert_eq!(tree.root().unwrap().to_string(), *root, "of {} leaves", tree.end());
    }
}

#[test]
fn the_root_of_every_size_is_the_one_of_the_definition() {
    let leaves = leaves(300);
    let mut tree = CompactRange::new(0);
    for size in 0..=leaves.len() {
        assert_eq!(tree.root(), Some(root_by_definition(&leaves[..size])), "of {size} leaves");
        if let Some(leaf) = leaves.get(size) {
            tree.push(*leaf);
        }
    }
}

#[test]
fn a_frontier_of_the_wrong_count_is_refused() {
    let leaves = leaves(11);
    let hashes: Vec<Digest> = range(0, &leaves).hashes().collect();
    assert_eq!(hashes.len(), 3, "11 = 8 + 2 + 1");
    assert_eq!(CompactRange::from_frontier(11, &hashes[..2]), None);
    assert_eq!(CompactRange::from_frontier(12, &hashes), None);
    assert_eq!(CompactRange::from_frontier(u64::MAX, &hashes), None);
    assert!(CompactRange::from_frontier(11, &hashes).is_some());
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn joining_the_parts_of_any_split_gives_the_whole(
        size in 0_u64..200,
        cuts in prop::collection::vec(0_u64..200, 0..6),
    ) {
        let leaves = leaves(size);
        let mut bounds: Vec<usize> = cuts.iter().map(|cut| (cut % (size + 1)) as usize).collect();
        bounds.extend([0, leaves.len()]);
        bounds.sort_unstable();
        let mut joined = CompactRange::new(0);
        for pair in bounds.windows(2) {
            let part = range(pair[0] as u64, &leaves[pair[0]..pair[1]]);
            joined.join(&part).unwrap();
        }
        prop_assert_eq!(&joined, &range(0, &leaves));
        prop_assert_eq!(joined.root(), Some(root_by_definition(&leaves)));
    }

    #[test]
    fn joining_two_parts_in_the_middle_gives_the_same_range(
        begin in 0_u64..100, first in 0_u64..100, second in 0_u64..100,
    ) {
        let leaves = leaves(begin + first + second);
        let (from, mid) = (begin as usize, (begin + first) as usize);
        let mut joined = range(begin, &leaves[from..mid]);
        joined.join(&range(begin + first, &leaves[mid..])).unwrap();
        prop_assert_eq!(&joined, &range(begin, &leaves[from..]));
        prop_assert_eq!(joined.root().is_some(), begin == 0);
    }

    #[test]
    fn ranges_that_do_not_meet_are_not_joined(end in 0_u64..50, begin in 0_u64..50) {
        prop_assume!(end != begin);
        let mut left = range(0, &leaves(end));
        let before = left.clone();
        prop_assert!(left.join(&CompactRange::new(begin)).is_err());
        prop_assert_eq!(left, before);
    }

    #[test]
    fn a_tree_goes_on_from_its_stored_frontier(size in 0_u64..200, more in 0_u64..200) {
        let leaves = leaves(size + more);
        let whole = range(0, &leaves);
        let stored: Vec<Digest> = range(0, &leaves[..size as usize]).hashes().collect();
        let mut tree = CompactRange::from_frontier(size, &stored).unwrap();
        for leaf in &leaves[size as usize..] {
            tree.push(*leaf);
        }
        prop_assert_eq!(tree, whole);
    }
}

#[test]
fn hashes_made_side_by_side_are_those_made_one_by_one() {
    let bytes: Vec<u8> = (0..2_000_u32).map(|number| (number * 31 % 251) as u8).collect();
    // All places of a message's end in its last block, alone and beside messages of other lengths.
    let records: Vec<&[u8]> =
        (0..700).map(|turn| &bytes[turn..][..turn * 37 % 260 + turn % 5]).collect();
    for count in (0..12).chain([700]) {
        let mut side_by_side = Vec::new();
        hash::leaves(records[..count].iter().copied(), &mut side_by_side);
        let one_by_one: Vec<Digest> = records[..count].iter().map(|r| hash::leaf(r)).collect();
        assert_eq!(side_by_side, one_by_one, "{count} records");
    }
    for length in 0..300 {
        let mut side_by_side = Vec::new();
        hash::leaves((0..4).map(|lane| &bytes[lane..lane + length]), &mut side_by_side);
        let one_by_one: Vec<Digest> =
            (0..4).map(|lane| hash::leaf(&bytes[lane..lane + length])).collect();
        assert_eq!(side_by_side, one_by_one, "records of {length} bytes");
    }
    for pairs in 0..20 {
        let row = leaves(2 * pairs);
        let mut parents = row.clone();
        hash::parents(&mut parents);
        let expected: Vec<Digest> = row.chunks(2).map(|p| hash::node(&p[0], &p[1])).collect();
        assert_eq!(parents[..expected.len()], expected, "{pairs} pairs");
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn a_row_of_leaves_is_as_its_leaves_one_after_the_other(
        begin in 0_u64..70,
        lengths in prop::collection::vec(0_usize..70, 1..6),
    ) {
        let (mut by_rows, mut by_leaves) = (CompactRange::new(begin), CompactRange::new(begin));
        for length in lengths {
            let mut row = leaves(length as u64);
            for leaf in &row {
                by_leaves.push(*leaf);
            }
            by_rows.push_row(&mut row);
            prop_assert_eq!(&by_rows, &by_leaves);
        }
    }
}
