//! Acts and statuses that do not say what they are about.

use super::fields::{element, empties};
use super::{Gathered, SAMPLE, swapped};

const UPDATE: &str = "<edXML:Bussiness><edXML:BussinessDocType>2</edXML:BussinessDocType>\
    <edXML:BussinessDocumentInfo><edXML:DocumentInfo>1</edXML:DocumentInfo><edXML:DocumentReceiver>0</edXML:DocumentReceiver>\
    <edXML:ReceiverList><edXML:Receiver><edXML:OrganId>H99.31</edXML:OrganId><edXML:ReceiverType>1</edXML:ReceiverType></edXML:Receiver></edXML:ReceiverList>\
    </edXML:BussinessDocumentInfo><edXML:DocumentId>x</edXML:DocumentId>\
    <edXML:ReplacementInfoList><edXML:ReplacementInfo><edXML:DocumentId>y</edXML:DocumentId></edXML:ReplacementInfo></edXML:ReplacementInfoList></edXML:Bussiness>";

const STATUS: &str = "<edXML xmlns=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\"><edXMLEnvelope><edXMLHeader><MessageHeader>\
    <From><OrganId>H99.31</OrganId></From><ResponseFor><OrganId>H99.12</OrganId><DocumentId>x</DocumentId></ResponseFor>\
    <StatusCode>01</StatusCode><Timestamp>2020/05/18 10:00:00</Timestamp></MessageHeader></edXMLHeader></edXMLEnvelope></edXML>";

pub(super) fn add(all: &mut Gathered) {
    let update = swapped(SAMPLE, element(SAMPLE, "edXML:Bussiness"), UPDATE);
    let task = "/TraceHeaderList/Bussiness";
    let mut act = |name: String, from: &str, to: &str, place: &str| {
        all.bytes(format!("act: {name}"), swapped(&update, from, to).into_bytes(), place);
    };
    for (how, instead) in empties("edXML:DocumentId") {
        let own = "<edXML:DocumentId>x</edXML:DocumentId>";
        act(format!("update of nothing, {how}"), own, &instead, &format!("{task}/DocumentId"));
        let other = "<edXML:DocumentId>y</edXML:DocumentId>";
        let place = format!("{task}/ReplacementInfoList/ReplacementInfo/DocumentId");
        act(format!("replacement of nothing, {how}"), other, &instead, &place);
    }
    for (how, instead) in empties("edXML:OrganId") {
        let place = format!("{task}/BussinessDocumentInfo/ReceiverList/Receiver/OrganId");
        act(
            format!("nobody added, {how}"),
            "<edXML:OrganId>H99.31</edXML:OrganId><edXML:ReceiverType>",
            &format!("{instead}<edXML:ReceiverType>"),
            &place,
        );
    }
    for value in ["2", "-1", "yes", "999999999999", "TRUE"] {
        for field in ["DocumentInfo", "DocumentReceiver", "ReceiverType"] {
            let own = element(&update, &format!("edXML:{field}"));
            let to = format!("<edXML:{field}>{value}</edXML:{field}>");
            act(format!("{field} = {value}"), own, &to, &format!("/{field}"));
        }
    }
    for name in ["edXML:BussinessDocumentInfo", "edXML:ReceiverList", "edXML:ReplacementInfoList"] {
        let own = element(&update, name);
        let local = name.trim_start_matches("edXML:");
        act(format!("{local} twice"), own, &format!("{own}{own}"), &format!("/{local}[2]"));
    }
    let recall = swapped(&update, ">2</edXML:BussinessDocType>", ">1</edXML:BussinessDocType>");
    let recall = swapped(&recall, "<edXML:DocumentId>x</edXML:DocumentId>", "");
    all.bytes(
        "act: recall of nothing".to_owned(),
        recall.into_bytes(),
        &format!("{task}/DocumentId"),
    );
    let replace = "<edXML:Bussiness><edXML:BussinessDocType>3</edXML:BussinessDocType><edXML:ReplacementInfoList/></edXML:Bussiness>";
    let replace = swapped(SAMPLE, element(SAMPLE, "edXML:Bussiness"), replace);
    all.bytes(
        "act: replacement of none".to_owned(),
        replace.into_bytes(),
        &format!("{task}/DocumentId"),
    );
    statuses(all);
}

fn statuses(all: &mut Gathered) {
    let mut status = |name: String, from: &str, to: &str, place: &str| {
        all.bytes(format!("status: {name}"), swapped(STATUS, from, to).into_bytes(), place);
    };
    for code in
        ["", "00", "07", "12", "14", "17", "99", "001", "1e0", "-1", "０１", "đã đến", "null"]
    {
        status(format!("code {code:?}"), ">01<", &format!(">{code}<"), "/MessageHeader/StatusCode");
    }
    for (name, from, place) in [
        ("about nothing", element(STATUS, "ResponseFor"), "/MessageHeader/ResponseFor"),
        ("for nobody", "<OrganId>H99.12</OrganId>", "/ResponseFor/OrganId"),
        ("from nobody", "<OrganId>H99.31</OrganId>", "/From/OrganId"),
        ("without From", element(STATUS, "From"), "/MessageHeader/From"),
    ] {
        status(name.to_owned(), from, "", place);
    }
    let code = element(STATUS, "StatusCode");
    status("two codes".to_owned(), code, &format!("{code}{code}"), "/StatusCode[2]");
    status("at no time".to_owned(), "10:00:00", "25:00:00", "/MessageHeader/Timestamp");
}
