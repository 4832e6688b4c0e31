use tram_transport::{Denied, Endpoint, Identity, PeerCheck, PeerName, Role, TransportLimits};
use tram_trust::fixtures::Network;

use super::*;

const SNI: &str = "n1.03.12.h41.node.alt";

/// Whoever it is: what is asked here is not who.
struct Anybody;

impl PeerCheck for Anybody {
    fn check(&self, _chain_der: &[Vec<u8>], _role: Role<'_>) -> Result<PeerName, Denied> {
        Ok(PeerName::new("peer"))
    }
}

fn endpoint(network: &Network, agency: &str) -> Endpoint {
    let keys = network.node(agency);
    let identity =
        Identity { chain_der: keys.chain.clone(), key_pkcs8_der: keys.tls_pkcs8.clone() };
    let limits = TransportLimits::default();
    Endpoint::bind(([127, 0, 0, 1], 0).into(), &identity, Arc::new(Anybody), limits).unwrap()
}

#[tokio::test]
async fn what_is_more_urgent_goes_on_a_stream_of_higher_priority() {
    let network = Network::new("give tests");
    let (from, to) = (endpoint(&network, "H41.12"), endpoint(&network, "H41.12.03"));
    let (address, peer) = (to.local_addr().unwrap(), PeerName::new("peer"));
    let (dialled, accepted) = tokio::join!(from.connect(address, SNI, &peer), to.accept());
    let (dialled, _accepted) = (dialled.unwrap(), accepted.unwrap());
    let sealed = network.seal(&network.envelope("G22", &["H41.12.03"], "urgent/1"));
    let dispatch = tram_trust::assertion::dispatch_from_store(sealed);
    let mut before = None;
    for class in 0..=3 {
        let transfer = Transfer {
            peer: network.node("H41.12.03").id.clone(),
            dispatch: dispatch.clone(),
            recipients: vec![AgencyCode::parse("H41.12.03").unwrap()],
            receipts: Vec::new(),
            class,
            documents: true,
        };
        let (send, _recv) = open(&dialled.session, &transfer).await.unwrap();
        let priority = send.priority();
        assert!(priority > before && priority.is_some(), "{class}: {priority:?}, {before:?}");
        before = priority;
    }
}
