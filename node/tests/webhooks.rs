//! Webhooks and server-sent events on real nodes: signed, in order, none missing over restarts.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Network, Node, Plan, Program, SOON, agency, wall_now};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tram_api::model::SealRequest;
use tram_crypto::hmac_sha256;
use tram_dispatch::id::hex;
use tram_pki::write_certificates;
use tram_transport::{HttpsServer, Identity};

const SECRET: &str = "a secret of one line";

/// What came, and how many are turned away first.
#[derive(Default)]
struct Inner {
    came: Vec<(String, Value)>,
    turn_away: u32,
    turned_away: u32,
}

/// A receiver as a document system would write it.
#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Inner>>);

impl Receiver {
    /// Listens; the port.
    async fn listen(&self, tls: Option<HttpsServer>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let receiver = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                match &tls {
                    None => receiver.take(stream).await,
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => receiver.take(stream).await,
                        Err(_) => continue,
                    },
                }
            }
        });
        port
    }

    async fn take(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut text = Vec::new();
        let (head, body) = loop {
            let mut piece = [0; 4096];
            let n = stream.read(&mut piece).await.unwrap_or(0);
            if n == 0 {
                return;
            }
            text.extend_from_slice(&piece[..n]);
            let whole = String::from_utf8(text.clone()).expect("text");
            let Some((head, body)) = whole.split_once("\r\n\r\n") else { continue };
            let length: usize = header(head, "content-length").parse().expect("a length");
            if body.len() >= length {
                break (head.to_owned(), body.to_owned());
            }
        };
        assert!(head.starts_with("POST /hook?from=tram HTTP/1.1\r\n"), "{head}");
        let signed = header(&head, "tram-signature");
        let (moment, mac) = signed.split_once(",v1=").expect("a signature");
        let moment = moment.strip_prefix("t=").expect("a moment");
        let expected = hmac_sha256(SECRET.as_bytes(), format!("{moment}.{body}").as_bytes());
        assert_eq!(mac, hex(&expected));
        let status = {
            let mut inner = self.0.lock().expect("a receiver");
            if inner.turn_away > 0 {
                inner.turn_away -= 1;
                inner.turned_away += 1;
                "503 Service Unavailable"
            } else {
                let id = header(&head, "tram-event").to_owned();
                inner.came.push((id, serde_json::from_str(&body).expect("JSON")));
                "204 No Content"
            }
        };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
    }

    /// The events that came, once one of this name was among them.
    async fn until(&self, event: &str, times: usize) -> Vec<(String, Value)> {
        let deadline = Instant::now() + SOON;
        loop {
            let came = self.0.lock().expect("a receiver").came.clone();
            if came.iter().filter(|(_, e)| e["event"] == event).count() >= times {
                return came;
            }
            assert!(Instant::now() < deadline, "{event} did not come: {came:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn header<'h>(head: &'h str, name: &str) -> &'h str {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    let found = fields.find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.unwrap_or_else(|| panic!("no {name} in {head}")).1
}

/// Two tiers; the lower one announces to `urls` and seals for its agency.
async fn running(urls: &[String], anchors: &str) -> (Network, Vec<Node>) {
    let network = Network::create(&Plan::tiers(2));
    let files = &network.nodes[1];
    let (chain, key) = network.authorities.sealing(1);
    key.write_new(&files.folder.join("keys/seal.key")).expect("a key file");
    fs::write(files.folder.join("keys/seal.crt"), write_certificates(&chain)).expect("a file");
    fs::write(files.folder.join("keys/hook-ca.pem"), anchors).expect("a file");
    let mut config = fs::read_to_string(&files.config).expect("a file");
    config += "[[seals]]\nagency = \"H41\"\ncertificate = \"keys/seal.crt\"\nkey = \"keys/seal.key\"\n\
               [webhook]\npause_s_max = 1\n";
    for (at, url) in urls.iter().enumerate() {
        let secret = files.folder.join(format!("keys/hook-{at}.secret"));
        // Each purpose has a key of its own.
        fs::write(&secret, format!("{SECRET}{}\n", " ".repeat(at))).expect("a file");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("a file of ours");
        let anchors = match url.starts_with("https") {
            true => "anchors = \"keys/hook-ca.pem\"\n",
            false => "",
        };
        config += &format!(
            "[[webhooks]]\nagency = \"H41\"\nurl = \"{url}\"\nsecret = \"{}\"\n{anchors}",
            secret.display()
        );
    }
    fs::write(&files.config, config).expect("a file");
    let nodes = network.start(&Program::tram()).await;
    (network, nodes)
}

async fn send(nodes: &[Node], reference: &str) {
    let request: SealRequest = serde_json::from_str(
        r#"{"originator":"H41","recipients":["G22"],"metadata":{"subject":"Thử"},"documents":[]}"#,
    )
    .expect("a request");
    let accepted = nodes[1].client().seal(&reference.parse().expect("a reference"), &request).await;
    let id = accepted.expect("accepted").dispatch.0;
    let above = nodes[0].client();
    let deadline = Instant::now() + SOON;
    while above.inbox_entry(&agency(0), id).await.is_err() {
        assert!(Instant::now() < deadline, "it did not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let fetched = above.fetch(&agency(0), id).await.expect("fetched");
    above.confirm(&agency(0), id, &fetched.token).await.expect("confirmed");
    above.register(&agency(0), id, Some("Số đến 1".to_owned())).await.expect("registered");
}

#[tokio::test]
async fn events_are_signed_repeated_until_taken_and_none_is_missing_after_a_kill() {
    let receiver = Receiver::default();
    receiver.0.lock().expect("a receiver").turn_away = 2;
    let port = receiver.listen(None).await;
    let (_network, mut nodes) =
        running(&[format!("http://127.0.0.1:{port}/hook?from=tram")], "").await;
    send(&nodes, "1").await;
    let first = receiver.until("ConsignmentAcceptance", 1).await;
    assert_eq!(receiver.0.lock().expect("a receiver").turned_away, 2);
    let registered = first.iter().find(|(_, e)| e["event"] == "ConsignmentAcceptance");
    let registered = &registered.expect("it is there").1;
    assert_eq!((&registered["status"], &registered["node"]), (&"03".into(), &"n1.G22".into()));
    assert!(first.iter().all(|(id, e)| e["id"] == id.as_str()));

    // While nobody takes anything, the node works, says so, and forgets nothing when it is killed.
    receiver.0.lock().expect("a receiver").turn_away = u32::MAX;
    send(&nodes, "2").await;
    let deadline = Instant::now() + SOON;
    loop {
        let view = nodes[1].client().status().await.expect("a status");
        let hook = &view.webhooks[0];
        if hook.waiting_since.is_some() && hook.trouble.is_some() {
            assert!(hook.trouble.as_deref().is_some_and(|t| t.contains("503")), "{hook:?}");
            assert_eq!(hook.sent, first.len() as u64);
            break;
        }
        assert!(Instant::now() < deadline, "no debt is told");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    nodes[1].kill();
    receiver.0.lock().expect("a receiver").turn_away = 0;
    nodes[1].start();
    nodes[1].ready().await;
    let all = receiver.until("ConsignmentAcceptance", 2).await;
    // In order, each once, and as many of the second dispatch as of the first.
    let ids: Vec<&String> = all.iter().map(|(id, _)| id).collect();
    let sorted: BTreeSet<&String> = ids.iter().copied().collect();
    assert_eq!(ids, sorted.into_iter().collect::<Vec<_>>());
    let names = |of: &Value| -> BTreeSet<String> {
        let own = all.iter().filter(|(_, e)| e["dispatch"] == *of);
        own.map(|(_, e)| e["event"].as_str().expect("a name").to_owned()).collect()
    };
    let dispatches = [&all[0].1["dispatch"], &all[all.len() - 1].1["dispatch"]];
    assert_ne!(dispatches[0], dispatches[1]);
    assert_eq!(names(dispatches[0]), names(dispatches[1]));
    assert!(names(dispatches[0]).contains("ContentConsignment"));

    // Server-sent events go on behind an event of before the kill: the same ones, with the same ids.
    let mut events = nodes[1].client().events(Some(all[0].0.clone())).await.expect("events");
    for (id, event) in &all[1..] {
        let next = events.next().await.expect("a stream").expect("an event");
        assert_eq!((&next.id, &serde_json::to_value(&next).expect("JSON")), (id, event));
    }
    // And what happens from now on has ids as well.
    send(&nodes, "3").await;
    let live = events.next().await.expect("a stream").expect("an event");
    let came = receiver.until("ConsignmentAcceptance", 3).await;
    assert_eq!(live.id, came[all.len()].0);
    let bad = nodes[1].client().events(Some("7".to_owned())).await.err().expect("refused");
    assert!(bad.to_string().contains("BAD_REQUEST"), "{bad}");
    a_deadline_is_told_once_also_over_a_kill(&mut nodes, &receiver).await;
}

async fn a_deadline_is_told_once_also_over_a_kill(nodes: &mut [Node], receiver: &Receiver) {
    // Nobody is there to take it.
    nodes[0].stop().await;
    let hour = wall_now().plus_ms(1_000);
    let request: SealRequest = serde_json::from_value(serde_json::json!({
        "originator": "H41",
        "recipients": ["G22"],
        "metadata": {"subject": "Thử", "urgency": "flash_at", "urgent_by": hour.to_string()},
        "documents": [],
    }))
    .expect("a request");
    let client = nodes[1].client();
    let accepted = client.seal(&"4".parse().expect("a reference"), &request).await;
    let dispatch = accepted.expect("accepted").dispatch.to_string();
    let came = receiver.until("Overdue", 1).await;
    let (id, told) = came.iter().find(|(_, e)| e["event"] == "Overdue").expect("it is there");
    assert_eq!((&told["id"], &told["dispatch"]), (&id.as_str().into(), &dispatch.into()));
    let (at, code) = (hour.to_string(), "SENDING_OVERDUE");
    assert_eq!((&told["at"], &told["code"]), (&at.into(), &code.into()));
    // Its id leads on like any other.
    client.events(Some(id.clone())).await.expect("events");
    nodes[1].kill();
    nodes[1].start();
    nodes[1].answers().await;
    let deadline = Instant::now() + SOON;
    // What stands is found again, and is not told again.
    while !nodes[1]
        .client()
        .status()
        .await
        .expect("a status")
        .alarms
        .iter()
        .any(|a| a.code.0.as_str() == code)
    {
        assert!(Instant::now() < deadline, "no alarm");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(
        receiver.until("Overdue", 1).await.iter().filter(|(_, e)| e["event"] == "Overdue").count(),
        1
    );
}

/// A server with a certificate of its own, and that certificate as PEM.
fn server() -> (HttpsServer, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]);
    let made = made.expect("a certificate");
    let chain_der = vec![made.cert.der().to_vec()];
    let pem = write_certificates(&chain_der);
    let key_pkcs8_der = made.signing_key.serialize_der();
    let server = HttpsServer::new(&Identity { chain_der, key_pkcs8_der });
    (server.expect("a server"), pem)
}

#[tokio::test]
async fn https_is_for_the_receiver_that_the_anchors_name_and_nobody_else() {
    let (own, other) = (server(), server());
    let (known, stranger) = (Receiver::default(), Receiver::default());
    let ports = [known.listen(Some(own.0)).await, stranger.listen(Some(other.0)).await];
    let urls = ports.map(|port| format!("https://localhost:{port}/hook?from=tram"));
    let (_network, nodes) = running(&urls[..1], &own.1).await;
    send(&nodes, "1").await;
    known.until("ConsignmentAcceptance", 1).await;
    drop(nodes);
    let (_network, nodes) = running(&urls[1..], &own.1).await;
    send(&nodes, "1").await;
    let deadline = Instant::now() + SOON;
    loop {
        let view = nodes[1].client().status().await.expect("a status");
        let trouble = view.webhooks[0].trouble.clone().unwrap_or_default();
        if trouble.starts_with("TLS: ") {
            break;
        }
        assert!(Instant::now() < deadline, "{trouble}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(stranger.0.lock().expect("a receiver").came.is_empty());
}
