//! The working file: the directory as people edit it, TOML, beside the signed ones.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tram_dispatch::directory as plain;
use tram_dispatch::id::{hex, unhex};
use tram_dispatch::{AgencyCode, Code, Digest, EpochId, NetworkId, NodeId, UnixMillis};

use crate::cli::failure::Failure;
use crate::cli::files;

/// Largest working file: the text of a directory of the largest size.
const WORKING_BYTES_MAX: usize = 512 << 20;

const HEADER: &str = "\
# Working copy of the directory. Edit it by hand or with `tram directory add-agency`, `add-node`
# and `close-agency`; nothing takes effect before `tram directory sign`. Comments below this line
# are not kept by those commands. Epochs of a node are never deleted: old receipts need them.

";

/// The whole file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Working {
    /// The network id.
    pub(super) network: String,
    /// The version signed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) signed: Option<Signed>,
    /// The agencies.
    #[serde(default, rename = "agency", skip_serializing_if = "Vec::is_empty")]
    pub(super) agencies: Vec<Agency>,
    /// The nodes.
    #[serde(default, rename = "node", skip_serializing_if = "Vec::is_empty")]
    pub(super) nodes: Vec<Node>,
    /// Keys that may sign the entries of one subtree.
    #[serde(default, rename = "delegation", skip_serializing_if = "Vec::is_empty")]
    pub(super) delegations: Vec<Delegation>,
}

/// What the next version follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signed {
    pub(super) version: u64,
    pub(super) digest: String,
}

/// An agency; fields as in [`plain::Agency`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Agency {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) tier: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) parent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) node: Option<String>,
    #[serde(default = "yes")]
    pub(super) open: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) successor: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) former: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) contact: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<String>,
    #[serde(default, rename = "binding", skip_serializing_if = "Vec::is_empty")]
    pub(super) bindings: Vec<Binding>,
}

/// A certificate bound to an agency; SHA-256 in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Binding {
    pub(super) certificate: String,
    pub(super) from: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<String>,
}

/// A node; fields as in [`plain::Node`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Node {
    pub(super) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) parent: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) addresses: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) lateral: Vec<String>,
    #[serde(default = "yes")]
    pub(super) open: bool,
    #[serde(default, rename = "epoch", skip_serializing_if = "Vec::is_empty")]
    pub(super) epochs: Vec<Epoch>,
}

/// One life of a receipt log; keys are SubjectPublicKeyInfo in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Epoch {
    pub(super) id: String,
    pub(super) receipt_key: String,
    pub(super) checkpoint_key: String,
    pub(super) from: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<String>,
}

/// A delegation; key as in [`Epoch`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Delegation {
    pub(super) subtree: String,
    pub(super) key: String,
    pub(super) from: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<String>,
}

fn yes() -> bool {
    true
}

impl Working {
    /// Reads a working file.
    ///
    /// # Errors
    /// `UNREADABLE`, with the place in the file.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = files::read_text(path, WORKING_BYTES_MAX)?;
        toml::from_str(&text).map_err(|e| Failure::unreadable(path, e))
    }

    /// The text of the file.
    ///
    /// # Errors
    /// `INTERNAL`; does not happen for these types.
    pub(super) fn text(&self) -> Result<String, Failure> {
        let body = toml::to_string_pretty(self).map_err(|e| Failure::new(Code::Internal, e))?;
        Ok(format!("{HEADER}{body}"))
    }

    /// The network.
    ///
    /// # Errors
    /// `DIRECTORY_INVALID`.
    pub(super) fn network(&self) -> Result<NetworkId, Failure> {
        read("network", &self.network)
    }

    /// The entries as values, in the order of the file.
    ///
    /// # Errors
    /// `DIRECTORY_INVALID`, naming the entry and field.
    pub(super) fn entries(&self) -> Result<Vec<plain::Entry>, Failure> {
        let mut entries = Vec::new();
        for a in &self.agencies {
            let entry = agency(a).map_err(|e| e.about(format!("agency {}", a.code)))?;
            entries.push(plain::Entry::Agency(entry));
        }
        for n in &self.nodes {
            let entry = node(n).map_err(|e| e.about(format!("node {}", n.id)))?;
            entries.push(plain::Entry::Node(entry));
        }
        for d in &self.delegations {
            let entry = delegation(d).map_err(|e| e.about(format!("delegation {}", d.subtree)))?;
            entries.push(plain::Entry::Delegation(entry));
        }
        Ok(entries)
    }
}

fn agency(a: &Agency) -> Result<plain::Agency, Failure> {
    let binding = |b: &Binding| {
        Ok(plain::Binding {
            certificate: read::<Digest>("certificate", &b.certificate)?,
            from: read("from", &b.from)?,
            until: maybe("until", b.until.as_deref())?,
        })
    };
    Ok(plain::Agency {
        code: read("code", &a.code)?,
        former: all::<AgencyCode>("former", &a.former)?,
        name: a.name.clone(),
        tier: a.tier,
        parent: maybe("parent", a.parent.as_deref())?,
        node: maybe("node", a.node.as_deref())?,
        open: a.open,
        successor: maybe("successor", a.successor.as_deref())?,
        bindings: a.bindings.iter().map(binding).collect::<Result<_, Failure>>()?,
        contact: a.contact.clone(),
        from: maybe("from", a.from.as_deref())?,
        until: maybe("until", a.until.as_deref())?,
    })
}

fn node(n: &Node) -> Result<plain::Node, Failure> {
    let epoch = |e: &Epoch| {
        Ok(plain::Epoch {
            id: read::<EpochId>("id", &e.id)?,
            receipt_key: bytes("receipt_key", &e.receipt_key)?,
            checkpoint_key: bytes("checkpoint_key", &e.checkpoint_key)?,
            from: read("from", &e.from)?,
            until: maybe("until", e.until.as_deref())?,
        })
    };
    Ok(plain::Node {
        id: read("id", &n.id)?,
        addresses: n.addresses.clone(),
        parent: maybe("parent", n.parent.as_deref())?,
        lateral: all::<NodeId>("lateral", &n.lateral)?,
        open: n.open,
        epochs: n.epochs.iter().map(epoch).collect::<Result<_, Failure>>()?,
    })
}

fn delegation(d: &Delegation) -> Result<plain::Delegation, Failure> {
    Ok(plain::Delegation {
        subtree: read("subtree", &d.subtree)?,
        key: bytes("key", &d.key)?,
        from: read::<UnixMillis>("from", &d.from)?,
        until: maybe("until", d.until.as_deref())?,
    })
}

/// An epoch as the working file writes it.
pub(super) fn written_epoch(
    id: EpochId,
    receipt: &[u8],
    checkpoint: &[u8],
    from: UnixMillis,
) -> Epoch {
    Epoch {
        id: id.to_string(),
        receipt_key: hex(receipt),
        checkpoint_key: hex(checkpoint),
        from: from.to_string(),
        until: None,
    }
}

fn read<T: std::str::FromStr>(field: &str, text: &str) -> Result<T, Failure>
where
    T::Err: std::fmt::Display,
{
    let bad = |e: T::Err| Failure::new(Code::DirectoryInvalid, format!("{field} \"{text}\": {e}"));
    text.parse().map_err(bad)
}

fn maybe<T: std::str::FromStr>(field: &str, text: Option<&str>) -> Result<Option<T>, Failure>
where
    T::Err: std::fmt::Display,
{
    text.map(|t| read(field, t)).transpose()
}

fn all<T: std::str::FromStr>(field: &str, texts: &[String]) -> Result<Vec<T>, Failure>
where
    T::Err: std::fmt::Display,
{
    texts.iter().map(|t| read(field, t)).collect()
}

fn bytes(field: &str, text: &str) -> Result<Vec<u8>, Failure> {
    unhex(text)
        .ok_or_else(|| Failure::new(Code::DirectoryInvalid, format!("{field}: not hexadecimal")))
}
