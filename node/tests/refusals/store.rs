//! A store that is in use, or of a later version, is left alone.

use std::fs;
use std::path::PathBuf;

use tram_dispatch::Code;

use crate::support::{Network, Node, Plan};

/// Where a segment's header holds the format version (little endian), and its checksum over what
/// lies before it, at the end of the first sector.
const VERSION_AT: usize = 8;
const CRC_AT: usize = 512 - 4;

#[tokio::test]
async fn a_second_daemon_on_the_same_store_is_refused() {
    let (_network, mut nodes) = Network::running(&Plan::tiers(2)).await;
    let (exit, said) = nodes[0].second();
    assert_eq!(exit, Some(i32::from(Code::StoreLocked.row().exit)), "{said}");
    assert_eq!(exit, Some(4));
    assert!(said.contains(Code::StoreLocked.as_str()), "{said}");
    // The first one is not disturbed.
    nodes[0].ready().await;
}

#[tokio::test]
async fn a_store_of_a_later_version_is_refused_and_not_touched() {
    let (_network, mut nodes) = Network::running(&Plan::tiers(2)).await;
    assert!(nodes[1].stop().await.success());
    let segment = newest_segment(&nodes[1]);
    let sound = fs::read(&segment).expect("a segment");
    let mut later = sound.clone();
    later[VERSION_AT] += 1;
    let crc = crc32c(&later[..CRC_AT]);
    later[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_le_bytes());
    fs::write(&segment, &later).expect("a segment");
    let (exit, said) = nodes[1].second();
    assert_eq!(exit, Some(i32::from(Code::StoreVersion.row().exit)), "{said}");
    assert!(said.contains(Code::StoreVersion.as_str()), "{said}");
    assert!(fs::read(&segment).expect("a segment") == later, "the store was touched");

    fs::write(&segment, &sound).expect("a segment");
    nodes[1].start();
    nodes[1].ready().await;
}

fn newest_segment(node: &Node) -> PathBuf {
    let entries = fs::read_dir(node.files.data().join("journal")).expect("the journal");
    let names = entries.map(|e| e.expect("an entry").path());
    let segments = names.filter(|p| p.extension().is_some_and(|e| e == "segment"));
    segments.max().expect("a segment")
}

/// CRC-32C (Castagnoli), bit by bit: apart from the one the store uses.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}
