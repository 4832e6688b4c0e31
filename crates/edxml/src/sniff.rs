//! What bytes are, by how they begin. Declared types are often not true.

/// How many first bytes are looked at.
pub const LOOK_BYTES: usize = 64;

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sniffed {
    /// No byte at all.
    Nothing,
    /// PDF.
    Pdf,
    /// PDF whose binary mark was replaced by U+FFFD: a text decoder has been at it.
    DamagedPdf,
    /// ZIP, and what is built on it: DOCX, XLSX, ODT.
    Zip,
    /// Archives of the other packers: RAR, 7z, gzip.
    Archive,
    /// The compound file of the older office formats.
    Compound,
    /// RTF.
    Rtf,
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// TIFF.
    Tiff,
    /// GIF.
    Gif,
    /// XML that says so.
    Xml,
    /// HTML.
    Html,
    /// Begins with a tag; XML and HTML need no more.
    Markup,
    /// What a machine runs as it is: a program of Windows, Linux, macOS or Java, a shortcut of Windows.
    Program,
    /// A script that names its interpreter.
    Script,
    /// Something else.
    Other,
}

impl Sniffed {
    /// Looks at the first bytes.
    pub fn of(first: &[u8]) -> Self {
        let first = &first[..first.len().min(LOOK_BYTES)];
        let replaced = || first.windows(3).any(|w| w == [0xef, 0xbf, 0xbd]);
        let one_of = |beginnings: &[&[u8]]| beginnings.iter().any(|b| first.starts_with(b));
        match first {
            [] => Sniffed::Nothing,
            f if f.starts_with(b"%PDF-") && replaced() => Sniffed::DamagedPdf,
            f if f.starts_with(b"%PDF-") => Sniffed::Pdf,
            _ if one_of(&[b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"]) => Sniffed::Zip,
            _ if one_of(&[b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b\x08"]) => {
                Sniffed::Archive
            }
            [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => Sniffed::Compound,
            f if f.starts_with(b"{\\rtf") => Sniffed::Rtf,
            f if f.starts_with(b"\x89PNG\r\n\x1a\n") => Sniffed::Png,
            [0xff, 0xd8, 0xff, ..] => Sniffed::Jpeg,
            _ if one_of(&[b"II*\0", b"MM\0*"]) => Sniffed::Tiff,
            _ if one_of(&[b"GIF87a", b"GIF89a"]) => Sniffed::Gif,
            f if is_program(f) => Sniffed::Program,
            f if f.starts_with(b"#!") => Sniffed::Script,
            f => markup(f),
        }
    }

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Sniffed::Nothing => "empty",
            Sniffed::Pdf => "PDF",
            Sniffed::DamagedPdf => "PDF, damaged",
            Sniffed::Zip => "ZIP",
            Sniffed::Archive => "archive (RAR, 7z, gzip)",
            Sniffed::Compound => "compound file (DOC, XLS)",
            Sniffed::Rtf => "RTF",
            Sniffed::Png => "PNG",
            Sniffed::Jpeg => "JPEG",
            Sniffed::Tiff => "TIFF",
            Sniffed::Gif => "GIF",
            Sniffed::Xml => "XML",
            Sniffed::Html => "HTML",
            Sniffed::Markup => "XML or HTML",
            Sniffed::Program => "program",
            Sniffed::Script => "script",
            Sniffed::Other => "not recognised",
        }
    }

    /// The media type, where the bytes alone tell it.
    const fn media_type(self) -> Option<&'static str> {
        match self {
            Sniffed::Pdf | Sniffed::DamagedPdf => Some("application/pdf"),
            Sniffed::Rtf => Some("application/rtf"),
            Sniffed::Png => Some("image/png"),
            Sniffed::Jpeg => Some("image/jpeg"),
            Sniffed::Tiff => Some("image/tiff"),
            Sniffed::Xml => Some("application/xml"),
            _ => None,
        }
    }
}

/// Whether a system would run it. What begins a program of Windows could begin a text as well, but for its
/// zero bytes.
fn is_program(first: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 7] = [
        b"\x7fELF",
        b"\xfe\xed\xfa\xce",
        b"\xfe\xed\xfa\xcf",
        b"\xce\xfa\xed\xfe",
        b"\xcf\xfa\xed\xfe",
        // Java, and macOS for several processors.
        b"\xca\xfe\xba\xbe",
        // A shortcut of Windows: its length and the beginning of its class.
        b"L\0\0\0\x01\x14\x02\0",
    ];
    let windows = first.starts_with(b"MZ") && first.contains(&0);
    windows || BEGINNINGS.iter().any(|b| first.starts_with(b))
}

/// Text that begins with a tag, behind a byte order mark and white space.
fn markup(first: &[u8]) -> Sniffed {
    // UTF-16 with its mark: of these only XML is met.
    if first.starts_with(b"\xff\xfe<\0") || first.starts_with(b"\xfe\xff\0<") {
        return Sniffed::Xml;
    }
    let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
    if text.starts_with(b"<?xml") {
        return Sniffed::Xml;
    }
    let text = text.trim_ascii_start();
    let begins = |tag: &[u8]| text.get(..tag.len()).is_some_and(|t| t.eq_ignore_ascii_case(tag));
    if begins(b"<!doctype html") || begins(b"<html") {
        return Sniffed::Html;
    }
    match text {
        [b'<', b'!' | b'?', ..] => Sniffed::Markup,
        [b'<', letter, ..] if letter.is_ascii_alphabetic() => Sniffed::Markup,
        _ => Sniffed::Other,
    }
}

/// The media type of a document: by its bytes where they tell, else by the ending of its name, else as
/// declared where that is a type at all, else bytes.
pub fn media_type(sniffed: Sniffed, name: &str, declared: Option<&str>) -> String {
    if let Some(own) = sniffed.media_type() {
        return own.to_owned();
    }
    let ending = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
    let zip = matches!(sniffed, Sniffed::Zip);
    let by_name = match ending.as_str() {
        "docx" if zip => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" if zip => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx" if zip => {
            "application/vnd.openxmlformats-officedocument.presentationml.presentation"
        }
        "odt" if zip => "application/vnd.oasis.opendocument.text",
        "ods" if zip => "application/vnd.oasis.opendocument.spreadsheet",
        _ if zip => "application/zip",
        "doc" => "application/msword",
        "xls" => "application/vnd.ms-excel",
        "ppt" => "application/vnd.ms-powerpoint",
        "txt" => "text/plain",
        "csv" => "text/csv",
        _ => "",
    };
    if !by_name.is_empty() {
        return by_name.to_owned();
    }
    let plain = |t: &&str| {
        let parts = t.split_once('/');
        t.len() <= tram_dispatch::limits::MEDIA_TYPE_BYTES_MAX
            && t.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
            && parts.is_some_and(|(a, b)| !a.is_empty() && !b.is_empty())
    };
    declared.filter(plain).unwrap_or("application/octet-stream").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_before_names_and_names_before_what_is_declared() {
        for (first, name, declared, expected) in [
            (&b"%PDF-1.4\n"[..], "a.doc", Some("application/msword"), "application/pdf"),
            (
                b"PK\x03\x04",
                "a.docx",
                Some("application/docx"),
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ),
            (b"PK\x03\x04", "a.pdf", Some("application/pdf"), "application/zip"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.xls", None, "application/vnd.ms-excel"),
            (b"what", "a", Some("text/x-odd"), "text/x-odd"),
            (b"what", "a", Some("no type"), "application/octet-stream"),
            (b"what", "a", Some("a/\u{202e}b"), "application/octet-stream"),
            (b"", "a.txt", None, "text/plain"),
        ] {
            assert_eq!(media_type(Sniffed::of(first), name, declared), expected, "{name}");
        }
    }

    /// Whatever a file declares, and whether or not its attachment came out of a hidden ZIP: a document of
    /// an office is given a type that is true, so nothing is remarked of it on its way.
    #[test]
    fn what_is_told_by_bytes_and_name_fits_whatever_was_declared() {
        let zip = &b"PK\x03\x04"[..];
        for (first, names) in [
            (&b"%PDF-1.4\n"[..], &["a.pdf", "a.doc", "a"][..]),
            (zip, &["a.docx", "a.xlsx", "a.pptx", "a.odt", "a.ods", "a.zip", "a.pdf", "a.doc"]),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", &["a.doc", "a.xls", "a.ppt"]),
            (b"{\\rtf1", &["a.rtf", "a.doc"]),
            (b"\x89PNG\r\n\x1a\n", &["a.png", "a.jpg"]),
            (b"<?xml version", &["a.xml", "a.edxml"]),
            (b"a,b", &["a.txt", "a.csv"]),
        ] {
            for name in names {
                for declared in [None, Some("application/pdf"), Some("application/zip")] {
                    let given = media_type(Sniffed::of(first), name, declared);
                    assert!(Sniffed::of(first).fits(&given), "{name} {declared:?}: {given}");
                }
            }
        }
    }

    #[test]
    fn a_pdf_that_went_through_a_text_decoder_is_seen() {
        assert_eq!(Sniffed::of(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3"), Sniffed::Pdf);
        let damaged = "%PDF-1.4\n%\u{fffd}\u{fffd}\u{fffd}".as_bytes();
        assert_eq!(Sniffed::of(damaged), Sniffed::DamagedPdf);
    }

    #[test]
    fn what_runs_is_told_from_text_that_begins_alike() {
        for (first, expected) in [
            (&b"MZ\x90\0\x03\0\0\0"[..], Sniffed::Program),
            (b"MZ-12: giay moi hop", Sniffed::Other),
            (b"\x7fELF\x02\x01\x01\0", Sniffed::Program),
            (b"\xcf\xfa\xed\xfe\x07\0\0\x01", Sniffed::Program),
            (b"\xca\xfe\xba\xbe\0\0\0\x41", Sniffed::Program),
            (b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0", Sniffed::Program),
            (b"#!/bin/sh\nexit\n", Sniffed::Script),
            (b"# Bien ban", Sniffed::Other),
        ] {
            assert_eq!(Sniffed::of(first), expected, "{}", first.escape_ascii());
        }
    }

    #[test]
    fn archives_pictures_and_markup_are_told_apart() {
        for (first, expected) in [
            (&b"Rar!\x1a\x07\x01\0"[..], Sniffed::Archive),
            (b"7z\xbc\xaf\x27\x1c\0\x04", Sniffed::Archive),
            (b"\x1f\x8b\x08\0", Sniffed::Archive),
            (b"GIF89a\x01\0", Sniffed::Gif),
            (b"\xff\xfe<\0?\0x\0", Sniffed::Xml),
            (b"\xef\xbb\xbf<?xml version", Sniffed::Xml),
            (b"\n  <!DOCTYPE HTML><p>", Sniffed::Html),
            (b"<HTML xmlns:o=", Sniffed::Html),
            (b"\xef\xbb\xbf<edXML xmlns=", Sniffed::Markup),
            (b"<!-- a --><a/>", Sniffed::Markup),
            (b"< 5 ngay", Sniffed::Other),
        ] {
            assert_eq!(Sniffed::of(first), expected, "{}", first.escape_ascii());
        }
    }
}
