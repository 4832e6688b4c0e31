//! Small file systems that run out of space or inodes, and one that turns read-only, each mounted in the
//! node's own mount namespace: they go away with its process.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::time::sleep;
use tram_api::{ClientError, Language};
use tram_crypto::sha256;
use tram_dispatch::{Code, Digest, DispatchId};

use crate::support::evidence::{check_store, eventually, inbox, progress, receipts};
use crate::support::files::NodeFiles;
use crate::support::sealing::document;
use crate::support::{Network, Node, Plan, Program, SOON, agency};
use crate::work::temporary;
use crate::{say, skipped};

/// Dispatches of a run, and the size of the document of each.
const DISPATCHES: usize = 12;
const DOCUMENT_BYTES: usize = 2 << 20;

/// A file system for the store of one node.
#[derive(Clone, Copy, Debug)]
enum Volume {
    /// In memory, with so much room and so many inodes.
    Tmpfs(&'static str),
    /// In a file of the node's folder, made with these options.
    Ext4(&'static str),
}

impl Volume {
    /// The node on it. The first start makes the file system and moves the store there.
    fn program(self, files: &NodeFiles) -> Program {
        let (data, image) = (files.data(), image(files));
        let mount = match self {
            Volume::Tmpfs(options) => format!("mount -t tmpfs -o mode=700,{options} tmpfs \"$1\""),
            Volume::Ext4(options) => format!(
                "new=; [ -e \"$2\" ] || {{ new=1; truncate -s 160M \"$2\"; mkfs.ext4 -q {options} \"$2\"; }}; \
                 mount -o loop \"$2\" \"$1\""
            ),
        };
        let script = format!(
            "kept=$(mktemp -d \"$2.XXXX\"); cp -a \"$1/.\" \"$kept\"; {mount}; \
             [ -e \"$1/genesis.cbor\" ] || {{ cp -a \"$kept/.\" \"$1\"; sync -f \"$1\"; }}; rm -r \"$kept\"; shift 2; exec \"$@\""
        );
        let path = |p: PathBuf| p.display().to_string();
        let arguments = ["-m", "sh", "-ec", &script, "sh", &path(data), &path(image)];
        Program::tram().through("unshare", arguments.map(str::to_owned).into())
    }
}

fn image(files: &NodeFiles) -> PathBuf {
    files.folder.join("volume")
}

/// Whether file systems can be mounted here; says so if not.
fn can_mount(what: &str, kind: &str) -> bool {
    if !rustix::process::geteuid().is_root() {
        skipped(what, "needs root, to mount a file system of its own");
        return false;
    }
    let tried = tempfile::tempdir().expect("a folder");
    let script = match kind {
        "ext4" => "truncate -s 8M i; mkfs.ext4 -q i; mkdir m; mount -o loop i m",
        _ => "mkdir m; mount -t tmpfs tmpfs m",
    };
    let mut try_it = Command::new("unshare");
    try_it.args(["-m", "sh", "-ec", script]).current_dir(tried.path());
    let works = try_it.output().is_ok_and(|o| o.status.success());
    if !works {
        skipped(what, &format!("{kind} cannot be mounted here"));
    }
    works
}

/// The data directory as the running node sees it.
fn seen(node: &Node) -> PathBuf {
    let path = format!("/proc/{}/root{}", node.pid(), node.files.data().display());
    PathBuf::from(path)
}

/// Takes all the room there is: its bytes, or its inodes.
struct Filler(PathBuf);

impl Filler {
    fn bytes(node: &Node) -> Self {
        use std::io::Write as _;
        let path = seen(node).join("filler");
        let mut file = fs::File::create(&path).expect("a file");
        for chunk in [1 << 20, 4096, 1] {
            while file.write_all(&vec![1; chunk]).and_then(|()| file.sync_data()).is_ok() {}
        }
        Filler(path)
    }

    fn inodes(node: &Node) -> Self {
        let path = seen(node).join("filler");
        fs::create_dir(&path).expect("a folder");
        let names = (0..).map(|i: u64| path.join(i.to_string()));
        let made = names.take_while(|name| fs::File::create(name).is_ok()).count();
        assert!(made > 0, "there were inodes left");
        Filler(path)
    }

    fn free(self) {
        let gone =
            if self.0.is_dir() { fs::remove_dir_all(&self.0) } else { fs::remove_file(&self.0) };
        gone.expect("the filler can be removed");
    }
}

/// The command line, as an operator calls it: exit status and what it said.
fn tram(node: &Node, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tram"));
    command.args(arguments).arg("--socket").arg(&node.files.socket);
    let output = command.env_remove("TRAM_CONFIG").output().expect("the command line runs");
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

fn bytes_of(nth: usize) -> Vec<u8> {
    (0..DOCUMENT_BYTES).map(|at| (at * 31 + at / 251 + nth) as u8).collect()
}

/// Hands one in at the centre, for the province.
async fn submit(network: &Network, nth: usize) -> Result<DispatchId, ClientError> {
    let bytes = bytes_of(nth);
    let client = tram_api::Client::new(&network.nodes[0].socket);
    let (digest, size) = (Digest(sha256(&bytes)), bytes.len() as u64);
    let file = tokio::fs::File::from_std(temporary(&bytes));
    client.upload_resuming(&agency(0), digest, size, file, |_| {}).await?;
    let named = document("lon.bin", size, digest);
    let sealed = network.seal(&network.envelope(0, &[1], &format!("{nth}/ĐẦY"), vec![named]));
    client.submit(sealed.raw(), &[]).await.map(|_| sealed.id())
}

/// Everything in the inbox is there to its last byte. Gives how many there are.
async fn all_whole(node: &Node) -> usize {
    let client = node.client();
    let there = inbox(&client, &agency(1)).await;
    for (id, reference) in &there {
        let nth = reference.split('/').next().and_then(|n| n.parse().ok()).expect("a number");
        let (bytes, mut got) = (bytes_of(nth), Vec::new());
        let digest = Digest(sha256(&bytes));
        let mut download = client.download(&agency(1), *id, digest, 0).await.expect("it is there");
        while let Some(piece) = download.next().await.expect("all of it") {
            got.extend_from_slice(&piece);
        }
        assert!(got == bytes, "{reference} is not what was sent");
    }
    there.len()
}

async fn network_on(volume: Volume) -> (Network, Vec<Node>) {
    let limits = vec![("free_space_reserve_bytes", 16 << 20)];
    let network = Network::create(&Plan { limits, ..Plan::tiers(2) });
    let mut nodes: Vec<Node> =
        network.nodes.iter().map(|f| Node::new(f.clone(), Program::tram())).collect();
    nodes[1].set_program(volume.program(&network.nodes[1]));
    nodes.iter_mut().for_each(Node::start);
    nodes[1].ready().await;
    (network, nodes)
}

/// The recipient's volume fills up while it receives, stays full for a while, and is freed.
async fn fills_up(volume: Volume, fill: fn(&Node) -> Filler) {
    let (network, mut nodes) = network_on(volume).await;
    for i in 0..DISPATCHES / 2 {
        submit(&network, i).await.expect("accepted");
    }
    let client = nodes[1].client();
    eventually("some are there", || async { inbox(&client, &agency(1)).await.len() > 1 }).await;
    let filler = fill(&nodes[1]);
    for i in DISPATCHES / 2..DISPATCHES {
        submit(&network, i).await.expect("accepted: the centre has room");
    }
    sleep(Duration::from_secs(3)).await;
    let said = nodes[1].tail();
    assert!(nodes[1].ended().is_none(), "a full disk is no reason to stop:\n{said}");
    let before = all_whole(&nodes[1]).await;
    assert!(before < DISPATCHES, "nothing was left for the time without room");
    let centre = nodes[0].client();
    let (all, consigned) = progress(&centre, &agency(0)).await.expect("a listing");
    assert!(all == DISPATCHES as u64 && consigned <= before as u64, "{consigned} of {before}");
    // Who hands in here is told to come again later.
    let more = vec![9; DOCUMENT_BYTES];
    let (digest, size) = (Digest(sha256(&more)), more.len() as u64);
    let file = tokio::fs::File::from_std(temporary(&more));
    let refused = client.upload_resuming(&agency(1), digest, size, file, |_| {}).await;
    let refused = refused.expect_err("no room");
    assert_eq!(refused.code(), Code::BusyStorage);
    let again = refused.document(Language::English).retry_after_s;
    assert!(again.is_some_and(|seconds| seconds > 0), "{refused:?}");
    // The operator is not left alone.
    let (exit, said) = tram(&nodes[1], &["status"]);
    assert!([Some(0), Some(3)].contains(&exit), "{said}");
    let (exit, said) = tram(&nodes[1], &["inbox", "list", "--agency", agency(1).as_str()]);
    assert_eq!(exit, Some(0), "{said}");
    let (exit, said) = tram(&nodes[1], &["queue", "list"]);
    assert_eq!(exit, Some(0), "{said}");

    filler.free();
    eventually("the rest comes by itself", || async {
        inbox(&client, &agency(1)).await.len() == DISPATCHES
    })
    .await;
    assert_eq!(all_whole(&nodes[1]).await, DISPATCHES, "once each, and whole");
    eventually("every receipt came back", || async {
        receipts(&network, &centre).await.values().map(Vec::len).sum::<usize>() == 2 * DISPATCHES
    })
    .await;
    check_store(&client).await;
    let staged = fs::read_dir(seen(&nodes[1]).join("staging")).expect("a folder").count();
    assert_eq!(staged, 0, "nothing half received stays");
    say(&format!(
        "{volume:?}: {before} of {DISPATCHES} there while it was full; lost=0 duplicated=0"
    ));
}

#[tokio::test]
#[ignore = "needs root, and file systems to mount"]
async fn a_disk_that_fills_up_loses_nothing_and_work_resumes_when_it_is_freed() {
    if can_mount("disk full on tmpfs", "tmpfs") {
        fills_up(Volume::Tmpfs("size=160m"), Filler::bytes).await;
    }
    if can_mount("disk full on ext4", "ext4") {
        fills_up(Volume::Ext4(""), Filler::bytes).await;
    }
}

#[tokio::test]
#[ignore = "needs root, and file systems to mount"]
async fn inodes_that_run_out_lose_nothing_and_work_resumes_when_there_are_some() {
    if can_mount("inodes full on tmpfs", "tmpfs") {
        fills_up(Volume::Tmpfs("size=160m,nr_inodes=96"), Filler::inodes).await;
    }
    if can_mount("inodes full on ext4", "ext4") {
        fills_up(Volume::Ext4("-N 96"), Filler::inodes).await;
    }
}

/// Whether no loop device uses the image any more.
fn is_detached(files: &NodeFiles) -> bool {
    let image = image(files).display().to_string();
    let devices = fs::read_dir("/sys/block").expect("a folder").flatten();
    let mut backing =
        devices.filter_map(|d| fs::read_to_string(d.path().join("loop/backing_file")).ok());
    !backing.any(|b| b.trim() == image)
}

#[tokio::test]
#[ignore = "needs root, and file systems to mount"]
async fn a_file_system_that_turns_read_only_is_read_and_not_written() {
    let what = "file system that turns read-only";
    if !can_mount(what, "ext4") {
        return;
    }
    let volume = Volume::Ext4("");
    let (network, mut nodes) = network_on(volume).await;
    for i in 0..3 {
        submit(&network, i).await.expect("accepted");
    }
    let client = nodes[1].client();
    eventually("they are there", || async { inbox(&client, &agency(1)).await.len() == 3 }).await;
    let first = inbox(&client, &agency(1)).await[0].0;
    let fetched = client.fetch(&agency(1), first).await.expect("it is there");
    client.confirm(&agency(1), first, &fetched.token).await.expect("recorded");
    // As ext4 does by itself when its own journal fails.
    let mut abort = Command::new("nsenter");
    abort.args(["-m", "-t", &nodes[1].pid().to_string(), "mount", "-o", "remount,abort"]);
    if !abort.arg(nodes[1].files.data()).output().is_ok_and(|o| o.status.success()) {
        skipped(what, "this kernel's ext4 has no mount option abort");
        return;
    }
    assert!(fs::write(seen(&nodes[1]).join("probe"), "x").is_err(), "it is read-only");
    for i in 3..6 {
        submit(&network, i).await.expect("the centre takes it and waits");
    }
    // The clerk's answer is a write, and refused with a code.
    let answer = client.register(&agency(1), first, None).await;
    assert_eq!(answer.expect_err("refused").code(), Code::StorageReadOnly);
    let status = client.status().await.expect("a status");
    assert!(status.alarms.iter().any(|a| a.code.0 == Code::StorageReadOnly), "{:?}", status.alarms);
    assert_eq!(all_whole(&nodes[1]).await, 3, "reading goes on");
    assert!(nodes[1].ended().is_none());
    let (exit, said) = tram(&nodes[1], &["status"]);
    assert!(exit == Some(3) && said.contains("STORAGE_READ_ONLY"), "{said}");

    // It ends in order; on the read-only file system it does not start, and says why.
    let files = nodes[1].files.clone();
    assert!(nodes[1].stop().await.success(), "{}", nodes[1].tail());
    let deadline = Instant::now() + SOON;
    while !is_detached(&files) {
        assert!(Instant::now() < deadline, "the image is still mounted");
        sleep(Duration::from_millis(50)).await;
    }
    nodes[1].set_program(read_only(&files));
    let (exit, said) = nodes[1].second();
    assert_eq!(exit, Some(4), "{said}");
    assert!(said.contains("STORAGE_READ_ONLY"), "{said}");
    while !is_detached(&files) {
        assert!(Instant::now() < deadline, "the image is still mounted");
        sleep(Duration::from_millis(50)).await;
    }
    nodes[1].set_program(volume.program(&files));
    nodes[1].start();
    nodes[1].ready().await;
    eventually("the rest comes by itself", || async {
        inbox(&client, &agency(1)).await.len() == 6
    })
    .await;
    client.register(&agency(1), first, None).await.expect("the clerk's answer is taken now");
    assert_eq!(all_whole(&nodes[1]).await, 6, "once each, and whole");
    check_store(&client).await;
}

/// The node on the same volume, mounted for reading only.
fn read_only(files: &NodeFiles) -> Program {
    // First for writing: its own journal is not whole.
    let script = "mount -o loop \"$2\" \"$1\"; mount -o remount,ro \"$1\"; shift 2; exec \"$@\"";
    let path = |p: PathBuf| p.display().to_string();
    let arguments = ["-m", "sh", "-ec", script, "sh", &path(files.data()), &path(image(files))];
    Program::tram().through("unshare", arguments.map(str::to_owned).into())
}
