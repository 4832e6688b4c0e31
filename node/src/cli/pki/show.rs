//! `tram pki show`: what a certificate, a revocation list or a request says.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use tram_dispatch::id::hex;
use tram_dispatch::limits::CRL_BYTES_MAX;
use tram_pki::{
    Asked, CertificateInfo, CrlInfo, Reason, Request, read_certificate, read_certificates, read_crl,
};

use crate::cli::shell::Shell;
use crate::cli::{DONE, Done, files, table};

/// Show what certificates, a revocation list or a request say. Nothing is verified.
#[derive(Args)]
#[command(after_help = "Example:\n  tram pki show keys/tls.crt")]
pub(crate) struct ShowArgs {
    /// PEM or DER.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Shown {
    Certificate {
        subject: String,
        issuer: String,
        names: Vec<String>,
        serial: String,
        not_before: String,
        not_after: String,
        key: String,
        authority: bool,
        key_usage: Vec<&'static str>,
        extended_key_usage: Vec<String>,
        permitted: Vec<String>,
        sha256: String,
    },
    RevocationList {
        issuer: String,
        number: Option<u64>,
        this_update: String,
        next_update: Option<String>,
        revoked: Vec<[String; 3]>,
    },
    Request {
        asks_for: String,
        spki: String,
    },
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &ShowArgs) -> Done {
    let bytes = files::read(&args.file, CRL_BYTES_MAX / 3 * 4)?;
    let has = |label: &[u8]| bytes.windows(label.len()).any(|w| w == label);
    let shown: Vec<Shown> = if has(b"BEGIN X509 CRL") {
        vec![list(shell, &read_crl(&bytes)?)]
    } else if has(b"BEGIN CERTIFICATE REQUEST") {
        vec![request(&Request::parse(&bytes)?)]
    } else {
        match read_certificates(&bytes) {
            Ok(chain) => {
                let infos = chain.iter().map(|der| Ok(certificate(shell, read_certificate(der)?)));
                infos.collect::<Result<_, tram_pki::PkiError>>()?
            }
            // DER has no label; what is not a certificate may be one of the others.
            Err(not_certificate) => match (read_crl(&bytes), Request::parse(&bytes)) {
                (Ok(crl), _) => vec![list(shell, &crl)],
                (_, Ok(asked)) => vec![request(&asked)],
                _ => return Err(not_certificate.into()),
            },
        }
    };
    shell.answer(&shown, || {
        let blocks: Vec<String> = shown.iter().map(|s| table::pairs(&lines(s))).collect();
        blocks.join("\n")
    })?;
    Ok(DONE)
}

fn certificate(shell: &Shell, info: CertificateInfo) -> Shown {
    Shown::Certificate {
        serial: info.serial.to_string(),
        not_before: shell.time(info.not_before),
        not_after: shell.time(info.not_after),
        subject: info.subject,
        issuer: info.issuer,
        names: info.names,
        key: info.key,
        authority: info.is_authority,
        key_usage: info.key_usage,
        extended_key_usage: info.extended_key_usage,
        permitted: info.permitted,
        sha256: hex(&info.sha256),
    }
}

fn list(shell: &Shell, info: &CrlInfo) -> Shown {
    let reason = |r: Reason| Reason::NAMES.iter().find(|n| n.1 == r).map_or("", |n| n.0).to_owned();
    let revoked = info.revoked.iter();
    Shown::RevocationList {
        issuer: info.issuer.clone(),
        number: info.number,
        this_update: shell.time(info.this_update),
        next_update: info.next_update.map(|t| shell.time(t)),
        revoked: revoked
            .map(|r| [r.serial.to_string(), shell.time(r.at), reason(r.reason)])
            .collect(),
    }
}

fn request(request: &Request) -> Shown {
    let asks_for = match request.asked() {
        Asked::For(subject) => subject.to_string(),
        Asked::Authority => "to be an authority".to_owned(),
    };
    Shown::Request { asks_for, spki: hex(request.spki_der()) }
}

fn lines(shown: &Shown) -> Vec<(&'static str, String)> {
    let mut lines = match shown {
        Shown::Certificate {
            subject,
            issuer,
            names,
            serial,
            not_before,
            not_after,
            key,
            authority,
            key_usage,
            extended_key_usage,
            permitted,
            sha256,
        } => vec![
            ("certificate", subject.clone()),
            ("issuer", issuer.clone()),
            ("names", names.join(", ")),
            ("serial", serial.clone()),
            ("valid from", not_before.clone()),
            ("valid until", not_after.clone()),
            ("key", key.clone()),
            ("authority", if *authority { "yes" } else { "no" }.to_owned()),
            ("key usage", key_usage.join(", ")),
            ("purposes", extended_key_usage.join(", ")),
            ("permitted", permitted.join(", ")),
            ("SHA-256", sha256.clone()),
        ],
        Shown::RevocationList { issuer, number, this_update, next_update, revoked } => vec![
            ("revocation list of", issuer.clone()),
            ("number", number.map(|n| n.to_string()).unwrap_or_default()),
            ("made", this_update.clone()),
            ("next due", next_update.clone().unwrap_or_default()),
            ("revoked", revoked.iter().map(|r| r.join(" ")).collect::<Vec<_>>().join("\n")),
        ],
        Shown::Request { asks_for, spki } => {
            vec![("request for", asks_for.clone()), ("key", spki.clone())]
        }
    };
    lines.retain(|(_, value)| !value.is_empty());
    lines
}
