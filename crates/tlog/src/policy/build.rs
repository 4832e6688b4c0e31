//! A policy under construction: every rule, whether the policy comes from a text or from code.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    NONE, POLICY_GROUPS_MAX, POLICY_LOGS_MAX, POLICY_NAME_BYTES_MAX, POLICY_URL_BYTES_MAX,
    POLICY_WITNESSES_MAX, Policy, PolicyFault, PolicyGroup, PolicyLog, PolicyWitness,
};
use crate::note::{NoteError, NoteKey, SignatureType, within};

/// A policy that is not whole yet.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<PolicyGroup>,
    quorum: Option<Option<String>>,
    /// Every witness and group, and whether it is a member of a group.
    names: BTreeMap<String, bool>,
    log_keys: BTreeSet<[u8; 32]>,
    witness_keys: BTreeSet<[u8; 32]>,
}

impl Draft {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a log.
    ///
    /// # Errors
    /// [`PolicyFault`]: a key of another type than 0x01, a second log with this key, a limit.
    pub fn log(&mut self, key: NoteKey, url: Option<&str>) -> Result<(), PolicyFault> {
        within("policy logs", self.logs.len() + 1, POLICY_LOGS_MAX)?;
        let url = checked_url(url)?;
        if !self.log_keys.insert(key_bytes(&key, SignatureType::Ed25519)?) {
            return Err(PolicyFault::DuplicateKey);
        }
        self.logs.push(PolicyLog { key, url });
        Ok(())
    }

    /// Adds a witness.
    ///
    /// # Errors
    /// [`PolicyFault`]: a name that is taken or reserved, a key of another type than 0x04, a second
    /// witness with this key, a limit.
    pub fn witness(
        &mut self,
        name: &str,
        key: NoteKey,
        url: Option<&str>,
    ) -> Result<(), PolicyFault> {
        within("policy witnesses", self.witnesses.len() + 1, POLICY_WITNESSES_MAX)?;
        let url = checked_url(url)?;
        let bytes = key_bytes(&key, SignatureType::CosignatureV1)?;
        if self.witness_keys.contains(&bytes) {
            return Err(PolicyFault::DuplicateKey);
        }
        self.define(name)?;
        self.witness_keys.insert(bytes);
        self.witnesses.push(PolicyWitness { name: name.to_owned(), key, url });
        Ok(())
    }

    /// Adds a group of what is there already; so many of its members must have witnessed.
    ///
    /// # Errors
    /// [`PolicyFault`]: a name that is taken or reserved, a member that is not defined or is a member
    /// already, a threshold that cannot be, a limit.
    pub fn group(
        &mut self,
        name: &str,
        threshold: usize,
        members: &[&str],
    ) -> Result<(), PolicyFault> {
        within("policy groups", self.groups.len() + 1, POLICY_GROUPS_MAX)?;
        if threshold == 0 || threshold > members.len() {
            return Err(PolicyFault::Threshold(members.len()));
        }
        let mut seen = BTreeSet::new();
        for member in members {
            match self.names.get(*member) {
                None => return Err(PolicyFault::Undefined((*member).to_owned())),
                Some(false) if seen.insert(*member) => {}
                Some(_) => return Err(PolicyFault::DuplicateMember((*member).to_owned())),
            }
        }
        self.define(name)?;
        for member in members {
            self.names.insert((*member).to_owned(), true);
        }
        let members = members.iter().map(|member| (*member).to_owned()).collect();
        self.groups.push(PolicyGroup { name: name.to_owned(), threshold, members });
        Ok(())
    }

    /// Names the witness or group that decides; "none" for no cosignature at all.
    ///
    /// # Errors
    /// [`PolicyFault::Undefined`], [`PolicyFault::SecondQuorum`].
    pub fn quorum(&mut self, name: &str) -> Result<(), PolicyFault> {
        if self.quorum.is_some() {
            return Err(PolicyFault::SecondQuorum);
        }
        self.quorum = Some(match name {
            NONE => None,
            name if self.names.contains_key(name) => Some(name.to_owned()),
            name => return Err(PolicyFault::Undefined(name.to_owned())),
        });
        Ok(())
    }

    /// The policy.
    ///
    /// # Errors
    /// [`PolicyFault::NoQuorum`].
    pub fn finish(self) -> Result<Policy, PolicyFault> {
        let Draft { logs, witnesses, groups, quorum, .. } = self;
        let quorum = quorum.ok_or(PolicyFault::NoQuorum)?;
        Ok(Policy { logs, witnesses, groups, quorum })
    }

    fn define(&mut self, name: &str) -> Result<(), PolicyFault> {
        within("policy name bytes", name.len(), POLICY_NAME_BYTES_MAX)?;
        let bad = |c: char| c == ' ' || c.is_ascii_control();
        if name.is_empty() || name == NONE || name.contains(bad) || self.names.contains_key(name) {
            return Err(PolicyFault::Name(name.to_owned()));
        }
        self.names.insert(name.to_owned(), false);
        Ok(())
    }
}

fn key_bytes(key: &NoteKey, wanted: SignatureType) -> Result<[u8; 32], PolicyFault> {
    let bytes = key.public_key().ed25519_bytes().filter(|_| key.signature_type() == wanted);
    Ok(*bytes.ok_or(NoteError::WrongKey)?)
}

fn checked_url(url: Option<&str>) -> Result<Option<String>, PolicyFault> {
    let Some(url) = url else { return Ok(None) };
    within("policy URL bytes", url.len(), POLICY_URL_BYTES_MAX)?;
    if url.is_empty() || url.contains(|c: char| c == ' ' || c.is_ascii_control()) {
        return Err(PolicyFault::Expected("a URL without spaces"));
    }
    Ok(Some(url.to_owned()))
}
