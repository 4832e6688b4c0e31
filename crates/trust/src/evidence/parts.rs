//! Every part of the file by itself: what holds is kept, what does not is a fault.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tram_crypto::sha256;
use tram_dispatch::{Code, Digest, Event, UnixMillis};
use tram_wire::{EvidenceFile, Receipt, SealedDispatch};

use super::Ground;
use super::found::{Fault, Lack, Part, Voice};
use super::notes::{self, Noted};
use super::seal::{self, Seal};
use crate::directory::Directory;
use crate::receipt;
use crate::verdict::Refusal;
use crate::verified::VerifiedReceipt;
use crate::verifier::Verifier;

/// What of the file holds.
pub(super) struct Held {
    /// With the directory of the file, and the revocation lists if they are those of the first node.
    pub(super) verifier: Verifier,
    /// The dispatch with this id and object. Whether the seal verifies, `seal` says.
    pub(super) sealed: Option<SealedDispatch>,
    pub(super) seal: Seal,
    /// Genuine receipts about this dispatch and these bytes, by digest.
    pub(super) receipts: BTreeMap<Digest, VerifiedReceipt>,
    /// By the receipt that they rest on.
    pub(super) resting: BTreeMap<Digest, Vec<Digest>>,
    pub(super) checkpoints: Vec<Noted>,
    /// Who sealed the statement that a receipt names, by the digest of the receipt.
    pub(super) statements: BTreeMap<Digest, Voice>,
    /// Documents in the file or at hand that are those of the envelope, by index.
    pub(super) documents: BTreeSet<usize>,
}

/// Collects what is false.
#[derive(Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn add(&mut self, part: Part, refusal: impl Into<Refusal>) {
        self.0.push(Fault { part, refusal: refusal.into() });
    }

    pub(super) fn say(&mut self, part: Part, code: Code, detail: &str) {
        self.add(part, Refusal::new(code, detail));
    }
}

/// Verifies every part. Without network, root document and directory there is no ground to stand on.
pub(super) fn verify(ground: &Ground, file: &EvidenceFile) -> (Result<Held, Lack>, Vec<Fault>) {
    let mut faults = Faults::default();
    let held = all(ground, file, &mut faults);
    (held, faults.0)
}

fn all(ground: &Ground, file: &EvidenceFile, faults: &mut Faults) -> Result<Held, Lack> {
    if file.network != ground.root.network() {
        faults.say(Part::File, Code::WrongNetwork, "the file is of another network");
        return Err(Lack::NoGround);
    }
    if file.root != ground.root.digest() {
        return Err(Lack::OtherRoot(file.root));
    }
    let directory = match Directory::verify_part(&ground.root, &file.directory) {
        Ok(directory) => Arc::new(directory),
        Err(refusal) => {
            faults.add(Part::Directory, refusal);
            return Err(Lack::NoGround);
        }
    };
    let sealed = dispatch(file, faults);
    let genuine = receipts(file, &directory, faults);
    let (sealed, receipts) = same_object(sealed, genuine, faults);
    forks(&receipts, faults);
    let first = first_custody(&receipts).cloned();
    let (verifier, seal) =
        seal::verify(ground, file, directory, sealed.as_ref(), first.as_ref(), faults);
    let mut resting: BTreeMap<Digest, Vec<Digest>> = BTreeMap::new();
    for receipt in receipts.values() {
        if let Some(upstream) = receipt.record().upstream {
            resting.entry(upstream).or_default().push(receipt.digest());
        }
    }
    Ok(Held {
        resting,
        checkpoints: notes::verify(ground, file, verifier.directory(), &receipts, faults),
        statements: statements(file, &verifier, &receipts, faults),
        documents: documents(ground, file, sealed.as_ref(), faults),
        verifier,
        sealed,
        seal,
        receipts,
    })
}

fn dispatch(file: &EvidenceFile, faults: &mut Faults) -> Option<SealedDispatch> {
    let sealed = match SealedDispatch::parse(file.sealed.as_ref()?) {
        Ok(sealed) => sealed,
        Err(error) => {
            faults.add(Part::Dispatch, error);
            return None;
        }
    };
    if sealed.id() == file.dispatch {
        return Some(sealed);
    }
    let detail = "the dispatch in the file is not the one that the file is about";
    faults.say(Part::Dispatch, Code::SignatureInvalid, detail);
    None
}

/// Receipts whose signature holds, with their number in the file.
type Genuine = Vec<(usize, VerifiedReceipt)>;

fn receipts(file: &EvidenceFile, directory: &Directory, faults: &mut Faults) -> Genuine {
    let (mut genuine, mut roots) = (Vec::new(), BTreeSet::new());
    for (number, raw) in file.receipts.iter().enumerate() {
        match genuine_receipt(file, directory, raw, &mut roots) {
            Ok(receipt) => genuine.push((number, receipt)),
            Err(refusal) => faults.add(Part::Receipt(number), refusal),
        }
    }
    genuine
}

fn genuine_receipt(
    file: &EvidenceFile,
    directory: &Directory,
    raw: &[u8],
    roots: &mut BTreeSet<[u8; 32]>,
) -> Result<VerifiedReceipt, Refusal> {
    let receipt = Receipt::parse(raw)?;
    let signed = receipt::issued_by(file.network, directory, &receipt)?;
    if receipt.record().dispatch != file.dispatch {
        return Err(Refusal::new(Code::ReceiptInvalid, "it is about another dispatch"));
    }
    // One signature stands for every receipt of a commit.
    let name = signed.name(&receipt);
    if !roots.contains(&name) {
        signed.check(&receipt)?;
        roots.insert(name);
    }
    Ok(receipt::authorised(directory, receipt))
}

/// A dispatch id does not fix the signature's random part: all must be about the bytes that the first
/// node took, and about the parties of its envelope.
fn same_object(
    sealed: Option<SealedDispatch>,
    genuine: Genuine,
    faults: &mut Faults,
) -> (Option<SealedDispatch>, BTreeMap<Digest, VerifiedReceipt>) {
    let taken =
        genuine.iter().map(|(_, r)| r).filter(|r| is_first(r)).min_by_key(|r| r.record().time);
    let object = taken
        .and_then(|r| r.record().object)
        .or_else(|| sealed.as_ref().map(SealedDispatch::object))
        .or_else(|| genuine.iter().find_map(|(_, r)| r.record().object));
    let sealed = sealed.filter(|sealed| {
        let same = Some(sealed.object()) == object;
        if !same {
            let detail = "the dispatch is not, byte for byte, the one that the first node took";
            faults.say(Part::Dispatch, Code::SignatureInvalid, detail);
        }
        same
    });
    let envelope = sealed.as_ref().map(SealedDispatch::envelope);
    let mut receipts = BTreeMap::new();
    for (number, receipt) in genuine {
        let record = receipt.record();
        let other_bytes = record.object.is_some() && record.object != object;
        let other_parties = envelope.is_some_and(|e| {
            record.originator != e.originator
                || record.recipient.as_ref().is_some_and(|r| !e.recipients.contains(r))
        });
        if other_bytes || other_parties {
            let what = if other_bytes { "other bytes" } else { "parties not in the envelope" };
            let detail = format!("it is about {what}");
            faults.say(Part::Receipt(number), Code::ReceiptInvalid, &detail);
        } else {
            receipts.insert(receipt.digest(), receipt);
        }
    }
    (sealed, receipts)
}

/// Two roots of one log at one size, both signed: the node keeps two histories.
fn forks(receipts: &BTreeMap<Digest, VerifiedReceipt>, faults: &mut Faults) {
    let mut roots = BTreeMap::new();
    for receipt in receipts.values() {
        let root = receipt.receipt().signed_root();
        let log = (root.node.clone(), root.epoch, root.size);
        if *roots.entry(log).or_insert(root.root) != root.root {
            let detail = format!("{} signed two roots of one log at size {}", root.node, root.size);
            faults.say(Part::File, Code::LogFork, &detail);
        }
    }
}

fn is_first(receipt: &VerifiedReceipt) -> bool {
    let record = receipt.record();
    record.event == Event::SubmissionAcceptance
        && record.upstream.is_none()
        && record.previous.is_none()
        && receipt.authorised_issuer() == Some(true)
}

/// The receipt by which the originator's node took custody: its time judges the seal.
pub(super) fn first_custody(
    receipts: &BTreeMap<Digest, VerifiedReceipt>,
) -> Option<&VerifiedReceipt> {
    let key = |r: &&VerifiedReceipt| (r.record().time, r.digest());
    receipts.values().filter(|r| is_first(r)).min_by_key(key)
}

fn statements(
    file: &EvidenceFile,
    verifier: &Verifier,
    receipts: &BTreeMap<Digest, VerifiedReceipt>,
    faults: &mut Faults,
) -> BTreeMap<Digest, Voice> {
    let mut found = BTreeMap::new();
    for (number, raw) in file.statements.iter().enumerate() {
        match seal::statement(raw, verifier, receipts) {
            Ok(signed) => found.extend(signed),
            Err(refusal) => faults.add(Part::Statement(number), refusal),
        }
    }
    found
}

fn documents(
    ground: &Ground,
    file: &EvidenceFile,
    sealed: Option<&SealedDispatch>,
    faults: &mut Faults,
) -> BTreeSet<usize> {
    let named = sealed.map(|s| &s.envelope().documents[..]).unwrap_or_default();
    let mut found = BTreeSet::new();
    for (index, bytes) in &file.documents {
        let place = usize::from(*index);
        let fits = named.get(place).is_some_and(|document| {
            document.size == bytes.len() as u64 && document.sha256.0 == sha256(bytes)
        });
        if fits {
            found.insert(place);
        } else {
            let detail = "its bytes are not those that the envelope names";
            faults.say(Part::Document(*index), Code::DocumentDigestMismatch, detail);
        }
    }
    let at_hand = |(place, document): (usize, &tram_dispatch::envelope::Document)| {
        (ground.documents.get(&document.sha256) == Some(&document.size)).then_some(place)
    };
    found.extend(named.iter().enumerate().filter_map(at_hand));
    found
}

/// Time that only ever goes up, for bounds from whole seconds: the end of that second.
pub(super) fn end_of_second(seconds: u64) -> UnixMillis {
    UnixMillis(seconds.saturating_mul(1000).saturating_add(999))
}
