//! Proofs over trees: built from perfect subtrees, verified as RFC 9162 says, and nothing else
//! passes for one.

use std::collections::BTreeSet;
use std::convert::Infallible;

use proptest::prelude::*;
use schwabot::hash::{self, Digest};
use schwabot::merkle::CompactRange;
use schwabot::merkle::proof::{
    ProofError, consistency_spans, inclusion_spans, span_root, verify_consistency, verify_inclusion,
};
use schwabot::merkle::tile::{TILE_HASHES, Tile, perfect_root};

use crate::support::cases;

fn leaves(count: u64) -> Vec<Digest> {
    (0..count).map(|number| hash::leaf(&number.to_le_bytes())).collect()
}

fn root(leaves: &[Digest]) -> Digest {
    let mut tree = CompactRange::new(0);
    leaves.iter().for_each(|leaf| tree.push(*leaf));
    tree.root().unwrap()
}

/// The roots of spans, from the leaves themselves.
fn path(leaves: &[Digest], spans: &[std::ops::Range<u64>]) -> Vec<Digest> {
    let mut node = |level: u32, place: u64| -> Result<Digest, Infallible> {
        let from = (place << level) as usize;
        Ok(perfect_root(leaves[from..from + (1 << level)].to_vec()))
    };
    spans.iter().map(|span| span_root(span, &mut node).unwrap()).collect()
}

/// The path by the recursion of RFC 6962, section 2.1.1, word for word.
fn path_by_definition(index: usize, leaves: &[Digest]) -> Vec<Digest> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    if index < left.len() {
        let mut path = path_by_definition(index, left);
        path.push(root(right));
        path
    } else {
        let mut path = path_by_definition(index - left.len(), right);
        path.push(root(left));
        path
    }
}

/// The proof by the recursion of RFC 6962, section 2.1.2, word for word.
fn consistency_by_definition(old: usize, leaves: &[Digest], whole: bool) -> Vec<Digest> {
    if old == leaves.len() {
        return if whole { Vec::new() } else { vec![root(leaves)] };
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let mut proof;
    if old <= left.len() {
        proof = consistency_by_definition(old, left, whole);
        proof.push(root(right));
    } else {
        proof = consistency_by_definition(old - left.len(), right, false);
        proof.push(root(left));
    }
    proof
}

#[test]
fn every_leaf_of_every_small_tree_is_proven_and_by_the_path_of_the_definition() {
    for size in 1..=70 {
        let leaves = leaves(size);
        let root = root(&leaves);
        for index in 0..size {
            let proof = path(&leaves, &inclusion_spans(index, size).unwrap());
            assert_eq!(proof, path_by_definition(index as usize, &leaves), "{index} of {size}");
            verify_inclusion(&leaves[index as usize], index, size, &proof, &root).unwrap();
        }
    }
}

#[test]
fn every_small_tree_is_proven_to_begin_with_each_smaller_one() {
    for new in 0..=70 {
        let leaves = leaves(new);
        let new_root = root(&leaves);
        for old in 0..=new {
            let old_root = root(&leaves[..old as usize]);
            let proof = path(&leaves, &consistency_spans(old, new).unwrap());
            if old > 0 {
                let expected = consistency_by_definition(old as usize, &leaves, true);
                assert_eq!(proof, expected, "{old} of {new}");
            }
            verify_consistency((old, &old_root), (new, &new_root), &proof).unwrap();
        }
    }
}

#[test]
fn a_proof_of_one_leaf_proves_no_other_leaf_place_or_size() {
    let size = 23;
    let leaves = leaves(size);
    let root = root(&leaves);
    for index in 0..size {
        let proof = path(&leaves, &inclusion_spans(index, size).unwrap());
        for other in (0..size).filter(|other| *other != index) {
            let leaf = &leaves[other as usize];
            assert!(verify_inclusion(leaf, index, size, &proof, &root).is_err());
            assert!(verify_inclusion(&leaves[index as usize], other, size, &proof, &root).is_err());
        }
        // A tree of another size has another split on the way, or a root that is not this one.
        for other in (0..40).filter(|other| *other != size) {
            let verified = verify_inclusion(&leaves[index as usize], index, other, &proof, &root);
            let same_path = inclusion_spans(index, other)
                .is_some_and(|spans| path_shape(&spans, index) == shape_of(index, size));
            assert!(verified.is_err() || same_path, "{index} in {other} by the proof of {size}");
        }
    }
}

/// On which side of the way up each hash of a path stands; sizes with one shape share their proofs.
fn path_shape(spans: &[std::ops::Range<u64>], index: u64) -> Vec<bool> {
    spans.iter().map(|span| span.start > index).collect()
}

fn shape_of(index: u64, size: u64) -> Vec<bool> {
    path_shape(&inclusion_spans(index, size).unwrap(), index)
}

#[test]
fn what_is_outside_the_tree_is_refused_and_named() {
    let leaf = hash::leaf(b"");
    assert_eq!(inclusion_spans(0, 0), None);
    assert_eq!(inclusion_spans(5, 5), None);
    assert_eq!(
        verify_inclusion(&leaf, 5, 5, &[], &leaf),
        Err(ProofError::Outside { inside: 5, size: 5 })
    );
    assert_eq!(consistency_spans(6, 5), None);
    assert_eq!(
        verify_consistency((6, &leaf), (5, &leaf), &[]),
        Err(ProofError::Outside { inside: 6, size: 5 })
    );
    verify_inclusion(&leaf, 0, 1, &[], &leaf).unwrap();
}

#[test]
fn nothing_is_needed_from_an_empty_tree_and_between_equal_ones_and_nothing_else_passes() {
    let (empty, one) = (hash::empty_root(), hash::leaf(b"1"));
    verify_consistency((0, &empty), (9, &one), &[]).unwrap();
    verify_consistency((4, &one), (4, &one), &[]).unwrap();
    assert!(verify_consistency((0, &one), (9, &one), &[]).is_err(), "a root of nothing");
    assert!(verify_consistency((0, &empty), (9, &one), &[one]).is_err(), "a hash too many");
    assert!(verify_consistency((4, &one), (4, &empty), &[]).is_err(), "two roots of one size");
    assert!(verify_consistency((4, &one), (4, &one), &[one]).is_err(), "a hash too many");
}

#[test]
fn the_tiles_of_the_published_example_have_their_published_names() {
    // C2SP tlog-tiles: a tree of 70,000 entries.
    let names: Vec<String> = Tile::new_in(0, 70_000).map(|tile| tile.path()).collect();
    assert_eq!(names.len(), 274 + 2 + 1);
    assert_eq!(names[0], "tile/0/000");
    assert_eq!(names[272], "tile/0/272");
    assert_eq!(names[273], "tile/0/273.p/112");
    assert_eq!(names[274..], ["tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]);
    let names: Vec<String> = Tile::new_in(0, 256).map(|tile| tile.path()).collect();
    assert_eq!(names, ["tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(Tile::new_in(0, 0).count(), 0);
    assert_eq!(Tile::new_in(700, 700).count(), 0);
}

#[test]
fn tiles_of_a_grown_tree_are_those_that_changed_or_came_in_addition() {
    for (old, new) in [(0, 1), (255, 256), (256, 257), (300, 70_000), (65_535, 65_537)] {
        let all = |size| Tile::new_in(0, size).collect::<BTreeSet<_>>();
        let added: BTreeSet<Tile> = Tile::new_in(old, new).collect();
        let expected: BTreeSet<Tile> = all(new).difference(&all(old)).copied().collect();
        assert_eq!(added, expected, "from {old} to {new}");
        assert!(added.iter().all(|tile| (1..=TILE_HASHES).contains(&tile.width)));
    }
}

#[test]
fn a_tree_has_no_tile_behind_the_last_of_a_level_and_none_above_the_highest() {
    assert_eq!(Tile::in_tree(0, 0, 256).unwrap().width, 256);
    assert_eq!(Tile::in_tree(0, 1, 256), None);
    assert_eq!(Tile::in_tree(1, 0, 255), None);
    // The largest tree that a ledger may hold reaches into the eighth level, and no further.
    let last = Tile::new_in((1 << 62) - 1, 1 << 62).last().unwrap();
    assert_eq!(last, Tile { level: 7, place: 0, width: 64 });
    assert_eq!(Tile::in_tree(8, 0, 1 << 62), None);
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn no_proof_with_a_changed_missing_or_additional_hash_verifies(
        size in 2_u64..300, at in 0_u64..300, cut in 0_usize..12, bit in 0_usize..256,
    ) {
        let leaves = leaves(size);
        let (index, old) = (at % size, 1 + at % size);
        let (root, old_root) = (root(&leaves), root(&leaves[..old as usize]));
        let inclusion = path(&leaves, &inclusion_spans(index, size).unwrap());
        let consistency = path(&leaves, &consistency_spans(old, size).unwrap());
        let included = |proof: &[Digest]| {
            verify_inclusion(&leaves[index as usize], index, size, proof, &root)
        };
        let consistent =
            |proof: &[Digest]| verify_consistency((old, &old_root), (size, &root), proof);
        prop_assert!(included(&inclusion).is_ok() && consistent(&consistency).is_ok());
        for (proof, verify) in [
            (&inclusion, &included as &dyn Fn(&[Digest]) -> Result<(), ProofError>),
            (&consistency, &consistent),
        ] {
            let mut longer = proof.clone();
            longer.insert(cut % (proof.len() + 1), hash::leaf(b"one more"));
            prop_assert!(verify(&longer).is_err());
            if proof.is_empty() {
                continue;
            }
            let mut shorter = proof.clone();
            shorter.remove(cut % proof.len());
            prop_assert!(verify(&shorter).is_err());
            let mut changed = proof.clone();
            changed[cut % proof.len()].0[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(verify(&changed).is_err());
        }
    }
}
