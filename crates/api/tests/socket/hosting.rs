//! Agencies beside each other on one node, those who only read, and units with accounts of their own.

use std::os::unix::fs::MetadataExt as _;

use tram_api::model::{HostedQuery, InboxQuery, UnitQuery, UnitState};
use tram_api::routes::{AgencyIn, ROUTES};
use tram_api::{Access, Agencies, Client, Limits, Role, Rule, UnitRule, Who};
use tram_dispatch::{Code, DispatchId, UnitCode};

use crate::fake::Fake;
use crate::harness::{Running, agency, only, rule, start};

fn unit(code: &str) -> UnitCode {
    code.parse().unwrap()
}

fn own_uid() -> u32 {
    std::fs::metadata(tempfile::tempdir().unwrap().path()).unwrap().uid()
}

/// A node where this process is the account of unit VP of H41, beside the rules given.
async fn with_unit(rules: Vec<Rule>) -> Running {
    let who = Who::Uid(own_uid());
    let rule = UnitRule { who, agency: agency("H41"), unit: unit("VP") };
    start(Fake::default(), Access::new(rules).with_units(vec![rule]), Limits::default()).await
}

/// Something that arrived for H41.
fn arrived(node: &Running, reference: &str) -> DispatchId {
    let recipients = vec![agency("H41"), agency("H41.12")];
    let sealed = format!("G22|{reference}|H41,H41.12").into();
    let reference = reference.parse().unwrap();
    node.fake.accept(agency("G22"), reference, recipients, sealed).unwrap().dispatch.0
}

async fn refused(client: &Client, code: &str) {
    let error = client.inbox(&agency(code), &InboxQuery::default()).await.unwrap_err();
    assert_eq!(error.code(), Code::NotAuthorised, "{code}");
}

#[tokio::test]
async fn who_reads_changes_nothing() {
    let node = start(
        Fake::default(),
        Access::new(vec![rule(only(&["H41"]), &[Role::Read])]),
        Limits::default(),
    )
    .await;
    let (client, own) = (node.client(), agency("H41"));
    let id = arrived(&node, "1");
    assert_eq!(client.inbox(&own, &InboxQuery::default()).await.unwrap().items.len(), 1);
    assert_eq!(client.track(id).await.unwrap().subject.as_deref(), Some("Về việc thử"));
    let fetched = client.fetch(&own, id).await.unwrap();
    for error in [
        client.confirm(&own, id, &fetched.token).await.unwrap_err(),
        client.register(&own, id, None).await.unwrap_err(),
        client.refuse(&own, id, "không".into()).await.unwrap_err(),
        client.report(&own, id, tram_dispatch::Status::Assigned, None).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), Code::NotAuthorised, "{error}");
    }
    let error = client.forward(&own, id, &[unit("VP")], None).await.unwrap_err();
    assert_eq!(error.code(), Code::NotAuthorised);
    assert_eq!(client.submit(b"H41|2|H41.12", &[]).await.unwrap_err().code(), Code::NotAuthorised);
    refused(&client, "H41.12").await;
    // Of every route that changes something, none is open to who only reads.
    for route in ROUTES.iter().filter(|r| r.verb.name() != "GET" && r.verb.name() != "HEAD") {
        assert!(!route.roles.contains(&Role::Read), "{}", route.name);
    }
}

#[tokio::test]
async fn hosted_agencies_are_listed_to_whom_they_concern() {
    let node = start(
        Fake::default(),
        Access::new(vec![rule(only(&["H41.12"]), &[Role::Collect])]),
        Limits::default(),
    )
    .await;
    let listed = node.client().hosted(&HostedQuery::default()).await.unwrap();
    let codes: Vec<String> = listed.items.iter().map(|h| h.agency.to_string()).collect();
    assert_eq!(codes, ["H41.12"], "the others are nobody's business");
    let operator = vec![rule(only(&[]), &[Role::Operate])];
    let node = start(Fake::default(), Access::new(operator), Limits::default()).await;
    assert_eq!(node.client().hosted(&HostedQuery::default()).await.unwrap().items.len(), 3);
    let status = node.client().status().await.unwrap();
    assert!(status.limits.agencies.is_empty());
}

#[tokio::test]
async fn a_clerk_forwards_and_the_unit_sees_its_own_and_nothing_else() {
    let node = with_unit(vec![]).await;
    let (client, own) = (node.client(), agency("H41"));
    let (mine, other) = (arrived(&node, "1"), arrived(&node, "2"));
    // The clerk is somebody else: the fake takes the word of whoever comes by it.
    let clerk = start(
        Fake::default(),
        Access::new(vec![rule(only(&["H41"]), &[Role::Collect])]),
        Limits::default(),
    )
    .await;
    let id = arrived(&clerk, "1");
    let desk = clerk.client();
    let done = desk.forward(&own, id, &[unit("VP"), unit("TC")], Some("gấp".into())).await.unwrap();
    assert_eq!((done.units.len(), done.repeat), (2, false));
    assert_eq!(done.units[0].remark.as_deref(), Some("gấp"));
    assert_eq!(
        desk.unit_inbox(&own, &unit("VP"), &UnitQuery::default()).await.unwrap().items.len(),
        1
    );
    assert_eq!(desk.units(&own).await.unwrap().items.len(), 2);

    let note = |unit: &UnitCode| tram_api::model::UnitNoteView {
        unit: unit.clone().into(),
        state: UnitState::Forwarded,
        at: crate::fake::NOW.into(),
        by: "clerk".to_owned(),
        remark: None,
    };
    node.fake.lock().units.insert((own.clone(), mine), vec![note(&unit("VP"))]);
    node.fake.lock().units.insert((own.clone(), other), vec![note(&unit("TC"))]);
    let listed = client.unit_inbox(&own, &unit("VP"), &UnitQuery::default()).await.unwrap();
    assert_eq!(listed.items.len(), 1);
    assert_eq!(listed.items[0].item.dispatch.0, mine);
    client.unit_entry(&own, &unit("VP"), mine).await.unwrap();
    let hidden = client.unit_entry(&own, &unit("VP"), other).await.unwrap_err();
    assert_eq!(hidden.code(), Code::NotFound);
    let marked = client.mark(&own, &unit("VP"), mine, UnitState::Handled, None).await.unwrap();
    assert!(marked.units[0].by.starts_with("uid "), "{}", marked.units[0].by);

    // Another unit, another agency's unit of the same name, and every other route: closed.
    for (code, of) in [("H41", "TC"), ("H41.12", "VP")] {
        let error = client.unit_inbox(&agency(code), &unit(of), &UnitQuery::default()).await;
        assert_eq!(error.unwrap_err().code(), Code::NotAuthorised, "{code} {of}");
        let error = client.mark(&agency(code), &unit(of), mine, UnitState::Read, None).await;
        assert_eq!(error.unwrap_err().code(), Code::NotAuthorised, "{code} {of}");
    }
    refused(&client, "H41").await;
    assert_eq!(client.units(&own).await.unwrap_err().code(), Code::NotAuthorised);
    assert_eq!(client.track(mine).await.unwrap_err().code(), Code::NotAuthorised);
    assert_eq!(
        client.hosted(&HostedQuery::default()).await.unwrap_err().code(),
        Code::NotAuthorised
    );
    for route in ROUTES.iter().filter(|r| r.unit) {
        assert!(route.path.contains("{unit}") && route.agency == AgencyIn::Path, "{}", route.name);
    }
}

#[tokio::test]
async fn requests_about_units_are_read_strictly() {
    let everything = Rule { who: Who::Any, agencies: Agencies::All, roles: Role::ALL.into() };
    let node = start(Fake::default(), Access::new(vec![everything]), Limits::default()).await;
    let id = arrived(&node, "1");
    let forward = format!("/v1/agencies/H41/inbox/{id}/forward");
    for (body, detail) in [
        (r#"{"units":[]}"#, "at least one"),
        (r#"{"units":["VP","VP"]}"#, "each once"),
        (r#"{"units":["Văn phòng"]}"#, "letters"),
        (r#"{"units":["VP"],"remark":" "}"#, "blank"),
        (r#"{"units":["VP"],"to":"x"}"#, "unknown field"),
    ] {
        let answer = node.post_json(&forward, body).await;
        assert_eq!(answer.code(), "BAD_REQUEST", "{body}");
        assert!(answer.detail().contains(detail), "{body}: {}", answer.detail());
    }
    let mark = format!("/v1/agencies/H41/units/VP/inbox/{id}/mark");
    let answer = node.post_json(&mark, r#"{"state":"forwarded"}"#).await;
    assert!(answer.detail().contains("read or handled"), "{}", answer.detail());
    let long = format!("/v1/agencies/H41/recipients?groups={}", "a".repeat(2_000));
    assert_eq!(node.get(&long).await.code(), "BAD_REQUEST");
    assert_eq!(node.get("/v1/agencies/H41/recipients?groups=tier:4").await.status, 200);
}
