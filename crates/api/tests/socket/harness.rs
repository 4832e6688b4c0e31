//! A real socket in a directory of its own, and raw HTTP for what no client would send.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tram_api::{Access, Agencies, Client, Limits, Role, Rule, Socket, SocketOptions, Who, serve};
use tram_dispatch::AgencyCode;

use crate::fake::Fake;

pub struct Running {
    pub fake: Arc<Fake>,
    pub path: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    _home: TempDir,
}

pub fn agency(text: &str) -> AgencyCode {
    text.parse().unwrap()
}

pub fn only(codes: &[&str]) -> Agencies {
    Agencies::Only(codes.iter().map(|c| agency(c)).collect())
}

pub fn rule(agencies: Agencies, roles: &[Role]) -> Rule {
    Rule { who: Who::Any, agencies, roles: roles.iter().copied().collect() }
}

pub fn everything() -> Access {
    Access::new(vec![rule(Agencies::All, &Role::ALL)])
}

pub async fn start(fake: Fake, access: Access, limits: Limits) -> Running {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("run/api.sock");
    let socket = Socket::bind(&SocketOptions::at(&path)).await.unwrap();
    let fake = Arc::new(fake);
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async {
        let _ = stopped.await;
    };
    let task = tokio::spawn(serve(socket, access, fake.clone(), limits, shutdown));
    Running { fake, path, stop: Some(stop), task, _home: home }
}

pub async fn running() -> Running {
    start(Fake::default(), everything(), Limits::default()).await
}

/// One answer as it came over the socket.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("a whole head");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: bytes[end + 4..].to_vec() }
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn header(&self, name: &str) -> Option<String> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }

    /// The problem's code, after checking that it is a whole problem.
    #[track_caller]
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type").as_deref(), Some("application/problem+json"));
        let document = self.json();
        assert_eq!(document["status"], self.status, "{document}");
        for member in ["type", "title", "detail", "remedy", "retry"] {
            assert!(document[member].is_string(), "{member} in {document}");
        }
        document["code"].as_str().unwrap().to_owned()
    }

    pub fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap().to_owned()
    }
}

impl Running {
    pub fn client(&self) -> Client {
        Client::new(&self.path)
    }

    pub async fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.path).await.unwrap()
    }

    /// Sends bytes as they are and reads until the server closes.
    pub async fn raw(&self, bytes: impl AsRef<[u8]>) -> Vec<u8> {
        let mut stream = self.connect().await;
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(bytes.as_ref()).await;
        read_all(&mut stream).await
    }

    /// One request with `Connection: close`.
    pub async fn ask(&self, method: &str, target: &str, headers: &str, body: &[u8]) -> Answer {
        let length = match (method, body.len()) {
            ("GET" | "HEAD", 0) => String::new(),
            (_, n) => format!("Content-Length: {n}\r\n"),
        };
        let mut request = format!(
            "{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{length}{headers}\r\n"
        )
        .into_bytes();
        request.extend(body);
        Answer::parse(&self.raw(request).await)
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, "", b"").await
    }

    pub async fn post_json(&self, target: &str, body: &str) -> Answer {
        let headers = "Content-Type: application/json\r\n";
        self.ask("POST", target, headers, body.as_bytes()).await
    }

    pub async fn submit(&self, text: &str) -> tram_api::model::Accepted {
        self.client().submit(text.as_bytes(), &[]).await.unwrap()
    }

    pub async fn stop(mut self) -> Arc<Fake> {
        let _ = self.stop.take().unwrap().send(());
        tokio::time::timeout(Duration::from_secs(10), self.task).await.unwrap().unwrap();
        self.fake
    }
}

pub async fn read_all(stream: &mut UnixStream) -> Vec<u8> {
    let mut all = Vec::new();
    let mut piece = vec![0; 64 << 10];
    loop {
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut piece));
        match read.await.expect("the server must answer or close") {
            Ok(0) | Err(_) => return all,
            Ok(n) => all.extend_from_slice(&piece[..n]),
        }
    }
}
