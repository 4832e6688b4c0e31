//! Why a certificate was not made.

use std::path::PathBuf;

use tram_dispatch::UnixMillis;

/// Why something could not be issued or read.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// Not the DER or PEM of the thing expected.
    #[error("not a {what}: {detail}")]
    Format {
        /// The thing expected.
        what: &'static str,
        /// What the parser says.
        detail: String,
    },
    /// Larger than any real one.
    #[error("the {what} has {bytes} bytes, more than {bytes_max}")]
    TooLarge {
        /// The thing.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The request's signature does not verify with the key inside it.
    #[error(
        "the request's signature does not verify: it was altered, or its maker does not hold the key"
    )]
    RequestSignature,
    /// A key that the product does not verify with.
    #[error("the key is not accepted: {0}")]
    KeyNotAccepted(String),
    /// A private key other than Ed25519 or P-256.
    #[error("a private key here is Ed25519 or P-256, as PKCS#8 without a password")]
    PrivateKey,
    /// The private key belongs to another certificate.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// More or fewer names than one.
    #[error("a certificate has exactly one name, this request asks for {0}")]
    NameCount(usize),
    /// A name that is neither an agency's nor a node's.
    #[error(
        "\"{0}\" is neither an agency (03.12.h41.agency.alt) nor a node (n1.03.12.h41.node.alt)"
    )]
    NameForm(String),
    /// A wildcard: it would speak for agencies that were never named.
    #[error("\"{0}\" is a wildcard, and a certificate speaks for one agency or node only")]
    Wildcard(String),
    /// An opaque agency code has no name in certificates.
    #[error(
        "agency code {0} fits neither national grammar, so it has no name in certificates; bind its certificate in the directory"
    )]
    Opaque(String),
    /// The request asks for more than its profile has.
    #[error("the request asks for {0}, which its profile does not have (certs/README.md)")]
    NotInProfile(String),
    /// A request for an authority where one for a node or seal is needed, or the other way round.
    #[error("this is a request for {found}, not for {expected}")]
    OtherPurpose {
        /// What it asks for.
        found: &'static str,
        /// What was needed.
        expected: &'static str,
    },
    /// The name lies outside the subtree of this authority or one above it.
    #[error(
        "{name} lies outside what \"{authority}\" may certify ({permitted}); every verifier would refuse the certificate"
    )]
    OutsideConstraints {
        /// The name asked for.
        name: String,
        /// The authority whose constraint it breaks.
        authority: String,
        /// Its permitted subtrees.
        permitted: String,
    },
    /// The authority may not have authorities below it, or not so many levels.
    #[error("\"{authority}\" may have {allowed} levels of authorities below it, not {asked}")]
    PathLength {
        /// The authority.
        authority: String,
        /// Levels its certificate allows.
        allowed: u8,
        /// Levels the new authority and those below it would need.
        asked: u16,
    },
    /// A chain longer than verifiers take.
    #[error("the chain would have {0} certificates, more than verifiers accept")]
    ChainLength(usize),
    /// The certificate is not an authority's.
    #[error("\"{0}\" is not an authority: its certificate may not sign {1}")]
    NotAuthority(String, &'static str),
    /// The certificates given do not follow each other.
    #[error("\"{0}\" was not signed by the next certificate in the chain")]
    ChainOrder(String),
    /// The end is not after the beginning, or beyond the year 9999.
    #[error("a validity from {0} to {1} is empty, or reaches beyond the year 9999")]
    EmptyValidity(UnixMillis, UnixMillis),
    /// It would be valid longer than its issuer.
    #[error("valid until {asked}, but its authority only until {limit}")]
    OutlivesIssuer {
        /// The end asked for.
        asked: UnixMillis,
        /// The issuer's end.
        limit: UnixMillis,
    },
    /// A common name that is empty, too long or not plain text.
    #[error("\"{0}\" does not name an authority: 1 to 64 characters, no control characters")]
    CommonName(String),
    /// A serial number that is not 1 to 20 bytes and positive.
    #[error("a serial number is 1 to 20 bytes in hexadecimal, positive")]
    Serial,
    /// One serial number twice in a revocation list.
    #[error("serial number {0} is in the list twice")]
    RevokedTwice(String),
    /// The source of randomness failed.
    #[error(transparent)]
    Entropy(#[from] tram_crypto::EntropyError),
    /// The library that encodes certificates refused.
    #[error("cannot encode: {0}")]
    Encode(#[from] rcgen::Error),
    /// A file could not be read or made.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        error: std::io::Error,
    },
}
