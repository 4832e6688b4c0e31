//! Nested authorities, one per tier, and the certificates they issue: good ones and bad ones.

use tram_crypto::{Sign, SystemEntropy, signer_from_pkcs8_der};
use tram_dispatch::{AgencyCode, NodeId, UnixMillis};
use tram_pki::{
    Authority, IssueOptions, Key, KeyAlgorithm, Reason, Request, Revoked, Subject, Subtree,
    Validity, read_certificate,
};
use tram_transport::Identity;

use super::{TIERS, agency, wall_now};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// A seal: certificates, leaf first, without the root, and the key.
pub struct Seal {
    pub chain: Vec<Vec<u8>>,
    pub key: Box<dyn Sign>,
}

/// Root → centre → province → district → commune; from the province down each limited to its own
/// subtree.
pub struct Authorities {
    root: Authority,
    tiers: Vec<Authority>,
    began: UnixMillis,
}

impl Authorities {
    pub fn new() -> Self {
        let mut entropy = SystemEntropy::new();
        let key = || Key::generate(KeyAlgorithm::P256, &mut SystemEntropy::new()).expect("a key");
        // A little longer than what they will issue.
        let life = Validity::days(UnixMillis(wall_now().0 - HOUR_MS), 31);
        let root = Authority::new_root("test root CA", key(), life, None, &mut entropy);
        let root = root.expect("a root");
        let mut tiers: Vec<Authority> = Vec::new();
        for (i, code) in TIERS.iter().enumerate() {
            let above = tiers.last().unwrap_or(&root);
            let subtree = if i == 0 { Subtree::Whole } else { Subtree::Of(agency(i)) };
            let name = format!("test CA of {code}");
            let next = above.new_subordinate(&name, key(), &subtree, life, None, &mut entropy);
            tiers.push(next.expect("an authority"));
        }
        Authorities { root, tiers, began: wall_now() }
    }

    /// The trust anchor, DER.
    pub fn anchor(&self) -> &[u8] {
        self.root.certificate()
    }

    /// The seal of a tier's agency. Ed25519.
    pub fn seal(&self, tier: usize) -> Seal {
        self.seal_of(tier, &agency(tier), life(), IssueOptions::default())
    }

    /// Another seal of a tier's agency, for the key provider of its node: certificates and key as files.
    pub fn sealing(&self, tier: usize) -> (Vec<Vec<u8>>, Key) {
        self.issue(tier, &Subject::Seal(agency(tier)), life(), IssueOptions::default())
    }

    /// As [`Authorities::sealing`], for an agency in the subtree of that tier.
    pub fn sealing_of(&self, tier: usize, name: &AgencyCode) -> (Vec<Vec<u8>>, Key) {
        self.issue(tier, &Subject::Seal(name.clone()), life(), IssueOptions::default())
    }

    /// A seal that ran out yesterday.
    pub fn expired_seal(&self, tier: usize) -> Seal {
        self.seal_of(tier, &agency(tier), ended(), IssueOptions::default())
    }

    /// A seal in the name of another agency, outside the name constraint of the tier's authority.
    pub fn outside_seal(&self, issuer_tier: usize, name: &AgencyCode) -> Seal {
        let options = IssueOptions { allow_outside_constraints: true };
        self.seal_of(issuer_tier, name, life(), options)
    }

    fn seal_of(
        &self,
        tier: usize,
        name: &AgencyCode,
        life: Validity,
        options: IssueOptions,
    ) -> Seal {
        let (chain, key) = self.issue(tier, &Subject::Seal(name.clone()), life, options);
        let key = signer_from_pkcs8_der(key.pkcs8_der()).expect("a key of ours");
        Seal { chain, key }
    }

    /// Key and certificates for a node, from the authority of a tier. Ed25519.
    pub fn node(&self, tier: usize, node: &NodeId) -> (Vec<Vec<u8>>, Key) {
        self.issue(tier, &Subject::Node(node.clone()), life(), IssueOptions::default())
    }

    /// A node's identity that ran out yesterday.
    pub fn expired_node(&self, tier: usize, node: &NodeId) -> Identity {
        let subject = Subject::Node(node.clone());
        let (chain, key) = self.issue(tier, &subject, ended(), IssueOptions::default());
        Identity { chain_der: chain, key_pkcs8_der: key.pkcs8_der().to_vec() }
    }

    /// The key and certificates of an agency's seal, used as if they were a node's.
    pub fn seal_identity(&self, tier: usize) -> Identity {
        let subject = Subject::Seal(agency(tier));
        let (chain, key) = self.issue(tier, &subject, life(), IssueOptions::default());
        Identity { chain_der: chain, key_pkcs8_der: key.pkcs8_der().to_vec() }
    }

    /// Another certificate of a key that a seal of that tier has.
    pub fn renewed(&self, tier: usize, key: &Key) -> Vec<Vec<u8>> {
        let request = Request::new(&Subject::Seal(agency(tier)), key).expect("a request");
        let (authority, mut entropy) = (&self.tiers[tier], SystemEntropy::new());
        let der = authority.issue(&request, life(), &mut entropy, IssueOptions::default());
        authority.presented_chain_of(&der.expect("a certificate"))
    }

    /// A revocation list of the authority of a tier, DER; higher numbers are newer.
    pub fn list(&self, tier: usize, number: u64, revoked: &[&[u8]]) -> Vec<u8> {
        let made = UnixMillis(self.began.0 - HOUR_MS + number * 1_000);
        let entries: Vec<Revoked> = revoked
            .iter()
            .map(|der| Revoked {
                serial: read_certificate(der).expect("a certificate").serial,
                at: made,
                reason: Reason::KeyCompromise,
            })
            .collect();
        let list = self.tiers[tier].sign_crl(number, made, self.began.plus_ms(DAY_MS), &entries);
        list.expect("a revocation list")
    }

    fn issue(
        &self,
        tier: usize,
        subject: &Subject,
        life: Validity,
        options: IssueOptions,
    ) -> (Vec<Vec<u8>>, Key) {
        let mut entropy = SystemEntropy::new();
        let key = Key::generate(KeyAlgorithm::Ed25519, &mut entropy).expect("a key");
        let request = Request::new(subject, &key).expect("a request");
        let authority = &self.tiers[tier];
        let der = authority.issue(&request, life, &mut entropy, options).expect("a certificate");
        (authority.presented_chain_of(&der), key)
    }
}

/// From an hour ago.
fn life() -> Validity {
    Validity::days(UnixMillis(wall_now().0 - HOUR_MS), 30)
}

/// Until yesterday.
fn ended() -> Validity {
    let ago = |days: u64| UnixMillis(wall_now().0 - days * DAY_MS);
    Validity { not_before: ago(31), not_after: ago(1) }
}
