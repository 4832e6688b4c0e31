//! The agency's seals: on the dispatch, judged at first custody with the lists that the first node used,
//! and on statements.

use std::collections::BTreeMap;
use std::sync::Arc;

use tram_crypto::{sha256, sha256_parts};
use tram_dispatch::envelope::SealedBy;
use tram_dispatch::{Code, Digest, NodeId, UnixMillis};
use tram_wire::{EvidenceFile, SealedDispatch, SealedStatement};

use super::Ground;
use super::found::{Lack, Part, Proof, Voice};
use super::parts::Faults;
use crate::directory::Directory;
use crate::revocation::{Crls, Revocation};
use crate::verdict::{Refusal, Verdict};
use crate::verified::{VerifiedDispatch, VerifiedReceipt};
use crate::verifier::{Options, Verifier};

/// What became of the seal and of its certificate.
pub(super) struct Seal {
    pub(super) sealed: Result<Proof, Lack>,
    pub(super) unrevoked: Result<Proof, Lack>,
}

/// Verifies the seal at the moment of first custody.
pub(super) fn verify(
    ground: &Ground,
    file: &EvidenceFile,
    directory: Arc<Directory>,
    sealed: Option<&SealedDispatch>,
    first: Option<&VerifiedReceipt>,
    faults: &mut Faults,
) -> (Verifier, Seal) {
    let (lists, lack) = lists(file, first, faults);
    let verifier = Verifier::new(ground.root.clone(), directory, lists, Options::default());
    let seal = match (sealed, first) {
        (None, _) => {
            let lack = if file.sealed.is_some() { Lack::Forged } else { Lack::NoEnvelope };
            Seal { sealed: Err(lack.clone()), unrevoked: Err(lack) }
        }
        (Some(sealed), None) => {
            // The moment is missing, so nothing can be proved of the certificate; that the signature
            // is another's can be told all the same.
            let at = sealed.envelope().issued_at;
            if let Verdict::Refused(refusal) = verifier.dispatch_for_relay(sealed.clone(), at)
                && matches!(refusal.code, Code::SignatureInvalid | Code::WrongNetwork)
            {
                faults.add(Part::Dispatch, refusal);
            }
            Seal { sealed: Err(Lack::NoFirstCustody), unrevoked: Err(Lack::NoFirstCustody) }
        }
        (Some(sealed), Some(first)) => {
            let at = first.record().time;
            match verifier.dispatch_for_relay(sealed.clone(), at) {
                Verdict::Verified(verified) => Seal {
                    unrevoked: unrevoked(&verified, first, lack, faults),
                    sealed: Ok(proof(&verified, at)),
                },
                Verdict::Refused(refusal) => {
                    faults.add(Part::Dispatch, refusal);
                    Seal { sealed: Err(Lack::Forged), unrevoked: Err(Lack::Forged) }
                }
                // Not an answer that is given for relays.
                Verdict::Undetermined(_) => {
                    Seal { sealed: Err(Lack::Forged), unrevoked: Err(Lack::Forged) }
                }
            }
        }
    };
    (verifier, seal)
}

fn proof(verified: &VerifiedDispatch, judged_at: UnixMillis) -> Proof {
    let by_node = holder(&verified.envelope().sealed_by);
    Proof::Sealed { signer: verified.signer().clone(), by_node, judged_at }
}

/// The node that holds the agency's key.
fn holder(sealed_by: &SealedBy) -> Option<NodeId> {
    match sealed_by {
        SealedBy::Agency => None,
        SealedBy::Node(node) => Some(node.clone()),
    }
}

/// The lists to judge by: those whose digests the first node's receipt commits to, or none, and why.
fn lists(
    file: &EvidenceFile,
    first: Option<&VerifiedReceipt>,
    faults: &mut Faults,
) -> (Crls, Option<Lack>) {
    let Some(first) = first else { return (Crls::none(), Some(Lack::NoFirstCustody)) };
    let digests: Vec<[u8; 32]> = file.revocation.iter().map(|der| sha256(der)).collect();
    let named = match &digests[..] {
        [] => None,
        [one] => Some(Digest(*one)),
        several => {
            let parts: Vec<&[u8]> = several.iter().map(|d| &d[..]).collect();
            Some(Digest(sha256_parts(&parts)))
        }
    };
    match (first.record().revocation, named) {
        (None, None) => (Crls::none(), Some(Lack::NotChecked)),
        (Some(used), None) => (Crls::none(), Some(Lack::NoLists(used))),
        (used, named) if used != named => {
            let detail = "the revocation lists are not those that the first node's receipt names";
            faults.say(Part::Revocation, Code::ReceiptInvalid, detail);
            (Crls::none(), Some(Lack::Forged))
        }
        _ => {
            let mut lists = Crls::none();
            match file.revocation.iter().try_for_each(|der| lists.add(der).map(|_| ())) {
                Ok(()) => (lists, None),
                Err(refusal) => {
                    faults.add(Part::Revocation, refusal);
                    (Crls::none(), Some(Lack::Forged))
                }
            }
        }
    }
}

fn unrevoked(
    verified: &VerifiedDispatch,
    first: &VerifiedReceipt,
    lack: Option<Lack>,
    faults: &mut Faults,
) -> Result<Proof, Lack> {
    if let Some(lack) = lack {
        return Err(lack);
    }
    if verified.revocation_digest() != first.record().revocation {
        let detail = "the revocation lists are not those of this certificate's path";
        faults.say(Part::Revocation, Code::ReceiptInvalid, detail);
        return Err(Lack::Forged);
    }
    match verified.revocation() {
        Some(Revocation::Good { as_of, unlisted }) => {
            Ok(Proof::Unrevoked { as_of, stale: false, unlisted })
        }
        Some(Revocation::Stale { as_of, unlisted }) => {
            Ok(Proof::Unrevoked { as_of, stale: true, unlisted })
        }
        Some(Revocation::Unknown { as_of }) => Err(Lack::ListsTooOld(as_of)),
        Some(Revocation::NotChecked) | None => Err(Lack::NotChecked),
    }
}

/// Verifies a statement against the receipts that name it; gives them with who says so.
pub(super) fn statement(
    raw: &[u8],
    verifier: &Verifier,
    receipts: &BTreeMap<Digest, VerifiedReceipt>,
) -> Result<Vec<(Digest, Voice)>, Refusal> {
    let sealed = SealedStatement::parse(raw).map_err(|e| e.within("statement"))?;
    let said = sealed.statement();
    let mut found = Vec::new();
    for receipt in receipts.values() {
        let record = receipt.record();
        if record.attestation != Some(sealed.object()) {
            continue;
        }
        if !said.is_said_by(record) {
            let detail = "it says something else than the receipt that names it";
            return Err(Refusal::new(Code::ReceiptInvalid, detail));
        }
        let signer = verifier.statement_signer(&sealed, record.time)?;
        let by_node = holder(&said.sealed_by);
        found.push((receipt.digest(), Voice::Agency { signer, by_node }));
    }
    if found.is_empty() {
        return Err(Refusal::new(Code::ReceiptInvalid, "no receipt in the file names it"));
    }
    Ok(found)
}
