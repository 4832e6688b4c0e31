//! What a start reads before it opens anything: network, keys, the log's beginning.

use std::path::Path;
use std::sync::Arc;

use tram_config::Config;
use tram_dispatch::{Code, UnixMillis};
use tram_engine::Issuer;
use tram_transport::Identity;
use tram_trust::{Directory, Root, Verifier};

use super::revocation::CrlFiles;
use super::run::{GENESIS_FILE, RunError, trust_options};
use super::seals::Seals;
use super::{epochs, keys, seals};

/// Everything that is read before anything is opened.
pub(super) struct Loaded {
    pub(super) root: Arc<Root>,
    pub(super) verifier: Verifier,
    pub(super) issuer: Issuer,
    pub(super) genesis: tram_dispatch::evidence::Genesis,
    pub(super) checkpoint_key: Box<dyn tram_crypto::Sign>,
    pub(super) identity: Identity,
    pub(super) seals: Seals,
    pub(super) revocation: CrlFiles,
}

fn read(path: &Path) -> Result<Vec<u8>, RunError> {
    seals::read(path).map_err(|e| RunError::new(Code::Unreadable, e))
}

/// Reads and verifies all of it.
///
/// # Errors
/// [`RunError`]: what is missing, damaged, or does not fit together.
pub(super) fn load(config: &Config, now: UnixMillis) -> Result<Loaded, RunError> {
    let refused = |what: &Path| {
        let what = what.display().to_string();
        move |r: tram_trust::Refusal| RunError::new(r.code, format!("{what}: {}", r.detail))
    };
    let unreadable = |e: String| RunError::new(Code::Unreadable, e);
    let root = Root::install(&read(&config.root)?).map_err(refused(&config.root))?;
    let directory = Directory::verify(&root, &read(&config.directory)?, None, now)
        .map_err(refused(&config.directory))?;
    let (revocation, crls) = CrlFiles::load(&config.crls).map_err(|(path, code, detail)| {
        RunError::new(code, format!("{}: {detail}", path.display()))
    })?;
    super::lists::keep(&config.data_dir, &crls)
        .map_err(|e| RunError::new(Code::StorageFailed, format!("revocation lists: {e}")))?;
    let (root, directory) = (Arc::new(root), Arc::new(directory));
    let path = config.data_dir.join(GENESIS_FILE);
    let genesis = tram_wire::genesis::decode(&read(&path)?).map_err(|e| {
        RunError::new(Code::Unreadable, format!("{}: {}", path.display(), e.detail))
    })?;
    if genesis.node != config.node || genesis.network != root.network() {
        let detail = format!("{} is of another node or network", path.display());
        return Err(RunError::new(Code::ConfigInvalid, detail));
    }
    let receipt_key = keys::ed25519(&config.keys.receipt_key).map_err(unreadable)?;
    let checkpoint_key = keys::ed25519(&config.keys.checkpoint_key).map_err(unreadable)?;
    use tram_crypto::Sign as _;
    if receipt_key.public_key().spki_der() != genesis.receipt_key
        || checkpoint_key.public_key().spki_der() != genesis.checkpoint_key
    {
        let detail = "the receipt or checkpoint key is not the one this log began with";
        return Err(RunError::new(Code::ConfigInvalid, detail));
    }
    let epoch = tram_wire::genesis::epoch_id(&genesis);
    let options = trust_options(config);
    let verifier = Verifier::new(root.clone(), directory, crls, options);
    let verifier = epochs::with_kept(verifier, &config.data_dir, now);
    let directory = verifier.directory();
    let Some(listed) = directory.epoch(&config.node, &epoch) else {
        let detail = format!(
            "directory version {} does not list {} with epoch {}: have its node request added \
             (tram directory add-node), then install the new directory",
            directory.version(),
            config.node,
            epoch.short()
        );
        return Err(RunError::new(Code::PeerNotInDirectory, detail));
    };
    // With other keys there, peers would refuse what this node signs, and this node would take for its
    // own what others signed.
    if listed.receipt_key != genesis.receipt_key || listed.checkpoint_key != genesis.checkpoint_key
    {
        let detail = format!(
            "directory version {} lists other keys for epoch {} than the log began with",
            directory.version(),
            epoch.short()
        );
        return Err(RunError::new(Code::PeerNotInDirectory, detail));
    }
    let issuer = Issuer {
        network: root.network(),
        node: config.node.clone(),
        epoch,
        key: Arc::new(receipt_key),
    };
    Ok(Loaded {
        verifier,
        root,
        issuer,
        genesis,
        checkpoint_key: Box::new(checkpoint_key),
        identity: Identity {
            chain_der: keys::chain(&config.keys.tls_certificate).map_err(unreadable)?,
            key_pkcs8_der: keys::pkcs8(&config.keys.tls_key).map_err(unreadable)?,
        },
        seals: Seals::load(&config.seals).map_err(unreadable)?,
        revocation,
    })
}
