//! `tram network new`: makes a network.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use tram_crypto::{Entropy as _, Sign as _, SystemEntropy, signer_from_pkcs8_der};
use tram_dispatch::Code;
use tram_dispatch::directory::{Anchor, RootDocument};
use tram_dispatch::limits::ROOT_KEYS_MAX;
use tram_pki::{Key, KeyAlgorithm, read_certificate, read_certificates};
use tram_trust::Root;
use tram_wire::root::{self, KeySignature, RootFile};

use crate::cli::clock::DAY_MS;
use crate::cli::failure::Failure;
use crate::cli::inspect::CHAIN_BYTES_MAX;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, files};

/// Make a network: its root document, and the keys that will sign its directory.
///
/// The network id is the digest of this document; it stands in every dispatch and receipt, so
/// that nothing replays between a trial and a live network. Keep the key files off line, each
/// with another person.
#[derive(Args)]
#[command(after_help = "Example:\n  tram network new --name trial-2026 --anchor ca/root/ca.crt \
--keys 3 --threshold 2 --out network")]
pub(crate) struct NewArgs {
    /// Name for people.
    #[arg(long, value_name = "TEXT")]
    name: String,
    /// Trust anchor for nodes and seals: a root authority's certificate.
    #[arg(long, value_name = "FILE")]
    anchor: Vec<PathBuf>,
    /// Trust anchor for nodes only.
    #[arg(long, value_name = "FILE")]
    anchor_nodes: Vec<PathBuf>,
    /// Trust anchor for seals only, such as the root of the existing national PKI.
    #[arg(long, value_name = "FILE")]
    anchor_seals: Vec<PathBuf>,
    /// How many keys to make.
    #[arg(long, default_value_t = 1)]
    keys: u8,
    /// Private keys that are there already, instead of new ones.
    #[arg(long, value_name = "FILE", conflicts_with = "keys")]
    key: Vec<PathBuf>,
    /// How many keys must sign a directory.
    #[arg(long, default_value_t = 1)]
    threshold: u8,
    /// Longest life of a dispatch, days.
    #[arg(long, default_value_t = 90)]
    lifetime_days: u64,
    /// Folder to make.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

#[derive(Serialize)]
struct Made {
    network: String,
    name: String,
    root: String,
    keys: Vec<String>,
    threshold: u8,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &NewArgs) -> Done {
    let mut anchors = Vec::new();
    for (paths, nodes, seals) in [
        (&args.anchor, true, true),
        (&args.anchor_nodes, true, false),
        (&args.anchor_seals, false, true),
    ] {
        for path in paths {
            anchors.push(Anchor { certificate: anchor(path)?, nodes, seals });
        }
    }
    if anchors.is_empty() {
        return Err(Failure::usage("at least one --anchor is needed"));
    }
    let mut entropy = SystemEntropy::new();
    let mut nonce = [0; 16];
    entropy.fill(&mut nonce).map_err(|e| Failure::new(Code::Internal, e))?;
    let keys: Vec<Key> = if args.key.is_empty() {
        let count = usize::from(args.keys).min(ROOT_KEYS_MAX + 1);
        let make = |_| Key::generate(KeyAlgorithm::Ed25519, &mut entropy);
        (0..count).map(make).collect::<Result<_, _>>()?
    } else {
        args.key.iter().map(|path| Key::read(path)).collect::<Result<_, _>>()?
    };
    let document = RootDocument {
        name: args.name.clone(),
        nonce,
        version: 1,
        network: None,
        keys: keys.iter().map(Key::spki_der).collect(),
        threshold: args.threshold,
        anchors,
        lifetime_ms_max: args.lifetime_days.saturating_mul(DAY_MS),
    };
    root::validate(&document).map_err(|e| Failure::usage(e.detail))?;
    let file = sign(document, &keys)?;
    let bytes = file.encode();
    let network = Root::install(&bytes)?.network();

    files::folder(&args.out, false)?;
    let path = args.out.join("root.cbor");
    files::write_new(&path, &bytes, 0o644)?;
    let mut paths: Vec<String> = args.key.iter().map(|p| p.display().to_string()).collect();
    if args.key.is_empty() {
        for (index, key) in keys.iter().enumerate() {
            let path = args.out.join(format!("directory-{index}.key"));
            key.write_new(&path)?;
            paths.push(path.display().to_string());
        }
    }
    let made = Made {
        network: network.to_string(),
        name: args.name.clone(),
        root: path.display().to_string(),
        keys: paths,
        threshold: args.threshold,
    };
    shell.answer(&made, || {
        let keys = made.keys.join(", ");
        shell.sentence(Word::NetworkMade, &[&made.name, &made.network, &made.root, &keys])
    })?;
    Ok(DONE)
}

/// The self-signed certificate of an authority's file: its last one, or its only one.
fn anchor(path: &Path) -> Result<Vec<u8>, Failure> {
    let in_file = |e: tram_pki::PkiError| Failure::from(e).about(path.display());
    let chain = read_certificates(&files::read(path, CHAIN_BYTES_MAX)?).map_err(in_file)?;
    let der = chain.last().cloned().unwrap_or_default();
    if !read_certificate(&der).map_err(in_file)?.is_authority {
        return Err(Failure::unreadable(path, "not the certificate of an authority"));
    }
    Ok(der)
}

fn sign(document: RootDocument, keys: &[Key]) -> Result<RootFile, Failure> {
    let raw_root = root::encode(&document);
    let network = root::network_id(&raw_root, &document);
    let mut signatures = Vec::new();
    for (key_index, key) in (0u8..).zip(keys) {
        let signer = signer_from_pkcs8_der(key.pkcs8_der())
            .map_err(|e| Failure::new(Code::AlgorithmRefused, e))?;
        let algorithm = signer.algorithm();
        let signature = signer
            .sign(&root::to_be_signed(algorithm, &raw_root, network))
            .map_err(|e| Failure::new(Code::Internal, e))?;
        signatures.push(KeySignature { key_index, algorithm, signature });
    }
    Ok(RootFile { raw_root, document, signatures, previous_signatures: Vec::new() })
}
