//! What an account may do, by its roles: the same as with that role on the socket.

use crate::client::Client;
use crate::country::{BRACES, Country, EMPTY, MORE_SECRETS, SYSTEMS, fetched, id, says};
use crate::edxml::{document, document_id, status};
use crate::support::Plan;

/// Two more accounts of the second tier's agency.
const ACCOUNTS: &str = "[[axis_accounts]]\nsystem_id = \"den\"\nsecret = \"keys/axis-0.secret\"\n\
                        agencies = [\"H41\"]\nroles = [\"collect\"]\n\
                        [[axis_accounts]]\nsystem_id = \"di\"\nsecret = \"keys/axis-1.secret\"\n\
                        agencies = [\"H41\"]\nroles = [\"submit\"]\n";

#[tokio::test]
async fn who_collects_says_what_became_of_it_and_who_sends_does_not() {
    let country = Country::of(&Plan::tiers(2), ACCOUNTS).await;
    let (there, here) = (SYSTEMS[0], SYSTEMS[1]);
    let mut incoming = Client::new(country.doors[1], "den", MORE_SECRETS[0]);
    let mut outgoing = Client::new(country.doors[1], "di", MORE_SECRETS[1]);
    let file = document(7, there, &[here], b"%PDF-1 x");
    assert_eq!(country.client(0).send("edoc", there, &file).await.code(), "0");
    let items = country.waiting(1, "edoc", 1).await;
    let about = document_id(7, there);
    let said = |code: &str, words: &str| status(here, there, &about, code, words);

    // Who only sends sees nothing of what came, and says nothing of it.
    assert_eq!(outgoing.call("getReceivedEdocList", EMPTY).await.code(), "19");
    assert_eq!(says(&mut outgoing, &id(&items[0]), "done").await, "19");
    let refused = outgoing.send("status", here, &said("03", "")).await;
    assert_eq!(refused.code(), "19", "{}", refused.json());
    assert!(refused.json()["ErrorDesc"].as_str().expect("text").contains("collect"));
    let own = outgoing.send("edoc", here, &document(8, here, &[there], b"%PDF-1 y")).await;
    assert_eq!(own.code(), "0", "{}", own.json());

    // Who only collects sends no document, and asks for none back.
    let refused = incoming.send("edoc", here, &document(9, here, &[there], b"%PDF-1 z")).await;
    assert_eq!(refused.code(), "19", "{}", refused.json());
    let recall = status(here, there, &document_id(8, here), "13", "Sai sót");
    assert_eq!(incoming.send("status", here, &recall).await.code(), "19");
    assert_eq!(incoming.call("getSentEdocList", EMPTY).await.code(), "19");
    // It takes what came, and says what becomes of it: what is what, the file says, not `messagetype`.
    fetched(&mut incoming, &id(&items[0])).await;
    assert_eq!(says(&mut incoming, &id(&items[0]), "done").await, "0");
    for (kind, code) in [("status", "03"), ("edoc", "05"), ("status", "06")] {
        let taken = incoming.send(kind, here, &said(code, "")).await;
        assert_eq!(taken.code(), "0", "{code}: {}", taken.json());
    }
    assert_eq!(incoming.call("countReceiveEdoc", BRACES).await.json()["count"], 0);
    // 01, 03, 05, 06.
    country.waiting(0, "status", 4).await;
    // Of another agency it says nothing.
    let foreign = status(there, here, &document_id(8, here), "03", "");
    assert_eq!(incoming.send("status", there, &foreign).await.code(), "19");
}
