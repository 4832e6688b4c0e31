//! Proofs that a receipt log was put back or split: two checkpoints signed with one key, as a file
//! that anybody can check without this node (`docs/protocol.md`, section 7.6).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tram_crypto::sha256_parts;
use tram_dispatch::{Code, NetworkId, NodeId, UnixMillis};
use tram_tlog::{Hash, verify_consistency};
use tram_trust::{VerifiedCheckpoint, Verifier};

/// Their folder in the data directory.
pub(crate) const FOLDER: &str = "proofs";
/// Most proofs kept about one log: a peer that signs one history after another fills no disk. Every
/// further one proves nothing that the first does not.
const PER_LOG_MAX: usize = 16;
/// Largest file: two notes, a path, and names.
pub(crate) const PROOF_BYTES_MAX: u64 = 128 << 10;

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

/// What the notes of a proof come to for somebody who trusts nobody but the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// One key signed two histories.
    Proved,
    /// The notes are genuine and do not contradict each other by themselves; why.
    NotProved(&'static str),
}

impl LogProof {
    /// Whether bytes begin as a proof does.
    pub(crate) fn is_meant(first: &[u8]) -> bool {
        let named = format!("\"{FORMAT}\"");
        first.starts_with(b"{") && first.windows(named.len()).any(|w| w == named.as_bytes())
    }

    /// Reads a proof.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let proof: LogProof = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        match (proof.format.as_str(), proof.version) {
            (FORMAT, VERSION) => Ok(proof),
            (format, version) => Err(format!("{format} version {version}")),
        }
    }

    /// Checks it as `docs/protocol.md`, section 7.6, says.
    ///
    /// # Errors
    /// In words: it is no proof, whatever it says.
    pub(crate) fn judge(&self, verifier: &Verifier) -> Result<Judged, String> {
        let node: NodeId = self.node.parse().map_err(|e| format!("node: {e}"))?;
        if self.network != verifier.root().network().to_string() {
            return Err(format!("it is of network {}", self.network));
        }
        let open = |note: &str| verifier.checkpoint(&node, note.as_bytes()).map_err(|r| r.detail);
        let held = open(&self.held)?;
        if self.shown.is_empty() {
            return Ok(Judged::NotProved("an empty log signs nothing"));
        }
        let shown = open(&self.shown)?;
        if held.epoch() != shown.epoch() {
            return Err("the two checkpoints are of two lives of the log".to_owned());
        }
        if shown.size() < held.size() {
            let why = "the notes do not say which of them is the older one";
            return Ok(Judged::NotProved(why));
        }
        let path =
            self.path.iter().map(|text| hash(text)).collect::<Result<Vec<Hash>, String>>()?;
        let then = match &self.root {
            Some(text) => hash(text)?,
            None if shown.size() == held.size() => Hash(*shown.root()),
            None => return Ok(Judged::NotProved("the log did not show its root at that size")),
        };
        let now = Hash(*shown.root());
        verify_consistency(held.size(), &then, shown.size(), &now, &path)
            .map_err(|e| format!("root and path: {e}"))?;
        if then.0 == *held.root() {
            return Err("the two checkpoints are of one history".to_owned());
        }
        Ok(Judged::Proved)
    }
}

fn hash(text: &str) -> Result<Hash, String> {
    let bytes = hex::decode(text).map_err(|e| e.to_string())?;
    bytes.try_into().map(Hash).map_err(|_| "a hash is not of 32 bytes".to_owned())
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
        let digest = hex::encode(sha256_parts(&[self.held, self.shown]));
        let name = format!("{}-{}-{}.json", self.node, self.code, &digest[..16]);
        let of_this_log = format!("{}-", self.node);
        let there = list(data);
        let as_many = there.iter().filter(|name| name.starts_with(&of_this_log)).count();
        if there.contains(&name) || as_many >= PER_LOG_MAX {
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
        super::files::keep(data, FOLDER, &name, &bytes).map(Some)
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
    LogProof::parse(&bytes)
}

#[cfg(test)]
mod tests {
    use tram_tlog::MemoryTree;
    use tram_tlog::checkpoint::Checkpoint;
    use tram_trust::fixtures::{CENTRE, COMMUNE, Network};

    use super::*;

    /// The two histories of one log, both with eight leaves; they part after four.
    fn trees() -> [MemoryTree; 2] {
        [0_u8, 1].map(|branch| {
            let mut tree = MemoryTree::new();
            (0..8_u8).for_each(|n| _ = tree.push(&[n, if n < 4 { 0 } else { branch }]));
            tree
        })
    }

    /// A proof that the log of `of` signed `held` and shows `shown`: tree and size of each.
    fn proof(network: &Network, of: &str, held: (usize, u64), shown: (usize, u64)) -> LogProof {
        let keys = network.node(of);
        let origin = tram_trust::checkpoint::origin(network.id(), &keys.id, keys.epoch);
        let trees = trees();
        let root = |(tree, size): (usize, u64)| tram_tlog::root_at(&trees[tree], size).unwrap();
        let note = |at: (usize, u64)| {
            let checkpoint = Checkpoint::new(&origin, at.1, root(at)).unwrap();
            String::from_utf8(checkpoint.sign(&origin, &keys.checkpoint).unwrap()).unwrap()
        };
        let larger = shown.1 >= held.1;
        let path = match larger {
            true => tram_tlog::consistency_proof(&trees[shown.0], held.1, shown.1).unwrap(),
            false => Vec::new(),
        };
        LogProof {
            format: FORMAT.to_owned(),
            version: VERSION,
            code: Code::LogFork.to_string(),
            network: network.id().to_string(),
            node: keys.id.to_string(),
            held_by: "n1.H41".to_owned(),
            found_at: String::new(),
            held: note(held),
            shown: note(shown),
            root: larger.then(|| hex::encode(root((shown.0, held.1)).0)),
            path: path.iter().map(|h| hex::encode(h.0)).collect(),
        }
    }

    #[test]
    fn two_histories_are_proved_and_one_is_not() {
        let network = Network::new("proofs");
        let verifier = network.verifier();
        let judge = |proof: &LogProof| proof.judge(&verifier);
        // Of one size, and of two; a proof does not depend on which was held.
        let fork = proof(&network, COMMUNE, (0, 7), (1, 8));
        assert_eq!(judge(&fork), Ok(Judged::Proved));
        let same_size = proof(&network, COMMUNE, (0, 8), (1, 8));
        assert_eq!(judge(&same_size), Ok(Judged::Proved));
        let bare = LogProof { root: None, path: Vec::new(), ..same_size };
        assert_eq!(judge(&bare), Ok(Judged::Proved));
        // One history, whatever the file calls it.
        for (held, shown) in [((0, 7), (0, 8)), ((0, 8), (0, 8)), ((0, 3), (1, 8))] {
            assert!(judge(&proof(&network, COMMUNE, held, shown)).is_err(), "{held:?} {shown:?}");
        }
        // Two genuine notes of one log, the smaller called the later: nobody is accused by them.
        let back = proof(&network, COMMUNE, (0, 8), (0, 7));
        assert!(matches!(judge(&back), Ok(Judged::NotProved(_))));
        let unsaid = LogProof { root: None, path: Vec::new(), ..fork.clone() };
        assert!(matches!(judge(&unsaid), Ok(Judged::NotProved(_))));
        let empty = LogProof { shown: String::new(), ..fork.clone() };
        assert!(matches!(judge(&empty), Ok(Judged::NotProved(_))));
        // Another log's note, another network, a path or root or note that was changed.
        let other = proof(&network, CENTRE, (0, 7), (1, 8));
        for bad in [
            LogProof { node: other.node.clone(), ..fork.clone() },
            LogProof { held: other.held.clone(), ..fork.clone() },
            LogProof { shown: other.shown, ..fork.clone() },
            LogProof { network: "00".repeat(32), ..fork.clone() },
            LogProof { path: vec!["07".repeat(32)], ..fork.clone() },
            LogProof { root: Some("07".repeat(32)), ..fork.clone() },
            LogProof { root: Some("07".to_owned()), ..fork.clone() },
            LogProof { held: fork.held.replacen("\n7\n", "\n6\n", 1), ..fork.clone() },
        ] {
            assert!(judge(&bad).is_err(), "{bad:?}");
        }
        let bytes = serde_json::to_vec_pretty(&fork).unwrap();
        assert!(LogProof::is_meant(&bytes[..64]) && !LogProof::is_meant(b"{\"a\": 1}"));
        assert_eq!(LogProof::parse(&bytes), Ok(fork));
    }

    /// Nobody is accused by a proof that was altered: what still proves anything says what the true one did.
    #[test]
    fn an_altered_proof_proves_nothing_else() {
        use crate::mutate::{Dice, mutated};
        use tram_dispatch::text::{escaped, is_plain};

        let network = Network::new("proofs");
        let verifier = network.verifier();
        let genuine = proof(&network, COMMUNE, (0, 7), (1, 8));
        let history = proof(&network, COMMUNE, (0, 7), (0, 8));
        let samples = [&genuine, &history].map(|p| serde_json::to_vec_pretty(p).unwrap());
        let said = |p: &LogProof| {
            let hex = p.path.iter().chain(&p.root).map(|h| h.to_ascii_lowercase());
            (p.node.clone(), p.held.clone(), p.shown.clone(), hex.collect::<Vec<_>>())
        };
        let (mut proved, mut refused, mut unread) = (0, 0, 0);
        for run in 0..6_000 {
            let text = mutated(&samples, &mut Dice::new(2026, run));
            let Ok(altered) = LogProof::parse(&text) else {
                unread += 1;
                continue;
            };
            match altered.judge(&verifier) {
                Ok(Judged::Proved) => {
                    assert_eq!(said(&altered), said(&genuine), "run {run}");
                    proved += 1;
                }
                Ok(Judged::NotProved(why)) => assert!(is_plain(why)),
                Err(why) => {
                    assert!(is_plain(&escaped(&why)) && !why.is_empty());
                    refused += 1;
                }
            }
        }
        assert!(proved > 3 && refused > 500 && unread > 500, "{proved}, {refused}, {unread}");
    }

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
