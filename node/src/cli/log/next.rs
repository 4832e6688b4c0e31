//! The switch from one store to the next: everything is made ready beside, then moved in an order in which
//! it can be taken up again at any point.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tram_config::Config;
use tram_crypto::{Ed25519Signer, Entropy as _, SystemEntropy};
use tram_dispatch::evidence::Genesis;
use tram_dispatch::{Code, EpochId};
use tram_engine::{Issuer, genesis_batch};
use tram_pki::Key;
use tram_spool::store::{Carried, INDEX_FILE, JOURNAL_DIR, Store, StoreOptions};
use tram_wire::epoch::EpochFile;
use tram_wire::genesis;

use crate::cli::clock::now;
use crate::cli::failure::Failure;
use crate::cli::files;
use crate::cli::init::GENESIS_FILE;
use crate::daemon::{anchor, epochs};

const RECEIPT_KEY: &str = "receipt.key";
const CHECKPOINT_KEY: &str = "checkpoint.key";
const EPOCH: &str = "epoch";
/// Largest of the small files moved: keys, a genesis, an epoch file.
const FILE_BYTES_MAX: usize = tram_wire::epoch::EPOCH_BYTES_MAX;

/// The keys of the new epoch.
pub(super) struct Keys {
    pub receipt: Key,
    pub checkpoint: Key,
}

fn next(config: &Config) -> PathBuf {
    config.data_dir.join(epochs::NEXT)
}

/// Where what belongs to an epoch that ended is kept.
pub(super) fn archive(config: &Config, ended: &EpochId) -> PathBuf {
    config.data_dir.join(epochs::FOLDER).join(format!("ended-{}", ended.short()))
}

/// Whether a switch was begun and not finished.
pub(super) fn is_ready(config: &Config) -> bool {
    next(config).join(epochs::READY).exists()
}

/// Makes the new store beside the old one. Nothing of the old one is touched.
pub(super) fn prepare(
    config: &Config,
    old: &Store,
    first: &Genesis,
    keys: &Keys,
    file: &EpochFile,
) -> Result<Carried, Failure> {
    let next = next(config);
    match fs::remove_dir_all(&next) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(Failure::unreadable(&next, e)),
        _ => {}
    }
    files::folder(&next, false)?;
    keys.receipt.write_new(&next.join(RECEIPT_KEY))?;
    keys.checkpoint.write_new(&next.join(CHECKPOINT_KEY))?;
    files::write_new(&next.join(GENESIS_FILE), &genesis::encode(first), 0o600)?;
    files::write_new(&next.join(EPOCH), &file.encode(), 0o600)?;
    let failed = |code, detail: String| Failure::new(code, detail);
    let mut store_id = [0; 16];
    SystemEntropy::new().fill(&mut store_id).map_err(|e| failed(Code::Internal, e.to_string()))?;
    let options = StoreOptions {
        directory: Some(next.clone()),
        create_with_store_id: Some(store_id),
        segment_bytes: crate::daemon::SEGMENT_BYTES,
        ..StoreOptions::default()
    };
    let (mut store, _, _) =
        Store::open_dir(&next, options).map_err(|e| failed(e.code(), e.explain()))?;
    let key = Ed25519Signer::from_pkcs8_der(keys.receipt.pkcs8_der())
        .map_err(|e| failed(Code::Internal, e.to_string()))?;
    let issuer = Issuer {
        network: first.network,
        node: first.node.clone(),
        epoch: genesis::epoch_id(first),
        key: Arc::new(key),
    };
    let (batch, _) =
        genesis_batch(&issuer, first, now()).map_err(|e| failed(Code::Internal, e.to_string()))?;
    store.commit(&batch).map_err(|e| failed(e.code(), e.explain()))?;
    let carried = store.carry_over(&old.reader()).map_err(|e| failed(e.code(), e.explain()))?;
    store.flush().map_err(|e| failed(e.code(), e.explain()))?;
    Ok(carried)
}

/// Everything is ready: from here on the switch is finished, by this call or a later one.
pub(super) fn ready(config: &Config, ended: &EpochId) -> Result<(), Failure> {
    let ready = next(config).join(epochs::READY);
    files::write_new(&ready, ended.to_string().as_bytes(), 0o600)
}

/// Moves the old store aside and the new one into its place.
pub(super) fn switch(config: &Config) -> Result<(), Failure> {
    let (next, data) = (next(config), &config.data_dir);
    let ready = next.join(epochs::READY);
    let text = files::read_text(&ready, 128)?;
    let ended: EpochId = text.parse().map_err(|_| Failure::unreadable(&ready, "names no epoch"))?;
    let archive = archive(config, &ended);
    fs::create_dir_all(&archive).map_err(|e| Failure::unreadable(&archive, e))?;
    for name in [JOURNAL_DIR, INDEX_FILE] {
        move_in(&next.join(name), &data.join(name), &archive.join(name))?;
    }
    for (name, place) in [
        (RECEIPT_KEY, &config.keys.receipt_key),
        (CHECKPOINT_KEY, &config.keys.checkpoint_key),
        (GENESIS_FILE, &data.join(GENESIS_FILE)),
    ] {
        put_in(&next.join(name), place, &archive.join(name))?;
    }
    let first = genesis::decode(&files::read(&data.join(GENESIS_FILE), FILE_BYTES_MAX)?)?;
    let named = epochs::path(data, &config.node, &genesis::epoch_id(&first));
    put_in(&next.join(EPOCH), &named, &archive.join(EPOCH))?;
    let _ = fs::remove_file(data.join(epochs::FOLDER).join(epochs::LAST_NOTE));
    // The anchor of the old store vouches for nothing here.
    let failed = |code, detail: String| Failure::new(code, detail);
    let file = anchor::file(config).map_err(|e| failed(e.code(), e.detail().to_owned()))?;
    let options = StoreOptions {
        directory: Some(data.clone()),
        anchor: Some(file),
        machine_id: anchor::machine_id(),
        ..StoreOptions::default()
    };
    let (mut store, _, _) =
        Store::open_dir(data, options).map_err(|e| failed(e.code(), e.explain()))?;
    store.replace_anchor().map_err(|e| failed(e.code(), e.explain()))?;
    drop(store);
    fs::remove_dir_all(&next).map_err(|e| Failure::unreadable(&next, e))?;
    sync(data)
}

/// Moves what is new into its place, and what is there aside first. Done already: nothing.
fn move_in(new: &Path, place: &Path, aside: &Path) -> Result<(), Failure> {
    if !new.exists() {
        return Ok(());
    }
    if place.exists() && !aside.exists() {
        fs::rename(place, aside).map_err(|e| Failure::unreadable(place, e))?;
        sync(aside.parent().unwrap_or(aside))?;
    }
    fs::rename(new, place).map_err(|e| Failure::unreadable(new, e))?;
    sync(place.parent().unwrap_or(place))
}

/// The same for a small file, whose place may be on another disk.
fn put_in(new: &Path, place: &Path, aside: &Path) -> Result<(), Failure> {
    if !new.exists() {
        return Ok(());
    }
    if place.exists() && !aside.exists() {
        files::replace(aside, &files::read(place, FILE_BYTES_MAX)?, 0o600)?;
    }
    files::replace(place, &files::read(new, FILE_BYTES_MAX)?, 0o600)?;
    fs::remove_file(new).map_err(|e| Failure::unreadable(new, e))?;
    sync(new.parent().unwrap_or(new))
}

fn sync(folder: &Path) -> Result<(), Failure> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(|e| Failure::unreadable(folder, e))
}
