//! The forms met in the field, each made of the sample.

use tram_edxml::model::{Hop, SignatureForm};
use tram_edxml::values::Operation;
use tram_edxml::{Content, Odd};

use crate::bytes::{SAMPLE, document, take, with};

const NAMESPACE: &str = "http://www.mic.gov.vn/TBT/QCVN_102_2016";

/// The children of `MessageHeader`, each whole, in the sample's order.
fn fields() -> (String, Vec<String>, String) {
    let (head, rest) = SAMPLE.split_once("<edXML:MessageHeader>").unwrap();
    let (inner, tail) = rest.split_once("</edXML:MessageHeader>").unwrap();
    let mut fields = Vec::new();
    let mut left = inner.trim_start();
    while let Some(name) = left.strip_prefix('<').map(|l| l.split('>').next().unwrap()) {
        let end = format!("</{name}>");
        let at = left.find(&end).unwrap() + end.len();
        fields.push(left[..at].to_owned());
        left = left[at..].trim_start();
    }
    (format!("{head}<edXML:MessageHeader>"), fields, format!("</edXML:MessageHeader>{tail}"))
}

#[test]
fn the_order_of_elements_does_not_matter() {
    let (head, mut fields, tail) = fields();
    assert_eq!(fields.len(), 15);
    let expected = document(SAMPLE).0;
    for turn in 0..fields.len() {
        fields.rotate_left(1);
        if turn % 2 == 0 {
            fields.swap(2, 7);
        }
        let (mut edoc, _) = document(&format!("{head}{}{tail}", fields.concat()));
        edoc.to.sort_by(|a, b| a.code.cmp(&b.code));
        assert_eq!(edoc, expected);
    }
    // Attachments before the envelope, content before its name.
    let (before, rest) = SAMPLE.split_once("<edXML:edXMLEnvelope").unwrap();
    let (envelope, rest) = rest.split_once("</edXML:edXMLEnvelope>").unwrap();
    let (attached, end) = rest.split_once("</AttachmentEncoded>").unwrap();
    let text = format!(
        "{before}{attached}</AttachmentEncoded><edXML:edXMLEnvelope{envelope}</edXML:edXMLEnvelope>{end}"
    );
    assert_eq!(document(&text).0, expected);
    let name = "<AttachmentName>0042_SNV-VP.pdf</AttachmentName>";
    let (before, rest) = SAMPLE.split_once(&format!("{name}\n      <Description>")).unwrap();
    let (middle, rest) = rest.split_once("</Attachment>").unwrap();
    let text = format!("{before}<Description>{middle}{name}</Attachment>{rest}");
    let (reading, contents) = take(&text).unwrap();
    assert_eq!(reading.attachments[0].described.name.as_deref(), Some("0042_SNV-VP.pdf"));
    assert!(contents[0].starts_with(b"%PDF"));
}

#[test]
fn prefixes_and_namespaces_in_every_fashion() {
    let expected = document(SAMPLE).0;
    let none = SAMPLE.replace("edXML:", "");
    let none = none.replace(" xmlns:edXML=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\"", "");
    // One prefix for all, another one, none with the default namespace, none at all.
    let other = SAMPLE
        .replace("edXML:", "e:")
        .replace("xmlns:e:", "xmlns:e=")
        .replace("xmlns:edXML", "xmlns:e");
    let without = none.replace(&format!(" xmlns=\"{NAMESPACE}\""), "");
    for (text, odd) in [(&none, false), (&other, false), (&without, true)] {
        let (edoc, reading) = document(text);
        assert_eq!(edoc, expected);
        assert_eq!(reading.notes.has(&Odd::NoNamespace), odd, "{:?}", reading.notes);
        assert_eq!(reading.attachments.len(), 2);
    }
    // An element of that name in a namespace of somebody else is somebody else's.
    let foreign =
        with(SAMPLE, "<edXML:Subject>", "<Subject xmlns=\"urn:x\">no</Subject><edXML:Subject>");
    assert_eq!(document(&foreign).0, expected);
}

#[test]
fn codes_of_any_shape_are_read_as_they_are() {
    for code in ["vxp.saas.03", "001.00.20.TT2", "28.22.H17", "H37.DN.001", "G22.01.02", "mã lạ"]
    {
        let (edoc, _) = document(&with(
            SAMPLE,
            "000.00.31.H99</edXML:OrganId>\n          <edXML:Org",
            &format!("{code}</edXML:OrganId>\n          <edXML:Org"),
        ));
        assert_eq!(edoc.to[0].code, code);
    }
}

#[test]
fn an_empty_response_says_nothing() {
    for empty in [
        "<edXML:ResponseFor/>",
        "<edXML:ResponseFor></edXML:ResponseFor>",
        "<edXML:ResponseFor><edXML:OrganId/><edXML:Code>null</edXML:Code></edXML:ResponseFor>",
        "<edXML:ResponseFor>null</edXML:ResponseFor>",
    ] {
        let (edoc, reading) = document(&with(
            SAMPLE,
            "<edXML:SteeringType>",
            &format!("{empty}<edXML:SteeringType>"),
        ));
        assert_eq!(edoc.answers_to.len(), 1);
        assert!(reading.notes.has(&Odd::EmptyResponse), "{empty}: {:?}", reading.notes);
    }
    let apart = "<edXML:Code><edXML:CodeNumber>115</edXML:CodeNumber><edXML:CodeNotation>UBND-VP</edXML:CodeNotation></edXML:Code>";
    let text = with(SAMPLE, "<edXML:Code>115/UBND-VP</edXML:Code>", apart);
    assert_eq!(document(&text).0, document(SAMPLE).0);
}

#[test]
fn cid_on_one_side_only_and_wrong_ids_still_match() {
    let manifest_only = SAMPLE.replace("<ContentId>cid:", "<ContentId>");
    let attachments_only = SAMPLE.replace("<edXML:ContentId>cid:", "<edXML:ContentId>");
    let nowhere = manifest_only.replace("<edXML:ContentId>cid:", "<edXML:ContentId>");
    for (text, odd) in [(manifest_only, true), (attachments_only, true), (nowhere, false)] {
        // Let the name come from the manifest.
        let text = with(&text, "<AttachmentName>0042_SNV-VP.pdf</AttachmentName>", "");
        let (_, reading) = document(&text);
        assert_eq!(reading.attachments[0].described.name.as_deref(), Some("0042_SNV-VP.pdf"));
        assert_eq!(reading.notes.has(&Odd::CidOnOneSide), odd);
        assert!(!reading.notes.has(&Odd::Manifest));
    }
    let text =
        with(SAMPLE, "<ContentId>cid:7d0e6c1e-0c0b-4c55-9d0a-51f0a2b7e001", "<ContentId>cid:other");
    let text = with(&text, "<AttachmentName>0042_SNV-VP.pdf</AttachmentName>", "");
    let (_, reading) = document(&text);
    assert_eq!(reading.attachments[0].described.name.as_deref(), Some("0042_SNV-VP.pdf"));
    assert!(reading.notes.has(&Odd::Manifest));
}

#[test]
fn both_namespaces_of_the_signature_and_the_empty_one() {
    let edxml = with(SAMPLE, " xmlns=\"http://www.w3.org/2000/09/xmldsig#\"", "");
    let (start, rest) = SAMPLE.split_once("<Signature").unwrap();
    let end = rest.split_once("</Signature>").unwrap().1;
    let empty = format!("{start}<edXML:DigitalSignature></edXML:DigitalSignature>{end}");
    let none = format!("{start}{end}");
    let prefixed = SAMPLE
        .replace("<Signature xmlns=", "<ds:Signature xmlns:ds=")
        .replace("</Signature>", "</ds:Signature>");
    let expected = document(SAMPLE).0;
    for (text, form) in [
        (edxml, Some(SignatureForm::Edxml)),
        (empty, Some(SignatureForm::DigitalSignature)),
        (prefixed, Some(SignatureForm::XmlSignature)),
        (none, None),
    ] {
        let (edoc, reading) = document(&text);
        assert_eq!(edoc, expected);
        let found = reading.signature.as_ref().map(|s| s.form);
        assert_eq!(found, form);
        if matches!(form, Some(SignatureForm::Edxml | SignatureForm::XmlSignature)) {
            let signature = reading.signature.unwrap();
            assert_eq!((signature.references.len(), signature.certificates.len()), (2, 1));
        }
    }
}

#[test]
fn hops_with_null_and_without_a_code() {
    let hop = "<edXML:TraceHeader><edXML:OrganId>null</edXML:OrganId><edXML:Timestamp>2025/05/06 07:08:09</edXML:Timestamp></edXML:TraceHeader>\
        <edXML:TraceHeader><edXML:OrganId/></edXML:TraceHeader><edXML:TraceHeader/>";
    let (edoc, reading) =
        document(&with(SAMPLE, "<edXML:Bussiness>", &format!("{hop}<edXML:Bussiness>")));
    assert_eq!(edoc.trace.len(), 4);
    assert_eq!(
        (&edoc.trace[1].code, edoc.trace[1].at.unwrap().to_string()),
        (&None, "2025/05/06 07:08:09".into())
    );
    assert_eq!(edoc.trace[3], Hop::default());
    assert!(reading.notes.has(&Odd::Null));
}

#[test]
fn lines_in_base64_come_in_every_fashion() {
    let start = SAMPLE.find("JVBERi").unwrap();
    let end = start + SAMPLE[start..].find('<').unwrap();
    let expected = take(SAMPLE).unwrap().1;
    let lines = |end_of_line: &str| {
        let lines: Vec<&str> = SAMPLE.as_bytes()[start..end]
            .chunks(76)
            .map(|l| std::str::from_utf8(l).unwrap())
            .collect();
        format!("{}{}{}", &SAMPLE[..start], lines.join(end_of_line), &SAMPLE[end..])
    };
    for end_of_line in ["\n", "\r\n", "&#13;\n", "&#xD;&#xA;", " ", "\t", "<!-- x -->", "<?x y?>"] {
        let (_, contents) = take(&lines(end_of_line)).unwrap();
        assert!(contents == expected, "{end_of_line:?}");
    }
    let cdata =
        format!("{}<![CDATA[{}]]>{}", &SAMPLE[..start], &SAMPLE[start..end], &SAMPLE[end..]);
    assert!(take(&cdata).unwrap().1 == expected);
    let unpadded = format!(
        "{}{}{}",
        &SAMPLE[..start],
        SAMPLE[start..end].trim_end_matches('='),
        &SAMPLE[end..]
    );
    assert!(take(&unpadded).unwrap().1 == expected);
}

#[test]
fn the_right_spelling_of_business_is_read_as_well() {
    let text = SAMPLE.replace("Bussiness", "Business");
    assert_eq!(document(&text).0, document(SAMPLE).0);
}

#[test]
fn acts_name_what_they_are_about() {
    let with_task = |task: &str| {
        let (head, rest) = SAMPLE.split_once("<edXML:Bussiness>").unwrap();
        let tail = rest.split_once("</edXML:Bussiness>").unwrap().1;
        document(&format!("{head}<edXML:Bussiness>{task}</edXML:Bussiness>{tail}")).0.task
    };
    let recall = with_task(
        "<edXML:BussinessDocType>1</edXML:BussinessDocType><edXML:BussinessDocReason>Sai thẩm quyền</edXML:BussinessDocReason><edXML:DocumentId>x</edXML:DocumentId>",
    );
    assert_eq!((recall.operation, recall.document_id.as_deref()), (Operation::Recall, Some("x")));
    assert_eq!(recall.reason.as_deref(), Some("Sai thẩm quyền"));
    let update = with_task(
        "<edXML:BussinessDocType>2</edXML:BussinessDocType><edXML:DocumentId>x</edXML:DocumentId><edXML:BussinessDocumentInfo>\
         <edXML:DocumentInfo>0</edXML:DocumentInfo><edXML:DocumentReceiver>1</edXML:DocumentReceiver><edXML:ReceiverList>\
         <edXML:Receiver><edXML:OrganId>H99.31</edXML:OrganId><edXML:ReceiverType>0</edXML:ReceiverType></edXML:Receiver>\
         <edXML:Receiver><edXML:OrganId>H99.32</edXML:OrganId><edXML:ReceiverType>1</edXML:ReceiverType></edXML:Receiver>\
         </edXML:ReceiverList></edXML:BussinessDocumentInfo>",
    );
    let change = update.change.unwrap();
    assert!(!change.data && change.recipients);
    let changed: Vec<_> = change.changed.iter().map(|c| (c.code.as_str(), c.added)).collect();
    assert_eq!(changed, [("H99.31", false), ("H99.32", true)]);
    let replace = with_task(
        "<edXML:BussinessDocType>3</edXML:BussinessDocType><edXML:ReplacementInfoList><edXML:ReplacementInfo>\
         <edXML:DocumentId>a</edXML:DocumentId><edXML:OrganIdList><edXML:OrganId>H99.31</edXML:OrganId></edXML:OrganIdList>\
         </edXML:ReplacementInfo><edXML:ReplacementInfo><edXML:DocumentId>b</edXML:DocumentId></edXML:ReplacementInfo></edXML:ReplacementInfoList>",
    );
    assert_eq!(replace.replaced.len(), 2);
    assert_eq!(replace.replaced[0].holders, ["H99.31"]);
    // Nothing said is a new document.
    let (head, rest) = SAMPLE.split_once("<edXML:Bussiness>").unwrap();
    let tail = rest.split_once("</edXML:Bussiness>").unwrap().1;
    let (reading, _) = take(&format!("{head}{tail}")).unwrap();
    let Content::Document(edoc) = reading.content else { panic!() };
    assert_eq!(edoc.task.operation, Operation::New);
}
