//! Statuses, read from what others write and written for them.

use tram_dispatch::envelope::Act;
use tram_dispatch::{AgencyCode, Digest, Event, Reference, Status, UnixMillis};
use tram_edxml::map::{StatusOf, about, notice, recall, status_of};
use tram_edxml::{Content, StatusNotice, write_status};

use crate::bytes::{take, with};

const STATUS: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXML:edXMLEnvelope xmlns:edXML="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXML:edXMLHeader><edXML:MessageHeader>
<edXML:From><edXML:OrganId>000.04.31.H99</edXML:OrganId><edXML:OrganName>UBND xã Ví Dụ</edXML:OrganName></edXML:From>
<edXML:ResponseFor><edXML:OrganId>000.00.12.H99</edXML:OrganId><edXML:Code>0042/SNV-VP</edXML:Code><edXML:PromulgationDate>2020/05/18</edXML:PromulgationDate><edXML:DocumentId>000.00.12.H99,2020/05/18,0042/SNV-VP</edXML:DocumentId></edXML:ResponseFor>
<edXML:StatusCode>02</edXML:StatusCode><edXML:Description>Gửi nhầm đơn vị</edXML:Description><edXML:Timestamp>2020/05/18 10:00:00</edXML:Timestamp>
<edXML:StaffInfo><edXML:Department>Văn phòng</edXML:Department><edXML:Staff>Lê Thị Thử</edXML:Staff><edXML:Mobile/><edXML:Email/></edXML:StaffInfo>
</edXML:MessageHeader></edXML:edXMLHeader></edXML:edXMLEnvelope></edXML>
"#;

fn read_status(text: &str) -> StatusNotice {
    match take(text).unwrap_or_else(|e| panic!("{e}")).0.content {
        Content::Status(notice) => *notice,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_status_names_who_what_and_why() {
    let n = read_status(STATUS);
    assert_eq!((n.status, n.description.as_deref()), (Status::Refused, Some("Gửi nhầm đơn vị")));
    assert_eq!(n.at.unwrap().to_string(), "2020/05/18 10:00:00");
    assert_eq!(n.staff.name.as_deref(), Some("Lê Thị Thử"));
    let (from, to, reference) = about(&n).unwrap();
    assert_eq!((from.as_str(), to.as_str()), ("H99.31.04", "H99.12"));
    assert_eq!(reference.as_str(), "000.00.12.H99,2020/05/18,0042/SNV-VP");
}

#[test]
fn every_status_in_use_is_read_and_no_other() {
    for number in 0..100u8 {
        let text = with(STATUS, ">02<", &format!(">{number:02}<"));
        match Status::from_number(number) {
            Some(status) => assert_eq!(read_status(&text).status, status),
            None => {
                let error = take(&text).unwrap_err();
                assert!(error.place.ends_with("/MessageHeader/StatusCode"), "{error}");
            }
        }
    }
}

#[test]
fn what_evidence_says_is_said_in_edxml() {
    let from: AgencyCode = "H99.31.04".parse().unwrap();
    let to: AgencyCode = "H99.12".parse().unwrap();
    let reference: Reference = "0042/SNV-VP".parse().unwrap();
    for event in Event::ALL {
        let Some(status) = status_of(event) else { continue };
        let made = notice(&StatusOf {
            from: (&from, Some("UBND xã Ví Dụ")),
            addressee: &to,
            reference: &reference,
            number: Some("0042/SNV-VP".to_owned()),
            issued_on: None,
            status,
            description: None,
            at: UnixMillis(1_795_219_200_000),
        });
        let mut out = Vec::new();
        write_status(&mut out, &made).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(read_status(&text), made);
        assert_eq!(about(&made).unwrap(), (from.clone(), to.clone(), reference.clone()));
        assert!(text.contains("<edXML:Timestamp>2026/11/21 07:00:00</edXML:Timestamp>"), "{text}");
        assert_eq!(made.description.as_deref(), Some(status.name_vi()));
    }
    assert_eq!(status_of(Event::ContentConsignment), Some(Status::Arrived));
    assert_eq!(status_of(Event::RelayAcceptance), None);
}

#[test]
fn status_13_is_a_recall_toward_one_recipient() {
    let text = with(STATUS, ">02<", ">13<");
    let (one, two) = (Digest([1; 32]), Digest([2; 32]));
    let notice = read_status(&text);
    let asked = recall(&notice, &one).unwrap();
    assert_eq!(asked.originator.as_str(), "H99.31.04");
    assert_eq!(asked.recipients.iter().map(AgencyCode::as_str).collect::<Vec<_>>(), ["H99.12"]);
    assert_eq!(asked.metadata.subject, "Gửi nhầm đơn vị");
    let Act::Recall(of) = &asked.act else { panic!("{:?}", asked.act) };
    assert_eq!(of.reference.as_str(), "000.00.12.H99,2020/05/18,0042/SNV-VP");
    assert_eq!(of.originator, asked.originator);
    assert_ne!(asked.reference, of.reference);
    assert_eq!(recall(&notice, &one).unwrap(), asked);
    assert_ne!(recall(&notice, &two).unwrap().reference, asked.reference);
    assert!(recall(&read_status(STATUS), &one).is_err());
}
