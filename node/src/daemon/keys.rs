//! Reading keys and certificates that the configuration names.

use std::path::Path;

use tram_crypto::{Ed25519Signer, Sign, signer_from_pkcs8_der};
use tram_pki::Key;

/// A certificate chain, PEM or DER, leaf first.
pub(crate) fn chain(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let chain =
        tram_pki::read_certificates(&bytes).map_err(|e| format!("{}: {e}", path.display()))?;
    if chain.is_empty() {
        Err(format!("{}: no certificate in it", path.display()))
    } else {
        Ok(chain)
    }
}

/// A private key as PKCS#8 DER.
pub(crate) fn pkcs8(path: &Path) -> Result<Vec<u8>, String> {
    let key = Key::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(key.pkcs8_der().to_vec())
}

/// A signing key, Ed25519 or P-256.
pub(crate) fn signer(path: &Path) -> Result<Box<dyn Sign>, String> {
    signer_from_pkcs8_der(&pkcs8(path)?).map_err(|e| format!("{}: {e}", path.display()))
}

/// A signing key that must be Ed25519: receipts and checkpoints.
pub(crate) fn ed25519(path: &Path) -> Result<Ed25519Signer, String> {
    Ed25519Signer::from_pkcs8_der(&pkcs8(path)?).map_err(|e| format!("{}: {e}", path.display()))
}
