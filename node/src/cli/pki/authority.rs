//! Authorities as folders: `ca.key`, `ca.crt` (own certificate first, root last), `ca.crl`,
//! `issued/`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use tram_crypto::SystemEntropy;
use tram_dispatch::AgencyCode;
use tram_pki::{
    AUTHORITY_DAYS, Authority, CRL_DAYS, Key, ROOT_DAYS, Subtree, Validity, read_certificates,
    write_certificates, write_crl,
};

use super::NewKey;
use crate::cli::clock::{DAY_MS, now};
use crate::cli::failure::Failure;
use crate::cli::inspect::CHAIN_BYTES_MAX;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, files};

/// Make a root authority: a self-signed certificate that everybody installs by hand.
///
/// Keep its folder off line; it signs the authority of the centre and little else.
#[derive(Args)]
#[command(after_help = "Example:\n  tram pki new-root --name \"Trial root 2026\" --out ca/root")]
pub(crate) struct NewRootArgs {
    /// Name of the authority, its own within the network.
    #[arg(long, value_name = "TEXT")]
    name: String,
    /// Folder to make: key, certificate, revocation list.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Kind of key.
    #[arg(long, value_enum, default_value = "ed25519")]
    algorithm: NewKey,
    /// Days it is valid.
    #[arg(long, default_value_t = ROOT_DAYS)]
    days: u32,
    /// Most levels of authorities below it; otherwise any number.
    #[arg(long, value_name = "LEVELS")]
    path_len: Option<u8>,
}

/// Make an authority below another one, limited to one subtree by name constraints.
///
/// Both keys lie on this machine; where they do not, use `pki request --authority` and `pki issue`.
#[derive(Args)]
#[command(
    after_help = "Example:\n  tram pki new-ca --ca ca/root --name \"Province H41 authority\" \
--subtree H41 --out ca/h41"
)]
pub(crate) struct NewCaArgs {
    /// Folder of the authority that signs.
    #[arg(long, value_name = "FOLDER")]
    ca: PathBuf,
    /// Name of the new authority, its own within the network.
    #[arg(long, value_name = "TEXT")]
    name: String,
    /// What it may certify: an agency with all below it, or `all`.
    #[arg(long, value_name = "CODE")]
    subtree: String,
    /// Folder to make.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Kind of key.
    #[arg(long, value_enum, default_value = "ed25519")]
    algorithm: NewKey,
    /// Days it is valid; by default ten years, or as long as the authority that signs.
    #[arg(long)]
    days: Option<u32>,
    /// Most levels of authorities below it.
    #[arg(long, value_name = "LEVELS")]
    path_len: Option<u8>,
}

/// The files of an authority's folder.
pub(crate) struct Place(PathBuf);

/// An authority's folder.
pub(crate) fn place_of(folder: &Path) -> Place {
    Place(folder.to_owned())
}

impl Place {
    /// Its private key.
    pub(crate) fn key(&self) -> PathBuf {
        self.0.join("ca.key")
    }

    /// Its certificate and those above it, root last.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.0.join("ca.crt")
    }

    /// Its newest revocation list.
    pub(crate) fn crl(&self) -> PathBuf {
        self.0.join("ca.crl")
    }

    /// Copies of what it issued, named by serial number.
    pub(crate) fn issued(&self) -> PathBuf {
        self.0.join("issued")
    }

    /// Opens the authority.
    ///
    /// # Errors
    /// Those of [`Authority::from_parts`], naming the folder.
    pub(crate) fn open(&self) -> Result<Authority, Failure> {
        let here = |e: tram_pki::PkiError| Failure::from(e).about(self.0.display());
        let chain = files::read(&self.certificate(), CHAIN_BYTES_MAX)?;
        let chain = read_certificates(&chain).map_err(here)?;
        Authority::from_parts(Key::read(&self.key()).map_err(here)?, chain).map_err(here)
    }

    fn make(&self, authority: &Authority) -> Result<(), Failure> {
        files::folder(&self.0, false)?;
        files::folder(&self.issued(), false)?;
        authority.key().write_new(&self.key())?;
        let pem = write_certificates(authority.chain());
        files::write_new(&self.certificate(), pem.as_bytes(), 0o644)?;
        let at = now();
        let due = at.plus_ms(u64::from(CRL_DAYS) * DAY_MS).min(authority.info().not_after);
        let crl = write_crl(&authority.sign_crl(1, at, due, &[])?);
        files::write_new(&self.crl(), crl.as_bytes(), 0o644)
    }
}

/// Keeps a copy of what an authority issued, named by its serial number.
///
/// # Errors
/// `UNREADABLE`.
pub(crate) fn keep_issued(place: &Place, der: &[u8]) -> Result<(), Failure> {
    files::folder(&place.issued(), true)?;
    let serial = tram_pki::read_certificate(der)?.serial;
    let pem = write_certificates(&[der.to_vec()]);
    files::write_new(&place.issued().join(format!("{serial}.crt")), pem.as_bytes(), 0o644)
}

#[derive(Serialize)]
struct Made {
    folder: String,
    subject: String,
    permitted: Vec<String>,
    not_after: String,
}

fn made(shell: &Shell, folder: &Path, authority: &Authority) -> Done {
    let info = authority.info();
    let made = Made {
        folder: folder.display().to_string(),
        subject: info.subject.clone(),
        permitted: info.permitted.clone(),
        not_after: info.not_after.to_string(),
    };
    shell.answer(&made, || {
        let until = shell.time(info.not_after);
        shell.sentence(Word::AuthorityMade, &[&made.subject, &made.folder, &until])
    })?;
    Ok(DONE)
}

/// Reads `--subtree`.
///
/// # Errors
/// `BAD_REQUEST`.
pub(crate) fn subtree(text: &str) -> Result<Subtree, Failure> {
    if text == "all" {
        return Ok(Subtree::Whole);
    }
    let code = AgencyCode::parse(text).map_err(|e| Failure::usage(format!("--subtree: {e}")))?;
    Ok(Subtree::Of(code))
}

/// The days asked for from now on, or by default so many, but no longer than the issuer.
pub(crate) fn validity(days: Option<u32>, default: u32, issuer: &Authority) -> Validity {
    let mut validity = Validity::days(now(), days.unwrap_or(default));
    if days.is_none() {
        validity.not_after = validity.not_after.min(issuer.info().not_after);
    }
    validity
}

/// `pki new-root`.
pub(crate) fn new_root(shell: &Shell, args: &NewRootArgs) -> Done {
    let mut entropy = SystemEntropy::new();
    let key = Key::generate(args.algorithm.into(), &mut entropy)?;
    let validity = Validity::days(now(), args.days);
    let root = Authority::new_root(&args.name, key, validity, args.path_len, &mut entropy)?;
    place_of(&args.out).make(&root)?;
    made(shell, &args.out, &root)
}

/// `pki new-ca`.
pub(crate) fn new_ca(shell: &Shell, args: &NewCaArgs) -> Done {
    let place = place_of(&args.ca);
    let issuer = place.open()?;
    let mut entropy = SystemEntropy::new();
    let key = Key::generate(args.algorithm.into(), &mut entropy)?;
    let validity = validity(args.days, AUTHORITY_DAYS, &issuer);
    let subtree = subtree(&args.subtree)?;
    let authority =
        issuer.new_subordinate(&args.name, key, &subtree, validity, args.path_len, &mut entropy)?;
    place_of(&args.out).make(&authority)?;
    keep_issued(&place, authority.certificate())?;
    made(shell, &args.out, &authority)
}
