//! Checks signatures for a store check, with the directory in force.

use tram_crypto::{Algorithm, PublicKey};
use tram_dispatch::NetworkId;
use tram_spool::check::Signatures;
use tram_trust::Verifier;
use tram_wire::{Receipt, SignedRoot};

/// Signatures against the keys that the directory lists.
pub(crate) struct ByDirectory<'a>(pub &'a Verifier);

impl Signatures for ByDirectory<'_> {
    fn root(&self, network: NetworkId, root: &SignedRoot) -> Result<(), String> {
        let epoch = self.0.directory().epoch(&root.node, &root.epoch);
        let epoch = epoch.ok_or("the directory does not list this epoch")?;
        let key = PublicKey::from_spki_der(&epoch.receipt_key).map_err(|e| e.to_string())?;
        key.verify(Algorithm::EdDsa, &root.to_be_signed(network), &root.signature)
            .map_err(|e| e.to_string())
    }

    fn receipt(&self, raw: &[u8]) -> Result<(), String> {
        let receipt = Receipt::parse(raw).map_err(|e| e.detail)?;
        self.0.receipt(receipt).map(|_| ()).map_err(|r| r.detail)
    }
}
