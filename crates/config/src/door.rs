//! `[door]` and `[[door_systems]]`: the API for systems on other machines, and who they are.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use tram_dispatch::Digest;

use crate::axis::address;
use crate::files::Kind;
use crate::limits::DoorLimits;
use crate::parse::Paths;
use crate::reader::{Found, Section};
use crate::sockets::{agencies, roles};
use crate::values::{Agencies, Role};

/// Longest name of a system, bytes: it is part of log lines and problems.
const NAME_BYTES_MAX: usize = 64;
/// Longest subject or alternative name, bytes.
const TEXT_BYTES_MAX: usize = 512;
/// The kinds of alternative names, as they are written.
const KINDS: [&str; 3] = ["dns", "email", "uri"];

/// The API over mutual TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    /// Where it listens (TCP).
    pub listen: SocketAddr,
    /// Its certificate chain, PEM.
    pub certificate: PathBuf,
    /// The private key of that, PKCS#8 PEM.
    pub key: PathBuf,
    /// CA certificates (PEM) that the systems' own must lead to.
    pub authorities: PathBuf,
    /// Revocation lists of those, PEM or DER.
    pub revocation_lists: Vec<PathBuf>,
    /// Counts.
    pub limits: DoorLimits,
    /// Who may call; never empty.
    pub systems: Vec<DoorSystem>,
}

/// A system that may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoorSystem {
    /// What logs call it.
    pub name: String,
    /// Which certificate is its own.
    pub shown: Shown,
    /// The agencies it acts for.
    pub agencies: Agencies,
    /// What it may do.
    pub roles: BTreeSet<Role>,
}

/// How a certificate is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    /// By its SHA-256: this one certificate.
    Sha256(Digest),
    /// By its whole subject, as `tram pki show` and the log write it.
    Subject(String),
    /// By one of its dNSNames, in small letters.
    Dns(String),
    /// By one of its mail addresses.
    Email(String),
    /// By one of its URIs.
    Uri(String),
}

/// `None` without the table, and where something in it is wrong: that is reported.
pub(crate) fn read(document: &Section<'_>, paths: &mut Paths<'_>) -> Option<Door> {
    let section = document.table("door");
    let limits = DoorLimits::read(&section);
    let systems = systems(document);
    if !section.has("listen") {
        let more = ["certificate", "key", "authorities"].iter().any(|key| section.has(key));
        if more || document.has("door_systems") {
            section.missing("listen");
        }
        return None;
    }
    let listen = section.required("listen").and_then(|found| address(&section, &found));
    let mut file = |key: &'static str, kind| {
        section.required(key).and_then(|found| paths.claim(&section, &found, kind))
    };
    let certificate = file("certificate", Kind::Certificates);
    let key = file("key", Kind::PrivateKey);
    let authorities = file("authorities", Kind::Certificates);
    let lists = section.texts("revocation_lists").unwrap_or_default();
    let lists = lists.iter().filter_map(|f| paths.claim(&section, f, Kind::Crl)).collect();
    if !document.has("door_systems") {
        let remedy = "add [[door_systems]], or remove [door]";
        section.reader().report(section.at(), "door", "nobody may come in", remedy);
    }
    Some(Door {
        listen: listen?,
        certificate: certificate?,
        key: key?,
        authorities: authorities?,
        revocation_lists: lists,
        limits,
        systems: systems?,
    })
}

/// `None` where one of them is wrong.
fn systems(document: &Section<'_>) -> Option<Vec<DoorSystem>> {
    let mut all: Vec<Option<DoorSystem>> = Vec::new();
    let (mut names, mut certificates) = (Vec::new(), Vec::new());
    for section in document.tables("door_systems") {
        let name = section.required("name").and_then(|found| name(&section, &found));
        let shown = shown(&section);
        if let Some(name) = &name {
            once(&section, name.clone(), format!("\"{name}\""), &mut names);
        }
        if let Some(shown) = &shown {
            once(&section, shown.clone(), "this certificate".to_owned(), &mut certificates);
        }
        let roles = roles(&section);
        let agencies = agencies(&section, roles.as_ref());
        all.push((|| {
            Some(DoorSystem { name: name?, shown: shown?, agencies: agencies?, roles: roles? })
        })());
    }
    all.into_iter().collect()
}

/// Reports what an earlier table says already.
fn once<T: PartialEq>(section: &Section<'_>, value: T, words: String, seen: &mut Vec<(T, String)>) {
    if let Some((_, first)) = seen.iter().find(|(other, _)| *other == value) {
        let what = format!("{words} is already {first}");
        section.reader().report(section.at(), section.path(), what, "keep one of them");
    }
    seen.push((value, section.path().to_owned()));
}

fn name(section: &Section<'_>, found: &Found<&str>) -> Option<String> {
    let fits = (1..=NAME_BYTES_MAX).contains(&found.value.len());
    if fits && found.value.bytes().all(|b| b.is_ascii_graphic()) {
        return Some(found.value.to_owned());
    }
    let what = format!("\"{}\" is not a name", found.value.escape_default());
    let remedy = format!("write 1 to {NAME_BYTES_MAX} visible ASCII characters without spaces");
    section.reader().report(found.at, &found.key, what, remedy);
    None
}

/// Exactly one way to know the certificate.
fn shown(section: &Section<'_>) -> Option<Shown> {
    let ways = ["sha256", "subject", "san"];
    let present: Vec<&str> = ways.into_iter().filter(|way| section.has(way)).collect();
    if present.len() != 1 {
        let what = match present.len() {
            0 => "does not say which certificate".to_owned(),
            n => format!("says in {n} ways which certificate ({})", present.join(", ")),
        };
        let remedy = "write exactly one of sha256, subject, san";
        section.reader().report(section.at(), section.path(), what, remedy);
        return None;
    }
    let sha256 = section.text("sha256").and_then(|found| sha256(section, &found));
    let subject = section.text("subject").and_then(|found| subject(section, &found));
    let san = section.text("san").and_then(|found| san(section, &found));
    sha256.or(subject).or(san)
}

fn sha256(section: &Section<'_>, found: &Found<&str>) -> Option<Shown> {
    // As openssl and Windows write it, too.
    let digits: String = found.value.chars().filter(|c| !": ".contains(*c)).collect();
    let digest = digits.to_ascii_lowercase().parse::<Digest>();
    if digest.is_err() {
        let what = format!("\"{}\" is not a SHA-256", found.value.escape_default());
        let remedy =
            "write 64 hexadecimal digits: `openssl x509 -fingerprint -sha256 -noout -in FILE`";
        section.reader().report(found.at, &found.key, what, remedy);
    }
    digest.ok().map(Shown::Sha256)
}

fn subject(section: &Section<'_>, found: &Found<&str>) -> Option<Shown> {
    if (1..=TEXT_BYTES_MAX).contains(&found.value.len()) {
        return Some(Shown::Subject(found.value.to_owned()));
    }
    let what = "not a subject";
    section.reader().report(found.at, &found.key, what, "write it as \"CN=van-thu, O=So Noi vu\"");
    None
}

fn san(section: &Section<'_>, found: &Found<&str>) -> Option<Shown> {
    let parts = found.value.split_once(':').filter(|(_, rest)| !rest.is_empty());
    let fits = found.value.len() <= TEXT_BYTES_MAX;
    match parts.filter(|_| fits) {
        Some(("dns", name)) => return Some(Shown::Dns(name.to_ascii_lowercase())),
        Some(("email", address)) => return Some(Shown::Email(address.to_owned())),
        Some(("uri", uri)) => return Some(Shown::Uri(uri.to_owned())),
        _ => {}
    }
    let what = format!("\"{}\" is not a kind and a name", found.value.escape_default());
    let remedy = format!("write it as \"dns:vanthu.example.vn\"; kinds are {}", KINDS.join(", "));
    section.reader().report(found.at, &found.key, what, remedy);
    None
}
