//! `tram` on another machine.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Command;

use serde_json::Value;

use crate::support::{Network, Node, Plan, Program};
use crate::systems::{Systems, files_of, system};

#[tokio::test]
async fn commands_reach_the_node_through_its_door() {
    let network = Network::create(&Plan::tiers(2));
    let (authority, files) = (Systems::new("agency CA"), &network.nodes[0]);
    // What the door's certificate calls localhost.
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let table = system("may-tram", "subject = \"CN=may-tram\"", "\"*\"", "\"operate\"");
    authority.open(files, SocketAddr::from((Ipv4Addr::LOCALHOST, port)), "", &table);
    let mut node = Node::new(files.clone(), Program::tram());
    node.start();
    node.answers().await;
    let folder = tempfile::tempdir().expect("a folder");
    let (certificate, key) = files_of(&authority.system("may-tram"), folder.path(), "may-tram");
    let ca = folder.path().join("ca.crt");
    authority.write_ca(&ca);
    let ca = ca.to_str().expect("a path in UTF-8");
    let run = |url: &str, more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tram"));
        for variable in ["TRAM_CONFIG", "TRAM_SOCKET", "TRAM_URL"] {
            command.env_remove(variable);
        }
        command.args(["--json", "--url", url, "--url-certificate"]).arg(&certificate);
        command.arg("--url-key").arg(&key).args(more);
        let out = command.current_dir(folder.path()).output().expect("it can be started");
        let text = [out.stdout, out.stderr].concat();
        (out.status.code(), String::from_utf8(text).expect("text"))
    };
    let url = format!("https://localhost:{port}");
    // 3: an alarm tells that the door's certificate ends within days.
    let (code, said) = run(&url, &["--url-ca", ca, "status"]);
    assert_eq!(code, Some(3), "{said}");
    let status: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(status["node"], files.id.to_string());
    let (code, said) = run(&url, &["--url-ca", ca, "inbox", "list", "--agency", "G22"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("NOT_AUTHORISED") && said.contains("system may-tram"), "{said}");
    // The certificate names no address: whoever stands there is not believed.
    let (code, said) = run(&format!("https://127.0.0.1:{port}"), &["--url-ca", ca, "status"]);
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("NODE_UNREACHABLE"), "{said}");
    for (url, more, word) in [
        (&*url, &["status"][..], "--url-ca"),
        ("http://a", &["--url-ca", ca, "status"], "https://HOST"),
    ] {
        let (code, said) = run(url, more);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(word), "{said}");
    }
}
