//! Whether a declared media type may be that of bytes which begin so.

use crate::sniff::Sniffed;

/// What bytes of a declared type begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begins {
    /// With one of these.
    As(&'static [Sniffed]),
    /// With anything that is text: no picture, archive or program.
    Text,
    /// With anything that a machine does not run.
    Harmless,
    /// Nothing is known of the type, so with anything but what runs as it is.
    Unknown,
}

impl Sniffed {
    /// Whether a declared type may be that of these bytes. Types that are not known here may begin with
    /// anything, but no type except one of programs with what a machine runs.
    pub fn fits(self, declared: &str) -> bool {
        let essence = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match begins(&essence) {
            Begins::As(kinds) => kinds.contains(&self),
            Begins::Text => matches!(
                self,
                Sniffed::Nothing | Sniffed::Html | Sniffed::Markup | Sniffed::Xml | Sniffed::Other
            ),
            Begins::Harmless => !matches!(self, Sniffed::Program | Sniffed::Script),
            Begins::Unknown => self != Sniffed::Program,
        }
    }
}

fn begins(essence: &str) -> Begins {
    use Sniffed::{
        Archive, Compound, DamagedPdf, Gif, Html, Jpeg, Markup, Pdf, Png, Program, Rtf, Script,
        Tiff, Xml, Zip,
    };
    let of = |prefix| essence.starts_with(prefix);
    match essence {
        "application/pdf" | "application/x-pdf" => Begins::As(&[Pdf, DamagedPdf]),
        "application/rtf" | "text/rtf" | "application/x-rtf" => Begins::As(&[Rtf]),
        "application/zip" | "application/x-zip" | "application/x-zip-compressed" => {
            Begins::As(&[Zip])
        }
        "application/vnd.rar"
        | "application/x-rar"
        | "application/x-rar-compressed"
        | "application/x-7z-compressed"
        | "application/gzip"
        | "application/x-gzip" => Begins::As(&[Archive]),
        "application/msword"
        | "application/doc"
        | "application/vnd.ms-excel"
        | "application/xls"
        | "application/x-msexcel"
        | "application/vnd.ms-powerpoint"
        | "application/ppt" => Begins::As(&[Compound]),
        "image/png" | "image/x-png" => Begins::As(&[Png]),
        "image/jpeg" | "image/jpg" | "image/pjpeg" => Begins::As(&[Jpeg]),
        "image/tiff" | "image/tif" | "image/x-tiff" => Begins::As(&[Tiff]),
        "image/gif" => Begins::As(&[Gif]),
        "application/octet-stream"
        | "binary/octet-stream"
        | "text/plain"
        | "text/csv"
        | "application/json" => Begins::Harmless,
        "text/html" => Begins::Text,
        "application/x-executable"
        | "application/x-msdownload"
        | "application/x-dosexec"
        | "application/x-msdos-program"
        | "application/x-sharedlib"
        | "application/x-mach-binary"
        | "application/x-ms-shortcut"
        | "application/java-vm"
        | "application/vnd.microsoft.portable-executable" => Begins::As(&[Program]),
        "application/x-sh" | "text/x-shellscript" => Begins::As(&[Script]),
        _ if essence.ends_with("-flat-xml") || essence.ends_with("+xml") => {
            Begins::As(&[Xml, Html, Markup])
        }
        "text/xml" | "application/xml" => Begins::As(&[Xml, Html, Markup]),
        // One with a password is a compound file around what is encrypted.
        "application/docx" | "application/xlsx" | "application/pptx" => {
            Begins::As(&[Zip, Compound])
        }
        _ if of("application/vnd.openxmlformats-officedocument.")
            || (of("application/vnd.ms-") && essence.ends_with(".macroenabled.12")) =>
        {
            Begins::As(&[Zip, Compound])
        }
        _ if of("application/vnd.oasis.opendocument.") => Begins::As(&[Zip]),
        _ => Begins::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Sniffed; 17] = [
        Sniffed::Nothing,
        Sniffed::Pdf,
        Sniffed::DamagedPdf,
        Sniffed::Zip,
        Sniffed::Archive,
        Sniffed::Compound,
        Sniffed::Rtf,
        Sniffed::Png,
        Sniffed::Jpeg,
        Sniffed::Tiff,
        Sniffed::Gif,
        Sniffed::Xml,
        Sniffed::Html,
        Sniffed::Markup,
        Sniffed::Program,
        Sniffed::Script,
        Sniffed::Other,
    ];

    /// Of each declared type all that fits it.
    #[test]
    fn a_type_with_a_beginning_of_its_own_fits_nothing_else() {
        const DOCX: &str =
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        let xml = &[Sniffed::Xml, Sniffed::Html, Sniffed::Markup][..];
        for (declared, fitting) in [
            ("application/pdf", &[Sniffed::Pdf, Sniffed::DamagedPdf][..]),
            ("Application/PDF; version=1.7", &[Sniffed::Pdf, Sniffed::DamagedPdf]),
            (DOCX, &[Sniffed::Zip, Sniffed::Compound]),
            ("application/docx", &[Sniffed::Zip, Sniffed::Compound]),
            (
                "application/vnd.ms-word.document.macroEnabled.12",
                &[Sniffed::Zip, Sniffed::Compound],
            ),
            ("application/vnd.oasis.opendocument.text", &[Sniffed::Zip]),
            ("application/vnd.oasis.opendocument.text-flat-xml", xml),
            ("application/msword", &[Sniffed::Compound]),
            ("application/zip", &[Sniffed::Zip]),
            ("application/vnd.rar", &[Sniffed::Archive]),
            ("text/rtf", &[Sniffed::Rtf]),
            ("image/png", &[Sniffed::Png]),
            ("image/jpg", &[Sniffed::Jpeg]),
            ("image/tiff", &[Sniffed::Tiff]),
            ("image/gif", &[Sniffed::Gif]),
            ("text/xml", xml),
            (crate::MEDIA_TYPE, xml),
            ("application/vnd.microsoft.portable-executable", &[Sniffed::Program]),
        ] {
            let fits: Vec<Sniffed> = ALL.into_iter().filter(|kind| kind.fits(declared)).collect();
            assert_eq!(fits, fitting, "{declared}");
        }
    }

    #[test]
    fn a_type_without_one_fits_all_but_what_a_machine_runs() {
        for declared in ["application/octet-stream", "text/plain; charset=utf-8", "text/csv"] {
            for kind in ALL {
                let runs = matches!(kind, Sniffed::Program | Sniffed::Script);
                assert_eq!(kind.fits(declared), !runs, "{kind:?} as {declared}");
            }
        }
        for declared in ["application/x-odd", "text/x-python", "", "odd"] {
            for kind in ALL {
                assert_eq!(kind.fits(declared), kind != Sniffed::Program, "{kind:?} as {declared}");
            }
        }
        assert!(Sniffed::Other.fits("text/html") && !Sniffed::Gif.fits("text/html"));
    }
}
