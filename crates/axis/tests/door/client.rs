//! A client as the library of the national axis is one: the same headers, the same map that is never
//! cleared, the same two ways of sending.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tram_axis::unpadded;
use tram_crypto::{hmac_sha256, sha256};
use tram_dispatch::id::hex;

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        assert!(self.body.is_ascii());
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// `ErrorCode`, with what every answer must have.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        let answer = self.json();
        let code = answer["ErrorCode"].as_str().expect("ErrorCode").to_owned();
        assert_eq!(answer["status"], if code == "0" { "OK" } else { "FAIL" });
        assert!(answer["ErrorDesc"].is_string());
        code
    }
}

/// The client object: its parameters stay from call to call.
#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    pub(crate) secret: String,
    params: Vec<(String, String)>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, system_id: &str, secret: &str) -> Self {
        let mut client = Client { address, secret: secret.to_owned(), params: Vec::new() };
        client.set("systemid", system_id);
        client.set("timestamp", "21112026T212503+0999");
        client
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        match self.params.iter_mut().find(|(n, _)| n == name) {
            Some((_, old)) => *old = value.to_owned(),
            None => self.params.push((name.to_owned(), value.to_owned())),
        }
    }

    /// The head of a request, ready to be sent.
    pub(crate) fn head(&mut self, method: &str, path: &str, length: Option<usize>) -> Vec<u8> {
        let json = path != "/sendEdoc";
        self.set(
            "Content-Type",
            if json { "application/json" } else { "application/octet-stream" },
        );
        let object: Vec<String> = self
            .params
            .iter()
            .map(|(n, v)| {
                format!("{}:{}", Value::from(format!("XroadVnpt-{n}")), Value::from(v.as_str()))
            })
            .collect();
        let signed = format!("{{{}}}", object.join(","));
        let tag = hex(&hmac_sha256(self.secret.as_bytes(), signed.as_bytes()));
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        for (name, value) in &self.params {
            head += &format!("XroadVnpt-{name}: {value}\r\n");
        }
        let names: Vec<&str> = self.params.iter().map(|(n, _)| n.as_str()).collect();
        head += &format!(
            "XroadVnpt-sign-header-key: {}\r\nXroadVnpt-sign-header: {signed}\r\n\
             XroadVnpt-hash-header: {tag}\r\nXroadVnpt-version: 3.0.201608\r\n\
             User-Agent: JAVASDKAgent/1.0.0 XRoad/VPCP\r\nHost: h\r\nConnection: keep-alive\r\n",
            names.join(";")
        );
        if let Some(length) = length {
            head += &format!("Content-Length: {length}\r\n");
        }
        if length == Some(2) && json {
            head += "Expect: 100-continue\r\n";
        }
        (head + "\r\n").into_bytes()
    }

    /// A call with a body of `{}`, an empty one, or none.
    pub(crate) async fn call(&mut self, name: &str, body: Option<&[u8]>) -> Answer {
        let method = if name == "downloadEdoc" { "GET" } else { "POST" };
        let head = self.head(method, &format!("/{name}"), body.map(<[u8]>::len));
        self.exchange(&head, body.unwrap_or_default()).await
    }

    /// `sendEdoc`: the file with CR LF behind it.
    pub(crate) async fn send(&mut self, kind: &str, from: &str, file: &[u8]) -> Answer {
        self.set("from", from);
        self.set("servicetype", "eDoc");
        self.set("messagetype", kind);
        self.set("hash-file", &unpadded(&sha256(file)));
        let body = [file, b"\r\n"].concat();
        let head = self.head("POST", "/sendEdoc", Some(body.len()));
        self.exchange(&head, &body).await
    }

    /// Writes a request, with a wait for 100 where it asks for one, and reads to the end.
    pub(crate) async fn exchange(&self, head: &[u8], body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.expect("it listens");
        stream.write_all(head).await.expect("it reads");
        let expects = head.windows(6).any(|w| w == b"Expect");
        let mut begun = Vec::new();
        if expects {
            let mut piece = [0; 1024];
            let n = stream.read(&mut piece).await.expect("an answer");
            begun.extend_from_slice(&piece[..n]);
            if let Some(rest) = begun.strip_prefix(b"HTTP/1.1 100 Continue\r\n\r\n") {
                begun = rest.to_vec();
            } else {
                // A final answer in place of 100 is one.
                return read(stream, begun).await;
            }
        }
        stream.write_all(body).await.expect("it reads the body");
        read(stream, begun).await
    }
}

async fn read(mut stream: TcpStream, mut all: Vec<u8>) -> Answer {
    stream.read_to_end(&mut all).await.expect("an answer to its end");
    let end = all.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(all[..end].to_vec()).expect("text");
    let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
    let mut body = all[end + 4..].to_vec();
    if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        body = unchunked(&body);
    }
    Answer { status, head, body }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let end = rest.windows(2).position(|w| w == b"\r\n").expect("a chunk size");
        let size = std::str::from_utf8(&rest[..end]).expect("digits");
        let size = usize::from_str_radix(size, 16).expect("a number");
        if size == 0 {
            return out;
        }
        out.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
}
