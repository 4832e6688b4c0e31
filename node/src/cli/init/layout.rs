//! Where things lie in a node's folder, and its first configuration.

use std::fs::DirBuilder;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use tram_config::{Accounts, Config, Socket};
use tram_crypto::sha256;
use tram_dispatch::NodeId;
use tram_dispatch::id::hex;

use super::GENESIS_FILE;
use crate::cli::failure::Failure;
use crate::cli::files;

const CONFIG: &str = "tram.toml";

/// The paths of a node's folder.
pub(super) struct Layout {
    folder: PathBuf,
    sockets: PathBuf,
}

impl Layout {
    /// The layout below `folder`. Socket paths are short by law of the system, so that a deep
    /// folder gets its sockets below /tmp.
    pub(super) fn new(folder: &Path, sockets: Option<&Path>, node: &NodeId) -> Self {
        let folder = files::absolute(folder);
        let inside = folder.join("run");
        let too_long =
            |at: &Path| at.join("operator.sock").as_os_str().len() > Socket::PATH_BYTES_MAX;
        let sockets = match sockets {
            Some(chosen) => files::absolute(chosen),
            None if too_long(&inside) => {
                let name = sha256(folder.as_os_str().as_encoded_bytes());
                PathBuf::from("/tmp").join(format!("tram-{}-{}", node.label(), hex(&name[..6])))
            }
            None => inside,
        };
        Layout { folder, sockets }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn config_file(&self) -> PathBuf {
        self.folder.join(CONFIG)
    }

    pub(super) fn request(&self) -> PathBuf {
        self.folder.join("node-request.json")
    }

    pub(super) fn tls_key(&self) -> PathBuf {
        self.folder.join("keys/tls.key")
    }

    pub(super) fn receipt_key(&self) -> PathBuf {
        self.folder.join("keys/receipt.key")
    }

    pub(super) fn checkpoint_key(&self) -> PathBuf {
        self.folder.join("keys/checkpoint.key")
    }

    pub(super) fn root(&self) -> PathBuf {
        self.folder.join("network/root.cbor")
    }

    pub(super) fn genesis(&self) -> PathBuf {
        self.folder.join("data").join(GENESIS_FILE)
    }

    /// Makes the folders, each for its owner only. The node's own must be new or empty.
    pub(super) fn make_folders(&self) -> Result<(), Failure> {
        let above = self.folder.parent().filter(|p| !p.as_os_str().is_empty());
        if let Some(above) = above {
            make_all(above)?;
        }
        files::folder(&self.folder, false)?;
        for name in ["keys", "network", "crl", "data", "anchor"] {
            files::folder(&self.folder.join(name), false)?;
        }
        if let Some(above) = self.sockets.parent() {
            make_all(above)?;
        }
        files::folder(&self.sockets, true)?;
        // Below /tmp somebody else may have been first.
        let owner = std::fs::metadata(&self.sockets).map(|m| m.uid());
        if owner.ok() != Some(rustix::process::geteuid().as_raw()) {
            return Err(Failure::unreadable(&self.sockets, "belongs to another user"));
        }
        Ok(())
    }

    /// The first configuration, checked before anything is made.
    pub(super) fn config(
        &self,
        node: &NodeId,
        listen: Option<SocketAddr>,
        parent: Option<&str>,
    ) -> Result<String, Failure> {
        let uid = rustix::process::geteuid().as_raw();
        let listen = match listen {
            Some(at) => format!("listen = \"{at}\""),
            None => "# listen = \"0.0.0.0:7800\"".to_owned(),
        };
        let parent = match parent {
            Some(address) => format!("[[peers]]\nparent = true\naddress = {}", quoted(address)),
            None => "# [[peers]]\n# parent = true\n# address = \"tram.example.vn:7800\"".to_owned(),
        };
        let sockets = match self.sockets.strip_prefix(&self.folder) {
            Ok(inside) => inside.to_owned(),
            Err(_) => self.sockets.clone(),
        };
        let socket = |name: &str| quoted(&sockets.join(name).display().to_string());
        let text = TEMPLATE
            .replace("{node}", node.as_str())
            .replace("{listen}", &listen)
            .replace("{parent}", &parent)
            .replace("{clerk}", &socket("clerk.sock"))
            .replace("{operator}", &socket("operator.sock"))
            .replace("{agency}", node.agency().as_str())
            .replace("{uid}", &uid.to_string());
        Config::parse(&text, &self.config_file(), &Accounts::of_system())?;
        Ok(text)
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn make_all(folder: &Path) -> Result<(), Failure> {
    match DirBuilder::new().recursive(true).mode(0o755).create(folder) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(Failure::unreadable(folder, e)),
        _ => Ok(()),
    }
}

const TEMPLATE: &str = r#"# Trạm: configuration of node {node}, made by `tram init`.
#
# Relative paths start at the folder of this file. Unknown keys are refused. Every key there is,
# with its default and its meaning, stands in the examples in config/ of the source tree.
# Check after every change: tram config check --config FILE

[node]
id = "{node}"

# Spool, journal, index and receipt log. A local disk. genesis.cbor in it begins the receipt log.
data_dir = "data"

# Holds the last checkpoint, so that a restored backup of data_dir is noticed before anything is
# signed. Best on another disk, and never part of the same backup.
anchor_dir = "anchor"

# The network's root document, and the signed directory: `tram directory install` puts it here.
root = "network/root.cbor"
directory = "network/directory.cbor"

# Where other nodes dial in: IP address and UDP port. Without it this node only dials.
{listen}

# The node above, whichever the directory names.
{parent}

# Each key has one purpose. `tram pki install` puts the certificate here.
[keys]
tls_certificate = "keys/tls.crt"
tls_key = "keys/tls.key"
receipt_key = "keys/receipt.key"
checkpoint_key = "keys/checkpoint.key"

# Lists of revoked certificates, best one for each authority that matters here.
# [revocation]
# lists = ["crl/authority.crl"]

# Local sockets: for clerks' programs, and for whoever runs the node.
[[sockets]]
name = "clerk"
path = {clerk}
mode = "0660"

[[sockets]]
name = "operator"
path = {operator}
mode = "0600"

# Who may do what. To let a group of clerks in, write `group = "tram-clerks"` instead of uid, and
# give that group the socket above.
[[access]]
socket = "clerk"
uid = {uid}
agencies = ["{agency}"]
roles = ["submit", "collect", "audit"]

[[access]]
socket = "operator"
uid = {uid}
agencies = "*"
roles = ["operate", "audit"]

# Agencies whose seal key this node holds, so that it seals for them.
# [[seals]]
# agency = "{agency}"
# certificate = "keys/seal.crt"
# key = "keys/seal.key"

[log]
format = "human"
level = "info"
"#;
