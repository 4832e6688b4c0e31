//! Four tiers, a hosted commune, a closed one, many small ones, and one door for all their systems.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use tempfile::TempDir;
use tram_dispatch::AgencyCode;
use tram_dispatch::directory::Agency;
use tram_pki::write_certificates;

use crate::api_desk::ApiDesk;
use crate::axis_desk::AxisDesk;
use crate::client::Client;
use crate::desk::Desk;
use crate::drop_desk::{DropDesk, Form};
use crate::support::files::NodeFiles;
use crate::support::network::agency_entry;
use crate::support::{Network, Node, Plan, Program, agency, node_id};
use crate::systems::{PORT, Systems, system};

/// By which door the systems come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Socket,
    Axis,
    Remote,
    /// What the centre's system writes and reads; the others' systems have the other form.
    Folder(Form),
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
    /// Transfers under way to one neighbour.
    pub(crate) in_flight: usize,
    door: Door,
    authority: Systems,
    /// Where the drop folders are.
    shared: TempDir,
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
        let in_flight = if many > 100 { 64 } else { 8 };
        plan.limits.push(("peer_in_flight_max", in_flight as u64));
        // One agency has more waiting for one neighbour, and sends it faster, than one may by default.
        plan.limits.push(("memory_bytes_max", 4 << 30));
        plan.quotas.extend([("agency_dispatches_per_minute", 100_000), ("agency_burst", 100_000)]);
        // A neighbour that is back is found at once.
        plan.limits.extend([("retry_initial_ms", 100), ("retry_max_ms", 1_000)]);
        let network = Network::create(&plan);
        let authority = Systems::new("CA of document systems");
        let shared = tempfile::tempdir().expect("a folder");
        let world = World { network, nodes: Vec::new(), many, in_flight, door, authority, shared };
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
            // The node seals what the centre addresses to a group.
            Door::Socket if tier == 0 => add(files, &self.sealing(tier, &agency(tier))),
            Door::Socket => {}
            Door::Folder(_) => {
                // Each looks after itself; a thousand that look often leave nothing for the others.
                let interval = if names.len() > 100 { 1_000 } else { 100 };
                let mut more = format!("[drop]\ninterval_ms = {interval}\n");
                for name in &names {
                    let folder = self.folder(name);
                    fs::DirBuilder::new().mode(0o770).create(&folder).expect("a folder");
                    let mut roles = "\"collect\"";
                    if *name == agency(0) {
                        more += &self.sealing(tier, name);
                        roles = "\"submit\", \"collect\"";
                    }
                    more += &format!(
                        "[[drop_folders]]\nfolder = \"{}\"\nagency = \"{name}\"\nmode = \"{}\"\n\
                         roles = [{roles}]\n",
                        folder.display(),
                        if self.form(name) == Form::Json { "json" } else { "edxml" },
                    );
                }
                add(files, &more);
            }
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
                    more += &self.sealing(tier, name);
                    secret(&files.folder.join(format!("keys/{name}.secret")), name);
                    more += &format!(
                        "[[axis_accounts]]\nsystem_id = \"{name}\"\nsecret = \"keys/{name}.secret\"\n\
                         agencies = [\"{name}\"]\nroles = [\"submit\", \"collect\"]\n"
                    );
                }
                add(files, &more);
            }
        }
    }

    /// Gives the node of a tier the seal of an agency: what its configuration says of it.
    fn sealing(&self, tier: usize, name: &AgencyCode) -> String {
        let (chain, key) = match *name == agency(tier) {
            true => self.network.authorities.sealing(tier),
            false => self.network.authorities.sealing_of(tier, name),
        };
        let keys = self.network.nodes[tier].folder.join("keys");
        key.write_new(&keys.join(format!("{name}.key"))).expect("a key file");
        fs::write(keys.join(format!("{name}.crt")), write_certificates(&chain)).expect("a file");
        format!(
            "[[seals]]\nagency = \"{name}\"\ncertificate = \"keys/{name}.crt\"\n\
             key = \"keys/{name}.key\"\n"
        )
    }

    fn folder(&self, name: &AgencyCode) -> PathBuf {
        self.shared.path().join(name.as_str())
    }

    fn form(&self, name: &AgencyCode) -> Form {
        let centre = if self.door == Door::Folder(Form::Json) { Form::Json } else { Form::Edxml };
        match (*name == agency(0), centre) {
            (true, form) => form,
            (false, Form::Json) => Form::Edxml,
            (false, Form::Edxml) => Form::Json,
        }
    }

    /// The system of an agency, at the node of a tier.
    pub(crate) fn desk(&self, tier: usize, name: &AgencyCode) -> Desk {
        match self.door {
            Door::Socket => Desk::Api(ApiDesk::new(self.nodes[tier].client(), name.clone(), false)),
            Door::Remote => {
                let shown = self.authority.system(&format!("{name}.example.vn"));
                let client = self.authority.client(&shown, self.address(tier, PORT));
                Desk::Api(ApiDesk::new(client, name.clone(), true))
            }
            Door::Axis => {
                let secret = format!("{SECRET}-{name}");
                let client = Client::new(self.address(tier, AXIS_PORT), name.as_str(), &secret);
                Desk::Axis(AxisDesk::new(client, name.clone()))
            }
            Door::Folder(_) => {
                Desk::Drop(DropDesk::new(self.folder(name), name.clone(), self.form(name)))
            }
        }
    }
}

fn add(files: &NodeFiles, more: &str) {
    let config = fs::read_to_string(&files.config).expect("a file");
    fs::write(&files.config, config + more).expect("a file");
}

fn secret(path: &std::path::Path, name: &AgencyCode) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, format!("{SECRET}-{name}\n")).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a file of ours");
}
