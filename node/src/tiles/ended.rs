//! The logs of epochs that ended: their stores lie aside in the data folder, with the keys that signed their
//! checkpoints.

use std::path::{Path, PathBuf};

use tram_dispatch::{Code, NetworkId, NodeId};
use tram_spool::store::{Store, StoreOptions};
use tram_tlog::Hash;
use tram_tlog::checkpoint::Checkpoint;
use tram_tlog::published::encode_bundle;
use tram_tlog::tile::TILE_WIDTH;

use super::{Export, Exported};
use crate::cli::init::GENESIS_FILE;
use crate::daemon::{epochs, keys};

/// Name of the key in such a folder, as `tram log new-epoch` puts it there.
const CHECKPOINT_KEY: &str = "checkpoint.key";
/// What their names begin with.
const PREFIX: &str = "ended-";
/// Most that are looked for.
const ENDED_MAX: usize = 1_024;
/// Largest genesis.
const GENESIS_BYTES_MAX: u64 = 64 << 10;

/// Why one was not written out.
pub(crate) type Failed = (Code, String);

/// The folders of epochs that ended, in the order of their names.
pub(crate) fn folders(data: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(data.join(epochs::FOLDER)) else { return Vec::new() };
    let named = |path: &PathBuf| {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        name.starts_with(PREFIX) && path.join(GENESIS_FILE).is_file()
    };
    let mut found: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(named).take(ENDED_MAX).collect();
    found.sort();
    found
}

/// Writes the log of one of them out below `below`. Its last checkpoint is the one that its key signs over
/// all its leaves: the same bytes each time.
///
/// # Errors
/// In words, with the code.
pub(crate) fn export(
    folder: &Path,
    below: &Path,
    (network, node): (NetworkId, &NodeId),
    mut progress: impl FnMut(u64, u64),
) -> Result<Exported, Failed> {
    let unreadable = |path: &Path, e: &dyn std::fmt::Display| {
        (Code::Unreadable, format!("{}: {e}", path.display()))
    };
    let path = folder.join(GENESIS_FILE);
    let length = std::fs::metadata(&path).map_err(|e| unreadable(&path, &e))?.len();
    if length > GENESIS_BYTES_MAX {
        return Err(unreadable(&path, &"too large"));
    }
    let genesis = std::fs::read(&path).map_err(|e| unreadable(&path, &e))?;
    let genesis = tram_wire::genesis::decode(&genesis).map_err(|e| unreadable(&path, &e))?;
    let epoch = tram_wire::genesis::epoch_id(&genesis);
    let key_path = folder.join(CHECKPOINT_KEY);
    let key = keys::signer(&key_path).map_err(|e| (Code::Unreadable, e))?;
    let options = StoreOptions { directory: Some(folder.to_owned()), ..StoreOptions::default() };
    let (store, _, _) = Store::open_dir(folder, options).map_err(|e| (e.code(), e.explain()))?;
    let reader = store.reader();
    let head = reader.log_head();
    let origin = tram_trust::checkpoint::origin(network, node, epoch);
    let note = Checkpoint::new(&origin, head.size, Hash(head.root))
        .and_then(|checkpoint| checkpoint.sign(&origin, &*key))
        .map_err(|e| (Code::Internal, e.to_string()))?;
    let failed = |e: super::ExportError| (e.code(), e.to_string());
    let mut export = Export::begin(below, &epoch.to_string(), note).map_err(failed)?;
    while let Some(wanted) = export.wanted().map_err(failed)? {
        let (done, all) = export.progress();
        progress(done, all);
        let entries = reader
            .entries(wanted.index * TILE_WIDTH as u64, wanted.width)
            .map_err(|e| (e.code(), e.explain()))?;
        let bundle = encode_bundle(&entries).map_err(|e| (Code::Internal, e.to_string()))?;
        export.put(wanted, &bundle).map_err(failed)?;
    }
    export.finish().map_err(failed)
}
