//! What bytes are, by how they begin. Declared types are often not true.

/// How many first bytes are looked at.
pub(crate) const LOOK_BYTES: usize = 64;

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sniffed {
    /// No byte at all.
    Nothing,
    /// PDF.
    Pdf,
    /// PDF whose binary mark was replaced by U+FFFD: a text decoder has been at it.
    DamagedPdf,
    /// ZIP, and what is built on it: DOCX, XLSX, ODT.
    Zip,
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
    /// XML.
    Xml,
    /// Something else.
    Other,
}

impl Sniffed {
    /// Looks at the first bytes.
    pub fn of(first: &[u8]) -> Self {
        let first = &first[..first.len().min(LOOK_BYTES)];
        let replaced = || first.windows(3).any(|w| w == [0xef, 0xbf, 0xbd]);
        match first {
            [] => Sniffed::Nothing,
            f if f.starts_with(b"%PDF-") && replaced() => Sniffed::DamagedPdf,
            f if f.starts_with(b"%PDF-") => Sniffed::Pdf,
            f if f.starts_with(b"PK\x03\x04") || f.starts_with(b"PK\x05\x06") => Sniffed::Zip,
            [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => Sniffed::Compound,
            f if f.starts_with(b"{\\rtf") => Sniffed::Rtf,
            f if f.starts_with(b"\x89PNG\r\n\x1a\n") => Sniffed::Png,
            [0xff, 0xd8, 0xff, ..] => Sniffed::Jpeg,
            f if f.starts_with(b"II*\0") || f.starts_with(b"MM\0*") => Sniffed::Tiff,
            f if f.starts_with(b"<?xml") || f.starts_with(b"\xef\xbb\xbf<?xml") => Sniffed::Xml,
            _ => Sniffed::Other,
        }
    }

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Sniffed::Nothing => "empty",
            Sniffed::Pdf => "PDF",
            Sniffed::DamagedPdf => "PDF, damaged",
            Sniffed::Zip => "ZIP",
            Sniffed::Compound => "compound file (DOC, XLS)",
            Sniffed::Rtf => "RTF",
            Sniffed::Png => "PNG",
            Sniffed::Jpeg => "JPEG",
            Sniffed::Tiff => "TIFF",
            Sniffed::Xml => "XML",
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

    /// Whether a declared type may be that of these bytes. What is not known may be anything.
    pub fn fits(self, declared: &str) -> bool {
        let declared = declared.to_ascii_lowercase();
        match self {
            Sniffed::Nothing | Sniffed::Other => true,
            Sniffed::Zip => {
                !["pdf", "msword", "image/", "text/", "rtf", "application/doc", "application/xls"]
                    .iter()
                    .any(|no| declared.contains(no))
                    || declared.contains("docx")
                    || declared.contains("xlsx")
            }
            Sniffed::Compound => {
                !["pdf", "image/", "text/", "zip"].iter().any(|no| declared.contains(no))
            }
            known => known.media_type().is_some_and(|own| {
                own == declared
                    || declared == "application/octet-stream"
                    || declared.ends_with("/xml")
            }),
        }
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

    #[test]
    fn a_pdf_that_went_through_a_text_decoder_is_seen() {
        assert_eq!(Sniffed::of(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3"), Sniffed::Pdf);
        let damaged = "%PDF-1.4\n%\u{fffd}\u{fffd}\u{fffd}".as_bytes();
        assert_eq!(Sniffed::of(damaged), Sniffed::DamagedPdf);
        assert!(Sniffed::Zip.fits("application/zip") && Sniffed::Zip.fits("application/docx"));
        assert!(!Sniffed::Zip.fits("application/pdf") && !Sniffed::Pdf.fits("application/zip"));
        assert!(Sniffed::Pdf.fits("application/PDF") && Sniffed::Other.fits("application/pdf"));
    }
}
