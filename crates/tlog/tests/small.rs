//! What is easily passed over: the limits of texts and keys, the forms of a hash, and the example of a
//! checkpoint in its specification. Each test here tells a change that no other test told
//! (`.ci/long mutants`).

use tram_crypto::{Ed25519Signer, Sign};
use tram_tlog::checkpoint::{CHECKPOINT_TEXT_BYTES_MAX, Checkpoint};
use tram_tlog::note::{
    KEY_NAME_BYTES_MAX, NOTE_SIGNATURES_MAX, Note, NoteError, NoteKey, SignatureType,
    VERIFIER_KEY_BYTES_MAX,
};
use tram_tlog::tile::TILE_WIDTH;
use tram_tlog::{Hash, MemoryTree, NodeSource, TileNodes, TileSource, leaf_hash};

/// C2SP tlog-checkpoint, the first example. Its key is not published.
#[test]
fn the_example_of_the_specification_is_read() {
    let signed = "example.com/behind-the-sofa\n20852163\n\
                  CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
                  — example.com/behind-the-sofa \
                  Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+\
                  xeMcTOAYQ8=\n";
    let note = Note::parse(signed.as_bytes()).unwrap();
    let checkpoint = Checkpoint::parse_text(note.text()).unwrap();
    assert_eq!(checkpoint.origin(), "example.com/behind-the-sofa");
    assert_eq!((checkpoint.size(), note.signatures()[0].key_id), (20_852_163, 0x033d_e0ae));
    assert_eq!(
        checkpoint.root().to_string(),
        "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"
    );
    assert_eq!(checkpoint.to_note_text(), note.text());
    assert_eq!(note.to_bytes().unwrap(), signed.as_bytes());
}

/// Origin, size and root, with lines of others up to this length.
fn text_of(bytes: usize) -> String {
    let head = "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    format!("{head}{}\n", "x".repeat(bytes - head.len() - 1))
}

#[test]
fn texts_of_checkpoints_end_at_four_kibibytes() {
    assert_eq!(CHECKPOINT_TEXT_BYTES_MAX, 4096);
    assert!(Checkpoint::parse_text(&text_of(CHECKPOINT_TEXT_BYTES_MAX)).is_ok());
    let over = Checkpoint::parse_text(&text_of(CHECKPOINT_TEXT_BYTES_MAX + 1));
    assert!(matches!(over, Err(NoteError::TooLarge { .. })), "{over:?}");
}

#[test]
fn verifier_keys_end_where_the_longest_name_does() {
    let signer = Ed25519Signer::from_seed(&[7; 32]).unwrap();
    let name = "n".repeat(KEY_NAME_BYTES_MAX);
    let key = NoteKey::new(&name, SignatureType::Ed25519, signer.public_key()).unwrap();
    let text = key.to_verifier_key();
    assert_eq!(NoteKey::from_verifier_key(&text), Ok(key));
    assert!(text.len() <= VERIFIER_KEY_BYTES_MAX && VERIFIER_KEY_BYTES_MAX == 256 + 128);
    let over = NoteKey::from_verifier_key(&"+".repeat(VERIFIER_KEY_BYTES_MAX + 1));
    assert!(matches!(over, Err(NoteError::TooLarge { .. })), "{over:?}");
    let within = NoteKey::from_verifier_key(&"+".repeat(VERIFIER_KEY_BYTES_MAX));
    assert!(!matches!(within, Err(NoteError::TooLarge { .. })), "{within:?}");
}

#[test]
fn a_hash_is_its_bytes() {
    let hash = leaf_hash(b"");
    let bytes: [u8; 32] = hash.into();
    assert_eq!((Hash(bytes), hash.as_ref()), (hash, &bytes[..]));
    assert_eq!(bytes[..2], [0x6e, 0x34]);
    assert!(format!("{hash:?}").contains("6e340b9c"), "{hash:?}");
}

#[test]
fn a_borrowed_tree_has_the_same_nodes() {
    fn node(source: impl NodeSource, level: u8, index: u64) -> Option<Hash> {
        source.node(level, index)
    }
    let tree: MemoryTree = [b"a", b"b", b"c"].into_iter().collect();
    assert_eq!(node(&tree, 0, 2), Some(leaf_hash(b"c")));
    assert_eq!(node(&tree, 0, 3), None);
    assert!(node(&tree, 1, 0).is_some());
}

#[test]
fn lines_are_added_up_to_the_limit_and_taken_out_again() {
    let mut note = Note::parse("text\n\n— n AAAAAAA=\n".as_bytes()).unwrap();
    let line = note.signatures()[0].clone();
    for _ in 1..NOTE_SIGNATURES_MAX {
        note.add(line.clone()).unwrap();
    }
    assert!(matches!(note.add(line), Err(NoteError::TooLarge { .. })));
    note.retain(|_| false);
    assert!(note.signatures().is_empty());
}

/// Tiles that are all there, each full of one hash.
struct Everywhere;

impl TileSource for Everywhere {
    fn tile(&self, _: u8, _: u64) -> Option<Vec<Hash>> {
        Some(vec![leaf_hash(b"leaf"); TILE_WIDTH])
    }
}

#[test]
fn nodes_that_no_tree_has_are_not_looked_up() {
    let nodes = TileNodes(Everywhere);
    for level in 1..64_u8 {
        let last = u64::MAX >> level;
        assert!(nodes.node(level, last).is_some(), "{level}");
        assert!(nodes.node(level, last + 1).is_none(), "{level}");
    }
    assert!(nodes.node(64, 0).is_none());
}
