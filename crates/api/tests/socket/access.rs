//! Who may do what: the table of routes against every role, and agencies against each other.

use std::sync::Arc;

use tram_api::model::{DispatchQuery, InboxQuery, ReceiptQuery};
use tram_api::routes::{AgencyIn, ROUTES, Route};
use tram_api::{Access, Agencies, Limits, Role, Rule, Who};
use tram_dispatch::{Code, Digest, DispatchId, Succession};

use crate::fake::Fake;
use crate::harness::{Running, agency, only, rule, start};

const SHA: Digest = Digest([0xaa; 32]);

async fn with(rules: Vec<Rule>) -> Running {
    start(Fake::default(), Access::new(rules), Limits::default()).await
}

async fn status(node: &Running, route: &Route, code: &str) -> u16 {
    let target = route
        .path
        .replace("{sha256}", &SHA.to_string())
        .replace("{dispatch}", &DispatchId([1; 32]).to_string())
        .replace("{agency}", code)
        .replace("{recipient}", "H41.12")
        .replace("{node}", "n1.H41")
        .replace("{action}", "hold")
        .replace("{unit}", "VP")
        .replace("{series}", "5")
        .replace("{number}", "7");
    let query = match (route.name, route.agency) {
        ("events", _) => "?after=%20".to_owned(),
        (_, AgencyIn::Query) => format!("?agency={code}"),
        _ => String::new(),
    };
    let headers = route.body.first().map(|(m, _)| format!("Content-Type: {m}\r\n"));
    let (headers, target) = (headers.unwrap_or_default(), format!("{target}{query}"));
    let answer = node.ask(route.verb.name(), &target, &headers, b"").await;
    if answer.status == 403 && route.verb.name() != "HEAD" {
        assert_eq!(answer.code(), "NOT_AUTHORISED");
        assert!(answer.detail().contains("uid "), "{}", answer.detail());
    }
    answer.status
}

#[tokio::test]
async fn each_role_opens_exactly_the_routes_of_the_table() {
    for role in Role::ALL {
        let node = with(vec![rule(only(&["H41"]), &[role])]).await;
        for route in ROUTES {
            let allowed = route.roles.is_empty() || route.roles.contains(&role);
            let got = status(&node, route, "H41").await;
            assert_eq!(got != 403, allowed, "{role} on {}: {got}", route.name);
            if route.agency != AgencyIn::Nowhere && role != Role::Operate {
                let got = status(&node, route, "H41.12").await;
                assert_eq!(got, 403, "{role} for another agency on {}", route.name);
            }
        }
    }
}

#[tokio::test]
async fn what_came_to_a_closed_agency_is_open_to_its_successor_and_nothing_else_of_it() {
    let taken_over = ["H41.12.07"].map(|old| (agency(old), agency("H41")));
    for role in Role::ALL {
        let succession = Arc::new(Succession::new(taken_over.clone()));
        let fake = Fake { succession, ..Fake::default() };
        let access = Access::new(vec![rule(only(&["H41"]), &[role])]);
        let node = start(fake, access, Limits::default()).await;
        for route in ROUTES.iter().filter(|r| r.agency != AgencyIn::Nowhere) {
            let received = matches!(role, Role::Collect | Role::Read) && route.tag == "collect";
            let allowed = route.roles.contains(&role) && (received || role == Role::Operate);
            let got = status(&node, route, "H41.12.07").await;
            assert_eq!(got != 403, allowed, "{role} on {}: {got}", route.name);
        }
    }
}

#[tokio::test]
async fn nobody_is_somebody_without_a_rule() {
    let node = with(vec![]).await;
    for route in ROUTES {
        let got = status(&node, route, "H41").await;
        assert_eq!(got == 403, !route.roles.is_empty(), "{}: {got}", route.name);
    }
}

#[tokio::test]
async fn the_kernel_says_who_calls() {
    let home = tempfile::tempdir().unwrap();
    let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(home.path()).unwrap());
    let roles = [Role::Audit].into();
    let mine = with(vec![Rule { who: Who::Uid(uid), agencies: Agencies::All, roles }]).await;
    assert_eq!(mine.get("/v1/log").await.status, 200);
    let roles = [Role::Audit].into();
    let theirs = with(vec![Rule { who: Who::Uid(uid + 1), agencies: Agencies::All, roles }]).await;
    let answer = theirs.get("/v1/log").await;
    assert_eq!(answer.code(), "NOT_AUTHORISED");
    assert!(answer.detail().contains(&format!("uid {uid} ")), "{}", answer.detail());
}

#[tokio::test]
async fn an_agency_inside_the_body_is_checked_too() {
    let node = with(vec![rule(only(&["H41"]), &[Role::Submit])]).await;
    let sealed = node.client().submit(b"H42|1|H41.12", &[]).await.unwrap_err();
    assert_eq!(sealed.code(), Code::NotAuthorised);
    let body =
        r#"{"originator":"H42","recipients":["H41"],"metadata":{"subject":"x"},"documents":[]}"#;
    let headers = "Content-Type: application/json\r\nIdempotency-Key: 1\r\n";
    let answer = node.ask("POST", "/v1/dispatches", headers, body.as_bytes()).await;
    assert_eq!(answer.code(), "NOT_AUTHORISED");
    assert!(answer.detail().contains("submit for agency H42"), "{}", answer.detail());
    assert!(node.fake.lock().items.is_empty());
}

#[tokio::test]
async fn others_affairs_stay_unseen() {
    let node = with(vec![rule(only(&["H41.12"]), &[Role::Collect, Role::Submit])]).await;
    let put = |text: &str| {
        let parts: Vec<&str> = text.split('|').collect();
        let recipients = parts[2].split(',').map(agency).collect();
        let reference = parts[1].parse().unwrap();
        let sealed = text.to_owned().into();
        node.fake.accept(agency(parts[0]), reference, recipients, sealed).unwrap().dispatch.0
    };
    let own = put("H41.12|1|H41");
    let received = put("H41|2|H41.12,H41.13");
    let foreign = put("H41|3|H41.13");
    let client = node.client();
    let listed = client.dispatches(&DispatchQuery::default()).await.unwrap();
    let ids: Vec<_> = listed.items.iter().map(|d| d.dispatch.0).collect();
    assert_eq!(ids, [own, received]);
    assert_eq!(client.track(foreign).await.unwrap_err().code(), Code::NotAuthorised);
    assert_eq!(client.track(received).await.unwrap().legs.len(), 2);
    let hidden = client.dispatch_receipts(foreign, &Default::default()).await.unwrap_err();
    assert_eq!(hidden.code(), Code::NotAuthorised);
    let hidden = client.evidence(foreign, false).await.unwrap_err();
    assert_eq!(hidden.code(), Code::NotAuthorised);
    // A party sees the evidence of the whole dispatch.
    let whole = client.dispatch_receipts(received, &Default::default()).await.unwrap();
    assert_eq!(whole.items.len(), 3);
    let all = client.receipts(&ReceiptQuery::default()).await.unwrap();
    assert!(all.items.iter().all(|r| r.dispatch.0 != foreign));
    let named = ReceiptQuery { agency: Some(agency("H41").into()), ..Default::default() };
    assert_eq!(client.receipts(&named).await.unwrap_err().code(), Code::NotAuthorised);
    let inbox = client.inbox(&agency("H41.13"), &InboxQuery::default()).await.unwrap_err();
    assert_eq!(inbox.code(), Code::NotAuthorised);
}

#[tokio::test]
async fn operators_see_where_a_dispatch_is_but_not_what_it_is_about() {
    let node = with(vec![rule(only(&[]), &[Role::Operate])]).await;
    let sealed = "H41|1|H41.12".into();
    let reference = "1".parse().unwrap();
    let accepted =
        node.fake.accept(agency("H41"), reference, vec![agency("H41.12")], sealed).unwrap();
    let client = node.client();
    assert_eq!(client.track(accepted.dispatch.0).await.unwrap().subject, None);
    let listed = client.dispatches(&DispatchQuery::default()).await.unwrap();
    assert_eq!((listed.items.len(), &listed.items[0].subject), (1, &None));
}
