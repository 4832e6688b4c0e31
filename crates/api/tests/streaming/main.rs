//! Large documents pass both ways with constant memory. A process of its own, because it
//! measures the process.

#![allow(dead_code, unreachable_pub)]

#[path = "../socket/fake.rs"]
mod fake;
#[path = "../socket/harness.rs"]
mod harness;

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};
use tram_dispatch::Digest;

use fake::{Fake, pattern};
use harness::{agency, everything, start};

const BYTES: u64 = 50 << 20;
/// What a transfer may add to the peak: far below the document.
const GROWTH_KIB_MAX: u64 = 12 << 10;

struct Source(u64);

impl AsyncRead for Source {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let n = (buffer.remaining() as u64).min(BYTES - self.0);
        let piece: Vec<u8> = (self.0..self.0 + n).map(pattern).collect();
        buffer.put_slice(&piece);
        self.0 += n;
        Poll::Ready(Ok(()))
    }
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn fifty_mebibytes_each_way() {
    let fake = Fake { document_bytes: BYTES, ..Fake::default() };
    let node = start(fake, everything(), Default::default()).await;
    let client = node.client();
    let id = node.submit("H41|1|H41.12").await.dispatch.0;
    let before = peak_kib();
    let sha = Digest([0xaa; 32]);
    let state = client.upload(&agency("H41"), sha, BYTES, 0, Source(0), |_| {}).await.unwrap();
    assert!(state.complete && state.created);
    let largest = node.fake.lock().largest_piece;
    assert!(largest <= 64 << 10, "{largest}");

    let mut download = client.download(&agency("H41.12"), id, sha, 0).await.unwrap();
    let mut offset = 0;
    while let Some(piece) = download.next().await.unwrap() {
        assert!(piece.iter().zip(offset..).all(|(b, i)| *b == pattern(i)));
        offset += piece.len() as u64;
    }
    assert_eq!(offset, BYTES);
    let growth = peak_kib() - before;
    assert!(growth < GROWTH_KIB_MAX, "memory grew by {growth} KiB");
}
