//! Four tiers, a hosted commune, a closed one, many small ones, and one door for all their systems.

use std::fs;
use std::net::SocketAddr;

use tram_dispatch::AgencyCode;
use tram_dispatch::directory::Agency;
use tram_pki::write_certificates;

use crate::api_desk::ApiDesk;
use crate::axis_desk::AxisDesk;
use crate::client::Client;
use crate::desk::Desk;
use crate::support::network::agency_entry;
use crate::support::{Network, Node, Plan, Program, agency, node_id};
use crate::systems::{PORT, Systems, system};

/// By which door the systems come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Socket,
    Axis,
    Remote,
}

const AXIS_PORT: u16 = 8_180;
/// The tier whose node hosts agencies without a node of their own.
pub(crate) const HOST: usize = 2;
const SECRET: &str = "a-secret-of-every-system-0123456789";

pub(crate) fn code(text: &str) -> AgencyCode {
    AgencyCode::parse_canonical(text).expect("a canonical code")
}

/// A commune that the district's node hosts.
pub(crate) fn hosted() -> AgencyCode {
    code("H41.12.07")
}

/// A commune that was merged into the one with the node.
pub(crate) fn closed() -> AgencyCode {
    code("H41.12.05")
}

/// One of the many communes, all hosted.
pub(crate) fn one_of_many(nth: u32) -> AgencyCode {
    code(&format!("H41.12.{}.{}", 10 + nth / 90, 10 + nth % 90))
}

pub(crate) struct World {
    pub(crate) network: Network,
    pub(crate) nodes: Vec<Node>,
    pub(crate) many: u32,
    door: Door,
    authority: Systems,
}

/// A commune without a node of its own.
fn commune(code: AgencyCode) -> Agency {
    Agency {
        name: format!("Xã {code}"),
        parent: Some(agency(HOST)),
        node: Some(node_id(HOST)),
        code,
        ..agency_entry(3)
    }
}

impl World {
    pub(crate) async fn running(door: Door, many: u32) -> Self {
        let mut plan = Plan::tiers(4);
        plan.agencies.push(commune(hosted()));
        let gone = Agency { open: false, successor: Some(agency(3)), ..commune(closed()) };
        plan.agencies.push(gone);
        plan.agencies.extend((0..many).map(|nth| commune(one_of_many(nth))));
        // So that what is under way to a neighbour is less than what waits.
        plan.limits.push(("peer_in_flight_max", 8));
        // A neighbour that is back is found at once.
        plan.limits.extend([("retry_initial_ms", 100), ("retry_max_ms", 1_000)]);
        let network = Network::create(&plan);
        let authority = Systems::new("CA of document systems");
        let world = World { network, nodes: Vec::new(), many, door, authority };
        for tier in 0..world.network.nodes.len() {
            world.open(tier);
        }
        let nodes = world.network.start(&Program::tram()).await;
        World { nodes, ..world }
    }

    /// The agencies whose systems come to the node of a tier.
    fn served(&self, tier: usize) -> Vec<AgencyCode> {
        let mut all = vec![agency(tier)];
        if tier == HOST {
            all.push(hosted());
            all.extend((0..self.many).map(one_of_many));
        }
        // The successor's node has the mailbox of the one it took over.
        if tier == 3 {
            all.push(closed());
        }
        all
    }

    fn address(&self, tier: usize, port: u16) -> SocketAddr {
        let own = self.network.nodes[0].listen.expect("the top listens").ip();
        SocketAddr::new(own, port + tier as u16)
    }

    /// Opens the node's door, with a system for each agency; it may act for that one alone.
    fn open(&self, tier: usize) {
        let files = &self.network.nodes[tier];
        let names = self.served(tier);
        match self.door {
            Door::Socket => {}
            Door::Remote => {
                let table = |name: &AgencyCode| {
                    let (shown, agencies) =
                        (format!("san = \"dns:{name}.example.vn\""), format!("[\"{name}\"]"));
                    system(name.as_str(), &shown, &agencies, "\"submit\", \"collect\"")
                };
                let tables: String = names.iter().map(table).collect();
                self.authority.open(files, self.address(tier, PORT), "", &tables);
            }
            Door::Axis => {
                let mut more = format!("[axis]\nlisten = \"{}\"\n", self.address(tier, AXIS_PORT));
                for name in &names {
                    // The closed commune lay beneath the district.
                    let issuer = tier.min(HOST);
                    let (chain, key) = match *name == agency(tier) {
                        true => self.network.authorities.sealing(tier),
                        false => self.network.authorities.sealing_of(issuer, name),
                    };
                    key.write_new(&files.folder.join(format!("keys/{name}.key")))
                        .expect("a key file");
                    let pem = write_certificates(&chain);
                    fs::write(files.folder.join(format!("keys/{name}.crt")), pem).expect("a file");
                    secret(&files.folder.join(format!("keys/{name}.secret")), name);
                    more += &format!(
                        "[[seals]]\nagency = \"{name}\"\ncertificate = \"keys/{name}.crt\"\n\
                         key = \"keys/{name}.key\"\n\
                         [[axis_accounts]]\nsystem_id = \"{name}\"\nsecret = \"keys/{name}.secret\"\n\
                         agencies = [\"{name}\"]\nroles = [\"submit\", \"collect\"]\n"
                    );
                }
                let config = fs::read_to_string(&files.config).expect("a file");
                fs::write(&files.config, config + &more).expect("a file");
            }
        }
    }

    /// The system of an agency, at the node of a tier.
    pub(crate) fn desk(&self, tier: usize, name: &AgencyCode) -> Desk {
        match self.door {
            Door::Socket => Desk::Api(ApiDesk::new(self.nodes[tier].client(), name.clone())),
            Door::Remote => {
                let shown = self.authority.system(&format!("{name}.example.vn"));
                let client = self.authority.client(&shown, self.address(tier, PORT));
                Desk::Api(ApiDesk::new(client, name.clone()))
            }
            Door::Axis => {
                let secret = format!("{SECRET}-{name}");
                let client = Client::new(self.address(tier, AXIS_PORT), name.as_str(), &secret);
                Desk::Axis(AxisDesk::new(client, name.clone()))
            }
        }
    }
}

fn secret(path: &std::path::Path, name: &AgencyCode) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, format!("{SECRET}-{name}\n")).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a file of ours");
}
