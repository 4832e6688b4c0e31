//! The pure stage: text to values, and a list of claims about files for the second stage.

use std::collections::BTreeMap;
use std::net::{Ipv6Addr, SocketAddr};
use std::path::{Component, Path, PathBuf};

use toml::de::DeTable;
use tram_dispatch::{AgencyCode, NodeId};

use crate::accounts::Accounts;
use crate::files::{Claim, Kind};
use crate::limits::{
    DropLimits, Limits, Quotas, Retention, RevocationGrace, TilesPace, WebhookPace, WitnessPace,
};
use crate::problem::Problem;
use crate::reader::{Found, Reader, Section};
use crate::values::{
    Config, HostPort, Keys, Log, LogFormat, LogLevel, Peer, PeerName, Seal, Socket,
};
use crate::{schema, sockets};

/// What the two stages hand on: the value if it is whole, what must hold of files, and faults.
pub(crate) type Parsed = (Option<Config>, Vec<Claim>, Vec<Problem>);

/// Parses `text`; `file` gives its name in messages and the folder of relative paths.
pub(crate) fn parse(text: &str, file: &Path, accounts: &Accounts) -> Parsed {
    let reader = Reader::new(file, text);
    let (tree, syntax) = DeTable::parse_recoverable(text);
    for error in &syntax {
        reader.report_syntax(error);
    }
    let tables: Vec<&str> = schema::tables().collect();
    let document = reader.document(tree.get_ref()).known(&tables);
    let mut paths = Paths { folder: file.parent().unwrap_or(Path::new("")), claims: Vec::new() };
    let mut config = whole(&document, &mut paths, accounts);
    let Paths { mut claims, .. } = paths;
    claims.sort_by(|a, b| {
        (a.problem.line, a.problem.column).cmp(&(b.problem.line, b.problem.column))
    });
    if let Some(config) = &mut config {
        config.claims.clone_from(&claims);
        config.file = file.to_owned();
    }
    let problems = reader.into_problems();
    (config, claims, problems)
}

/// Reads every table first and joins them last, so that no fault hides another.
fn whole(document: &Section<'_>, paths: &mut Paths<'_>, accounts: &Accounts) -> Option<Config> {
    let node = document.table("node");
    let id = node.required("id").and_then(|f| node_id(&node, &f));
    let data_dir = paths.required(&node, "data_dir", Kind::Folder);
    let anchor_dir = paths.required(&node, "anchor_dir", Kind::Folder);
    if let (Some(data), Some(anchor)) = (&data_dir, &anchor_dir) {
        apart(&node, data, anchor);
    }
    let root = paths.required(&node, "root", Kind::Root);
    let directory = paths.required(&node, "directory", Kind::Directory);
    let listen = node.text("listen").and_then(|f| listen(&node, &f));
    let peers = peers(document, id.as_ref());
    let keys = keys(&document.table("keys"), paths);
    let revocation = document.table("revocation");
    let lists = revocation.texts("lists").unwrap_or_default();
    let crls = lists.iter().filter_map(|f| paths.claim(&revocation, f, Kind::Crl)).collect();
    let sockets = sockets::read(document, paths, accounts);
    let seals = seals(document, paths);
    let groups = crate::hosting::groups(document);
    let units = crate::hosting::units(document, accounts);
    let limits = limits(&document.table("limits"));
    let log = document.table("log");
    let witness = document.table("witness");
    let policy = witness.text("policy");
    let witness_policy = policy.and_then(|f| paths.claim(&witness, &f, Kind::Policy));
    let time_stamps = crate::time_stamps::read(&document.table("timestamp"), paths);
    let retention = document.table("retention");
    let kept_by = retention.text("policy");
    let retention_policy = kept_by.and_then(|f| paths.claim(&retention, &f, Kind::Retention));
    let published = document.table("tiles");
    let folder = published.text("folder");
    let tiles = folder.and_then(|f| paths.claim(&published, &f, Kind::Public));
    let axis = crate::axis::read(document, paths, &seals);
    let door = crate::door::read(document, paths);
    let drop = document.table("drop");
    let drop_folders = crate::drop_folders::read(document, paths, &seals);
    let webhook = document.table("webhook");
    let webhooks = crate::webhooks::read(document, paths);
    let audit = document.table("audit");
    let working_days = audit.text("working_days");
    let working_days = working_days.and_then(|f| paths.claim(&audit, &f, Kind::WorkingDays));
    Some(Config {
        node: id?,
        data_dir: data_dir?,
        anchor_dir: anchor_dir?,
        root: root?,
        directory: directory?,
        listen,
        peers,
        keys: keys?,
        crls,
        revocation: RevocationGrace::read(&revocation),
        sockets,
        seals,
        groups,
        units,
        limits,
        quotas: Quotas::read(&document.table("quotas")),
        retention: Retention::read(&retention),
        retention_policy,
        tiles,
        tiles_pace: TilesPace::read(&published),
        witness_policy,
        witness: WitnessPace::read(&witness),
        time_stamps,
        axis,
        door,
        drop_folders,
        drop: DropLimits::read(&drop),
        webhooks,
        webhook: WebhookPace::read(&webhook),
        working_days,
        log: Log {
            format: log.choice("format", LogFormat::NAMES).unwrap_or(LogFormat::Human),
            level: log.choice("level", LogLevel::NAMES).unwrap_or(LogLevel::Info),
        },
        file: PathBuf::new(),
        claims: Vec::new(),
    })
}

/// Resolves paths and notes what must hold of them.
pub(crate) struct Paths<'f> {
    folder: &'f Path,
    claims: Vec<Claim>,
}

impl Paths<'_> {
    fn required(&mut self, section: &Section<'_>, key: &str, kind: Kind) -> Option<PathBuf> {
        let found = section.required(key)?;
        self.claim(section, &found, kind)
    }

    pub(crate) fn claim(
        &mut self,
        section: &Section<'_>,
        found: &Found<&str>,
        kind: Kind,
    ) -> Option<PathBuf> {
        if found.value.is_empty() || found.value.contains('\0') {
            let reader = section.reader();
            reader.report(found.at, &found.key, "not a path", "write the path of a file or folder");
            return None;
        }
        let path: PathBuf = self.folder.join(found.value).components().collect();
        let problem = section.reader().problem(found.at, &found.key, "", "");
        self.claims.push(Claim { path: path.clone(), kind, problem });
        Some(path)
    }
}

fn node_id(section: &Section<'_>, found: &Found<&str>) -> Option<NodeId> {
    let id = found.value.parse::<NodeId>();
    if let Err(error) = &id {
        let what = format!("\"{}\" is not a node id", found.value);
        section.reader().report(found.at, &found.key, what, error.to_string());
    }
    id.ok()
}

pub(crate) fn agency(section: &Section<'_>, found: &Found<&str>) -> Option<AgencyCode> {
    let code = AgencyCode::parse(found.value);
    if let Err(error) = &code {
        let what = format!("\"{}\" is not an agency code", found.value);
        section.reader().report(found.at, &found.key, what, error.to_string());
    }
    code.ok()
}

/// The anchor is there to notice that the data folder was put back from a backup, so it must
/// not be put back with it.
fn apart(section: &Section<'_>, data: &Path, anchor: &Path) {
    let (data, anchor) = (lexical(data), lexical(anchor));
    if data.starts_with(&anchor) || anchor.starts_with(&data) {
        let at = section.text("anchor_dir").map_or(section.at(), |f| f.at);
        let remedy = "choose folders of which neither holds the other, best on different disks";
        let what = "must lie outside data_dir";
        section.reader().report(at, &section.key("anchor_dir"), what, remedy);
    }
}

/// `a/../b` as `b`, without looking at the disk.
fn lexical(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        if part != Component::ParentDir || !out.pop() {
            out.push(part);
        }
    }
    out
}

fn listen(section: &Section<'_>, found: &Found<&str>) -> Option<SocketAddr> {
    let address = found.value.parse().ok();
    if address.is_none() {
        let what = format!("\"{}\" is not an IP address with a port", found.value);
        let remedy = "write it as \"0.0.0.0:7800\" or \"[::]:7800\"; leave it out to only dial";
        section.reader().report(found.at, &found.key, what, remedy);
    }
    address
}

pub(crate) fn host_port(section: &Section<'_>, found: &Found<&str>) -> Option<HostPort> {
    let parsed = split_host_port(found.value);
    if parsed.is_none() {
        let what = format!("\"{}\" is not a host with a port", found.value);
        let remedy =
            "write it as \"tram.example.vn:7800\", \"192.0.2.1:7800\" or \"[2001:db8::1]:7800\"";
        section.reader().report(found.at, &found.key, what, remedy);
    }
    parsed
}

fn split_host_port(text: &str) -> Option<HostPort> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|p| *p != 0 && !port.starts_with('+'))?;
    let host = if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']')?;
        inner.parse::<Ipv6Addr>().ok()?;
        inner
    } else {
        // Host names of RFC 1123: labels of letters, digits and inner hyphens.
        let label = |l: &str| {
            (1..=63).contains(&l.len())
                && !l.starts_with('-')
                && !l.ends_with('-')
                && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if host.len() > 253 || !host.split('.').all(label) {
            return None;
        }
        host
    };
    Some(HostPort { host: host.to_owned(), port })
}

fn peers(document: &Section<'_>, me: Option<&NodeId>) -> Vec<Peer> {
    let mut seen: BTreeMap<PeerName, String> = BTreeMap::new();
    let mut peers = Vec::new();
    for section in document.tables("peers") {
        let reader = section.reader();
        let address = section.text("address").and_then(|f| host_port(&section, &f));
        let node = section.text("node");
        let parent = section.boolean("parent");
        let (name, at) = match (node, parent) {
            (Some(node), None) => {
                let Some(id) = node_id(&section, &node) else { continue };
                if Some(&id) == me {
                    reader.report(node.at, &node.key, "this is the node itself", "name another");
                    continue;
                }
                (PeerName::Node(id), node.at)
            }
            (None, Some(Found { value: true, at, .. })) => (PeerName::Parent, at),
            (None, None) if section.has("node") || section.has("parent") => continue,
            (node, parent) => {
                let at = node.map(|n| n.at).or(parent.map(|p| p.at)).unwrap_or(section.at());
                let remedy = "write either `node = \"n1.H41\"` or `parent = true`";
                reader.report(at, section.path(), "names no peer, or two", remedy);
                continue;
            }
        };
        if let Some(first) = seen.insert(name.clone(), section.path().to_owned()) {
            let what = format!("{name} is already {first}");
            reader.report(at, section.path(), what, "keep one of them");
        }
        peers.push(Peer { name, address });
    }
    peers
}

fn keys(section: &Section<'_>, paths: &mut Paths<'_>) -> Option<Keys> {
    let tls_certificate = paths.required(section, "tls_certificate", Kind::Certificates);
    let tls_key = paths.required(section, "tls_key", Kind::PrivateKey);
    let receipt_key = paths.required(section, "receipt_key", Kind::PrivateKey);
    let checkpoint_key = paths.required(section, "checkpoint_key", Kind::PrivateKey);
    Some(Keys {
        tls_certificate: tls_certificate?,
        tls_key: tls_key?,
        receipt_key: receipt_key?,
        checkpoint_key: checkpoint_key?,
    })
}

fn seals(document: &Section<'_>, paths: &mut Paths<'_>) -> Vec<Seal> {
    let mut seals: Vec<Seal> = Vec::new();
    for section in document.tables("seals") {
        let found = section.required("agency");
        let code = found.as_ref().and_then(|f| agency(&section, f));
        let certificate = paths.required(&section, "certificate", Kind::Certificates);
        let key = paths.required(&section, "key", Kind::PrivateKey);
        if let (Some(found), Some(code)) = (&found, &code)
            && let Some(first) = seals.iter().position(|s| s.agency == *code)
        {
            let what = format!("{code} is already seals[{}]", first + 1);
            section.reader().report(found.at, &found.key, what, "keep one of them");
        }
        if let (Some(agency), Some(certificate), Some(key)) = (code, certificate, key) {
            seals.push(Seal { agency, certificate, key });
        }
    }
    seals
}

fn limits(section: &Section<'_>) -> Limits {
    let limits = Limits::read(section);
    let larger = |small: (&str, u64), large: (&str, u64)| {
        if small.1 > large.1 {
            let what = format!("{} is more than {} ({})", small.1, large.0, large.1);
            let remedy = format!("lower it, or raise {}", large.0);
            section.reader().report(section.at(), &section.key(small.0), what, remedy);
        }
    };
    larger(("retry_initial_ms", limits.retry_initial_ms), ("retry_max_ms", limits.retry_max_ms));
    larger(
        ("connection_window_bytes", limits.connection_window_bytes),
        ("window_budget_bytes", limits.window_budget_bytes),
    );
    limits
}

/// For the sockets' reader.
pub(crate) fn socket_path(section: &Section<'_>, paths: &mut Paths<'_>) -> Option<PathBuf> {
    let found = section.required("path")?;
    let path = paths.claim(section, &found, Kind::Socket)?;
    let length = path.as_os_str().len();
    if length > Socket::PATH_BYTES_MAX {
        let what = format!("the path has {length} bytes");
        let remedy = format!("choose one of at most {}", Socket::PATH_BYTES_MAX);
        section.reader().report(found.at, &found.key, what, remedy);
    }
    Some(path)
}
