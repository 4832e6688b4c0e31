//! Where the product, or `openssl verify`, differs from the published answer, and why.

/// Who differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    We,
    Openssl,
}

use Who::{Openssl, We};

const NO_LIST: &str = "Without a list that speaks of a certificate PKITS refuses it; the product says \"not checked\", \
    and at this door an authority without a list revokes nothing.";
const UNREADABLE: &str = "The list is not taken (a delta, an indirect one, one for some reasons, an unknown critical \
    extension), which the operator is told when it comes; so there is none.";
const OTHER_KEY: &str = "The product takes a list for a certificate only if it is signed by the key that signed the \
    certificate; a list by another key of the same CA is none.";
const DELTA: &str = "The product reads no deltas: what the whole list revokes is revoked, even if a delta takes it back.";
const CONSTRAINT: &str = "The product compares names of DNS only: a constraint on directory names, mail addresses or \
    URIs is broken by any such name.";
const SELF_ISSUED: &str = "The product counts self-issued certificates of CAs in the length of a path; RFC 5280 does not.";
const DSA: &str = "The product takes no DSA.";
const INHERITED: &str = "openssl does not take parameters of DSA from the key above.";
const LIST_PATH: &str = "The list that speaks of the signer of this indirect list is signed by that signer itself; openssl 3.0 gives up there.";
const BYTES: &str =
    "The product compares the bytes of names, and does not fold letters, spaces and string types.";
const UNIQUE: &str = "The product takes no unique identifiers, which RFC 5280 forbids to write.";
const POLICY: &str =
    "The product does not process policies and refuses a critical extension about them.";
const CA_LEAF: &str = "The product takes no CA for a leaf.";
const BEFORE_1970: &str = "The product reads no moment before 1970.";

/// Names of cases (a star stands for anything), who differs, and why.
pub(crate) const EXPLAINED: &[(&str, Who, &str)] = &[
    ("InvalidBadCRL*", We, NO_LIST),
    ("InvalidMissingCRLTest1EE", We, NO_LIST),
    ("InvalidWrongCRLTest6EE", We, NO_LIST),
    ("InvalidkeyUsage*cRLSignFalseTest4EE", We, NO_LIST),
    ("InvalidkeyUsage*cRLSignFalseTest5EE", We, NO_LIST),
    ("InvaliddistributionPointTest*", We, NO_LIST),
    ("InvalidonlyContains*", We, NO_LIST),
    ("InvalidUnknownCRL*", We, UNREADABLE),
    ("InvalidIDPwithindirectCRLTest2*", We, UNREADABLE),
    ("InvalidcRLIssuerTest*", We, UNREADABLE),
    ("InvaliddeltaCRL*", We, UNREADABLE),
    ("InvalidonlySomeReasonsTest*", We, UNREADABLE),
    ("InvalidBasicSelfIssued*", We, OTHER_KEY),
    ("InvalidSeparateCertificateandCRLKeysTest2*", We, OTHER_KEY),
    ("ValiddeltaCRLTest5EE", We, DELTA),
    ("ValidDNnameConstraintsTest*", We, CONSTRAINT),
    ("ValidDNandRFC822nameConstraintsTest27EE", We, CONSTRAINT),
    ("ValidRFC822nameConstraintsTest2*", We, CONSTRAINT),
    ("ValidURInameConstraintsTest3*", We, CONSTRAINT),
    ("ValidSelfIssuedpathLenConstraintTest1*", We, SELF_ISSUED),
    ("ValidDSA*", We, DSA),
    ("ValidDSAParameterInheritanceTest5EE", Openssl, INHERITED),
    ("ValidcRLIssuerTest30EE", Openssl, LIST_PATH),
    ("ValidNameChaining*", We, BYTES),
    ("ValidRollover*", We, BYTES),
    ("ValidUTF8StringCaseInsensitiveMatchTest11EE", We, BYTES),
    ("ValidNameUIDsTest6EE", We, UNIQUE),
    ("ValidPolicyMappingTest*", We, POLICY),
    ("Validinhibit*", We, POLICY),
    ("ValidSelfIssuedinhibit*", We, POLICY),
    ("ValidrequireExplicitPolicyTest*", We, POLICY),
    ("ValidSelfIssuedrequireExplicitPolicyTest*", We, POLICY),
    ("ValidonlyContainsCACertsTest13EE", We, CA_LEAF),
    ("ValidpathLenConstraintTest*", We, CA_LEAF),
    ("Validpre2000UTCnotBeforeDateTest3EE", We, BEFORE_1970),
];
