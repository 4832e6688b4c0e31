//! The development PKI: nested authorities, one per tier, and certificates that must be refused.

use std::path::Path;

use tram_crypto::{Entropy, Sign, signer_from_pkcs8_der};
use tram_dispatch::{AgencyCode, UnixMillis};
use tram_pki::{
    Authority, IssueOptions, Key, KeyAlgorithm, PkiError, Request, Subject, Subtree, Validity,
    write_certificates, write_new_file,
};

use super::failure::DemoError;
use super::tiers::{CENTRE, COMMUNE, TIERS, agency};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// How long the certificates of the demo last, days: long enough that nothing asks to be renewed.
const LIFE_DAYS: u32 = 365;

/// A seal key with its certificates.
pub(super) struct Seal {
    /// DER, leaf first, without the root.
    pub(super) chain: Vec<Vec<u8>>,
    /// The key.
    pub(super) key: Box<dyn Sign>,
}

/// Root and one authority per tier.
pub(super) struct Authorities {
    root: Authority,
    /// From the top, as [`TIERS`].
    tiers: Vec<Authority>,
    now: UnixMillis,
}

impl Authorities {
    /// Makes them: root → centre → province → district → commune, from the province down each
    /// limited to its own subtree.
    pub(super) fn new(now: UnixMillis, entropy: &mut dyn Entropy) -> Result<Self, PkiError> {
        let life = life(now);
        let root = Authority::new_root(
            "Tram demo root CA",
            Key::generate(KeyAlgorithm::P256, entropy)?,
            life,
            None,
            entropy,
        )?;
        let mut tiers: Vec<Authority> = Vec::new();
        for tier in TIERS {
            let above = tiers.last().unwrap_or(&root);
            let subtree = match tier.code {
                CENTRE => Subtree::Whole,
                code => Subtree::Of(agency(code)),
            };
            let key = Key::generate(KeyAlgorithm::P256, entropy)?;
            let name = format!("Tram demo {} CA", tier.word);
            tiers.push(above.new_subordinate(&name, key, &subtree, life, None, entropy)?);
        }
        Ok(Authorities { root, tiers, now })
    }

    /// The certificate that verifiers trust, DER.
    pub(super) fn root_certificate(&self) -> &[u8] {
        self.root.certificate()
    }

    /// The chain that answers a request, from the authority of this tier.
    pub(super) fn answer(
        &self,
        tier: usize,
        request: &Request,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<Vec<u8>>, PkiError> {
        let authority = &self.tiers[tier];
        let der = authority.issue(request, life(self.now), entropy, IssueOptions::default())?;
        Ok(authority.presented_chain_of(&der))
    }

    /// A seal for an agency, from the authority of its tier.
    pub(super) fn seal(
        &self,
        tier: usize,
        entropy: &mut dyn Entropy,
    ) -> Result<(Seal, Key), DemoError> {
        let agency = agency(TIERS[tier].code);
        self.make(tier, &agency, life(self.now), IssueOptions::default(), entropy)
    }

    /// A seal of the centre that ran out yesterday.
    pub(super) fn expired_seal(&self, entropy: &mut dyn Entropy) -> Result<Seal, DemoError> {
        let ago = |days: u64| UnixMillis(self.now.0.saturating_sub(days * DAY_MS));
        let life = Validity { not_before: ago(31), not_after: ago(1) };
        Ok(self.make(0, &agency(CENTRE), life, IssueOptions::default(), entropy)?.0)
    }

    /// A seal in the name of the centre that the commune's authority had no right to issue.
    pub(super) fn outside_seal(&self, entropy: &mut dyn Entropy) -> Result<Seal, DemoError> {
        let commune = TIERS.iter().position(|t| t.code == COMMUNE).unwrap_or_default();
        let options = IssueOptions { allow_outside_constraints: true };
        Ok(self.make(commune, &agency(CENTRE), life(self.now), options, entropy)?.0)
    }

    fn make(
        &self,
        tier: usize,
        agency: &AgencyCode,
        life: Validity,
        options: IssueOptions,
        entropy: &mut dyn Entropy,
    ) -> Result<(Seal, Key), DemoError> {
        let key = Key::generate(KeyAlgorithm::P256, entropy)?;
        let request = Request::new(&Subject::Seal(agency.clone()), &key)?;
        let authority = &self.tiers[tier];
        let der = authority.issue(&request, life, entropy, options)?;
        let signer = signer_from_pkcs8_der(key.pkcs8_der()).map_err(|_| PkiError::PrivateKey)?;
        Ok((Seal { chain: authority.presented_chain_of(&der), key: signer }, key))
    }

    /// Writes keys and certificates, so that a person can go on issuing with `tram pki`.
    pub(super) fn write(&self, folder: &Path) -> Result<(), PkiError> {
        let words = TIERS.iter().map(|tier| tier.word);
        let tiers = words.zip(&self.tiers);
        for (word, authority) in std::iter::once(("root", &self.root)).chain(tiers) {
            authority.key().write_new(&folder.join(format!("{word}.key")))?;
            let chain = write_certificates(authority.chain());
            write_new_file(&folder.join(format!("{word}.crt")), chain.as_bytes())?;
        }
        Ok(())
    }
}

/// From an hour ago, so that clocks that differ a little do not matter.
fn life(now: UnixMillis) -> Validity {
    Validity::days(UnixMillis(now.0.saturating_sub(HOUR_MS)), LIFE_DAYS)
}
