//! `[axis]` and `[[axis_accounts]]`: the endpoint of the national axis, and who may call it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use tram_dispatch::AgencyCode;

use crate::files::Kind;
use crate::limits::AxisLimits;
use crate::parse::{Paths, agency};
use crate::reader::{Found, Section};
use crate::suggest;
use crate::values::Seal;

/// Longest system id, bytes: it is a header, and a line of logs.
const SYSTEM_ID_BYTES_MAX: usize = 128;
/// Longest base path, bytes.
const BASE_BYTES_MAX: usize = 256;

/// The endpoint of the national axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Where it listens (TCP).
    pub listen: SocketAddr,
    /// Certificate chain (PEM) and private key (PKCS#8 PEM); absent: plain HTTP, on loopback only.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// What stands before the calls in paths: empty, or `/axis`.
    pub base: String,
    /// Sizes and counts.
    pub limits: AxisLimits,
    /// Who may call; never empty.
    pub accounts: Vec<AxisAccount>,
}

/// A system that may call the endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AxisAccount {
    /// By what it names itself.
    pub system_id: String,
    /// The file that holds what it signs with: one line.
    pub secret: PathBuf,
    /// The agencies it speaks for.
    pub agencies: BTreeSet<AgencyCode>,
    /// Whether it may send for them.
    pub submit: bool,
    /// Whether it may take what is addressed to them.
    pub collect: bool,
    /// How old its signed timestamps may be, days; absent: of any age.
    pub timestamp_days_max: Option<u64>,
    /// Whether codes are given to it in the form of QCVN 102:2016.
    pub old_codes: bool,
}

/// `None` without the table, and where something in it is wrong: that is reported.
pub(crate) fn read(document: &Section<'_>, paths: &mut Paths<'_>, seals: &[Seal]) -> Option<Axis> {
    let section = document.table("axis");
    let limits = AxisLimits::read(&section);
    let accounts = accounts(document, paths, seals);
    if !section.has("listen") {
        let more = ["https_certificate", "https_key", "base"].iter().any(|key| section.has(key));
        if more || document.has("axis_accounts") {
            section.missing("listen");
        }
        return None;
    }
    let listen = section.required("listen").and_then(|found| address(&section, &found));
    let certificate = section.text("https_certificate");
    let certificate = certificate.and_then(|f| paths.claim(&section, &f, Kind::Certificates));
    let key = section.text("https_key").and_then(|f| paths.claim(&section, &f, Kind::PrivateKey));
    match (section.has("https_certificate"), section.has("https_key")) {
        (true, false) => section.missing("https_key"),
        (false, true) => section.missing("https_certificate"),
        (false, false) if listen.is_some_and(|l| !l.ip().is_loopback()) => {
            let what = "plain HTTP would be open to the network";
            let remedy =
                "add https_certificate and https_key, or listen on 127.0.0.1 behind a proxy";
            let at = section.text("listen").map_or(section.at(), |f| f.at);
            section.reader().report(at, &section.key("listen"), what, remedy);
        }
        _ => {}
    }
    let base = section.text("base").map_or(Some(String::new()), |found| base(&section, &found));
    if !document.has("axis_accounts") {
        let what = "nobody may call the endpoint";
        let remedy = "add [[axis_accounts]], or remove [axis]";
        section.reader().report(section.at(), "axis", what, remedy);
    }
    Some(Axis {
        listen: listen?,
        tls: certificate.zip(key),
        base: base?,
        limits,
        accounts: accounts?,
    })
}

pub(crate) fn address(section: &Section<'_>, found: &Found<&str>) -> Option<SocketAddr> {
    let address: Option<SocketAddr> =
        found.value.parse().ok().filter(|a: &SocketAddr| a.port() != 0);
    if address.is_none() {
        let what = format!("\"{}\" is not an IP address with a port", found.value);
        section.reader().report(found.at, &found.key, what, "write it as \"127.0.0.1:8180\"");
    }
    address
}

fn base(section: &Section<'_>, found: &Found<&str>) -> Option<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_.~".contains(&b);
    let text = found.value.trim_end_matches('/');
    let fits = text.is_empty() || text.starts_with('/');
    if fits && text.len() <= BASE_BYTES_MAX && text.bytes().all(plain) {
        return Some(text.to_owned());
    }
    let what = format!("\"{}\" is not a path", found.value.escape_default());
    section.reader().report(found.at, &found.key, what, "write it as \"/axis\", or leave it out");
    None
}

/// `None` where one of them is wrong.
fn accounts(
    document: &Section<'_>,
    paths: &mut Paths<'_>,
    seals: &[Seal],
) -> Option<Vec<AxisAccount>> {
    let mut all: Vec<Option<AxisAccount>> = Vec::new();
    let mut seen: Vec<(String, String)> = Vec::new();
    for section in document.tables("axis_accounts") {
        let name = section.required("system_id").and_then(|found| system_id(&section, &found));
        if let Some(name) = &name {
            let first = seen.iter().find(|(other, _)| other == name);
            if let Some((_, first)) = first {
                let what = format!("\"{name}\" is already {first}");
                section.reader().report(section.at(), section.path(), what, "keep one of them");
            }
            seen.push((name.clone(), section.path().to_owned()));
        }
        let account = account(&section, name, paths);
        if let Some(account) = account.as_ref().filter(|a| a.submit) {
            let unsealed = |code: &&AgencyCode| !seals.iter().any(|s| s.agency == **code);
            if let Some(code) = account.agencies.iter().find(unsealed) {
                let what =
                    format!("this node holds no seal key of {code}, so nothing can be sent for it");
                let remedy = "add it to [[seals]], or leave out the role submit";
                section.reader().report(section.at(), &section.key("roles"), what, remedy);
            }
        }
        all.push(account);
    }
    all.into_iter().collect()
}

fn system_id(section: &Section<'_>, found: &Found<&str>) -> Option<String> {
    let fits = (1..=SYSTEM_ID_BYTES_MAX).contains(&found.value.len());
    if fits && found.value.bytes().all(|b| b.is_ascii_graphic()) {
        return Some(found.value.to_owned());
    }
    let what = format!("\"{}\" is not a system id", found.value.escape_default());
    let remedy =
        format!("write 1 to {SYSTEM_ID_BYTES_MAX} visible ASCII characters without spaces");
    section.reader().report(found.at, &found.key, what, remedy);
    None
}

fn account(
    section: &Section<'_>,
    system_id: Option<String>,
    paths: &mut Paths<'_>,
) -> Option<AxisAccount> {
    let secret = section.required("secret").and_then(|f| paths.claim(section, &f, Kind::Secret));
    for wanted in ["agencies", "roles"] {
        if !section.has(wanted) {
            section.missing(wanted);
        }
    }
    let mut agencies = BTreeSet::new();
    for found in section.texts("agencies").unwrap_or_default() {
        if let Some(code) = agency(section, &found)
            && !agencies.insert(code)
        {
            let what = format!("\"{}\" is here twice", found.value);
            section.reader().report(found.at, &found.key, what, "keep one of them");
        }
    }
    if section.has("agencies") && agencies.is_empty() {
        let remedy = "name the agencies that this system speaks for";
        section.reader().report(section.at(), &section.key("agencies"), "names none", remedy);
    }
    let (submit, collect) = roles(section);
    let old_codes = section.boolean("old_codes").is_some_and(|found| found.value);
    Some(AxisAccount {
        system_id: system_id?,
        secret: secret?,
        agencies,
        submit,
        collect,
        timestamp_days_max: days(section),
        old_codes,
    })
}

/// Which of the two roles are named.
pub(crate) fn roles(section: &Section<'_>) -> (bool, bool) {
    let texts = section.texts("roles").unwrap_or_default();
    for found in &texts {
        if !["submit", "collect"].contains(&found.value) {
            let remedy = suggest::nearest(found.value, ["submit", "collect"])
                .map_or("write submit, collect or both".to_owned(), |n| {
                    format!("did you mean \"{n}\"?")
                });
            let what = format!("\"{}\" is not a role of this endpoint", found.value);
            section.reader().report(found.at, &found.key, what, remedy);
        }
    }
    if section.has("roles") && texts.is_empty() {
        let remedy = "name submit, collect or both";
        section.reader().report(section.at(), &section.key("roles"), "grants nothing", remedy);
    }
    let names = |role: &str| texts.iter().any(|found| found.value == role);
    (names("submit"), names("collect"))
}

/// `timestamp_days_max`, if present.
fn days(section: &Section<'_>) -> Option<u64> {
    use crate::limits::Number;
    const DAYS: Number = Number {
        key: "timestamp_days_max",
        default: 0,
        min: 1,
        max: 3650,
        doc: "How old its signed timestamps may be.",
    };
    section.has(DAYS.key).then(|| section.number(&DAYS)).filter(|days| *days > 0)
}
