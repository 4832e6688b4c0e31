//! Documents that are not what they say, or that readers of two kinds understand: they are carried byte
//! for byte, named as they were declared, and nothing in the node opens, runs or shows them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tram_crypto::sha256;
use tram_dispatch::Digest;
use tram_dispatch::envelope::Document;
use tram_wire::SealedDispatch;

use crate::support::evidence::{eventually, inbox};
use crate::support::{Network, Node, Plan, agency};

/// What the documents are declared as.
const TYPES: [&str; 4] = ["application/pdf", "image/png", "text/html", "application/octet-stream"];

/// A small PDF, signed as far as a reader can tell: its signature covers the bytes of its range.
fn pdf(range: &str) -> Vec<u8> {
    format!(
        "%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n\
         5 0 obj<</Type/Sig/Filter/Adobe.PPKLite/ByteRange[{range}]/Contents<00ff>>>endobj\n\
         trailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF\n"
    )
    .into_bytes()
}

/// Bodies of many kinds, and of two kinds at once.
fn bodies() -> Vec<Vec<u8>> {
    let join = |parts: &[&[u8]]| parts.concat();
    let zip =
        b"PK\x03\x04\x14\0\0\0\0\0\0\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\x09\0\0\0../../etcPK\x05\x06";
    let html = b"<html><script>fetch('http://evil.example/')</script></html>";
    let update = b"6 0 obj<</Type/Page/Contents 7 0 R>>endobj\nstartxref\n200\n%%EOF\n";
    vec![
        join(&[&pdf("0 90 100 60"), zip]),
        join(&[zip, &pdf("0 90 100 60")]),
        // Changed behind the signature, and with something in the gap that it leaves out.
        join(&[&pdf("0 90 100 60"), update]),
        pdf("0 10 900 5"),
        join(&[b"GIF89a/*\0", html, b"*/=1;alert(1)"]),
        join(&[b"\x89PNG\r\n\x1a\n", html]),
        join(&[b"\xff\xd8\xff\xe0", b"<svg onload=alert(1)>", b"\xff\xd9"]),
        join(&[b"MZ\x90\0", &pdf("0 1 2 3")]),
        join(&[b"\x7fELF\x02\x01\x01", zip]),
        b"#!/bin/sh\ntouch /tmp/tram-was-executed\n".to_vec(),
        join(&[
            b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>",
            html,
        ]),
    ]
}

/// The head and the body of an answer.
async fn ask(node: &Node, target: &str) -> (String, Vec<u8>) {
    let mut stream = UnixStream::connect(&node.files.socket).await.expect("a connection");
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    (head, answer.split_off(end + 4))
}

#[tokio::test]
async fn documents_that_are_not_what_they_say_are_carried_as_they_are() {
    let (network, nodes) = Network::running(&Plan::tiers(2)).await;
    let mut all: Vec<(Document, Vec<u8>)> = Vec::new();
    for (nth, body) in bodies().into_iter().enumerate() {
        for (kind, declared) in TYPES.iter().enumerate() {
            // No two alike, so that each has a name of its own.
            let mut bytes = body.clone();
            bytes.push(kind as u8);
            let document = Document {
                name: format!("van-ban-{nth}-{kind}.pdf"),
                media_type: (*declared).to_owned(),
                size: bytes.len() as u64,
                sha256: Digest(sha256(&bytes)),
                second_digest: None,
            };
            all.push((document, bytes));
        }
    }
    assert!(all.len() >= 40);
    let documents: Vec<Document> = all.iter().map(|(d, _)| d.clone()).collect();
    let sealed = network.seal(&network.envelope(0, &[1], "la", documents.clone()));
    let along: Vec<_> = all.iter().map(|(_, bytes)| Some(bytes.clone().into())).collect();
    nodes[0].client().submit(sealed.raw(), &along).await.expect("accepted");
    let client = nodes[1].client();
    eventually("it is there", || async { !inbox(&client, &agency(1)).await.is_empty() }).await;
    let fetched = client.fetch(&agency(1), sealed.id()).await.expect("the dispatch");
    let arrived = SealedDispatch::parse(&fetched.sealed).expect("as it was sealed");
    assert_eq!(arrived.envelope().documents, documents, "types and names are as declared");
    for (document, bytes) in &all {
        let target = format!(
            "/v1/agencies/{}/inbox/{}/documents/{}",
            agency(1),
            sealed.id(),
            document.sha256
        );
        let (head, body) = ask(&nodes[1], &target).await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(head.contains(&format!("content-type: {}", document.media_type)), "{head}");
        assert_eq!(&body, bytes, "{} of type {}", document.name, document.media_type);
    }
    // Nothing that is kept could be started by mistake either.
    for node in &nodes {
        for file in files_below(&node.files.data()) {
            let mode = fs::metadata(&file).expect("a file").permissions().mode();
            assert_eq!(mode & 0o111, 0, "{}", file.display());
        }
    }
    assert!(!std::path::Path::new("/tmp/tram-was-executed").exists());
}

fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}
