//! Two agencies close into a third: its system has what came for them, by its own account.

use tram_dispatch::AgencyCode;
use tram_dispatch::directory::{Agency, Entry};

use crate::country::{BRACES, Country, SYSTEMS, fetched, id, says};
use crate::edxml::{document, document_id, status};
use crate::support::network::agency_entry;
use crate::support::{Plan, agency, node_id};

/// As the directory has them, and as systems write them.
const OLD: [(&str, &str); 2] = [("H41.12.07", "000.07.12.H41"), ("H41.12.08", "000.08.12.H41")];

fn code(text: &str) -> AgencyCode {
    AgencyCode::parse_canonical(text).expect("a code")
}

async fn merge(country: &Country) {
    let network = &country.network;
    let (file, _) = network.after(&network.directory, |entries| {
        for entry in entries {
            let Entry::Agency(one) = entry else { continue };
            if OLD.iter().any(|(old, _)| one.code.as_str() == *old) {
                (one.open, one.successor) = (false, Some(agency(1)));
            }
        }
    });
    for node in &country.nodes {
        let client = node.client();
        let installed = client.install_directory(file.clone()).await;
        installed.expect("installed");
    }
}

#[tokio::test]
async fn a_systems_own_account_has_what_came_for_those_its_agency_took_over() {
    let hosted = OLD.map(|(old, _)| Agency {
        code: code(old),
        parent: Some(agency(1)),
        node: Some(node_id(1)),
        ..agency_entry(1)
    });
    let country = Country::of(&Plan { agencies: hosted.into(), ..Plan::tiers(2) }, "").await;
    let (there, here) = (SYSTEMS[0], SYSTEMS[1]);
    let (mut sender, mut system) = (country.client(0), country.client(1));
    let [(first, first_old), (second, second_old)] = OLD;
    let before = document(7, there, &[first_old, second_old], b"%PDF-1 x");
    assert_eq!(sender.send("edoc", there, &before).await.code(), "0");
    country.waiting(0, "status", 2).await;
    assert_eq!(system.call("countReceiveEdoc", BRACES).await.json()["count"], 0);

    merge(&country).await;
    assert_eq!(system.call("countReceiveEdoc", BRACES).await.json()["count"], 2);
    let items = country.waiting(1, "edoc", 2).await;
    let to: Vec<&str> = items.iter().map(|i| i["to"].as_str().expect("to")).collect();
    assert_eq!(to, [first, second], "each says for whom it came");
    for item in &items {
        assert_eq!(fetched(&mut system, &id(item)).await, before);
    }
    assert_eq!(says(&mut system, &id(&items[0]), "done").await, "0");
    assert_eq!(system.call("countReceiveEdoc", BRACES).await.json()["count"], 1);
    // A system names the document, and not the copy: both are answered.
    let accepted = status(here, there, &document_id(7, there), "03", "Số đến 7");
    let said = system.send("status", here, &accepted).await;
    assert_eq!(said.code(), "0", "{}", said.json());
    assert_eq!(system.call("countReceiveEdoc", BRACES).await.json()["count"], 0);
    let given = country.waiting(0, "status", 4).await;
    let from: Vec<&str> = given[2..].iter().map(|i| i["from"].as_str().expect("from")).collect();
    assert!(from.contains(&first) && from.contains(&second), "{from:?}");

    // After the merger; answered under the old code, which the system may use as well.
    let after = document(8, there, &[first_old], b"%PDF-1 y");
    let sent = sender.send("edoc", there, &after).await;
    assert_eq!(sent.code(), "0", "{}", sent.json());
    let items = country.waiting(1, "edoc", 1).await;
    assert_eq!((items.len(), items[0]["to"].as_str()), (1, Some(first)));
    let done = status(first_old, there, &document_id(8, there), "06", "");
    let said = system.send("status", first_old, &done).await;
    assert_eq!(said.code(), "0", "{}", said.json());
    // 01 of it, the 03 that the 06 implies, and the 06.
    country.waiting(0, "status", 7).await;
    // Nobody sends for an agency that is closed.
    let forged = document(9, first_old, &[there], b"%PDF-1 z");
    assert_eq!(system.send("edoc", first_old, &forged).await.code(), "19");
}
