//! The reference tree of Certificate Transparency (8 leaves), with its published roots and proofs.

use tram_tlog::{
    Frontier, Hash, MemoryTree, empty_root, leaf_hash, merkle_root, root_at, verify_consistency,
    verify_inclusion,
};

const LEAVES: [&[u8]; 8] = [
    b"",
    &[0x00],
    &[0x10],
    &[0x20, 0x21],
    &[0x30, 0x31],
    &[0x40, 0x41, 0x42, 0x43],
    &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
    &[
        0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e,
        0x6f,
    ],
];

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

const H01: &str = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125";
const H0: &str = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
const H1: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const H23: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const H4: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const H03: &str = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7";
const H45: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
const H47: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
const H67: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";

fn text(path: &[Hash]) -> Vec<String> {
    path.iter().map(ToString::to_string).collect()
}

#[test]
fn roots() {
    let tree: MemoryTree = LEAVES.into_iter().collect();
    let mut frontier = Frontier::new();
    assert_eq!(frontier.root(), empty_root());
    for (size, expected) in ROOTS.iter().enumerate() {
        assert_eq!(frontier.root().to_string(), *expected, "size {size}");
        assert_eq!(root_at(&tree, size as u64).unwrap().to_string(), *expected);
        assert_eq!(merkle_root(&LEAVES[..size]).to_string(), *expected);
        if let Some(leaf) = LEAVES.get(size) {
            frontier.append(leaf_hash(leaf));
        }
    }
    assert_eq!(tree.root().to_string(), ROOTS[8]);
}

#[test]
fn inclusion_proofs() {
    let cases: [(u64, u64, &[&str]); 5] = [
        (0, 1, &[]),
        (0, 8, &[H1, H23, H47]),
        (5, 8, &[H4, H67, H03]),
        (2, 3, &[H01]),
        (1, 5, &[H0, H23, H4]),
    ];
    for (index, size, expected) in cases {
        let leaves = &LEAVES[..size as usize];
        let tree: MemoryTree = leaves.iter().collect();
        let path = tree.inclusion(index).unwrap();
        assert_eq!(text(&path), expected, "leaf {index} of {size}");
        let leaf = leaf_hash(LEAVES[index as usize]);
        verify_inclusion(&leaf, index, size, &path, &tree.root()).unwrap();
    }
}

#[test]
fn consistency_proofs() {
    let cases: [(u64, u64, &[&str]); 4] =
        [(1, 1, &[]), (1, 8, &[H1, H23, H47]), (6, 8, &[H45, H67, H03]), (2, 5, &[H23, H4])];
    for (old, new, expected) in cases {
        let tree: MemoryTree = LEAVES[..new as usize].iter().collect();
        let path = tree.consistency(old).unwrap();
        assert_eq!(text(&path), expected, "{old} to {new}");
        let old_root = merkle_root(&LEAVES[..old as usize]);
        verify_consistency(old, &old_root, new, &tree.root(), &path).unwrap();
    }
}
