//! What each key touched: what a seal's key sealed, and what a node handed over or said.

use super::super::kv::Put;
use super::super::ordered::put_uint;
use crate::index::keys;
use crate::journal::Position;
use std::collections::{BTreeMap, HashMap};
use tram_crypto::sha256;
use tram_dispatch::{Digest, Event, EvidenceRecord, NodeId, UnixMillis};
use tram_engine::record::Record;
use tram_trust::certificate::Certificate;
use tram_wire::{Receipt, SealedStatement, SealedVoid, sealed};

pub(crate) const KEYS: u8 = b'k';
pub(crate) const CERTIFICATES: u8 = b'c';

/// Sealed with a key; handed over or said by a node.
const BY_KEY: u8 = 0;
const BY_NODE: u8 = 1;
/// What a record holds of a node beside upstream receipts, whose places follow from [`UPSTREAM`] on.
const TRANSFER: u8 = 0;
const RECEIPT: u8 = 1;
const UPSTREAM: u8 = 2;
/// Most upstream receipts of one record that are listed: those of every hop of four tiers, many times over.
const UPSTREAM_MAX: usize = (u8::MAX - UPSTREAM) as usize;
/// Certificates whose keys are kept in mind, 64 bytes each.
const KNOWN_MAX: usize = 1 << 14;

/// Something of a node in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// It handed the dispatch over.
    Transfer,
    /// The record is a receipt of its.
    Receipt,
    /// The upstream receipt at this place is its.
    Upstream(usize),
}

/// The beginning of all keys of what was sealed with a key, from `time` on.
pub(crate) fn by_key(key: &Digest, time: UnixMillis) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    out.extend_from_slice(&[KEYS, BY_KEY]);
    out.extend_from_slice(key.as_bytes());
    put_uint(&mut out, time.0);
    out
}

/// The beginning of all keys of what a node handed over or said, from `time` on.
pub(crate) fn by_node(node: &NodeId, time: UnixMillis) -> Vec<u8> {
    let mut out = Vec::with_capacity(node.as_str().len() + 28);
    out.extend_from_slice(&[KEYS, BY_NODE]);
    out.extend_from_slice(node.as_str().as_bytes());
    out.push(0);
    put_uint(&mut out, time.0);
    out
}

/// The parts in a value of that table.
pub(crate) fn parts(value: &[u8]) -> impl Iterator<Item = Part> + '_ {
    value.iter().map(|part| match *part {
        TRANSFER => Part::Transfer,
        RECEIPT => Part::Receipt,
        upstream => Part::Upstream(usize::from(upstream - UPSTREAM)),
    })
}

/// The key of a certificate.
pub(crate) fn certificate(certificate: &Digest) -> Vec<u8> {
    let mut out = vec![CERTIFICATES];
    out.extend_from_slice(certificate.as_bytes());
    out
}

/// Key, serial number and issuer in a value of that table.
pub(crate) fn certificate_value(value: &[u8]) -> Option<(Digest, &[u8], &str)> {
    let (key, rest) = value.split_first_chunk::<32>()?;
    let (length, rest) = rest.split_first()?;
    let (serial, issuer) = rest.split_at_checked(usize::from(*length))?;
    Some((Digest(*key), serial, std::str::from_utf8(issuer).ok()?))
}

/// Keys of certificates seen lately, so that most are not parsed again.
#[derive(Debug, Default)]
pub(crate) struct Seals {
    known: HashMap<Digest, Digest>,
}

impl Seals {
    /// What a batch adds; `time` is that of the commit.
    pub(crate) fn note(
        &mut self,
        out: &mut Vec<Put>,
        time: UnixMillis,
        positions: &[Position],
        records: &[Record],
    ) {
        for (at, record) in positions.iter().zip(records) {
            match record {
                Record::Held(held) => {
                    self.sealed(out, &held.raw, held.at, *at);
                    let from = held.previous.as_ref();
                    put_nodes(out, of_peer(from, held.at, &held.receipts), *at);
                }
                Record::Legs(legs) => {
                    put_nodes(out, of_peer(Some(&legs.previous), time, &legs.receipts), *at);
                }
                Record::Statement(statement) => {
                    let named = |e: &&EvidenceRecord| e.attestation == Some(statement.digest);
                    let taken = evidence(records).find(named).map_or(time, |e| e.time);
                    self.sealed(out, &statement.raw, taken, *at);
                }
                Record::Void(void) => {
                    let named = |e: &&EvidenceRecord| {
                        e.event == Event::SequenceVoid && e.dispatch == void.statement
                    };
                    let taken = evidence(records).find(named).map_or(time, |e| e.time);
                    self.sealed(out, &void.raw, taken, *at);
                }
                Record::Evidence(own) => put_said(out, &own.evidence, *at),
                Record::Earlier(own) => put_said(out, &own.evidence, *at),
                Record::Foreign(foreign) => put_said(out, &foreign.evidence, *at),
                _ => {}
            }
        }
    }

    fn sealed(&mut self, out: &mut Vec<Put>, raw: &[u8], taken: UnixMillis, at: Position) {
        let Some(leaf) = sealed::leaf(raw) else { return };
        let digest = Digest(sha256(leaf));
        let key = match self.known.get(&digest) {
            Some(key) => *key,
            None => self.meet(out, digest, leaf),
        };
        out.push((keys::at(by_key(&key, taken), at), Some(Vec::new())));
    }

    /// A certificate that is not in mind; whether it is in the index, it need not know.
    fn meet(&mut self, out: &mut Vec<Put>, digest: Digest, leaf: &[u8]) -> Digest {
        let read = Certificate::parse(leaf).ok();
        // What cannot be read is found by itself.
        let key = read.as_ref().map_or(digest, Certificate::key_digest);
        let serial = read.as_ref().map_or(&[][..], Certificate::serial);
        let mut value = key.as_bytes().to_vec();
        value.push(serial.len() as u8);
        value.extend_from_slice(serial);
        value.extend_from_slice(read.as_ref().map_or("", Certificate::issuer).as_bytes());
        out.push((certificate(&digest), Some(value)));
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        self.known.insert(digest, key);
        key
    }
}

/// The leaf certificate of what a record says was sealed, if it says so.
pub(crate) fn certificate_of(record: &Record) -> Option<Digest> {
    let raw = match record {
        Record::Held(held) => &held.raw,
        Record::Statement(statement) => &statement.raw,
        Record::Void(void) => &void.raw,
        _ => return None,
    };
    sealed::leaf(raw).map(|leaf| Digest(sha256(leaf)))
}

/// Who sealed a statement, as it says itself.
pub(crate) fn sealer_of(record: &Record) -> Option<tram_dispatch::AgencyCode> {
    match record {
        Record::Statement(s) => {
            SealedStatement::parse(&s.raw).ok().map(|s| s.statement().agency.clone())
        }
        Record::Void(v) => SealedVoid::parse(&v.raw).ok().map(|v| v.void().agency.clone()),
        _ => None,
    }
}

fn evidence(records: &[Record]) -> impl Iterator<Item = &EvidenceRecord> {
    records.iter().filter_map(|record| match record {
        Record::Evidence(own) => Some(&own.evidence),
        Record::Earlier(own) => Some(&own.evidence),
        Record::Foreign(foreign) => Some(&foreign.evidence),
        _ => None,
    })
}

fn put_said(out: &mut Vec<Put>, e: &EvidenceRecord, at: Position) {
    out.push((keys::at(by_node(&e.node, e.time), at), Some(vec![RECEIPT])));
}

/// Of which nodes, and from when, a record holds what.
type OfNodes = BTreeMap<(NodeId, UnixMillis), Vec<u8>>;

/// What came with a transfer: it is the peer's, and each upstream receipt its node's, by its time.
fn of_peer(from: Option<&NodeId>, taken: UnixMillis, receipts: &[std::sync::Arc<[u8]>]) -> OfNodes {
    let mut found = OfNodes::new();
    if let Some(node) = from {
        found.entry((node.clone(), taken)).or_default().push(TRANSFER);
    }
    for (n, raw) in receipts.iter().take(UPSTREAM_MAX).enumerate() {
        if let Ok(receipt) = Receipt::parse(raw) {
            let e = receipt.record();
            found.entry((e.node.clone(), e.time)).or_default().push(UPSTREAM + n as u8);
        }
    }
    found
}

fn put_nodes(out: &mut Vec<Put>, found: OfNodes, at: Position) {
    for ((node, time), value) in found {
        out.push((keys::at(by_node(&node, time), at), Some(value)));
    }
}
