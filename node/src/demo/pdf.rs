//! A small PDF (ISO 32000-1), so that what the demo sends opens in any reader.
//!
//! One A4 page in one of the fonts that every reader has. Those have no Vietnamese diacritics
//! without an embedded font, so the page is written without them and the title, which readers show
//! in their window, has them.

/// Left edge of the text, points.
const LEFT: u32 = 72;
/// Top line, points from below.
const TOP: u32 = 760;
/// From one line to the next, points.
const LEADING: u32 = 20;

/// What the page says.
pub(super) struct Page<'a> {
    /// Title, any characters.
    pub(super) title: &'a str,
    /// Who wrote it, any characters.
    pub(super) author: &'a str,
    /// Lines; what is not printable ASCII is shown as a question mark.
    pub(super) lines: &'a [String],
}

impl Page<'_> {
    /// The file's bytes.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut content = format!("BT\n/F1 13 Tf\n{LEADING} TL\n{LEFT} {TOP} Td\n");
        for line in self.lines {
            content += &format!("({}) Tj T*\n", literal(line));
        }
        content += "ET\n";
        let objects = [
            "<< /Type /Catalog /Pages 2 0 R /Lang (vi-VN) >>".to_owned(),
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R \
             /Resources << /Font << /F1 4 0 R >> >> >>"
                .to_owned(),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman /Encoding /WinAnsiEncoding >>"
                .to_owned(),
            format!("<< /Length {} >>\nstream\n{content}endstream", content.len()),
            format!(
                "<< /Title {} /Author {} /Producer (Tram demo) >>",
                text_string(self.title),
                text_string(self.author)
            ),
        ];
        // The comment of bytes above 127 tells transfer programs that the file is binary (7.5.2).
        let mut out = b"%PDF-1.4\n%\xE2\xE3\xCF\xD3\n".to_vec();
        let mut offsets = Vec::new();
        for (i, object) in objects.iter().enumerate() {
            offsets.push(out.len());
            out.extend_from_slice(format!("{} 0 obj\n{object}\nendobj\n", i + 1).as_bytes());
        }
        let table = out.len();
        let count = objects.len() + 1;
        let mut tail = format!("xref\n0 {count}\n0000000000 65535 f \n");
        offsets.iter().for_each(|at| tail += &format!("{at:010} 00000 n \n"));
        tail += &format!(
            "trailer\n<< /Size {count} /Root 1 0 R /Info 6 0 R >>\nstartxref\n{table}\n%%EOF\n"
        );
        out.extend_from_slice(tail.as_bytes());
        out
    }
}

/// A literal string (7.3.4.2), without its parentheses.
fn literal(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '(' | ')' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            _ => out.push('?'),
        }
    }
    out
}

/// A text string in UTF-16 (7.9.2.2), written in hexadecimal.
fn text_string(text: &str) -> String {
    let units: String = text.encode_utf16().map(|unit| format!("{unit:04X}")).collect();
    format!("<FEFF{units}>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offset_points_at_its_object() {
        let lines = ["CHI THI (vi du)".to_owned(), "a \\ b".to_owned(), "đ".to_owned()];
        let page = Page { title: "Chỉ thị", author: "Cơ quan", lines: &lines };
        let bytes = page.write();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(text.starts_with("%PDF-1.4\n") && text.ends_with("%%EOF\n"));
        assert!(text.contains("(CHI THI \\(vi du\\)) Tj") && text.contains("(a \\\\ b) Tj"));
        assert!(
            text.contains("(?) Tj") && text.contains("/Title <FEFF004300681EC90020007400681ECB>")
        );
        let find = |needle: &[u8]| bytes.windows(needle.len()).position(|w| w == needle).unwrap();
        let table: usize =
            text.rsplit("startxref\n").next().unwrap().lines().next().unwrap().parse().unwrap();
        assert_eq!(find(b"xref\n0 7"), table);
        let entries = String::from_utf8_lossy(&bytes[table..]).into_owned();
        for (i, line) in entries.lines().skip(3).take(6).enumerate() {
            let at: usize = line[..10].parse().unwrap();
            let head = format!("{} 0 obj\n", i + 1);
            assert_eq!(line.len() + 1, 20);
            assert!(bytes[at..].starts_with(head.as_bytes()), "object {}", i + 1);
        }
        let stream = find(b"stream\n") + 7;
        let end = find(b"endstream");
        let length: usize =
            text.split("/Length ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        assert_eq!(end - stream, length);
    }
}
