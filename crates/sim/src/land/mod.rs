//! The country: which nodes and agencies there are, their keys, and the directories that list them.
//! Made once per process, the same every time.
//!
//! ```text
//! G22 ─┬─ H41 ─┬─ H41.12 ─┬─ H41.12.03 (also hosts H41.12.03.01)
//!      │       │    ┊     └─ H41.12.04 (hosts H41.12.77, which moves)
//!      │       └─ H41.15 ─── H41.15.01
//!      ├─ H29 ─── H29.05 ─┬─ H29.05.01
//!      │                  └─ H29.05.02
//!      └─ H30                           H41.12 ┄ H29.05 are lateral peers
//! ```
//!
//! Every node hosts its own agency and one more. A schedule uses the part of the tree it draws.

mod keys;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use tram_dispatch::directory::{Agency, Entry, Node};
use tram_dispatch::envelope::{Document, Envelope, Metadata, Urgency};
use tram_dispatch::{AgencyCode, Digest, NetworkId, NodeId, UnixMillis};
use tram_trust::fixtures::{NOW, Network};
use tram_trust::{Crls, Directory, Options, Root, Verifier};
use tram_wire::SealedDispatch;

pub use keys::Life;
use keys::Seal;

/// When a schedule begins, by a right clock.
pub const BEGIN: UnixMillis = NOW.plus_ms(60_000);

/// How often a node can lose its disk and begin anew.
pub const LIVES: usize = 4;

/// How many directories there are: each moves the agency that moves.
pub const DIRECTORIES: usize = 5;

/// The nodes by the agency that runs them, each with the place of the one above.
const TREE: [(&str, Option<usize>); 12] = [
    ("G22", None),
    ("H41", Some(0)),
    ("H41.12", Some(1)),
    ("H41.12.03", Some(2)),
    ("H41.12.04", Some(2)),
    ("H29", Some(0)),
    ("H29.05", Some(5)),
    ("H29.05.01", Some(6)),
    ("H41.15", Some(1)),
    ("H41.15.01", Some(8)),
    ("H29.05.02", Some(6)),
    ("H30", Some(0)),
];

/// The two nodes that are lateral peers.
const LATERAL: (usize, usize) = (2, 6);

/// The agency that moves, and the nodes it can be at: by directory version, from the first.
const MOVER: &str = "H41.12.77";
const MOVES: [usize; DIRECTORIES] = [4, 8, 4, 6, 4];

/// One node of the country.
pub struct Place {
    /// Its id.
    pub id: NodeId,
    /// The node above.
    pub parent: Option<usize>,
    /// The tier, 1 at the top.
    pub tier: u8,
    /// Its lives: the second begins when its disk is lost.
    pub lives: Vec<Life>,
}

/// The country.
pub struct Land {
    base: Network,
    /// The nodes, each above those below it.
    pub places: Vec<Place>,
    /// Agencies with the node that hosts them in the first directory.
    pub agencies: Vec<(AgencyCode, usize)>,
    /// The agency that moves.
    pub mover: AgencyCode,
    directories: Vec<Arc<Directory>>,
    seals: BTreeMap<AgencyCode, Seal>,
}

/// The country all schedules share.
pub fn land() -> &'static Land {
    static LAND: OnceLock<Land> = OnceLock::new();
    LAND.get_or_init(Land::new)
}

fn code(text: &str) -> AgencyCode {
    AgencyCode::parse_canonical(text).expect("a canonical code")
}

/// What to seal.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// Who seals.
    pub originator: &'a AgencyCode,
    /// To whom, in any order.
    pub recipients: &'a [AgencyCode],
    /// The originator's name for it.
    pub reference: &'a str,
    /// What it is about.
    pub subject: &'a str,
    /// The documents' bytes.
    pub documents: &'a [Arc<[u8]>],
    /// How urgent.
    pub urgency: Urgency,
    /// How long it is good, ms from [`BEGIN`].
    pub lifetime_ms: u64,
}

impl Land {
    fn new() -> Self {
        let base = Network::new("simulated country");
        let ids: Vec<NodeId> = TREE.iter().map(|(agency, _)| keys::node_id(agency)).collect();
        let mut places: Vec<Place> = Vec::new();
        for (i, (_, parent)) in TREE.iter().enumerate() {
            let tier = parent.map_or(1, |p| places[p].tier + 1);
            let lives = keys::lives(&base, &ids[i]);
            places.push(Place { id: ids[i].clone(), parent: *parent, tier, lives });
        }
        let mut agencies: Vec<(AgencyCode, usize)> = Vec::new();
        for (i, (agency, _)) in TREE.iter().enumerate() {
            agencies.push((code(agency), i));
            let more = if i == 3 { format!("{agency}.01") } else { format!("{agency}.90") };
            agencies.push((code(&more), i));
        }
        agencies.push((code(MOVER), MOVES[0]));
        let seals = agencies.iter().map(|(a, _)| (a.clone(), Seal::new(&base, a))).collect();
        let mut land =
            Land { base, places, agencies, mover: code(MOVER), directories: Vec::new(), seals };
        for version in 0..DIRECTORIES {
            let directory = land.directory_of(version);
            land.directories.push(directory);
        }
        land
    }

    fn directory_of(&self, version: usize) -> Arc<Directory> {
        let mut entries = Vec::new();
        for (i, place) in self.places.iter().enumerate() {
            let lateral = match i {
                i if i == LATERAL.0 => vec![self.places[LATERAL.1].id.clone()],
                i if i == LATERAL.1 => vec![self.places[LATERAL.0].id.clone()],
                _ => Vec::new(),
            };
            entries.push(Entry::Node(Node {
                id: place.id.clone(),
                addresses: Vec::new(),
                parent: place.parent.map(|p| self.places[p].id.clone()),
                lateral,
                open: true,
                epochs: place.lives.iter().map(Life::listed).collect(),
            }));
        }
        for (agency, host) in &self.agencies {
            let host = if *agency == self.mover { MOVES[version] } else { *host };
            let runs = self.places[host].id.agency() == *agency;
            let above = self.places[host].parent.map(|p| self.places[p].id.agency());
            entries.push(Entry::Agency(Agency {
                code: agency.clone(),
                former: Vec::new(),
                name: format!("Cơ quan {agency}"),
                tier: self.places[host].tier,
                parent: if runs { above } else { Some(self.places[host].id.agency()) },
                node: Some(self.places[host].id.clone()),
                open: true,
                successor: None,
                bindings: Vec::new(),
                contact: None,
                from: None,
                until: None,
            }));
        }
        let before = version.checked_sub(1).map(|v| &self.directories[v]);
        let previous = before.map(|d| d.digest());
        let head = self.base.head(version as u64 + 1, previous, &entries);
        let file = self.base.directory_file(head, &entries);
        let before = before.map(|d| &**d);
        let verified = Directory::verify(&self.base.root, &file, before, NOW).expect("a directory");
        Arc::new(verified)
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> NetworkId {
        self.base.id()
    }

    /// The root document.
    #[must_use]
    pub fn root(&self) -> &Arc<Root> {
        &self.base.root
    }

    /// A directory, by version from 0.
    #[must_use]
    pub fn directory(&self, version: usize) -> &Arc<Directory> {
        &self.directories[version.min(DIRECTORIES - 1)]
    }

    /// The place of a node.
    #[must_use]
    pub fn place_of(&self, id: &NodeId) -> Option<usize> {
        self.places.iter().position(|p| p.id == *id)
    }

    /// Where an agency is hosted in a directory.
    #[must_use]
    pub fn host_of(&self, version: usize, agency: &AgencyCode) -> Option<usize> {
        self.place_of(self.directory(version).hosting(agency)?)
    }

    /// The places the agency that moves can be at.
    #[must_use]
    pub fn stations(&self) -> &'static [usize] {
        &MOVES
    }

    /// Whether two nodes may have a session.
    #[must_use]
    pub fn adjacent(&self, a: usize, b: usize) -> bool {
        self.directory(0).adjacent(&self.places[a].id, &self.places[b].id)
    }

    /// Seals a dispatch.
    ///
    /// # Panics
    /// When the order makes no sound envelope: a mistake of the simulator.
    #[must_use]
    pub fn seal(&self, order: &Order<'_>) -> SealedDispatch {
        let mut envelope: Envelope = self.base.envelope("G22", &["G22"], order.reference);
        envelope.originator = order.originator.clone();
        envelope.recipients = order.recipients.to_vec();
        envelope.recipients.sort();
        envelope.recipients.dedup();
        envelope.metadata = Metadata {
            subject: order.subject.to_owned(),
            urgency: order.urgency,
            ..Metadata::default()
        };
        envelope.documents = order
            .documents
            .iter()
            .enumerate()
            .map(|(i, bytes)| Document {
                name: format!("van-ban-{i}.txt"),
                media_type: "text/plain".to_owned(),
                size: bytes.len() as u64,
                sha256: Digest(tram_crypto::sha256(bytes)),
                second_digest: None,
            })
            .collect();
        envelope.issued_at = BEGIN;
        envelope.expires_at = BEGIN.plus_ms(order.lifetime_ms);
        let seal = &self.seals[order.originator];
        self.base.seal_with(&envelope, &seal.chain, &seal.key)
    }
}

/// Verifiers, one per directory. What they remember are results of pure functions, so several
/// schedules in turn may share one court; each thread has its own.
#[derive(Clone)]
pub struct Court {
    verifiers: Vec<Arc<Verifier>>,
}

impl Default for Court {
    fn default() -> Self {
        Self::new()
    }
}

impl Court {
    /// Verifiers that remember nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let one = |version| {
            let directory = land().directory(version).clone();
            let root = land().root().clone();
            Arc::new(Verifier::new(root, directory, Crls::none(), Options::default()))
        };
        Court { verifiers: (0..DIRECTORIES).map(one).collect() }
    }

    /// The verifier under a directory, by version from 0.
    #[must_use]
    pub fn verifier(&self, version: usize) -> &Arc<Verifier> {
        &self.verifiers[version.min(DIRECTORIES - 1)]
    }
}
