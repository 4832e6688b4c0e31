//! Descriptors run out: the node says so, keeps what it has, and recovers by itself.

use std::fs;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::LocalSet;
use tokio::time::{sleep, timeout};
use tram_crypto::sha256;
use tram_dispatch::Digest;

use crate::honest::Honest;
use crate::support::evidence::{check_store, eventually};
use crate::support::{Network, Node, Plan, Program, SOON, agency};

/// A node that may have few descriptors from its start, and one above it.
async fn pair(program: Program) -> (Rc<Network>, Node, Node) {
    let network = Network::create(&Plan::tiers(2));
    let mut above = Node::new(network.nodes[0].clone(), Program::tram());
    let mut node = Node::new(network.nodes[1].clone(), program);
    above.start();
    above.answers().await;
    node.start();
    node.ready().await;
    (Rc::new(network), above, node)
}

fn log(node: &Node) -> String {
    fs::read_to_string(&node.files.log).expect("a log")
}

fn in_place<F: Future>(work: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    LocalSet::new().block_on(&runtime.expect("a runtime"), work)
}

#[test]
fn a_node_with_few_descriptors_serves_fewer_clients_and_keeps_its_own() {
    in_place(async {
        let few = ["-c", "ulimit -n 96; exec \"$@\"", "sh"].map(str::to_owned);
        let (network, above, node) = pair(Program::tram().through("sh", few.into())).await;
        assert!(log(&node).contains("few file descriptors"), "{}", node.tail());
        let honest = Honest::start(&network, (node.client(), 1), (above.client(), 0)).await;
        honest.rate(Duration::from_millis(300)).await;
        // Many more clients than descriptors.
        let crowd: Vec<_> =
            (0..300).map_while(|_| UnixStream::connect(&node.files.socket).ok()).collect();
        assert!(crowd.len() > 100, "only {}", crowd.len());
        let rate = honest.rate(Duration::from_secs(1)).await;
        assert!(rate > 5.0, "{rate} a second: {}", node.tail());
        drop(crowd);
        let client = node.client();
        eventually("clients are served again", || async { client.status().await.is_ok() }).await;
        assert_eq!(client.status().await.expect("a status").peers_connected, 1);
        drop(honest);
        check_store(&client).await;
    });
}

/// Uploads a document over a connection that is open: the head of the answer.
async fn put(open: &mut tokio::net::UnixStream, digest: &Digest, bytes: &[u8]) -> String {
    let (agency, size) = (agency(1), bytes.len());
    let head = format!(
        "PUT /v1/documents/{digest}?agency={agency}&size={size}&offset=0 HTTP/1.1\r\nHost: x\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: {size}\r\n\r\n"
    );
    open.write_all(head.as_bytes()).await.expect("a request");
    // It may have answered before it read everything.
    let _ = open.write_all(bytes).await;
    let mut answer = vec![0; 4096];
    let length =
        timeout(SOON, open.read(&mut answer)).await.expect("an answer").expect("an answer");
    String::from_utf8_lossy(&answer[..length]).to_lowercase()
}

#[test]
fn descriptors_that_run_out_while_it_runs_cost_nothing_that_is_there() {
    in_place(async {
        let (network, above, node) = pair(Program::tram()).await;
        let pid = Pid::from_raw(i32::try_from(node.pid()).expect("a number"));
        let limit = |most: u64| {
            let rlimit = Rlimit { current: Some(most), maximum: Some(20_000) };
            prlimit(pid, Resource::Nofile, rlimit).expect("a process of ours").current
        };
        let honest = Honest::start(&network, (node.client(), 1), (above.client(), 0)).await;
        let client = node.client();
        client.status().await.expect("a status");
        assert!(honest.rate(Duration::from_millis(500)).await > 5.0);
        let mut open = tokio::net::UnixStream::connect(&node.files.socket).await.expect("a client");
        sleep(Duration::from_millis(100)).await;
        // Every number above what is open now is refused: EMFILE.
        let before = limit(3).expect("a limit");
        let rate = honest.rate(Duration::from_secs(1)).await;
        assert!(rate > 5.0, "{rate} a second over connections that were there: {}", node.tail());
        // A large document needs a file.
        let bytes = vec![7; 300 << 10];
        let (digest, size) = (Digest(sha256(&bytes)), bytes.len() as u64);
        let refused = put(&mut open, &digest, &bytes).await;
        assert!(refused.starts_with("http/1.1 50"), "{refused}");
        let newcomer = UnixStream::connect(&node.files.socket).expect("the kernel takes it");
        eventually("it says that it cannot accept", || async {
            log(&node).contains("the local socket cannot accept")
        })
        .await;
        limit(before);
        eventually("it accepts again", || async {
            log(&node).contains("the local socket accepts again")
        })
        .await;
        drop(newcomer);
        let body = std::io::Cursor::new(bytes);
        let taken = client.upload(&agency(1), digest, size, 0, body, |_| {}).await;
        assert!(taken.expect("there is room again").complete);
        assert!(honest.rate(Duration::from_millis(500)).await > 5.0, "{}", node.tail());
        sleep(Duration::from_millis(10)).await;
        drop(honest);
        let status = client.status().await.expect("a status");
        assert_eq!(status.peers_connected, 1);
        check_store(&client).await;
    });
}
