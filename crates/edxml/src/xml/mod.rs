//! XML as this crate reads and writes it: UTF-8, no document type, no entities beyond the five.

mod chars;
mod meter;
mod prolog;
mod pull;
mod stream;
mod tag;

pub(crate) use chars::first_forbidden;
pub(crate) use pull::Pull;
pub(crate) use tag::{Name, Space};

/// The namespace of QCVN 102:2016/BTTTT.
pub(crate) const NAMESPACE: &str = "http://www.mic.gov.vn/TBT/QCVN_102_2016";
/// The namespace of XML Signature.
pub(crate) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
