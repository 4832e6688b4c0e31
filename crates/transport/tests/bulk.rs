//! A long raw range in constant memory; alone in its binary, because it looks at the whole process.

mod support;

use bytes::Bytes;
use support::Pair;
use tram_transport::TransportLimits;

const TOTAL_BYTES: u64 = 64 << 20;
const CHUNK_BYTES: usize = 64 << 10;
/// Both windows of both ends together come to less; the range itself does not.
const GROWTH_MAX_BYTES: u64 = 32 << 20;

#[tokio::test]
async fn sixty_four_mebibytes_cross_in_constant_memory() {
    let pair = Pair::new(TransportLimits::default());
    let (a, b) = pair.open().await;
    let before = peak_memory_bytes();

    let give = async {
        let (mut send, _recv) = a.session.open_transfer(0).await.unwrap();
        send.send(&TOTAL_BYTES.to_be_bytes()).await.unwrap();
        send.begin_raw(TOTAL_BYTES).unwrap();
        for n in 0..TOTAL_BYTES / CHUNK_BYTES as u64 {
            send.send_raw(Bytes::from(vec![n as u8; CHUNK_BYTES])).await.unwrap();
        }
        send.send(b"end").await.unwrap();
        send.finish().unwrap();
        send.delivered().await.unwrap();
    };
    let take = async {
        let (_send, mut recv) = b.session.accept_transfer().await.unwrap();
        let announced = recv.recv(8).await.unwrap().unwrap();
        let announced = u64::from_be_bytes(announced[..].try_into().unwrap());
        recv.begin_raw(announced).unwrap();
        let (mut at, mut chunks) = (0u64, 0u64);
        while let Some(chunk) = recv.recv_raw(CHUNK_BYTES).await.unwrap() {
            assert!(!chunk.is_empty() && chunk.len() <= CHUNK_BYTES);
            for octet in chunk.iter() {
                assert_eq!(*octet, (at / CHUNK_BYTES as u64) as u8);
                at += 1;
            }
            chunks += 1;
        }
        assert_eq!(at, TOTAL_BYTES);
        assert!(chunks >= TOTAL_BYTES / CHUNK_BYTES as u64);
        assert_eq!(recv.recv(3).await.unwrap().unwrap(), "end");
        assert_eq!(recv.recv(3).await.unwrap(), None);
    };
    tokio::join!(give, take);

    if let (Some(before), Some(after)) = (before, peak_memory_bytes()) {
        let growth = after - before;
        assert!(growth < GROWTH_MAX_BYTES, "peak memory grew by {growth} octets");
    }
}

/// Peak resident memory of this process, where the system tells (Linux).
fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}
