//! What a system does on another machine.

use std::net::SocketAddr;

use tram_api::model::{InboxQuery, SignatureVerdict};
use tram_dispatch::{Code, Status};
use tram_transport::Identity;

use crate::support::evidence::eventually;
use crate::support::sealing::small_document;
use crate::support::{Network, Node, Plan, Program, agency};
use crate::systems::{PORT, Systems, system};

pub(crate) const DOCUMENT: &[u8] = b"Noi dung cong van";

/// Two tiers, each with a door for the system of its agency.
pub(crate) struct Country {
    pub(crate) network: Network,
    pub(crate) nodes: Vec<Node>,
    pub(crate) authority: Systems,
    pub(crate) systems: Vec<Identity>,
    pub(crate) doors: Vec<SocketAddr>,
}

impl Country {
    /// `more` is added to `[door]` of each, `others` are further tables of the first.
    pub(crate) async fn running(
        more: &str,
        others: impl FnOnce(&Systems, &Network) -> String,
    ) -> Self {
        let network = Network::create(&Plan::tiers(2));
        let authority = Systems::new("agency CA");
        let own = network.nodes[0].listen.expect("the top listens").ip();
        let mut others = others(&authority, &network);
        let (mut systems, mut doors) = (Vec::new(), Vec::new());
        for (tier, files) in network.nodes.iter().enumerate() {
            let name = format!("van-thu-{tier}.example.vn");
            let door = SocketAddr::new(own, PORT + tier as u16);
            let agencies = format!("[\"{}\"]", agency(tier));
            let own = system(&name, &format!("san = \"dns:{name}\""), &agencies, ROLES);
            let tables = format!("{own}{}", std::mem::take(&mut others));
            authority.open(files, door, more, &tables);
            systems.push(authority.system(&name));
            doors.push(door);
        }
        let nodes = network.start(&Program::tram()).await;
        Country { network, nodes, authority, systems, doors }
    }

    pub(crate) fn client(&self, tier: usize) -> tram_api::Client {
        self.authority.client(&self.systems[tier], self.doors[tier])
    }
}

const ROLES: &str = "\"submit\", \"collect\", \"audit\"";

#[tokio::test]
async fn a_dispatch_goes_from_door_to_door_and_its_status_back() {
    let country = Country::running("", |authority, _| {
        let shown = authority.system("chi-xem");
        // Known by its very certificate, for one role.
        let digest = tram_dispatch::Digest(tram_crypto::sha256(&shown.chain_der[0]));
        system("chi-xem", &format!("sha256 = \"{digest}\""), "\"*\"", "\"audit\"")
    })
    .await;
    let (top, below) = (country.client(0), country.client(1));
    let network = &country.network;
    let sealed = network.seal(&network.envelope(0, &[1], "1/cua", vec![small_document(DOCUMENT)]));
    top.submit(sealed.raw(), &[Some(DOCUMENT.into())]).await.expect("accepted");
    let (id, code) = (sealed.id(), agency(1));
    eventually("it has arrived", || async {
        let inbox = below.inbox(&code, &InboxQuery::default()).await.expect("a mailbox");
        inbox.items.iter().any(|item| item.dispatch.0 == id)
    })
    .await;
    let fetched = below.fetch(&code, id).await.expect("its bytes");
    below.confirm(&code, id, &fetched.token).await.expect("confirmed");
    below.register(&code, id, None).await.expect("registered");
    below.report(&code, id, Status::Completed, None).await.expect("recorded");
    eventually("the originator is told", || async {
        let leg = top.track(id).await.expect("known").legs.remove(0);
        leg.status.is_some_and(|s| s.status.0 == Status::Completed)
    })
    .await;
    let tracking = top.track(id).await.expect("known");
    assert_eq!(tracking.signature.verdict, SignatureVerdict::Verified);

    // Another agency's affairs are not theirs, and the log says who it was.
    let other = top.inbox(&code, &InboxQuery::default()).await.expect_err("not theirs");
    assert_eq!(other.code(), Code::NotAuthorised);
    assert!(other.to_string().contains("system van-thu-0.example.vn"), "{other}");
    let status = top.status().await.expect("an auditor may ask");
    let door = status.certificates.iter().find(|c| c.purpose == "door").expect("its own");
    assert!(door.renew, "it ends within days");
    let log = std::fs::read_to_string(&country.nodes[0].files.log).expect("a log");
    let digest = tram_dispatch::Digest(tram_crypto::sha256(&country.systems[0].chain_der[0]));
    let line = format!("system van-thu-0.example.vn (certificate {digest})");
    assert!(log.contains(&line), "{log}");
}
