//! Every door that bytes from outside come in by, as one function of bytes, with what must hold of
//! any bytes: no panic; what is taken is canonical (writing it again gives the same bytes); nothing
//! forged is believed; nothing shown to people holds a control character.
//!
//! A function returns if the rules held and panics if one was broken. The fuzz targets in
//! `tests/fuzz` call these functions, and so does `fuzz-smoke`, which needs no nightly compiler.

mod axis;
mod axis_door;
mod certificate;
mod configuration;
pub mod corpus;
mod edxml;
mod endpoint;
mod epoch;
mod evidence;
mod group;
pub mod mutate;
mod proof;
#[path = "../../../crates/api/tests/socket/fake.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    missing_debug_implementations,
    reason = "a node for tests, shared with the suite of the socket, which uses more of it"
)]
mod service;
mod socket;
mod store;
mod tiles;
mod time_stamp;
mod tls_door;
mod trust;
mod wire;

pub use axis::axis;
pub use axis_door::axis_http;
pub use certificate::{certificate, certificate_request, certificates, revocation_list, spki};
pub use configuration::{configuration, retention, working_days};
pub use edxml::{edxml, hidden_zip};
pub use endpoint::{datagrams, injection, stream};
pub use epoch::verified_epoch;
pub use evidence::{evidence_file, verified_evidence};
pub use group::group;
pub use proof::{checkpoint, cosignature, note, policy, proof};
pub use socket::{http, json};
pub use store::{anchor, journal, record};
pub use tiles::tiles;
pub use time_stamp::time_stamp;
pub use tls_door::tls_door;
pub use trust::{verified_directory, verified_dispatch, verified_receipt};
pub use wire::{
    bundle, cbor, cose, directory, dispatch, envelope, evidence, frame, genesis, receipt, root,
    signed_root,
};

/// One door.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: that of the fuzz target and of the folder of its corpus.
    pub name: &'static str,
    /// Gives it bytes; panics if a rule was broken.
    pub run: fn(&[u8]),
}

/// Every door, by name.
pub const TARGETS: &[Target] = &[
    Target { name: "anchor", run: anchor },
    Target { name: "axis", run: axis },
    Target { name: "axis_http", run: axis_http },
    Target { name: "bundle", run: bundle },
    Target { name: "cbor", run: cbor },
    Target { name: "certificate", run: certificate },
    Target { name: "certificate_request", run: certificate_request },
    Target { name: "certificates", run: certificates },
    Target { name: "checkpoint", run: checkpoint },
    Target { name: "configuration", run: configuration },
    Target { name: "cose", run: cose },
    Target { name: "cosignature", run: cosignature },
    Target { name: "datagrams", run: datagrams },
    Target { name: "directory", run: directory },
    Target { name: "dispatch", run: dispatch },
    Target { name: "edxml", run: edxml },
    Target { name: "envelope", run: envelope },
    Target { name: "evidence", run: evidence },
    Target { name: "evidence_file", run: evidence_file },
    Target { name: "frame", run: frame },
    Target { name: "genesis", run: genesis },
    Target { name: "group", run: group },
    Target { name: "hidden_zip", run: hidden_zip },
    Target { name: "http", run: http },
    Target { name: "injection", run: injection },
    Target { name: "journal", run: journal },
    Target { name: "json", run: json },
    Target { name: "note", run: note },
    Target { name: "policy", run: policy },
    Target { name: "proof", run: proof },
    Target { name: "receipt", run: receipt },
    Target { name: "record", run: record },
    Target { name: "retention", run: retention },
    Target { name: "revocation_list", run: revocation_list },
    Target { name: "root", run: root },
    Target { name: "signed_root", run: signed_root },
    Target { name: "spki", run: spki },
    Target { name: "stream", run: stream },
    Target { name: "tiles", run: tiles },
    Target { name: "time_stamp", run: time_stamp },
    Target { name: "tls_door", run: tls_door },
    Target { name: "verified_directory", run: verified_directory },
    Target { name: "verified_dispatch", run: verified_dispatch },
    Target { name: "verified_epoch", run: verified_epoch },
    Target { name: "verified_evidence", run: verified_evidence },
    Target { name: "verified_receipt", run: verified_receipt },
    Target { name: "working_days", run: working_days },
];

/// The door of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
