//! Dispatches as an agency's own system makes them.

use std::collections::BTreeMap;

use tram_crypto::sha256;
use tram_dispatch::Digest;
use tram_dispatch::envelope::{Act, Document, Envelope, Metadata, SealedBy, Secrecy};
use tram_wire::SealedDispatch;

use super::authorities::Seal;
use super::{Network, agency, wall_now};

/// A week.
const LIFETIME_MS: u64 = 7 * 86_400_000;

/// A document of the envelope.
pub fn document(name: &str, size: u64, sha256: Digest) -> Document {
    let media_type = "application/octet-stream".to_owned();
    Document { name: name.to_owned(), media_type, size, sha256, second_digest: None }
}

/// A document given by its bytes.
pub fn small_document(bytes: &[u8]) -> Document {
    document("van-ban.bin", bytes.len() as u64, Digest(sha256(bytes)))
}

impl Network {
    /// An envelope from the agency of one tier to those of others.
    pub fn envelope(
        &self,
        from: usize,
        to: &[usize],
        reference: &str,
        documents: Vec<Document>,
    ) -> Envelope {
        let mut recipients: Vec<_> = to.iter().map(|tier| agency(*tier)).collect();
        recipients.sort();
        let now = wall_now();
        Envelope {
            network: self.id(),
            originator: agency(from),
            reference: reference.parse().expect("a plain reference"),
            sequence: None,
            recipients,
            group: None,
            secrecy: Secrecy::None,
            metadata: Metadata {
                subject: "Về việc thử nghiệm".to_owned(), ..Metadata::default()
            },
            act: Act::New,
            documents,
            sealed_by: SealedBy::Agency,
            issued_at: now,
            expires_at: now.plus_ms(LIFETIME_MS),
            max_hops: 8,
            encryption: None,
            extensions: BTreeMap::new(),
        }
    }

    /// Seals with the originator's own seal.
    pub fn seal(&self, envelope: &Envelope) -> SealedDispatch {
        let tier = self.nodes.iter().position(|n| n.agency() == envelope.originator);
        seal_with(envelope, &self.seals[tier.expect("an agency of this network")])
    }
}

/// Seals with any seal.
pub fn seal_with(envelope: &Envelope, seal: &Seal) -> SealedDispatch {
    SealedDispatch::seal(envelope, &seal.chain, seal.key.algorithm(), |m| seal.key.sign(m))
        .expect("a sound envelope")
}
