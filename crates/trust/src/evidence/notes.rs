//! Checkpoints in the file: whose log, which receipts lie under them, and who cosigned.

use std::collections::{BTreeMap, BTreeSet};

use tram_dispatch::{Code, Digest, EpochId, NodeId, UnixMillis};
use tram_tlog::cosignature::Cosignature;
use tram_tlog::note::{Note, NoteKey, NoteSignature, SignatureType};
use tram_tlog::{Hash, verify_consistency};
use tram_wire::EvidenceFile;
use tram_wire::evidence_file::ProvedCheckpoint;

use super::Ground;
use super::found::Part;
use super::parts::{Faults, end_of_second};
use crate::checkpoint::{origin, verify as verify_checkpoint};
use crate::cosignature;
use crate::directory::Directory;
use crate::time_stamp::{self, TimeStamp};
use crate::verdict::Refusal;
use crate::verified::{VerifiedCheckpoint, VerifiedReceipt};

/// A checkpoint that holds.
pub(super) struct Noted {
    pub(super) checkpoint: VerifiedCheckpoint,
    /// Sizes of signed roots of receipts that the tree continues.
    pub(super) sizes: BTreeSet<u64>,
    /// The text that was signed, and the lines of witnesses.
    pub(super) text: String,
    pub(super) cosignatures: Vec<Cosignature>,
    /// Of those, the ones that verify: name, when, and the node whose key it is if it is one's.
    pub(super) witnesses: Vec<(String, UnixMillis, Option<NodeId>)>,
    /// Names on lines by keys that neither the directory nor the policy knows.
    pub(super) strangers: Vec<String>,
    /// Its time-stamps.
    pub(super) stamps: Vec<Stamped>,
}

/// A token over its text, sound by itself.
pub(super) enum Stamped {
    /// Of an authority that counts.
    By(TimeStamp),
    /// Of one that does not lead to an anchor given.
    Stranger(Refusal),
    /// Nobody said whose count.
    NotChecked(Digest),
}

impl Noted {
    /// The time-stamps that count.
    pub(super) fn stamped(&self) -> impl Iterator<Item = &TimeStamp> {
        self.stamps.iter().filter_map(|stamp| match stamp {
            Stamped::By(stamp) => Some(stamp),
            Stamped::Stranger(_) | Stamped::NotChecked(_) => None,
        })
    }

    /// Whether this receipt lies under it.
    pub(super) fn covers(&self, receipt: &VerifiedReceipt) -> bool {
        let root = receipt.receipt().signed_root();
        root.node == *self.checkpoint.node()
            && root.epoch == self.checkpoint.epoch()
            && self.sizes.contains(&root.size)
    }
}

type Receipts = BTreeMap<Digest, VerifiedReceipt>;

pub(super) fn verify(
    ground: &Ground,
    file: &EvidenceFile,
    directory: &Directory,
    receipts: &Receipts,
    faults: &mut Faults,
) -> Vec<Noted> {
    let mut found = Vec::new();
    for (number, proved) in file.checkpoints.iter().enumerate() {
        match one(ground, proved, directory, receipts) {
            Ok(noted) => found.push(noted),
            Err(refusal) => faults.add(Part::Checkpoint(number), refusal),
        }
    }
    found
}

/// What holds of a checkpoint that somebody gave for an evidence file over these receipts: lines of
/// witnesses that the directory does not know or that do not verify, links to trees of no receipt and
/// time-stamps of something else are left out.
///
/// # Errors
/// `RECEIPT_INVALID` where the rest does not hold, or covers no receipt here.
pub fn cleaned<'a>(
    ground: &Ground,
    directory: &Directory,
    receipts: impl IntoIterator<Item = &'a VerifiedReceipt>,
    given: ProvedCheckpoint,
) -> Result<ProvedCheckpoint, Refusal> {
    let receipts: Receipts = receipts.into_iter().map(|r| (r.digest(), r.clone())).collect();
    let mut note = Note::parse(&given.note).map_err(invalid)?;
    let node = issuer(directory, note.text())?;
    let checkpoint = verify_checkpoint(directory, &node, &given.note)?;
    let own = origin(directory.network(), &node, checkpoint.epoch());
    let text = note.text().to_owned();
    let plain = Ground::new(ground.root.clone());
    note.retain(|line| {
        let known = || witness(&plain, directory, &checkpoint, &text, line);
        is_own(directory, &checkpoint, &own, line) || known().is_ok_and(|of| of.is_some())
    });
    let (mut links, mut stamps) = (given.links, given.stamps);
    let signed = |size: u64| {
        receipts
            .values()
            .map(|r| r.receipt().signed_root())
            .any(|root| (&root.node, root.epoch, root.size) == (&node, checkpoint.epoch(), size))
    };
    links.retain(|link| signed(link.size));
    if links.is_empty() {
        return Err(invalid("it covers no receipt here"));
    }
    stamps.retain(|token| time_stamp::consistent(token, text.as_bytes()).is_ok());
    let cleaned = ProvedCheckpoint { note: note.to_bytes().map_err(invalid)?, links, stamps };
    one(&plain, &cleaned, directory, &receipts)?;
    Ok(cleaned)
}

fn invalid(what: impl std::fmt::Display) -> Refusal {
    Refusal::new(Code::ReceiptInvalid, format!("checkpoint: {what}"))
}

/// Any line, link or byte that does not hold spoils the whole checkpoint.
fn one(
    ground: &Ground,
    proved: &ProvedCheckpoint,
    directory: &Directory,
    receipts: &Receipts,
) -> Result<Noted, Refusal> {
    let note = Note::parse(&proved.note).map_err(invalid)?;
    if note.to_bytes().map_err(invalid)? != proved.note {
        return Err(invalid("it is not written in the one form"));
    }
    let node = issuer(directory, note.text())?;
    let checkpoint = verify_checkpoint(directory, &node, &proved.note)?;
    let sizes = sizes(proved, &checkpoint, receipts)?;
    let own = origin(directory.network(), &node, checkpoint.epoch());
    let (mut cosignatures, mut witnesses, mut strangers) = (Vec::new(), Vec::new(), Vec::new());
    for line in note.signatures() {
        if is_own(directory, &checkpoint, &own, line) {
            continue; // verified above
        }
        let Some(of) = witness(ground, directory, &checkpoint, note.text(), line)? else {
            strangers.push(line.name.clone());
            continue;
        };
        let cosignature = Cosignature::from_signature(line).map_err(invalid)?;
        let name = of.as_ref().map_or_else(|| line.name.clone(), ToString::to_string);
        witnesses.push((name, end_of_second(cosignature.time()), of));
        cosignatures.push(cosignature);
    }
    Ok(Noted {
        checkpoint,
        sizes,
        text: note.text().to_owned(),
        cosignatures,
        witnesses,
        strangers,
        stamps: proved
            .stamps
            .iter()
            .map(|token| stamp(ground, token, note.text().as_bytes()))
            .collect::<Result<_, _>>()?,
    })
}

fn stamp(ground: &Ground, token: &[u8], text: &[u8]) -> Result<Stamped, Refusal> {
    match &ground.authorities {
        None => {
            time_stamp::consistent(token, text)?;
            Ok(Stamped::NotChecked(Digest(tram_crypto::sha256(token))))
        }
        Some(authorities) => match time_stamp::verify(token, text, authorities) {
            Ok(stamp) => Ok(Stamped::By(stamp)),
            Err(refusal) => {
                time_stamp::consistent(token, text)?;
                Ok(Stamped::Stranger(refusal))
            }
        },
    }
}

/// The node and epoch that the first line names, by the directory.
fn issuer(directory: &Directory, text: &str) -> Result<NodeId, Refusal> {
    let first = text.lines().next().unwrap_or_default();
    let named = |node: &NodeId, epoch: EpochId| origin(directory.network(), node, epoch) == first;
    directory
        .nodes()
        .find(|node| node.epochs.iter().any(|epoch| named(&node.id, epoch.id)))
        .map(|node| node.id.clone())
        .ok_or_else(|| invalid("it is of no log that the directory in the file lists"))
}

/// Proves each link from a signed root of receipts here to the checkpoint.
fn sizes(
    proved: &ProvedCheckpoint,
    checkpoint: &VerifiedCheckpoint,
    receipts: &Receipts,
) -> Result<BTreeSet<u64>, Refusal> {
    let roots: BTreeMap<u64, [u8; 32]> = receipts
        .values()
        .map(|r| r.receipt().signed_root())
        .filter(|root| root.node == *checkpoint.node() && root.epoch == checkpoint.epoch())
        .map(|root| (root.size, root.root))
        .collect();
    let mut sizes = BTreeSet::new();
    for link in &proved.links {
        let size = link.size;
        let root = roots
            .get(&size)
            .ok_or_else(|| invalid(format!("no receipt here lies under size {size}")))?;
        let path: Vec<Hash> = link.path.iter().copied().map(Hash).collect();
        let (old, new) = (Hash(*root), Hash(*checkpoint.root()));
        verify_consistency(size, &old, checkpoint.size(), &new, &path)
            .map_err(|e| invalid(format!("it does not continue the tree of size {size}: {e}")))?;
        sizes.insert(size);
    }
    Ok(sizes)
}

/// Whether it is the line of the log's own key.
fn is_own(
    directory: &Directory,
    checkpoint: &VerifiedCheckpoint,
    name: &str,
    line: &NoteSignature,
) -> bool {
    let keys = directory.epoch_keys(checkpoint.node(), &checkpoint.epoch());
    let key = keys.and_then(|k| NoteKey::new(name, SignatureType::Ed25519, &k.checkpoint).ok());
    line.name == name && key.is_some_and(|key| key.id() == line.key_id)
}

/// Verifies the line of a node by the directory, or of a witness of the policy; gives the node. `None`
/// for a key that neither knows.
///
/// # Errors
/// `RECEIPT_INVALID` where the line does not verify.
fn witness(
    ground: &Ground,
    directory: &Directory,
    checkpoint: &VerifiedCheckpoint,
    text: &str,
    line: &NoteSignature,
) -> Result<Option<Option<NodeId>>, Refusal> {
    let named = |node: &&tram_dispatch::directory::Node| {
        node.epochs.iter().any(|epoch| {
            cosignature::key(directory, &node.id, epoch.id)
                .is_some_and(|key| key.name() == line.name && key.id() == line.key_id)
        })
    };
    if directory.nodes().any(|node| named(&node)) {
        let written = Cosignature::from_signature(line).map_err(invalid)?.to_line();
        let log = (checkpoint.node(), checkpoint.epoch());
        let tree = (checkpoint.size(), *checkpoint.root());
        let verified = cosignature::verify(directory, log, tree, &written)?;
        return Ok(Some(Some(verified.witness().clone())));
    }
    let mut of_policy = ground.policy.iter().flat_map(|(_, policy)| policy.witnesses());
    let known = of_policy.find(|w| w.key.name() == line.name && w.key.id() == line.key_id);
    let Some(known) = known else { return Ok(None) };
    let cosignature = Cosignature::from_signature(line).map_err(invalid)?;
    cosignature.verify(text, &known.key).map_err(invalid)?;
    Ok(Some(None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::FourTiers;

    #[test]
    fn a_checkpoint_covers_receipts_of_its_own_epoch_only() {
        // The same nodes with the same traffic in another life: nodes and sizes are alike, epochs are not.
        let [here, there] = ["one life", "another life"].map(FourTiers::new);
        let verified = |world: &FourTiers| -> Vec<VerifiedReceipt> {
            let verifier = world.network.verifier();
            world.receipts.iter().map(|r| verifier.receipt(r.clone()).unwrap()).collect()
        };
        let (ours, others) = (verified(&here), verified(&there));
        let receipts: Receipts = ours.iter().map(|r| (r.digest(), r.clone())).collect();
        let ground = Ground::new(here.network.root.clone());
        let noted = here
            .file
            .checkpoints
            .iter()
            .map(|proved| one(&ground, proved, &here.network.directory, &receipts).unwrap());
        let noted: Vec<Noted> = noted.collect();
        assert_eq!(noted.len(), 4);
        for (our, other) in ours.iter().zip(&others) {
            let (a, b) = (our.receipt().signed_root(), other.receipt().signed_root());
            assert_eq!((&a.node, a.size), (&b.node, b.size));
            assert!(a.epoch != b.epoch);
            assert_eq!(noted.iter().filter(|note| note.covers(our)).count(), 1);
            assert!(!noted.iter().any(|note| note.covers(other)));
        }
    }
}
