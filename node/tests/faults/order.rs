//! The order of system calls: what a client or a peer is told leaves only when it is on stable storage.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tram_crypto::sha256;
use tram_dispatch::Digest;

use crate::say;
use crate::support::evidence::{eventually, inbox};
use crate::support::sealing::{document, small_document};
use crate::support::{Network, Node, Plan, Program, agency};
use crate::work::temporary;

/// The tracer is a grandchild, so that the process started is the node.
fn traced(more: &[&str]) -> Program {
    let mut arguments = vec!["-D", "-f", "-q"];
    arguments.extend(more);
    Program::tram().through("strace", arguments.into_iter().map(str::to_owned).collect())
}

/// One call: the line where it began and the one where it returned, and its text.
#[derive(Debug)]
struct Call {
    began: usize,
    ended: usize,
    text: String,
}

/// The tracer writes on after the node is gone: the trace is whole when its last line says so.
async fn whole(trace: &Path, pid: u32) -> String {
    let pid = pid.to_string();
    // The tracer fills short numbers up with spaces.
    let is_end = |line: &str| {
        let rest = line.strip_prefix(pid.as_str()).filter(|rest| rest.starts_with(' '));
        rest.is_some_and(|rest| rest.trim_start().starts_with("+++ exited with "))
    };
    let read = || String::from_utf8_lossy(&fs::read(trace).unwrap_or_default()).into_owned();
    let ended = |text: &str| text.ends_with('\n') && text.lines().any(is_end);
    eventually("the trace is whole", || async { ended(&read()) }).await;
    read()
}

/// Reads `strace -f -y`: calls that others interrupt are put together again.
fn calls(text: &str) -> Vec<Call> {
    let mut open: Vec<(String, Call)> = Vec::new();
    let mut done = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        if let Some(first) = call.strip_suffix("<unfinished ...>") {
            let begun = Call { began: at, ended: usize::MAX, text: first.to_owned() };
            open.push((thread.to_owned(), begun));
        } else if let Some(rest) = call.strip_prefix("<... ") {
            let Some(mine) = open.iter().position(|(t, _)| t == thread) else { continue };
            let (_, mut begun) = open.remove(mine);
            begun.ended = at;
            begun.text.push_str(rest.split_once("resumed>").map_or("", |(_, rest)| rest));
            done.push(begun);
        } else {
            done.push(Call { began: at, ended: at, text: call.to_owned() });
        }
    }
    done.sort_by_key(|call| call.began);
    done
}

impl Call {
    fn is(&self, name: &str, part: &str) -> bool {
        self.text.starts_with(&format!("{name}(")) && self.text.contains(part)
    }

    fn succeeded(&self) -> bool {
        // What was resumed has its result further to the right.
        let result = self.text.rsplit_once(')').and_then(|(_, end)| end.trim().strip_prefix("= "));
        result.is_some_and(|r| !r.starts_with('-'))
    }
}

/// The first call from a line on that is so; its successful return is meant where `whole`.
fn next<'a>(all: &'a [Call], from: usize, what: &str, is: impl Fn(&Call) -> bool) -> &'a Call {
    let found = all.iter().find(|call| call.began >= from && is(call));
    found.unwrap_or_else(|| panic!("no {what} from line {from} on"))
}

#[tokio::test]
#[ignore = "needs strace"]
async fn an_answer_leaves_after_document_name_and_journal_are_stable() {
    let network = Network::create(&Plan::tiers(2));
    let files = network.nodes[0].clone();
    let trace = files.folder.join("trace");
    // The other node is away: nothing but the submission is on its way here.
    let mut node = Node::new(
        files.clone(),
        traced(&[
            "-y",
            "-s",
            "32",
            "-o",
            trace.to_str().expect("a path in UTF-8"),
            "-e",
            "trace=fsync,fdatasync,pwrite64,rename,write,writev,sendto,sendmsg",
        ]),
    );
    node.start();
    node.answers().await;
    let bytes = vec![7; 200 << 10];
    let (digest, size) = (Digest(sha256(&bytes)), bytes.len() as u64);
    let client = node.client();
    let file = tokio::fs::File::from_std(temporary(&bytes));
    client.upload_resuming(&agency(0), digest, size, file, |_| {}).await.expect("an upload");
    let named = document("lon.bin", size, digest);
    let sealed = network.seal(&network.envelope(0, &[1], "1/THỨ-TỰ", vec![named]));
    client.submit(sealed.raw(), &[]).await.expect("accepted");
    let pid = node.pid();
    assert!(node.stop().await.success());

    let all = calls(&whole(&trace, pid).await);
    let name = tram_dispatch::id::hex(digest.as_bytes());
    // The answers are in order: the upload's, then the submission's.
    let answers =
        |c: &Call| ["write", "writev", "sendto", "sendmsg"].iter().any(|w| c.is(w, "HTTP/1.1 201"));
    let body =
        next(&all, 0, "sync of the document", |c| c.is("fdatasync", "/staging/") && c.succeeded());
    let named =
        next(&all, body.ended, "rename to its digest", |c| c.is("rename", &name) && c.succeeded());
    let folder = next(&all, named.ended, "sync of its folder", |c| {
        c.is("fsync", "/documents/") && c.succeeded()
    });
    let uploaded = next(&all, folder.ended, "answer to the upload", answers);
    let early = all.iter().find(|c| answers(c) && c.began < folder.ended);
    assert!(early.is_none(), "before the document is durable: {early:?}");

    let appended = next(&all, uploaded.ended, "append to the journal", |c| {
        c.is("pwrite64", ".segment") && c.succeeded()
    });
    let stable = next(&all, appended.ended, "sync of the journal", |c| {
        c.is("fdatasync", ".segment") && c.succeeded()
    });
    let accepted = next(&all, uploaded.ended + 1, "answer to the submission", answers);
    assert!(stable.ended < accepted.began, "{stable:?} after {accepted:?}");
    // Nothing was appended in between and left unsynced.
    let loose = all.iter().filter(|c| c.is("pwrite64", ".segment") && c.began < accepted.began);
    for append in loose {
        let synced = next(&all, append.ended, "sync", |c| c.is("fdatasync", ".segment"));
        assert!(synced.ended < accepted.began, "{append:?} was not synced before {accepted:?}");
    }
    say(&format!(
        "order: document synced at line {}, renamed {}, folder synced {}, upload answered {}, \
         journal appended {}, synced {}, submission answered {}",
        body.ended,
        named.ended,
        folder.ended,
        uploaded.began,
        appended.ended,
        stable.ended,
        accepted.began
    ));
}

/// What the receipts inside a session say cannot be seen from outside: it is encrypted. But with syncs
/// that take a second, nobody has an answer before that second is over.
#[tokio::test]
#[ignore = "needs strace"]
async fn no_answer_and_no_receipt_comes_before_a_slow_sync_returns() {
    const DELAY: Duration = Duration::from_secs(1);
    let slow = || {
        traced(&[
            "-o",
            "/dev/null",
            "-e",
            "trace=fdatasync",
            "-e",
            "inject=fdatasync:delay_enter=1000000",
        ])
    };
    for tier in [0, 1] {
        let network = Network::create(&Plan::tiers(2));
        let mut nodes: Vec<Node> =
            network.nodes.iter().map(|f| Node::new(f.clone(), Program::tram())).collect();
        nodes[tier].set_program(slow());
        nodes.iter_mut().for_each(Node::start);
        for node in &mut nodes {
            node.ready().await;
        }
        let (centre, province) = (nodes[0].client(), nodes[1].client());
        let sealed = network.seal(&network.envelope(0, &[1], "1", vec![small_document(b"x")]));
        let began = Instant::now();
        centre.submit(sealed.raw(), &[Some(b"x".to_vec().into())]).await.expect("accepted");
        let accepted = began.elapsed();
        eventually("it is there", || async { inbox(&province, &agency(1)).await.len() == 1 }).await;
        let there = began.elapsed();
        let told = || async {
            let stand = crate::support::evidence::progress(&centre, &agency(0)).await;
            stand.is_ok_and(|stand| stand == (1, 1))
        };
        eventually("the receipt is back", told).await;
        let back = began.elapsed();
        say(&format!(
            "slow syncs of tier {tier}: accepted {accepted:?}, there {there:?}, receipt {back:?}"
        ));
        if tier == 0 {
            assert!(accepted >= DELAY, "answered before the sync: {accepted:?}");
        } else {
            assert!(there >= DELAY, "shown before the sync: {there:?}");
        }
        assert!(back >= DELAY, "a receipt before the sync: {back:?}");
    }
}
