//! A network on one machine: root document, signed directory, four node folders.

use std::fs::DirBuilder;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use tram_crypto::{Ed25519Signer, Entropy, Sign as _};
use tram_dispatch::directory::{Agency, Anchor, Entry, Head, RootDocument};
use tram_dispatch::{Digest, NetworkId, NodeId, UnixMillis};
use tram_pki::{Key, KeyAlgorithm, PkiError, write_certificates, write_new_file};
use tram_trust::{Directory, Root};
use tram_wire::directory::{DirectoryFile, encode_entry, encode_head, entries_root, sort_key};
use tram_wire::root::{KeySignature, RootFile};

use super::authorities::{Authorities, Seal};
use super::failure::DemoError;
use super::tiers::{
    COMMUNE, COMMUNE_TIER, DISTRICT, HOSTED, HOSTED_NAME, TIERS, Tier, agency, node,
};
use crate::demo::setup::{Above, CONFIG_FILE, NodeSetup, place};

const DAY_MS: u64 = 86_400_000;
/// Most bytes of a socket's path that every Unix takes with room to spare.
const SOCKET_PATH_BYTES_MAX: usize = 100;
/// Free space that the nodes of the demo leave on the disk; less than a real node.
const RESERVE_BYTES: u64 = 64 << 20;

/// One node of the demo.
#[derive(Clone, Debug)]
pub(super) struct DemoNode {
    pub(super) tier: Tier,
    pub(super) id: NodeId,
    pub(super) config: PathBuf,
    pub(super) listen: Option<SocketAddr>,
    pub(super) socket: PathBuf,
    pub(super) log: PathBuf,
}

/// Everything on disk, and the seals that the demo uses itself.
pub(super) struct Network {
    pub(super) id: NetworkId,
    pub(super) dir: PathBuf,
    pub(super) root_file: PathBuf,
    pub(super) directory_file: PathBuf,
    /// From the top.
    pub(super) nodes: Vec<DemoNode>,
    /// Of the centre: its document system seals, not its node.
    pub(super) centre_seal: Seal,
    /// Of the province.
    pub(super) province_seal: Seal,
    /// Of the centre, ended yesterday.
    pub(super) expired_seal: Seal,
    /// In the centre's name, by the commune's authority.
    pub(super) outside_seal: Seal,
}

/// Which part of the tiers a network has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// So many from the top; at least two.
    pub(super) tiers: usize,
    /// Whether every node holds its agency's seal key; otherwise the lowest alone.
    pub(super) all_seal: bool,
}

impl Shape {
    /// The four tiers of the demo.
    pub(super) const DEMO: Shape = Shape { tiers: 4, all_seal: false };
    /// Two nodes that seal for their agencies.
    pub(super) const PAIR: Shape = Shape { tiers: 2, all_seal: true };
}

impl Network {
    /// Makes the network below `dir`, which is there and empty; sockets go into `sockets`.
    pub(super) fn create(
        shape: Shape,
        dir: &Path,
        sockets: &Path,
        now: UnixMillis,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, DemoError> {
        let (pki, shared, seals) = (dir.join("pki"), dir.join("network"), dir.join("seals"));
        [&pki, &shared, &seals].into_iter().try_for_each(|path| folder(path))?;
        let authorities = Authorities::new(now, entropy)?;
        authorities.write(&pki)?;

        let key = Key::generate(KeyAlgorithm::Ed25519, entropy)?;
        key.write_new(&shared.join("directory.key"))?;
        let signer = Ed25519Signer::from_pkcs8_der(key.pkcs8_der())
            .map_err(|_| DemoError::Pki(PkiError::PrivateKey))?;
        let root_bytes = root_file(authorities.root_certificate(), &signer, entropy)?;
        let root = Root::install(&root_bytes)?;
        let root_file = shared.join("root.cbor");
        write_new_file(&root_file, &root_bytes)?;

        let listens = free_ports()?;
        let mut nodes = Vec::new();
        let mut entries = Vec::new();
        for (i, tier) in TIERS.into_iter().enumerate().take(shape.tiers) {
            let folder = dir.join(tier.code);
            let above = i.checked_sub(1);
            let setup = NodeSetup {
                node: node(tier.code),
                root_file: root_bytes.clone(),
                listen: listens[i],
                above: match above.and_then(|a| listens[a]) {
                    Some(address) => Above::At(address.to_string()),
                    None => Above::Nobody,
                },
                socket: sockets.join(format!("{}.sock", tier.code)),
                uid: rustix::process::geteuid().as_raw(),
                seals_for: (shape.all_seal || tier.code == COMMUNE).then(|| agency(tier.code)),
                data_dir: "data".into(),
                anchor_dir: "anchor".into(),
                limits: vec![("free_space_reserve_bytes", RESERVE_BYTES)],
                now,
            };
            let request = setup.create(&folder, entropy)?;
            let chain = authorities.answer(i, &request.tls, entropy)?;
            install(&folder.join(place::TLS_CERTIFICATE), &chain)?;
            if let Some(seal) = &request.seal {
                let chain = authorities.answer(i, seal, entropy)?;
                install(&folder.join(place::SEAL_CERTIFICATE), &chain)?;
            }
            let parent = above.map(|a| TIERS[a].code);
            entries.push(Entry::Agency(entry(i, &tier, parent)));
            let addresses = listens[i].map(|a| a.to_string()).into_iter().collect();
            entries.push(Entry::Node(request.entry(parent.map(node), addresses)));
            nodes.push(DemoNode {
                id: setup.node,
                listen: setup.listen,
                config: folder.join(CONFIG_FILE),
                socket: setup.socket,
                log: folder.join("log"),
                tier,
            });
        }
        if nodes.iter().any(|n| n.tier.code == DISTRICT) {
            entries.push(Entry::Agency(hosted()));
        }
        let directory = directory_file(&root, &signer, &entries, now)?;
        // What does not verify here would stop every node; better said at once.
        Directory::verify(&root, &directory, None, now)?;
        let directory_file = shared.join("directory.cbor");
        write_new_file(&directory_file, &directory)?;
        for DemoNode { tier, .. } in &nodes {
            write_new_file(&dir.join(tier.code).join(place::DIRECTORY), &directory)?;
        }

        let mut seal = |tier: usize| -> Result<Seal, DemoError> {
            let (seal, key) = authorities.seal(tier, entropy)?;
            let name = TIERS[tier].code;
            key.write_new(&seals.join(format!("{name}.key")))?;
            install(&seals.join(format!("{name}.crt")), &seal.chain)?;
            Ok(seal)
        };
        Ok(Network {
            id: root.network(),
            dir: dir.to_owned(),
            root_file,
            directory_file,
            nodes,
            centre_seal: seal(0)?,
            province_seal: seal(1)?,
            expired_seal: authorities.expired_seal(entropy)?,
            outside_seal: authorities.outside_seal(entropy)?,
        })
    }

    /// The node of one of the demo's agencies.
    pub(super) fn node(&self, code: &str) -> Result<&DemoNode, DemoError> {
        let found = self.nodes.iter().find(|n| n.tier.code == code);
        found.ok_or_else(|| DemoError::Wrong(format!("no node of {code} in the demo")))
    }
}

/// The folder that the sockets go into: the demo's own, unless paths in it are too long.
pub(super) fn sockets_fit(dir: &Path) -> bool {
    let longest = TIERS.iter().map(|t| t.code.len()).max().unwrap_or(0) + "/.sock".len();
    dir.as_os_str().len() + longest < SOCKET_PATH_BYTES_MAX
}

/// A new folder for its owner alone.
pub(super) fn folder(path: &Path) -> Result<(), DemoError> {
    DirBuilder::new().mode(0o700).create(path).map_err(|e| DemoError::file(path, e))
}

fn install(path: &Path, chain: &[Vec<u8>]) -> Result<(), PkiError> {
    write_new_file(path, write_certificates(chain).as_bytes())
}

/// Addresses for the tiers that listen, chosen by the system. All are held until the last is
/// known, so that no two are the same; the nodes take them over a moment later.
fn free_ports() -> Result<[Option<SocketAddr>; 4], DemoError> {
    let mut held = Vec::new();
    let mut out = [None; 4];
    for (slot, tier) in out.iter_mut().zip(TIERS) {
        // A commune only dials.
        if tier.code == COMMUNE {
            continue;
        }
        let socket = UdpSocket::bind("127.0.0.1:0")
            .map_err(|e| DemoError::System("no UDP port on 127.0.0.1", e))?;
        let address = socket.local_addr();
        *slot = Some(address.map_err(|e| DemoError::System("no UDP port on 127.0.0.1", e))?);
        held.push(socket);
    }
    Ok(out)
}

fn entry(tier_index: usize, tier: &Tier, parent: Option<&'static str>) -> Agency {
    Agency {
        code: agency(tier.code),
        former: Vec::new(),
        name: tier.name.to_owned(),
        tier: tier_index as u8 + 1,
        parent: parent.map(agency),
        node: Some(node(tier.code)),
        open: true,
        successor: None,
        bindings: Vec::new(),
        contact: None,
        from: None,
        until: None,
    }
}

/// The commune that the district's node hosts.
fn hosted() -> Agency {
    Agency {
        code: agency(HOSTED),
        former: Vec::new(),
        name: HOSTED_NAME.to_owned(),
        tier: COMMUNE_TIER,
        parent: Some(agency(DISTRICT)),
        node: Some(node(DISTRICT)),
        open: true,
        successor: None,
        bindings: Vec::new(),
        contact: None,
        from: None,
        until: None,
    }
}

fn root_file(
    anchor: &[u8],
    key: &Ed25519Signer,
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, DemoError> {
    let mut nonce = [0; 16];
    entropy.fill(&mut nonce).map_err(PkiError::from)?;
    let document = RootDocument {
        name: "demo".to_owned(),
        nonce,
        version: 1,
        network: None,
        keys: vec![key.public_key().spki_der().to_vec()],
        threshold: 1,
        anchors: vec![Anchor { certificate: anchor.to_vec(), nodes: true, seals: true }],
        lifetime_ms_max: 30 * DAY_MS,
    };
    let raw_root = tram_wire::root::encode(&document);
    let network = tram_wire::root::network_id(&raw_root, &document);
    let message = tram_wire::root::to_be_signed(key.algorithm(), &raw_root, network);
    let signatures = vec![signature(key, &message)?];
    Ok(RootFile { raw_root, document, signatures, previous_signatures: Vec::new() }.encode())
}

fn directory_file(
    root: &Root,
    key: &Ed25519Signer,
    entries: &[Entry],
    now: UnixMillis,
) -> Result<Vec<u8>, DemoError> {
    let mut decoded = entries.to_vec();
    decoded.sort_by_key(sort_key);
    let entries: Vec<Vec<u8>> = decoded.iter().map(encode_entry).collect();
    let head = Head {
        network: root.network(),
        version: 1,
        previous: None,
        issued_at: now,
        expires_at: now.plus_ms(365 * DAY_MS),
        entries: entries.len() as u64,
        root: Digest(entries_root(&entries)),
    };
    let head_bytes = encode_head(&head);
    let message = tram_wire::directory::to_be_signed(key.algorithm(), &head_bytes, root.network());
    let signatures = vec![signature(key, &message)?];
    Ok(DirectoryFile { head_bytes, head, signatures, entries, decoded }.encode())
}

fn signature(key: &Ed25519Signer, message: &[u8]) -> Result<KeySignature, DemoError> {
    let signature = key.sign(message).map_err(|e| DemoError::Wrong(e.to_string()))?;
    Ok(KeySignature { key_index: 0, algorithm: key.algorithm(), signature })
}

#[cfg(test)]
mod tests;
