//! `tram pki revoke`: a new revocation list.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use tram_dispatch::limits::CRL_BYTES_MAX;
use tram_dispatch::{Code, UnixMillis};
use tram_pki::{
    CRL_DAYS, Reason, Revoked, Serial, read_certificate, read_certificates, read_crl, write_crl,
};

use super::authority::place_of;
use crate::cli::clock::{DAY_MS, now};
use crate::cli::failure::Failure;
use crate::cli::inspect::CHAIN_BYTES_MAX;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, files};

/// Revoke a certificate, or renew the revocation list before it is due.
///
/// The new list replaces `ca.crl` in the authority's folder; take it to every node that has this
/// authority's list in its configuration.
#[derive(Args)]
#[command(after_help = "Examples:\n  tram pki revoke --ca ca/h41 --certificate tls.crt --reason \
key-compromise\n  tram pki revoke --ca ca/h41 --renew")]
pub(crate) struct RevokeArgs {
    /// Folder of the authority.
    #[arg(long, value_name = "FOLDER")]
    ca: PathBuf,
    #[command(flatten)]
    which: Which,
    /// Why.
    #[arg(long, default_value = "unspecified", value_parser = reason)]
    reason: Reason,
    /// Since when; otherwise now.
    #[arg(long, value_name = "TIME")]
    at: Option<UnixMillis>,
    /// Days until the next list is due.
    #[arg(long, default_value_t = CRL_DAYS)]
    days: u32,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The certificate.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Its serial number, hexadecimal.
    #[arg(long, value_name = "NUMBER")]
    serial: Option<Serial>,
    /// Nothing more: only a new list with the same entries.
    #[arg(long)]
    renew: bool,
}

fn reason(text: &str) -> Result<Reason, String> {
    let known = Reason::NAMES.iter().find(|(name, _)| *name == text);
    known.map(|(_, reason)| *reason).ok_or_else(|| {
        let names: Vec<&str> = Reason::NAMES.iter().map(|(name, _)| *name).collect();
        format!("one of {}", names.join(", "))
    })
}

#[derive(Serialize)]
struct Made {
    list: String,
    number: u64,
    revoked: usize,
    next_update: String,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &RevokeArgs) -> Done {
    let place = place_of(&args.ca);
    let authority = place.open()?;
    let before = files::read(&place.crl(), CRL_BYTES_MAX / 3 * 4)?;
    let before = read_crl(&before).map_err(|e| Failure::from(e).about(place.crl().display()))?;
    let mut revoked = before.revoked;
    if let Some(serial) = serial(args, &authority.info().subject)? {
        if revoked.iter().any(|r| r.serial == serial) {
            let detail = format!("serial number {serial} is revoked already");
            return Err(Failure::new(Code::WrongState, detail));
        }
        let at = args.at.unwrap_or_else(now);
        revoked.push(Revoked { serial, at, reason: args.reason });
    }
    let number = before.number.unwrap_or(0) + 1;
    let made_at = now();
    let due = made_at.plus_ms(u64::from(args.days) * DAY_MS).min(authority.info().not_after);
    let der = authority.sign_crl(number, made_at, due, &revoked)?;
    files::replace(&place.crl(), write_crl(&der).as_bytes(), 0o644)?;
    let made = Made {
        list: place.crl().display().to_string(),
        number,
        revoked: revoked.len(),
        next_update: due.to_string(),
    };
    shell.answer(&made, || {
        let (number, count) = (number.to_string(), made.revoked.to_string());
        shell.sentence(Word::ListMade, &[&made.list, &number, &count, &shell.time(due)])
    })?;
    Ok(DONE)
}

/// The serial number to add, if any. A list only speaks about its own authority's certificates.
fn serial(args: &RevokeArgs, issuer: &str) -> Result<Option<Serial>, Failure> {
    let Some(path) = &args.which.certificate else { return Ok(args.which.serial.clone()) };
    let chain = read_certificates(&files::read(path, CHAIN_BYTES_MAX)?)?;
    let info = read_certificate(chain.first().map_or(&[][..], Vec::as_slice))?;
    if info.issuer != issuer {
        let detail =
            format!("{} was issued by \"{}\", not by \"{issuer}\"", path.display(), info.issuer);
        return Err(Failure::new(Code::CertificateInvalid, detail));
    }
    Ok(Some(info.serial))
}
