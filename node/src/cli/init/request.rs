//! The file by which a new node becomes known: `node-request.json`.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tram_dispatch::NodeId;
use tram_dispatch::evidence::Genesis;
use tram_dispatch::id::{hex, unhex};
use tram_pki::Request;
use tram_wire::genesis;

use crate::cli::failure::Failure;
use crate::cli::files;

/// Largest request file.
const REQUEST_BYTES_MAX: usize = 256 << 10;
/// Names the format, so that a later one is not read as this one.
const FORMAT: &str = "tram-node-request-1";

/// What the directory's signer and the certificate authority need to know of a new node, or of a
/// new epoch of one. Bytes are hexadecimal. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NodeRequest {
    /// Always `tram-node-request-1`.
    pub(crate) format: String,
    /// The node id.
    pub(crate) node: String,
    /// The network id.
    pub(crate) network: String,
    /// Where it listens, `host:port`; empty where it only dials.
    pub(crate) addresses: Vec<String>,
    /// The node above, where its operator knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<String>,
    /// The epoch id: leaf hash of the genesis.
    pub(crate) epoch: String,
    /// The genesis leaf's bytes.
    pub(crate) genesis: String,
    /// SubjectPublicKeyInfo of the receipt key.
    pub(crate) receipt_key: String,
    /// SubjectPublicKeyInfo of the checkpoint key.
    pub(crate) checkpoint_key: String,
    /// The request for the node's certificate, PEM.
    pub(crate) certificate_request: String,
}

impl NodeRequest {
    /// The request of a node with this first leaf.
    pub(crate) fn new(
        first: &Genesis,
        addresses: Vec<String>,
        parent: Option<&NodeId>,
        certificate: &Request,
    ) -> Self {
        NodeRequest {
            format: FORMAT.to_owned(),
            node: first.node.to_string(),
            network: first.network.to_string(),
            addresses,
            parent: parent.map(ToString::to_string),
            epoch: genesis::epoch_id(first).to_string(),
            genesis: hex(&genesis::encode(first)),
            receipt_key: hex(&first.receipt_key),
            checkpoint_key: hex(&first.checkpoint_key),
            certificate_request: certificate.to_pem(),
        }
    }

    /// Its text.
    ///
    /// # Errors
    /// `INTERNAL`; does not happen for texts.
    pub(crate) fn to_json(&self) -> Result<String, Failure> {
        let text = serde_json::to_string_pretty(self);
        text.map(|t| t + "\n").map_err(|e| Failure::new(tram_dispatch::Code::Internal, e))
    }

    /// Reads a request file.
    ///
    /// # Errors
    /// `UNREADABLE`, also where what it says twice differs.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = files::read_text(path, REQUEST_BYTES_MAX)?;
        let bad = |detail: &dyn std::fmt::Display| Failure::unreadable(path, detail);
        let request: NodeRequest = serde_json::from_str(&text).map_err(|e| bad(&e))?;
        if request.format != FORMAT {
            return Err(bad(&format!("format {}, not {FORMAT}", request.format)));
        }
        request.genesis().map_err(|what| bad(&what))?;
        Ok(request)
    }

    /// The genesis, compared with everything else the request says.
    ///
    /// # Errors
    /// What does not fit, in English.
    pub(crate) fn genesis(&self) -> Result<Genesis, String> {
        let bytes = unhex(&self.genesis).ok_or("the genesis is not hexadecimal")?;
        let first = genesis::decode(&bytes).map_err(|e| e.detail)?;
        let fits = [
            ("node", first.node.to_string() == self.node),
            ("network", first.network.to_string() == self.network),
            ("epoch", genesis::epoch_id(&first).to_string() == self.epoch),
            ("receipt_key", hex(&first.receipt_key) == self.receipt_key),
            ("checkpoint_key", hex(&first.checkpoint_key) == self.checkpoint_key),
        ];
        match fits.iter().find(|(_, same)| !same) {
            Some((field, _)) => Err(format!("{field} is not what the genesis says")),
            None => Ok(first),
        }
    }
}
