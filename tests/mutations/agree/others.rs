//! Receipts, bundles, checkpoints and tree proofs: altered, with our answer.

use ciborium::Value;
use serde_json::{Value as Json, json};
use tram_tlog::checkpoint::Checkpoint;
use tram_tlog::cosignature::Cosignature;
use tram_tlog::note::{Note, NoteKey, SignatureType};
use tram_tlog::{Hash, MemoryTree, root_at, root_from_inclusion, verify_consistency};
use tram_trust::{Verifier, cosignature};
use tram_wire::{Bundle, Receipt};

use super::edit::{self, note_lines, with_lines};
use super::python::{bytes, text};
use super::respelled::respelled;
use super::worlds::Worlds;
use super::{Case, Sound};
use crate::{Numbers, deep};

/// A way to make a case; `None` where nothing came of it.
pub(super) type Make = fn(&Worlds, &Sound, &mut Numbers) -> Option<Case>;

/// Every kind, with how often of a hundred it is taken.
pub(super) const KINDS: &[(&str, u64, Make)] = &[
    ("receipt", 42, receipt),
    ("bundle", 18, bundle),
    ("checkpoint", 26, checkpoint),
    ("consistency", 7, consistency),
    ("inclusion", 7, inclusion),
];

/// A receipt with anything changed.
fn altered(worlds: &Worlds, sound: &Sound, numbers: &mut Numbers) -> Option<Vec<u8>> {
    let one = &sound.receipts[numbers.below(sound.receipts.len())];
    let other = match numbers.below(2) {
        0 => &sound.receipts[numbers.below(sound.receipts.len())],
        _ => &worlds.other.file.receipts[numbers.below(6)],
    };
    Some(match numbers.below(9) {
        0 => {
            let mut altered = one.clone();
            let at = numbers.below(one.len());
            altered[at] ^= 1 << numbers.below(8);
            altered
        }
        1 => edit::stretch(one, other, numbers),
        2 => respelled(one, numbers)?,
        3 | 4 => {
            let mut mixed = crate::receipts::pieces(one);
            let choice = 1 + numbers.below((1 << mixed.len()) - 2);
            for (place, piece) in crate::receipts::pieces(other).into_iter().enumerate() {
                if choice >> place & 1 == 1 {
                    mixed[place] = piece;
                }
            }
            crate::receipts::assembled(&mixed)
        }
        5 => {
            let mut pieces = crate::receipts::pieces(one);
            let Value::Bytes(record) = &mut pieces[8] else { panic!("a byte string") };
            *record = respelled(record, numbers)?;
            crate::receipts::assembled(&pieces)
        }
        _ => deep::changed(one, numbers)?,
    })
}

fn judged(verifier: &Verifier, raw: &[u8]) -> Json {
    let receipt = Receipt::parse(raw).ok().and_then(|r| verifier.receipt(r).ok());
    match receipt {
        None => json!({ "verdict": "refused" }),
        Some(receipt) => json!({
            "verdict": "verified",
            "authorised": receipt.authorised_issuer() == Some(true),
            "receipt": receipt.digest().to_string(),
        }),
    }
}

fn receipt(worlds: &Worlds, sound: &Sound, numbers: &mut Numbers) -> Option<Case> {
    let raw = altered(worlds, sound, numbers)?;
    if sound.receipts.contains(&raw) {
        return None;
    }
    let ours = judged(&sound.verifier, &raw);
    let accepted =
        (ours["verdict"] == "verified").then(|| "a receipt that nobody issued".to_owned());
    let question = vec![text("receipt"), text(Worlds::WHOLE_DIRECTORY), bytes(&raw)];
    Some(Case { kind: "receipt", question, ours, accepted })
}

/// The bundle is not signed: other order, fewer receipts, the same twice, or no directory change nothing
/// of what each receipt proves. A receipt that was not among them must not verify.
fn bundle(worlds: &Worlds, sound: &Sound, numbers: &mut Numbers) -> Option<Case> {
    let mut whole = Bundle {
        receipts: sound.receipts.clone(),
        directory: Some(worlds.tiers.network.directory_file.clone()),
    };
    let raw = match numbers.below(6) {
        0 => {
            let mut raw = whole.encode();
            let at = numbers.below(raw.len());
            raw[at] ^= 1 << numbers.below(8);
            raw
        }
        1 => respelled(&whole.encode(), numbers)?,
        2 => deep::changed(&whole.encode(), numbers)?,
        what => {
            let at = numbers.below(whole.receipts.len());
            match what {
                3 => whole.receipts[at] = altered(worlds, sound, numbers)?,
                4 => whole.receipts.reverse(),
                _ => _ = whole.receipts.remove(at),
            }
            whole.encode()
        }
    };
    let (mut ours, mut accepted) = (json!({ "verdict": "unreadable" }), None);
    if let Ok(bundle) = Bundle::decode(&raw) {
        let found: Vec<Json> =
            bundle.receipts.iter().map(|raw| judged(&sound.verifier, raw)).collect();
        let new = bundle.receipts.iter().zip(&found);
        accepted = new
            .filter(|(raw, found)| found["verdict"] == "verified" && !sound.receipts.contains(raw))
            .map(|_| "a receipt that nobody issued".to_owned())
            .next();
        ours = json!({
            "verdict": "read", "directory": bundle.directory.is_some(), "receipts": found
        });
    }
    let question = vec![text("bundle"), text(Worlds::WHOLE_DIRECTORY), bytes(&raw)];
    Some(Case { kind: "bundle", question, ours, accepted })
}

/// What is not signed by the log or by a witness is which lines are there: fewer cosignatures, or lines of
/// keys that nobody knows, leave the log's own word as it is.
fn checkpoint(worlds: &Worlds, sound: &Sound, numbers: &mut Numbers) -> Option<Case> {
    let notes = &worlds.tiers.file.checkpoints;
    let (a, b) = edit::two(notes.len(), numbers);
    let (mut note, other) = (notes[a].note.clone(), &notes[b].note);
    let (text_of, mut lines) = note_lines(&note)?;
    let (_, others) = note_lines(other)?;
    let (_, foreign) = note_lines(&worlds.other.file.checkpoints[b].note)?;
    let line = numbers.below(lines.len());
    match numbers.below(9) {
        0 | 1 => {
            let at = numbers.below(note.len());
            note[at] ^= 1 << numbers.below(8);
        }
        2 => note = edit::stretch(&note, other, numbers),
        3 => {
            lines[line] = others[numbers.below(others.len())].clone();
            note = with_lines(&text_of, &lines);
        }
        4 => {
            lines.push(foreign[numbers.below(foreign.len())].clone());
            note = with_lines(&text_of, &lines);
        }
        5 => {
            lines.remove(line);
            note = with_lines(&text_of, &lines);
        }
        6 => {
            let by = [-3_600_000, -1000, 1000, 60_000][numbers.below(4)];
            let line = 1 + numbers.below(lines.len() - 1);
            lines[line] = edit::cosignature_at_another_time(&lines[line], by)?;
            note = with_lines(&text_of, &lines);
        }
        7 => {
            let parts: Vec<&str> = text_of.split('\n').collect();
            let size = parts[1].parse::<u64>().ok()?.wrapping_add(numbers.next() % 5);
            let text_of = format!("{}\n{size}\n{}\n", parts[0], parts[2]);
            note = with_lines(&text_of, &lines);
        }
        _ => {
            let extra = ["a further line", "", "\u{7f}", "tram"][numbers.below(4)];
            note = with_lines(&format!("{text_of}{extra}\n"), &lines);
        }
    }
    if note == notes[a].note {
        return None;
    }
    let ours = read_checkpoint(worlds, &note).unwrap_or_else(|| json!({ "verdict": "refused" }));
    let before = read_checkpoint(worlds, &notes[a].note)?;
    let witnesses = |of: &Json| of["cosigned"].as_array().cloned().unwrap_or_default();
    let more = witnesses(&ours).iter().any(|w| !witnesses(&before).contains(w));
    let other = ["node", "size", "root"].iter().any(|key| ours[*key] != before[*key]);
    let accepted = ours["verdict"] == "verified" && (more || other);
    let question = vec![text("checkpoint"), text(Worlds::WHOLE_DIRECTORY), bytes(&note)];
    let accepted = accepted.then(|| "a checkpoint that nobody signed".to_owned());
    let _ = sound;
    Some(Case { kind: "checkpoint", question, ours, accepted })
}

/// The checkpoint, if its log signed it and every line of a node of the directory holds.
fn read_checkpoint(worlds: &Worlds, raw: &[u8]) -> Option<Json> {
    let directory = &worlds.tiers.network.directory;
    let mut nodes = directory.nodes();
    let (node, read) = nodes.find_map(|node| {
        Some((&node.id, tram_trust::checkpoint::verify(directory, &node.id, raw).ok()?))
    })?;
    let note = Note::parse(raw).ok()?;
    let checkpoint = Checkpoint::parse_text(note.text()).ok()?;
    let keys: Vec<NoteKey> = directory
        .nodes()
        .flat_map(|node| node.epochs.iter().map(|epoch| (&node.id, epoch.id)))
        .filter_map(|(node, epoch)| cosignature::key(directory, node, epoch))
        .collect();
    let own = tram_trust::checkpoint::origin(directory.network(), node, read.epoch());
    let own = keys.iter().find(|key| key.name() == own)?;
    let own = NoteKey::new(own.name(), SignatureType::Ed25519, own.public_key()).ok()?;
    let (mut cosigned, mut lines) = (Vec::new(), Vec::new());
    for line in note.signatures() {
        let of_key = |key: &NoteKey| line.name == key.name() && line.key_id == key.id();
        if let Ok(cosignature) = Cosignature::from_signature(line) {
            lines.push(cosignature);
        }
        if of_key(&own) || !keys.iter().any(of_key) {
            continue;
        }
        let written = Cosignature::from_signature(line).ok()?.to_line();
        let tree = (checkpoint.size(), checkpoint.root().0);
        let verified = cosignature::verify(directory, (node, read.epoch()), tree, &written).ok()?;
        cosigned.push(verified.witness().to_string());
    }
    let policy = tram_trust::position::policy(directory, node).ok()?;
    Some(json!({
        "verdict": "verified",
        "node": node.to_string(),
        "size": read.size(),
        "root": hex::encode(read.root()),
        "cosigned": cosigned,
        "quorum": policy.judge(note.text(), &lines).reached,
    }))
}

/// Tree sizes and places in trees: small, around powers of two.
fn size(numbers: &mut Numbers, most: usize) -> u64 {
    1 + numbers.below(most) as u64
}

/// A consistency proof with one thing changed, or none: what it says is known from the leaves.
fn consistency(_: &Worlds, sound: &Sound, numbers: &mut Numbers) -> Option<Case> {
    let tree = &sound.tree;
    let new = size(numbers, tree.size() as usize);
    let old = size(numbers, new as usize);
    let mut path = tram_tlog::consistency_proof(tree, old, new).ok()?;
    let (mut said_old, mut said_new) = (old, new);
    let (mut old_root, mut new_root) = (root_at(tree, old).ok()?, root_at(tree, new).ok()?);
    match numbers.below(8) {
        0 => {}
        1 => said_old = [0, 1, old + 1, old ^ 1, new + 1][numbers.below(5)],
        2 => said_new = [new + 1, new ^ 1, old, 1 << 63, u64::MAX][numbers.below(5)],
        3 => old_root.0[numbers.below(32)] ^= 1 << numbers.below(8),
        4 => new_root.0[numbers.below(32)] ^= 1 << numbers.below(8),
        5 => path.push(Hash([numbers.next() as u8; 32])),
        6 => _ = path.pop()?,
        _ => {
            let at = numbers.below(path.len().max(1));
            path.get_mut(at)?.0[numbers.below(32)] ^= 1;
        }
    }
    let holds = verify_consistency(said_old, &old_root, said_new, &new_root, &path).is_ok();
    // Roots do not fix the sizes: those are signed together with the roots, in a checkpoint. So of other
    // sizes no more is asked than that both say the same.
    let is_true = root_at(tree, old) == Ok(old_root) && root_at(tree, new) == Ok(new_root);
    let is_true = is_true || (said_old, said_new) != (old, new);
    let accepted = (holds && !is_true).then(|| "a consistency that is not".to_owned());
    let verdict = if holds { "verified" } else { "refused" };
    let hash = |hash: &Hash| bytes(&hash.0);
    let question = vec![
        text("consistency"),
        said_old.into(),
        hash(&old_root),
        said_new.into(),
        hash(&new_root),
        Value::Array(path.iter().map(hash).collect()),
    ];
    Some(Case { kind: "consistency", question, ours: json!({ "verdict": verdict }), accepted })
}

/// An inclusion proof: the root that it leads to, which must be the tree's only for what is there.
fn inclusion(_: &Worlds, sound: &Sound, numbers: &mut Numbers) -> Option<Case> {
    let tree = &sound.tree;
    let whole = size(numbers, tree.size() as usize);
    let index = numbers.below(whole as usize) as u64;
    let mut path = tram_tlog::inclusion_proof(tree, index, whole).ok()?;
    let mut leaf = sound.leaves[index as usize];
    let (mut said_index, mut said_size) = (index, whole);
    match numbers.below(7) {
        0 => {}
        1 => said_index = [0, index + 1, index ^ 1, whole, u64::MAX][numbers.below(5)],
        2 => said_size = [0, 1, whole + 1, whole ^ 1, 1 << 63][numbers.below(5)],
        3 => leaf.0[numbers.below(32)] ^= 1 << numbers.below(8),
        4 => path.push(Hash([numbers.next() as u8; 32])),
        5 => _ = path.pop()?,
        _ => {
            let at = numbers.below(path.len().max(1));
            path.get_mut(at)?.0[numbers.below(32)] ^= 1;
        }
    }
    let root = root_from_inclusion(&leaf, said_index, said_size, &path);
    let ours = match &root {
        Ok(root) => json!({ "verdict": "verified", "root": hex::encode(root.0) }),
        Err(_) => json!({ "verdict": "refused" }),
    };
    let there = sound.leaves.get(said_index as usize) == Some(&leaf);
    let leads = root.is_ok_and(|root| root_at(tree, said_size) == Ok(root));
    let accepted = (leads && !there).then(|| "an inclusion that is not".to_owned());
    let question = vec![
        text("inclusion"),
        bytes(&leaf.0),
        said_index.into(),
        said_size.into(),
        Value::Array(path.iter().map(|hash| bytes(&hash.0)).collect()),
    ];
    Some(Case { kind: "inclusion", question, ours, accepted })
}

/// A tree of many sizes to make proofs of.
pub(super) fn tree() -> (MemoryTree, Vec<Hash>) {
    let leaves: Vec<Vec<u8>> = (0..70_u8).map(|n| vec![n; 1 + usize::from(n % 3)]).collect();
    let hashes = leaves.iter().map(|leaf| tram_tlog::leaf_hash(leaf)).collect();
    (leaves.iter().collect(), hashes)
}
