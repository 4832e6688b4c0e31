//! Time-stamps from outside: asked for by a running node, from a server in this process and from a real
//! one, `openssl ts` behind a small HTTP responder. A server that does not answer stops nothing.

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use support::evidence::eventually;
use support::sealing::small_document;
use support::{Network, Node, Plan, Program, wall_now};
use tram_dispatch::DispatchId;
use tram_trust::evidence::{Account, Claim, Finding, Ground, Lack, Proof, State, examine};
use tram_trust::fixtures::TimeStamper;
use tram_trust::time_stamp::Authorities;

const DOCUMENT: &[u8] = b"Van ban thu nghiem";
const DAY_MS: u64 = 86_400_000;

/// A server of time-stamps on loopback.
struct Server {
    url: String,
    /// Whether it answers; otherwise 503.
    works: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl Server {
    fn start(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/tsr", listener.local_addr().expect("an address"));
        let (works, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (on, count) = (works.clone(), asked.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::Relaxed);
                let answer = |q: &[u8]| on.load(Ordering::Relaxed).then(|| answer(q));
                serve(&stream, answer);
            }
        });
        Server { url, works, asked }
    }
}

/// One request and its answer.
fn serve(mut stream: &TcpStream, answer: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    let mut reader = BufReader::new(stream);
    let (mut length, mut right) = (0, 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().expect("a number");
        }
        let fits = ["post /tsr http/1.1", "content-type: application/timestamp-query"];
        right += usize::from(fits.contains(&line.as_str()));
    }
    let mut query = vec![0; length];
    reader.read_exact(&mut query).expect("a body");
    assert_eq!(right, 2, "the request is not in the form of RFC 3161");
    let (status, body) = match answer(&query) {
        Some(body) => ("200 OK", body),
        None => ("503 Service Unavailable", Vec::new()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), &body].concat()).expect("an answer");
}

/// Two tiers; the lower node asks this server.
async fn running(server: &Server, anchors: &[u8]) -> (Network, Vec<Node>) {
    let network = Network::create(&Plan::tiers(2));
    let files = &network.nodes[1];
    fs::write(files.folder.join("network/tsa.pem"), anchors).expect("a file");
    let config = fs::read_to_string(&files.config).expect("a configuration");
    let more = format!(
        "[timestamp]\nurl = \"{}\"\nanchors = \"network/tsa.pem\"\ninterval_s = 10\n",
        server.url
    );
    fs::write(&files.config, config + &more).expect("a configuration");
    let nodes = network.start(&Program::tram()).await;
    (network, nodes)
}

async fn sent(network: &Network, nodes: &[Node]) -> DispatchId {
    let documents = vec![small_document(DOCUMENT)];
    let sealed = network.seal(&network.envelope(1, &[0], "1/BC", documents));
    let client = nodes[1].client();
    client.submit(sealed.raw(), &[Some(DOCUMENT.into())]).await.expect("accepted");
    let id = sealed.id();
    eventually("it is consigned", || {
        let client = &client;
        async move { client.track(id).await.expect("known").evidence.len() >= 2 }
    })
    .await;
    id
}

fn stamped(account: &Account) -> &Finding {
    assert_eq!(account.faults, [], "what a node gives is sound");
    account.findings.iter().find(|f| f.claim == Claim::Stamped).expect("a time-stamp")
}

/// Accepted while the server is away, stamped when it is back; then proved to whoever trusts it.
async fn debt_is_paid(server: Server, anchors: Vec<u8>, authority: &str) -> (Network, Vec<Node>) {
    let (network, nodes) = running(&server, &anchors).await;
    let id = sent(&network, &nodes).await;
    let client = nodes[1].client();
    eventually("the failure is told", || {
        let client = &client;
        async move {
            let standing =
                client.status().await.expect("a status").time_stamps.expect("configured");
            standing.trouble.is_some_and(|t| t.contains("503"))
                && standing.unstamped_since.is_some()
        }
    })
    .await;
    assert!(client.log_timestamps().await.expect("a list").stamps.is_empty());
    let before = wall_now();
    server.works.store(true, Ordering::Relaxed);
    eventually("the log is stamped", || {
        let client = &client;
        async move { !client.log_timestamps().await.expect("a list").stamps.is_empty() }
    })
    .await;
    let list = client.log_timestamps().await.expect("a list");
    let latest = list.stamps[0].latest.as_ref().expect("a sound token").0;
    assert!(latest >= before && latest <= wall_now().plus_ms(5_000), "{list:?}");
    assert!(list.stamps[0].authority.contains(authority), "{list:?}");
    assert_eq!(list.standing.expect("configured").trouble, None);

    let bytes = client.evidence(id, false).await.expect("an evidence file");
    let ground = Ground::new(network.root.clone());
    let trusting = ground.clone().with_authorities(Authorities::read(&anchors).expect("anchors"));
    let account = examine(&trusting, &bytes).expect("an evidence file");
    let finding = stamped(&account);
    let State::Proved(Proof::Stamped { by, .. }) = &finding.state else { panic!("{finding:?}") };
    assert_eq!(by.latest, latest);
    let account = examine(&ground, &bytes).expect("an evidence file");
    assert!(matches!(stamped(&account).state, State::Lacking(Lack::StampNotChecked(_))));

    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("a file");
        path
    };
    let (file, root) = (put("a.evidence", &bytes), put("root.cbor", &network.root_file));
    let tsa = put("tsa.pem", &anchors);
    let verify = |more: &[&Path]| {
        let program = Command::new(env!("CARGO_BIN_EXE_tram"))
            .arg("--lang=en")
            .arg("verify")
            .arg(&file)
            .arg("--root")
            .arg(&root)
            .args(["--ask", "stamped"])
            .args(more)
            .output()
            .expect("it can be started");
        (program.status.code(), String::from_utf8_lossy(&program.stdout).into_owned())
    };
    let (code, words) = verify(&[Path::new("--tsa"), &tsa]);
    assert!(code == Some(0) && words.contains("no later than"), "{code:?} {words}");
    let (code, words) = verify(&[]);
    assert!(code == Some(3) && words.contains("--tsa"), "{code:?} {words}");
    (network, nodes)
}

#[tokio::test]
async fn a_server_that_is_away_stops_nothing_and_is_asked_until_it_answers() {
    let (from, until) = (wall_now().0 - DAY_MS, wall_now().plus_ms(30 * DAY_MS));
    let stamper = TimeStamper::valid("node", tram_dispatch::UnixMillis(from), until);
    let anchors = stamper.anchor().to_vec();
    let server = Server::start(move |query| stamper.answer(query, wall_now()));
    let asked = server.asked.clone();
    let (_network, mut nodes) = debt_is_paid(server, anchors, "node time-stamps").await;
    assert!(asked.load(Ordering::Relaxed) >= 2);
    // It is kept: a node that was killed has it still.
    let sizes = |list: tram_api::model::LogTimeStamps| -> Vec<u64> {
        list.stamps.iter().map(|s| s.size).collect()
    };
    let before = sizes(nodes[1].client().log_timestamps().await.expect("a list"));
    nodes[1].kill();
    nodes[1].start();
    nodes[1].ready().await;
    let after = sizes(nodes[1].client().log_timestamps().await.expect("a list"));
    assert!(after.ends_with(&before), "{before:?} {after:?}");
}

#[tokio::test]
async fn a_server_that_lies_is_not_believed() {
    let (from, until) = (wall_now().0 - DAY_MS, wall_now().plus_ms(30 * DAY_MS));
    let valid = |label| TimeStamper::valid(label, tram_dispatch::UnixMillis(from), until);
    let (trusted, other) = (valid("trusted"), valid("other"));
    let (tell, told) = mpsc::sync_channel(1);
    let server = Server::start(move |query| {
        let _ = tell.try_send(());
        other.answer(query, wall_now())
    });
    server.works.store(true, Ordering::Relaxed);
    let (_network, nodes) = running(&server, trusted.anchor()).await;
    told.recv_timeout(support::SOON).expect("it is asked");
    let client = nodes[1].client();
    eventually("the failure is told", || {
        let client = &client;
        async move {
            let standing =
                client.status().await.expect("a status").time_stamps.expect("configured");
            standing.trouble.is_some_and(|t| t.contains("CERTIFICATE_UNTRUSTED"))
        }
    })
    .await;
    assert!(client.log_timestamps().await.expect("a list").stamps.is_empty());
}

/// A real authority: OpenSSL's, with the recipe of its manual.
#[tokio::test]
#[ignore = "needs openssl"]
async fn a_real_server_stamps_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().to_owned();
    let openssl = move |arguments: &[&str]| {
        let done = Command::new("openssl").args(arguments).current_dir(&at).output();
        let done = done.expect("openssl can be started");
        let told = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "openssl {arguments:?}: {told}");
    };
    let extensions = "[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n\
                      [tsa]\nkeyUsage=critical,digitalSignature\n\
                      extendedKeyUsage=critical,timeStamping\n\
                      [req]\ndistinguished_name=d\n[d]\n\
                      [ts]\ndefault_tsa=t\n[t]\nserial=serial\ncrypto_device=builtin\n\
                      digests=sha256\ndefault_policy=1.2.3.4\nsigner_digest=sha256\n\
                      ess_cert_id_alg=sha256\naccuracy=secs:1\n";
    fs::write(folder.path().join("x.cnf"), extensions).expect("a file");
    fs::write(folder.path().join("serial"), "01\n").expect("a file");
    let key = ["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
    for name in ["ca.key", "tsa.key"] {
        openssl(&[&key[..], &["-out", name]].concat());
    }
    let ca =
        ["req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=time root", "-config", "x.cnf"];
    openssl(&[&ca[..], &["-extensions", "ca", "-out", "ca.pem"]].concat());
    openssl(&[
        "req",
        "-new",
        "-key",
        "tsa.key",
        "-subj",
        "/CN=openssl ts",
        "-config",
        "x.cnf",
        "-out",
        "tsa.csr",
    ]);
    openssl(&[
        "x509",
        "-req",
        "-in",
        "tsa.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-extfile",
        "x.cnf",
        "-extensions",
        "tsa",
        "-out",
        "tsa.pem",
    ]);
    let anchors = fs::read(folder.path().join("ca.pem")).expect("the root");
    let at = folder.path().to_owned();
    let server = Server::start(move |query| {
        fs::write(at.join("query"), query).expect("a file");
        openssl(&[
            "ts",
            "-reply",
            "-config",
            "x.cnf",
            "-section",
            "t",
            "-queryfile",
            "query",
            "-signer",
            "tsa.pem",
            "-inkey",
            "tsa.key",
            "-chain",
            "ca.pem",
            "-out",
            "reply",
        ]);
        fs::read(at.join("reply")).expect("an answer")
    });
    debt_is_paid(server, anchors, "openssl ts").await;
}
