//! Values that only this crate can make.

use std::collections::BTreeMap;
use std::sync::Arc;

use tram_dispatch::{
    AgencyCode, Digest, DispatchId, Envelope, EpochId, EvidenceRecord, NodeId, UnixMillis,
};
use tram_wire::{Receipt, SealedDispatch, SealedStatement};

use crate::revocation::Revocation;

/// Who sealed a dispatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The agency: always the originator of the envelope.
    pub agency: AgencyCode,
    /// SHA-256 of the leaf certificate.
    pub certificate: Digest,
    /// Its subject, for people.
    pub name: String,
    /// When it ends.
    pub not_after: UnixMillis,
    /// What makes it this agency's seal.
    pub authority: SealAuthority,
}

/// What ties a certificate to an agency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealAuthority {
    /// The agency's name stands in the certificate.
    Name,
    /// The directory binds the certificate to the agency.
    Binding,
}

/// A dispatch whose seal was verified: by its originator, of this network, on a path to an anchor.
/// Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedDispatch(Arc<DispatchInner>);

#[derive(Debug, PartialEq, Eq)]
struct DispatchInner {
    sealed: SealedDispatch,
    signer: Signer,
    /// `None` when it comes back from our own store: the evidence record says what was found.
    revocation: Option<Revocation>,
    revocation_digest: Option<Digest>,
}

impl VerifiedDispatch {
    pub(crate) fn assertion(
        sealed: SealedDispatch,
        signer: Signer,
        revocation: Option<Revocation>,
        revocation_digest: Option<Digest>,
    ) -> Self {
        Self(Arc::new(DispatchInner { sealed, signer, revocation, revocation_digest }))
    }

    /// The sealed object.
    pub fn sealed(&self) -> &SealedDispatch {
        &self.0.sealed
    }

    /// Its bytes as received.
    pub fn raw(&self) -> &Arc<[u8]> {
        self.0.sealed.raw()
    }

    /// The envelope.
    pub fn envelope(&self) -> &Envelope {
        self.0.sealed.envelope()
    }

    /// The dispatch id.
    pub fn id(&self) -> DispatchId {
        self.0.sealed.id()
    }

    /// SHA-256 of the whole object as received.
    pub fn object(&self) -> Digest {
        self.0.sealed.object()
    }

    /// Who sealed it.
    pub fn signer(&self) -> &Signer {
        &self.0.signer
    }

    /// What the revocation lists said; `None` for one that came back from our own store.
    pub fn revocation(&self) -> Option<Revocation> {
        self.0.revocation
    }

    /// Names the revocation lists used, for the evidence record.
    pub fn revocation_digest(&self) -> Option<Digest> {
        self.0.revocation_digest
    }
}

/// A receipt whose root is signed by the receipt key that the directory lists for its node and
/// epoch. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedReceipt {
    receipt: Receipt,
    authorised: Option<bool>,
    statement: Option<SealedStatement>,
    provisional: bool,
}

impl VerifiedReceipt {
    pub(crate) fn assertion(receipt: Receipt, authorised: Option<bool>) -> Self {
        Self { receipt, authorised, statement: None, provisional: false }
    }

    /// The same, of an epoch that is provisional or not.
    pub(crate) fn of_epoch(self, provisional: bool) -> Self {
        Self { provisional, ..self }
    }

    /// Whether its epoch is not listed: its node states it and its parent cosigned it.
    pub fn is_provisional(&self) -> bool {
        self.provisional
    }

    /// The receipt.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// Its bytes as received.
    pub fn raw(&self) -> &Arc<[u8]> {
        self.receipt.raw()
    }

    /// What it says.
    pub fn record(&self) -> &EvidenceRecord {
        self.receipt.record()
    }

    /// SHA-256 of its bytes.
    pub fn digest(&self) -> Digest {
        self.receipt.digest()
    }

    /// Whether its node may say this, by the directory it was verified with; otherwise it is kept as
    /// an unauthorised claim. `None` for one that came back from our own store: ask
    /// [`crate::authority::is_authorised`] with the directory of today.
    pub fn authorised_issuer(&self) -> Option<bool> {
        self.authorised
    }

    /// The receipt with the statement that it names, where that came along and says the same.
    #[must_use]
    pub fn with_statement(mut self, statements: &Statements) -> Self {
        let record = self.receipt.record();
        let named = record.attestation.and_then(|digest| statements.0.get(&digest));
        self.statement = named.filter(|s| s.statement().is_said_by(record)).cloned();
        self
    }

    /// The agency's own statement behind it, as it came: the receipt names it and says the same. Its seal
    /// is *not* verified; an auditor does that, with the lists of then.
    pub fn statement(&self) -> Option<&SealedStatement> {
        self.statement.as_ref()
    }
}

/// Statements that came with receipts, by the digest that a receipt names them by. None is verified.
#[derive(Clone, Debug, Default)]
pub struct Statements(BTreeMap<Digest, SealedStatement>);

impl Statements {
    /// Reads them; what is no statement is left out.
    pub fn read<'a>(raws: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let parsed = raws.into_iter().filter_map(|raw| SealedStatement::parse(raw).ok());
        Statements(parsed.map(|s| (s.object(), s)).collect())
    }

    /// Takes others beside these.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }
}

/// A checkpoint signed by the key that the directory lists for this node and epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCheckpoint {
    node: NodeId,
    epoch: EpochId,
    size: u64,
    root: [u8; 32],
    note: Vec<u8>,
}

impl VerifiedCheckpoint {
    pub(crate) fn assertion(
        node: NodeId,
        epoch: EpochId,
        size: u64,
        root: [u8; 32],
        note: Vec<u8>,
    ) -> Self {
        Self { node, epoch, size, root, note }
    }

    /// Whose log.
    pub fn node(&self) -> &NodeId {
        &self.node
    }

    /// Which life of it.
    pub fn epoch(&self) -> EpochId {
        self.epoch
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree of that size.
    pub fn root(&self) -> &[u8; 32] {
        &self.root
    }

    /// The signed note as received.
    pub fn note(&self) -> &[u8] {
        &self.note
    }
}
