//! edXML from document systems, and the ZIPs hidden in it.

use std::io::{self, Cursor, Write};

use tram_dispatch::text::is_plain;
use tram_edxml::map::{Setting, edoc, outline};
use tram_edxml::{
    Content, Edoc, EdxmlError, Limits, Part, Reading, Sink, read, unfold, write_document,
    write_status,
};

/// The composed sample.
const SAMPLE: &[u8] = include_bytes!("../../../crates/edxml/tests/samples/official-letter.edxml");

/// Bounds at which a fuzzer makes no gigabytes.
const LIMITS: Limits = Limits { attachment_bytes_max: 1 << 20, ..Limits::DEFAULT };

#[derive(Default)]
struct Kept(Vec<Vec<u8>>);

impl Sink for Kept {
    fn begin(&mut self, index: usize) -> io::Result<()> {
        assert_eq!(index, self.0.len(), "one after the other");
        self.0.push(Vec::new());
        Ok(())
    }

    fn piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.last_mut().expect("begun").extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self, _: usize) -> io::Result<()> {
        Ok(())
    }
}

fn taken(data: &[u8]) -> Result<(Reading, Vec<Vec<u8>>), EdxmlError> {
    let mut kept = Kept::default();
    let reading = read(data, &mut kept, &LIMITS)?;
    Ok((reading, kept.0))
}

/// A file: what is read is written so that it reads the same, and a refusal names a place that can be
/// shown.
pub fn edxml(data: &[u8]) {
    let (reading, contents) = match taken(data) {
        Ok(taken) => taken,
        Err(error) => {
            assert!(!error.place.is_empty() && is_plain(&error.to_string()), "{error:?}");
            return;
        }
    };
    assert_eq!(reading.size, data.len() as u64);
    assert_eq!(reading.sha256.0, tram_crypto::sha256(data));
    assert_eq!(reading.attachments.len(), contents.len());
    for (attachment, content) in reading.attachments.iter().zip(&contents) {
        assert_eq!(attachment.sha256.0, tram_crypto::sha256(content));
        let name = attachment.described.name.as_deref().unwrap_or_default();
        let _ = unfold(Cursor::new(content), &mut io::sink(), name, &LIMITS);
    }
    match &reading.content {
        Content::Status(notice) => {
            let mut again = Vec::new();
            write_status(&mut again, notice).expect("what was read can be written");
            assert_eq!(taken(&again).expect("and read").0.content, reading.content);
        }
        Content::Document(first) => {
            same_again(first, &reading, &contents);
            through_a_dispatch(first, &reading);
        }
    }
}

fn same_again(first: &Edoc, reading: &Reading, contents: &[Vec<u8>]) {
    let part = |a: &tram_edxml::model::Attachment| Part {
        name: a.described.name.clone().unwrap_or_default(),
        media_type: a.described.content_type.clone().unwrap_or_default(),
        description: a.described.description.clone(),
        sha256: a.sha256,
    };
    let parts: Vec<Part> = reading.attachments.iter().map(part).collect();
    let mut again = Vec::new();
    write_document(&mut again, first, &parts, |i| Ok(&contents[i][..]))
        .expect("what was read can be written");
    let (second, kept) = taken(&again).expect("and read");
    assert_eq!(second.content, reading.content);
    assert_eq!(kept, contents);
    for (a, b) in reading.attachments.iter().zip(&second.attachments) {
        assert_eq!(a.described.name, b.described.name);
    }
}

/// What a dispatch says of it, said in edXML with the file kept, is what the file says.
fn through_a_dispatch(first: &Edoc, reading: &Reading) {
    let Ok(said) = outline(first, &reading.sha256, &mut Vec::new()) else { return };
    let names = Default::default();
    let issued_at = tram_dispatch::UnixMillis(0);
    let kept = Setting { issued_at, kept: Some((first, reading.sha256)), names: &names };
    let again = edoc(&said, &kept, &mut Vec::new()).expect("days that were read are days");
    assert_eq!(again, *first);
}

/// A ZIP hidden in an attachment: whatever it holds, no more comes out than is allowed.
pub fn hidden_zip(data: &[u8]) {
    let mut out = Vec::new();
    let unfolded = unfold(Cursor::new(data), &mut out, "a.pdf", &LIMITS);
    assert!(out.len() as u64 <= LIMITS.attachment_bytes_max);
    match unfolded {
        Ok(None) => assert!(out.is_empty(), "what is no wrapper is not unfolded"),
        Ok(Some(one)) => assert_eq!(one.size, out.len() as u64),
        Err(_) => {}
    }
}

/// Samples: the composed one, a status, and a few of the forms met in the field.
pub(crate) fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let text = std::str::from_utf8(SAMPLE).expect("UTF-8");
    let start = text.find("JVBERi").expect("an attachment");
    let end = start + text[start..].find('<').expect("its end");
    let zip = base64(&wrapper(b"%PDF-1.7 inside"));
    let wrapped = format!("{}{zip}{}", &text[..start], &text[end..]);
    let status = "<edXML xmlns=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\"><edXMLEnvelope><edXMLHeader>\
        <MessageHeader><From><OrganId>H99.31</OrganId></From><ResponseFor><OrganId>H99.12</OrganId>\
        <DocumentId>x</DocumentId></ResponseFor><StatusCode>13</StatusCode><Timestamp>2020/05/18 10:00:00\
        </Timestamp></MessageHeader></edXMLHeader></edXMLEnvelope></edXML>";
    let update = text.replacen(
        "<edXML:BussinessDocType>0</edXML:BussinessDocType>",
        "<edXML:BussinessDocType>2</edXML:BussinessDocType><edXML:DocumentId>x</edXML:DocumentId>",
        1,
    );
    vec![
        ("letter", SAMPLE.to_vec()),
        ("wrapped", wrapped.into_bytes()),
        ("status", status.as_bytes().to_vec()),
        ("update", update.into_bytes()),
        ("unprefixed", text.replace("edXML:", "").replace(" xmlns:edXML=", " a=").into_bytes()),
        ("doctype", b"<!DOCTYPE edXML [<!ENTITY x \"y\">]><edXML>&x;</edXML>".to_vec()),
    ]
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| {
        let n = three.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        let digit = |i: usize| char::from(ALPHABET[(n >> (18 - 6 * i) & 63) as usize]);
        (0..4).map(|i| if i <= three.len() { digit(i) } else { '=' }).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

/// A ZIP of one stored entry, named by a UUID.
pub(crate) fn wrapper(content: &[u8]) -> Vec<u8> {
    const NAME: &[u8] = b"7d0e6c1e-0c0b-4c55-9d0a-51f0a2b7e001";
    let size = (content.len() as u32).to_le_bytes();
    let crc = crc32(content).to_le_bytes();
    let name_len = (NAME.len() as u16).to_le_bytes();
    let shared =
        [&[20, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &crc, &size, &size, &name_len, &[0, 0]].concat();
    let mut out = [&b"PK\x03\x04"[..], &shared, NAME, content].concat();
    let at = (out.len() as u32).to_le_bytes();
    let central = [&b"PK\x01\x02\x14\0"[..], &shared, &[0; 14], NAME].concat();
    let len = (central.len() as u32).to_le_bytes();
    let end = [&b"PK\x05\x06\0\0\0\0\x01\0\x01\0"[..], &len, &at, &[0, 0]].concat();
    out.write_all(&[central, end].concat()).expect("a vector takes bytes");
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    let step =
        |crc: u32, byte: &u8| {
            (0..8).fold(crc ^ u32::from(*byte), |c, _| {
                if c & 1 == 1 { c >> 1 ^ 0xedb8_8320 } else { c >> 1 }
            })
        };
    !bytes.iter().fold(!0, step)
}
