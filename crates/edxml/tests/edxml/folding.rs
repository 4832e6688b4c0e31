//! Hidden ZIPs: told from those that are meant, and bounded.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use tram_edxml::{Fault, Limits, unfold};

const UUID: &str = "7d0e6c1e-0c0b-4c55-9d0a-51f0a2b7e001";

/// A ZIP with these entries; `lie` says another size than there is.
fn zip(entries: &[(&str, &[u8])], deflated: bool, lie: Option<u32>) -> Vec<u8> {
    let (mut out, mut central) = (Vec::new(), Vec::new());
    for (name, bytes) in entries {
        let packed = if deflated {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        } else {
            bytes.to_vec()
        };
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let at = out.len() as u32;
        let method: u16 = if deflated { 8 } else { 0 };
        let size = lie.unwrap_or(bytes.len() as u32);
        let mut shared = Vec::new();
        for field in [20, 0, method, 0, 0] {
            shared.extend_from_slice(&u16::to_le_bytes(field));
        }
        for field in [crc.sum(), packed.len() as u32, size] {
            shared.extend_from_slice(&field.to_le_bytes());
        }
        shared.extend_from_slice(&(name.len() as u16).to_le_bytes());
        shared.extend_from_slice(&[0, 0]);
        out.extend_from_slice(b"PK\x03\x04");
        out.extend_from_slice(&shared);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&packed);
        central.extend_from_slice(b"PK\x01\x02\x14\0");
        central.extend_from_slice(&shared);
        central.extend_from_slice(&[0; 10]);
        central.extend_from_slice(&at.to_le_bytes());
        central.extend_from_slice(name.as_bytes());
    }
    let at = out.len() as u32;
    out.extend_from_slice(&central);
    let count = (entries.len() as u16).to_le_bytes();
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&[count, count].concat());
    out.extend_from_slice(&(central.len() as u32).to_le_bytes());
    out.extend_from_slice(&at.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out
}

fn unfolded(bytes: &[u8], name: &str) -> Result<Option<Vec<u8>>, Fault> {
    let mut out = Vec::new();
    let found = unfold(Cursor::new(bytes), &mut out, name, &Limits::DEFAULT)?;
    assert!(found.is_some() || out.is_empty());
    Ok(found.map(|f| {
        assert_eq!(f.size, out.len() as u64);
        out
    }))
}

#[test]
fn a_wrapper_of_one_entry_is_unfolded() {
    let pdf = b"%PDF-1.7 inside".as_slice();
    for deflated in [true, false] {
        let wrapper = zip(&[(UUID, pdf)], deflated, None);
        assert_eq!(unfolded(&wrapper, "a.pdf").unwrap().as_deref(), Some(pdf));
        // Named by a UUID it is a wrapper, whatever is inside.
        assert_eq!(unfolded(&wrapper, "a.zip").unwrap().as_deref(), Some(pdf));
        let named = zip(&[("a.pdf", pdf)], deflated, None);
        assert_eq!(unfolded(&named, "a.pdf").unwrap().as_deref(), Some(pdf));
    }
    let empty = zip(&[(UUID, b"")], true, None);
    assert_eq!(unfolded(&empty, "a.pdf").unwrap().as_deref(), Some(&b""[..]));
}

#[test]
fn a_zip_that_is_meant_and_what_is_none_stay_as_they_are() {
    let two = zip(&[(UUID, b"a"), ("b", b"b")], true, None);
    let meant = zip(&[("a.txt", b"a")], true, None);
    let mut encrypted = zip(&[(UUID, b"a")], true, None);
    let central = encrypted.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    encrypted[central + 8] |= 1;
    let wrapper = zip(&[(UUID, b"a")], true, None);
    for (bytes, name) in [
        (&two[..], "a.pdf"),
        (&meant, "a.zip"),
        (&meant, "a.docx"),
        (&encrypted, "a.pdf"),
        (b"%PDF-1.7", "a.pdf"),
        (b"", "a.pdf"),
        (&wrapper[..wrapper.len() - 1], "a.pdf"),
        (&wrapper[1..], "a.pdf"),
    ] {
        assert_eq!(unfolded(bytes, name), Ok(None), "{name} {}", bytes.len());
    }
}

#[test]
fn bombs_and_lies_are_refused() {
    let zeros = vec![0; 64 << 20];
    let bomb = zip(&[(UUID, &zeros)], true, None);
    assert!(bomb.len() < 100_000);
    let by_ratio = Fault::TooLarge { limit: "unzip_ratio_max", max: 200 };
    assert_eq!(unfolded(&bomb, "a.pdf"), Err(by_ratio));
    // One that says that it is small is stopped where it says it ends.
    let lying = zip(&[(UUID, &zeros)], true, Some(1000));
    assert!(matches!(unfolded(&lying, "a.pdf"), Err(Fault::Zip(_))));
    let more = zip(&[(UUID, b"abc")], true, Some(4));
    assert!(matches!(unfolded(&more, "a.pdf"), Err(Fault::Zip(_))));
    let mut damaged = zip(&[(UUID, &vec![7; 5000])], false, None);
    damaged[100] ^= 1;
    assert!(matches!(unfolded(&damaged, "a.pdf"), Err(Fault::Zip(_))));
    let mut broken =
        zip(&[(UUID, &(0..5000u32).map(|i| (i * i % 251) as u8).collect::<Vec<_>>())], true, None);
    broken[70] = 0xff;
    assert!(matches!(unfolded(&broken, "a.pdf"), Err(Fault::Zip(_))));
    let small = Limits { attachment_bytes_max: 100, ..Limits::DEFAULT };
    let big = zip(&[(UUID, &[1; 101])], false, None);
    let over = unfold(Cursor::new(&big), &mut Vec::new(), "a.pdf", &small);
    assert_eq!(over, Err(Fault::TooLarge { limit: "attachment_bytes_max", max: 100 }));
}
