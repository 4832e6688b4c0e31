//! `tram pki request`: asks an authority for a certificate; the private key stays here.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use tram_crypto::SystemEntropy;
use tram_dispatch::{AgencyCode, NodeId};
use tram_pki::{Key, Request, Subject};

use super::NewKey;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, files};

/// Ask for a certificate: makes the key if it is not there, and a request to be sent.
///
/// The key file never leaves this machine. `tram init` already makes the request of the node.
#[derive(Args)]
#[command(after_help = "Examples:\n  tram pki request --seal H41.12.03 --key keys/seal.key --out \
seal.csr\n  tram pki request --node n1.H41.12.03 --key keys/tls.key --out tls.csr\n  tram pki \
request --authority \"Province H41 authority\" --key ca.key --out ca.csr")]
pub(crate) struct RequestArgs {
    #[command(flatten)]
    subject: For,
    /// Private key file; made with mode 0600 if it is not there.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where the request is written.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Kind of a new key.
    #[arg(long, value_enum, default_value = "ed25519")]
    algorithm: NewKey,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct For {
    /// For a node.
    #[arg(long, value_name = "NODE")]
    node: Option<NodeId>,
    /// For the seal of an agency.
    #[arg(long, value_name = "CODE")]
    seal: Option<AgencyCode>,
    /// For an authority of this name.
    #[arg(long, value_name = "TEXT")]
    authority: Option<String>,
}

#[derive(Serialize)]
struct Made {
    request: String,
    key: String,
    key_made: bool,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &RequestArgs) -> Done {
    if args.out.exists() {
        return Err(Failure::unreadable(&args.out, "is there already"));
    }
    let key_made = !args.key.exists();
    let key = if key_made {
        let key = Key::generate(args.algorithm.into(), &mut SystemEntropy::new())?;
        key.write_new(&args.key)?;
        key
    } else {
        Key::read(&args.key)?
    };
    let request = match &args.subject {
        For { node: Some(id), .. } => Request::new(&Subject::Node(id.clone()), &key)?,
        For { seal: Some(code), .. } => Request::new(&Subject::Seal(code.clone()), &key)?,
        For { authority: Some(name), .. } => Request::for_authority(name, &key)?,
        For { .. } => return Err(Failure::usage("one of --node, --seal, --authority is needed")),
    };
    files::write_new(&args.out, request.to_pem().as_bytes(), 0o644)?;
    let (request, key) = (args.out.display().to_string(), args.key.display().to_string());
    let made = Made { request, key, key_made };
    shell.answer(&made, || shell.sentence(Word::RequestMade, &[&made.request, &made.key]))?;
    Ok(DONE)
}
