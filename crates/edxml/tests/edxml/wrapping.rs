//! XML signature wrapping: what was signed stands elsewhere, twice, or beside what counts. The signature is
//! reported for what it is; who sends, to whom, and what comes is read at its one place, as if no signature
//! were there.

use tram_dispatch::Code;
use tram_edxml::Content;
use tram_edxml::model::SignatureForm;
use tram_edxml::{Fault, Odd};

use crate::bytes::{SAMPLE, document, take, with};

const SPACE: &str = "http://www.mic.gov.vn/TBT/QCVN_102_2016";

/// The part of the sample from the first `from` to the end of the first `to` behind it.
fn part<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let start = text.find(from).unwrap_or_else(|| panic!("{from}"));
    let end = start + text[start..].find(to).unwrap_or_else(|| panic!("{to}")) + to.len();
    &text[start..end]
}

fn signature() -> &'static str {
    part(SAMPLE, "<Signature ", "</Signature>")
}

fn header() -> &'static str {
    part(SAMPLE, "<edXML:MessageHeader>", "</edXML:MessageHeader>")
}

/// The same header for somebody else, under the id of the signed one.
fn forged_header() -> String {
    let header = with(header(), "000.00.31.H99", "000.00.66.H99");
    with(&header, "<edXML:MessageHeader>", "<edXML:MessageHeader Id=\"signed\">")
}

/// The signature with a reference to the element of this id, and this inside of it.
fn around(inside: &str) -> String {
    let reference = "<Reference URI=\"#signed\"><DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\
        <DigestValue>AAAA</DigestValue></Reference></SignedInfo>";
    let signature = with(signature(), "</SignedInfo>", reference);
    let object = format!("<Object Id=\"signed\">{inside}</Object></Signature>");
    with(&signature, "</Signature>", &object)
}

/// Checks that a file says what one without any signature says, and that its signature is reported.
#[track_caller]
fn as_without(name: &str, wrapped: &str, plain: &str) -> tram_edxml::Reading {
    let (expected, _) = document(plain);
    let (edoc, reading) = document(wrapped);
    assert_eq!(edoc, expected, "{name}");
    let report = reading.signature.as_ref().unwrap_or_else(|| panic!("{name}: not reported"));
    assert_eq!(report.form, SignatureForm::XmlSignature, "{name}");
    reading
}

#[test]
fn a_signed_header_that_was_moved_away_routes_nothing() {
    // The header at its place is another one than the signed.
    let base = with(SAMPLE, header(), &forged_header());
    let forged = with(&base, signature(), "");
    let signed = with(&base, signature(), &around(""));
    let body = format!("<edXML:edXMLBody><edXML:Moved>{}</edXML:Moved>", header());
    let beside = format!("<edXML:Moved>{}</edXML:Moved>{}", header(), around(""));
    let behind = format!("<Moved xmlns:edXML=\"{SPACE}\">{}</Moved><AttachmentEncoded>", header());
    for (name, text) in [
        ("into the signature", with(&base, signature(), &around(header()))),
        ("beside the header", with(&base, signature(), &beside)),
        ("into the body", with(&signed, "<edXML:edXMLBody>", &body)),
        ("behind the envelope", with(&signed, "<AttachmentEncoded>", &behind)),
    ] {
        let reading = as_without(name, &text, &forged);
        let report = reading.signature.as_ref().expect("looked at above");
        let whole = report.references.last().expect("a reference");
        assert_eq!((whole.uri.as_str(), whole.fits), ("#signed", None), "{name}");
        // Of the attachments it says the truth still; that makes nothing else true.
        assert_eq!(report.references[0].fits, Some(true), "{name}");
        let Content::Document(edoc) = &reading.content else { panic!("{name}") };
        assert!(edoc.to.iter().any(|to| to.code == "000.00.66.H99"), "{name}");
        assert!(edoc.to.iter().all(|to| to.code != "000.00.31.H99"), "{name}");
        assert!(name == "into the signature" || reading.notes.has(&Odd::Unknown), "{name}");
    }
}

#[test]
fn a_second_header_envelope_body_or_attachments_is_refused_whatever_is_signed() {
    let body = part(SAMPLE, "<edXML:edXMLBody>", "</edXML:edXMLBody>");
    let head = part(SAMPLE, "<edXML:edXMLHeader>", "</edXML:edXMLHeader>");
    let envelope = part(SAMPLE, "<edXML:edXMLEnvelope ", "</edXML:edXMLEnvelope>");
    let attachments = part(SAMPLE, "<AttachmentEncoded>", "</AttachmentEncoded>");
    let trace = "edXML/edXMLEnvelope";
    for (name, signed, place) in [
        ("header", header(), format!("{trace}/edXMLHeader/MessageHeader[2]")),
        ("head", head, format!("{trace}/edXMLHeader[2]")),
        ("body", body, format!("{trace}/edXMLBody[2]")),
        ("envelope", envelope, "edXML/edXMLEnvelope[2]".to_owned()),
        ("attachments", attachments, "edXML/AttachmentEncoded[2]".to_owned()),
    ] {
        // One id for both, before and behind the signed one.
        let open = signed.find(['>', ' ']).expect("an element");
        let other = format!("{} Id=\"signed\"{}", &signed[..open], &signed[open..]);
        for both in [format!("{other}{signed}"), format!("{signed}{other}")] {
            let error = take(&SAMPLE.replacen(signed, &both, 1)).expect_err(name);
            assert!(matches!(error.fault, Fault::Duplicate), "{name}: {error}");
            assert_eq!(
                (error.code(), error.place),
                (Code::EdxmlMalformed, place.clone()),
                "{name}"
            );
        }
    }
}

#[test]
fn a_signature_counts_nowhere_and_the_second_is_only_remarked() {
    let unsigned = with(SAMPLE, signature(), "");
    for place in ["<edXML:edXMLHeader>", "<edXML:edXMLBody>", "</edXML:edXMLEnvelope>"] {
        let text = with(&unsigned, place, &format!("{place}{}", signature()));
        as_without(place, &text, &unsigned);
    }
    // The first is reported, whoever the second says has signed.
    let other = with(signature(), "CN=Sở Nội vụ tỉnh Mẫu (placeholder),C=VN", "CN=Văn phòng,C=VN");
    let text = with(SAMPLE, signature(), &format!("{}{other}", signature()));
    let reading = as_without("two", &text, &unsigned);
    let subject = reading.signature.expect("looked at above").subject;
    assert!(subject.is_some_and(|subject| subject.contains("Sở Nội vụ")));
    assert!(reading.notes.has(&Odd::Unknown));
    // A signature in a wrapping of its own is not even that.
    let text = with(SAMPLE, signature(), &format!("<edXML:Moved>{}</edXML:Moved>", signature()));
    let (edoc, reading) = document(&text);
    assert_eq!((edoc, reading.signature), (document(&unsigned).0, None));
}

#[test]
fn two_attachments_under_one_id_do_not_pass_for_the_signed_one() {
    let first = part(SAMPLE, "<Attachment>", "</Attachment>");
    let content = part(first, "JVBERi", "<");
    let other = with(first, content, "JVBERi0xLjQKZXZpbAo=<");
    for both in [format!("{first}{other}"), format!("{other}{first}")] {
        let (reading, contents) = take(&SAMPLE.replacen(first, &both, 1)).expect("it is read");
        assert_eq!(contents.len(), 3);
        let fits: Vec<_> =
            reading.signature.expect("one").references.iter().map(|r| r.fits).collect();
        assert_eq!(fits, [Some(false), Some(true)]);
    }
}
