//! One question to a time-stamping server: HTTP POST (RFC 3161 section 3.4), without TLS.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tram_config::HttpUrl;
use tram_trust::time_stamp::RESPONSE_BYTES_MAX;

/// A server that takes longer does not answer.
const ANSWER: Duration = Duration::from_secs(30);

/// Asks; gives the body of the answer.
///
/// # Errors
/// In words, for the operator.
pub(super) async fn ask(server: &HttpUrl, request: Vec<u8>) -> Result<Vec<u8>, String> {
    match tokio::time::timeout(ANSWER, exchange(server, request)).await {
        Ok(answer) => answer.map_err(|e| format!("{}: {e}", server.text)),
        Err(_) => Err(format!("{}: no answer within {} s", server.text, ANSWER.as_secs())),
    }
}

async fn exchange(server: &HttpUrl, request: Vec<u8>) -> Result<Vec<u8>, String> {
    let (host, port) = (server.address.host.as_str(), server.address.port);
    let stream = TcpStream::connect((host, port)).await.map_err(|e| e.to_string())?;
    let words = |e: hyper::Error| e.to_string();
    let (mut line, connection) = handshake(TokioIo::new(stream)).await.map_err(words)?;
    // Ends when the line is dropped; what breaks shows itself to the request.
    let connection = tokio::spawn(connection);
    let request = Request::post(&server.path)
        .header(HOST, server.address.to_string())
        .header(CONTENT_TYPE, "application/timestamp-query")
        .header(ACCEPT, "application/timestamp-reply")
        .body(Full::new(Bytes::from(request)))
        .map_err(|e| e.to_string())?;
    let answered = async {
        let response = line.send_request(request).await.map_err(words)?;
        if !response.status().is_success() {
            return Err(format!("HTTP status {}", response.status()));
        }
        let body = Limited::new(response.into_body(), RESPONSE_BYTES_MAX).collect().await;
        body.map(|body| body.to_bytes().to_vec()).map_err(|e| e.to_string())
    };
    let answered = answered.await;
    connection.abort();
    answered
}
