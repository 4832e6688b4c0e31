//! A large document crosses four tiers in little memory and arrives bit for bit.
#![allow(clippy::print_stdout, reason = "says what the run was like")]

mod support;

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::time::Instant;

use support::evidence::eventually;
use support::sealing::document;
use support::{Network, Plan, TIERS, agency, number};
use tram_crypto::Sha256Stream;
use tram_dispatch::Digest;

/// Most memory that a node may ever have resident.
const MEMORY_BYTES_MAX: u64 = 200 << 20;
/// Written and hashed at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// A file whose every megabyte differs, and its digest.
fn large_file(size: u64) -> (File, Digest) {
    let mut file = tempfile::tempfile().expect("a file");
    let mut digest = Sha256Stream::new();
    let mut chunk: Vec<u8> = (0..CHUNK_BYTES).map(|i| (i * 31 + i / 251) as u8).collect();
    for nth in 0..size / CHUNK_BYTES as u64 {
        chunk[..8].copy_from_slice(&nth.to_be_bytes());
        file.write_all(&chunk).expect("room on the disk");
        digest.update(&chunk);
    }
    file.seek(SeekFrom::Start(0)).expect("a file can be read again");
    (file, Digest(digest.finish()))
}

async fn crosses(size: u64) {
    let plan = Plan::tiers(TIERS.len());
    let (network, nodes) = Network::running(&plan).await;
    let (file, sha256) = large_file(size);
    let began = Instant::now();
    let centre = nodes[0].client();
    let file = tokio::fs::File::from_std(file);
    let state = centre.upload_resuming(&agency(0), sha256, size, file, |_| {}).await;
    assert!(state.expect("an upload").complete);
    let uploaded = began.elapsed();
    let envelope = network.envelope(0, &[3], "lon", vec![document("lon.bin", size, sha256)]);
    let sealed = network.seal(&envelope);
    centre.submit(sealed.raw(), &[]).await.expect("accepted");
    let commune = nodes[3].client();
    eventually("it is consigned", || async {
        commune.inbox_entry(&agency(3), sealed.id()).await.is_ok()
    })
    .await;
    let consigned = began.elapsed();
    let mut download =
        commune.download(&agency(3), sealed.id(), sha256, 0).await.expect("the document");
    assert_eq!(download.bytes, size);
    let (mut digest, mut bytes) = (Sha256Stream::new(), 0);
    while let Some(piece) = download.next().await.expect("the document") {
        digest.update(&piece);
        bytes += piece.len() as u64;
    }
    assert_eq!((bytes, Digest(digest.finish())), (size, sha256), "bit for bit");
    println!(
        "{} MiB: uploaded after {uploaded:.1?}, consigned after {consigned:.1?}, fetched after {:.1?}",
        size >> 20,
        began.elapsed()
    );
    for node in &nodes {
        let peak = node.peak_memory_bytes();
        println!("{}: at most {} MiB resident", node.files.id, peak >> 20);
        assert!(peak < MEMORY_BYTES_MAX, "{}: {peak} bytes", node.files.id);
    }
}

#[tokio::test]
async fn a_document_of_64_mib_crosses_four_tiers_in_little_memory() {
    crosses(64 << 20).await;
}

#[tokio::test]
#[ignore = "long: a document of TRAM_LONG_GIB GiB"]
async fn long_big_document() {
    crosses(number("TRAM_LONG_GIB", 1) << 30).await;
}
