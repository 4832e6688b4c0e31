//! The public log: a running node's receipt log as static files, read by a reader that knows nothing of the
//! product but C2SP tlog-tiles, tlog-checkpoint and signed-note, and RFC 6962.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use support::evidence::eventually;
use support::sealing::small_document;
use support::{Network, Node, Plan, Program};
use tram_crypto::Sign as _;
use tram_dispatch::Code;
use tram_wire::Receipt;

type Hash = [u8; 32];

fn sha256(parts: &[&[u8]]) -> Hash {
    tram_crypto::sha256(&parts.concat())
}

/// A static log, as anybody reads it.
struct StaticLog {
    prefix: PathBuf,
    origin: String,
    size: u64,
    root: Hash,
}

/// C2SP tlog-tiles: groups of three digits, all but the last behind an `x`, then the width.
fn resource(kind: &str, index: u64, width: u64) -> String {
    let digits = format!("{index:0>width$}", width = (index.to_string().len()).div_ceil(3) * 3);
    let groups: Vec<&str> = (0..digits.len() / 3).map(|i| &digits[3 * i..3 * i + 3]).collect();
    let (last, before) = groups.split_last().expect("a group");
    let mut path = format!("tile/{kind}/");
    before.iter().for_each(|group| path += &format!("x{group}/"));
    path += last;
    if width < 256 { format!("{path}.p/{width}") } else { path }
}

impl StaticLog {
    /// Opens what a signed note of this Ed25519 key says.
    fn open(prefix: &Path, public_key: &[u8]) -> Self {
        let note = fs::read_to_string(prefix.join("checkpoint")).expect("a checkpoint");
        let (text, signatures) = note.split_once("\n\n").expect("a note");
        let text = format!("{text}\n");
        let lines: Vec<&str> = text.lines().collect();
        let origin = lines[0].to_owned();
        let line = format!("\u{2014} {origin} ");
        let signature = signatures.lines().find_map(|l| l.strip_prefix(&line)).expect("signed");
        let signature = STANDARD.decode(signature).expect("base64");
        let key_id = sha256(&[origin.as_bytes(), b"\n\x01", public_key]);
        assert_eq!(signature[..4], key_id[..4], "the id of the log's key");
        let key =
            tram_crypto::PublicKey::from_ed25519_bytes(public_key.try_into().expect("32 bytes"))
                .expect("a key");
        assert!(
            key.verify(tram_crypto::Algorithm::EdDsa, text.as_bytes(), &signature[4..]).is_ok()
        );
        let root = STANDARD.decode(lines[2]).expect("base64").try_into().expect("32 bytes");
        let size = lines[1].parse().expect("a size");
        StaticLog { prefix: prefix.to_owned(), origin, size, root }
    }

    fn width(&self, level: u32, index: u64) -> u64 {
        (self.size / 256_u64.pow(level) - index * 256).min(256)
    }

    fn tile(&self, level: u32, index: u64) -> Vec<Hash> {
        let path = resource(&level.to_string(), index, self.width(level, index));
        let bytes = fs::read(self.prefix.join(&path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        assert_eq!(bytes.len() as u64, 32 * self.width(level, index), "{path}");
        bytes.chunks(32).map(|hash| hash.try_into().expect("32 bytes")).collect()
    }

    fn entries(&self, index: u64) -> Vec<Vec<u8>> {
        let path = resource("entries", index, self.width(0, index));
        let bytes = fs::read(self.prefix.join(&path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        let (mut entries, mut rest) = (Vec::new(), &bytes[..]);
        while let [high, low, behind @ ..] = rest {
            let (entry, behind) = behind.split_at(usize::from(*high) << 8 | usize::from(*low));
            entries.push(entry.to_vec());
            rest = behind;
        }
        assert!(rest.is_empty());
        entries
    }

    /// MTH(D[low:high]) of RFC 6962 section 2.1, from tiles where a whole one covers it.
    fn subtree(&self, low: u64, high: u64) -> Hash {
        let width = high - low;
        if width == 1 {
            return self.tile(0, low / 256)[(low % 256) as usize];
        }
        let mut level = 1;
        while 256_u64.pow(level) <= width {
            if 256_u64.pow(level) == width && low.is_multiple_of(width) {
                let node = low / width;
                return self.tile(level, node / 256)[(node % 256) as usize];
            }
            level += 1;
        }
        let split = 1 << (width - 1).ilog2();
        let (left, right) = (self.subtree(low, low + split), self.subtree(low + split, high));
        sha256(&[&[1], &left, &right])
    }

    /// PATH(m, D[n]) of RFC 6962 section 2.1.1.
    fn path(&self, leaf: u64, low: u64, high: u64) -> Vec<Hash> {
        if high - low == 1 {
            return Vec::new();
        }
        let split = low + (1 << (high - low - 1).ilog2());
        let (mut path, other) = match leaf < split {
            true => (self.path(leaf, low, split), self.subtree(split, high)),
            false => (self.path(leaf, split, high), self.subtree(low, split)),
        };
        path.push(other);
        path
    }

    /// Everything there is, against the checkpoint. Gives all entries.
    fn read_all(&self) -> Vec<Vec<u8>> {
        assert_eq!(self.subtree(0, self.size), self.root, "the tiles lead to the checkpoint");
        let mut all = Vec::new();
        for index in 0..self.size.div_ceil(256) {
            let entries = self.entries(index);
            let hashes: Vec<Hash> = entries.iter().map(|e| sha256(&[&[0], e])).collect();
            assert_eq!(hashes, self.tile(0, index), "entries of bundle {index}");
            all.extend(entries);
        }
        for level in 1..4 {
            for node in 0..self.size / 256_u64.pow(level) {
                let below = self.tile(level - 1, node);
                let fold = |row: Vec<Hash>| -> Vec<Hash> {
                    row.chunks(2).map(|pair| sha256(&[&[1], &pair[0], &pair[1]])).collect()
                };
                let top = (0..8).fold(below, |row, _| fold(row));
                assert_eq!(top[0], self.tile(level, node / 256)[(node % 256) as usize]);
            }
        }
        all
    }
}

fn tram(node: &Node, arguments: &[&str]) -> (Option<i32>, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_tram"))
        .args(arguments)
        .arg("--config")
        .arg(&node.files.config)
        .output()
        .expect("tram runs");
    let text = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    (out.status.code(), text)
}

fn opened(node: &Node, below: &Path) -> StaticLog {
    let spki = node.files.checkpoint_key.public_key().spki_der().to_vec();
    // The key itself is the end of its SubjectPublicKeyInfo (RFC 8410).
    let name = fs::read_dir(below).expect("a folder").next().expect("a log").expect("a name");
    StaticLog::open(&name.path(), &spki[spki.len() - 32..])
}

async fn send(network: &Network, node: &Node, reference: &str) {
    let document = reference.as_bytes();
    let sealed =
        network.seal(&network.envelope(1, &[0], reference, vec![small_document(document)]));
    node.client().submit(sealed.raw(), &[Some(document.to_vec().into())]).await.expect("accepted");
}

/// A receipt of the node's own proves to be in the public log by its tiles alone.
fn proves(log: &StaticLog, receipt: &Receipt, entries: &[Vec<u8>]) {
    let leaf = receipt.leaf_index();
    let commitment = sha256(&[receipt.salt(), receipt.record_bytes()]);
    assert_eq!(entries[leaf as usize], commitment, "the entry is the salted commitment");
    let mut hash = sha256(&[&[0], &commitment]);
    let (mut low, mut high) = (0, log.size);
    // The way down says on which side each hash of the path stands.
    let mut sides = Vec::new();
    while high - low > 1 {
        let split = low + (1 << (high - low - 1).ilog2());
        sides.push(leaf < split);
        if leaf < split { high = split } else { low = split }
    }
    for (sibling, left) in log.path(leaf, 0, log.size).iter().zip(sides.iter().rev()) {
        hash = match left {
            true => sha256(&[&[1], &hash, sibling]),
            false => sha256(&[&[1], sibling, &hash]),
        };
    }
    assert_eq!(hash, log.root);
}

async fn own_receipts(node: &Node) -> Vec<Receipt> {
    let mut query = tram_api::model::ReceiptQuery { limit: Some(500), ..Default::default() };
    let mut found = Vec::new();
    loop {
        let page = node.client().receipts(&query).await.expect("receipts");
        let parsed = page.items.iter().map(|i| Receipt::parse(&i.raw.0).expect("a receipt"));
        found.extend(parsed.filter(|r| r.record().node == node.files.id));
        query.after = page.next;
        if query.after.is_none() {
            return found;
        }
    }
}

#[tokio::test]
async fn a_log_is_written_for_everybody_and_proves_itself() {
    let (network, nodes) = Network::running(&Plan::tiers(2)).await;
    let node = &nodes[1];
    let public = tempfile::tempdir().expect("a folder");
    let target = public.path().join("log");
    let export = || tram(node, &["log", "tiles", "export", &target.to_string_lossy(), "--json"]);
    send(&network, node, "1/BC").await;
    let (code, told) = export();
    assert_eq!(code, Some(0), "{told}");
    let first = opened(node, &target);
    assert!(first.origin.ends_with(&format!(
        "/{}/{}",
        node.files.id,
        first.prefix.file_name().expect("a name").to_string_lossy()
    )));
    first.read_all();

    // It grows over a full tile, and only what is new is written.
    for n in 0..300 {
        send(&network, node, &format!("{n}/TB")).await;
    }
    eventually("all is delivered", || async { own_receipts(node).await.len() >= 301 }).await;
    let (code, told) = export();
    assert_eq!(code, Some(0), "{told}");
    let log = opened(node, &target);
    assert!(
        log.size > 256
            && log.size > first.size
            && told.contains(&format!("\"size\": {}", log.size))
    );
    let entries = log.read_all();
    assert!(!log.prefix.join("tile/0/000.p").exists(), "a full tile stands for its partial ones");
    for receipt in own_receipts(node).await {
        proves(&log, &receipt, &entries);
    }
    // Nothing in it but commitments: no name, no reference, no digest of a dispatch, no salt.
    let mut secrets: BTreeSet<Vec<u8>> = BTreeSet::new();
    for receipt in own_receipts(node).await {
        let e = receipt.record();
        secrets.insert(receipt.salt().to_vec());
        secrets.insert(e.dispatch.as_bytes().to_vec());
        secrets.insert(e.originator.as_str().as_bytes().to_vec());
        secrets.extend(e.recipient.iter().map(|r| r.as_str().as_bytes().to_vec()));
    }
    let all = entries.concat();
    assert!(entries.iter().all(|entry| entry.len() == 32));
    let long = secrets.iter().filter(|s| s.len() >= 4);
    assert!(long.clone().count() > 300);
    assert!(!long.clone().any(|s| all.windows(s.len()).any(|w| w == s)));
    // Nothing new is nothing to do; a folder of another log is left alone.
    let (code, told) = export();
    assert!(code == Some(0) && told.contains("\"new\": 0"), "{told}");
    let (code, told) = tram(&nodes[0], &["log", "tiles", "export", &target.to_string_lossy()]);
    assert_eq!(code, Some(0), "another node's log lies beside it: {told}");
    let note = fs::read(log.prefix.join("checkpoint")).expect("a checkpoint");
    let other = String::from_utf8_lossy(&note).replacen(&log.size.to_string(), "999999", 1);
    fs::write(log.prefix.join("checkpoint"), other).expect("a file");
    let (code, told) = export();
    assert!(code == Some(i32::from(Code::LogRollback.row().exit)), "{code:?} {told}");
}

#[tokio::test]
async fn by_schedule_the_folder_follows_the_log_and_shows_who_cosigned_it() {
    let network = Network::create(&Plan::tiers(2));
    let public = network.nodes[1].folder.join("public");
    fs::create_dir(&public).expect("a folder");
    let config = fs::read_to_string(&network.nodes[1].config).expect("a configuration");
    let more = "[tiles]\nfolder = \"public\"\nevery_s = 1\n";
    fs::write(&network.nodes[1].config, config + more).expect("a configuration");
    let nodes = network.start(&Program::tram()).await;
    let node = &nodes[1];
    send(&network, node, "1/BC").await;
    eventually("it is cosigned and published", || async {
        let head = node.client().log_head().await.expect("a head");
        let note = public.join(head.epoch.to_string()).join("checkpoint");
        let note = fs::read_to_string(note).unwrap_or_default();
        note.lines().nth(1) == Some(&head.size.to_string()) && note.matches('\u{2014}').count() > 1
    })
    .await;
    let log = opened(node, &public);
    let entries = log.read_all();
    for receipt in own_receipts(node).await {
        proves(&log, &receipt, &entries);
    }
}
