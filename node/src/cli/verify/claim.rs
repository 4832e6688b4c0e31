//! Claims, one by one, and what they come to.

use serde::{Serialize, Serializer};
use tram_dispatch::Code;
use tram_dispatch::codes::exit;
use tram_dispatch::text::escaped;

use crate::cli::shell::Shell;
use crate::cli::table;
use crate::cli::texts::Word;

/// What is claimed; each is checked by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Claim {
    /// The bytes are what they are called, in the one canonical form.
    Format,
    /// The record is a leaf of the tree whose root is signed.
    Inclusion,
    /// It is of this network.
    Network,
    /// The directory lists the node.
    Node,
    /// The directory lists this life of the node's log.
    Epoch,
    /// The key is the one listed for it.
    Key,
    /// The times fit each other and the epoch.
    Times,
    /// The signature holds.
    Signature,
    /// The node may say this.
    Authority,
    /// The receipt it rests on is here and verified.
    Upstream,
    /// The certificate leads to an anchor, with the right purpose and name.
    Certificate,
    /// The signer is the originator.
    Originator,
    /// The moment that judged the certificate is proved by a receipt.
    Moment,
    /// A document has the digest and size that the envelope names.
    Document,
}

impl Claim {
    /// Name for programs.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Claim::Format => "format",
            Claim::Inclusion => "inclusion",
            Claim::Network => "network",
            Claim::Node => "node",
            Claim::Epoch => "epoch",
            Claim::Key => "key",
            Claim::Times => "times",
            Claim::Signature => "signature",
            Claim::Authority => "authority",
            Claim::Upstream => "upstream",
            Claim::Certificate => "certificate",
            Claim::Originator => "originator",
            Claim::Moment => "moment",
            Claim::Document => "document",
        }
    }

    fn word(self) -> Word {
        match self {
            Claim::Format => Word::ClaimFormat,
            Claim::Inclusion => Word::ClaimInclusion,
            Claim::Network => Word::ClaimNetwork,
            Claim::Node => Word::ClaimNode,
            Claim::Epoch => Word::ClaimEpoch,
            Claim::Key => Word::ClaimKey,
            Claim::Times => Word::ClaimTimes,
            Claim::Signature => Word::ClaimSignature,
            Claim::Authority => Word::ClaimAuthority,
            Claim::Upstream => Word::ClaimUpstream,
            Claim::Certificate => Word::ClaimCertificate,
            Claim::Originator => Word::ClaimOriginator,
            Claim::Moment => Word::ClaimMoment,
            Claim::Document => Word::ClaimDocument,
        }
    }
}

impl Serialize for Claim {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// What was found out about a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// Checked, and it holds.
    Holds,
    /// Checked, and it does not.
    Fails,
    /// Could not be decided.
    Undetermined,
    /// Not looked at: a claim before it fails.
    NotChecked,
    /// Not looked at: what it needs was not given. Does not count against the rest.
    NotGiven,
}

/// What all claims of an item come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// Every claim that was to be checked holds.
    Verified,
    /// One does not.
    Refused,
    /// One could not be decided.
    Undetermined,
}

/// One claim with what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) claim: Claim,
    pub(super) state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<&'static str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) detail: String,
}

/// A receipt, dispatch or document that was judged.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Item {
    pub(super) file: String,
    /// `receipt`, `dispatch` or `document`.
    pub(super) kind: &'static str,
    /// Digest of a receipt or document, id of a dispatch.
    pub(super) id: String,
    /// What it says, for people.
    pub(super) says: String,
    verdict: Verdict,
    claims: Vec<Finding>,
}

impl Item {
    /// An item about which nothing was found out yet.
    pub(super) fn new(file: &str, kind: &'static str, id: String, says: String) -> Self {
        let (file, verdict) = (file.to_owned(), Verdict::Undetermined);
        Item { file, kind, id, says, verdict, claims: Vec::new() }
    }

    /// Adds what was found about a claim.
    pub(super) fn find(&mut self, claim: Claim, state: State, detail: impl Into<String>) {
        self.add(Finding { claim, state, code: None, detail: detail.into() });
    }

    /// Adds a claim that does not hold, or could not be decided, with its code.
    pub(super) fn fail(&mut self, claim: Claim, state: State, code: Code, detail: String) {
        self.add(Finding { claim, state, code: Some(code.as_str()), detail });
    }

    fn add(&mut self, finding: Finding) {
        self.claims.push(finding);
        self.verdict = verdict(&self.claims);
    }

    /// The claims of a chain of checks that stops at the first that does not hold.
    pub(super) fn chain(&mut self, claims: &[Claim], stop: Option<(Claim, State, Code, String)>) {
        let mut stopped = false;
        for claim in claims {
            match &stop {
                Some((at, state, code, detail)) if at == claim => {
                    self.fail(*claim, *state, *code, detail.clone());
                    stopped = true;
                }
                _ if stopped => self.find(*claim, State::NotChecked, ""),
                _ => self.find(*claim, State::Holds, ""),
            }
        }
    }

    /// Says more of a claim that was looked at.
    pub(super) fn remark(&mut self, claim: Claim, detail: &str) {
        for finding in self.claims.iter_mut().filter(|f| f.claim == claim) {
            finding.detail = detail.to_owned();
        }
    }

    /// What all its claims come to.
    pub(super) fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The item for people.
    pub(super) fn lines(&self, shell: &Shell) -> String {
        let word = shell.word(match self.verdict {
            Verdict::Verified => Word::Verified,
            Verdict::Refused => Word::NotVerified,
            Verdict::Undetermined => Word::Undetermined,
        });
        let kind = shell.word(match self.kind {
            "receipt" => Word::Receipt,
            "dispatch" => Word::Dispatch,
            _ => Word::Document,
        });
        let (says, id) = (escaped(&self.says), &self.id);
        let mut out = format!("{word}: {kind} {id}\n  {says} ({})\n", escaped(&self.file));
        let mut pairs = Vec::new();
        for finding in &self.claims {
            let state = shell.word(match finding.state {
                State::Holds => Word::Holds,
                State::Fails => Word::Fails,
                State::Undetermined => Word::Undetermined,
                State::NotChecked => Word::NotChecked,
                State::NotGiven => Word::NotGiven,
            });
            let mut text = shell.word(finding.claim.word()).to_owned();
            if let Some(code) = finding.code {
                text = format!("{text} [{code}]");
            }
            if !finding.detail.is_empty() {
                text = format!("{text}: {}", finding.detail);
            }
            pairs.push((format!("    {state}"), text));
        }
        out.push_str(&table::pairs(&pairs));
        out
    }
}

/// Verified only if something was checked, and everything that was to be checked holds.
fn verdict(claims: &[Finding]) -> Verdict {
    let any = |state| claims.iter().any(|f| f.state == state);
    if any(State::Fails) {
        Verdict::Refused
    } else if any(State::Undetermined) || any(State::NotChecked) || !any(State::Holds) {
        Verdict::Undetermined
    } else {
        Verdict::Verified
    }
}

/// The exit code for all items together; nothing at all proves nothing.
pub(super) fn exit(items: &[Item]) -> u8 {
    let any = |verdict| items.iter().any(|i| i.verdict() == verdict);
    if any(Verdict::Refused) {
        exit::REFUSED
    } else if any(Verdict::Undetermined) || items.is_empty() {
        exit::LATER
    } else {
        exit::DONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> Item {
        Item::new("f", "receipt", "id".into(), "says".into())
    }

    #[test]
    fn nothing_is_verified_without_a_check() {
        assert_eq!(item().verdict(), Verdict::Undetermined);
        assert_eq!(exit(&[]), exit::LATER);
        let mut only_missing = item();
        only_missing.find(Claim::Upstream, State::NotGiven, "");
        assert_eq!(only_missing.verdict(), Verdict::Undetermined);
        assert_eq!(exit(&[only_missing]), exit::LATER);
    }

    #[test]
    fn a_chain_stops_at_the_first_claim_that_fails() {
        let claims = [Claim::Network, Claim::Key, Claim::Signature];
        let mut good = item();
        good.chain(&claims, None);
        assert_eq!((good.verdict(), exit(&[good.clone()])), (Verdict::Verified, exit::DONE));
        let mut bad = item();
        let why = "key: other".to_owned();
        bad.chain(&claims, Some((Claim::Key, State::Fails, Code::ReceiptInvalid, why)));
        let states: Vec<State> = bad.claims.iter().map(|f| f.state).collect();
        assert_eq!(states, [State::Holds, State::Fails, State::NotChecked]);
        assert_eq!(exit(&[good, bad]), exit::REFUSED);
    }
}
