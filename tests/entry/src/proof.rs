//! Notes, checkpoints and Merkle proofs.

use std::sync::OnceLock;

use tram_crypto::{Ed25519Signer, Sign};
use tram_tlog::checkpoint::Checkpoint;
use tram_tlog::cosignature::Cosignature;
use tram_tlog::note::{Note, NoteKey, SignatureType};
use tram_tlog::policy::Policy;
use tram_tlog::{Hash, MemoryTree, root_from_inclusion, verify_consistency, verify_inclusion};

use crate::trust::World;

/// Leaves of the tree that proofs are forged against.
const LEAVES: u64 = 37;

/// A signed note.
pub fn note(data: &[u8]) {
    let Ok(note) = Note::parse(data) else { return };
    assert!(!note.signatures().is_empty());
    assert_eq!(note.to_bytes().expect("what was read can be written"), data);
}

/// A checkpoint: as text, and as a note that a node of the network is said to have signed.
pub fn checkpoint(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(checkpoint) = Checkpoint::parse_text(text)
    {
        let extensions: String =
            checkpoint.extension_lines().iter().map(|line| format!("{line}\n")).collect();
        assert_eq!(format!("{}{extensions}", checkpoint.to_note_text()), text);
    }
    let world = World::get();
    let Ok(verified) = world.verifier.checkpoint(&world.node, data) else { return };
    let genuine = world.checkpoints.iter().any(|note| {
        world.verifier.checkpoint(&world.node, note).is_ok_and(|signed| {
            (signed.epoch(), signed.size(), signed.root())
                == (verified.epoch(), verified.size(), verified.root())
        })
    });
    assert!(genuine, "a forged checkpoint was believed");
}

/// A witness, and the one checkpoint that it cosigned.
pub(crate) struct Witness {
    key: NoteKey,
    text: String,
    pub(crate) line: String,
}

impl Witness {
    /// The same in every process.
    pub(crate) fn get() -> &'static Witness {
        static WITNESS: OnceLock<Witness> = OnceLock::new();
        WITNESS.get_or_init(|| {
            let signer = Ed25519Signer::from_seed(&[5; 32]).expect("a key");
            let kind = SignatureType::CosignatureV1;
            let key = NoteKey::new("witness", kind, signer.public_key()).expect("a name");
            let checkpoint = Checkpoint::new("log", 7, Hash([7; 32])).expect("sound");
            let made = Cosignature::sign(&checkpoint, "witness", 1_790_000_000, &signer);
            let line = made.expect("a cosignature").to_line();
            Witness { key, text: checkpoint.to_note_text(), line }
        })
    }

    /// A policy that asks for this witness and nobody else.
    pub(crate) fn policy(&self) -> String {
        format!("# one\nwitness w {}\ngroup g any w\nquorum g\n", self.key.to_verifier_key())
    }
}

/// The line of a cosignature: nothing verifies but the one that was made.
pub fn cosignature(data: &[u8]) {
    let Ok(line) = std::str::from_utf8(data) else { return };
    let Ok(cosignature) = Cosignature::from_line(line) else { return };
    assert_eq!(cosignature.to_line(), line);
    let witness = Witness::get();
    let verified = cosignature.verify(&witness.text, &witness.key).is_ok();
    assert_eq!(verified, line == witness.line, "a forged cosignature was believed");
}

/// A policy: what is read means the same when it is written, and nobody's word is needed by none but
/// one that says so.
pub fn policy(data: &[u8]) {
    let Ok(policy) = Policy::parse(data) else { return };
    assert_eq!(Policy::parse(policy.to_text().as_bytes()).as_ref(), Ok(&policy));
    let witness = Witness::get();
    let nobody = policy.judge(&witness.text, &[]);
    assert_eq!(nobody.reached, policy.quorum().is_none());
    assert_eq!(nobody.reached, nobody.shortfalls.is_empty());
    let one = Cosignature::from_line(&witness.line).expect("sound");
    let asked = policy.witnesses().iter().any(|w| w.key == witness.key);
    assert_eq!(policy.judge(&witness.text, &[one]).cosigned.len(), usize::from(asked));
}

/// A tree, and its roots at every size.
fn tree() -> &'static (MemoryTree, Vec<Hash>) {
    static TREE: OnceLock<(MemoryTree, Vec<Hash>)> = OnceLock::new();
    TREE.get_or_init(|| {
        let mut tree = MemoryTree::new();
        let mut roots = vec![tree.root()];
        for leaf in 0..LEAVES {
            tree.push(&leaf.to_be_bytes());
            roots.push(tree.root());
        }
        (tree, roots)
    })
}

/// Four numbers of eight bytes and a path of hashes, as proofs: any are safe to give, and none but
/// the true ones verify. The input is what is *added* (exclusive or) to a true proof.
pub fn proof(data: &[u8]) {
    let mut numbers = data
        .chunks(8)
        .map(|chunk| chunk.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte)));
    let [pick, index, size, old] = std::array::from_fn(|_| numbers.next().unwrap_or(0));
    let edits: Vec<&[u8]> = data.get(32..).unwrap_or_default().chunks(33).collect();
    let any: Vec<Hash> = edits.iter().map(|edit| edited(Hash([0; 32]), edit)).collect();
    let _ = root_from_inclusion(&Hash([1; 32]), index, size, &any);
    let _ = verify_consistency(old, &Hash([1; 32]), size, &Hash([2; 32]), &any);

    let (tree, roots) = tree();
    let root = tree.root();
    let at = pick % LEAVES;
    let leaf = tram_tlog::leaf_hash(&at.to_be_bytes());
    let path = tree.inclusion(at).expect("a leaf of the tree");
    let forged = forge(&path, &edits);
    // The size is not bound by a proof but by the signature over it and the root.
    let said_at = at ^ (index % LEAVES);
    let verified = verify_inclusion(&leaf, said_at, LEAVES, &forged, &root).is_ok();
    assert_eq!(verified, forged == path && said_at == at, "inclusion of {at} said at {said_at}");

    let from = old % (LEAVES - 1) + 1;
    let path = tree.consistency(from).expect("an older size");
    let forged = forge(&path, &edits);
    let said_root = if size.is_multiple_of(3) { roots[from as usize] } else { Hash([9; 32]) };
    let verified = verify_consistency(from, &said_root, LEAVES, &root, &forged).is_ok();
    let genuine = forged == path && said_root == roots[from as usize];
    assert_eq!(verified, genuine, "consistency from {from}");
}

/// The first byte of an edit says what becomes of the hash in its place; the rest is added to it.
fn forge(path: &[Hash], edits: &[&[u8]]) -> Vec<Hash> {
    let mut out = path.to_vec();
    for (place, edit) in edits.iter().enumerate() {
        match edit.first() {
            Some(1) => out.truncate(place),
            Some(2) => out.insert(place.min(out.len()), edited(Hash([0; 32]), edit)),
            Some(_) if place < out.len() => out[place] = edited(out[place], edit),
            _ => {}
        }
    }
    out
}

fn edited(mut hash: Hash, edit: &[u8]) -> Hash {
    for (byte, change) in hash.0.iter_mut().zip(edit.iter().skip(1)) {
        *byte ^= change;
    }
    hash
}
