//! Documents that do not begin like what they are declared as: carried, and told to who sends and to who
//! receives them.

use std::fs;

use tram_api::model::{Accepted, FirstBytes, InboxQuery, TypeRemark};
use tram_crypto::sha256;
use tram_dispatch::Digest;
use tram_dispatch::envelope::Document;

use crate::support::evidence::{eventually, inbox};
use crate::support::{Network, Node, Plan, agency};

const PDF: &[u8] = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3";
const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\x08\0";
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
const EXE: &[u8] = b"MZ\x90\0\x03\0\0\0";
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// What is declared, how it begins, and what is told of it.
const DOCUMENTS: [(&str, &[u8], Option<FirstBytes>); 16] = [
    ("application/pdf", PDF, None),
    ("application/pdf", ZIP, Some(FirstBytes::Zip)),
    ("application/pdf", EXE, Some(FirstBytes::Program)),
    ("application/pdf", b"\xff\xd8\xff\xe0 tran trong", Some(FirstBytes::Jpeg)),
    ("application/pdf", b"Kinh gui: UBND", Some(FirstBytes::Other)),
    (DOCX, ZIP, None),
    // With a password.
    (DOCX, OLE, None),
    (DOCX, b"{\\rtf1\\ansi", Some(FirstBytes::Rtf)),
    ("application/msword", OLE, None),
    ("application/msword", b"<html xmlns:o=''><body>", Some(FirstBytes::Html)),
    ("image/png", b"GIF89a\x01\0", Some(FirstBytes::Gif)),
    ("text/plain", b"%PDF-1.4 is what a text may say", None),
    ("text/plain", b"#!/bin/sh\nexit\n", Some(FirstBytes::Script)),
    ("application/octet-stream", ZIP, None),
    ("application/octet-stream", b"\x7fELF\x02\x01\x01\0", Some(FirstBytes::Program)),
    ("application/x-so-bien-nhan", PDF, None),
];
/// Bytes of a document that lies in a file of its own, not in the journal.
const LARGE_BYTES: usize = 2 << 20;

fn document(
    nth: usize,
    (declared, first, _): &(&str, &[u8], Option<FirstBytes>),
) -> (Document, Vec<u8>) {
    let mut bytes = first.to_vec();
    // Each third one is large. No two are alike.
    bytes.resize(if nth % 3 == 2 { LARGE_BYTES } else { 80 }, b' ');
    bytes.extend_from_slice(nth.to_string().as_bytes());
    let document = Document {
        name: format!("mat-thu-{nth}.pdf"),
        media_type: (*declared).to_owned(),
        size: bytes.len() as u64,
        sha256: Digest(sha256(&bytes)),
        second_digest: None,
    };
    (document, bytes)
}

/// What is remembered of documents is gone.
async fn killed(node: &mut Node) {
    node.kill();
    node.start();
    node.ready().await;
}

#[tokio::test]
async fn documents_that_do_not_begin_like_what_they_say_are_told_to_both_sides() {
    let (network, mut nodes) = Network::running(&Plan::tiers(2)).await;
    let all: Vec<(Document, Vec<u8>)> =
        DOCUMENTS.iter().enumerate().map(|(nth, row)| document(nth, row)).collect();
    let documents: Vec<Document> = all.iter().map(|(d, _)| d.clone()).collect();
    let sealed = network.seal(&network.envelope(0, &[1], "t-1", documents));
    let mut along = Vec::new();
    for (document, bytes) in all {
        if bytes.len() < LARGE_BYTES {
            along.push(Some(bytes.into()));
            continue;
        }
        let (client, from, size) = (nodes[0].client(), agency(0), document.size);
        let body = std::io::Cursor::new(bytes);
        let upload = client.upload(&from, document.sha256, size, 0, body, |_| {});
        upload.await.expect("uploaded");
        along.push(None);
    }
    let answer = nodes[0].client().submit(sealed.raw(), &along).await.expect("accepted");
    let told: Vec<Option<FirstBytes>> = DOCUMENTS.iter().map(|(_, _, told)| *told).collect();
    let remark = |(document, (declared, _, told)): (u32, &(&str, _, Option<FirstBytes>))| {
        let begins_like = (*told)?;
        Some(TypeRemark { document, media_type: (*declared).to_owned(), begins_like })
    };
    let remarks: Vec<TypeRemark> = (1..).zip(&DOCUMENTS).filter_map(remark).collect();
    assert_eq!(answer.type_remarks, remarks);
    eventually("it is there", || async { !inbox(&nodes[1].client(), &agency(1)).await.is_empty() })
        .await;

    for started_again in [false, true] {
        // The same again, also with nothing but the sealed bytes, is answered alike.
        let again = nodes[0].client().submit(sealed.raw(), &[]).await.expect("accepted before");
        let Accepted { type_remarks, repeat, .. } = again;
        assert!(repeat && type_remarks == remarks, "{started_again}: {type_remarks:?}");
        let tracked = nodes[0].client().track(sealed.id()).await.expect("known").documents;
        let tracked: Vec<_> = tracked.into_iter().map(|d| d.begins_like).collect();
        assert_eq!(tracked, told, "{started_again}");
        let there = nodes[1].client();
        let listed = there.inbox(&agency(1), &InboxQuery::default()).await.expect("a mailbox");
        assert_eq!(listed.items[0].type_remarks, Some(remarks.len() as u32), "{started_again}");
        let entry = there.inbox_entry(&agency(1), sealed.id()).await.expect("an entry");
        let shown: Vec<_> = entry.documents.into_iter().map(|d| d.begins_like).collect();
        assert_eq!(shown, told, "{started_again}");
        for node in nodes.iter_mut().filter(|_| !started_again) {
            killed(node).await;
        }
    }
    // The operator learns of which dispatch, and no word of it.
    let log = fs::read_to_string(&nodes[0].files.log).expect("a log");
    let lines: Vec<&str> = log.lines().filter(|l| l.contains("unlike their media types")).collect();
    assert!(lines.len() == 1 && lines[0].contains(&sealed.id().to_string()), "{lines:?}");
    assert!(!log.contains("mat-thu"), "{log}");
}

#[tokio::test]
async fn documents_that_are_what_they_say_are_not_remarked() {
    let (network, nodes) = Network::running(&Plan::tiers(2)).await;
    let fitting = DOCUMENTS.iter().filter(|(_, _, told)| told.is_none());
    // All of them small.
    let all: Vec<_> = fitting.enumerate().map(|(nth, row)| document(3 * nth, row)).collect();
    let documents: Vec<Document> = all.iter().map(|(d, _)| d.clone()).collect();
    let sealed = network.seal(&network.envelope(0, &[1], "t-2", documents));
    let along: Vec<_> = all.into_iter().map(|(_, bytes)| Some(bytes.into())).collect();
    let answer = nodes[0].client().submit(sealed.raw(), &along).await.expect("accepted");
    assert_eq!(answer.type_remarks, []);
    let there = nodes[1].client();
    eventually("it is there", || async { !inbox(&there, &agency(1)).await.is_empty() }).await;
    let listed = there.inbox(&agency(1), &InboxQuery::default()).await.expect("a mailbox");
    assert_eq!(listed.items[0].type_remarks, Some(0));
    let log = fs::read_to_string(&nodes[0].files.log).expect("a log");
    assert!(!log.contains("unlike their media types"), "{log}");
}
