//! What is written is read as it was, and what picky receivers look for is there.

use proptest::collection::vec;
use proptest::prelude::*;
use tram_edxml::{Content, Edoc, Part, StatusNotice, WriteError, write_document, write_status};

use crate::bytes::{SAMPLE, document, part, take, written};
use crate::made;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_is_read_as_it_was(
        edoc in made::edoc(),
        contents in vec(vec(any::<u8>(), 0..100), 0..4),
        names in vec(made::text(), 4),
    ) {
        let parts: Vec<Part> = contents.iter().zip(&names).map(|(c, n)| part(n, c)).collect();
        let text = written(&edoc, &parts, &contents);
        let (reading, kept) = take(&text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(reading.content, Content::Document(Box::new(edoc)));
        prop_assert_eq!(kept, contents);
        for (index, (attachment, part)) in reading.attachments.iter().zip(&parts).enumerate() {
            prop_assert_eq!(attachment.described.name.as_ref(), Some(&part.name));
            prop_assert_eq!(attachment.described.content_id.clone(), Some(part.content_id(index)));
        }
    }

    #[test]
    fn a_status_that_is_written_is_read_as_it_was(
        from in made::party(),
        mut about in made::response(),
        code in made::text(),
        number in 0usize..9,
        description in proptest::option::of(made::text()),
        at in proptest::option::of(made::moment()),
        staff in made::staff(),
    ) {
        about.code = Some(code);
        let status = tram_dispatch::Status::ALL[number];
        let notice = StatusNotice { from, about, status, description, at, staff };
        let mut out = Vec::new();
        write_status(&mut out, &notice).unwrap();
        let (reading, _) = take(std::str::from_utf8(&out).unwrap()).unwrap();
        prop_assert_eq!(reading.content, Content::Status(Box::new(notice)));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..400)) {
        let _ = tram_edxml::read(&bytes[..], &mut tram_edxml::Ignore, &tram_edxml::Limits::DEFAULT);
    }

    #[test]
    fn the_sample_with_any_bytes_changed_is_read_or_refused_by_name(
        at in 0usize..SAMPLE.len(),
        bytes in vec(any::<u8>(), 1..5),
    ) {
        let mut changed = SAMPLE.as_bytes().to_vec();
        let end = (at + bytes.len()).min(changed.len());
        changed[at..end].copy_from_slice(&bytes[..end - at]);
        let read = tram_edxml::read(&changed[..], &mut tram_edxml::Ignore, &tram_edxml::Limits::DEFAULT);
        if let Err(error) = read {
            prop_assert!(!error.place.is_empty());
            prop_assert!(tram_dispatch::text::is_plain(&error.to_string()), "{:?}", error);
        }
    }
}

#[test]
fn the_output_is_what_picky_receivers_look_for() {
    let (edoc, _) = document(SAMPLE);
    let content = b"%PDF-1.7 x".to_vec();
    let part = part("0042.pdf", &content);
    let text = written(&edoc, std::slice::from_ref(&part), std::slice::from_ref(&content));
    assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<edXML xmlns=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\">"));
    let order = [
        "<edXML:From>",
        "<edXML:To>",
        "<edXML:Code>",
        "<edXML:PromulgationInfo>",
        "<edXML:DocumentType>",
        "<edXML:Subject>",
        "<edXML:Content>",
        "<edXML:SignerInfo>",
        "<edXML:DueDate>",
        "<edXML:ToPlaces>",
        "<edXML:OtherInfo>",
        "<edXML:ResponseFor>",
        "<edXML:SteeringType>",
        "</edXML:MessageHeader>",
        "<edXML:TraceHeaderList version=\"1.0\">",
        "<edXML:Bussiness>",
        "<edXML:edXMLManifest version=\"1.0\">",
        "<AttachmentEncoded>",
        "<Attachment>",
        "<AttachmentName>0042.pdf<",
    ];
    let places: Vec<usize> =
        order.iter().map(|o| text.find(o).unwrap_or_else(|| panic!("{o}"))).collect();
    assert!(places.is_sorted(), "{places:?}");
    // Inside the envelope every element has the prefix; outside, the content alone.
    let (inside, outside) = text.split_once("</edXML:edXMLEnvelope>").unwrap();
    let inside = inside.split_once("<edXML:edXMLEnvelope").unwrap().1;
    assert!(!inside.replace("<edXML:", "").replace("</edXML:", "").contains('<'));
    assert_eq!(outside.matches("<edXML:").count(), 1);
    assert!(outside.contains("<edXML:ContentTransferEncoded xmlns:edXML="));
    // `cid:` on both sides, and the same id.
    let cid = format!("<ContentId>cid:{}</ContentId>", part.content_id(0));
    assert!(
        outside.contains(&cid)
            && inside.contains(&cid.replace("<", "<edXML:").replace("edXML:/", "/edXML:"))
    );
    // An empty field is there and empty.
    assert!(inside.contains("<edXML:Website></edXML:Website>"));
    assert!(!text.contains("Signature") && !text.contains("/>"));
    assert_eq!(
        written(&edoc, std::slice::from_ref(&part), &[content]),
        text,
        "the same every time"
    );
}

#[test]
fn what_xml_cannot_hold_and_other_bytes_than_named_are_not_written() {
    let edoc = Edoc { subject: "a\u{1}b".to_owned(), ..Edoc::default() };
    let none: &[u8] = b"";
    match write_document(Vec::new(), &edoc, &[], |_| Ok(none)) {
        Err(WriteError::Value(e)) => {
            assert_eq!(e.place, "edXML/edXMLEnvelope/edXMLHeader/MessageHeader/Subject")
        }
        other => panic!("{other:?}"),
    }
    let part = part("a", b"these");
    let wrong = write_document(Vec::new(), &Edoc::default(), &[part], |_| Ok(&b"others"[..]));
    assert!(matches!(wrong, Err(WriteError::Digest(0))), "{wrong:?}");
}
