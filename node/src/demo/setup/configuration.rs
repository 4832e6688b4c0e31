//! The text of a new node's configuration file. The keys are those of the examples in `config/`.

use std::path::Path;

use super::{Above, NodeSetup, place};

/// The file; relative paths in it start at its folder.
pub(super) fn text(setup: &NodeSetup) -> String {
    let node = &setup.node;
    let mut out = format!(
        "# Trạm: configuration of the node {node}. Relative paths start at the folder of this file.\n\
         # Every key is explained in the examples under config/; `tram config check` reads it again.\n\
         \n\
         [node]\n\
         id = {id}\n\
         data_dir = {data}\n\
         # Notices a restored backup of data_dir. Best on another disk, never in the same backup.\n\
         anchor_dir = {anchor}\n\
         root = {root}\n\
         directory = {directory}\n",
        id = quoted(node.as_str()),
        data = path(&setup.data_dir),
        anchor = path(&setup.anchor_dir),
        root = quoted(place::ROOT),
        directory = quoted(place::DIRECTORY),
    );
    match setup.listen {
        Some(address) => {
            out += "# Where the nodes below dial in: IP address and UDP port.\n";
            out += &format!("listen = {}\n", quoted(&address.to_string()));
        }
        None => out += "# This node only dials: no port is open.\n",
    }
    out += match setup.above {
        Above::Nobody => "\n# Nobody is above this node; those below dial it.\n",
        Above::At(_) => "\n# The node above.\n[[peers]]\nparent = true\n",
    };
    if let Above::At(address) = &setup.above {
        out += &format!("address = {}\n", quoted(address));
    }
    out += "\n# Each key has one purpose. Key files are PKCS#8 PEM with mode 0600.\n\
            [keys]\n\
            tls_certificate = \"keys/tls.crt\"\n\
            tls_key = \"keys/tls.key\"\n\
            receipt_key = \"keys/receipt.key\"\n\
            checkpoint_key = \"keys/checkpoint.key\"\n\
            \n\
            [revocation]\n\
            # Lists of revoked certificates. Without one, evidence says \"revocation not checked\".\n\
            lists = []\n";
    out += &format!(
        "\n# The local socket. The kernel says who calls.\n\
         [[sockets]]\n\
         name = \"local\"\n\
         path = {}\n\
         mode = \"0600\"\n\
         \n\
         # The user who set the node up may do everything. Add rules for clerks and auditors.\n\
         [[access]]\n\
         uid = {}\n\
         agencies = \"*\"\n\
         roles = [\"submit\", \"collect\", \"operate\", \"audit\"]\n",
        path(&setup.socket),
        setup.uid,
    );
    if let Some(agency) = &setup.seals_for {
        out += &format!(
            "\n# This node holds the agency's seal key and seals for it.\n\
             [[seals]]\n\
             agency = {}\n\
             certificate = \"keys/seal.crt\"\n\
             key = \"keys/seal.key\"\n",
            quoted(agency.as_str()),
        );
    }
    if !setup.limits.is_empty() {
        out += "\n[limits]\n";
        setup.limits.iter().for_each(|(key, value)| out += &format!("{key} = {value}\n"));
    }
    out + "\n[log]\nformat = \"human\"\nlevel = \"info\"\n"
}

fn path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
