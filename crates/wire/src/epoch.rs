//! Epoch files: what makes an epoch of a receipt log valid before the directory lists it.
//!
//! `["tram-epoch", 1, statement, note]`: the genesis as its node signs it with the key of its certificate,
//! and the checkpoint of one leaf, with the cosignature of the node's parent once there is one.

use minicbor::Decoder;
use tram_dispatch::evidence::Genesis;
use tram_dispatch::limits::{CERTIFICATE_BYTES_MAX, CHAIN_CERTIFICATES_MAX, NOTE_BYTES_MAX};
use tram_dispatch::{AgencyCode, NetworkId};

use crate::WireError;
use crate::cbor::{Rules, Writer, check_with, finish, header};
use crate::cose::{SIGNATURE_BYTES_MAX, TYP_EPOCH};
use crate::fields::bytes_max;
use crate::genesis::{self, GENESIS_BYTES_MAX};
use crate::sealed::{Sealable, Sealed};

/// First element of an epoch file.
const NAME: &str = "tram-epoch";
/// Format version.
const VERSION: u64 = 1;
/// Largest statement: a genesis, a chain, a signature, and what frames them.
const STATEMENT_BYTES_MAX: usize = GENESIS_BYTES_MAX
    + CHAIN_CERTIFICATES_MAX * (CERTIFICATE_BYTES_MAX + 8)
    + SIGNATURE_BYTES_MAX
    + 256;
/// Largest epoch file, bytes.
pub const EPOCH_BYTES_MAX: usize = STATEMENT_BYTES_MAX + NOTE_BYTES_MAX + 64;

/// A genesis as its node states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    genesis: Genesis,
    /// The agency in the node's name.
    agency: AgencyCode,
}

impl Beginning {
    /// The statement that the log began so.
    pub fn new(genesis: Genesis) -> Self {
        Beginning { agency: genesis.node.agency(), genesis }
    }

    /// The genesis.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }
}

/// A genesis signed with the key of its node's certificate, parsed and *not* verified.
pub type SealedBeginning = Sealed<Beginning>;

impl Sealable for Beginning {
    const TYP: &'static str = TYP_EPOCH;
    const BYTES_MAX: usize = STATEMENT_BYTES_MAX;
    const NOUN: &'static str = "epoch";

    fn network(&self) -> NetworkId {
        self.genesis.network
    }

    fn sealer(&self) -> &AgencyCode {
        &self.agency
    }

    fn encode(&self) -> Result<Vec<u8>, WireError> {
        Ok(genesis::encode(&self.genesis))
    }

    fn decode(payload: &[u8]) -> Result<Self, WireError> {
        Ok(Beginning::new(genesis::decode(payload)?))
    }
}

/// An epoch file; neither part is verified here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochFile {
    /// The signed genesis.
    pub statement: SealedBeginning,
    /// The checkpoint of one leaf: a signed note, with cosignatures.
    pub note: Vec<u8>,
}

impl EpochFile {
    /// Reads an epoch file.
    ///
    /// # Errors
    /// `NotCanonical`, `TooLarge`, `Malformed`.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        read(bytes).map_err(|e| e.within("epoch"))
    }

    /// The file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(self.statement.raw().len() + self.note.len() + 32);
        w.array(4).text(NAME).uint(VERSION).bytes(self.statement.raw()).bytes(&self.note);
        w.finish()
    }

    /// Whether the bytes begin as an epoch file of any version does.
    pub fn is_meant(bytes: &[u8]) -> bool {
        let mut d = Decoder::new(bytes);
        d.array().is_ok() && d.str().is_ok_and(|name| name == NAME)
    }
}

fn read(bytes: &[u8]) -> Result<EpochFile, WireError> {
    check_with(bytes, &Rules::plain(EPOCH_BYTES_MAX))?;
    let mut d = Decoder::new(bytes);
    if header(d.array()?)? != 4 || d.str()? != NAME {
        return Err(WireError::malformed("an array of 4 with its name is needed"));
    }
    let version = d.u64()?;
    if version != VERSION {
        return Err(WireError::malformed(format_args!(
            "format version {version}, this program knows {VERSION}"
        )));
    }
    let statement = SealedBeginning::parse(&bytes_max(&mut d, STATEMENT_BYTES_MAX)?)?;
    let note = bytes_max(&mut d, NOTE_BYTES_MAX)?;
    finish(&d)?;
    Ok(EpochFile { statement, note })
}
