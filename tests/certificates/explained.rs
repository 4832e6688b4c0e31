//! Why `openssl verify` and this product disagree, where they do.

/// Who is the stricter one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stricter {
    We,
    Openssl,
}

use Stricter::{Openssl, We};

const PROFILE: &str = "The profile of the product demands more than a path: keyUsage with digitalSignature and \
    without keyCertSign or cRLSign, an extended key usage, exactly the purpose.";
const PURPOSE: &str = "openssl 3.0 knows no purpose for document signing and is asked for any, so it does not look \
    at the extended key usage.";
const NAME: &str =
    "openssl looks for no name here; the product wants exactly one name in exactly one spelling.";
const NO_CA_CHECK: &str = "Asked for any purpose, openssl takes a CA for a leaf.";
const COUNT: &str =
    "The product takes at most six certificates, of at most 16 KiB each, and reads them all.";
const BER: &str = "openssl reads BER; the product takes DER only.";
const ANCHOR: &str =
    "The root document vouches for an anchor; openssl checks its own certificate as well.";
const KEY: &str = "openssl verify sets no minimum for keys (security level 0), and never uses the key of the leaf.";
const SPELLING: &str =
    "openssl takes keys in more than one spelling; the product names a key by the digest of one.";
const LAST_SECOND: &str =
    "openssl ends a validity at the beginning of its last second, the product at its end.";
const IDENTIFIER: &str = "openssl takes a key identifier that does not fit for another issuer, and under \
    -x509_strict wants one; for the product, as in RFC 5280 section 4.2.1.1, it is a hint.";
const BYTES: &str =
    "openssl folds letters, spaces and string types of names; the product compares bytes.";
const FIRST: &str =
    "openssl goes on with the first issuer that fits by name; the product tries every path.";
const STRICT: &str = "-x509_strict demands of CAs what RFC 5280 demands of those who issue, not of those who verify.";
const POLICY: &str =
    "The product does not process policies and refuses a critical one; openssl processes them.";
const NO_LIST: &str = "With -crl_check openssl wants a list that speaks of the leaf; a list that does not is none, \
    and without a list the product says \"not checked\", as configured.";
const GRACE: &str = "The product lets the last good list decide for 72 hours after its end.";
const MOMENT: &str =
    "The product compares the moment of revocation with the one that judges; openssl does not.";

/// Names of shapes (a star at the end stands for any rest, `?` for either purpose), who is stricter, and
/// why.
pub(crate) const EXPLAINED: &[(&str, Stricter, &str)] = &[
    ("validity/?/anchor expired", Openssl, ANCHOR),
    ("validity/?/leaf a single second, this one", Openssl, LAST_SECOND),
    ("validity/?/commune CA a single second, this one", Openssl, LAST_SECOND),
    ("validity/?/district CA a single second, this one", Openssl, LAST_SECOND),
    ("validity/?/province CA a single second, this one", Openssl, LAST_SECOND),
    ("validity/?/centre CA a single second, this one", Openssl, LAST_SECOND),
    ("validity/?/judged in the last millisecond", Openssl, LAST_SECOND),
    ("validity/?/from 1950*", We, "The product reads no moment before 1970."),
    ("usage/?/CA without key usage", Openssl, STRICT),
    ("usage/?/anchor without key usage", Openssl, STRICT),
    ("usage/?/leaf *", We, PROFILE),
    ("purpose/node/*", We, PROFILE),
    ("purpose/seal/*", We, PURPOSE),
    ("basic/?/CA with constraints not critical", Openssl, STRICT),
    ("basic/?/CA with constraints that says yes with 0x01", We, BER),
    ("basic/?/CA with constraints with a byte behind", We, BER),
    (
        "basic/?/leaf with constraints that say yes",
        We,
        "openssl takes a CA for a leaf where its key usage allows it.",
    ),
    ("issuer/?/name *", We, BYTES),
    ("issuer/?/*", Openssl, IDENTIFIER),
    ("self/?/a CA's new key by its old", Openssl, FIRST),
    ("self/seal/the CA as leaf", We, NO_CA_CHECK),
    ("self/seal/the anchor as leaf", We, NO_CA_CHECK),
    ("crossed/?/a namesake that is no CA", Openssl, FIRST),
    ("crowd/?/* certificates in a row", We, COUNT),
    ("names/?/leaf with *", We, NAME),
    ("names/?/commune's CA for a wildcard inside", We, NAME),
    ("names/?/commune's CA for capitals inside", We, NAME),
    (
        "names/?/constraint: a directory name excluded",
        We,
        "The product compares no directory names: any constraint on them is broken.",
    ),
    ("extension/?/unknown critical one in the anchor", Openssl, ANCHOR),
    (
        "extension/?/unknown one twice",
        We,
        "openssl lets an extension it does not know occur twice; nothing may.",
    ),
    ("extension/?/17 kB of unknown", We, COUNT),
    ("extension/?/certificatePolicies, critical*", We, POLICY),
    ("extension/?/inhibitAnyPolicy, critical*", We, POLICY),
    ("extension/?/policyConstraints, critical*", We, POLICY),
    ("extension/?/policyMappings, critical*", We, POLICY),
    (
        "extension/?/malformed authority information",
        We,
        "openssl does not read the extension; the product reads all it knows.",
    ),
    ("extension/?/leaf of v4", We, "openssl does not refuse versions after 3."),
    (
        "extension/?/unique identifiers",
        We,
        "The product takes no unique identifiers, which RFC 5280 forbids to write.",
    ),
    ("key/?/leaf with *", We, KEY),
    ("key/?/CA with *", We, KEY),
    ("key/?/anchor with *", We, KEY),
    ("key/?/spelling: *", We, SPELLING),
    (
        "key/node/spelling: point off the curve",
        Openssl,
        "The product leaves the point to the handshake, which no such key survives.",
    ),
    ("signature/?/SHA-1 with RSA", We, KEY),
    ("bag/seal/authorities without a leaf", We, NO_CA_CHECK),
    ("bag/seal/leaf at place *", We, NO_CA_CHECK),
    ("bag/?/*", We, COUNT),
    (
        "encoding/?/serial number of certificate *",
        We,
        "openssl takes any number; RFC 5280 says positive, at most 20 bytes.",
    ),
    ("encoding/?/long length *", We, BER),
    ("encoding/?/indefinite length *", We, BER),
    (
        "encoding/?/* behind the certificate",
        We,
        "openssl reads the first item of a PEM block and leaves the rest.",
    ),
    (
        "encoding/?/subject in UTF8String that is none",
        Openssl,
        "The subject is only shown, escaped; that it is no text does not matter.",
    ),
    ("list/?/of another issuer", Openssl, NO_LIST),
    ("list/?/of the root, for its CAs", Openssl, NO_LIST),
    ("list/?/signed by a stranger", Openssl, NO_LIST),
    ("list/?/with a broken signature", Openssl, NO_LIST),
    ("list/?/by a CA that may not sign lists", Openssl, NO_LIST),
    ("list/?/scope for CA certificates", Openssl, NO_LIST),
    ("list/?/point: the certificate names another", Openssl, NO_LIST),
    ("list/?/due this second", Openssl, GRACE),
    ("list/?/due 71 hours ago", Openssl, GRACE),
    (
        "list/?/made in the future",
        Openssl,
        "A list signed by the issuer's key is knowledge, however clocks differ; only its end is compared.",
    ),
    ("list/?/revoked in the next second", Openssl, MOMENT),
    (
        "list/?/revoked for removal from the list",
        We,
        "removeFromCRL belongs into deltas, which the product does not read; every reason revokes.",
    ),
    ("list/?/of version *", We, "openssl takes lists of other versions."),
    (
        "list/?/without nextUpdate",
        We,
        "RFC 5280 demands nextUpdate; without it nobody would know when a list is old.",
    ),
    ("list/?/file with a byte behind", We, BER),
    ("odd/?/an anchor without identifiers", Openssl, STRICT),
    ("list/?/with number twice", We, "openssl lets an extension occur twice in a list."),
];
