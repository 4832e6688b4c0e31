//! The shapes: certificates, chains and lists, each with the verdict expected and the reason.

mod algorithms;
mod bags;
mod encoding;
mod extensions;
mod lists;
mod names;
mod odd;
mod paths;
mod signatures;
mod usages;
mod validity;

use tram_dispatch::{Code, UnixMillis};

use crate::cert::{Line, Purpose};
use crate::keys::Key;

/// What the product must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Accepted,
    Refused(Code),
    /// Revocation cannot be told now: deferred, never evidence.
    Undetermined,
}

pub(crate) use Expected::{Accepted, Refused};
pub(crate) const INVALID: Expected = Refused(Code::CertificateInvalid);
pub(crate) const UNTRUSTED: Expected = Refused(Code::CertificateUntrusted);
pub(crate) const CONSTRAINT: Expected = Refused(Code::CertificateNameConstraint);
pub(crate) const ALGORITHM: Expected = Refused(Code::AlgorithmRefused);
pub(crate) const EXPIRED: Expected = Refused(Code::CertificateExpired);
pub(crate) const NOT_YET: Expected = Refused(Code::CertificateNotYetValid);
pub(crate) const REVOKED: Expected = Refused(Code::CertificateRevoked);
pub(crate) const TOO_LARGE: Expected = Refused(Code::TooLarge);

/// One hostile or odd thing to judge.
pub(crate) struct Shape {
    /// Unique; family, purpose, what is odd.
    pub(crate) name: String,
    /// Why this is the right verdict, in a sentence.
    pub(crate) why: String,
    pub(crate) purpose: Purpose,
    /// As presented: leaf first.
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) anchors: Vec<Vec<u8>>,
    pub(crate) crls: Vec<Vec<u8>>,
    pub(crate) at: UnixMillis,
    /// The key of the leaf.
    pub(crate) key: Key,
    /// Whether the seal is made with RSASSA-PSS.
    pub(crate) pss: bool,
    /// Whether a list that cannot be read is itself the verdict.
    pub(crate) unreadable_is_told: bool,
    pub(crate) expected: Expected,
}

/// Collects shapes.
#[derive(Default)]
pub(crate) struct Shapes(Vec<Shape>);

impl Shapes {
    /// A line as it stands.
    pub(crate) fn add(
        &mut self,
        what: &str,
        line: Line,
        expected: Expected,
        why: &str,
    ) -> &mut Shape {
        let chain = line.chain();
        self.add_chain(what, line, chain, expected, why)
    }

    /// A line of which another chain is presented.
    pub(crate) fn add_chain(
        &mut self,
        what: &str,
        mut line: Line,
        chain: Vec<Vec<u8>>,
        expected: Expected,
        why: &str,
    ) -> &mut Shape {
        let (family, what) = what.split_once('/').expect("a family");
        self.0.push(Shape {
            name: format!("{family}/{}/{what}", line.purpose.word()),
            why: why.to_owned(),
            purpose: line.purpose,
            chain,
            anchors: vec![line.anchor_der()],
            crls: Vec::new(),
            at: line.at,
            key: line.keys.swap_remove(0),
            pss: false,
            unreadable_is_told: false,
            expected,
        });
        self.0.last_mut().expect("just pushed")
    }
}

/// All of them, always in the same order.
pub(crate) fn all() -> Vec<Shape> {
    let mut shapes = Shapes::default();
    for purpose in Purpose::BOTH {
        validity::add(&mut shapes, purpose);
        usages::add(&mut shapes, purpose);
        paths::add(&mut shapes, purpose);
        names::add(&mut shapes, purpose);
        extensions::add(&mut shapes, purpose);
        algorithms::add(&mut shapes, purpose);
        signatures::add(&mut shapes, purpose);
        bags::add(&mut shapes, purpose);
        encoding::add(&mut shapes, purpose);
        lists::add(&mut shapes, purpose);
        odd::add(&mut shapes, purpose);
    }
    shapes.0
}

/// Those of [`paths`] alone.
pub(crate) fn of_paths() -> Vec<Shape> {
    let mut shapes = Shapes::default();
    Purpose::BOTH.into_iter().for_each(|purpose| paths::add(&mut shapes, purpose));
    shapes.0
}
