//! The authorities of the design's example country, and verification by rustls-webpki.
#![allow(dead_code)]

use std::time::Duration;

use rustls_pki_types::{CertificateDer, UnixTime};
use tram_crypto::SeededEntropy;
use tram_dispatch::{AgencyCode, UnixMillis};
use tram_pki::{Authority, IssueOptions, Key, KeyAlgorithm, Request, Subject, Subtree, Validity};
use webpki::{
    ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, OwnedCertRevocationList,
    RevocationOptionsBuilder, anchor_from_trusted_cert,
};

/// 2026-11-21T00:00:00Z.
pub(crate) const NOW: UnixMillis = UnixMillis(1_795_219_200_000);
pub(crate) const DAY_MS: u64 = 86_400_000;
pub(crate) const FORCED: IssueOptions = IssueOptions { allow_outside_constraints: true };
pub(crate) const STRICT: IssueOptions = IssueOptions { allow_outside_constraints: false };

pub(crate) const SERVER_AUTH: &[u8] = &[43, 6, 1, 5, 5, 7, 3, 1];
pub(crate) const CLIENT_AUTH: &[u8] = &[43, 6, 1, 5, 5, 7, 3, 2];
pub(crate) const DOCUMENT_SIGNING: &[u8] = &[43, 6, 1, 5, 5, 7, 3, 36];

/// Root, centre, province H41, district H41.12, commune H41.12.03, in this order.
pub(crate) struct World {
    pub(crate) entropy: SeededEntropy,
    pub(crate) algorithm: KeyAlgorithm,
    from: UnixMillis,
    pub(crate) tiers: Vec<Authority>,
}

pub(crate) fn code(text: &str) -> AgencyCode {
    AgencyCode::parse(text).unwrap()
}

pub(crate) fn seal(text: &str) -> Subject {
    Subject::Seal(code(text))
}

pub(crate) fn node(text: &str) -> Subject {
    Subject::Node(text.parse().unwrap())
}

pub(crate) fn days(days: u32) -> Validity {
    Validity::days(UnixMillis(NOW.0 - DAY_MS), days)
}

impl World {
    pub(crate) fn new(algorithm: KeyAlgorithm) -> Self {
        Self::at(algorithm, NOW)
    }

    /// With authorities valid from a day before `now`.
    pub(crate) fn at(algorithm: KeyAlgorithm, now: UnixMillis) -> Self {
        let from = UnixMillis(now.0 - DAY_MS);
        let valid = Validity::days(from, 7300);
        let mut entropy = SeededEntropy::from_u64(7);
        let key = Key::generate(algorithm, &mut entropy).unwrap();
        let root = Authority::new_root("test root", key, valid, Some(4), &mut entropy);
        let mut world = World { entropy, algorithm, from, tiers: vec![root.unwrap()] };
        for subtree in [
            Subtree::Whole,
            Subtree::Of(code("H41")),
            Subtree::Of(code("H41.12")),
            Subtree::Of(code("H41.12.03")),
        ] {
            let next = world.below(world.tiers.len() - 1, &subtree);
            world.tiers.push(next);
        }
        world
    }

    pub(crate) fn key(&mut self) -> Key {
        Key::generate(self.algorithm, &mut self.entropy).unwrap()
    }

    /// A new authority below tier `tier`.
    pub(crate) fn below(&mut self, tier: usize, subtree: &Subtree) -> Authority {
        let key = self.key();
        let name = format!("test authority {subtree:?}");
        let valid = Validity::days(self.from, 3650);
        self.tiers[tier]
            .new_subordinate(&name, key, subtree, valid, None, &mut self.entropy)
            .unwrap()
    }

    pub(crate) fn issue(
        &mut self,
        tier: usize,
        subject: &Subject,
        options: IssueOptions,
    ) -> Issued {
        let key = self.key();
        let request = Request::new(subject, &key).unwrap();
        let authority = &self.tiers[tier];
        let der = authority.issue(&request, days(397), &mut self.entropy, options).unwrap();
        Issued { chain: authority.presented_chain_of(&der) }
    }

    pub(crate) fn verify(
        &self,
        issued: &Issued,
        usage: &'static [u8],
        at: UnixMillis,
    ) -> Result<(), webpki::Error> {
        self.verify_with(issued, usage, at, &[])
    }

    /// By rustls-webpki, with the root as the only anchor; with lists, the leaf must be on one.
    pub(crate) fn verify_with(
        &self,
        issued: &Issued,
        usage: &'static [u8],
        at: UnixMillis,
        crls: &[&[u8]],
    ) -> Result<(), webpki::Error> {
        let root = CertificateDer::from(self.tiers[0].certificate());
        let anchors = [anchor_from_trusted_cert(&root)?];
        let chain: Vec<CertificateDer<'_>> =
            issued.chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        let lists: Vec<webpki::CertRevocationList<'_>> = crls
            .iter()
            .map(|der| Ok(OwnedCertRevocationList::from_der(der)?.into()))
            .collect::<Result<_, webpki::Error>>()?;
        let lists: Vec<&webpki::CertRevocationList<'_>> = lists.iter().collect();
        let revocation = (!lists.is_empty()).then(|| {
            RevocationOptionsBuilder::new(&lists)
                .unwrap()
                .with_depth(webpki::RevocationCheckDepth::EndEntity)
                .build()
        });
        EndEntityCert::try_from(&chain[0])?
            .verify_for_usage(
                ALL_VERIFICATION_ALGS,
                &anchors,
                &chain[1..],
                UnixTime::since_unix_epoch(Duration::from_millis(at.0)),
                KeyUsage::required_if_present(usage),
                revocation,
                None,
            )
            .map(|_| ())
    }
}

/// A node or seal certificate with the chain it is presented with.
pub(crate) struct Issued {
    pub(crate) chain: Vec<Vec<u8>>,
}
