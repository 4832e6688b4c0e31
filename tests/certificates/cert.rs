//! Certificates to spoil: every field is DER that a shape may replace.

use tram_crypto::sha256;
use tram_dispatch::UnixMillis;

use crate::der::{
    TRUE, bits, common_name, holds, implicit, integer, named_bits, octets, oid, sequence, time,
};
use crate::keys::{Key, Scheme, ed25519};

pub(crate) const BASIC_CONSTRAINTS: &str = "2.5.29.19";
pub(crate) const KEY_USAGE: &str = "2.5.29.15";
pub(crate) const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
pub(crate) const ALTERNATIVE_NAME: &str = "2.5.29.17";
pub(crate) const NAME_CONSTRAINTS: &str = "2.5.29.30";
pub(crate) const SUBJECT_KEY: &str = "2.5.29.14";
pub(crate) const AUTHORITY_KEY: &str = "2.5.29.35";
pub(crate) const DISTRIBUTION_POINTS: &str = "2.5.29.31";

pub(crate) const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
pub(crate) const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
pub(crate) const DOCUMENT_SIGNING: &str = "1.3.6.1.5.5.7.3.36";

/// When certificates begin and end, as UTCTime: 2026-01-01 and 2028-01-01, as in the fixture network.
pub(crate) const FROM: &str = "260101000000Z";
pub(crate) const UNTIL: &str = "280101000000Z";

/// What a chain is presented for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// To seal a dispatch of the commune.
    Seal,
    /// To open a session as the commune's node.
    Node,
}

impl Purpose {
    pub(crate) const BOTH: [Purpose; 2] = [Purpose::Seal, Purpose::Node];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Purpose::Seal => "seal",
            Purpose::Node => "node",
        }
    }

    /// The dNSName of the commune's leaf.
    pub(crate) fn dns(self) -> &'static str {
        match self {
            Purpose::Seal => "03.12.h41.agency.alt",
            Purpose::Node => "n1.03.12.h41.node.alt",
        }
    }

    /// The extended key usages of its profile.
    pub(crate) fn uses(self) -> &'static [&'static str] {
        match self {
            Purpose::Seal => &[DOCUMENT_SIGNING],
            Purpose::Node => &[SERVER_AUTH, CLIENT_AUTH],
        }
    }
}

/// One extension; `critical` is the encoded BOOLEAN or nothing.
#[derive(Clone, Debug)]
pub(crate) struct Extension {
    pub(crate) oid: String,
    pub(crate) critical: Vec<u8>,
    pub(crate) value: Vec<u8>,
}

impl Extension {
    pub(crate) fn new(oid: &str, critical: bool, value: Vec<u8>) -> Self {
        let critical = if critical { TRUE.to_vec() } else { Vec::new() };
        Extension { oid: oid.to_owned(), critical, value }
    }

    fn encode(&self) -> Vec<u8> {
        sequence(&[oid(&self.oid), self.critical.clone(), octets(&self.value)])
    }
}

/// One certificate before it is signed. Whole DER items, except the extensions' parts.
#[derive(Clone, Debug)]
pub(crate) struct Cert {
    pub(crate) version: Vec<u8>,
    pub(crate) serial: Vec<u8>,
    /// The AlgorithmIdentifier inside, where it is not the one outside.
    pub(crate) inner: Option<Vec<u8>>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) from: Vec<u8>,
    pub(crate) until: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    pub(crate) spki: Vec<u8>,
    /// What stands between key and extensions: the unique identifiers.
    pub(crate) unique: Vec<u8>,
    pub(crate) extensions: Vec<Extension>,
    /// What stands behind the extensions inside the signed part.
    pub(crate) tail: Vec<u8>,
    /// What it is signed with, where not the issuer's ordinary scheme.
    pub(crate) scheme: Option<Scheme>,
}

impl Cert {
    pub(crate) fn bare(subject: &str, issuer: &Cert, key: &Key) -> Self {
        let mut serial = sha256(subject.as_bytes())[..16].to_vec();
        serial[0] = serial[0] & 0x3f | 0x40;
        let mut cert = Cert {
            version: holds(0, &integer(&[2])),
            serial: integer(&serial),
            inner: None,
            issuer: issuer.subject.clone(),
            from: time(FROM),
            until: time(UNTIL),
            subject: common_name(subject),
            spki: key.spki(),
            unique: Vec::new(),
            extensions: Vec::new(),
            tail: Vec::new(),
            scheme: None,
        };
        cert.set(SUBJECT_KEY, false, octets(&key_identifier(&cert.spki)));
        let authority = implicit(0, &key_identifier(&issuer.spki));
        cert.set(AUTHORITY_KEY, false, sequence(&[authority]));
        cert
    }

    /// A CA; `permitted` are dNSName subtrees.
    pub(crate) fn authority(subject: &str, issuer: &Cert, key: &Key, permitted: &[&str]) -> Self {
        let mut cert = Cert::bare(subject, issuer, key);
        cert.set(BASIC_CONSTRAINTS, true, basic(None));
        cert.set(KEY_USAGE, true, named_bits(&[5, 6]));
        if !permitted.is_empty() {
            cert.set(NAME_CONSTRAINTS, true, constraints(permitted, &[]));
        }
        cert
    }

    /// A leaf of the commune as `certs/` describes it.
    pub(crate) fn leaf(purpose: Purpose, issuer: &Cert, key: &Key) -> Self {
        let mut cert = Cert::bare(&format!("a {}", purpose.word()), issuer, key);
        let usages: &[u8] = if purpose == Purpose::Seal { &[0, 1] } else { &[0] };
        cert.set(KEY_USAGE, true, named_bits(usages));
        cert.set(EXTENDED_KEY_USAGE, false, uses(purpose.uses()));
        cert.set(ALTERNATIVE_NAME, false, dns_names(&[purpose.dns()]));
        cert
    }

    /// A self-signed anchor.
    pub(crate) fn anchor(subject: &str, key: &Key) -> Self {
        let unsigned = Cert {
            version: Vec::new(),
            serial: Vec::new(),
            inner: None,
            issuer: Vec::new(),
            from: Vec::new(),
            until: Vec::new(),
            subject: common_name(subject),
            spki: key.spki(),
            unique: Vec::new(),
            extensions: Vec::new(),
            tail: Vec::new(),
            scheme: None,
        };
        Cert::authority(subject, &unsigned, key, &[])
    }

    /// Puts an extension in, or in the place of the one there is.
    pub(crate) fn set(&mut self, oid: &str, critical: bool, value: Vec<u8>) -> &mut Self {
        let new = Extension::new(oid, critical, value);
        match self.extensions.iter_mut().find(|e| e.oid == oid) {
            Some(old) => *old = new,
            None => self.extensions.push(new),
        }
        self
    }

    pub(crate) fn remove(&mut self, oid: &str) -> &mut Self {
        self.extensions.retain(|e| e.oid != oid);
        self
    }

    /// Puts an extension behind the others, even if there is one of its kind.
    pub(crate) fn push(&mut self, oid: &str, critical: bool, value: Vec<u8>) -> &mut Self {
        self.extensions.push(Extension::new(oid, critical, value));
        self
    }

    pub(crate) fn valid(&mut self, from: &str, until: &str) -> &mut Self {
        (self.from, self.until) = (time(from), time(until));
        self
    }

    /// The to-be-signed part.
    pub(crate) fn to_be_signed(&self, scheme: Scheme) -> Vec<u8> {
        let extensions: Vec<Vec<u8>> = self.extensions.iter().map(Extension::encode).collect();
        let extensions = match extensions.is_empty() {
            true => Vec::new(),
            false => holds(3, &sequence(&extensions)),
        };
        sequence(&[
            self.version.clone(),
            self.serial.clone(),
            self.inner.clone().unwrap_or_else(|| scheme.identifier()),
            self.issuer.clone(),
            sequence(&[self.from.clone(), self.until.clone()]),
            self.subject.clone(),
            self.spki.clone(),
            self.unique.clone(),
            extensions,
            self.tail.clone(),
        ])
    }

    /// The certificate, signed by this key.
    pub(crate) fn sign(&self, key: &Key) -> Vec<u8> {
        let scheme = self.scheme.unwrap_or_else(|| key.scheme());
        let signed = self.to_be_signed(scheme);
        let signature = key.sign(scheme, &signed);
        sequence(&[signed, scheme.identifier(), bits(&signature)])
    }
}

/// SHA-1-like short name of a key: any twenty bytes will do (RFC 5280 section 4.2.1.2).
pub(crate) fn key_identifier(spki: &[u8]) -> Vec<u8> {
    sha256(spki)[..20].to_vec()
}

/// basicConstraints of a CA.
pub(crate) fn basic(path_length: Option<u8>) -> Vec<u8> {
    let length = path_length.map(|n| integer(&[n])).unwrap_or_default();
    sequence(&[TRUE.to_vec(), length])
}

/// extKeyUsage.
pub(crate) fn uses(oids: &[&str]) -> Vec<u8> {
    sequence(&oids.iter().map(|o| oid(o)).collect::<Vec<_>>())
}

/// subjectAltName with dNSNames.
pub(crate) fn dns_names<T: AsRef<[u8]>>(names: &[T]) -> Vec<u8> {
    sequence(&names.iter().map(|name| implicit(2, name.as_ref())).collect::<Vec<_>>())
}

/// nameConstraints over dNSNames.
pub(crate) fn constraints(permitted: &[&str], excluded: &[&str]) -> Vec<u8> {
    let dns = |names: &[&str]| -> Vec<Vec<u8>> {
        names.iter().map(|name| implicit(2, name.as_bytes())).collect()
    };
    general_constraints(&dns(permitted), &dns(excluded))
}

/// nameConstraints over any GeneralNames.
pub(crate) fn general_constraints(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Vec<u8> {
    let subtrees = |number: u8, names: &[Vec<u8>]| match names.is_empty() {
        true => Vec::new(),
        false => {
            let trees: Vec<Vec<u8>> = names.iter().map(|name| sequence(&[name])).collect();
            holds(number, &crate::der::join(&trees))
        }
    };
    sequence(&[subtrees(0, permitted), subtrees(1, excluded)])
}

/// A leaf and the authorities above it, with all keys: what a shape spoils.
pub(crate) struct Line {
    pub(crate) purpose: Purpose,
    /// Leaf first, then the authorities from the lowest.
    pub(crate) certs: Vec<Cert>,
    /// The key of each.
    pub(crate) keys: Vec<Key>,
    pub(crate) anchor: Cert,
    pub(crate) anchor_key: Key,
    /// The moment that judges.
    pub(crate) at: UnixMillis,
}

/// Places of the authorities in [`Line::certs`] of a [`Line::full`].
pub(crate) const LEAF: usize = 0;
pub(crate) const COMMUNE: usize = 1;
pub(crate) const DISTRICT: usize = 2;
pub(crate) const PROVINCE: usize = 3;
pub(crate) const CENTRE: usize = 4;

impl Line {
    /// root → centre → province → district → commune → leaf, with name constraints from the province
    /// down.
    pub(crate) fn full(purpose: Purpose) -> Self {
        let tiers: [(&str, &[&str]); 4] = [
            ("centre CA", &[]),
            ("province CA", &["h41.agency.alt", "h41.node.alt"]),
            ("district CA", &["12.h41.agency.alt", "12.h41.node.alt"]),
            ("commune CA", &["03.12.h41.agency.alt", "03.12.h41.node.alt"]),
        ];
        Self::with(purpose, &tiers, ed25519("leaf"))
    }

    /// root → centre → leaf: no name constraint.
    pub(crate) fn short(purpose: Purpose) -> Self {
        Self::keyed(purpose, ed25519("leaf"))
    }

    /// As [`Line::short`], for a leaf with this key.
    pub(crate) fn keyed(purpose: Purpose, key: Key) -> Self {
        Self::with(purpose, &[("centre CA", &[])], key)
    }

    /// Authorities from the top, each with its permitted subtrees.
    pub(crate) fn with(purpose: Purpose, tiers: &[(&str, &[&str])], key: Key) -> Self {
        let anchor_key = ed25519("root CA");
        let anchor = Cert::anchor("root CA", &anchor_key);
        let (mut certs, mut keys) = (Vec::new(), Vec::new());
        for (name, permitted) in tiers {
            let own = ed25519(name);
            let issuer = certs.first().unwrap_or(&anchor);
            certs.insert(0, Cert::authority(name, issuer, &own, permitted));
            keys.insert(0, own);
        }
        certs.insert(0, Cert::leaf(purpose, certs.first().unwrap_or(&anchor), &key));
        keys.insert(0, key);
        Line { purpose, certs, keys, anchor, anchor_key, at: tram_trust::fixtures::NOW }
    }

    pub(crate) fn leaf(&mut self) -> &mut Cert {
        &mut self.certs[LEAF]
    }

    /// The authority that issued the leaf.
    pub(crate) fn issuer(&mut self) -> &mut Cert {
        &mut self.certs[COMMUNE]
    }

    /// Gives an authority another key, and what is below it the matching identifiers.
    pub(crate) fn rekey(&mut self, place: usize, key: Key) {
        self.certs[place].spki = key.spki();
        let name = key_identifier(&key.spki());
        self.certs[place].set(SUBJECT_KEY, false, octets(&name));
        self.certs[place - 1].set(AUTHORITY_KEY, false, sequence(&[implicit(0, &name)]));
        self.keys[place] = key;
    }

    /// The chain, each certificate signed by the key of the next.
    pub(crate) fn chain(&self) -> Vec<Vec<u8>> {
        let signers = self.keys[1..].iter().chain([&self.anchor_key]);
        self.certs.iter().zip(signers).map(|(cert, key)| cert.sign(key)).collect()
    }

    pub(crate) fn anchor_der(&self) -> Vec<u8> {
        self.anchor.sign(&self.anchor_key)
    }
}
