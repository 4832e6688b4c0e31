//! `tram pki issue`: signs a request, after reading it.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use tram_crypto::SystemEntropy;
use tram_pki::{
    AUTHORITY_DAYS, Asked, IssueOptions, NODE_DAYS, Request, SEAL_DAYS, Subject, read_certificate,
    write_certificates,
};

use super::authority::{keep_issued, place_of, subtree, validity};
use crate::cli::failure::Failure;
use crate::cli::init::NodeRequest;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, files};

/// Largest request file; a node request carries a certificate request and its genesis.
const REQUEST_BYTES_MAX: usize = 256 << 10;

/// Sign a request for a certificate.
///
/// The request is read first: signature by its own key, exactly one name, nothing beyond the
/// profile. A name outside the authority's subtree, or that of an authority above it, is refused.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tram pki issue --ca ca/h41 --request node-request.json --out \
tls.crt\n  tram pki issue --ca ca/h41 --request seal.csr --out seal.crt\n  tram pki issue --ca \
ca/centre --request ca.csr --name \"Province H41 authority\" --subtree H41 --out h41-ca.crt"
)]
pub(crate) struct IssueArgs {
    /// Folder of the authority.
    #[arg(long, value_name = "FOLDER")]
    ca: PathBuf,
    /// The request: PEM, DER, or the node-request.json of `tram init`.
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
    /// Where the certificate is written, with those above it as nodes present it.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Days it is valid; by default as certs/README.md says, but no longer than the authority.
    #[arg(long)]
    days: Option<u32>,
    /// For an authority: its name.
    #[arg(long, value_name = "TEXT", requires = "subtree")]
    name: Option<String>,
    /// For an authority: what it may certify, an agency with all below it, or `all`.
    #[arg(long, value_name = "CODE", requires = "name")]
    subtree: Option<String>,
    /// For an authority: most levels of authorities below it.
    #[arg(long, value_name = "LEVELS", requires = "subtree")]
    path_len: Option<u8>,
}

#[derive(Serialize)]
struct Issued {
    certificate: String,
    names: Vec<String>,
    serial: String,
    not_after: String,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &IssueArgs) -> Done {
    let request = read(&args.request)?;
    let place = place_of(&args.ca);
    let authority = place.open()?;
    let (mut entropy, options) = (SystemEntropy::new(), IssueOptions::default());
    let valid = |default| validity(args.days, default, &authority);
    let (der, chain) = match (request.asked(), &args.name, &args.subtree) {
        (Asked::For(subject), None, None) => {
            let days = if matches!(subject, Subject::Node(_)) { NODE_DAYS } else { SEAL_DAYS };
            let der = authority.issue(&request, valid(days), &mut entropy, options)?;
            let chain = authority.presented_chain_of(&der);
            (der, chain)
        }
        (Asked::Authority, Some(name), Some(below)) => {
            let (below, valid) = (subtree(below)?, valid(AUTHORITY_DAYS));
            let length = args.path_len;
            let der = authority.issue_authority(
                &request,
                name,
                &below,
                valid,
                length,
                &mut entropy,
                options,
            )?;
            let chain = authority.chain_of(&der);
            (der, chain)
        }
        (Asked::Authority, ..) => {
            return Err(Failure::usage("this asks for an authority: give --name and --subtree"));
        }
        (Asked::For(subject), ..) => {
            return Err(Failure::usage(format!("this asks for {subject}, not for an authority")));
        }
    };
    files::write_new(&args.out, write_certificates(&chain).as_bytes(), 0o644)?;
    keep_issued(&place, &der)?;
    let info = read_certificate(&der)?;
    let issued = Issued {
        certificate: args.out.display().to_string(),
        serial: info.serial.to_string(),
        not_after: info.not_after.to_string(),
        names: info.names,
    };
    shell.answer(&issued, || {
        let (file, until) = (&issued.certificate, shell.time(info.not_after));
        shell.sentence(Word::CertificateIssued, &[&info.subject, file, &until])
    })?;
    Ok(DONE)
}

fn read(path: &Path) -> Result<Request, Failure> {
    let bytes = files::read(path, REQUEST_BYTES_MAX)?;
    let in_file = |e: tram_pki::PkiError| Failure::from(e).about(path.display());
    if bytes.trim_ascii_start().first() == Some(&b'{') {
        let node = NodeRequest::read(path)?;
        return Request::parse(node.certificate_request.as_bytes()).map_err(in_file);
    }
    Request::parse(&bytes).map_err(in_file)
}
