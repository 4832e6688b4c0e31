//! Over QUIC, from a peer with a real certificate and real log keys that does not play by the rules.

use tram_dispatch::envelope::Secrecy;
use tram_dispatch::{Code, Digest, Envelope, Event};
use tram_wire::frame::{Answer, Outcome, Transfer};
use tram_wire::{Receipt, SealedDispatch};

use crate::support::evidence::{eventually, inbox};
use crate::support::peer::{Peer, receipt, signed, transfer};
use crate::support::sealing::{document, seal_with, small_document};
use crate::support::{Network, Node, Plan, Program, agency};

const DOCUMENT: &[u8] = b"Noi dung van ban thu nghiem, mot nghin chin tram";
/// The tier that is attacked.
const VICTIM: usize = 1;
/// The tier below, whose certificate and keys the attacker has.
const CHILD: usize = 2;

/// A dispatch of the attacker's own agency to the victim's.
fn envelope(network: &Network, reference: &str) -> Envelope {
    network.envelope(CHILD, &[VICTIM], reference, vec![small_document(DOCUMENT)])
}

fn offer(network: &Network, sealed: &SealedDispatch) -> Transfer {
    transfer(network, CHILD, sealed, &[VICTIM], DOCUMENT)
}

fn one(answers: Vec<Answer>) -> Outcome {
    let [answer] = <[Answer; 1]>::try_from(answers).expect("one answer for one recipient");
    answer.outcome
}

/// Refused before anything was recorded.
fn unsigned(answers: Vec<Answer>, code: Code) {
    match one(answers) {
        Outcome::RefusedUnsigned { code: found, detail } => assert_eq!(found, code, "{detail}"),
        other => panic!("expected {code}: {other:?}"),
    }
}

/// Refused with a receipt of the victim that verifies and says why.
fn with_evidence(network: &Network, answers: Vec<Answer>, code: Code) {
    let Outcome::Refused(raw) = one(answers) else { panic!("expected {code} with a receipt") };
    let verified = tram_trust::receipt::verify_offline(
        &network.root,
        &network.directory,
        Receipt::parse(&raw).expect("a receipt"),
    )
    .expect("it verifies");
    let record = verified.record();
    assert_eq!((record.event, record.reason), (Event::RelayRejection, Some(code)));
    assert_eq!(verified.authorised_issuer(), Some(true));
}

async fn victim() -> (Network, Node) {
    let network = Network::create(&Plan::tiers(4));
    let mut node = Node::new(network.nodes[VICTIM].clone(), Program::tram());
    node.start();
    node.answers().await;
    (network, node)
}

#[tokio::test]
async fn a_peer_below_is_refused_each_with_its_code() {
    let (network, node) = victim().await;
    let peer = Peer::dialling(&network, CHILD, VICTIM).await;

    let mut flipped = offer(&network, &network.seal(&envelope(&network, "1")));
    let last = flipped.dispatch.len() - 1;
    flipped.dispatch[last] ^= 1;
    unsigned(peer.offer(flipped, &[]).await, Code::SignatureInvalid);

    let others = seal_with(&envelope(&network, "2"), &network.seals[3]);
    unsigned(peer.offer(offer(&network, &others), &[]).await, Code::OriginatorMismatch);

    let expired = seal_with(&envelope(&network, "3"), &network.authorities.expired_seal(CHILD));
    unsigned(peer.offer(offer(&network, &expired), &[]).await, Code::CertificateExpired);

    let outside = network.authorities.outside_seal(3, &agency(CHILD));
    let outside = seal_with(&envelope(&network, "4"), &outside);
    unsigned(peer.offer(offer(&network, &outside), &[]).await, Code::CertificateNameConstraint);

    let mut secret = envelope(&network, "5");
    secret.secrecy = Secrecy::TopSecret;
    let secret = offer(&network, &network.seal(&secret));
    with_evidence(&network, peer.offer(secret, &[]).await, Code::SecretRefused);

    let mut wrong = offer(&network, &network.seal(&envelope(&network, "6")));
    wrong.inline[0].1[0] ^= 1;
    unsigned(peer.offer(wrong, &[]).await, Code::DocumentDigestMismatch);

    let foreign = Network::create(&Plan::tiers(4));
    let elsewhere = foreign.seal(&envelope(&foreign, "7"));
    unsigned(peer.offer(offer(&network, &elsewhere), &[]).await, Code::WrongNetwork);
    unsigned(peer.offer(offer(&foreign, &elsewhere), &[]).await, Code::WrongNetwork);

    let mut few = envelope(&network, "8");
    few.max_hops = 1;
    let few = offer(&network, &network.seal(&few));
    with_evidence(&network, peer.offer(few, &[]).await, Code::HopLimit);

    nothing_but_a_good_one_is_taken(&network, &node, &peer).await;
}

#[tokio::test]
async fn receipts_that_prove_nothing_are_refused() {
    let (network, node) = victim().await;
    let peer = Peer::dialling(&network, CHILD, VICTIM).await;
    let sealed = network.seal(&envelope(&network, "1"));
    let good = offer(&network, &sealed);
    let first = receipt(&network, CHILD, &sealed, Event::SubmissionAcceptance, None);
    let with = |receipts: Vec<Vec<u8>>| Transfer { receipts, ..good.clone() };

    unsigned(peer.offer(with(Vec::new()), &[]).await, Code::ReceiptInvalid);
    // One bit of the signature, which lies before salt and record.
    let mut bits = first.raw().to_vec();
    let signature = &first.signed_root().signature;
    let at = bits.windows(signature.len()).position(|w| w == &signature[..]);
    bits[at.expect("the signature is in it")] ^= 1;
    unsigned(peer.offer(with(vec![bits]), &[]).await, Code::ReceiptInvalid);
    // Signed with the key of another node.
    let mut record = first.record().clone();
    record.node = network.nodes[0].id.clone();
    record.epoch = tram_wire::genesis::epoch_id(&network.nodes[0].genesis);
    let forged = signed(&network, CHILD, &record).raw().to_vec();
    unsigned(peer.offer(with(vec![forged]), &[]).await, Code::ReceiptInvalid);
    // About another dispatch.
    let other = network.seal(&envelope(&network, "2"));
    let other = receipt(&network, CHILD, &other, Event::SubmissionAcceptance, None);
    unsigned(peer.offer(with(vec![other.raw().to_vec()]), &[]).await, Code::ReceiptInvalid);
    // Of another object under the same dispatch id.
    let mut record = first.record().clone();
    record.object = Some(Digest([7; 32]));
    let swapped = signed(&network, CHILD, &record).raw().to_vec();
    unsigned(peer.offer(with(vec![swapped]), &[]).await, Code::ReceiptInvalid);
    // It says something else than that custody began.
    let relay = receipt(&network, CHILD, &sealed, Event::RelayAcceptance, Some(agency(VICTIM)));
    unsigned(peer.offer(with(vec![relay.raw().to_vec()]), &[]).await, Code::ReceiptInvalid);
    // For a recipient that the envelope does not name.
    let mut more = good.clone();
    more.recipients.push(agency(3));
    more.recipients.sort();
    for answer in peer.offer(more, &[]).await {
        unsigned(vec![answer], Code::ReceiptInvalid);
    }
    nothing_but_a_good_one_is_taken(&network, &node, &peer).await;
}

#[tokio::test]
async fn what_does_not_pass_here_is_misrouted() {
    let (network, node) = victim().await;
    let peer = Peer::dialling(&network, CHILD, VICTIM).await;
    // A dispatch of the centre to the province cannot come from the district.
    let documents = || vec![small_document(DOCUMENT)];
    let down = network.seal(&network.envelope(0, &[VICTIM], "1", documents()));
    let mut around = transfer(&network, 0, &down, &[VICTIM], DOCUMENT);
    let relayed = receipt(&network, CHILD, &down, Event::RelayAcceptance, Some(agency(VICTIM)));
    around.receipts.push(relayed.raw().to_vec());
    with_evidence(&network, peer.offer(around, &[]).await, Code::Misrouted);
    // What is for the district's own commune leads back to it.
    let back = network.seal(&network.envelope(CHILD, &[3], "2", documents()));
    let back = transfer(&network, CHILD, &back, &[3], DOCUMENT);
    with_evidence(&network, peer.offer(back, &[]).await, Code::Misrouted);
    // The district's node does not serve the centre's agency.
    let claimed = network.seal(&network.envelope(0, &[VICTIM], "3", documents()));
    let claimed = transfer(&network, CHILD, &claimed, &[VICTIM], DOCUMENT);
    with_evidence(&network, peer.offer(claimed, &[]).await, Code::Misrouted);
    nothing_but_a_good_one_is_taken(&network, &node, &peer).await;
}

#[tokio::test]
async fn a_large_document_with_another_digest_is_refused_at_its_end() {
    let (network, node) = victim().await;
    let peer = Peer::dialling(&network, CHILD, VICTIM).await;
    let size = 300 << 10;
    let named = document("lon.bin", size as u64, Digest(tram_crypto::sha256(&vec![1; size])));
    let sealed = network.seal(&network.envelope(CHILD, &[VICTIM], "1", vec![named]));
    let mut large = offer(&network, &sealed);
    large.inline.clear();
    unsigned(peer.offer(large.clone(), &vec![2; size]).await, Code::DocumentDigestMismatch);
    assert_eq!(inbox(&node.client(), &agency(VICTIM)).await, []);
    // The right bytes are taken.
    let accepted = one(peer.offer(large, &vec![1; size]).await);
    assert!(matches!(accepted, Outcome::Accepted(_)), "{accepted:?}");
    assert_eq!(inbox(&node.client(), &agency(VICTIM)).await.len(), 1);
}

#[tokio::test]
async fn a_peer_above_is_refused_as_well() {
    let (network, node) = victim().await;
    let peer = Peer::listening(&network, 0).await;
    let documents = || vec![small_document(DOCUMENT)];
    let offer = |sealed: &SealedDispatch| transfer(&network, 0, sealed, &[VICTIM], DOCUMENT);
    let from_centre = |reference| network.envelope(0, &[VICTIM], reference, documents());

    let others = seal_with(&from_centre("1"), &network.seals[VICTIM]);
    unsigned(peer.offer(offer(&others), &[]).await, Code::OriginatorMismatch);
    let mut secret = from_centre("2");
    secret.secrecy = Secrecy::Secret;
    let secret = offer(&network.seal(&secret));
    with_evidence(&network, peer.offer(secret, &[]).await, Code::SecretRefused);
    // What the district sends to the centre cannot come down again.
    let up = network.seal(&network.envelope(CHILD, &[0], "3", documents()));
    let mut down = transfer(&network, CHILD, &up, &[0], DOCUMENT);
    let relayed = receipt(&network, 0, &up, Event::RelayAcceptance, Some(agency(0)));
    down.receipts.push(relayed.raw().to_vec());
    with_evidence(&network, peer.offer(down, &[]).await, Code::Misrouted);

    assert_eq!(inbox(&node.client(), &agency(VICTIM)).await, []);
    let good = network.seal(&from_centre("4"));
    let accepted = one(peer.offer(offer(&good), &[]).await);
    assert!(matches!(accepted, Outcome::Accepted(_)), "{accepted:?}");
    assert_eq!(inbox(&node.client(), &agency(VICTIM)).await.len(), 1);
}

/// Shows that the attacker's means work: only what it does wrong is why it is refused.
async fn nothing_but_a_good_one_is_taken(network: &Network, node: &Node, peer: &Peer) {
    let client = node.client();
    assert_eq!(inbox(&client, &agency(VICTIM)).await, []);
    let sealed = network.seal(&envelope(network, "tốt"));
    let Outcome::Accepted(raw) = one(peer.offer(offer(network, &sealed), &[]).await) else {
        panic!("a sound offer is taken")
    };
    let receipt = Receipt::parse(&raw).expect("a receipt");
    assert_eq!(receipt.record().event, Event::ContentConsignment);
    eventually("it is in the inbox", || async {
        inbox(&client, &agency(VICTIM)).await == [(sealed.id(), "tốt".to_owned())]
    })
    .await;
    // Offered again, it gets the first receipt, byte for byte, and is not there twice.
    assert_eq!(one(peer.offer(offer(network, &sealed), &[]).await), Outcome::Accepted(raw));
    assert_eq!(inbox(&client, &agency(VICTIM)).await.len(), 1);
}
