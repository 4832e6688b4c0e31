//! Through the local socket of the centre, as anybody with the role could try it.

use tram_api::{Client, ClientError};
use tram_dispatch::envelope::Secrecy;
use tram_dispatch::{Code, Envelope, Event};
use tram_wire::SealedDispatch;

use crate::support::evidence::{inbox, receipts};
use crate::support::sealing::{seal_with, small_document};
use crate::support::{Network, Plan, agency};

const DOCUMENT: &[u8] = b"Noi dung van ban thu nghiem, mot nghin chin tram";

fn envelope(network: &Network, reference: &str) -> Envelope {
    network.envelope(0, &[1], reference, vec![small_document(DOCUMENT)])
}

async fn refused(client: &Client, sealed: &[u8], document: &[u8], code: Code) {
    match client.submit(sealed, &[Some(document.to_vec().into())]).await {
        Err(ClientError::Problem(problem)) => {
            assert_eq!(problem.code, code.as_str(), "{}", problem.detail);
        }
        other => panic!("expected {code}: {other:?}"),
    }
}

/// The sealed bytes with one byte changed where `part` is found.
fn altered(sealed: &SealedDispatch, part: &[u8]) -> Vec<u8> {
    let mut bytes = sealed.raw().to_vec();
    let at = bytes.windows(part.len()).position(|w| w == part).expect("the part is there");
    bytes[at] ^= 1;
    bytes
}

#[tokio::test]
async fn the_socket_refuses_each_with_its_code() {
    let (network, nodes) = Network::running(&Plan::tiers(2)).await;
    let centre = nodes[0].client();
    let good = network.seal(&envelope(&network, "1"));
    let first = centre.submit(good.raw(), &[Some(DOCUMENT.into())]).await.expect("accepted");
    assert!(!first.repeat);

    let mut changed = DOCUMENT.to_vec();
    changed[3] ^= 1;
    let sealed = network.seal(&envelope(&network, "2"));
    refused(&centre, sealed.raw(), &changed, Code::DocumentDigestMismatch).await;
    let subject = altered(&sealed, b"nghi\xe1\xbb\x87m");
    refused(&centre, &subject, DOCUMENT, Code::SignatureInvalid).await;
    let signature = altered(&sealed, sealed.signature());
    refused(&centre, &signature, DOCUMENT, Code::SignatureInvalid).await;

    let other = seal_with(&envelope(&network, "3"), &network.seals[1]);
    refused(&centre, other.raw(), DOCUMENT, Code::OriginatorMismatch).await;
    let expired = seal_with(&envelope(&network, "4"), &network.authorities.expired_seal(0));
    refused(&centre, expired.raw(), DOCUMENT, Code::CertificateExpired).await;
    let outside = network.authorities.outside_seal(1, &agency(0));
    let outside = seal_with(&envelope(&network, "5"), &outside);
    refused(&centre, outside.raw(), DOCUMENT, Code::CertificateNameConstraint).await;

    let mut envelope_again = envelope(&network, "1");
    envelope_again.metadata.subject = "Nội dung khác".to_owned();
    let reused = network.seal(&envelope_again);
    refused(&centre, reused.raw(), DOCUMENT, Code::ReferenceReused).await;
    let mut secret = envelope(&network, "6");
    secret.secrecy = Secrecy::Secret;
    let secret = network.seal(&secret);
    refused(&centre, secret.raw(), DOCUMENT, Code::SecretRefused).await;
    let mut secret = envelope(&network, "6/b");
    secret.metadata.subject = "[MẬT] Phương án".to_owned();
    let secret = network.seal(&secret);
    refused(&centre, secret.raw(), DOCUMENT, Code::SecretRefused).await;

    let foreign = Network::create(&Plan::tiers(2));
    let elsewhere = foreign.seal(&envelope(&foreign, "7"));
    refused(&centre, elsewhere.raw(), DOCUMENT, Code::WrongNetwork).await;

    // The same again gets the same answer; nothing of what was refused was taken.
    let again = centre.submit(good.raw(), &[Some(DOCUMENT.into())]).await.expect("a repeat");
    assert!(again.repeat && again.receipt == first.receipt);
    crate::support::evidence::eventually("the good one arrives", || async {
        !inbox(&nodes[1].client(), &agency(1)).await.is_empty()
    })
    .await;
    let there = inbox(&nodes[1].client(), &agency(1)).await;
    assert_eq!(there, [(good.id(), "1".to_owned())]);
    // Two refusals are evidence, signed by the node: those whose signer was authenticated.
    let proofs = receipts(&network, &centre).await;
    for id in [reused.id(), secret.id()] {
        let events: Vec<Event> = proofs[&id].iter().map(|(event, _)| *event).collect();
        assert_eq!(events, [Event::SubmissionRejection], "{id}");
    }
    for id in [sealed.id(), other.id(), expired.id(), outside.id(), elsewhere.id()] {
        assert!(!proofs.contains_key(&id), "{id} left a mark in the log");
    }
}
