//! Peers and agencies with sound certificates that send again, elsewhere, twice under one reference, in
//! circles, or report about everything.
#![allow(clippy::print_stdout, reason = "says what the run was like")]

mod support;

use support::evidence::inbox;
use support::peer::{Peer, dial, endpoint, hello, receipt, transfer};
use support::sealing::small_document;
use support::{Network, Node, Plan, Program, agency};
use tram_api::model::ReceiptQuery;
use tram_dispatch::limits::FRAME_BYTES_MAX;
use tram_dispatch::{AgencyCode, Code, Event};
use tram_transport::Opened;
use tram_wire::frame::{self, Answer, Frame, Outcome};
use tram_wire::{Receipt, SealedDispatch};

const DOCUMENT: &[u8] = b"Noi dung van ban thu nghiem, mot nghin chin tram";
/// The tier attacked, and those that attack it.
const VICTIM: usize = 1;
const PARENT: usize = 0;
const CHILD: usize = 2;
const COMMUNE: usize = 3;

async fn victim() -> (Network, Node) {
    let network = Network::create(&Plan::tiers(4));
    let mut node = Node::new(network.nodes[VICTIM].clone(), Program::tram());
    node.start();
    node.answers().await;
    (network, node)
}

fn sealed(network: &Network, from: usize, to: &[usize], reference: &str) -> SealedDispatch {
    network.seal(&network.envelope(from, to, reference, vec![small_document(DOCUMENT)]))
}

fn one(answers: Vec<Answer>) -> Outcome {
    let [answer] = <[Answer; 1]>::try_from(answers).expect("one answer for one recipient");
    answer.outcome
}

/// The refusal as a receipt, which says why.
fn refused(outcome: Outcome, code: Code) -> Vec<u8> {
    let Outcome::Refused(raw) = outcome else { panic!("expected {code}: {outcome:?}") };
    let receipt = Receipt::parse(&raw).expect("a receipt");
    let record = receipt.record();
    assert_eq!((record.event, record.reason), (Event::RelayRejection, Some(code)));
    raw
}

fn unsigned(outcome: Outcome, code: Code) {
    match outcome {
        Outcome::RefusedUnsigned { code: found, detail } => assert_eq!(found, code, "{detail}"),
        other => panic!("expected {code}: {other:?}"),
    }
}

/// Custody of the node of a tier toward a recipient, as it would sign it.
fn relayed(network: &Network, tier: usize, of: &SealedDispatch, toward: AgencyCode) -> Vec<u8> {
    receipt(network, tier, of, Event::RelayAcceptance, Some(toward)).raw().to_vec()
}

async fn log_size(node: &Node) -> u64 {
    node.client().status().await.expect("a status").log_size
}

#[tokio::test]
async fn a_captured_dispatch_goes_to_nobody_else_and_by_no_other_way() {
    let (network, mut node) = victim().await;
    let child = Peer::dialling(&network, CHILD, VICTIM).await;
    let captured = sealed(&network, CHILD, &[VICTIM], "1");
    let offer = transfer(&network, CHILD, &captured, &[VICTIM], DOCUMENT);
    let Outcome::Accepted(first) = one(child.offer(offer.clone(), &[]).await) else {
        panic!("a sound offer is taken")
    };

    // To somebody whom the seal does not name, with true receipts of custody toward that one.
    for other in [PARENT, COMMUNE] {
        let mut elsewhere = offer.clone();
        elsewhere.recipients = vec![agency(other)];
        elsewhere.receipts.push(relayed(&network, CHILD, &captured, agency(other)));
        unsigned(one(child.offer(elsewhere, &[]).await), Code::ReceiptInvalid);
    }

    // By the node above, which is on no way from the district to its province.
    let parent = Peer::listening(&network, PARENT).await;
    let unseen = sealed(&network, CHILD, &[VICTIM], "2");
    let mut around = transfer(&network, CHILD, &unseen, &[VICTIM], DOCUMENT);
    around.receipts.push(relayed(&network, PARENT, &unseen, agency(VICTIM)));
    refused(one(parent.offer(around, &[]).await), Code::Misrouted);

    // Again, also after a restart: the first receipt, and one entry in the inbox.
    assert_eq!(one(child.offer(offer.clone(), &[]).await), Outcome::Accepted(first.clone()));
    drop((child, parent));
    node.stop().await;
    node.start();
    node.answers().await;
    let child = Peer::dialling(&network, CHILD, VICTIM).await;
    for _ in 0..3 {
        assert_eq!(one(child.offer(offer.clone(), &[]).await), Outcome::Accepted(first.clone()));
    }
    let there = inbox(&node.client(), &agency(VICTIM)).await;
    assert_eq!(there, [(captured.id(), "1".to_owned())]);
}

#[tokio::test]
async fn two_contents_under_one_reference_leave_both_digests_in_evidence() {
    let (network, nodes) = Network::running(&Plan::tiers(2)).await;
    let centre = nodes[0].client();
    let first = sealed(&network, 0, &[1], "7/QĐ");
    let mut envelope = first.envelope().clone();
    envelope.metadata.subject = "Nội dung khác".to_owned();
    let second = network.seal(&envelope);
    let document = || vec![Some(DOCUMENT.into())];
    centre.submit(first.raw(), &document()).await.expect("the first is taken");
    centre.submit(second.raw(), &document()).await.expect_err("the reference is used");

    let query = ReceiptQuery { limit: Some(500), ..ReceiptQuery::default() };
    let page = centre.receipts(&query).await.expect("receipts");
    let parsed = page.items.iter().map(|item| Receipt::parse(&item.raw.0).expect("a receipt"));
    let proofs: Vec<Receipt> =
        parsed.filter(|r| r.record().event == Event::SubmissionRejection).collect();
    let [proof] = &proofs[..] else { panic!("{} refusals", proofs.len()) };
    let record = proof.record();
    assert_eq!((record.dispatch, record.reason), (second.id(), Some(Code::ReferenceReused)));
    assert_eq!(record.object, Some(second.object()));
    assert_eq!(record.other_object, Some(first.object()));
    let proof =
        tram_trust::receipt::verify_offline(&network.root, &network.directory, proof.clone());
    assert!(proof.is_ok_and(|p| p.authorised_issuer() == Some(true)));
}

#[tokio::test]
async fn a_circle_ends_at_the_hop_limit_and_leaves_one_record() {
    let (network, node) = victim().await;
    let child = Peer::dialling(&network, CHILD, VICTIM).await;
    let mut envelope = network.envelope(COMMUNE, &[PARENT], "1", vec![small_document(DOCUMENT)]);
    envelope.max_hops = 3;
    let round = network.seal(&envelope);
    // It has been at commune, centre and district; with this node that makes four.
    let mut offer = transfer(&network, COMMUNE, &round, &[PARENT], DOCUMENT);
    offer.receipts.push(relayed(&network, PARENT, &round, agency(PARENT)));
    offer.receipts.push(relayed(&network, CHILD, &round, agency(PARENT)));
    let before = log_size(&node).await;
    let first = refused(one(child.offer(offer.clone(), &[]).await), Code::HopLimit);
    for _ in 0..5 {
        assert_eq!(refused(one(child.offer(offer.clone(), &[]).await), Code::HopLimit), first);
    }
    assert_eq!(log_size(&node).await, before + 1, "one refusal, one record");
    // Without the circle it fits: commune, district, here.
    let mut straight = transfer(&network, COMMUNE, &round, &[PARENT], DOCUMENT);
    straight.receipts.push(relayed(&network, CHILD, &round, agency(PARENT)));
    let taken = one(child.offer(straight, &[]).await);
    assert!(matches!(taken, Outcome::Accepted(_)), "{taken:?}");
}

#[tokio::test]
async fn reports_never_make_reports() {
    const BATCHES: u64 = 40;
    let (network, node) = victim().await;
    let endpoint = endpoint(&network.nodes[CHILD].identity, None);
    let Opened { session, mut control } =
        dial(&endpoint, &network.nodes[VICTIM]).await.expect("it is let in");
    let first = Frame::Hello(Box::new(hello(&network, CHILD)));
    control.send.send_bytes(frame::encode(&first).into()).await.expect("it is taken");
    control.recv.recv(FRAME_BYTES_MAX).await.expect("a frame").expect("a hello");
    let before = log_size(&node).await;
    // Failures of dispatches that were never here, of agencies that never sent them.
    let failures = [
        Event::RelayRejection,
        Event::RelayFailure,
        Event::ContentConsignmentFailure,
        Event::ContentHandoverFailure,
        Event::AcceptanceRejectionExpiry,
    ];
    let mut reports = 0;
    for batch in 0..BATCHES {
        let from = [PARENT, CHILD, COMMUNE][batch as usize % 3];
        let about = sealed(&network, from, &[VICTIM], &batch.to_string());
        let report = |event: &Event| {
            receipt(&network, CHILD, &about, *event, Some(agency(VICTIM))).raw().to_vec()
        };
        let receipts: Vec<Vec<u8>> = failures.iter().map(report).collect();
        reports += receipts.len();
        let bytes = frame::encode(&Frame::Receipts { batch, receipts, statements: vec![] });
        control.send.send_bytes(bytes.into()).await.expect("it is taken");
    }
    let mut stored = Vec::new();
    while stored.len() < BATCHES as usize {
        let next = tokio::time::timeout(support::SOON, control.recv.recv(FRAME_BYTES_MAX)).await;
        let bytes = next.expect("an answer").expect("a frame").expect("not the end");
        match frame::decode(&bytes).expect("a sound frame") {
            Frame::Stored { batch } => stored.push(batch),
            Frame::Receipts { receipts, .. } => panic!("{} reports came back", receipts.len()),
            _ => {}
        }
    }
    let after = log_size(&node).await;
    println!("reports={reports} records before={before} after={after}");
    assert_eq!(after, before, "a report made a record");
    assert_eq!(inbox(&node.client(), &agency(VICTIM)).await, []);
    drop(session);
}
