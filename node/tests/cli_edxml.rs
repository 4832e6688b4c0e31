//! edXML through the command line: looked at, sent, fetched as edXML again, answered with statuses.

mod cli_place;

use std::fs;
use std::net::UdpSocket;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use cli_place::{Place, installed_at};
use serde_json::Value;

const SAMPLE: &str = include_str!("../../crates/edxml/tests/samples/official-letter.edxml");
/// Longest wait for something to cross from node to node.
const SOON: Duration = Duration::from_secs(30);
const PROVINCE: [&str; 2] = ["--config", "province/tram.toml"];
const COMMUNE: [&str; 2] = ["--config", "commune/tram.toml"];

/// A running node; stopped with the test.
struct Node(Child);

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The sample as the province would write it to the commune.
fn letter() -> String {
    let start = SAMPLE.find("<edXML:To>").unwrap();
    let first = SAMPLE[start..].find("</edXML:To>").unwrap() + start + "</edXML:To>".len();
    let second = SAMPLE[first..].find("</edXML:To>").unwrap() + first + "</edXML:To>".len();
    let one = format!("{}{}", &SAMPLE[..first], &SAMPLE[second..]);
    let one = one.replacen("000.00.31.H99", "000.03.12.H41", 1);
    one.replace("000.00.12.H99", "000.00.00.H41")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn a_file_is_looked_at_without_a_node() {
    let place = Place::new();
    fs::write(place.path("a.edxml"), SAMPLE).unwrap();
    let seen = json(&place.tram(&["edxml", "inspect", "a.edxml", "--json"]).ok());
    assert_eq!(seen["content"]["is"], "document");
    assert_eq!(
        seen["content"]["subject"],
        "V/v báo cáo tình hình gửi, nhận văn bản điện tử bốn cấp"
    );
    assert_eq!(seen["reference"], "000.00.12.H99,2020/05/18,0042/SNV-VP");
    assert_eq!(seen["signature"]["verified"], false);
    assert_eq!(seen["attachments"][0]["media_type"], "application/pdf");
    assert_eq!(seen["attachments"].as_array().unwrap().len(), 2);
    let said = place.tram(&["edxml", "inspect", "a.edxml"]).ok();
    assert!(said.contains("NOT VERIFIED") && said.contains("Sở Nội vụ tỉnh Mẫu"), "{said}");
    let said = place.tram(&["edxml", "inspect", "a.edxml", "--lang", "vi"]).ok();
    assert!(said.contains("CHƯA KIỂM CHỨNG") && said.contains("trích yếu"), "{said}");
}

#[test]
fn what_cannot_be_read_or_carried_names_its_element() {
    let place = Place::new();
    let wrong = |from: &str, to: &str, code: &str| {
        assert!(SAMPLE.contains(from), "{from}");
        fs::write(place.path("b.edxml"), SAMPLE.replacen(from, to, 1)).unwrap();
        place.tram(&["edxml", "inspect", "b.edxml"]).fails(1, code)
    };
    let said = wrong("2020/05/18<", "2020/05/32<", "EDXML_MALFORMED");
    assert!(said.contains("MessageHeader/PromulgationInfo/PromulgationDate (byte "), "{said}");
    let said = wrong("<edXML xmlns", "<!DOCTYPE edXML><edXML xmlns", "EDXML_UNSUPPORTED");
    assert!(said.contains("before the root element"), "{said}");
    let said = wrong("JVBERi0xLjQK", "JVBERi0xLjQ*", "EDXML_MALFORMED");
    assert!(said.contains("AttachmentEncoded/Attachment/ContentTransferEncoded"), "{said}");
    let said = wrong("<edXML:Priority>1<", "<edXML:Priority>Mật<", "SECRET_REFUSED");
    assert!(said.contains("OtherInfo/Priority") && !said.contains("V/v báo cáo"), "{said}");
    // The same at the door of `tram submit`, before anything is sent anywhere.
    fs::write(place.path("b.edxml"), "<html><body>502 Bad Gateway</body></html>").unwrap();
    place.tram(&["submit", "b.edxml"]).fails(1, "EDXML_UNSUPPORTED");
    fs::write(place.path("b.edxml"), SAMPLE).unwrap();
    let words = ["submit", "b.edxml", "--document", "b.edxml"];
    place.tram(&words).fails(2, "BAD_REQUEST");
}

#[test]
fn a_document_goes_from_system_to_system_as_edxml_and_statuses_come_back() {
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = installed_at(port);
    // The province's node holds its agency's seal.
    let config = place.path("province/tram.toml");
    let seals =
        "\n[[seals]]\nagency = \"H41\"\ncertificate = \"keys/seal.crt\"\nkey = \"keys/seal.key\"\n";
    fs::write(&config, fs::read_to_string(&config).unwrap() + seals).unwrap();
    let start = |config: [&str; 2], log| Node(place.start(&["run", config[0], config[1]], log));
    let _nodes = [start(PROVINCE, "province.log"), start(COMMUNE, "commune.log")];
    eventually("the nodes answer", || {
        [PROVINCE, COMMUNE].iter().all(|c| place.tram(&["status", c[0], c[1]]).both().0 == 0)
    });

    fs::write(place.path("letter.edxml"), letter()).unwrap();
    let submit = ["submit", "letter.edxml", "--json", PROVINCE[0], PROVINCE[1]];
    let accepted = json(&place.tram(&submit).ok());
    let id = accepted["dispatch"].as_str().unwrap().to_owned();
    assert_eq!(accepted["reference"], "000.00.00.H41,2020/05/18,0042/SNV-VP");
    let again = json(&place.tram(&submit).ok());
    assert_eq!((&again["dispatch"], &again["repeat"]), (&accepted["dispatch"], &true.into()));

    let track = ["track", &id, "--wait", "--timeout", "30", PROVINCE[0], PROVINCE[1]];
    place.tram(&track).ok();
    fetched_as_edxml(&place, &id);
    statuses_come_back(&place, &id);
    a_secret_one_is_refused_and_recorded(&place);
}

fn fetched_as_edxml(place: &Place, id: &str) {
    let words = ["inbox", "fetch", id, "--as", "edxml", "--out", "in", "--confirm", "--json"];
    let fetched = json(&place.tram(&[&words[..], &COMMUNE].concat()).ok());
    // The file as it was received is the last document, byte for byte.
    let documents = fetched["documents"].as_array().unwrap();
    let last = &documents[documents.len() - 1];
    assert_eq!((documents.len(), &last["name"]), (3, &"letter.edxml".into()));
    let kept = fs::read_to_string(place.path(last["file"].as_str().unwrap())).unwrap();
    assert_eq!(kept, letter());
    // And the file that is made says the same, field by field and document by document.
    let made = fetched["edxml"].as_str().unwrap();
    let see = |file: &str| json(&place.tram(&["edxml", "inspect", file, "--json"]).ok());
    let (before, after) = (see("letter.edxml"), see(made));
    assert_eq!(after["content"], before["content"]);
    assert_eq!(after["signature"], Value::Null);
    for n in 0..2 {
        for key in ["name", "description", "media_type", "sha256", "size"] {
            assert_eq!(after["attachments"][n][key], before["attachments"][n][key], "{key}");
        }
    }
    assert_eq!(after["notes"], Value::Array(Vec::new()));
    // Fetched again nothing changes.
    let first = fs::read(place.path(made)).unwrap();
    place.tram(&[&words[..7], &COMMUNE].concat()).ok();
    assert_eq!(fs::read(place.path(made)).unwrap(), first);
}

fn statuses_come_back(place: &Place, id: &str) {
    let status = |code: &str, words: &str| {
        format!(
            "<edXML xmlns=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\"><edXMLEnvelope><edXMLHeader><MessageHeader>\
             <From><OrganId>000.03.12.H41</OrganId></From><ResponseFor><OrganId>000.00.00.H41</OrganId>\
             <DocumentId>000.00.00.H41,2020/05/18,0042/SNV-VP</DocumentId></ResponseFor><StatusCode>{code}</StatusCode>\
             <Description>{words}</Description><Timestamp>2026/11/22 10:00:00</Timestamp>\
             </MessageHeader></edXMLHeader></edXMLEnvelope></edXML>"
        )
    };
    for (code, words) in [("01", "Đã đến"), ("03", "Số đến 128"), ("05", "Đang xử lý")]
    {
        fs::write(place.path("status.edxml"), status(code, words)).unwrap();
        place.tram(&["submit", "status.edxml", COMMUNE[0], COMMUNE[1]]).ok();
    }
    let mut made = Value::Null;
    eventually("three statuses are known at the province", || {
        let words = ["edxml", "status", id, "--out", "statuses", "--json"];
        made = json(&place.tram(&[&words[..], &PROVINCE].concat()).ok());
        made.as_array().is_some_and(|m| m.len() >= 3)
    });
    let codes: Vec<&str> =
        made.as_array().unwrap().iter().map(|m| m["status"].as_str().unwrap()).collect();
    assert_eq!(codes, ["01", "03", "05"]);
    let file = made[1]["file"].as_str().unwrap();
    let seen = json(&place.tram(&["edxml", "inspect", file, "--json"]).ok());
    assert_eq!(
        (&seen["content"]["is"], &seen["content"]["status"]),
        (&"status".into(), &"03".into())
    );
    assert_eq!(seen["content"]["description"], "Số đến 128");
    assert_eq!(seen["content"]["from"]["code"], "H41.12.03");
}

fn a_secret_one_is_refused_and_recorded(place: &Place) {
    let secret = letter().replacen("<edXML:Priority>1<", "<edXML:Priority>Tối mật<", 1);
    let secret = secret.replace("0042/SNV-VP", "0043/SNV-VP");
    fs::write(place.path("secret.edxml"), secret).unwrap();
    let submit = ["submit", "secret.edxml", PROVINCE[0], PROVINCE[1]];
    place.tram(&submit).fails(1, "SECRET_REFUSED");
    let refusals = place.tram(&[&["audit", "refusals", "--json"][..], &PROVINCE].concat()).ok();
    assert!(refusals.contains("SECRET_REFUSED"), "{refusals}");
    assert!(!refusals.contains("báo cáo tình hình"), "{refusals}");
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < SOON, "not in time: {what}");
        thread::sleep(Duration::from_millis(200));
    }
}
