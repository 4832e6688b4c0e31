//! Receipts: one signature of the node's receipt key over the root of its log.
//!
//! That the record lies under that root was computed when the receipt was parsed; what is left is
//! whose signature it is, by the directory.

use std::sync::Arc;

use tram_crypto::{Algorithm, PublicKey, sha256_parts};
use tram_dispatch::{Code, NetworkId};
use tram_wire::Receipt;

use crate::authority::is_authorised;
use crate::directory::Directory;
use crate::epoch::Standing;
use crate::root::Root;
use crate::verdict::Refusal;
use crate::verified::VerifiedReceipt;

/// Verifies one receipt with nothing but a root document and a directory: what an auditor has. The
/// directory may be a later one than the node used, for epochs are never deleted from it; whether
/// the issuer *may* say it is then answered by that later one.
///
/// # Errors
/// `WRONG_NETWORK`, or `RECEIPT_INVALID` naming the step that failed.
pub fn verify_offline(
    root: &Root,
    directory: &Directory,
    receipt: Receipt,
) -> Result<VerifiedReceipt, Refusal> {
    if directory.network() != root.network() {
        let detail = "root document and directory are of different networks";
        return Err(Refusal::new(Code::WrongNetwork, detail));
    }
    let signed = issued_by(root.network(), directory, &receipt)?;
    signed.check(&receipt)?;
    Ok(authorised(directory, receipt))
}

/// The signature that stands for a whole commit: what it is over, and the key that must have made it.
pub(crate) struct SignedBy<'a> {
    key: &'a PublicKey,
    to_be_signed: Arc<[u8]>,
}

impl SignedBy<'_> {
    /// Names the signed root with its signature; equal names are equal checks.
    pub(crate) fn name(&self, receipt: &Receipt) -> [u8; 32] {
        // The key belongs to the node and epoch, which are inside what is signed. The signature goes
        // last, so the two parts cannot be cut elsewhere: it is 64 bytes or does not verify.
        sha256_parts(&[&self.to_be_signed, &receipt.signed_root().signature])
    }

    pub(crate) fn check(&self, receipt: &Receipt) -> Result<(), Refusal> {
        let signature = &receipt.signed_root().signature;
        self.key.verify(Algorithm::EdDsa, &self.to_be_signed, signature).map_err(|_| {
            let node = &receipt.record().node;
            invalid(format!(
                "signature: the receipt key of {node} did not sign the root that record and proof \
                 lead to"
            ))
        })
    }
}

/// Everything but the signature.
pub(crate) fn issued_by<'a>(
    network: NetworkId,
    directory: &'a Directory,
    receipt: &Receipt,
) -> Result<SignedBy<'a>, Refusal> {
    let (record, signed_root) = (receipt.record(), receipt.signed_root());
    let (node, epoch) = (&record.node, &record.epoch);
    if record.network != network {
        return Err(Refusal::new(Code::WrongNetwork, "the receipt is of another network"));
    }
    if directory.node(node).is_none() {
        return Err(invalid(format!("directory: there is no node {node}")));
    }
    let (Some(keys), Some(listed)) =
        (directory.epoch_keys(node, epoch), directory.epoch(node, epoch))
    else {
        return Err(invalid(format!("directory: node {node} has no epoch {epoch}")));
    };
    if directory.standing(node, epoch) == Some(Standing::Announced) {
        return Err(invalid(format!(
            "directory: it lists no epoch {epoch} of {node}, whose parent did not cosign it"
        )));
    }
    if signed_root.key.0 != keys.receipt.key_id() {
        return Err(invalid(format!("key: not the one that the directory lists for {node}")));
    }
    if record.time > signed_root.time {
        return Err(invalid("time: the record is later than the commit that holds it".to_owned()));
    }
    let ended = listed.until.is_some_and(|until| signed_root.time > until);
    if record.time < listed.from || ended || listed.from > directory.expires_at() {
        return Err(invalid(format!(
            "time: outside the epoch that the directory lists for {node}"
        )));
    }
    let to_be_signed = signed_root.to_be_signed(network).into();
    Ok(SignedBy { key: &keys.receipt, to_be_signed })
}

pub(crate) fn authorised(directory: &Directory, receipt: Receipt) -> VerifiedReceipt {
    let record = receipt.record();
    let authorised = is_authorised(directory, record);
    let standing = directory.standing(&record.node, &record.epoch);
    let provisional = standing == Some(Standing::Provisional);
    VerifiedReceipt::assertion(receipt, Some(authorised)).of_epoch(provisional)
}

fn invalid(what: String) -> Refusal {
    Refusal::new(Code::ReceiptInvalid, what)
}
