//! Two or three tiers whose nodes have the endpoint, each with an account for its own agency.

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tram_pki::write_certificates;

use crate::client::Client;
use crate::support::{Network, Node, Plan, Program, SOON, agency};

pub(crate) const BRACES: Option<&[u8]> = Some(b"{}");
pub(crate) const EMPTY: Option<&[u8]> = Some(b"");

/// The old form of each tier's code: the system ids.
pub(crate) const SYSTEMS: [&str; 3] = ["000.00.00.G22", "000.00.00.H41", "000.00.12.H41"];

/// Of more accounts of the last tier, where there are any.
pub(crate) const MORE_SECRETS: [&str; 2] =
    ["another-secret-0123456789", "a-third-secret-0123456789"];

pub(crate) fn secret(tier: usize) -> String {
    format!("secret-of-tier-{tier}-0123456789abcdef")
}

pub(crate) struct Country {
    pub(crate) nodes: Vec<Node>,
    pub(crate) network: Network,
    pub(crate) doors: Vec<SocketAddr>,
}

/// Where the endpoint of the first tier listens; those below behind it.
const PORT: u16 = 8_180;

/// A network whose nodes have the endpoint; `more` is added to `[axis]` of each.
pub(crate) fn network(tiers: usize, more: &str) -> (Network, Vec<SocketAddr>) {
    network_of(&Plan::tiers(tiers), more)
}

/// The same by a plan.
pub(crate) fn network_of(plan: &Plan, more: &str) -> (Network, Vec<SocketAddr>) {
    let network = Network::create(plan);
    // An address of this network alone.
    let own = network.nodes[0].listen.expect("the top listens").ip();
    let mut doors = Vec::new();
    for (tier, files) in network.nodes.iter().enumerate() {
        let (chain, key) = network.authorities.sealing(tier);
        key.write_new(&files.folder.join("keys/seal.key")).expect("a key file");
        fs::write(files.folder.join("keys/seal.crt"), write_certificates(&chain)).expect("a file");
        private(&files.folder.join("keys/axis.secret"), &format!("{}\n", secret(tier)));
        let door = SocketAddr::new(own, PORT + tier as u16);
        doors.push(door);
        let mut config = fs::read_to_string(&files.config).expect("a file");
        config += &format!(
            "[[seals]]\nagency = \"{agency}\"\ncertificate = \"keys/seal.crt\"\nkey = \"keys/seal.key\"\n\
             [axis]\nlisten = \"{door}\"\n{more}\n\
             [[axis_accounts]]\nsystem_id = \"{system}\"\nsecret = \"keys/axis.secret\"\n\
             agencies = [\"{agency}\"]\nroles = [\"submit\", \"collect\"]\n",
            agency = agency(tier),
            system = SYSTEMS[tier],
        );
        fs::write(&files.config, config).expect("a file");
    }
    (network, doors)
}

pub(crate) fn private(path: &std::path::Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, text).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a file of ours");
}

impl Country {
    pub(crate) async fn running(tiers: usize) -> Self {
        Self::of(&Plan::tiers(tiers), "").await
    }

    /// With more in the configuration of the last tier.
    pub(crate) async fn of(plan: &Plan, more: &str) -> Self {
        let (network, doors) = network_of(plan, "");
        let last = &network.nodes[plan.tiers - 1].config;
        let config = fs::read_to_string(last).expect("a file");
        fs::write(last, config + more).expect("a file");
        let folder = &network.nodes[plan.tiers - 1].folder;
        for (n, secret) in MORE_SECRETS.iter().enumerate() {
            private(&folder.join(format!("keys/axis-{n}.secret")), &format!("{secret}\n"));
        }
        let nodes = network.start(&Program::tram()).await;
        Country { nodes, network, doors }
    }

    /// A new client object of a tier's system.
    pub(crate) fn client(&self, tier: usize) -> Client {
        Client::new(self.doors[tier], SYSTEMS[tier], &secret(tier))
    }

    /// What waits for a tier's system, by kind, once there is at least so much of it.
    pub(crate) async fn waiting(&self, tier: usize, kind: &str, least: usize) -> Vec<Value> {
        self.waiting_within(SOON, tier, kind, least).await
    }

    /// As [`Country::waiting`], for what takes its time.
    pub(crate) async fn waiting_within(
        &self,
        longest: Duration,
        tier: usize,
        kind: &str,
        least: usize,
    ) -> Vec<Value> {
        let mut client = self.client(tier);
        client.set("messagetype", kind);
        let deadline = Instant::now() + longest;
        while Instant::now() < deadline {
            let list = client.call("getReceivedEdocList", EMPTY).await;
            assert_eq!(list.code(), "0");
            let items = list.json()["data"].as_array().expect("data").clone();
            if items.len() >= least {
                return items;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{least} items of {kind} did not come to {}", SYSTEMS[tier]);
    }
}

/// The id of an item.
pub(crate) fn id(item: &Value) -> String {
    item["docId"].as_str().expect("docId").to_owned()
}

/// A file by `getEdoc`.
pub(crate) async fn fetched(client: &mut Client, id: &str) -> Vec<u8> {
    client.set("docId", id);
    let answer = client.call("getEdoc", BRACES).await;
    assert_eq!(answer.code(), "0", "{}", answer.json());
    STANDARD.decode(answer.json()["data"].as_str().expect("data")).expect("base64")
}

/// Says what became of an item, as the vendor's example does: with the id spelled both ways.
pub(crate) async fn says(client: &mut Client, id: &str, status: &str) -> String {
    client.set("docId", id);
    client.set("docid", id);
    client.set("status", status);
    client.call("updateStatus", BRACES).await.code()
}
