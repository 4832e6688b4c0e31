//! Secrecy marks (mật, tối mật, tuyệt mật). Documents that carry one must not travel here; a file that
//! carries one all the same, by mistake or from a wrongly used system, must be recognised.
//!
//! Which words are a mark is said once, in [`tram_dispatch::secrecy`]. Here is said where to look: at the
//! value of every element, known or not. In titles a mark may be set off from the rest; elsewhere it is
//! the whole value. In the field of urgency, where Decree 30/2020 has one column for urgency and secrecy,
//! it may stand beside the urgency. Without accents it counts only where urgency or circulation is said:
//! `MAT` may be anybody's initials.

use tram_dispatch::envelope::Secrecy;
use tram_dispatch::secrecy::{set_off, whole};

/// A mark that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The element, as in an error. Never its text.
    pub place: String,
    /// Which mark. Never [`Secrecy::None`].
    pub mark: Secrecy,
}

/// The field of urgency.
const URGENCY: &str = "Priority";
/// Fields that are about how a document may travel.
const ABOUT_TRAVEL: [&str; 2] = [URGENCY, "SphereOfPromulgation"];
/// Fields that are titles.
const TITLES: [&str; 7] = [
    "Subject",
    "Content",
    "TypeName",
    "Appendix",
    "Description",
    "AttachmentName",
    "BussinessDocReason",
];
/// Longest value looked at.
const LOOK_BYTES_MAX: usize = 4 << 10;

/// The mark that the value of this element is or carries.
pub(crate) fn mark_in(element: &str, text: &str) -> Option<Secrecy> {
    if text.is_empty() || text.len() > LOOK_BYTES_MAX {
        return None;
    }
    let about_travel = ABOUT_TRAVEL.contains(&element);
    if text.is_ascii() && !about_travel {
        return None;
    }
    if element == URGENCY {
        let beside = |text: &str| text.split([',', ';', '/', '|', '+']).find_map(whole);
        return set_off(text).or_else(|| beside(text));
    }
    if element == "AttachmentName" {
        return set_off(text.rsplit_once('.').map_or(text, |(stem, _)| stem));
    }
    if TITLES.contains(&element) { set_off(text) } else { whole(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_recognised_wherever_they_stand_by_themselves() {
        for (element, text, mark) in [
            ("Priority", "Mật", Secrecy::Secret),
            ("Priority", "hỏa tốc, TUYỆT MẬT", Secrecy::UltraSecret),
            ("Priority", "1 - Mật", Secrecy::Secret),
            ("Priority", "toi mat", Secrecy::TopSecret),
            ("SphereOfPromulgation", "TỐI MẬT", Secrecy::TopSecret),
            ("SphereOfPromulgation", "MAT", Secrecy::Secret),
            ("TypeName", "Độ mật: Tuyệt mật", Secrecy::UltraSecret),
            ("Subject", "[MẬT] Về việc bảo vệ", Secrecy::Secret),
            ("Subject", "(Tối mật) V/v phương án", Secrecy::TopSecret),
            ("AttachmentName", "Phương án (mật).pdf", Secrecy::Secret),
            ("DoMat", "Tối mật", Secrecy::TopSecret),
            // Decomposed letters are the same letters.
            ("Anything", "Ma\u{323}\u{302}t", Secrecy::Secret),
        ] {
            assert_eq!(mark_in(element, text), Some(mark), "{element}: {text}");
        }
    }

    #[test]
    fn notes_on_circulation_initials_and_the_word_in_a_sentence_are_no_marks() {
        for (element, text) in [
            ("SphereOfPromulgation", "LƯU HÀNH NỘI BỘ"),
            ("SphereOfPromulgation", "Xem xong trả lại"),
            ("Subject", "V/v tăng cường bảo vệ bí mật nhà nước"),
            ("Subject", "Mật ong rừng tràm: hướng dẫn ghi nhãn"),
            ("Content", "mat"),
            ("TyperNotation", "MAT"),
            ("Priority", "1"),
            ("Priority", "Khẩn"),
            ("Priority", ""),
            ("FullName", "Nguyễn Văn Mật"),
        ] {
            assert_eq!(mark_in(element, text), None, "{element}: {text}");
        }
    }
}
