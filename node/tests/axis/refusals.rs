//! What is refused, by which number, and that nothing of it went on.

use crate::client::Client;
use crate::country::{BRACES, Country, EMPTY, SYSTEMS, fetched, id, says, secret};
use crate::edxml::{document, with_subject};

#[tokio::test]
async fn each_fault_has_its_number_and_nothing_of_it_goes_on() {
    let country = Country::running(2).await;
    let mut sender = country.client(1);
    let (here, there) = (SYSTEMS[1], SYSTEMS[0]);
    let good = document(40, here, &[there], b"%PDF-1.7 x");
    let secret_one = with_subject(41, here, &[there], b"%PDF-1.7 x", "[MẬT] Kế hoạch diễn tập");
    for (file, from, number) in [
        (document(42, there, &[here], b"%PDF-1.7 x"), here, "19"),
        (good.clone(), there, "19"),
        (document(43, here, &["000.00.00.K77"], b"%PDF-1.7 x"), here, "18"),
        (secret_one, here, "22"),
        (b"no edXML at all".to_vec(), here, "22"),
        (good[..good.len() / 2].to_vec(), here, "22"),
        (b"<!DOCTYPE x [<!ENTITY a \"b\">]><edXML/>".to_vec(), here, "22"),
    ] {
        let refused = sender.send("edoc", from, &file).await;
        assert_eq!(refused.code(), number, "{}", refused.json());
        assert_eq!(refused.json()["DocId"], "");
        assert!(
            !refused.json().to_string().contains("diễn tập"),
            "of a secret one nothing is told"
        );
    }
    // A list of recipients left over from an earlier document.
    sender.set("to", "[\"000.00.12.H41\"]");
    let stale = sender.send("edoc", here, &good).await;
    assert_eq!(stale.code(), "18");
    assert!(stale.json()["ErrorDesc"].as_str().expect("text").contains("left over"));
    sender.set("to", &format!("[\"{there}\"]"));
    assert_eq!(sender.send("edoc", here, &good).await.code(), "0");
    let items = country.waiting(0, "edoc", 1).await;
    assert_eq!(items.len(), 1);

    // A wrong key, and another system's items.
    let mut wrong = Client::new(country.doors[0], SYSTEMS[0], &secret(1));
    assert_eq!(wrong.call("getReceivedEdocList", EMPTY).await.code(), "15");
    let mut other = country.client(1);
    other.set("docId", &id(&items[0]));
    assert_eq!(other.call("getEdoc", BRACES).await.code(), "20");
    assert_eq!(other.call("downloadEdoc", None).await.body, b"");
    assert_eq!(says(&mut other, &id(&items[0]), "done").await, "20");
    assert_eq!(fetched(&mut country.client(0), &id(&items[0])).await, good);
}

#[tokio::test]
async fn the_directory_is_listed_in_three_forms_and_changed_by_nobody_here() {
    let country = Country::running(2).await;
    let mut client = country.client(1);
    client.set("level", "1");
    let listed = client.call("getAgenciesList", EMPTY).await.json()["data"].clone();
    let row = |code: &str| {
        let all = listed.as_array().expect("data");
        all.iter().find(|a| a["code"] == code).expect("an agency").clone()
    };
    assert_eq!(row("H41")["pid"], "G22");
    assert_eq!(row("H41")["oldCode"], "000.00.00.H41");
    assert_eq!(row("G22")["name"], "Cơ quan G22");
    let new = client.call("getAgenciesListQD20", EMPTY).await.json();
    assert_eq!(new["data"][1]["code102"], "000.00.00.H41");
    let units = client.call("getSynchronizeUnit", EMPTY).await.json();
    assert_eq!(
        (&units["data"][0]["deleted"], &units["data"][0]["version"]),
        (&false.into(), &1.into())
    );
    let same = r#"{"id":"","pcode":"G22","code":"000.00.00.H41","name":"Cơ quan H41","mail":""}"#;
    assert_eq!(client.call("registerAgency", Some(same.as_bytes())).await.code(), "0");
    let new = r#"{"id":"","pcode":"G22","code":"H77","name":"Tỉnh mới","mail":""}"#;
    assert_eq!(client.call("registerAgency", Some(new.as_bytes())).await.code(), "20");
    client.set("AgencyCode", "H41");
    assert_eq!(client.call("deleteAgency", BRACES).await.code(), "20");
    client.set("AgencyCode", "H78");
    assert_eq!(client.call("deleteAgency", BRACES).await.code(), "0");
}
