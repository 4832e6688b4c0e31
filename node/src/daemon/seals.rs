//! The node's key provider: seal keys of agencies that allow this node to seal for them.

use std::collections::BTreeMap;
use std::path::Path;

use tram_crypto::Sign;
use tram_dispatch::AgencyCode;

/// One agency's seal.
pub(crate) struct Seal {
    pub chain: Vec<Vec<u8>>,
    pub key: Box<dyn Sign>,
}

/// All seals, by agency.
#[derive(Default)]
pub(crate) struct Seals(BTreeMap<AgencyCode, Seal>);

impl Seals {
    /// Reads the keys that the configuration names.
    ///
    /// # Errors
    /// In words, naming the file.
    pub(crate) fn load(configured: &[tram_config::Seal]) -> Result<Self, String> {
        let mut seals = BTreeMap::new();
        for s in configured {
            let chain = super::keys::chain(&s.certificate)?;
            let key = super::keys::signer(&s.key)?;
            seals.insert(s.agency.clone(), Seal { chain, key });
        }
        Ok(Seals(seals))
    }

    /// The seal of an agency, where this node holds it.
    pub(crate) fn get(&self, agency: &AgencyCode) -> Option<&Seal> {
        self.0.get(agency)
    }

    /// The certificates, for expiry warnings.
    pub(crate) fn certificates(&self) -> impl Iterator<Item = (&AgencyCode, &Vec<u8>)> {
        self.0.iter().filter_map(|(a, s)| Some((a, s.chain.first()?)))
    }
}

/// Whether a path can be read at all; used to word errors.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))
}
