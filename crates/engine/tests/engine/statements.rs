//! What agencies seal about dispatches that came for them, on its way to the originator's node.

use std::convert::Infallible;
use std::sync::Arc;

use tram_crypto::{Algorithm, Sign as _};
use tram_dispatch::envelope::SealedBy;
use tram_dispatch::limits::{CERTIFICATE_BYTES_MAX, FRAME_BYTES_MAX};
use tram_dispatch::{Code, Digest, DispatchId, Event as E, EvidenceRecord, NodeId, Status};
use tram_engine::{Input, Reply};
use tram_trust::{Statements, Verdict, VerifiedDispatch, VerifiedStatement};
use tram_wire::frame::{self, Frame};
use tram_wire::statement::{SealedStatement, Statement};

use crate::flood::signed;
use crate::support::check::{done, offline, refused};
use crate::support::net::*;
use crate::support::world::{Body, Message, World};

fn said(w: &World, d: &VerifiedDispatch, event: E, remark: Option<&str>) -> Statement {
    Statement {
        network: net().base.id(),
        agency: code(COMMUNE),
        dispatch: d.id(),
        object: d.object(),
        event,
        status: None,
        time: w.now.wall,
        remark: remark.map(str::to_owned),
        sealed_by: SealedBy::Agency,
    }
}

fn sealed(w: &World, statement: &Statement) -> VerifiedStatement {
    let (chain, key) = &net().seals[&code(COMMUNE)];
    let sealed = SealedStatement::seal(statement, chain, key.algorithm(), |m| key.sign(m));
    match net().verifier.statement(sealed.unwrap(), w.now.wall) {
        Verdict::Verified(verified) => verified,
        other => panic!("{other:?}"),
    }
}

fn decide(
    w: &mut World,
    d: &VerifiedDispatch,
    (refusal, remark): (Option<&str>, Option<&str>),
    statement: VerifiedStatement,
) -> Reply {
    let (recipient, dispatch) = (code(COMMUNE), d.id());
    let (refusal, remark) = (refusal.map(str::to_owned), remark.map(str::to_owned));
    let statement = Some(statement);
    w.asked(COMMUNE, |token| Input::Register {
        token,
        recipient,
        dispatch,
        refusal,
        cause: None,
        remark,
        statement,
    })
}

fn kept(w: &World, at: &str, id: &DispatchId, digest: Digest) -> Option<Arc<[u8]>> {
    let n = &w.nodes[&node(at)];
    n.engine.as_ref().unwrap().statement(id, digest, &n.store).unwrap()
}

/// A dispatch from the centre to the commune, three hops on, that the commune's system took.
fn arrived(w: &mut World, reference: &str) -> VerifiedDispatch {
    let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], reference));
    w.submitted(CENTRE, &d);
    w.pass(1_000);
    done(&w.confirm(COMMUNE, COMMUNE, d.id()));
    d
}

#[test]
fn a_statement_travels_with_its_receipt_to_the_originators_node() {
    let mut w = World::connected();
    let d = arrived(&mut w, "1/a");
    let statement = sealed(&w, &said(&w, &d, E::ConsignmentAcceptance, Some("Số đến 128")));
    let (raw, digest) = (statement.sealed().raw().clone(), statement.sealed().object());
    // The commune's node, and one on the way, fall before anything left them.
    w.disconnect(&node(COMMUNE), &node(DISTRICT));
    let (receipts, _) = done(&decide(&mut w, &d, (None, Some("Số đến 128")), statement.clone()));
    let record = offline(&receipts[0]);
    assert_eq!((record.event, record.attestation), (E::ConsignmentAcceptance, Some(digest)));
    w.restart(COMMUNE);
    let at_district = |m: &Message| m.to == node(DISTRICT) && matches!(m.body, Body::Receipts(..));
    for m in w.run_until(at_district) {
        w.deliver(m);
    }
    w.commit(&node(DISTRICT));
    w.restart(DISTRICT);
    w.pass(60_000);
    for at in [COMMUNE, DISTRICT, PROVINCE, CENTRE] {
        let there = w.evidence(at, &d.id()).pop().unwrap();
        assert_eq!(there.attestation, Some(digest), "{at}");
        assert_eq!(kept(&w, at, &d.id(), digest), Some(raw.clone()), "{at}");
    }
    // Decided once: the same receipt again, whatever is handed in with it.
    let (again, repeat) = done(&decide(&mut w, &d, (None, Some("Số đến 128")), statement));
    assert_eq!((again, repeat), (receipts, true));
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn a_statement_about_something_else_is_refused_and_nothing_recorded() {
    let mut w = World::connected();
    let (d, other) = (arrived(&mut w, "2/a"), arrived(&mut w, "2/b"));
    let right = said(&w, &d, E::ConsignmentRejection, Some("sai nơi nhận"));
    let wrong = [
        Statement { event: E::ConsignmentAcceptance, ..right.clone() },
        Statement { dispatch: other.id(), ..right.clone() },
        Statement { object: other.object(), ..right.clone() },
        Statement { remark: Some("vì lý do khác".to_owned()), ..right.clone() },
        Statement { remark: None, ..right.clone() },
    ];
    let before = w.evidence(COMMUNE, &d.id());
    for statement in wrong {
        let statement = sealed(&w, &statement);
        let reply = decide(&mut w, &d, (Some("sai nơi nhận"), None), statement);
        assert_eq!(refused(&reply), (Code::BadRequest, None));
    }
    assert_eq!(w.evidence(COMMUNE, &d.id()), before);
    let statement = sealed(&w, &right);
    let (receipts, _) = done(&decide(&mut w, &d, (Some("sai nơi nhận"), None), statement));
    assert_eq!(offline(&receipts[0]).event, E::ConsignmentRejection);
}

/// Statements as large as they may be, of certificates that nobody checks on the way.
fn large(w: &World, d: &VerifiedDispatch, event: E, n: u64) -> SealedStatement {
    let chain = vec![vec![7; CERTIFICATE_BYTES_MAX]; 6];
    let time = w.now.wall.plus_ms(n);
    let status = (event == E::HandlingStatus).then_some(Status::Processing);
    let statement = Statement { time, status, ..said(w, d, event, None) };
    let seal = |_: &[u8]| Ok::<_, Infallible>(vec![0; 64]);
    SealedStatement::seal(&statement, &chain, Algorithm::EdDsa, seal).unwrap()
}

#[test]
fn large_statements_go_in_batches_that_fit_a_frame() {
    const MANY: u64 = 24;
    let mut w = World::connected();
    let d = arrived(&mut w, "3/a");
    w.pass(1_000);
    let consigned = w.evidence(COMMUNE, &d.id()).remove(0);
    assert_eq!(consigned.event, E::ContentConsignment);
    let sealed: Vec<SealedStatement> =
        (0..MANY).map(|n| large(&w, &d, E::HandlingStatus, n)).collect();
    assert!(sealed.iter().map(|s| s.raw().len()).sum::<usize>() > FRAME_BYTES_MAX / 2);
    let records: Vec<EvidenceRecord> = (0u64..)
        .zip(&sealed)
        .map(|(n, s)| EvidenceRecord {
            event: E::HandlingStatus,
            status: Some(Status::Processing.number()),
            custody: 1_000 + n,
            attestation: Some(s.object()),
            ..consigned.clone()
        })
        .collect();
    let statements = Statements::read(sealed.iter().map(|s| &**s.raw()));
    let raws = signed(COMMUNE, &records);
    let receipts = raws.iter().map(|raw| w.verify(raw).with_statement(&statements)).collect();
    w.handle(DISTRICT, Input::Receipts { peer: node(COMMUNE), batch: 9, receipts });
    let province: NodeId = node(PROVINCE);
    let mut batches = 0;
    loop {
        let sent = w.run_until(|m| m.to == province && matches!(m.body, Body::Receipts(..)));
        if sent.is_empty() {
            break;
        }
        for m in sent {
            if let Body::Receipts(batch, receipts, statements) = &m.body {
                let bytes = |raws: &[Arc<[u8]>]| raws.iter().map(|raw| raw.to_vec()).collect();
                let (receipts, statements) = (bytes(receipts), bytes(statements));
                let frame = Frame::Receipts { batch: *batch, receipts, statements };
                assert!(frame::decode(&frame::encode(&frame)).is_ok());
                batches += 1;
            }
            w.deliver(m);
        }
    }
    assert!(batches > 1, "{batches}");
    w.pass(60_000);
    for s in &sealed {
        assert_eq!(kept(&w, CENTRE, &d.id(), s.object()).as_ref(), Some(s.raw()));
    }
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn a_statement_counts_only_with_the_receipt_that_names_it() {
    let mut w = World::connected();
    let d = arrived(&mut w, "4/a");
    let statement = large(&w, &d, E::ConsignmentAcceptance, 0);
    let consigned = w.evidence(COMMUNE, &d.id()).remove(0);
    let with = |event, attestation| EvidenceRecord {
        event,
        attestation,
        custody: 1_000,
        ..consigned.clone()
    };
    let named = Some(statement.object());
    let statements = Statements::read([&**statement.raw(), b"no statement"]);
    let carried = |record: EvidenceRecord| {
        let raw = signed(COMMUNE, &[record]).remove(0);
        w.verify(&raw).with_statement(&statements).statement().is_some()
    };
    assert!(carried(with(E::ConsignmentAcceptance, named)));
    assert!(!carried(with(E::ConsignmentAcceptance, None)));
    assert!(!carried(with(E::ConsignmentAcceptance, Some(Digest([7; 32])))));
    assert!(!carried(with(E::ConsignmentRejection, named)), "it says something else");
}
