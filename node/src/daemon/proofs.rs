//! Proofs that a receipt log was put back or split: two checkpoints signed with one key, as a file
//! that anybody can check without this node (`docs/protocol.md`, section 7.6).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tram_crypto::sha256_parts;
use tram_dispatch::{Code, NetworkId, NodeId, UnixMillis};
use tram_trust::{VerifiedCheckpoint, Verifier};

/// Their folder in the data directory.
pub(crate) const FOLDER: &str = "proofs";
/// Most proofs kept about one log: a peer that signs one history after another fills no disk. Every
/// further one proves nothing that the first does not.
const PER_LOG_MAX: usize = 16;
/// Largest file: two notes, a path, and names.
const PROOF_BYTES_MAX: u64 = 128 << 10;

/// Names the format.
const FORMAT: &str = "tram-log-proof";
const VERSION: u32 = 1;

/// One proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogProof {
    format: String,
    version: u32,
    /// `LOG_ROLLBACK` or `LOG_FORK`.
    pub code: String,
    network: String,
    /// Whose log.
    pub node: String,
    /// Who held the older note.
    pub held_by: String,
    found_at: String,
    /// The checkpoint that was held.
    pub held: String,
    /// The checkpoint that the log shows instead; empty for an empty log.
    pub shown: String,
    /// Root of the log shown at the size of the note held, hexadecimal; absent where it is shorter,
    /// or where its node did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// Consistency proof from that root to the note shown, hexadecimal; empty where they are of one
    /// size.
    #[serde(default)]
    pub path: Vec<String>,
}

/// What a proof is made of.
pub(crate) struct Found<'a> {
    pub code: Code,
    pub network: NetworkId,
    pub node: &'a NodeId,
    pub held_by: &'a NodeId,
    pub at: UnixMillis,
    pub held: &'a [u8],
    pub shown: &'a [u8],
    pub root: Option<[u8; 32]>,
    pub path: Vec<[u8; 32]>,
}

impl Found<'_> {
    /// Writes the proof, durably, unless it is there already or its log has as many as are kept.
    /// Gives its path. Blocks.
    pub(crate) fn keep(&self, data: &Path) -> std::io::Result<Option<PathBuf>> {
        let folder = data.join(FOLDER);
        std::fs::create_dir_all(&folder)?;
        let digest = hex::encode(sha256_parts(&[self.held, self.shown]));
        let path = folder.join(format!("{}-{}-{}.json", self.node, self.code, &digest[..16]));
        let of_this_log = format!("{}-", self.node);
        let there = list(data);
        let as_many = there.iter().filter(|name| name.starts_with(&of_this_log)).count();
        if path.exists() || as_many >= PER_LOG_MAX {
            return Ok(None);
        }
        let text = |note: &[u8]| String::from_utf8_lossy(note).into_owned();
        let proof = LogProof {
            format: FORMAT.to_owned(),
            version: VERSION,
            code: self.code.to_string(),
            network: self.network.to_string(),
            node: self.node.to_string(),
            held_by: self.held_by.to_string(),
            found_at: self.at.to_string(),
            held: text(self.held),
            shown: text(self.shown),
            root: self.root.map(hex::encode),
            path: self.path.iter().map(hex::encode).collect(),
        };
        let mut bytes = serde_json::to_vec_pretty(&proof)?;
        bytes.push(b'\n');
        super::files::replace(&path, &bytes)?;
        Ok(Some(path))
    }
}

/// The names of the proofs in a data directory, in order.
pub(crate) fn list(data: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(data.join(FOLDER)) else { return Vec::new() };
    let names = entries.flatten().filter_map(|e| e.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".json")).collect();
    names.sort();
    names
}

/// What was kept against this node's own log: the checkpoints held, each verified anew, and who held
/// them. What does not verify is passed over.
pub(crate) fn against(
    data: &Path,
    me: &NodeId,
    verifier: &Verifier,
) -> Vec<(NodeId, VerifiedCheckpoint)> {
    let of_me = format!("{me}-");
    let names = list(data).into_iter().filter(|name| name.starts_with(&of_me));
    names
        .filter_map(|name| {
            let path = data.join(FOLDER).join(&name);
            let found = read(&path).and_then(|proof| {
                let by = proof.held_by.parse().map_err(|e| format!("held_by: {e}"))?;
                let held = verifier.checkpoint(me, proof.held.as_bytes()).map_err(|r| r.detail)?;
                Ok((by, held))
            });
            found.inspect_err(|error| tracing::warn!(?path, error, "a proof is passed over")).ok()
        })
        .collect()
}

/// The tree size in the text of a note; whoever asks made the note itself.
pub(crate) fn size_of(note: &[u8]) -> Option<u64> {
    std::str::from_utf8(note).ok()?.lines().nth(1)?.parse().ok()
}

fn read(path: &Path) -> Result<LogProof, String> {
    let length = std::fs::metadata(path).map_err(|e| e.to_string())?.len();
    if length > PROOF_BYTES_MAX {
        return Err(format!("{length} bytes"));
    }
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    let proof: LogProof = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
    match (proof.format.as_str(), proof.version) {
        (FORMAT, VERSION) => Ok(proof),
        (format, version) => Err(format!("{format} version {version}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'a>(node: &'a NodeId, held: &'a [u8]) -> Found<'a> {
        Found {
            code: Code::LogFork,
            network: NetworkId([1; 32]),
            node,
            held_by: node,
            at: UnixMillis(1),
            held,
            shown: b"shown\n",
            root: Some([2; 32]),
            path: vec![[3; 32]],
        }
    }

    #[test]
    fn proofs_come_back_and_one_log_has_a_few_only() {
        let data = tempfile::tempdir().unwrap();
        let (one, other): (NodeId, NodeId) =
            ("n1.H41".parse().unwrap(), "n1.H41.12".parse().unwrap());
        let path = found(&one, b"held 0\n").keep(data.path()).unwrap().unwrap();
        let proof = read(&path).unwrap();
        assert_eq!((proof.held.as_str(), proof.shown.as_str()), ("held 0\n", "shown\n"));
        assert_eq!(proof.root, Some("02".repeat(32)));
        assert_eq!(proof.path, ["03".repeat(32)]);
        assert_eq!(found(&one, b"held 0\n").keep(data.path()).unwrap(), None, "it is there");
        for n in 1..100 {
            found(&one, format!("held {n}\n").as_bytes()).keep(data.path()).unwrap();
        }
        assert_eq!(list(data.path()).len(), PER_LOG_MAX);
        assert!(found(&other, b"held\n").keep(data.path()).unwrap().is_some());
        std::fs::write(&path, b"{\"format\":\"other\"}").unwrap();
        assert!(read(&path).is_err());
    }
}
