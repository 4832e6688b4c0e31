//! One event to one receiver: HTTP POST, signed.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tram_config::{Config, HttpUrl, Webhook};
use tram_crypto::hmac_sha256;
use tram_dispatch::UnixMillis;
use tram_dispatch::id::hex;
use tram_transport::HttpsClient;

use super::super::keys;

/// Sends to one receiver.
pub(super) struct Sender {
    url: HttpUrl,
    secret: Vec<u8>,
    anchors: Vec<Vec<u8>>,
    answer: Duration,
}

/// The value of `Tram-Signature`: the moment in seconds, and HMAC-SHA256 over it, a dot and the body.
pub(super) fn signature(secret: &[u8], at_s: u64, body: &[u8]) -> String {
    let mut text = format!("{at_s}.").into_bytes();
    text.extend_from_slice(body);
    format!("t={at_s},v1={}", hex(&hmac_sha256(secret, &text)))
}

impl Sender {
    /// Reads secret and anchors; a changed file counts from the next failure on.
    pub(super) fn open(hook: &Webhook, config: &Config) -> Result<Self, String> {
        let path = &hook.secret;
        let secret = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let anchors = hook.anchors.as_deref().map_or(Ok(Vec::new()), keys::chain)?;
        Ok(Sender {
            url: hook.url.clone(),
            secret: secret.trim_ascii_end().to_vec(),
            anchors,
            answer: Duration::from_secs(config.webhook.answer_s),
        })
    }

    /// Sends one event; an answer from 200 to 299 takes it. Redirects are not followed.
    pub(super) async fn send(
        &self,
        id: &str,
        body: Vec<u8>,
        now: UnixMillis,
    ) -> Result<(), String> {
        let longest = self.answer;
        match tokio::time::timeout(longest, self.exchange(id, body, now.0 / 1000)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {} s", longest.as_secs())),
        }
    }

    async fn exchange(&self, id: &str, body: Vec<u8>, now_s: u64) -> Result<(), String> {
        let (host, port) = (self.url.address.host.as_str(), self.url.address.port);
        let stream = TcpStream::connect((host, port)).await.map_err(|e| e.to_string())?;
        if !self.url.tls {
            return self.post(stream, id, body, now_s).await;
        }
        // Made anew for each connection: certificates are judged at this moment.
        let client = HttpsClient::new(None, &self.anchors, now_s).map_err(|e| e.to_string())?;
        let stream = client.connect(host, stream).await.map_err(|e| format!("TLS: {e}"))?;
        self.post(stream, id, body, now_s).await
    }

    async fn post(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        id: &str,
        body: Vec<u8>,
        now_s: u64,
    ) -> Result<(), String> {
        let words = |e: hyper::Error| e.to_string();
        let (mut line, connection) = handshake(TokioIo::new(stream)).await.map_err(words)?;
        // Ends when the line is dropped; what breaks shows itself to the request.
        let connection = tokio::spawn(connection);
        let request = Request::post(&self.url.path)
            .header(HOST, self.url.address.to_string())
            .header(USER_AGENT, concat!("tram/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, "application/json")
            .header("Tram-Event", id)
            .header("Tram-Signature", signature(&self.secret, now_s, &body))
            .body(Full::new(Bytes::from(body)))
            .map_err(|e| e.to_string())?;
        let answered = async {
            let response = line.send_request(request).await.map_err(words)?;
            let status = response.status();
            // Nothing in it is of interest, but that it ends.
            let mut rest = response.into_body();
            while let Some(Ok(_)) = rest.frame().await {}
            match status.is_success() {
                true => Ok(()),
                false => Err(format!("HTTP status {status}")),
            }
        };
        let answered = answered.await;
        connection.abort();
        answered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_over_moment_and_body() {
        // printf '1795309449.{"a":1}' | openssl dgst -sha256 -hmac 'a secret of one line'
        let made = signature(b"a secret of one line", 1_795_309_449, br#"{"a":1}"#);
        let (moment, mac) = made.split_once(",v1=").unwrap();
        assert_eq!((moment, mac.len()), ("t=1795309449", 64));
        assert_eq!(mac, EXPECTED);
        assert_ne!(made, signature(b"a secret of one line", 1_795_309_450, br#"{"a":1}"#));
    }

    const EXPECTED: &str = "69eea2d02548309aa591d0eebea4e3ddb6bfa1a99a7bf4be36ad7700370e0f2a";
}
