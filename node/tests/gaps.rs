//! Missing numbers, as an auditor asks a real node for them: refused, void, never seen, suppressed.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use support::evidence::eventually;
use support::sealing::small_document;
use support::{Network, Node, Plan, Program, agency, wall_now};
use tram_api::Client;
use tram_api::model::{
    Accepted, Gap, GapClass, GapsQuery, Numbering, SealDocument, SealMetadata, SealRequest,
    SecrecyMark,
};
use tram_crypto::{Ed25519Signer, sha256};
use tram_dispatch::envelope::{SealedBy, Sequence};
use tram_dispatch::{AgencyCode, Code, Digest, Event, Now};
use tram_engine::{Documents, Engine, Input, Issuer, Output, Reply, Settings, Token};
use tram_pki::write_certificates;
use tram_spool::store::{Store, StoreOptions};
use tram_trust::{Crls, Verdict, Verifier};
use tram_wire::void::Void;
use tram_wire::{Receipt, SealedDispatch, SealedVoid};

/// The originator, and its node.
const HERE: usize = 0;
/// A recipient.
const THERE: usize = 1;
/// A series that the agency's own system counts.
const OWN_SERIES: u64 = 5;

/// Two nodes; the key provider of the upper one holds a seal of its agency.
fn network() -> Network {
    let network = Network::create(&Plan::tiers(2));
    let files = &network.nodes[HERE];
    let (chain, key) = network.authorities.sealing(HERE);
    key.write_new(&files.folder.join("keys/seal.key")).unwrap();
    fs::write(files.folder.join("keys/seal.crt"), write_certificates(&chain)).unwrap();
    let mut config = fs::read_to_string(&files.config).unwrap();
    config += &format!(
        "[[seals]]\nagency = \"{}\"\ncertificate = \"keys/seal.crt\"\nkey = \"keys/seal.key\"\n",
        agency(HERE)
    );
    fs::write(&files.config, config).unwrap();
    network
}

fn request(subject: &str, documents: Vec<SealDocument>) -> SealRequest {
    SealRequest {
        originator: agency(HERE).into(),
        reference: None,
        recipients: vec![agency(THERE).into()],
        groups: Vec::new(),
        group: None,
        secrecy: SecrecyMark::None,
        metadata: SealMetadata { subject: subject.to_owned(), ..SealMetadata::default() },
        act: None,
        documents,
        expires_at: None,
        max_hops: None,
    }
}

async fn seal(client: &Client, reference: &str, subject: &str) -> Result<Accepted, Code> {
    let reference = reference.parse().unwrap();
    client.seal(&reference, &request(subject, Vec::new())).await.map_err(|e| e.code())
}

/// A dispatch whose document is lost between upload and sealing: a number is assigned, and not sent.
async fn seal_and_lose(node: &Node, client: &Client, reference: &str) -> Code {
    let bytes = format!("document of {reference}").into_bytes();
    let sha256 = Digest(sha256(&bytes));
    let (size, body) = (bytes.len() as u64, std::io::Cursor::new(bytes));
    client.upload(&agency(HERE), sha256, size, 0, body, |_| {}).await.unwrap();
    fs::remove_file(find(&node.files.data(), &sha256.to_string()).unwrap()).unwrap();
    let (name, media_type) = ("a.pdf".to_owned(), "application/pdf".to_owned());
    let document = SealDocument { name, media_type, sha256: sha256.into() };
    let reference = reference.parse().unwrap();
    client.seal(&reference, &request("lost", vec![document])).await.unwrap_err().code()
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).find_map(|path| {
        match path.is_dir() {
            true => find(&path, name),
            false => path.file_name()?.to_str()?.contains(name).then_some(path),
        }
    })
}

/// Another few numbers of each page than the server would give, so that pages are put together.
async fn numberings(client: &Client, grace_s: u64) -> Vec<Numbering> {
    let query = |series, from| GapsQuery {
        agency: agency(HERE).into(),
        series,
        admissions: series.is_none() && from != Some(1),
        from,
        grace_s: Some(grace_s),
        limit: Some(2),
    };
    let mut all = client.gaps(&query(None, Some(1))).await.unwrap().numberings;
    for numbering in &mut all {
        while let Some(next) = numbering.next {
            let more = client.gaps(&query(numbering.series, Some(next))).await.unwrap();
            let more = more.numberings.into_iter().next().unwrap();
            numbering.gaps.extend(more.gaps);
            numbering.present += more.present;
            numbering.newest = numbering.newest.max(more.newest);
            numbering.next = more.next;
        }
    }
    all
}

fn classes(gaps: &[Gap]) -> Vec<(u64, GapClass)> {
    gaps.iter().map(|gap| (gap.number, gap.class)).collect()
}

fn verifier(network: &Network) -> Verifier {
    let (root, directory) = (network.root.clone(), network.directory.clone());
    Verifier::new(root, directory, Crls::none(), tram_trust::Options::default())
}

fn void(network: &Network, number: u64) -> SealedVoid {
    let seal = &network.seals[HERE];
    let sequence = Sequence { series: OWN_SERIES, number };
    let (time, reason) = (wall_now(), "không gửi".to_owned());
    let void = Void { network: network.id(), agency: agency(HERE), sequence, time, reason };
    SealedVoid::seal(&void, &seal.chain, seal.key.algorithm(), |m| seal.key.sign(m)).unwrap()
}

/// Seals with the agency's own key, numbered by itself.
fn numbered(network: &Network, number: u64) -> SealedDispatch {
    let mut envelope = network.envelope(HERE, &[THERE], &format!("own {number}"), Vec::new());
    envelope.sequence = Some(Sequence { series: OWN_SERIES, number });
    network.seal(&envelope)
}

#[tokio::test]
async fn every_missing_number_has_its_class_and_its_evidence() {
    let network = network();
    let mut nodes = network.start(&Program::tram()).await;
    let client = nodes[HERE].client();

    // The node seals: 1 taken, 2 refused, 3 never sent, 4 taken.
    let first = seal(&client, "1", "một").await.unwrap();
    assert_eq!(seal(&client, "1", "khác").await.unwrap_err(), Code::ReferenceReused);
    assert_eq!(seal_and_lose(&nodes[HERE], &client, "3").await, Code::DocumentMissing);
    seal(&client, "4", "bốn").await.unwrap();
    let again = seal(&client, "1", "một").await.unwrap();
    assert_eq!((again.dispatch, again.repeat), (first.dispatch, true));
    // The agency seals: 2 and 4 taken, 3 declared void, 1 never handed in.
    for number in [2, 4] {
        client.submit(numbered(&network, number).raw(), &[]).await.unwrap();
    }
    let three = Sequence { series: OWN_SERIES, number: 3 };
    client.void_sealed(&agency(HERE), three, void(&network, 3).raw()).await.unwrap();
    for (number, of) in [(2, 2), (3, 3), (6, 7)] {
        // Used; void already; about another number.
        let sequence = Sequence { series: OWN_SERIES, number };
        let refused = client.void_sealed(&agency(HERE), sequence, void(&network, of).raw()).await;
        let code = if number == of { Code::WrongState } else { Code::BadRequest };
        assert_eq!(refused.unwrap_err().code(), code, "{number}");
    }

    let found = numberings(&client, 86_400).await;
    let (admissions, own, ours) = (&found[0], &found[1], &found[2]);
    assert_eq!((admissions.series, own.series), (None, Some(OWN_SERIES)));
    assert_eq!((admissions.present, admissions.newest, admissions.gaps.len()), (5, 5, 0));
    let waiting = [(1, GapClass::Pending), (3, GapClass::Void)];
    assert_eq!((classes(&own.gaps), own.present), (waiting.to_vec(), 2));
    let waiting = [(2, GapClass::Refused), (3, GapClass::Pending)];
    assert_eq!((classes(&ours.gaps), ours.present), (waiting.to_vec(), 2));

    // The grace is over: what is not explained was never seen.
    let found = numberings(&client, 0).await;
    assert_eq!(found[1].gaps[0].class, GapClass::NeverSeen);
    let lost = &found[2].gaps[1];
    assert_eq!(lost.class, GapClass::NeverSeen);
    assert!(lost.detail.as_ref().unwrap().contains("reference 3"), "{lost:?}");
    let refused = &found[2].gaps[0];
    assert_eq!(refused.code.as_ref().unwrap().0, Code::ReferenceReused);
    let series = found[2].series.unwrap();

    // Each receipt holds on its own, and so does the statement.
    let verifier = verifier(&network);
    let says = |gap: &Gap| {
        let raw = &gap.receipt.as_ref().unwrap().0;
        verifier.receipt_bytes(raw).unwrap().record().clone()
    };
    let record = says(refused);
    assert_eq!((record.event, record.admission), (Event::SubmissionRejection, Some(2)));
    assert_eq!(record.sequence, Some(Sequence { series, number: 2 }));
    let declared = &found[1].gaps[1];
    let statement = SealedVoid::parse(&declared.statement.as_ref().unwrap().0).unwrap();
    assert_eq!(says(declared).attestation, Some(statement.object()));
    assert!(matches!(verifier.void(statement, wall_now()), Verdict::Verified(_)));

    // The next start declares void what was not sent; its reference gets a new number.
    nodes[HERE].stop().await;
    nodes[HERE].start();
    nodes[HERE].ready().await;
    let client = nodes[HERE].client();
    eventually("the number is void", || async {
        let found = numberings(&client, 0).await;
        classes(&found[2].gaps) == [(2, GapClass::Refused), (3, GapClass::Void)]
    })
    .await;
    seal(&client, "3", "ba").await.unwrap();
    let found = numberings(&client, 0).await;
    assert_eq!((found[2].newest, found[2].present, found[2].gaps.len()), (5, 3, 2));
    assert_eq!(found[0].present, 6, "the node's own numbers go on where they were");
    let voided = &found[2].gaps[1];
    let statement = SealedVoid::parse(&voided.statement.as_ref().unwrap().0).unwrap();
    assert_eq!(statement.void().sequence, Sequence { series, number: 3 });
    assert!(matches!(verifier.void(statement, wall_now()), Verdict::Verified(_)));

    // The command line says the same, and takes a number back while it is open.
    assert_eq!(seal_and_lose(&nodes[HERE], &client, "6").await, Code::DocumentMissing);
    let (series, files) = (series.to_string(), nodes[HERE].files.clone());
    let words = ["dispatch", "void", "--agency", "G22", "--series", &series, "--number", "6"];
    let (code, said) = tram(&files.socket, &[&words[..], &["--reason", "nhầm"]].concat());
    assert_eq!(code, Some(0), "{said}");
    let words = ["audit", "gaps", "--agency", "G22", "--grace", "0s", "--csv"];
    let (code, said) = tram(&files.socket, &words);
    assert_eq!(code, Some(0), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 6, "{said}");
    assert!(lines[1].starts_with("G22,5,1,never_seen,"), "{said}");
    assert!(lines[5].starts_with(&format!("G22,{series},6,void,")), "{said}");
    assert!(lines[5].ends_with(",nhầm"), "{said}");
    let (code, said) = tram(&files.socket, &["audit", "gaps", "--agency", "G22", "--lang", "vi"]);
    assert!(code == Some(0) && said.contains("bỏ trống"), "{said}");
}

fn tram(socket: &Path, words: &[&str]) -> (Option<i32>, String) {
    let ran = Command::new(env!("CARGO_BIN_EXE_tram"))
        .args(words)
        .arg("--socket")
        .arg(socket)
        .env_remove("TRAM_CONFIG")
        .env_remove("TRAM_SOCKET")
        .output()
        .unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    (ran.status.code(), String::from_utf8_lossy(&said).into_owned())
}

/// Goes on with the log of a node that is stopped as one would that counts an admission and then leaves
/// it out: with the node's own key, and true signatures.
fn admit_leaving_out(network: &Network, left_out: u64, reference: &str) -> Receipt {
    let files = &network.nodes[HERE];
    let (mut store, mut recovered, _) =
        Store::open_dir(&files.data(), StoreOptions::default()).unwrap();
    recovered.numbers.admitted(&agency(HERE), left_out);
    let pem = tram_pki::Key::read(&files.folder.join("keys/receipt.key")).unwrap();
    let issuer = Issuer {
        network: network.id(),
        node: files.id.clone(),
        epoch: tram_wire::genesis::epoch_id(&files.genesis),
        key: Arc::new(Ed25519Signer::from_pkcs8_der(pem.pkcs8_der()).unwrap()),
    };
    let directory = network.directory.clone();
    let mut engine =
        Engine::new(Settings::default(), issuer, directory, recovered, [7; 32]).unwrap();
    let envelope = network.envelope(HERE, &[THERE], reference, Vec::new());
    assert_eq!(envelope.sealed_by, SealedBy::Agency);
    let verified = verifier(network).dispatch(network.seal(&envelope), wall_now());
    let dispatch = verified.verified().unwrap();
    let (now, view) = (Now { mono_ms: 1, wall: wall_now() }, store.reader());
    let token = Token(1);
    let submit = Input::Submit { token, dispatch, documents: Documents::default() };
    engine.handle(now, submit, &view).unwrap();
    let batch = engine.take_batch(now, &view).unwrap().unwrap();
    store.commit(&batch).unwrap();
    engine.persisted(batch.number);
    let replies = std::iter::from_fn(|| engine.next_output());
    let done = replies.filter_map(|output| match output {
        Output::Reply { reply: Reply::Done { receipts, .. }, .. } => Some(receipts),
        _ => None,
    });
    Receipt::parse(&done.last().unwrap()[0]).unwrap()
}

#[tokio::test]
async fn an_admission_left_out_of_the_log_shows_between_two_checkpoints() {
    let network = network();
    let mut nodes = network.start(&Program::tram()).await;
    let submit = |client: Client, reference: &'static str| {
        let document = small_document(b"x");
        let sealed = network.seal(&network.envelope(HERE, &[THERE], reference, vec![document]));
        async move { client.submit(sealed.raw(), &[Some(b"x".as_slice().into())]).await.unwrap() }
    };
    let first = submit(nodes[HERE].client(), "1").await;
    nodes[HERE].stop().await;
    // Counted: 2 to 6; in the log: 7.
    let third = admit_leaving_out(&network, 6, "3");
    assert_eq!(third.record().admission, Some(7));
    nodes[HERE].start();
    nodes[HERE].ready().await;
    let client = nodes[HERE].client();
    let fourth = submit(nodes[HERE].client(), "4").await;
    let number = |accepted: &Accepted| Receipt::parse(&accepted.receipt.0).unwrap();
    assert_eq!(number(&fourth).record().admission, Some(8));

    let found = numberings(&client, 86_400).await;
    let admissions = &found[0];
    // No grace: the number was counted, and the log is what it is.
    let missing: Vec<_> = (2..=6).map(|number| (number, GapClass::Suppressed)).collect();
    assert_eq!(classes(&admissions.gaps), missing);
    assert_eq!((admissions.present, admissions.newest), (3, 8));
    let proof = admissions.gaps[0].proof.as_ref().unwrap();
    // The same two checkpoints for each, also where an answer of two at a time left off between them.
    assert!(admissions.gaps.iter().all(|gap| gap.proof.as_ref() == Some(proof)));
    let before = proof.before.as_ref().unwrap();
    assert_eq!((before.admission, proof.after.admission), (1, 7));
    assert_eq!(before.receipt.0, first.receipt.0);
    assert_eq!(proof.after.receipt.0, third.raw().to_vec());

    // What an auditor checks with nothing but the answers: two signed roots, the later grown from the
    // earlier, and every leaf between them opened.
    let verifier = verifier(&network);
    for end in [before, &proof.after] {
        let receipt = verifier.receipt_bytes(&end.receipt.0).unwrap();
        let root = receipt.receipt().signed_root();
        assert_eq!((root.size, Digest(root.root)), (end.size, end.root.0));
        assert_eq!(receipt.receipt().leaf_index(), end.leaf);
        assert_eq!(receipt.record().admission, Some(end.admission));
    }
    let grown = client.consistency(before.size, proof.after.size).await.unwrap();
    assert_eq!((grown.old_root, grown.new_root), (before.root, proof.after.root));
    let path: Vec<_> = grown.path.iter().map(|d| tram_tlog::Hash(*d.0.as_bytes())).collect();
    let (old, new) = (tram_tlog::Hash(*before.root.0.as_bytes()), proof.after.root.0);
    let new = tram_tlog::Hash(*new.as_bytes());
    tram_tlog::verify_consistency(before.size, &old, proof.after.size, &new, &path).unwrap();
    assert_eq!((proof.opened, proof.unopened.len()), (proof.after.leaf - before.leaf - 1, 0));

    let files = nodes[HERE].files.clone();
    let (code, said) = tram(&files.socket, &["audit", "gaps", "--agency", "G22"]);
    assert!(code == Some(1) && said.contains("suppressed after acceptance"), "{said}");
    let other: AgencyCode = agency(THERE);
    let (code, said) = tram(&files.socket, &["audit", "gaps", "--agency", other.as_str(), "--csv"]);
    assert!(code == Some(0) && said.lines().count() == 1, "{said}");
}
