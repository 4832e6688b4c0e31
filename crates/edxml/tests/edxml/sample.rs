//! The composed sample, field by field.

use tram_edxml::model::SignatureForm;
use tram_edxml::values::{Operation, Priority};
use tram_edxml::{Odd, Sniffed};

use crate::bytes::{SAMPLE, document, take, with};

#[test]
fn every_field_of_the_sample_is_read() {
    let (e, reading) = document(SAMPLE);
    assert_eq!(e.from.code, "000.00.12.H99");
    assert_eq!(e.from.name.as_deref(), Some("Sở Nội vụ tỉnh Mẫu"));
    assert_eq!(e.from.in_charge.as_deref(), Some("UBND tỉnh Mẫu"));
    assert_eq!(e.from.address.as_deref(), Some("Số 1, đường Thử Nghiệm, tỉnh Mẫu"));
    assert_eq!((e.from.telephone.as_deref(), e.from.website.as_deref()), (None, None));
    let codes: Vec<_> = e.to.iter().map(|p| p.code.as_str()).collect();
    assert_eq!(codes, ["000.00.31.H99", "000.04.31.H99"]);
    assert_eq!((e.number.as_deref(), e.notation.as_deref()), (Some("0042"), Some("SNV-VP")));
    assert_eq!(e.place.as_deref(), Some("Tỉnh Mẫu"));
    assert_eq!(e.issued_on.unwrap().to_string(), "2020/05/18");
    let kind = (&e.kind.class, &e.kind.detail, &e.kind.name);
    assert_eq!(kind, (&Some("2".into()), &Some("18".into()), &Some("Công văn".into())));
    assert_eq!(e.subject, "V/v báo cáo tình hình gửi, nhận văn bản điện tử bốn cấp");
    assert_eq!(e.summary.as_deref(), Some("Đề nghị báo cáo số liệu tháng 5 và phụ lục kèm theo"));
    assert_eq!(e.signer.competence.as_deref(), Some("KT. GIÁM ĐỐC"));
    assert_eq!(e.signer.position.as_deref(), Some("Phó Giám đốc"));
    assert_eq!(e.signer.name.as_deref(), Some("Trần Thị Thử"));
    assert_eq!(e.due_on.unwrap().to_string(), "2020/05/29");
    assert_eq!(e.places, ["Như trên", "Lưu: VT, VP"]);
    assert_eq!((e.priority, e.copies, e.pages), (Priority::Urgent, Some(2), Some(1)));
    assert_eq!(e.circulation.as_deref(), Some("Liên thông văn bản"));
    assert_eq!(e.drafter.as_deref(), Some("TTT"));
    assert_eq!(e.appendices, ["Phụ lục 1: Biểu số liệu"]);
    assert_eq!(e.answers_to.len(), 1);
    let answered = &e.answers_to[0];
    assert_eq!(answered.code.as_deref(), Some("000.00.31.H99"));
    assert_eq!(answered.number.as_deref(), Some("115/UBND-VP"));
    assert_eq!(answered.issued_on.unwrap().iso(), "2020-05-11");
    assert_eq!(answered.document_id.as_deref(), Some("000.00.31.H99,2020/05/11,115/UBND-VP"));
    assert_eq!(e.steering, Some(1));
    assert_eq!(e.document_id, "000.00.12.H99,2020/05/18,0042/SNV-VP");
    assert_eq!(e.trace.len(), 1);
    assert_eq!(e.trace[0].at.unwrap().to_string(), "2020/05/18 09:41:07");
    assert_eq!(e.task.operation, Operation::New);
    assert_eq!(e.task.staff.name.as_deref(), Some("Lê Văn Mẫu"));
    assert_eq!(e.task.staff.mobile, None);
    assert_eq!(e.task.paper.as_deref(), Some("0"));
    assert_eq!(reading.notes.iter().count(), 0, "{:?}", reading.notes);
    assert!(reading.marks.is_empty());
    assert_eq!(reading.size, SAMPLE.len() as u64);
    assert_eq!(reading.sha256.0, tram_crypto::sha256(SAMPLE.as_bytes()));
}

#[test]
fn attachments_are_their_bytes_and_the_signature_is_only_reported() {
    let (reading, contents) = take(SAMPLE).unwrap();
    assert_eq!((reading.attachments.len(), contents.len()), (2, 2));
    for (attachment, bytes) in reading.attachments.iter().zip(&contents) {
        assert!(bytes.starts_with(b"%PDF-1.4") && bytes.ends_with(b"%%EOF\n"));
        assert_eq!(attachment.size, bytes.len() as u64);
        assert_eq!(attachment.sha256.0, tram_crypto::sha256(bytes));
        assert_eq!(attachment.sniffed, Sniffed::Pdf);
    }
    let first = &reading.attachments[0].described;
    assert_eq!(first.content_id.as_deref(), Some("7d0e6c1e-0c0b-4c55-9d0a-51f0a2b7e001"));
    assert_eq!(first.name.as_deref(), Some("0042_SNV-VP.pdf"));
    assert_eq!(first.description.as_deref(), Some("Văn bản chính"));
    let signature = reading.signature.unwrap();
    assert_eq!(signature.form, SignatureForm::XmlSignature);
    assert_eq!(signature.subject.as_deref(), Some("CN=Sở Nội vụ tỉnh Mẫu (placeholder),C=VN"));
    assert_eq!(signature.certificates, [b"PLACEHOLDER-NOT-A-CERTIFICATE"]);
    assert_eq!(signature.value_chars, 36);
    assert!(signature.method.unwrap().ends_with("rsa-sha256"));
    // The digests of the composed sample are the true ones; that proves nothing, and is not said to.
    let fits: Vec<_> = signature.references.iter().map(|r| r.fits).collect();
    assert_eq!(fits, [Some(true), Some(true)]);
    let forged = with(SAMPLE, "o+9IGiWbK6ikkQq5LA4Byuixvri0I5sx8LsepE2TiQE=", "AAAA");
    let signature = take(&forged).unwrap().0.signature.unwrap();
    assert_eq!(signature.references[0].fits, Some(false));
}

#[test]
fn what_is_odd_is_remarked_and_read_all_the_same() {
    let odd = |from: &str, to: &str| {
        let (_, reading) = document(&with(SAMPLE, from, to));
        let notes: Vec<_> = reading.notes.iter().map(|n| n.odd.clone()).collect();
        (notes, reading)
    };
    let (notes, _) = odd("<edXML:CodeNumber>0042</edXML:CodeNumber>", "");
    assert_eq!(notes, [Odd::Wanting]);
    let (notes, reading) = odd("<edXML:Fax></edXML:Fax>", "<edXML:Fax>null</edXML:Fax>");
    assert_eq!(notes, [Odd::Null, Odd::Null, Odd::Null]);
    let places: Vec<_> = reading.notes.iter().map(|n| n.place.clone()).collect();
    assert_eq!(places[0], "edXML/edXMLEnvelope/edXMLHeader/MessageHeader/From/Fax");
    assert_eq!(places[2], "edXML/edXMLEnvelope/edXMLHeader/MessageHeader/To[2]/Fax");
    let (notes, _) = odd("<edXML:Subject>", "<x:y xmlns:x=\"urn:x\">z</x:y><edXML:Subject>");
    assert_eq!(notes, [Odd::Unknown]);
    let damaged = "JVBERi0xLjQKJe+/ve+/ve+/vQo=";
    let start = SAMPLE.find("JVBERi").unwrap();
    let end = start + SAMPLE[start..].find('<').unwrap();
    let (notes, reading) = odd(&SAMPLE[start..end], damaged);
    assert_eq!(
        (&notes[..], reading.attachments[0].sniffed),
        (&[Odd::Damaged][..], Sniffed::DamagedPdf)
    );
    let (_, reading) = document(&format!("\u{feff}{SAMPLE}"));
    assert!(reading.notes.has(&Odd::ByteOrderMark));
}
