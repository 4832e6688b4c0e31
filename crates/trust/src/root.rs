//! The verified root document: the network's keys, threshold and trust anchors.

use tram_crypto::{Algorithm, PublicKey, sha256};
use tram_dispatch::directory::{Anchor, RootDocument};
use tram_dispatch::{Code, Digest, NetworkId};
use tram_wire::root::{KeySignature, RootFile, to_be_signed};

use crate::chain::Anchors;
use crate::verdict::Refusal;

/// A root document whose own threshold of keys has signed it.
#[derive(Clone, Debug)]
pub struct Root {
    document: RootDocument,
    digest: Digest,
    network: NetworkId,
    keys: Vec<PublicKey>,
    seals: Anchors,
    nodes: Anchors,
}

impl Root {
    /// Takes a root file that came out of band: who installs it vouches for where it came from, and
    /// should compare [`Root::digest`] by voice. Its own threshold of signatures must hold.
    ///
    /// # Errors
    /// `UNREADABLE` for what does not parse or does not carry its own keys' signatures;
    /// `CERTIFICATE_INVALID` or `ALGORITHM_REFUSED` for an anchor or key that cannot serve.
    pub fn install(file: &[u8]) -> Result<Self, Refusal> {
        let file = RootFile::decode(file).map_err(|e| unreadable(format!("root file: {e}")))?;
        let root = Self::read(&file)?;
        root.check_threshold(&file.signatures, |a| to_be_signed(a, &file.raw_root, root.network))
            .map_err(|what| unreadable(format!("root file: {what}")))?;
        Ok(root)
    }

    /// Takes the next root document of this network, which the keys of this one must have signed as
    /// well.
    ///
    /// # Errors
    /// Those of [`Root::install`]; `WRONG_NETWORK`; `UNREADABLE` when it is not the next version.
    pub fn install_next(&self, file: &[u8]) -> Result<Self, Refusal> {
        let next = Self::install(file)?;
        if next.network != self.network {
            let detail = "the root file is of another network";
            return Err(Refusal::new(Code::WrongNetwork, detail));
        }
        let (have, comes) = (self.document.version, next.document.version);
        if Some(comes) != have.checked_add(1) {
            let detail = format!("root file: version {comes} does not follow version {have}");
            return Err(unreadable(detail));
        }
        let file = RootFile::decode(file).map_err(|e| unreadable(format!("root file: {e}")))?;
        let signed = |a| to_be_signed(a, &file.raw_root, self.network);
        self.check_threshold(&file.previous_signatures, signed)
            .map_err(|what| unreadable(format!("root file, keys of version {have}: {what}")))?;
        Ok(next)
    }

    /// The network.
    pub fn network(&self) -> NetworkId {
        self.network
    }

    /// SHA-256 of the document: what people compare; for version 1 the network id.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The document.
    pub fn document(&self) -> &RootDocument {
        &self.document
    }

    /// The trust anchors.
    pub fn anchors(&self) -> &[Anchor] {
        &self.document.anchors
    }

    pub(crate) fn seals(&self) -> &Anchors {
        &self.seals
    }

    pub(crate) fn nodes(&self) -> &Anchors {
        &self.nodes
    }

    fn read(file: &RootFile) -> Result<Self, Refusal> {
        let document = file.document.clone();
        let mut keys = Vec::new();
        for (index, spki) in document.keys.iter().enumerate() {
            let key = PublicKey::from_spki_der(spki).map_err(|e| {
                Refusal::new(Code::AlgorithmRefused, format!("root file, key {index}: {e}"))
            })?;
            keys.push(key);
        }
        let (mut seals, mut nodes) = (Anchors::default(), Anchors::default());
        for anchor in &document.anchors {
            if anchor.seals {
                seals.add(&anchor.certificate)?;
            }
            if anchor.nodes {
                nodes.add(&anchor.certificate)?;
            }
        }
        let digest = Digest(sha256(&file.raw_root));
        Ok(Root { network: file.network(), document, digest, keys, seals, nodes })
    }

    /// Whether enough of the network's keys signed. Every signature offered must hold: one that does
    /// not is a mistake somebody should hear of.
    pub(crate) fn check_threshold(
        &self,
        signatures: &[KeySignature],
        to_be_signed: impl Fn(Algorithm) -> Vec<u8>,
    ) -> Result<(), String> {
        let mut seen = Vec::new();
        for signature in signatures {
            let index = signature.key_index;
            let key = self
                .keys
                .get(usize::from(index))
                .ok_or_else(|| format!("there is no key {index} that could have signed"))?;
            if seen.contains(&index) {
                return Err(format!("key {index} signed twice"));
            }
            key.verify(
                signature.algorithm,
                &to_be_signed(signature.algorithm),
                &signature.signature,
            )
            .map_err(|_| format!("the signature of key {index} does not verify"))?;
            seen.push(index);
        }
        let (count, need) = (seen.len(), self.document.threshold);
        if count < usize::from(need) {
            return Err(format!("{count} signatures; the threshold is {need}"));
        }
        Ok(())
    }
}

fn unreadable(detail: String) -> Refusal {
    Refusal::new(Code::Unreadable, detail)
}
