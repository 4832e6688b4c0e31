//! Writing evidence files.

use tram_crypto::sha256;

use super::{EvidenceFile, NAME, ProvedCheckpoint, VERSION, key};
use crate::cbor::{FieldsOut, Writer};

impl EvidenceFile {
    /// Puts every list into the order that the format asks for, and drops what stands twice.
    pub fn sort(&mut self) {
        for list in [&mut self.receipts, &mut self.statements] {
            list.sort_by_cached_key(|bytes| sha256(bytes));
            list.dedup();
        }
        self.documents.sort();
        self.documents.dedup_by_key(|(index, _)| *index);
        for checkpoint in &mut self.checkpoints {
            checkpoint.links.sort_by_key(|link| link.size);
            checkpoint.links.dedup_by_key(|link| link.size);
            checkpoint.stamps.sort();
            checkpoint.stamps.dedup();
        }
        self.checkpoints.sort_by(|a, b| a.note.cmp(&b.note));
        self.checkpoints.dedup_by(|a, b| a.note == b.note);
    }

    /// The file's bytes. Lists must be in their order, see [`EvidenceFile::sort`].
    pub fn encode(&self) -> Vec<u8> {
        let list = |w: &mut Writer, items: &[Vec<u8>]| {
            w.array(items.len());
            items.iter().for_each(|item| _ = w.bytes(item));
        };
        fn some<T>(items: &[T]) -> Option<&[T]> {
            (!items.is_empty()).then_some(items)
        }
        let mut f = FieldsOut::new();
        f.put(key::NETWORK, |w| _ = w.bytes(self.network.as_bytes()))
            .put(key::ROOT, |w| _ = w.bytes(self.root.as_bytes()))
            .put(key::DISPATCH, |w| _ = w.bytes(self.dispatch.as_bytes()))
            .put(key::DIRECTORY, |w| self.directory.write(w))
            .put(key::RECEIPTS, |w| list(w, &self.receipts))
            .put_some(key::SEALED, self.sealed.as_ref(), |w, sealed| _ = w.bytes(sealed))
            .put_some(key::REVOCATION, some(&self.revocation), list)
            .put_some(key::CHECKPOINTS, some(&self.checkpoints), |w, items| {
                w.array(items.len());
                items.iter().for_each(|item| item.write(w));
            })
            .put_some(key::STATEMENTS, some(&self.statements), list)
            .put_some(key::DOCUMENTS, some(&self.documents), |w, items| {
                w.array(items.len());
                items.iter().for_each(|(index, bytes)| {
                    w.array(2).uint((*index).into()).bytes(bytes);
                });
            })
            .put_some(key::POLICY, self.policy.as_deref(), |w, text| _ = w.text(text));
        let mut w = Writer::new();
        w.array(3).text(NAME).uint(VERSION).fields(f);
        w.finish()
    }
}

impl ProvedCheckpoint {
    pub(crate) fn write(&self, w: &mut Writer) {
        w.array(3).bytes(&self.note).array(self.links.len());
        for link in &self.links {
            w.array(2).uint(link.size).array(link.path.len());
            link.path.iter().for_each(|hash| _ = w.bytes(hash));
        }
        w.array(self.stamps.len());
        self.stamps.iter().for_each(|stamp| _ = w.bytes(stamp));
    }
}
