//! Issues certificates and revocation lists for a Trạm network.
//!
//! The names are those of `docs/architecture.md`: agency `H41.12.03` is `03.12.h41.agency.alt`,
//! its node `n1` is `n1.03.12.h41.node.alt`, and an authority below the centre is limited to one
//! subtree of both by standard name constraints (RFC 5280 section 4.2.1.10), which every verifier
//! enforces. The profiles are described in `certs/README.md`.
//!
//! An [`Authority`] refuses to sign what verifiers would refuse later, and says why, because a
//! certificate that fails only at the far end of the country is expensive. Verification itself
//! is not here: it is the work of `trust`.
//!
//! Times and randomness are arguments. Only [`Key::read`], [`Key::write_new`], [`read_file`] and
//! [`write_new_file`] touch files.

mod authority;
mod crl;
mod error;
mod file;
mod key;
mod name;
mod pem;
mod profile;
mod request;
mod serial;
mod show;

pub use authority::{Authority, IssueOptions};
pub use crl::{CrlInfo, Reason, Revoked, read_crl};
pub use error::PkiError;
pub use file::{read_file, write_new_file};
pub use key::{Key, KeyAlgorithm};
pub use name::{Subject, Subtree};
pub use pem::{read_certificates, write_certificates, write_crl, write_request};
pub use profile::{
    AUTHORITY_DAYS, CRL_DAYS, NODE_DAYS, OID_DOCUMENT_SIGNING, ROOT_DAYS, SEAL_DAYS, Validity,
};
pub use request::{Asked, Request};
pub use serial::Serial;
pub use show::{CertificateInfo, read_certificate};
