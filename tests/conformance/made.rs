//! The objects of `tests/vectors`, made from fixed keys.

use serde_json::{Value, json};
use tram_crypto::{Algorithm, Ed25519Signer, Sign, sha256};
use tram_dispatch::directory::*;
use tram_dispatch::envelope::*;
use tram_dispatch::*;
use tram_tlog::leaf_hash;
use tram_wire::directory::{self as dir, DirectoryFile, KeySignature};
use tram_wire::root::{self, RootFile};
use tram_wire::{Bundle, Receipt, SealedDispatch, evidence, genesis};

use crate::log::Log;

/// Every key is the Ed25519 key whose 32-byte seed repeats one byte.
pub(crate) const SEED_ANCHOR: u8 = 17;
pub(crate) const SEED_SEAL: u8 = 18;
pub(crate) const SEED_ROOT: u8 = 19;
pub(crate) const SEED_RECEIPT: u8 = 20;
pub(crate) const SEED_CHECKPOINT: u8 = 21;

/// 2026-11-21T08:00:00Z.
pub(crate) const START: u64 = 1_795_248_000_000;

/// One vector: its bytes, and what a reader must get from them.
pub(crate) struct Vector {
    /// File name without extension.
    pub(crate) name: &'static str,
    /// Rule of the CDDL.
    pub(crate) rule: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) facts: Value,
}

pub(crate) fn signer(seed: u8) -> Ed25519Signer {
    Ed25519Signer::from_seed(&[seed; 32]).unwrap()
}

pub(crate) fn spki(seed: u8) -> Vec<u8> {
    signer(seed).public_key().spki_der().to_vec()
}

pub(crate) fn code(text: &str) -> AgencyCode {
    AgencyCode::parse_canonical(text).unwrap()
}

pub(crate) fn node(text: &str) -> NodeId {
    text.parse().unwrap()
}

/// Everything, in the order of `vectors.json`.
pub(crate) fn all() -> Vec<Vector> {
    let root = root_file();
    let network = root.network();
    let full = seal(&full_envelope(network), &["certificate-seal"]);
    let minimal = seal(&minimal_envelope(network), &["certificate-seal", "certificate-anchor"]);
    let log = Log::new(network, &full);
    let directory = directory_file(network, log.epoch);
    let first = log.receipt(1);
    let receipt = log.receipt(3);
    let mut vectors = vec![
        Vector {
            name: "root",
            rule: "root-file",
            bytes: root.encode(),
            facts: json!({ "network": network.to_string(), "threshold": 1 }),
        },
        directory_vector("directory", &directory),
        dispatch_vector("dispatch", &full),
        dispatch_vector("dispatch-minimal", &minimal),
        Vector {
            name: "genesis",
            rule: "genesis",
            bytes: genesis::encode(&log.genesis),
            facts: json!({
                "salt": hex::encode(genesis::leaf(&log.genesis).salt),
                "commitment": hex::encode(genesis::leaf(&log.genesis).commitment),
                "epoch": log.epoch.to_string(),
            }),
        },
        Vector {
            name: "evidence",
            rule: "evidence",
            bytes: receipt.record_bytes().to_vec(),
            facts: json!({ "event": "ContentConsignment", "recipient": "H41.12.03" }),
        },
        receipt_vector("receipt-first", &first),
        receipt_vector("receipt", &receipt),
        bundle_vector([&first, &receipt], &directory),
        Vector {
            name: "checkpoint",
            rule: "",
            bytes: log.note(network),
            facts: json!({ "size": log.tree.size(), "root": log.tree.root().to_string() }),
        },
    ];
    vectors.extend(crate::changes::all(&directory));
    vectors.extend(crate::proved::all(network, &root, &full, &log, &directory));
    vectors.extend(crate::frames::frames(network, &log, &full, &directory, [&first, &receipt]));
    vectors
}

fn dispatch_vector(name: &'static str, sealed: &SealedDispatch) -> Vector {
    Vector {
        name,
        rule: "dispatch",
        bytes: sealed.raw().to_vec(),
        facts: json!({
            "originator": sealed.envelope().originator.as_str(),
            "reference": sealed.envelope().reference.as_str(),
            "to_be_signed": hex::encode(sealed.to_be_signed()),
            "id": sealed.id().to_string(),
            "object": sealed.object().to_string(),
        }),
    }
}

fn receipt_vector(name: &'static str, receipt: &Receipt) -> Vector {
    let root = receipt.signed_root();
    let commitment = evidence::commitment(receipt.salt(), receipt.record_bytes());
    Vector {
        name,
        rule: "receipt",
        bytes: receipt.raw().to_vec(),
        facts: json!({
            "leaf_index": receipt.leaf_index(),
            "tree_size": root.size,
            "leaf_hash": leaf_hash(&commitment).to_string(),
            "root": hex::encode(root.root),
            "to_be_signed": hex::encode(receipt.to_be_signed()),
            "digest": receipt.digest().to_string(),
        }),
    }
}

fn bundle_vector(receipts: [&Receipt; 2], directory: &DirectoryFile) -> Vector {
    let receipts = receipts.map(|r| r.raw().to_vec()).to_vec();
    let bundle = Bundle { receipts, directory: Some(directory.encode()) };
    let facts = json!({ "receipts": bundle.receipts.len(), "directory": true });
    Vector { name: "bundle", rule: "bundle", bytes: bundle.encode(), facts }
}

fn directory_vector(name: &'static str, file: &DirectoryFile) -> Vector {
    Vector {
        name,
        rule: "directory-file",
        bytes: file.encode(),
        facts: json!({
            "version": file.head.version,
            "entries": file.entries.len(),
            "root": file.head.root.to_string(),
            "digest": file.digest().to_string(),
        }),
    }
}

fn seal(envelope: &Envelope, certificates: &[&str]) -> SealedDispatch {
    let chain: Vec<Vec<u8>> = certificates
        .iter()
        .map(|name| crate::hex_file(&format!("tests/vectors/{name}.hex")))
        .collect();
    let signer = signer(SEED_SEAL);
    SealedDispatch::seal(envelope, &chain, Algorithm::EdDsa, |bytes| signer.sign(bytes)).unwrap()
}

/// Nothing but what must be there.
fn minimal_envelope(network: NetworkId) -> Envelope {
    Envelope {
        network,
        originator: code("G22"),
        reference: "1".parse().unwrap(),
        sequence: None,
        recipients: vec![code("H41.12.03")],
        group: None,
        secrecy: Secrecy::None,
        metadata: Metadata { subject: "Thử nghiệm".into(), ..Metadata::default() },
        act: Act::New,
        documents: vec![],
        sealed_by: SealedBy::Agency,
        issued_at: UnixMillis(START),
        expires_at: UnixMillis(START + 1),
        max_hops: 1,
        encryption: None,
        extensions: Default::default(),
    }
}

/// Every field there is, with one extension.
fn full_envelope(network: NetworkId) -> Envelope {
    let earlier = Related {
        originator: code("H41.12.03"),
        reference: "45/BC-UBND".parse().unwrap(),
        dispatch: Some(DispatchId([0xab; 32])),
    };
    let document = |name: &str, content: &[u8]| Document {
        name: name.into(),
        media_type: "application/pdf".into(),
        size: content.len() as u64,
        sha256: Digest(sha256(content)),
        second_digest: Some((1, vec![0xcd; 32])),
    };
    Envelope {
        reference: "16/CT-TTg".parse().unwrap(),
        sequence: Some(Sequence { series: 1, number: 16 }),
        recipients: vec![code("H41"), code("H41.12.03"), code("vxp.saas.03")],
        group: Some("UBND các cấp".into()),
        metadata: Metadata {
            number: Some("16".into()),
            notation: Some("CT-TTg".into()),
            kind: Some("Chỉ thị".into()),
            subject: "Về phòng, chống thiên tai và tìm kiếm cứu nạn năm 2026".into(),
            issued_on: Some("2026-11-20".into()),
            place: Some("Hà Nội".into()),
            signer: Some(Signer {
                name: "Nguyễn Văn A".into(), office: Some("Thủ tướng".into())
            }),
            urgency: Urgency::FlashAt(UnixMillis(START + 3_600_000)),
            due_on: Some("2026-12-01".into()),
            answers_to: vec![earlier.clone()],
        },
        act: Act::Replace(vec![Related { dispatch: None, ..earlier }]),
        documents: vec![document("chỉ thị 16.pdf", b"%PDF-"), document("phụ lục.pdf", b"%PDF-2")],
        sealed_by: SealedBy::Node(node("n1.G22")),
        expires_at: UnixMillis(START + 30 * 86_400_000),
        max_hops: 8,
        encryption: Some(vec![1, 2, 3]),
        extensions: [(128, vec![0x63, b'n', b'e', b'w'])].into(),
        ..minimal_envelope(network)
    }
}

pub(crate) fn key_signature(seed: u8, bytes: &[u8]) -> Vec<KeySignature> {
    let signature = signer(seed).sign(bytes).unwrap();
    vec![KeySignature { key_index: 0, algorithm: Algorithm::EdDsa, signature }]
}

fn root_file() -> RootFile {
    let certificate = crate::hex_file("tests/vectors/certificate-anchor.hex");
    let document = RootDocument {
        name: "vectors".into(),
        nonce: [9; 16],
        version: 1,
        network: None,
        keys: vec![spki(SEED_ROOT)],
        threshold: 1,
        anchors: vec![Anchor { certificate, nodes: true, seals: true }],
        lifetime_ms_max: 30 * 86_400_000,
    };
    let raw_root = root::encode(&document);
    let network = root::network_id(&raw_root, &document);
    let signed = root::to_be_signed(Algorithm::EdDsa, &raw_root, network);
    let signatures = key_signature(SEED_ROOT, &signed);
    RootFile { raw_root, document, signatures, previous_signatures: vec![] }
}

fn directory_file(network: NetworkId, epoch: EpochId) -> DirectoryFile {
    let agency = |text: &str, tier, parent: Option<&str>, home: &str| {
        Entry::Agency(Agency {
            code: code(text),
            former: vec![],
            name: format!("Cơ quan {text}"),
            tier,
            parent: parent.map(code),
            node: Some(node(home)),
            open: true,
            successor: None,
            bindings: vec![],
            contact: None,
            from: None,
            until: None,
        })
    };
    let mut commune = agency("H41.12.03", 4, Some("H41.12"), "n1.H41");
    if let Entry::Agency(a) = &mut commune {
        a.former = vec![code("vxp.saas.03")];
        a.bindings = vec![Binding {
            certificate: Digest(sha256(b"a certificate")),
            from: UnixMillis(START),
            until: None,
        }];
    }
    let closed = Entry::Agency(Agency {
        code: code("H41.12"),
        former: vec![],
        name: "Cơ quan H41.12".into(),
        tier: 3,
        parent: Some(code("H41")),
        node: None,
        open: false,
        successor: Some(code("H41.12.03")),
        bindings: vec![],
        contact: Some("0238 3840 418 (ví dụ)".into()),
        from: Some(UnixMillis(START - 86_400_000)),
        until: Some(UnixMillis(START)),
    });
    let home = Entry::Node(Node {
        id: node("n1.H41"),
        addresses: vec!["n1.h41.example:4433".into()],
        parent: Some(node("n1.G22")),
        lateral: vec![node("n1.H42")],
        open: true,
        epochs: vec![Epoch {
            id: epoch,
            receipt_key: spki(SEED_RECEIPT),
            checkpoint_key: spki(SEED_CHECKPOINT),
            from: UnixMillis(START),
            until: None,
        }],
    });
    let delegation = Entry::Delegation(Delegation {
        subtree: code("H41"),
        key: spki(SEED_ROOT),
        from: UnixMillis(START),
        until: Some(UnixMillis(START + 86_400_000)),
    });
    let centre = agency("G22", 1, None, "n1.H41");
    let province = agency("H41", 2, Some("G22"), "n1.H41");
    let mut decoded = vec![commune, centre, province, closed, home, delegation];
    decoded.sort_by_key(dir::sort_key);
    let entries: Vec<Vec<u8>> = decoded.iter().map(dir::encode_entry).collect();
    let head = Head {
        network,
        version: 2,
        previous: Some(Digest([5; 32])),
        issued_at: UnixMillis(START),
        expires_at: UnixMillis(START + 30 * 86_400_000),
        entries: entries.len() as u64,
        root: Digest(dir::entries_root(&entries)),
    };
    let head_bytes = dir::encode_head(&head);
    let signed = dir::to_be_signed(Algorithm::EdDsa, &head_bytes, network);
    let signatures = key_signature(SEED_ROOT, &signed);
    DirectoryFile { head_bytes, head, signatures, entries, decoded }
}
