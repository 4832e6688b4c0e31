//! `tram log new-epoch`: begins the receipt log of a stopped node anew.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use tram_config::Config;
use tram_crypto::{Sign as _, SystemEntropy, signer_from_pkcs8_der};
use tram_dispatch::evidence::Genesis;
use tram_dispatch::limits::NOTE_BYTES_MAX;
use tram_dispatch::{Code, EpochId};
use tram_pki::{Key, KeyAlgorithm, Request, Subject};
use tram_spool::store::{Store, StoreOptions};
use tram_tlog::Hash;
use tram_tlog::checkpoint::Checkpoint;
use tram_trust::{Options, Standing, VerifiedCheckpoint, Verifier};
use tram_wire::epoch::{Beginning, EpochFile, SealedBeginning};
use tram_wire::genesis;

use super::next;
use crate::cli::clock::now;
use crate::cli::failure::Failure;
use crate::cli::init::{GENESIS_FILE, NodeRequest};
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect, files, inspect};
use crate::daemon::{epochs, keys, proofs};

/// Begin a new epoch of the receipt log, in a stopped node.
///
/// For a log that went back or split (LOG_ROLLBACK, LOG_FORK), when no newer copy of the store exists. The
/// new log begins with new keys and names the last good checkpoint of the one before. Custody, mailboxes,
/// submission keys and receipts stay; the old log and its keys are put aside in the data folder. The new
/// epoch counts once the node's parent cosigned it, at its next session, or the directory lists it: give
/// the request that is written to the directory's signer.
#[derive(Args)]
#[command(
    after_help = "Example:\n  tram log new-epoch --reason \"restored from the backup of 2 May\" \
--config /srv/tram/tram.toml"
)]
pub(crate) struct NewEpochArgs {
    /// Why, for the service log.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// A checkpoint of this log that a neighbour holds, if it is newer than what is known here.
    #[arg(long, value_name = "FILE")]
    last: Option<PathBuf>,
    /// Where to write the request; otherwise beside the configuration.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Serialize)]
struct Begun {
    node: String,
    epoch: String,
    before: String,
    last_good_size: u64,
    dispatches: u64,
    receipts: u64,
    request: String,
    kept: String,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &NewEpochArgs) -> Done {
    let path = connect::required_config_file(shell)?;
    let config = connect::read_config(&path)?;
    if next::is_ready(&config) {
        // What an earlier call made ready; its request was written before.
        next::switch(&config)?;
        let epoch = epoch_of(&config)?.0.to_string();
        shell.answer(&serde_json::json!({ "epoch": epoch }), || {
            shell.sentence(Word::EpochFinished, &[&epoch])
        })?;
        return Ok(DONE);
    }
    let root = inspect::root(&config.root)?;
    let directory = inspect::directory(&root, &config.directory)?;
    let crls = inspect::crls(&config.crls)?;
    let verifier = Verifier::new(root.into(), directory.into(), crls, Options::default());
    let verifier = epochs::with_kept(verifier, &config.data_dir, now());
    let options = StoreOptions { directory: Some(config.data_dir.clone()), ..Default::default() };
    let (old, _, _) = Store::open_dir(&config.data_dir, options)
        .map_err(|e| Failure::new(e.code(), e.explain()))?;
    let (before, began) = epoch_of(&config)?;
    let last = last_good(&config, &verifier, &old, (before, &began), args)?;

    let mut entropy = SystemEntropy::new();
    let receipt = Key::generate(KeyAlgorithm::Ed25519, &mut entropy)?;
    let checkpoint = Key::generate(KeyAlgorithm::Ed25519, &mut entropy)?;
    let first = Genesis {
        network: began.network,
        node: config.node.clone(),
        receipt_key: receipt.spki_der(),
        checkpoint_key: checkpoint.spki_der(),
        started_at: now(),
        previous: Some(last.note().to_vec()),
    };
    let file = stated(&config, &first, &checkpoint)?;
    let id = genesis::epoch_id(&first);
    let tls = Key::read(&config.keys.tls_key)?;
    let csr = Request::new(&Subject::Node(config.node.clone()), &tls)?;
    let listed = verifier.directory().node(&config.node);
    let addresses = listed.map(|n| n.addresses.clone()).unwrap_or_default();
    let parent = listed.and_then(|n| n.parent.clone());
    let request = NodeRequest::new(&first, addresses, parent.as_ref(), &csr);
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| path.with_file_name(format!("node-request-{}.json", id.short())));
    let carried = next::prepare(&config, &old, &first, &next::Keys { receipt, checkpoint }, &file)?;
    files::replace(&out, request.to_json()?.as_bytes(), 0o644)?;
    drop(old);
    next::ready(&config, &before)?;
    tracing::warn!(target: "audit", epoch = %id, %before, reason = args.reason, "a new epoch of the receipt log begins");
    next::switch(&config)?;
    let begun = Begun {
        node: config.node.to_string(),
        epoch: id.to_string(),
        before: before.to_string(),
        last_good_size: last.size(),
        dispatches: carried.dispatches,
        receipts: carried.receipts,
        request: out.display().to_string(),
        kept: next::archive(&config, &before).display().to_string(),
    };
    shell.answer(&begun, || {
        let (size, carried) = (begun.last_good_size.to_string(), begun.dispatches.to_string());
        let values = [&begun.epoch, &size, &carried, &begun.kept, &begun.request];
        shell.sentence(Word::EpochBegun, &values.map(String::as_str))
    })?;
    Ok(DONE)
}

/// The epoch of the log as it is, and how it began.
fn epoch_of(config: &Config) -> Result<(EpochId, Genesis), Failure> {
    let path = config.data_dir.join(GENESIS_FILE);
    let bytes = files::read(&path, genesis::GENESIS_BYTES_MAX)?;
    let first = genesis::decode(&bytes).map_err(|e| Failure::unreadable(&path, e.detail))?;
    Ok((genesis::epoch_id(&first), first))
}

/// The newest checkpoint of the last epoch that anybody takes: of the store, of a proof that a neighbour
/// showed, of the file given. Of two trees of one size, what a neighbour holds.
fn last_good(
    config: &Config,
    verifier: &Verifier,
    old: &Store,
    (before, began): (EpochId, &Genesis),
    args: &NewEpochArgs,
) -> Result<VerifiedCheckpoint, Failure> {
    let me = &config.node;
    let standing = verifier.directory().standing(me, &before);
    let counts = standing.is_some_and(|standing| standing > Standing::Announced);
    let mut known: Vec<VerifiedCheckpoint> = Vec::new();
    if let Some(path) = &args.last {
        known.push(verifier.checkpoint(me, &files::read(path, NOTE_BYTES_MAX)?)?);
    }
    known.extend(proofs::against(&config.data_dir, me, verifier).into_iter().map(|(_, c)| c));
    // Nobody takes this epoch: begun again, it follows the same one as before.
    let shown = std::fs::read(config.data_dir.join(epochs::FOLDER).join(epochs::LAST_NOTE));
    let named = shown.ok().into_iter().chain(began.previous.clone().filter(|_| !counts));
    known.extend(named.filter_map(|note| verifier.checkpoint(me, &note).ok()));
    let head = old.reader().log_head();
    if counts && head.size > 0 {
        let key = keys::ed25519(&config.keys.checkpoint_key).map_err(|e| unusable(&e))?;
        let origin = tram_trust::checkpoint::origin(began.network, me, before);
        let note = Checkpoint::new(&origin, head.size, Hash(head.root))
            .and_then(|checkpoint| checkpoint.sign(&origin, &key))
            .map_err(|e| unusable(&e))?;
        known.push(verifier.checkpoint(me, &note)?);
    }
    let wanted = match counts {
        true => Some(before),
        false => known.iter().rev().map(VerifiedCheckpoint::epoch).find(|epoch| *epoch != before),
    };
    let mut of_it = known.into_iter().filter(|c| Some(c.epoch()) == wanted);
    let first = of_it.next().ok_or_else(|| {
        let detail =
            "no checkpoint of a log that the directory lists is known: give one with --last";
        Failure::new(Code::EpochUnlisted, detail)
    })?;
    Ok(of_it.fold(first, |best, c| if c.size() > best.size() { c } else { best }))
}

fn unusable(what: &dyn std::fmt::Display) -> Failure {
    Failure::new(Code::Unreadable, what)
}

/// The epoch file: the genesis as this node states it, and the checkpoint of its leaf.
fn stated(config: &Config, first: &Genesis, checkpoint: &Key) -> Result<EpochFile, Failure> {
    let chain = keys::chain(&config.keys.tls_certificate).map_err(|e| unusable(&e))?;
    let tls = keys::signer(&config.keys.tls_key).map_err(|e| unusable(&e))?;
    let statement =
        SealedBeginning::seal(&Beginning::new(first.clone()), &chain, tls.algorithm(), |m| {
            tls.sign(m)
        })
        .map_err(|e| unusable(&e))?;
    let id = genesis::epoch_id(first);
    let origin = tram_trust::checkpoint::origin(first.network, &first.node, id);
    let key = signer_from_pkcs8_der(checkpoint.pkcs8_der()).map_err(|e| unusable(&e))?;
    // The tree of one leaf has that leaf's hash for its root, which is the epoch id.
    let note = Checkpoint::new(&origin, 1, Hash(id.0))
        .and_then(|checkpoint| checkpoint.sign(&origin, &*key))
        .map_err(|e| unusable(&e))?;
    Ok(EpochFile { statement, note })
}
