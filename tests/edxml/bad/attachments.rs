//! Attachments that are not base64, or not there.

use tram_edxml::Limits;

use super::{Bad, Gathered, SAMPLE};

pub(super) fn add(all: &mut Gathered) {
    let start = SAMPLE.find("JVBERi").unwrap();
    let end = start + SAMPLE[start..].find('<').unwrap();
    let content = &SAMPLE[start..end];
    let place = "/AttachmentEncoded/Attachment/ContentTransferEncoded";
    let star = |at: usize| format!("{}*{}", &content[..at], &content[at + 1..]);
    for (name, text) in [
        ("a star at the beginning", star(0)),
        ("a star in the middle", star(content.len() / 2)),
        ("a star at the end", star(content.len() - 3)),
        ("one character too few", content[..41].to_owned()),
        ("padding in the middle", format!("{}===={}", &content[..40], &content[40..])),
        ("padding at the beginning", format!("={content}")),
        ("more behind the padding", format!("{content}AAAA")),
        ("three signs of padding", format!("{}===", content.trim_end_matches('='))),
        ("the alphabet for addresses", "_-_-".repeat(100)),
        ("hexadecimal", "25:50:44:46".to_owned()),
        ("null", "null*".to_owned()),
        ("a replaced character", format!("\u{fffd}{content}")),
        ("letters with accents", "Đây là văn bản".to_owned()),
        ("an element", format!("{}<b/>{}", &content[..40], &content[40..])),
        ("an entity", format!("{}&amp;{}", &content[..40], &content[40..])),
        ("an unknown entity", format!("{}&x;{}", &content[..40], &content[40..])),
        ("a reference to a letter", format!("{}&#65;{}", &content[..40], &content[40..])),
        ("an endless reference", format!("{}&{}", &content[..40], "x".repeat(5000))),
        ("a document type", format!("{}<!DOCTYPE x>{}", &content[..40], &content[40..])),
        ("CDATA that is none", "<![CDATA[*]]>".to_owned()),
        ("a data address", format!("data:application/pdf;base64,{content}")),
        ("a single character", "A".to_owned()),
        ("only padding", "====".to_owned()),
        ("binary", "%PDF-1.4\u{1}\u{2}".to_owned()),
    ] {
        all.swap(format!("base64: {name}"), content, &text, place);
    }
    let open = format!("{}<![CDATA[{}", &SAMPLE[..start], &SAMPLE[start..end]);
    all.bytes("base64: CDATA unfinished".to_owned(), open.into_bytes(), place);
    let certificate = "UExBQ0VIT0xERVItTk9ULUEtQ0VSVElGSUNBVEU=";
    let place_of = "/X509Data/X509Certificate";
    all.swap("base64: certificate".to_owned(), certificate, "no base64!", place_of);
    let long = "QUJD".repeat(6000);
    all.swap("base64: large certificate".to_owned(), certificate, &long, place_of);
    let bytes = SAMPLE.as_bytes().to_vec();
    for (name, limits) in [
        ("an attachment over its bound", Limits { attachment_bytes_max: 500, ..Limits::DEFAULT }),
        ("a file over its bound", Limits { file_bytes_max: 9000, ..Limits::DEFAULT }),
    ] {
        let bytes = bytes.clone();
        all.0.push(Bad {
            name: format!("large: {name}"),
            open: Box::new(move || Box::new(std::io::Cursor::new(bytes.clone()))),
            place: "ContentTransferEncoded".to_owned(),
            limits,
        });
    }
}
