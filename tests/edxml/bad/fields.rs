//! Fields: missing, twice, with a value that they cannot have, with elements or texts in the wrong place.

use super::{Gathered, SAMPLE, behind};

pub(super) fn add(all: &mut Gathered) {
    missing(all);
    twice(all);
    numbers(all);
    days(all);
    strays(all);
}

/// The first element of this name, start tag to end tag.
pub(super) fn element<'t>(text: &'t str, name: &str) -> &'t str {
    let at = text.find(&format!("<{name}>")).or_else(|| text.find(&format!("<{name} ")));
    let at = at.unwrap_or_else(|| panic!("{name}"));
    let end = format!("</{name}>");
    let len = text[at..].find(&end).unwrap_or_else(|| panic!("{end}")) + end.len();
    &text[at..at + len]
}

fn missing(all: &mut Gathered) {
    let header = "/edXMLHeader/MessageHeader";
    for (name, place) in [
        ("edXML:From", format!("{header}/From")),
        ("edXML:Subject", format!("{header}/Subject")),
        ("edXML:MessageHeader", header.to_owned()),
        ("edXML:edXMLHeader", header.to_owned()),
        ("edXML:edXMLEnvelope", "edXML/edXMLEnvelope".to_owned()),
        ("edXML:ContentTransferEncoded", "/Attachment/ContentTransferEncoded".to_owned()),
    ] {
        all.swap(format!("missing: {name}"), element(SAMPLE, name), "", &place);
    }
    let own_id = "<edXML:DocumentId>000.00.12.H99,2020/05/18,0042/SNV-VP</edXML:DocumentId>";
    all.swap("missing: DocumentId".to_owned(), own_id, "", &format!("{header}/DocumentId"));
    let to = element(SAMPLE, "edXML:To");
    let without = SAMPLE.replacen(to, "", 1);
    let without = without.replacen(element(&without, "edXML:To"), "", 1);
    all.bytes("missing: every To".to_owned(), without.into_bytes(), &format!("{header}/To"));
    for (which, party) in [("From", "edXML:From"), ("To", "edXML:To")] {
        let whole = element(SAMPLE, party);
        let id = element(whole, "edXML:OrganId");
        for (how, instead) in empties("edXML:OrganId") {
            let to = whole.replacen(id, &instead, 1);
            let place = format!("{header}/{which}/OrganId");
            all.swap(format!("missing: {which}/OrganId, {how}"), whole, &to, &place);
        }
    }
    for (how, instead) in empties("edXML:Subject") {
        let place = format!("{header}/Subject");
        all.swap(
            format!("missing: Subject, {how}"),
            element(SAMPLE, "edXML:Subject"),
            &instead,
            &place,
        );
    }
    for (how, instead) in empties("edXML:DocumentId") {
        all.swap(
            format!("missing: DocumentId, {how}"),
            own_id,
            &instead,
            &format!("{header}/DocumentId"),
        );
    }
}

/// An element that is left out, or says nothing.
pub(super) fn empties(name: &str) -> Vec<(&'static str, String)> {
    vec![
        ("left out", String::new()),
        ("empty", format!("<{name}></{name}>")),
        ("closed at once", format!("<{name}/>")),
        ("white space", format!("<{name}> \n </{name}>")),
        ("null", format!("<{name}>null</{name}>")),
    ]
}

fn twice(all: &mut Gathered) {
    for (name, place) in [
        ("edXML:From", "/MessageHeader/From"),
        ("edXML:OrganId", "/From/OrganId"),
        ("edXML:OrganizationInCharge", "/From/OrganizationInCharge"),
        ("edXML:OrganName", "/From/OrganName"),
        ("edXML:OrganAdd", "/From/OrganAdd"),
        ("edXML:Email", "/From/Email"),
        ("edXML:Telephone", "/From/Telephone"),
        ("edXML:Fax", "/From/Fax"),
        ("edXML:Website", "/From/Website"),
        ("edXML:Code", "/MessageHeader/Code"),
        ("edXML:CodeNumber", "/Code/CodeNumber"),
        ("edXML:CodeNotation", "/Code/CodeNotation"),
        ("edXML:PromulgationInfo", "/MessageHeader/PromulgationInfo"),
        ("edXML:PromulgationDate", "/PromulgationInfo/PromulgationDate"),
        ("edXML:DocumentType", "/MessageHeader/DocumentType"),
        ("edXML:Type", "/DocumentType/Type"),
        ("edXML:TypeDetail", "/DocumentType/TypeDetail"),
        ("edXML:TypeName", "/DocumentType/TypeName"),
        ("edXML:Subject", "/MessageHeader/Subject"),
        ("edXML:Content", "/MessageHeader/Content"),
        ("edXML:SignerInfo", "/MessageHeader/SignerInfo"),
        ("edXML:Competence", "/SignerInfo/Competence"),
        ("edXML:Position", "/SignerInfo/Position"),
        ("edXML:FullName", "/SignerInfo/FullName"),
        ("edXML:DueDate", "/MessageHeader/DueDate"),
        ("edXML:ToPlaces", "/MessageHeader/ToPlaces"),
        ("edXML:OtherInfo", "/MessageHeader/OtherInfo"),
        ("edXML:Priority", "/OtherInfo/Priority"),
        ("edXML:SphereOfPromulgation", "/OtherInfo/SphereOfPromulgation"),
        ("edXML:TyperNotation", "/OtherInfo/TyperNotation"),
        ("edXML:PromulgationAmount", "/OtherInfo/PromulgationAmount"),
        ("edXML:PageAmount", "/OtherInfo/PageAmount"),
        ("edXML:Appendixes", "/OtherInfo/Appendixes"),
        ("edXML:SteeringType", "/MessageHeader/SteeringType"),
        ("edXML:MessageHeader", "/edXMLHeader/MessageHeader"),
        ("edXML:edXMLHeader", "/edXMLEnvelope/edXMLHeader"),
        ("edXML:TraceHeaderList", "/edXMLHeader/TraceHeaderList"),
        ("edXML:Bussiness", "/TraceHeaderList/Bussiness"),
        ("edXML:Timestamp", "/TraceHeader/Timestamp"),
        ("edXML:BussinessDocType", "/Bussiness/BussinessDocType"),
        ("edXML:BussinessDocReason", "/Bussiness/BussinessDocReason"),
        ("edXML:StaffInfo", "/Bussiness/StaffInfo"),
        ("edXML:Staff", "/StaffInfo/Staff"),
        ("edXML:Paper", "/Bussiness/Paper"),
        ("edXML:edXMLBody", "/edXMLEnvelope/edXMLBody"),
        ("edXML:edXMLEnvelope", "edXML/edXMLEnvelope"),
        ("edXML:ContentType", "/Reference/ContentType"),
        ("AttachmentEncoded", "edXML/AttachmentEncoded"),
        ("AttachmentName", "/Attachment/AttachmentName"),
        ("edXML:ContentTransferEncoded", "/Attachment/ContentTransferEncoded"),
    ] {
        let one = element(SAMPLE, name);
        let two = format!("{one}{one}");
        all.swap(format!("twice: {name}"), one, &two, &format!("{place}[2]"));
    }
}

fn numbers(all: &mut Gathered) {
    let huge = "9".repeat(4000);
    let never =
        ["-1", "+1", "1e3", "0x1", "1.0", "1,000", "٣", "１", "one", "99999999999999999999", &huge];
    for (field, own, place) in [
        ("Priority", &["5", "10"][..], "/OtherInfo/Priority"),
        ("SteeringType", &["4", "65536"], "/MessageHeader/SteeringType"),
        ("PromulgationAmount", &["65536"], "/OtherInfo/PromulgationAmount"),
        ("PageAmount", &["65536", "4294967296"], "/OtherInfo/PageAmount"),
        ("Type", &["1234567"], "/DocumentType/Type"),
        ("TypeDetail", &["1234567"], "/DocumentType/TypeDetail"),
        ("BussinessDocType", &["4", "256"], "/Bussiness/BussinessDocType"),
    ] {
        for value in own.iter().copied().chain(never) {
            let tag = format!("edXML:{field}");
            let to = format!("<{tag}>{value}</{tag}>");
            let shown: String = value.chars().take(20).collect();
            let name = format!("number: {field} = {shown}, {} bytes", value.len());
            all.swap(name, element(SAMPLE, &tag), &to, place);
        }
    }
}

fn days(all: &mut Gathered) {
    for (field, place) in [
        ("PromulgationDate", "/PromulgationInfo/PromulgationDate"),
        ("DueDate", "/MessageHeader/DueDate"),
        ("Timestamp", "/TraceHeader/Timestamp"),
    ] {
        for day in [
            "2021/02/29",
            "2020/02/30",
            "2020/04/31",
            "2020/13/01",
            "2020/00/01",
            "2020/01/00",
            "0000/00/00",
            "18/05/2020",
            "2020/5/18",
            "20200518",
            "99999/01/01",
            "2020/05/18/1",
            "hôm nay",
            "-2020/05/18",
        ] {
            let time = if field == "Timestamp" { " 09:41:07" } else { "" };
            let tag = format!("edXML:{field}");
            let to = format!("<{tag}>{day}{time}</{tag}>");
            all.swap(format!("day: {field} = {day}"), element(SAMPLE, &tag), &to, place);
        }
    }
    for time in
        ["24:00:00", "09:60:00", "09:41:60", "9:41:07", "09:41", "09:41:07:00", "09:41:07 AM", "x"]
    {
        let to = format!("<edXML:Timestamp>2020/05/18 {time}</edXML:Timestamp>");
        let from = element(SAMPLE, "edXML:Timestamp");
        all.swap(format!("moment: {time}"), from, &to, "/TraceHeader/Timestamp");
    }
}

fn strays(all: &mut Gathered) {
    for (container, place) in [
        ("edXML:MessageHeader", "/edXMLHeader/MessageHeader"),
        ("edXML:From", "/MessageHeader/From"),
        ("edXML:Code", "/MessageHeader/Code"),
        ("edXML:ToPlaces", "/MessageHeader/ToPlaces"),
        ("edXML:OtherInfo", "/MessageHeader/OtherInfo"),
        ("edXML:Bussiness", "/TraceHeaderList/Bussiness"),
        ("edXML:edXMLBody", "/edXMLEnvelope/edXMLBody"),
        ("Attachment", "/AttachmentEncoded/Attachment"),
        ("AttachmentEncoded", "edXML/AttachmentEncoded"),
    ] {
        let start = format!("<{container}>");
        all.swap(format!("stray text in {container}"), &start, &format!("{start}chữ"), place);
        let (_, inside) = behind(SAMPLE, &start);
        assert!(!inside.is_empty());
    }
    for (field, place) in [
        ("edXML:Subject", "/MessageHeader/Subject"),
        ("edXML:OrganId", "/From/OrganId"),
        ("edXML:CodeNumber", "/Code/CodeNumber"),
        ("edXML:Place", "/PromulgationInfo/Place"),
        ("edXML:Priority", "/OtherInfo/Priority"),
        ("AttachmentName", "/Attachment/AttachmentName"),
        ("SignatureValue", "/Signature/SignatureValue"),
    ] {
        let start = format!("<{field}>");
        all.swap(format!("stray element in {field}"), &start, &format!("{start}<b>x</b>"), place);
    }
}
