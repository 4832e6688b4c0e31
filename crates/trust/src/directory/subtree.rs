//! Changes of a subtree, signed by the key that the directory delegates it to: who may change what.

use std::collections::BTreeMap;

use tram_crypto::{PublicKey, sha256};
use tram_dispatch::directory::{Agency, Entry, Node};
use tram_dispatch::{AgencyCode, Code, UnixMillis};
use tram_wire::directory::{SubtreeChange, SubtreeFile, change_to_be_signed};

use super::{Directory, STEPS_MAX};
use crate::verdict::Refusal;

/// A change that the delegated key signed and that keeps to its subtree. Only
/// [`Directory::subtree_change`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedSubtreeChange(SubtreeChange);

impl VerifiedSubtreeChange {
    /// What it says.
    pub fn change(&self) -> &SubtreeChange {
        &self.0
    }
}

fn not_authorised(detail: impl std::fmt::Display) -> Refusal {
    Refusal::new(Code::NotAuthorised, detail)
}

impl Directory {
    /// Verifies a change of a subtree of this directory (`docs/protocol.md`, section 8.4). `now` is the wall
    /// clock. That the whole directory with it keeps the rules among entries is
    /// [`Directory::check_entries`]'s to say.
    ///
    /// # Errors
    /// `WRONG_NETWORK`; `DIRECTORY_INVALID` for what does not parse, is made for another version, or whose
    /// signature does not verify; `NOT_AUTHORISED` where no delegation in force names key and subtree, or an
    /// entry is not the delegate's to change.
    pub fn subtree_change(
        &self,
        file: &[u8],
        now: UnixMillis,
    ) -> Result<VerifiedSubtreeChange, Refusal> {
        let invalid = |what: String| Refusal::new(Code::DirectoryInvalid, what);
        let file = SubtreeFile::decode(file).map_err(|e| invalid(e.detail))?;
        let change = &file.change;
        if change.network != self.network() {
            let detail = "the change is of another network";
            return Err(Refusal::new(Code::WrongNetwork, detail));
        }
        let key = self.delegated_key(change, now)?;
        let signed = change_to_be_signed(file.algorithm, &file.body, self.network());
        key.verify(file.algorithm, &signed, &file.signature)
            .map_err(|_| invalid("the signature of the change does not verify".to_owned()))?;
        if change.base != self.digest() {
            let version = self.version();
            return Err(invalid(format!(
                "the change is made for another directory than version {version}: make it again"
            )));
        }
        Scope::new(self, change).check()?;
        Ok(VerifiedSubtreeChange(file.change))
    }

    /// The key that the change names, if the directory delegates the subtree to it, then and now.
    fn delegated_key(&self, change: &SubtreeChange, now: UnixMillis) -> Result<PublicKey, Refusal> {
        let subtree = &change.subtree;
        let named = |key: &[u8]| sha256(key) == *change.key.as_bytes();
        let mut found =
            self.delegations().iter().filter(|d| d.subtree == *subtree && named(&d.key));
        let Some(delegation) = found.next() else {
            return Err(not_authorised(format!("no delegation of {subtree} names this key")));
        };
        let in_force = |at: UnixMillis| {
            delegation.from <= at && delegation.until.is_none_or(|until| at <= until)
        };
        if !in_force(change.issued_at) || !in_force(now) || delegation.from > self.expires_at() {
            let detail = format!("the delegation of {subtree} is not in force");
            return Err(not_authorised(detail));
        }
        PublicKey::from_spki_der(&delegation.key).map_err(|e| not_authorised(e.to_string()))
    }
}

/// The subtree, before and after the change.
struct Scope<'a> {
    before: &'a Directory,
    top: &'a AgencyCode,
    /// The agencies of the change.
    agencies: BTreeMap<&'a AgencyCode, &'a Agency>,
    entries: &'a [Entry],
}

impl<'a> Scope<'a> {
    fn new(before: &'a Directory, change: &'a SubtreeChange) -> Self {
        let agency = |entry: &'a Entry| match entry {
            Entry::Agency(agency) => Some((&agency.code, agency)),
            _ => None,
        };
        let agencies = change.entries.iter().filter_map(agency).collect();
        Scope { before, top: &change.subtree, agencies, entries: &change.entries }
    }

    fn check(&self) -> Result<(), Refusal> {
        if self.before.agency(self.top).is_none_or(|top| !top.open || top.code != *self.top) {
            return Err(not_authorised(format!("{} is no open agency", self.top)));
        }
        for entry in self.entries {
            match entry {
                Entry::Agency(agency) => self.agency(agency),
                Entry::Node(node) => self.node(node),
                Entry::Delegation(_) => {
                    Err("a delegation is not the delegate's to give".to_owned())
                }
            }
            .map_err(not_authorised)?;
        }
        Ok(())
    }

    /// An agency as it will be.
    fn after(&self, code: &AgencyCode) -> Option<&Agency> {
        self.agencies.get(code).copied().or_else(|| self.listed(code))
    }

    /// An agency as it is, by its present code.
    fn listed(&self, code: &AgencyCode) -> Option<&Agency> {
        self.before.agency(code).filter(|agency| agency.code == *code)
    }

    /// Whether an agency lies below the top, or is the top where `or_top`, by the parents that `get` knows.
    fn below<'b>(
        &self,
        code: &'b AgencyCode,
        get: impl Fn(&AgencyCode) -> Option<&'b Agency>,
    ) -> bool {
        let mut at = code;
        for _ in 0..STEPS_MAX {
            match get(at).and_then(|agency| agency.parent.as_ref()) {
                Some(parent) if parent == self.top => return true,
                Some(parent) => at = parent,
                None => return false,
            }
        }
        false
    }

    fn below_before(&self, code: &AgencyCode) -> bool {
        self.below(code, |code| self.listed(code))
    }

    fn below_after(&self, code: &AgencyCode) -> bool {
        self.below(code, |code| self.after(code))
    }

    /// Whether the node is one of the top or of an agency below it.
    fn is_own(&self, node: &tram_dispatch::NodeId) -> bool {
        let agency = node.agency();
        agency == *self.top || self.below_after(&agency)
    }

    fn agency(&self, agency: &Agency) -> Result<(), String> {
        let (code, top) = (&agency.code, self.top);
        if code == top {
            return Err(format!("{top} itself is not the delegate's to change"));
        }
        let before = self.listed(code);
        match before {
            Some(_) if !self.below_before(code) => {
                return Err(format!("{code} does not lie below {top}"));
            }
            None if self.before.agency(code).is_some() => {
                return Err(format!("{code} is a former code of another agency"));
            }
            None if !code.is_within(top) => {
                return Err(format!("{code} is new, and no code below {top}"));
            }
            _ => {}
        }
        if !self.below_after(code) {
            return Err(format!("{code} would not lie below {top} any more"));
        }
        if before.is_some_and(|before| !before.open && agency.open) {
            return Err(format!("{code} is closed, and stays so"));
        }
        let was = |former: &AgencyCode| before.is_some_and(|before| before.former.contains(former));
        if let Some(former) = agency.former.iter().find(|f| !was(f) && !f.is_within(top)) {
            return Err(format!("the former code {former} of {code} is no code below {top}"));
        }
        if let Some(lost) =
            before.and_then(|b| b.former.iter().find(|f| !agency.former.contains(f)))
        {
            return Err(format!("{code} would lose its former code {lost}"));
        }
        let host =
            agency.node.as_ref().filter(|n| before.is_none_or(|b| b.node.as_ref() != Some(n)));
        if let Some(host) = host.filter(|host| !self.is_own(host)) {
            return Err(format!("{code} would be hosted by {host}, which is not of {top}"));
        }
        let successor = agency
            .successor
            .as_ref()
            .filter(|s| before.is_none_or(|b| b.successor.as_ref() != Some(s)));
        if let Some(to) = successor.filter(|to| *to != top && !self.below_after(to)) {
            return Err(format!("what is addressed to {code} would go to {to}, outside of {top}"));
        }
        Ok(())
    }

    fn node(&self, node: &Node) -> Result<(), String> {
        let (id, top) = (&node.id, self.top);
        let owner = id.agency();
        let known = self.before.node(id);
        if !self.below_after(&owner) || (known.is_some() && !self.below_before(&owner)) {
            return Err(format!("{id} is not a node below {top}"));
        }
        if node.parent.as_ref().is_none_or(|parent| !self.is_own(parent)) {
            return Err(format!("the parent of {id} would not be a node of {top}"));
        }
        let had = |peer: &tram_dispatch::NodeId| known.is_some_and(|n| n.lateral.contains(peer));
        if let Some(peer) = node.lateral.iter().find(|peer| !had(peer) && !self.is_own(peer)) {
            return Err(format!("{id} would have {peer} as lateral peer, which is not of {top}"));
        }
        for epoch in known.map(|n| n.epochs.as_slice()).unwrap_or_default() {
            let kept = node.epochs.iter().find(|e| e.id == epoch.id);
            let same = kept.is_some_and(|kept| {
                let ends = epoch.until.is_none() || kept.until == epoch.until;
                ends && (&kept.receipt_key, &kept.checkpoint_key, kept.from)
                    == (&epoch.receipt_key, &epoch.checkpoint_key, epoch.from)
            });
            if !same {
                return Err(format!("an epoch of {id} would be taken out or changed"));
            }
        }
        Ok(())
    }
}
