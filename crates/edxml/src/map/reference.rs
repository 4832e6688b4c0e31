//! Between `DocumentId` and the reference.

use tram_crypto::sha256;
use tram_dispatch::envelope::Act;
use tram_dispatch::{Digest, Reference};

use crate::model::Edoc;
use crate::values::Operation;

/// Hexadecimal digits of a digest that stands for a document id that is no reference.
const SHORT_DIGITS: usize = 40;
/// Hexadecimal digits of the file's digest in the reference of an act.
const ACT_DIGITS: usize = 8;

/// The reference under which a document with this id is sent: the id itself where it can be one (64 bytes,
/// no control characters), else one made of its digest, always the same.
pub fn reference_to(document_id: &str) -> Reference {
    text(document_id, "")
}

/// The reference of a file. A recall or an update that bears the id of the very document it is about would
/// take a reference that is in use, so it gets one of its own: by its operation and its bytes, so that the
/// same file again is the same dispatch.
pub fn reference_of(edoc: &Edoc, sha256: &Digest) -> Reference {
    let operation = edoc.task.operation.number();
    let same = edoc.task.document_id.as_deref() == Some(&edoc.document_id)
        || edoc.task.replaced.iter().any(|r| r.document_id == edoc.document_id);
    if operation == 0 || !same {
        return reference_to(&edoc.document_id);
    }
    let digits = &sha256.to_string()[..ACT_DIGITS];
    text(&edoc.document_id, &format!("#{operation}-{digits}"))
}

/// The reference of the document that a system named: of an act that got a reference of its own by
/// [`reference_of`] that of the document it is about, for the system knows no other; else the act's.
pub fn reference_named<'e>(reference: &'e Reference, act: &'e Act) -> &'e Reference {
    let (operation, of) = match act {
        Act::New => return reference,
        Act::Recall(of) => (Operation::Recall, std::slice::from_ref(of)),
        Act::Update(of) => (Operation::Update, std::slice::from_ref(of)),
        Act::Replace(of) => (Operation::Replace, &of[..]),
    };
    let Some(at) = reference.as_str().rfind('#') else { return reference };
    let suffix = &reference.as_str()[at..];
    let digits = suffix.strip_prefix(&format!("#{}-", operation.number())).unwrap_or_default();
    if digits.len() != ACT_DIGITS {
        return reference;
    }
    let mut named = of.iter().map(|of| &of.reference);
    named.find(|named| text(named.as_str(), suffix) == *reference).unwrap_or(reference)
}

fn text(id: &str, suffix: &str) -> Reference {
    let whole = format!("{id}{suffix}");
    whole.parse().unwrap_or_else(|_| {
        let digest = Digest(sha256(id.as_bytes())).to_string();
        let made = format!("edxml:{}{suffix}", &digest[..SHORT_DIGITS]);
        // 6, 40 and at most 11 characters, all plain.
        made.parse().unwrap_or_else(|_| unreachable!("{made} is a reference"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tram_dispatch::AgencyCode;
    use tram_dispatch::envelope::Related;

    #[test]
    fn ids_that_can_be_references_are_and_others_have_one_of_their_own() {
        let id = "000.00.12.H99,2020/05/18,0042/SNV-VP";
        assert_eq!(reference_to(id).as_str(), id);
        for odd in ["x".repeat(65), "a\nb".to_owned(), String::new(), "Đ".repeat(200)] {
            let made = reference_to(&odd);
            assert_eq!((made.as_str().len(), made.clone()), (46, reference_to(&odd)), "{odd}");
        }
        assert_ne!(reference_to(&"x".repeat(65)), reference_to(&"x".repeat(66)));
    }

    #[test]
    fn an_act_under_the_id_of_its_document_does_not_take_its_reference() {
        let mut edoc = Edoc { document_id: "a".to_owned(), ..Edoc::default() };
        let (one, two) = (Digest([1; 32]), Digest([2; 32]));
        assert_eq!(reference_of(&edoc, &one).as_str(), "a");
        edoc.task.operation = Operation::Update;
        edoc.task.document_id = Some("b".to_owned());
        assert_eq!(reference_of(&edoc, &one).as_str(), "a");
        edoc.task.document_id = Some("a".to_owned());
        assert_eq!(reference_of(&edoc, &one).as_str(), "a#2-01010101");
        assert_eq!(reference_of(&edoc, &two).as_str(), "a#2-02020202");
        edoc.document_id = "x".repeat(200);
        edoc.task.document_id = Some("x".repeat(200));
        assert!(reference_of(&edoc, &one).as_str().starts_with("edxml:"));
    }

    #[test]
    fn an_act_with_a_reference_of_its_own_is_known_by_the_one_of_its_document() {
        let related = |id: &str| Related {
            originator: AgencyCode::parse("H41").unwrap(),
            reference: reference_to(id),
            dispatch: None,
        };
        let sha256 = Digest([1; 32]);
        for id in ["a".to_owned(), "x".repeat(60), "x".repeat(200)] {
            let mut edoc = Edoc { document_id: id.clone(), ..Edoc::default() };
            edoc.task.operation = Operation::Recall;
            edoc.task.document_id = Some(id.clone());
            let act = Act::Recall(related(&id));
            let made = reference_of(&edoc, &sha256);
            assert_ne!(made, reference_to(&id));
            assert_eq!(reference_named(&made, &act), &reference_to(&id));
            // Another operation, another document, a name that somebody chose.
            assert_eq!(reference_named(&made, &Act::Update(related(&id))), &made);
            assert_eq!(reference_named(&made, &Act::Recall(related("b"))), &made);
            assert_eq!(reference_named(&made, &Act::New), &made);
            let chosen = reference_to("a#thu-hoi");
            assert_eq!(reference_named(&chosen, &act), &chosen);
        }
    }
}
