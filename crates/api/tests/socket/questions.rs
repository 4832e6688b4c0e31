//! The questions auditors ask: who may ask them, and what the socket lets through.

use tram_api::model::*;
use tram_api::{Limits, Role};
use tram_dispatch::{Code, Day};

use crate::fake::questions::row;
use crate::fake::{Fake, NOW};
use crate::harness::{agency, only, rule, running, start};

fn days(from: &str, to: &str) -> StatisticsQuery {
    let day = |text: &str| text.parse::<Day>().unwrap().into();
    let by = StatisticsBy::Agency;
    StatisticsQuery { from: day(from), to: day(to), by, agency: None, after: None, limit: None }
}

fn between(originator: &str, recipient: &str) -> BetweenQuery {
    BetweenQuery {
        originator: agency(originator).into(),
        recipient: agency(recipient).into(),
        from: None,
        to: None,
        after: None,
        limit: None,
    }
}

fn touched(certificate: u8) -> KeyQuery {
    let certificate = Some(tram_dispatch::Digest([certificate; 32]).into());
    KeyQuery { certificate, ..KeyQuery::default() }
}

fn numbered(number: &str) -> NumberedQuery {
    let (agency, number) = (agency("H41").into(), number.to_owned());
    NumberedQuery { agency, number, notation: None, year: Some(2026) }
}

#[tokio::test]
async fn an_auditor_of_everything_sees_everything() {
    let node = running().await;
    let client = node.client();
    client.submit(b"H41|16/CT|H41.12,H41.12.03", &[]).await.unwrap();
    let found = client.audit_documents(&numbered("16")).await.unwrap();
    assert_eq!(found.items[0].originator, agency("H41").into());
    for bad in ["", "\0", &"7".repeat(201)] {
        let error = client.audit_documents(&numbered(bad)).await.unwrap_err();
        assert_eq!(error.code(), Code::BadRequest, "{bad:?}");
    }
    assert!(client.audit_between(&between("H41", "H99")).await.unwrap().items.is_empty());
    let refusals = client.audit_refusals(&RefusalsQuery::default()).await.unwrap();
    assert_eq!(refusals.items.len(), 3);
    assert_eq!(client.audit_key(&touched(1)).await.unwrap().items.len(), 2);
    let none = client.audit_key(&touched(2)).await.unwrap_err();
    assert_eq!(none.code(), Code::NotFound);
    let serial = Some("0707".to_owned());
    for bad in [
        KeyQuery::default(),
        KeyQuery { serial: serial.clone(), ..KeyQuery::default() },
        KeyQuery { serial, issuer: Some("CN=x".to_owned()), ..touched(1) },
        KeyQuery { epoch: Some(tram_dispatch::EpochId([1; 32]).into()), ..touched(1) },
    ] {
        let error = client.audit_key(&bad).await.unwrap_err();
        assert_eq!(error.code(), Code::BadRequest, "{bad:?}");
    }
    let view = client.audit_overdue(&OverdueQuery::default()).await.unwrap();
    assert_eq!((view.items.len(), view.at), (2, NOW.into()));
    let view = client.audit_statistics(&days("2026-01-01", "2026-12-31")).await.unwrap();
    assert_eq!(view.items, [row("H41"), row("H99")]);
    for (from, to) in [("2026-01-02", "2026-01-01"), ("2025-01-01", "2026-01-02")] {
        let error = client.audit_statistics(&days(from, to)).await.unwrap_err();
        assert_eq!(error.code(), Code::BadRequest);
    }
}

#[tokio::test]
async fn an_auditor_of_one_agency_sees_what_concerns_it() {
    let fake = Fake::default();
    let rules =
        vec![rule(only(&["H41.12"]), &[Role::Audit]), rule(only(&["H41"]), &[Role::Submit])];
    let node = start(fake, tram_api::Access::new(rules), Limits::default()).await;
    let client = node.client();
    client.submit(b"H41|16/CT|H41.12,H41.12.03", &[]).await.unwrap();
    client.submit(b"H41|17/CT|H41.13", &[]).await.unwrap();
    assert_eq!(client.audit_documents(&numbered("16")).await.unwrap().items.len(), 1);
    // Of the second dispatch nothing: neither its originator nor its recipient is this auditor's.
    let refusals = client.audit_refusals(&RefusalsQuery::default()).await.unwrap();
    assert!(refusals.items.iter().all(|r| r.recipient == Some(agency("H41.12").into())));
    assert_eq!(refusals.items.len(), 1);
    assert_eq!(client.audit_overdue(&OverdueQuery::default()).await.unwrap().items.len(), 1);
    let keys = client.audit_key(&touched(1)).await.unwrap();
    assert_eq!(keys.items.len(), 1, "{keys:?}");
    let rows = client.audit_statistics(&days("2026-01-01", "2026-01-31")).await.unwrap();
    assert!(rows.items.is_empty());
    client.audit_between(&between("G22", "H41.12")).await.unwrap();
    let other = agency("H41");
    let refused = [
        client.audit_between(&between("H41", "H41.13")).await.map(|_| ()),
        client
            .audit_refusals(&RefusalsQuery {
                agency: Some(other.clone().into()),
                ..Default::default()
            })
            .await
            .map(|_| ()),
        client
            .audit_overdue(&OverdueQuery {
                recipient: Some(other.clone().into()),
                ..Default::default()
            })
            .await
            .map(|_| ()),
        client
            .audit_statistics(&StatisticsQuery {
                agency: Some(other.into()),
                ..days("2026-01-01", "2026-01-01")
            })
            .await
            .map(|_| ()),
    ];
    for answer in refused {
        assert_eq!(answer.unwrap_err().code(), Code::NotAuthorised);
    }
}
