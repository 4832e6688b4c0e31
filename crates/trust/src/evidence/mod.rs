//! Evidence files: what one proves, claim by claim, to somebody who holds the network's root document and
//! trusts nobody.
//!
//! ```text
//! bytes ── wire ──▶ EvidenceFile ── parts ──▶ what verifies ── custody, times ──▶ findings
//!                                       └──▶ faults: parts that are false
//! ```
//!
//! Every part is verified by itself and used only if it holds. A claim rests on the parts that it names
//! and on nothing that is absent: taking a part away can take claims away, never add one.

mod custody;
mod found;
mod notes;
mod parts;
mod say;
mod seal;
mod times;

use std::collections::BTreeMap;
use std::sync::Arc;

use tram_dispatch::limits::POLICY_BYTES_MAX;
use tram_dispatch::{Code, Digest, NodeId};
use tram_tlog::policy::Policy;
use tram_wire::EvidenceFile;

pub use found::{
    Account, Bound, By, Claim, DirectoryUsed, Fault, Finding, Lack, Part, Place, Proof, State,
    Voice,
};

pub use notes::cleaned;

use crate::directory::Directory;
use crate::root::Root;
use crate::time_stamp::Authorities;
use crate::verdict::Refusal;

/// What an evidence file is judged by. Nothing of it comes from the file.
#[derive(Clone, Debug)]
pub struct Ground {
    root: Arc<Root>,
    policy: Option<(String, Policy)>,
    directory: Option<Arc<Directory>>,
    documents: BTreeMap<Digest, u64>,
    authorities: Option<Authorities>,
}

impl Ground {
    /// The root document alone.
    pub fn new(root: Arc<Root>) -> Self {
        Ground {
            root,
            policy: None,
            directory: None,
            documents: BTreeMap::new(),
            authorities: None,
        }
    }

    /// Whose cosignatures count, and how many are needed (C2SP tlog-policy).
    ///
    /// # Errors
    /// `TOO_LARGE`; `UNREADABLE` with the line.
    pub fn with_policy(mut self, text: &str) -> Result<Self, Refusal> {
        if text.len() > POLICY_BYTES_MAX {
            let detail = format!("a policy of {} bytes is over the limit", text.len());
            return Err(Refusal::new(Code::TooLarge, detail));
        }
        let policy = Policy::parse(text.as_bytes())
            .map_err(|e| Refusal::new(Code::Unreadable, e.to_string()))?;
        self.policy = Some((text.to_owned(), policy));
        Ok(self)
    }

    /// A whole directory of the network, verified: where no policy is given, the witnesses of a log are
    /// those that its node's position asks for ([`crate::position::policy`]). The part of the directory
    /// in the file cannot say that: who made the file chose what to leave out.
    #[must_use]
    pub fn with_directory(mut self, directory: Arc<Directory>) -> Self {
        self.directory = Some(directory);
        self
    }

    /// The policy for the log of this node.
    fn policy_for(&self, node: &NodeId) -> Option<Policy> {
        match (&self.policy, &self.directory) {
            (Some((_, policy)), _) => Some(policy.clone()),
            (None, Some(directory)) => {
                directory.node(node)?;
                crate::position::policy(directory, node).ok()
            }
            (None, None) => None,
        }
    }

    /// Whether anything says whose cosignatures are needed.
    fn asks_for_witnesses(&self) -> bool {
        self.policy.is_some() || self.directory.is_some()
    }

    /// Whose time-stamps count.
    #[must_use]
    pub fn with_authorities(mut self, authorities: Authorities) -> Self {
        self.authorities = Some(authorities);
        self
    }

    /// A document that is at hand beside the file: its SHA-256 and size in bytes.
    #[must_use]
    pub fn with_document(mut self, sha256: Digest, size: u64) -> Self {
        self.documents.insert(sha256, size);
        self
    }
}

/// Says what the file proves. Pure: no clock, for nothing here depends on today.
///
/// # Errors
/// `NOT_CANONICAL`, `TOO_LARGE`, `MALFORMED` where the bytes are no evidence file.
pub fn examine(ground: &Ground, bytes: &[u8]) -> Result<Account, Refusal> {
    let file = EvidenceFile::decode(bytes)?;
    let (held, faults) = parts::verify(ground, &file);
    let mut account = Account {
        network: file.network,
        dispatch: file.dispatch,
        directory: held.as_ref().ok().map(|h| DirectoryUsed::of(h.verifier.directory())),
        findings: Vec::new(),
        faults,
    };
    match held {
        Ok(held) => say::all(ground, &file, &held, &mut account.findings),
        Err(lack) => say::nothing(&file, lack, &mut account.findings),
    }
    Ok(account)
}
