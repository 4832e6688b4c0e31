//! The objects of `tests/vectors`, made from fixed keys.

use serde_json::{Value, json};
use tram_crypto::{Algorithm, Ed25519Signer, Sign, sha256};
use tram_dispatch::directory::*;
use tram_dispatch::envelope::*;
use tram_dispatch::evidence::Genesis;
use tram_dispatch::*;
use tram_tlog::checkpoint::Checkpoint;
use tram_tlog::{Hash, MemoryTree, leaf_hash};
use tram_wire::directory::{self as dir, DirectoryFile, KeySignature};
use tram_wire::evidence_file::{Link, ProvedCheckpoint};
use tram_wire::frame::{self, Answer, Frame, Hello, Outcome, Range, Transfer};
use tram_wire::root::{self, RootFile};
use tram_wire::{Bundle, Receipt, SealedDispatch, SignedRoot, evidence, genesis};

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

fn node(text: &str) -> NodeId {
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
    vectors.extend(frames(network, &log, &full, &directory, [&first, &receipt]));
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

/// The receipt log of node n1.H41: a genesis and four records.
pub(crate) struct Log {
    genesis: Genesis,
    epoch: EpochId,
    pub(crate) tree: MemoryTree,
    records: Vec<Vec<u8>>,
    root: SignedRoot,
}

impl Log {
    fn new(network: NetworkId, dispatch: &SealedDispatch) -> Self {
        let genesis = Genesis {
            network,
            node: node("n1.H41"),
            receipt_key: spki(SEED_RECEIPT),
            checkpoint_key: spki(SEED_CHECKPOINT),
            started_at: UnixMillis(START),
            previous: None,
        };
        let epoch = genesis::epoch_id(&genesis);
        let base = EvidenceRecord {
            event: Event::SubmissionAcceptance,
            network,
            node: genesis.node.clone(),
            epoch,
            dispatch: dispatch.id(),
            object: Some(dispatch.object()),
            originator: code("G22"),
            recipient: None,
            custody: 1,
            admission: Some(1),
            time: UnixMillis(START + 1_000),
            reason: None,
            remark: None,
            status: None,
            previous: None,
            upstream: None,
            directory: Some(Digest([6; 32])),
            revocation: None,
            attestation: None,
            other_object: None,
            sequence: None,
            related: None,
            removal: None,
        };
        let refused = EvidenceRecord {
            event: Event::SubmissionRejection,
            object: None,
            custody: 2,
            admission: Some(2),
            sequence: Some(Sequence { series: 1, number: 17 }),
            reason: Some(Code::SecretRefused),
            ..base.clone()
        };
        let consigned = EvidenceRecord {
            event: Event::ContentConsignment,
            recipient: Some(code("H41.12.03")),
            custody: 3,
            admission: None,
            status: Some(1),
            previous: Some(node("n1.G22")),
            upstream: Some(Digest([7; 32])),
            revocation: Some(Digest([8; 32])),
            ..base.clone()
        };
        let returned = EvidenceRecord {
            event: Event::ConsignmentRejection,
            reason: Some(Code::RecipientRefused),
            remark: Some("Thiếu phụ lục".into()),
            status: Some(2),
            custody: 4,
            attestation: Some(Digest([10; 32])),
            other_object: Some(Digest([11; 32])),
            ..consigned.clone()
        };
        let records: Vec<Vec<u8>> =
            [base, refused, consigned, returned].iter().map(evidence::encode).collect();
        let mut tree = MemoryTree::new();
        tree.push(&genesis::leaf(&genesis).commitment);
        for (salt, record) in (1u8..).zip(&records) {
            tree.push(&evidence::commitment(&[salt; 16], record));
        }
        let mut root = SignedRoot {
            key: Digest(sha256(&spki(SEED_RECEIPT))),
            node: genesis.node.clone(),
            epoch,
            size: tree.size(),
            time: UnixMillis(START + 1_234),
            root: tree.root().0,
            signature: vec![],
        };
        root.signature = signer(SEED_RECEIPT).sign(&root.to_be_signed(network)).unwrap();
        Log { genesis, epoch, tree, records, root }
    }

    pub(crate) fn receipt(&self, index: u64) -> Receipt {
        let path: Vec<_> = self.tree.inclusion(index).unwrap().iter().map(|h| h.0).collect();
        let record = &self.records[index as usize - 1];
        let network = self.genesis.network;
        Receipt::build(network, &self.root, index, &path, &[index as u8; 16], record).unwrap()
    }

    pub(crate) fn note(&self, network: NetworkId) -> Vec<u8> {
        note(network, &self.genesis.node, self.epoch, self.tree.size(), self.tree.root())
    }
}

fn note(network: NetworkId, node: &NodeId, epoch: EpochId, size: u64, root: Hash) -> Vec<u8> {
    let origin = format!("tram/{network}/{node}/{epoch}");
    Checkpoint::new(&origin, size, root).unwrap().sign(&origin, &signer(SEED_CHECKPOINT)).unwrap()
}

fn frames(
    network: NetworkId,
    log: &Log,
    dispatch: &SealedDispatch,
    directory: &DirectoryFile,
    receipts: [&Receipt; 2],
) -> Vec<Vector> {
    let [first, receipt] = receipts.map(|r| r.raw().to_vec());
    let hello = Hello {
        network,
        versions: vec![1],
        features: vec![],
        node: node("n1.H41"),
        directory_version: directory.head.version,
        directory: directory.digest(),
        epoch: log.epoch,
        checkpoint: log.note(network),
        held: Some(note(network, &node("n1.G22"), EpochId([12; 32]), 7, Hash([13; 32]))),
        wall: UnixMillis(START + 2_000),
        credit: 256,
    };
    let transfer = Transfer {
        dispatch: dispatch.raw().to_vec(),
        recipients: vec![code("H41"), code("H41.12.03")],
        receipts: vec![first],
        inline: vec![(0, b"%PDF-".to_vec())],
    };
    let answer = |recipient: &str, outcome| Answer { recipient: code(recipient), outcome };
    let answers = vec![
        answer("H41", Outcome::Accepted(receipt.clone())),
        answer("H41.12", Outcome::Refused(receipt.clone())),
        answer(
            "H41.12.03",
            Outcome::RefusedUnsigned { code: Code::Misrouted, detail: "not on my side".into() },
        ),
        answer("vxp.saas.03", Outcome::Later { code: Code::Busy, retry_ms: 5_000 }),
    ];
    let path: Vec<[u8; 32]> =
        log.tree.consistency(3).unwrap().into_iter().map(|hash| hash.0).collect();
    let (epoch, old_size, new_size) = (log.epoch, 3, log.tree.size());
    let (version, digest) = (directory.head.version, directory.digest());
    let held = log.note(network);
    let request = Frame::CosignatureRequest {
        log: node("n1.H41"),
        note: held.clone(),
        old_size,
        path: path.clone(),
    };
    let (witness, life) = (node("n1.G22"), EpochId([12; 32]));
    let line = tram_trust::cosignature::sign(
        network,
        (&witness, life),
        (&node("n1.H41"), epoch),
        (new_size, log.tree.root().0),
        (START + 2_000) / 1_000,
        &signer(SEED_CHECKPOINT),
    );
    let line = line.expect("a cosignature").to_line();
    let cosignature = Frame::Cosignature { log: node("n1.H41"), epoch, size: new_size, line };
    let asker = node("n1.H41.12");
    let proof_request = Frame::ProofRequest {
        asker: asker.clone(),
        log: node("n1.H41"),
        epoch,
        sizes: vec![old_size, new_size],
    };
    let links = vec![
        Link { size: old_size, path: path.clone() },
        Link { size: new_size, path: Vec::new() },
    ];
    let checkpoint = ProvedCheckpoint { note: held.clone(), links, stamps: Vec::new() };
    let proof = Frame::Proof { asker, log: node("n1.H41"), epoch, checkpoints: vec![checkpoint] };
    let frames = [
        ("frame-hello", Frame::Hello(Box::new(hello))),
        (
            "frame-hello-refused",
            Frame::HelloRefused { code: Code::WrongNetwork, detail: "another network".into() },
        ),
        (
            "frame-receipts",
            Frame::Receipts { batch: 1, receipts: vec![receipt], statements: vec![] },
        ),
        ("frame-stored", Frame::Stored { batch: 1 }),
        ("frame-checkpoint", Frame::Checkpoint { note: log.note(network) }),
        ("frame-consistency-request", Frame::ConsistencyRequest { epoch, old_size, new_size }),
        ("frame-consistency", Frame::Consistency { epoch, old_size, new_size, path }),
        ("frame-cosignature", cosignature),
        ("frame-cosignature-request", request),
        ("frame-cosignature-held", Frame::CosignatureHeld { log: node("n1.H41"), note: held }),
        ("frame-proof-request", proof_request),
        ("frame-proof", proof),
        ("frame-epoch", Frame::Epoch { file: b"the bytes of an epoch file".to_vec() }),
        ("frame-transfer", Frame::Transfer(Box::new(transfer))),
        ("frame-want", Frame::Want(vec![Range { document: 1, offset: 2 }])),
        ("frame-data", Frame::Data { document: 1, offset: 2, length: 4 }),
        ("frame-answer", Frame::Answer(answers)),
        ("frame-directory", Frame::Directory { version, digest }),
        ("frame-directory-request", Frame::DirectoryRequest { have: digest, offset: 65_536 }),
        ("frame-directory-piece", crate::changes::piece(directory)),
        ("frame-unknown", Frame::Unknown { kind: 128, body: vec![0xa0] }),
    ];
    frames
        .into_iter()
        .map(|(name, f)| Vector { name, rule: "frame", bytes: frame::encode(&f), facts: json!({}) })
        .collect()
}
