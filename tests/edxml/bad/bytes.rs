//! Files that are cut, in other encodings, or hold characters that XML has not; and files that are
//! something else.

use super::{Gathered, SAMPLE, behind, swapped};

pub(super) fn add(all: &mut Gathered) {
    cut(all);
    encodings(all);
    characters(all);
    something_else(all);
}

fn cut(all: &mut Gathered) {
    let end = SAMPLE.rfind("</edXML>").unwrap();
    for step in 0..70 {
        let mut at = end * step / 70;
        while !SAMPLE.is_char_boundary(at) {
            at += 1;
        }
        all.bytes(format!("cut at byte {at}"), SAMPLE.as_bytes()[..at].to_vec(), "");
    }
    for (what, place) in [
        ("<edXML:From>", "/MessageHeader/From"),
        ("<edXML:Subject>V/v", "/MessageHeader/Subject"),
        ("</edXML:MessageHeader>", "/edXMLHeader"),
        ("<SignatureValue>UEx", "/Signature/SignatureValue"),
        ("<AttachmentEncoded>", "edXML/AttachmentEncoded"),
        ("JVBERi0x", "/Attachment/ContentTransferEncoded"),
        ("</AttachmentEncoded>", "edXML"),
    ] {
        let (before, _) = behind(SAMPLE, what);
        all.bytes(format!("cut behind {what}"), before.as_bytes().to_vec(), place);
    }
}

fn encodings(all: &mut Gathered) {
    let plain: Vec<u16> = SAMPLE.encode_utf16().collect();
    let little: Vec<u8> = plain.iter().flat_map(|u| u.to_le_bytes()).collect();
    let big: Vec<u8> = plain.iter().flat_map(|u| u.to_be_bytes()).collect();
    let wide: Vec<u8> = SAMPLE.chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
    for (name, mark, bytes) in [
        ("UTF-16LE with mark", &[0xff, 0xfe][..], &little),
        ("UTF-16BE with mark", &[0xfe, 0xff], &big),
        ("UTF-16LE without mark", &[], &little),
        ("UTF-16BE without mark", &[], &big),
        ("UTF-32LE", &[], &wide),
        ("UTF-32LE with mark", &[0xff, 0xfe, 0, 0], &wide),
    ] {
        all.bytes(format!("encoding: {name}"), [mark, bytes].concat(), "");
    }
    for name in ["windows-1258", "ISO-8859-1", "UTF-16", "UTF-7", "TCVN-5712", "x", "utf-8-sig", ""]
    {
        let declared = format!("encoding=\"{name}\"");
        all.swap(format!("encoding declared: {name}"), "encoding=\"UTF-8\"", &declared, "");
    }
    let sequences: [(&str, &[u8]); 7] = [
        ("a lone continuation", &[0x80]),
        ("a cut sequence", &[0xe1, 0xba]),
        ("an overlong slash", &[0xc0, 0xaf]),
        ("a surrogate", &[0xed, 0xa0, 0x80]),
        ("beyond Unicode", &[0xf5, 0x80, 0x80, 0x80]),
        ("0xFF", &[0xff]),
        ("TCVN3", &[0xb8, 0xad]),
    ];
    for (mark, place) in [
        ("<edXML:Subject>", "/MessageHeader/Subject"),
        ("<edXML:OrganName>", "/From/OrganName"),
        ("<edXML:Staff>", "/StaffInfo/Staff"),
        ("<X509SubjectName>", "/X509Data/X509SubjectName"),
        ("<AttachmentName>", "/Attachment/AttachmentName"),
    ] {
        for (name, bytes) in sequences {
            let (before, after) = behind(SAMPLE, mark);
            let bytes = [before.as_bytes(), bytes, after.as_bytes()].concat();
            all.bytes(format!("encoding: {name} behind {mark}"), bytes, place);
        }
    }
    let twice = format!("\u{feff}\u{feff}{SAMPLE}");
    all.bytes("encoding: two byte order marks".to_owned(), twice.into_bytes(), "");
}

fn characters(all: &mut Gathered) {
    for c in (0..0x20).filter(|c| !matches!(c, 9 | 10 | 13)).chain([0xfffe, 0xffff]) {
        let c = char::from_u32(c).unwrap();
        let to = format!("<edXML:Subject>{c}");
        let name = format!("character U+{:04X} in a text", c as u32);
        all.swap(name, "<edXML:Subject>", &to, "/MessageHeader/Subject");
    }
    for c in ['\0', '\u{1}', '\u{1b}', '\u{ffff}'] {
        let to = format!("version=\"1.0{c}\"><edXML:Reference>");
        let from = "version=\"1.0\">\n        <edXML:Reference>";
        let name = format!("character {c:?} in an attribute");
        all.swap(name, from, &to, "/edXMLBody/edXMLManifest");
        let to = format!("<!-- {c} --><edXML:Subject>");
        all.swap(format!("character {c:?} in a comment"), "<edXML:Subject>", &to, "/MessageHeader");
        let to = format!("<edXML:Subject><![CDATA[{c}]]>");
        all.swap(format!("character {c:?} in CDATA"), "<edXML:Subject>", &to, "/Subject");
    }
}

fn something_else(all: &mut Gathered) {
    for (name, text) in [
        ("nothing", ""),
        ("white space", " \n\t "),
        ("a declaration alone", "<?xml version=\"1.0\"?>"),
        ("JSON", "{\"status\":\"OK\",\"ErrorCode\":\"0\",\"data\":\"x\"}"),
        ("a word", "Unauthorized"),
        ("a root without a name", "< edXML/>"),
        ("PDF", "%PDF-1.7\n1 0 obj << >> endobj"),
        ("ZIP", "PK\u{3}\u{4}\u{14}\0\0\0"),
        ("base64", "PD94bWwgdmVyc2lvbj0iMS4wIj8+"),
        ("HTML", "<!DOCTYPE html><html><body>502 Bad Gateway</body></html>"),
        ("HTML without a type", "<html><body>502 Bad Gateway</body></html>"),
        (
            "SOAP",
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body/></s:Envelope>",
        ),
        (
            "the older schema",
            "<edXML xmlns=\"http://www.e-doc.vn/Schema/\"><edXMLEnvelope/></edXML>",
        ),
        ("small letters", "<edxml xmlns=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\"/>"),
        ("an empty root", "<edXML xmlns=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\"/>"),
        (
            "an error list",
            "<edXML xmlns=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\"><ErrorList><Error><Code>M.Exist</Code></Error></ErrorList></edXML>",
        ),
    ] {
        all.bytes(format!("something else: {name}"), text.as_bytes().to_vec(), "");
    }
    let other = swapped(SAMPLE, "QCVN_102_2016\">", "QCVN_103_2016\">");
    all.bytes("something else: another standard".to_owned(), other.into_bytes(), "edXML");
}
