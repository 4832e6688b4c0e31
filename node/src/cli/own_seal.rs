//! The agency's own seal on the command line, for statements that it seals itself.

use std::path::PathBuf;

use clap::Args;
use tram_crypto::{Sign, signer_from_pkcs8_der};
use tram_dispatch::{Code, NetworkId};
use tram_pki::Key;
use tram_wire::{Sealable, Sealed};

use super::failure::Failure;
use super::inspect;
use crate::sealing;

/// The agency's own seal; without it the node seals, where it holds the agency's key.
#[derive(Args)]
pub(crate) struct OwnSeal {
    /// Seal certificate with those above it, PEM: the agency seals the statement itself.
    #[arg(long, value_name = "FILE", requires = "key", requires = "root")]
    cert: Option<PathBuf>,
    /// Its private key, PKCS#8 PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// The network's root document.
    #[arg(long, value_name = "FILE", requires = "cert")]
    root: Option<PathBuf>,
}

/// A seal ready for use.
pub(crate) struct Opened {
    /// The network of the root document.
    pub network: NetworkId,
    chain: Vec<Vec<u8>>,
    signer: Box<dyn Sign>,
}

impl OwnSeal {
    /// Reads the files, where they are named.
    ///
    /// # Errors
    /// `UNREADABLE`, `ALGORITHM_REFUSED`, or why certificate and key do not go together.
    pub(crate) fn open(&self) -> Result<Option<Opened>, Failure> {
        let (Some(cert), Some(key), Some(root)) = (&self.cert, &self.key, &self.root) else {
            return Ok(None);
        };
        let network = inspect::root(root)?.network();
        let key = Key::read(key)?;
        let (chain, _) = inspect::chain_of(cert, &key)?;
        let signer = signer_from_pkcs8_der(key.pkcs8_der())
            .map_err(|e| Failure::new(Code::AlgorithmRefused, e))?;
        Ok(Some(Opened { network, chain, signer }))
    }
}

impl Opened {
    /// Seals.
    ///
    /// # Errors
    /// What the format refuses, or `INTERNAL` where the key cannot sign.
    pub(crate) fn seal<C: Sealable>(&self, content: &C) -> Result<Sealed<C>, Failure> {
        Ok(sealing::seal(content, &self.chain, &*self.signer)?)
    }
}
