//! Certificates of document systems, which call a node from other machines.
//!
//! Their authorities need be none of the network's: an agency's own, such as the one of its Windows
//! domain, will do. What such a certificate lets its holder do is the configuration's affair.

use tram_dispatch::{Code, UnixMillis};

use crate::certificate::Certificate;
use crate::certificate::profile::Purpose;
use crate::chain::{self, Anchors};
use crate::revocation::{Crls, Revocation};
use crate::verdict::Refusal;

/// Most anchors.
pub const ANCHORS_MAX: usize = 64;

/// The authorities that certify document systems.
#[derive(Clone, Debug)]
pub struct SystemAuthorities(Anchors);

impl SystemAuthorities {
    /// Takes CA certificates, DER.
    ///
    /// # Errors
    /// `TOO_LARGE` over [`ANCHORS_MAX`]; those of one that is no CA or whose key cannot serve.
    pub fn new(anchors_der: &[Vec<u8>]) -> Result<Self, Refusal> {
        if anchors_der.len() > ANCHORS_MAX {
            let detail = format!("{} authorities; at most {ANCHORS_MAX}", anchors_der.len());
            return Err(Refusal::new(Code::TooLarge, detail));
        }
        let mut anchors = Anchors::default();
        anchors_der.iter().try_for_each(|der| anchors.add(der))?;
        Ok(SystemAuthorities(anchors))
    }

    /// Judges what a system showed, its own certificate first: a path to an authority, valid now, for a
    /// client of TLS where it says what it is for, and not revoked. Where there is a list of an authority
    /// on the path, it decides until `grace_ms` after its own end; an authority without a list revokes
    /// nothing.
    ///
    /// # Errors
    /// The codes of the certificate checks; `REVOCATION_UNKNOWN` beyond the grace.
    pub fn judge(
        &self,
        chain_der: &[Vec<u8>],
        crls: &Crls,
        grace_ms: u64,
        now: UnixMillis,
    ) -> Result<Certificate, Refusal> {
        let mut chain = chain::read(chain_der)?;
        let path = chain::build(&self.0, &chain, Purpose::System, now, crls)?;
        if let Revocation::Unknown { as_of } = path.status.status(now, grace_ms) {
            let detail = format!(
                "a revocation list for this certificate is of {as_of}, and the grace after its end \
                 has run out"
            );
            return Err(Refusal::new(Code::RevocationUnknown, detail));
        }
        let leaf = chain.swap_remove(0);
        leaf.key()?;
        let signs = leaf.usages().is_none_or(|usages| usages.digital_signature);
        if leaf.is_ca() || !signs {
            let what =
                if leaf.is_ca() { "it is a CA" } else { "its key usage lacks digitalSignature" };
            let detail = format!("certificate of \"{}\": {what}", leaf.subject());
            return Err(Refusal::new(Code::CertificateInvalid, detail));
        }
        Ok(leaf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Name;
    use crate::fixtures::{Authority, Leaf};
    use rcgen::{ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, PublicKeyData as _};

    const DAY_MS: u64 = 86_400_000;
    const NOW: UnixMillis = UnixMillis(1_795_248_000_000);

    fn ago(days: u64) -> UnixMillis {
        UnixMillis(NOW.0 - days * DAY_MS)
    }

    fn leaf() -> Leaf {
        Leaf {
            subject: "may chu van thu".to_owned(),
            names: vec!["vanthu.h41.example.vn".to_owned()],
            usages: vec![KeyUsagePurpose::DigitalSignature],
            purposes: vec![ExtendedKeyUsagePurpose::ClientAuth],
            from: ago(10),
            until: NOW.plus_ms(10 * DAY_MS),
            is_ca: false,
        }
    }

    struct World {
        ca: Authority,
        key: KeyPair,
        authorities: SystemAuthorities,
    }

    impl World {
        fn new() -> Self {
            let ca = Authority::root("agency ca", ago(100), NOW.plus_ms(100 * DAY_MS));
            let authorities = SystemAuthorities::new(&[ca.der().to_vec()]).unwrap();
            World { ca, key: KeyPair::generate().unwrap(), authorities }
        }

        fn issue(&self, leaf: &Leaf) -> Vec<Vec<u8>> {
            vec![self.ca.issue_for(leaf, &self.key)]
        }

        fn refused(&self, leaf: &Leaf) -> Code {
            let chain = self.issue(leaf);
            self.authorities.judge(&chain, &Crls::none(), 0, NOW).unwrap_err().code
        }
    }

    #[test]
    fn a_certificate_of_the_agency_own_authority_will_do() {
        let world = World::new();
        let known = world.authorities.judge(&world.issue(&leaf()), &Crls::none(), 0, NOW).unwrap();
        assert_eq!(known.names(), [Name::Dns("vanthu.h41.example.vn".to_owned())]);
        assert_eq!(known.subject(), "CN=may chu van thu");
        // As quickly made ones are: without a word about what they are for.
        let plain = Leaf { usages: Vec::new(), purposes: Vec::new(), ..leaf() };
        world.authorities.judge(&world.issue(&plain), &Crls::none(), 0, NOW).unwrap();
        assert!(!world.key.der_bytes().is_empty());
    }

    #[test]
    fn what_is_wrong_with_a_certificate_has_its_code() {
        let world = World::new();
        let none = world.authorities.judge(&[], &Crls::none(), 0, NOW).unwrap_err();
        assert_eq!(none.code, Code::CertificateUntrusted);
        let other = World { ca: Authority::root("other", ago(9), NOW), ..World::new() };
        let chain = other.issue(&leaf());
        let foreign = world.authorities.judge(&chain, &Crls::none(), 0, NOW).unwrap_err();
        assert_eq!(foreign.code, Code::CertificateUntrusted);
        assert_eq!(world.refused(&Leaf { until: ago(1), ..leaf() }), Code::CertificateExpired);
        let early = Leaf { from: NOW.plus_ms(DAY_MS), ..leaf() };
        assert_eq!(world.refused(&early), Code::CertificateNotYetValid);
        let server = Leaf { purposes: vec![ExtendedKeyUsagePurpose::ServerAuth], ..leaf() };
        assert_eq!(world.refused(&server), Code::CertificateInvalid);
        let encrypts = Leaf { usages: vec![KeyUsagePurpose::KeyEncipherment], ..leaf() };
        assert_eq!(world.refused(&encrypts), Code::CertificateInvalid);
        assert_eq!(world.refused(&Leaf { is_ca: true, ..leaf() }), Code::CertificateInvalid);
        let not_ca = SystemAuthorities::new(&world.issue(&leaf())).unwrap_err();
        assert_eq!(not_ca.code, Code::CertificateInvalid);
    }

    #[test]
    fn a_list_revokes_and_a_list_that_ran_out_decides_for_the_grace() {
        let world = World::new();
        let chain = world.issue(&leaf());
        let serial = Certificate::parse(&chain[0]).unwrap().serial().to_vec();
        let judged = |list: Vec<u8>, grace_ms| {
            let mut crls = Crls::none();
            crls.add(&list).unwrap();
            world.authorities.judge(&chain, &crls, grace_ms, NOW).map_err(|r| r.code)
        };
        let soon = NOW.plus_ms(DAY_MS);
        let revoked = world.ca.crl(&[(&serial, ago(1))], ago(1), soon);
        assert_eq!(judged(revoked, 0).unwrap_err(), Code::CertificateRevoked);
        assert!(judged(world.ca.crl(&[], ago(1), soon), 0).is_ok());
        let old = world.ca.crl(&[], ago(5), ago(2));
        assert!(judged(old.clone(), 3 * DAY_MS).is_ok());
        assert_eq!(judged(old, DAY_MS).unwrap_err(), Code::RevocationUnknown);
    }
}
