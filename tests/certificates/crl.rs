//! Revocation lists to spoil.

use crate::cert::{Cert, key_identifier};
use crate::der::{TRUE, bits, holds, implicit, integer, octets, oid, sequence, time};
use crate::keys::{Key, Scheme};

/// Serial number, moment of revocation, encoded entry extensions.
type Entry = (Vec<u8>, String, Vec<u8>);

/// One list before it is signed; whole DER items.
pub(crate) struct List {
    pub(crate) version: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) this_update: Vec<u8>,
    pub(crate) next_update: Vec<u8>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) extensions: Vec<(&'static str, bool, Vec<u8>)>,
    pub(crate) scheme: Option<Scheme>,
}

impl List {
    /// An empty list of this issuer, in force.
    pub(crate) fn of(issuer: &Cert) -> Self {
        let authority = sequence(&[implicit(0, &key_identifier(&issuer.spki))]);
        List {
            version: integer(&[1]),
            issuer: issuer.subject.clone(),
            this_update: time("260531000000Z"),
            next_update: time("260701000000Z"),
            entries: Vec::new(),
            extensions: vec![("2.5.29.20", false, integer(&[1])), ("2.5.29.35", false, authority)],
            scheme: None,
        }
    }

    pub(crate) fn sign(&self, key: &Key) -> Vec<u8> {
        let scheme = self.scheme.unwrap_or_else(|| key.scheme());
        let entry = |(serial, at, extensions): &Entry| {
            let at = if at.is_empty() { Vec::new() } else { time(at) };
            sequence(&[serial, &at, extensions])
        };
        let entries = match self.entries.is_empty() {
            true => Vec::new(),
            false => sequence(&self.entries.iter().map(entry).collect::<Vec<_>>()),
        };
        let extension = |(kind, critical, value): &(&str, bool, Vec<u8>)| {
            let critical = if *critical { TRUE.to_vec() } else { Vec::new() };
            sequence(&[oid(kind), critical, octets(value)])
        };
        let extensions: Vec<Vec<u8>> = self.extensions.iter().map(extension).collect();
        let signed = sequence(&[
            self.version.clone(),
            scheme.identifier(),
            self.issuer.clone(),
            self.this_update.clone(),
            self.next_update.clone(),
            entries,
            holds(0, &sequence(&extensions)),
        ]);
        let signature = key.sign(scheme, &signed);
        sequence(&[signed, scheme.identifier(), bits(&signature)])
    }
}
