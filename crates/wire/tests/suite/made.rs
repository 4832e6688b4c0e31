//! Whole objects made from fixed keys, as a node would make them.

use std::convert::Infallible;

use tram_crypto::{Algorithm, Ed25519Signer, Sign, sha256};
use tram_dispatch::envelope::*;
use tram_dispatch::evidence::Genesis;
use tram_dispatch::*;
use tram_tlog::MemoryTree;
use tram_wire::{Receipt, SealedDispatch, SignedRoot, evidence, genesis};

pub(crate) const NETWORK: NetworkId = NetworkId([7; 32]);

pub(crate) fn signer(seed: u8) -> Ed25519Signer {
    Ed25519Signer::from_seed(&[seed; 32]).unwrap()
}

pub(crate) fn code(text: &str) -> AgencyCode {
    AgencyCode::parse_canonical(text).unwrap()
}

/// A small envelope that keeps every rule.
pub(crate) fn envelope() -> Envelope {
    Envelope {
        network: NETWORK,
        originator: code("G22"),
        reference: "16/CT-TTg".parse().unwrap(),
        sequence: Some(Sequence { series: 1, number: 9 }),
        recipients: vec![code("H41.12"), code("H41.12.03")],
        group: None,
        secrecy: Secrecy::None,
        metadata: Metadata {
            number: Some("16".into()),
            subject: "Về phòng, chống thiên tai".into(),
            urgency: Urgency::FlashAt(UnixMillis(1_795_302_000_000)),
            ..Metadata::default()
        },
        act: Act::New,
        documents: vec![Document {
            name: "chỉ thị 16.pdf".into(),
            media_type: "application/pdf".into(),
            size: 5,
            sha256: Digest(sha256(b"%PDF-")),
            second_digest: None,
        }],
        sealed_by: SealedBy::Agency,
        issued_at: UnixMillis(1_795_219_200_000),
        expires_at: UnixMillis(1_795_305_600_000),
        max_hops: 8,
        encryption: None,
        extensions: Default::default(),
    }
}

pub(crate) fn sealed_with(envelope: &Envelope, chain: &[Vec<u8>]) -> SealedDispatch {
    let signer = signer(1);
    SealedDispatch::seal(envelope, chain, Algorithm::EdDsa, |bytes| signer.sign(bytes)).unwrap()
}

pub(crate) fn sealed() -> SealedDispatch {
    sealed_with(&envelope(), &[b"leaf".to_vec(), b"issuer".to_vec()])
}

/// A log with genesis leaf and `leaves` records; the receipt of record `which` (from 0).
pub(crate) fn receipt(leaves: u64, which: u64) -> Receipt {
    let log = Log::new(leaves);
    log.receipt(which)
}

/// A node's receipt log with everything needed to hand out receipts.
pub(crate) struct Log {
    pub(crate) tree: MemoryTree,
    pub(crate) records: Vec<Vec<u8>>,
    pub(crate) signed_root: SignedRoot,
    pub(crate) signer: Ed25519Signer,
}

impl Log {
    pub(crate) fn new(leaves: u64) -> Self {
        let signer = signer(2);
        let spki = signer.public_key().spki_der().to_vec();
        let genesis_value = Genesis {
            network: NETWORK,
            node: "n1.H41".parse().unwrap(),
            receipt_key: spki.clone(),
            checkpoint_key: spki.clone(),
            started_at: UnixMillis(1_795_219_200_000),
            previous: None,
        };
        let epoch = genesis::epoch_id(&genesis_value);
        let mut tree = MemoryTree::new();
        tree.push(&genesis::leaf(&genesis_value).commitment);
        let records: Vec<Vec<u8>> = (0..leaves).map(|i| record(epoch, i)).collect();
        for (i, record) in (0u8..).zip(&records) {
            tree.push(&evidence::commitment(&[i; 16], record));
        }
        let mut signed_root = SignedRoot {
            key: Digest(sha256(&spki)),
            node: "n1.H41".parse().unwrap(),
            epoch,
            size: tree.size(),
            time: UnixMillis(1_795_219_201_234),
            root: tree.root().0,
            signature: Vec::new(),
        };
        signed_root.signature = signer.sign(&signed_root.to_be_signed(NETWORK)).unwrap();
        Log { tree, records, signed_root, signer }
    }

    pub(crate) fn receipt(&self, which: u64) -> Receipt {
        let path: Vec<[u8; 32]> =
            self.tree.inclusion(which + 1).unwrap().into_iter().map(|h| h.0).collect();
        let record = &self.records[which as usize];
        let salt = [which as u8; 16];
        Receipt::build(NETWORK, &self.signed_root, which + 1, &path, &salt, record).unwrap()
    }
}

fn record(epoch: EpochId, custody: u64) -> Vec<u8> {
    evidence::encode(&EvidenceRecord {
        event: Event::RelayAcceptance,
        network: NETWORK,
        node: "n1.H41".parse().unwrap(),
        epoch,
        dispatch: sealed().id(),
        object: Some(sealed().object()),
        originator: code("G22"),
        recipient: Some(code("H41.12.03")),
        custody,
        admission: None,
        time: UnixMillis(1_795_219_201_000),
        reason: None,
        remark: None,
        status: None,
        previous: Some("n1.G22".parse().unwrap()),
        upstream: Some(Digest([3; 32])),
        directory: Some(Digest([4; 32])),
        revocation: None,
        attestation: None,
        other_object: None,
        sequence: None,
        related: None,
        removal: None,
    })
}

/// A signing function that cannot fail, for objects whose signature does not matter.
pub(crate) fn no_signature(_: &[u8]) -> Result<Vec<u8>, Infallible> {
    Ok(vec![0; 64])
}
