//! A file of 200 MB costs its reader and its writer next to nothing but time.

use std::io::{self, BufReader, Read, Write};
use std::process::Command;

use tram_dispatch::Digest;
use tram_edxml::{Content, Limits, Part, Sink, read, write_document};

use crate::bad::SAMPLE;
use crate::refusing::highest_kib;

/// Bytes of the attachment.
const BYTES: u64 = 200_000_000;
/// The most memory that the process may have held.
const MEMORY_KIB_MAX: u64 = 32 << 10;
const CHILD: &str = "TRAM_TEST_EDXML_LARGE";

/// The bytes of the attachment: a PDF of nothing much.
struct Long(u64);

impl Read for Long {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = (BYTES - self.0).min(out.len() as u64);
        for (at, byte) in (self.0..).zip(&mut out[..n as usize]) {
            *byte = (at ^ at >> 8) as u8;
        }
        self.0 += n;
        Ok(n as usize)
    }
}

/// Counts and compares.
struct Compared {
    long: Long,
    piece: Vec<u8>,
    same: bool,
}

impl Sink for Compared {
    fn begin(&mut self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.piece.resize(bytes.len(), 0);
        self.long.read_exact(&mut self.piece)?;
        self.same &= self.piece == bytes;
        Ok(())
    }

    fn end(&mut self, _: usize) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_file_of_200_mb_costs_neither_reader_nor_writer_its_size_in_memory() {
    let own = std::env::current_exe().unwrap();
    let child = Command::new(own)
        .args(["--exact", "large::child_writes_and_reads", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}");
    let kib = said.lines().find_map(|l| l.split_once("VmHWM=")).map(|(_, kib)| kib.trim());
    let kib: u64 = kib.unwrap_or_else(|| panic!("{said}")).parse().unwrap();
    assert!((1 << 10..MEMORY_KIB_MAX).contains(&kib), "{kib} KiB");
}

/// Does nothing unless it is the child.
#[test]
fn child_writes_and_reads() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let (reader, mut writer) = io::pipe().unwrap();
    let writing = std::thread::spawn(move || {
        let sample = read(SAMPLE.as_bytes(), &mut tram_edxml::Ignore, &Limits::DEFAULT).unwrap();
        let Content::Document(edoc) = sample.content else { panic!() };
        let mut hash = tram_crypto::Sha256Stream::new();
        let mut piece = vec![0; 1 << 16];
        let mut long = Long(0);
        loop {
            match long.read(&mut piece).unwrap() {
                0 => break,
                n => hash.update(&piece[..n]),
            }
        }
        let part = Part {
            name: "a.bin".to_owned(),
            media_type: "application/octet-stream".to_owned(),
            description: None,
            sha256: Digest(hash.finish()),
        };
        let written = write_document(&mut writer, &edoc, &[part], |_| Ok(Long(0))).unwrap();
        writer.flush().unwrap();
        written
    });
    let mut compared = Compared { long: Long(0), piece: Vec::new(), same: true };
    let reading = read(BufReader::new(reader), &mut compared, &Limits::DEFAULT).unwrap();
    let written = writing.join().unwrap();
    assert_eq!((reading.size, reading.sha256), (written.size, written.sha256));
    assert_eq!((reading.attachments[0].size, compared.same), (BYTES, true));
    assert!(reading.size > BYTES * 4 / 3);
    println!("VmHWM={}", highest_kib());
}
