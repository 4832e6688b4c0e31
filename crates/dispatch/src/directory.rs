//! The directory: the signed registry of agencies and nodes, as plain values.

use crate::{AgencyCode, Digest, EpochId, NetworkId, NodeId, UnixMillis};

/// The root document of a network, installed out of band. SHA-256 of the first one's bytes is the
/// network id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootDocument {
    /// Name for people, for example `trial-2026`.
    pub name: String,
    /// Random bytes, so that two networks of one name differ.
    pub nonce: [u8; 16],
    /// 1, then one more for each successor.
    pub version: u64,
    /// The network id, present from version 2 on.
    pub network: Option<NetworkId>,
    /// SubjectPublicKeyInfo (DER) of the keys that sign the directory.
    pub keys: Vec<Vec<u8>>,
    /// How many of them must sign.
    pub threshold: u8,
    /// X.509 trust anchors.
    pub anchors: Vec<Anchor>,
    /// Longest lifetime of a dispatch in this network, milliseconds.
    pub lifetime_ms_max: u64,
}

/// An X.509 trust anchor and what it is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// Whether chains for node certificates may end here.
    pub nodes: bool,
    /// Whether chains for seal certificates may end here.
    pub seals: bool,
}

/// What the network's keys sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The network.
    pub network: NetworkId,
    /// Only grows.
    pub version: u64,
    /// Digest of the head before; absent in version 1.
    pub previous: Option<Digest>,
    /// When it was signed.
    pub issued_at: UnixMillis,
    /// After this no new key, binding or delegation takes effect.
    pub expires_at: UnixMillis,
    /// How many entries there are.
    pub entries: u64,
    /// RFC 9162 Merkle root over the encoded entries in ascending byte order of their keys.
    pub root: Digest,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// An agency.
    Agency(Agency),
    /// A node.
    Node(Node),
    /// A key that may sign entries of a subtree.
    Delegation(Delegation),
}

/// An agency as the directory knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agency {
    /// Its code.
    pub code: AgencyCode,
    /// Codes it had before.
    pub former: Vec<AgencyCode>,
    /// Its name.
    pub name: String,
    /// 1 centre, 2 province, 3 district, 4 commune: data, never inferred from the code.
    pub tier: u8,
    /// The agency above.
    pub parent: Option<AgencyCode>,
    /// The node that holds its mailbox.
    pub node: Option<NodeId>,
    /// False once closed.
    pub open: bool,
    /// Who takes over what is addressed to it once closed.
    pub successor: Option<AgencyCode>,
    /// Certificates that seal for it without carrying its name.
    pub bindings: Vec<Binding>,
    /// How people reach it: a telephone number or address of its records office.
    pub contact: Option<String>,
    /// Since when its code is valid, where that is known. For people and their records: what counts for
    /// routing is [`Agency::open`].
    pub from: Option<UnixMillis>,
    /// Since when its code is not valid any more.
    pub until: Option<UnixMillis>,
}

/// A certificate that counts as an agency's seal although it does not carry its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// SHA-256 of the certificate, DER.
    pub certificate: Digest,
    /// From when.
    pub from: UnixMillis,
    /// Until when; absent: until the certificate ends.
    pub until: Option<UnixMillis>,
}

/// A node as the directory knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its id.
    pub id: NodeId,
    /// Where it listens, `host:port`; empty where it only dials.
    pub addresses: Vec<String>,
    /// The node above; absent at the top.
    pub parent: Option<NodeId>,
    /// Other nodes it may exchange with directly.
    pub lateral: Vec<NodeId>,
    /// False once closed.
    pub open: bool,
    /// The lives of its receipt log, oldest first, never deleted.
    pub epochs: Vec<Epoch>,
}

/// One life of a node's receipt log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Its id.
    pub id: EpochId,
    /// SubjectPublicKeyInfo (DER) that signs receipts.
    pub receipt_key: Vec<u8>,
    /// SubjectPublicKeyInfo (DER) that signs checkpoints.
    pub checkpoint_key: Vec<u8>,
    /// From when.
    pub from: UnixMillis,
    /// Until when; absent while it lasts.
    pub until: Option<UnixMillis>,
}

/// A key that may sign the entries of one subtree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// The top of the subtree.
    pub subtree: AgencyCode,
    /// SubjectPublicKeyInfo (DER) of the key.
    pub key: Vec<u8>,
    /// From when.
    pub from: UnixMillis,
    /// Until when; absent: until withdrawn.
    pub until: Option<UnixMillis>,
}
