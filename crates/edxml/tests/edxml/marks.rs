//! Secrecy marks, wherever a wrongly used system writes them.

use tram_dispatch::envelope::Secrecy;

use crate::bytes::{SAMPLE, document, with};

#[test]
fn a_mark_anywhere_is_told_with_its_place() {
    let header = "edXML/edXMLEnvelope/edXMLHeader/MessageHeader";
    for (from, to, place, mark) in [
        ("<edXML:Priority>1<", "<edXML:Priority>Mật<", "/OtherInfo/Priority", Secrecy::Secret),
        (
            "<edXML:Priority>1<",
            "<edXML:Priority>Hỏa tốc; TUYET MAT<",
            "/OtherInfo/Priority",
            Secrecy::UltraSecret,
        ),
        (
            ">Liên thông văn bản<",
            ">TỐI MẬT<",
            "/OtherInfo/SphereOfPromulgation",
            Secrecy::TopSecret,
        ),
        (">V/v báo cáo", ">[Mật] V/v báo cáo", "/Subject", Secrecy::Secret),
        (
            "<edXML:Subject>",
            "<edXML:DoMat>Mật</edXML:DoMat><edXML:Subject>",
            "/DoMat",
            Secrecy::Secret,
        ),
        (
            "<edXML:Subject>",
            "<x xmlns=\"urn:x\"><y>Tối mật</y></x><edXML:Subject>",
            "/x/y",
            Secrecy::TopSecret,
        ),
    ] {
        let (_, reading) = document(&with(SAMPLE, from, to));
        let found: Vec<_> = reading.marks.iter().map(|m| (m.place.as_str(), m.mark)).collect();
        assert_eq!(found, [(format!("{header}{place}").as_str(), mark)], "{to}");
    }
    let (_, reading) =
        document(&with(SAMPLE, "<Description>Phụ lục 1<", "<Description>Phụ lục (Tuyệt mật)<"));
    assert_eq!(reading.marks[0].place, "edXML/AttachmentEncoded/Attachment[2]/Description");
}

#[test]
fn notes_on_circulation_are_no_marks() {
    for note in ["LƯU HÀNH NỘI BỘ", "XEM XONG TRẢ LẠI", "Bí mật công tác"] {
        let (edoc, reading) = document(&with(SAMPLE, "Liên thông văn bản", note));
        assert_eq!(edoc.circulation.as_deref(), Some(note));
        assert!(reading.marks.is_empty(), "{:?}", reading.marks);
    }
}
