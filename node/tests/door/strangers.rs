//! Certificates that do not let in: each is told why, and the log too.

use std::fs;
use std::net::SocketAddr;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tram_dispatch::Code;
use tram_transport::Identity;

use crate::support::evidence::eventually;
use crate::support::{Network, Node, Plan, Program};
use crate::systems::{NAME, PORT, Systems, system};
use crate::work::Country;

/// One request, and the answer: its status and the problem.
async fn asked(authority: &Systems, identity: Option<&Identity>, at: SocketAddr) -> (u16, Value) {
    let tcp = TcpStream::connect(at).await.expect("it listens");
    let mut tls = authority.tls(identity).connect(NAME, tcp).await.expect("a session");
    let ask = format!("GET /v1/status HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n");
    tls.write_all(ask.as_bytes()).await.expect("it reads");
    tls.flush().await.expect("it reads");
    let mut answer = Vec::new();
    tls.read_to_end(&mut answer).await.expect("an end of the session");
    let answer = String::from_utf8(answer).expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole head");
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
    (status, serde_json::from_str(body).expect("JSON"))
}

#[tokio::test]
async fn each_is_told_why_and_who_may_come_in_comes_in() {
    let country = Country::running("", |_, _| String::new()).await;
    let (authority, at) = (&country.authority, country.doors[0]);
    let foreign = Systems::new("another CA").system("van-thu-0.example.vn");
    let expired = authority.expired("van-thu-0.example.vn");
    // A good certificate, of the system of the node below.
    let others = &country.systems[1];
    for (identity, code, word) in [
        (None, "CERTIFICATE_UNTRUSTED", "no certificate was shown"),
        (Some(&foreign), "CERTIFICATE_UNTRUSTED", "van-thu-0.example.vn"),
        (Some(&expired), "CERTIFICATE_EXPIRED", "van-thu-0.example.vn"),
        (Some(others), "NOT_AUTHORISED", "is of none of the systems"),
    ] {
        let (status, problem) = asked(authority, identity, at).await;
        assert_eq!((status, problem["code"].as_str()), (403, Some(code)), "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|d| d.contains(word)), "{problem}");
        assert!(problem["remedy"].as_str().is_some_and(|r| !r.is_empty()), "{problem}");
    }
    let (status, _) = asked(authority, Some(&country.systems[0]), at).await;
    assert_eq!(status, 200);
    let log = fs::read_to_string(&country.nodes[0].files.log).expect("a log");
    assert_eq!(log.matches("door: not let in").count(), 4, "{log}");
}

#[tokio::test]
async fn a_list_that_is_put_there_revokes_without_a_restart() {
    let network = Network::create(&Plan::tiers(2));
    let (authority, files) = (Systems::new("agency CA"), &network.nodes[0]);
    let at = SocketAddr::new(files.listen.expect("the top listens").ip(), PORT);
    let [kept, lost] = ["may-1", "may-2"].map(|name| authority.system(name));
    let table =
        |name: &str| system(name, &format!("subject = \"CN={name}\""), "\"*\"", "\"operate\"");
    let list = files.folder.join("network/systems.crl");
    fs::write(&list, authority.list(&[], 60)).expect("a file");
    let more = "revocation_lists = [\"network/systems.crl\"]";
    authority.open(files, at, more, &(table("may-1") + &table("may-2")));
    let mut node = Node::new(files.clone(), Program::tram());
    node.start();
    node.answers().await;
    let client = authority.client(&lost, at);
    client.status().await.expect("it may come in");
    fs::write(&list, authority.list(&[&lost], 30)).expect("a file");
    let pid = Pid::from_raw(node.pid() as i32).expect("a process");
    kill_process(pid, Signal::HUP).expect("it is ours");
    eventually("it is revoked", || async {
        let (status, problem) = asked(&authority, Some(&lost), at).await;
        status == 403 && problem["code"] == "CERTIFICATE_REVOKED"
    })
    .await;
    authority.client(&kept, at).status().await.expect("the other is not");
    // A list that cannot be read changes nothing, and somebody is told.
    fs::write(&list, "no list").expect("a file");
    kill_process(pid, Signal::HUP).expect("it is ours");
    eventually("an alarm tells", || async {
        let status = authority.client(&kept, at).status().await.expect("it answers");
        status.alarms.iter().any(|a| a.code.0 == Code::Unreadable)
    })
    .await;
    assert_eq!(asked(&authority, Some(&lost), at).await.0, 403);
}
