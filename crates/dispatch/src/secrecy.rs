//! Secrecy marks where they do not belong: in words of the metadata, or where urgency is said.
//!
//! The envelope has a field of its own for the mark (`mật`, `tối mật`, `tuyệt mật`, and of a document
//! to be returned `tài liệu thu hồi`). A wrongly used system writes it elsewhere. A mark is a mark
//! where it *stands alone*: as all of a field, in brackets, or set off at the beginning or end. Inside
//! a sentence these words mean other things (`bí mật nhà nước`, `mật ong`), and such documents travel.
//! So do circulation notes (`LƯU HÀNH NỘI BỘ`, `XEM XONG TRẢ LẠI`): they are no secrecy marks.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::Envelope;
use crate::envelope::Secrecy;

/// Where a mark was found. Names the field, never its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The field.
    pub field: &'static str,
    /// Which mark.
    pub mark: Secrecy,
}

/// The first mark on an envelope: its own field first, then number, notation, type of document,
/// subject, place, office of the signer, group, and the names of the documents.
pub fn marked(envelope: &Envelope) -> Option<Marked> {
    if envelope.secrecy != Secrecy::None {
        return Some(Marked { field: "secrecy mark", mark: envelope.secrecy });
    }
    let m = &envelope.metadata;
    let office = m.signer.as_ref().and_then(|s| s.office.as_deref());
    let alone = [
        ("number", m.number.as_deref()),
        ("notation", m.notation.as_deref()),
        ("place", m.place.as_deref()),
        ("office of the signer", office),
        ("group", envelope.group.as_deref()),
    ];
    let alone = alone.into_iter().filter_map(|(field, text)| Some((field, whole(text?)?)));
    let titles = [("type of document", m.kind.as_deref()), ("subject", Some(&m.subject))];
    let titles = titles.into_iter().filter_map(|(field, text)| Some((field, set_off(text?)?)));
    let names = envelope.documents.iter().filter_map(|d| {
        let stem = d.name.rsplit_once('.').map_or(d.name.as_str(), |(stem, _)| stem);
        Some(("name of a document", set_off(stem)?))
    });
    let mut found = alone.chain(titles).chain(names);
    found.next().map(|(field, mark)| Marked { field, mark })
}

/// The mark that a field holds and nothing else: `Mật`, `"TỐI MẬT"`, `Độ mật: tuyệt mật`, `T Ố I  M Ậ T`,
/// with Vietnamese accents or without.
pub fn whole(text: &str) -> Option<Secrecy> {
    let folded = fold(text);
    let said = match folded.rsplit_once(':') {
        Some((label, said)) if LABELS.contains(&&*squeezed(label)) => said,
        _ => &folded,
    };
    mark(&squeezed(said))
}

/// The mark that stands alone in a title or a name: all of it, in brackets, before a colon or dash at
/// its beginning, or behind one at its end.
pub fn set_off(text: &str) -> Option<Secrecy> {
    if let Some(mark) = whole(text) {
        return Some(mark);
    }
    let folded = fold(text);
    // Without accents `mat` is many words, and an abbreviation; it is the mark only where all the
    // text is written without them.
    let bare = folded.is_ascii();
    let told = |segment: &str| {
        let word = squeezed(segment);
        mark(&word).filter(|_| bare || word != "mat")
    };
    let ends = [first(&folded), last(&folded)].into_iter().flatten();
    bracketed(&folded).into_iter().find_map(told).or_else(|| {
        ends.into_iter().find_map(|(segment, dash)| {
            // Between hyphens words without accents are parts of names: mat-bang.pdf.
            told(segment).filter(|_| dash == ':' || !squeezed(segment).is_ascii())
        })
    })
}

const LABELS: [&str; 8] =
    ["độmật", "dấumật", "mứcđộmật", "dấuchỉđộmật", "domat", "daumat", "mucdomat", "dauchidomat"];
const OPENING: [char; 5] = ['(', '[', '{', '<', '«'];
const CLOSING: [char; 5] = [')', ']', '}', '>', '»'];
const DASHES: [char; 7] = [':', '-', '\u{2013}', '\u{2014}', '|', '_', ';'];

/// Before the first dash, and which it is.
fn first(text: &str) -> Option<(&str, char)> {
    let at = text.find(DASHES)?;
    Some((&text[..at], text[at..].chars().next()?))
}

/// Behind the last dash, and which it is.
fn last(text: &str) -> Option<(&str, char)> {
    let at = text.rfind(DASHES)?;
    let dash = text[at..].chars().next()?;
    Some((&text[at + dash.len_utf8()..], dash))
}

/// What stands in brackets, the innermost.
fn bracketed(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut from = None;
    for (at, c) in text.char_indices() {
        if OPENING.contains(&c) {
            from = Some(at + c.len_utf8());
        } else if CLOSING.contains(&c)
            && let Some(from) = from.take()
        {
            found.push(&text[from..at]);
        }
    }
    found
}

/// Compatibility forms resolved (wide and bold letters), composed, in small letters.
fn fold(text: &str) -> String {
    let small: String = text.nfkc().flat_map(char::to_lowercase).collect();
    small.nfc().collect()
}

/// Letters and digits alone.
fn squeezed(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric() || is_combining_mark(*c)).collect()
}

/// The mark that this word is, folded and squeezed; each syllable with its accents or without.
fn mark(word: &str) -> Option<Secrecy> {
    if matches!(word, "tàiliệuthuhồi" | "tailieuthuhoi") {
        return Some(Secrecy::Secret);
    }
    let rest = word.strip_suffix("mật").or_else(|| word.strip_suffix("mat"))?;
    match rest {
        "" => Some(Secrecy::Secret),
        "tối" | "toi" => Some(Secrecy::TopSecret),
        "tuyệt" | "tuyet" => Some(Secrecy::UltraSecret),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Secrecy::{Secret, TopSecret, UltraSecret};

    #[test]
    fn a_field_that_is_a_mark() {
        for (text, mark) in [
            ("Mật", Secret),
            ("MẬT", Secret),
            ("mat", Secret),
            ("  \"Mật\" ", Secret),
            ("TỐI MẬT", TopSecret),
            ("toi mat", TopSecret),
            ("Tối  mật", TopSecret),
            ("tối-mật", TopSecret),
            ("Tuyệt mật", UltraSecret),
            ("TUYET MAT", UltraSecret),
            ("T U Y Ệ T   M Ậ T", UltraSecret),
            ("tuyệt mat", UltraSecret),
            ("Độ mật: Tối mật", TopSecret),
            ("do mat: mat", Secret),
            ("Tài liệu thu hồi", Secret),
            // Decomposed, and wide letters.
            ("Ma\u{302}\u{323}t", Secret),
            ("TO\u{302}\u{301}I MA\u{323}\u{302}T", TopSecret),
            ("ＭẬＴ", Secret),
        ] {
            assert_eq!(whole(text), Some(mark), "{text}");
            assert_eq!(set_off(text), Some(mark), "{text}");
        }
    }

    #[test]
    fn a_mark_that_is_set_off() {
        for (text, mark) in [
            ("[MẬT] Kế hoạch diễn tập", Secret),
            ("Kế hoạch diễn tập (tối mật)", TopSecret),
            ("Tuyệt mật: Phương án A2", UltraSecret),
            ("MẬT - Kế hoạch", Secret),
            ("Kế hoạch \u{2013} Mật", Secret),
            ("Công văn (Mật)", Secret),
            ("Mật_kế hoạch", Secret),
            ("ke hoach (mat)", Secret),
            ("mat: ke hoach", Secret),
            ("kế hoạch [TOI MAT]", TopSecret),
            ("(Ma\u{302}\u{323}t) phương án", Secret),
        ] {
            assert_eq!(set_off(text), Some(mark), "{text}");
        }
    }

    #[test]
    fn other_words_travel() {
        for text in [
            "Về việc bảo vệ bí mật nhà nước",
            "Triển khai Luật Bảo vệ bí mật nhà nước (bí mật)",
            "Báo cáo sản lượng mật ong",
            "Quản lý đường, mật, rượu",
            "Mật độ dân số năm 2026",
            "mật khẩu",
            "Cam kết bảo mật",
            "Cam kết - bảo mật",
            "LƯU HÀNH NỘI BỘ",
            "XEM XONG TRẢ LẠI",
            "Lưu hành nội bộ: Kế hoạch",
            "Kế hoạch (XEM XONG TRẢ LẠI)",
            "luu hanh noi bo",
            "Điều trị bằng thuốc thay thế (MAT)",
            "MAT: chương trình điều trị",
            "Giải phóng mặt bằng",
            "mat-bang-tong-the",
            "Tối nay mất điện",
            "Tài liệu thu hồi đất",
            "tuyệt đối",
            "",
            ":",
            "()",
            "-",
        ] {
            assert_eq!(set_off(text), None, "{text}");
            assert_eq!(whole(text), None, "{text}");
        }
    }
}
