//! Which keys exist, with an example of each for the messages.

use crate::limits::{
    AXIS, DOOR, DROP, LIMITS, QUOTAS, RETENTION, REVOCATION, TILES, TIME_STAMP, WEBHOOK, WITNESS,
};

/// Tables of the file; a name that occurs in double brackets ends with `[]`.
const TABLES: &[(&str, &[(&str, &str)])] = &[
    (
        "node",
        &[
            ("id", "id = \"n1.H41.12\""),
            ("data_dir", "data_dir = \"/var/lib/tram/data\""),
            ("anchor_dir", "anchor_dir = \"/var/lib/tram-anchor\""),
            ("root", "root = \"network/root.cbor\""),
            ("directory", "directory = \"network/directory.cbor\""),
            ("listen", "listen = \"0.0.0.0:7800\""),
        ],
    ),
    (
        "peers[]",
        &[
            ("node", "node = \"n1.H41\""),
            ("parent", "parent = true"),
            ("address", "address = \"tram.example.vn:7800\""),
        ],
    ),
    (
        "keys",
        &[
            ("tls_certificate", "tls_certificate = \"keys/tls.crt\""),
            ("tls_key", "tls_key = \"keys/tls.key\""),
            ("receipt_key", "receipt_key = \"keys/receipt.key\""),
            ("checkpoint_key", "checkpoint_key = \"keys/checkpoint.key\""),
        ],
    ),
    ("revocation", &[("lists", "lists = [\"crl/h41.crl\"]"), ("grace_hours", "grace_hours = 72")]),
    (
        "sockets[]",
        &[
            ("name", "name = \"clerk\""),
            ("path", "path = \"/run/tram/clerk.sock\""),
            ("mode", "mode = \"0660\""),
            ("group", "group = \"tram\""),
        ],
    ),
    (
        "access[]",
        &[
            ("socket", "socket = \"clerk\""),
            ("uid", "uid = 1000"),
            ("user", "user = \"clerk\""),
            ("gid", "gid = 1000"),
            ("group", "group = \"tram\""),
            ("any", "any = true"),
            ("agencies", "agencies = [\"H41.12\"]"),
            ("roles", "roles = [\"submit\", \"collect\"]"),
        ],
    ),
    (
        "seals[]",
        &[
            ("agency", "agency = \"H41.12\""),
            ("certificate", "certificate = \"keys/seal.crt\""),
            ("key", "key = \"keys/seal.key\""),
        ],
    ),
    (
        "groups[]",
        &[
            ("name", "name = \"so-nganh\""),
            ("members", "members = [\"H41.05\", \"communes-of:H41.12\"]"),
            ("agencies", "agencies = [\"H41\"]"),
        ],
    ),
    (
        "units[]",
        &[
            ("agency", "agency = \"H41.12\""),
            ("code", "code = \"VP\""),
            ("name", "name = \"Văn phòng\""),
            ("uid", "uid = 1000"),
            ("user", "user = \"van-phong\""),
            ("gid", "gid = 1000"),
            ("group", "group = \"van-phong\""),
            ("any", "any = true"),
        ],
    ),
    ("limits", &[]),
    ("quotas", &[]),
    ("retention", &[("policy", "policy = \"retention.toml\"")]),
    ("witness", &[("policy", "policy = \"network/witnesses.policy\"")]),
    (
        "timestamp",
        &[
            ("url", "url = \"http://tsa.example.vn/tsr\""),
            ("anchors", "anchors = \"network/tsa.pem\""),
        ],
    ),
    ("tiles", &[("folder", "folder = \"/srv/tram-log\"")]),
    (
        "axis",
        &[
            ("listen", "listen = \"127.0.0.1:8180\""),
            ("https_certificate", "https_certificate = \"keys/axis.crt\""),
            ("https_key", "https_key = \"keys/axis.key\""),
            ("base", "base = \"/axis\""),
        ],
    ),
    (
        "axis_accounts[]",
        &[
            ("system_id", "system_id = \"000.00.12.H41\""),
            ("secret", "secret = \"keys/axis-000.00.12.H41.secret\""),
            ("agencies", "agencies = [\"H41.12\"]"),
            ("roles", "roles = [\"submit\", \"collect\"]"),
            ("timestamp_days_max", "timestamp_days_max = 30"),
            ("old_codes", "old_codes = true"),
        ],
    ),
    ("drop", &[]),
    (
        "drop_folders[]",
        &[
            ("folder", "folder = \"/srv/tram/H41.12\""),
            ("agency", "agency = \"H41.12\""),
            ("mode", "mode = \"edxml\""),
            ("roles", "roles = [\"submit\", \"collect\"]"),
            ("complete", "complete = \"renamed\""),
            ("old_codes", "old_codes = true"),
        ],
    ),
    ("webhook", &[]),
    (
        "webhooks[]",
        &[
            ("agency", "agency = \"H41.12\""),
            ("url", "url = \"https://qlvb.example.vn/tram\""),
            ("secret", "secret = \"keys/webhook.secret\""),
            ("anchors", "anchors = \"keys/webhook-ca.pem\""),
        ],
    ),
    (
        "door",
        &[
            ("listen", "listen = \"0.0.0.0:8443\""),
            ("certificate", "certificate = \"keys/door.crt\""),
            ("key", "key = \"keys/door.key\""),
            ("authorities", "authorities = \"keys/door-authorities.crt\""),
            ("revocation_lists", "revocation_lists = [\"crl/systems.crl\"]"),
        ],
    ),
    (
        "door_systems[]",
        &[
            ("name", "name = \"van-thu-H41.12\""),
            (
                "sha256",
                "sha256 = \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"",
            ),
            ("subject", "subject = \"CN=van-thu, O=So Noi vu\""),
            ("san", "san = \"dns:vanthu.example.vn\""),
            ("agencies", "agencies = [\"H41.12\"]"),
            ("roles", "roles = [\"submit\", \"collect\"]"),
        ],
    ),
    ("audit", &[("working_days", "working_days = \"working-days.toml\"")]),
    ("log", &[("format", "format = \"human\""), ("level", "level = \"info\"")]),
];

/// Names of the tables, without brackets.
pub(crate) fn tables() -> impl Iterator<Item = &'static str> {
    TABLES.iter().map(|(name, _)| name.trim_end_matches("[]"))
}

/// How a table's header is written.
pub(crate) fn header(table: &str) -> String {
    if TABLES.iter().any(|(name, _)| name.strip_suffix("[]") == Some(table)) {
        format!("[[{table}]]")
    } else {
        format!("[{table}]")
    }
}

/// The keys of one table.
pub(crate) fn keys(table: &str) -> Vec<&'static str> {
    let numbers = match table {
        "limits" => LIMITS,
        "quotas" => QUOTAS,
        "retention" => RETENTION,
        "revocation" => REVOCATION,
        "witness" => WITNESS,
        "timestamp" => TIME_STAMP,
        "tiles" => TILES,
        "axis" => AXIS,
        "door" => DOOR,
        "drop" => DROP,
        "webhook" => WEBHOOK,
        _ => &[],
    };
    let mut keys: Vec<&str> = named(table).iter().map(|(key, _)| *key).collect();
    keys.extend(numbers.iter().map(|n| n.key).filter(|k| !named(table).iter().any(|n| n.0 == *k)));
    keys
}

/// How a key is written, for example `mode = "0660"`.
pub(crate) fn example(table: &str, key: &str) -> String {
    named(table)
        .iter()
        .find(|(name, _)| *name == key)
        .map_or_else(|| format!("{key} = 1"), |(_, example)| (*example).to_owned())
}

/// The other table that has this key, if just one does.
pub(crate) fn home(key: &str, table: &str) -> Option<&'static str> {
    let mut homes = tables().filter(|t| *t != table && keys(t).contains(&key));
    homes.next().filter(|_| homes.next().is_none())
}

fn named(table: &str) -> &'static [(&'static str, &'static str)] {
    TABLES.iter().find(|(n, _)| n.trim_end_matches("[]") == table).map_or(&[], |(_, keys)| keys)
}
