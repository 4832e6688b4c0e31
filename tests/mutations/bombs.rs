//! CBOR that promises more than it is. Every parser refuses it, at a cost bounded by its size: memory is
//! measured in a process of its own, where nothing else runs.

use std::process::Command;

use tram_dispatch::limits::{CBOR_DEPTH_MAX, FRAME_BYTES_MAX};
use tram_wire::directory::{self, DirectoryDifference, DirectoryFile, SignedHead, SubtreeFile};
use tram_wire::receipt::{Receipt, SignedRoot};
use tram_wire::root::{self, RootFile};
use tram_wire::{Bundle, SealedDispatch, cbor, envelope, evidence, frame, genesis};

/// Says that this process is the one that is measured.
const CHILD: &str = "TRAM_BOMBS_CHILD";
/// What the address space may grow by while everything is parsed: the allocator keeps what it had, so
/// this is over the largest input (4 MiB) and its copy, and far below what the bombs promise.
const GROWTH_BYTES_MAX: u64 = 16 << 20;

/// Whether the parser accepts.
type Parser = (&'static str, fn(&[u8]) -> bool);

const PARSERS: &[Parser] = &[
    ("item", |b| cbor::check(b, FRAME_BYTES_MAX).is_ok()),
    ("dispatch", |b| SealedDispatch::parse(b).is_ok()),
    ("envelope", |b| envelope::decode(b).is_ok()),
    ("evidence", |b| evidence::decode(b).is_ok()),
    ("genesis", |b| genesis::decode(b).is_ok()),
    ("receipt", |b| Receipt::parse(b).is_ok()),
    ("signed root", |b| SignedRoot::decode(b).is_ok()),
    ("head", |b| directory::decode_head(b).is_ok()),
    ("entry", |b| directory::decode_entry(b).is_ok()),
    ("directory file", |b| DirectoryFile::decode(b).is_ok()),
    ("directory difference", |b| DirectoryDifference::decode(b).is_ok()),
    ("beginning of a directory", |b| SignedHead::peek(b).is_ok()),
    ("subtree file", |b| SubtreeFile::decode(b).is_ok()),
    ("root document", |b| root::decode(b).is_ok()),
    ("root file", |b| RootFile::decode(b).is_ok()),
    ("bundle", |b| Bundle::decode(b).is_ok()),
    ("frame", |b| frame::decode(b).is_ok()),
];

/// Bytes, and whether the bare item is in proper form (then only the formats refuse it).
fn bombs() -> Vec<(String, Vec<u8>, bool)> {
    let mut out: Vec<(String, Vec<u8>, bool)> = Vec::new();
    let mut add =
        |what: &str, bytes: Vec<u8>, sound: bool| out.push((what.to_owned(), bytes, sound));
    for depth in [CBOR_DEPTH_MAX - 1, CBOR_DEPTH_MAX + 1, 1_000, 1_000_000, 4_000_000] {
        let sound = depth < CBOR_DEPTH_MAX;
        add(&format!("{depth} lists in one another"), [vec![0x81; depth], vec![0]].concat(), sound);
        add(
            &format!("{depth} maps in one another"),
            [[0xa1, 0].repeat(depth.min(2_000_000)), vec![0]].concat(),
            sound,
        );
        add(&format!("{depth} tags before a number"), [vec![0xd2; depth], vec![0]].concat(), false);
    }
    // Heads that promise: byte string, text, list, map of so many.
    for major in [2_u8, 3, 4, 5] {
        for (info, argument) in [
            (26_u8, 0x0010_0000_u64),
            (26, 0x3fff_ffff),
            (26, 0x7fff_ffff),
            (26, 0xffff_ffff),
            (27, 1 << 32),
            (27, (1 << 62) - 1),
            (27, 1 << 63),
            (27, u64::MAX),
        ] {
            let number = argument.to_be_bytes();
            let number = if info == 26 { &number[4..] } else { &number[..] };
            let bomb = [&[major << 5 | info], number].concat();
            add(&format!("head {major} of {argument}"), bomb.clone(), false);
            add(
                &format!("head {major} of {argument} and some"),
                [&bomb[..], &[0; 1000]].concat(),
                false,
            );
            // Behind a key, and inside of lists.
            add(
                &format!("map with head {major} of {argument}"),
                [&[0xa1, 0], &bomb[..]].concat(),
                false,
            );
            add(
                &format!("list with head {major} of {argument}"),
                [&[0x83, 1, 8], &bomb[..]].concat(),
                false,
            );
            add(&format!("nest of heads {major} of {argument}"), bomb.repeat(14), false);
        }
        add(&format!("indefinite {major}"), vec![major << 5 | 31, 0xff], false);
        add(
            &format!("indefinite {major} without end"),
            [vec![major << 5 | 31], vec![0; 1000]].concat(),
            false,
        );
        add(&format!("indefinite {major} in itself"), vec![major << 5 | 31; 100_000], false);
    }
    let chunks = [vec![0x5f], [0x41, 0].repeat(100_000), vec![0xff]].concat();
    add("a byte string in 100000 pieces", chunks, false);
    for (what, bytes) in [
        ("a key twice", vec![0xa2, 0, 0, 0, 0]),
        ("a text key twice", vec![0xa2, 0x61, b'a', 0, 0x61, b'a', 0]),
        ("keys in another order", vec![0xa2, 1, 0, 0, 0]),
        ("NaN as key", vec![0xa1, 0xf9, 0x7e, 0, 0]),
        ("two kinds of NaN as keys", vec![0xa2, 0xf9, 0x7e, 0, 0, 0xf9, 0x7e, 1, 0]),
        ("minus zero", vec![0xf9, 0x80, 0]),
        ("infinity", vec![0xfa, 0x7f, 0x80, 0, 0]),
        ("a number of eight bytes that fits in one", vec![0x1b, 0, 0, 0, 0, 0, 0, 0, 1]),
        ("a big number", vec![0xc2, 0x42, 1, 0]),
        ("a decimal fraction", vec![0xc4, 0x82, 1, 1]),
        ("a date", vec![0xc1, 0]),
        ("a self-description", vec![0xd9, 0xd9, 0xf7, 0]),
        ("undefined", vec![0xf7]),
        ("a simple value", vec![0xf8, 0x20]),
        ("a reserved simple value", vec![0xf8, 0x10]),
        ("a reserved length", vec![0x1c]),
        ("a break alone", vec![0xff]),
        ("text that is no UTF-8", vec![0x62, 0xff, 0xfe]),
        ("text of a lone surrogate", vec![0x63, 0xed, 0xa0, 0x80]),
    ] {
        add(what, bytes, false);
    }
    // As many items as fit: each a byte here, more in memory.
    for (what, item) in
        [("zeros", 0_u8), ("empty lists", 0x80), ("empty maps", 0xa0), ("empty texts", 0x60)]
    {
        for count in [99_000_u32, 4_000_000] {
            let list = [&[0x9a], &count.to_be_bytes()[..], &vec![item; count as usize]].concat();
            add(&format!("{count} {what}"), list.clone(), count < 100_000);
            let frame = [&[0x82, 3, 0xa2, 0, 1, 1], &list[..]].concat();
            add(&format!("{count} {what} as receipts"), frame, count < 100_000);
        }
    }
    out
}

#[test]
fn bombs_are_refused_and_cost_no_more_than_their_size() {
    if std::env::var_os(CHILD).is_some() {
        return measured();
    }
    let this = std::env::current_exe().expect("this test");
    let out = Command::new(this)
        .args([
            "--exact",
            "bombs::bombs_are_refused_and_cost_no_more_than_their_size",
            "--nocapture",
        ])
        .env(CHILD, "1")
        // glibc: one heap and no room held in advance, so that what is asked for is what is seen.
        .env("MALLOC_ARENA_MAX", "1")
        .env("MALLOC_MMAP_THRESHOLD_", "131072")
        .output()
        .expect("it can be started again");
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{text}{}", String::from_utf8_lossy(&out.stderr));
    let line = text.lines().find(|line| line.contains("bombs=")).expect("the measured line");
    println!("{}", &line[line.find("bombs=").unwrap_or(0)..]);
}

/// The part that runs alone.
fn measured() {
    let bombs = bombs();
    let before = status_bytes("VmSize:");
    let mut accepted = Vec::new();
    for (what, bytes, sound) in &bombs {
        for (name, parser) in PARSERS {
            if parser(bytes) && !(*sound && *name == "item") {
                accepted.push(format!("{name}: {what}"));
            }
        }
        let bare = cbor::check(bytes, FRAME_BYTES_MAX).is_ok();
        assert_eq!(bare, *sound, "{what}");
    }
    let (growth, count) = (status_bytes("VmPeak:").saturating_sub(before), bombs.len());
    let size: usize = bombs.iter().map(|(_, bytes, _)| bytes.len()).sum();
    assert!(accepted.is_empty(), "{accepted:?}");
    assert!(growth < GROWTH_BYTES_MAX, "the address space grew by {growth} bytes");
    // The measure sees what a credulous parser would do: make room before it reads.
    let credulous: Vec<u8> = Vec::with_capacity(4 * GROWTH_BYTES_MAX as usize);
    let seen = status_bytes("VmPeak:").saturating_sub(before);
    assert!(seen > GROWTH_BYTES_MAX && credulous.is_empty(), "only {seen} bytes were seen");
    println!("bombs={count} bytes={size} accepted=0 growth_bytes={growth}");
}

/// A line of what the system says about this process: the address space, that is what was asked for,
/// used or not; now (`VmSize:`) or at most so far (`VmPeak:`).
fn status_bytes(line: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("procfs");
    let line = text.lines().find_map(|found| found.strip_prefix(line)).expect("such a line");
    let kilobytes = line.split_whitespace().next().and_then(|n| n.parse::<u64>().ok());
    kilobytes.expect("a number") * 1024
}
