//! The certificate of an agency's seal is revoked while 500 dispatches sealed with it are queued over three
//! hops: one moment judges each, that of first custody.

use std::collections::BTreeMap;
use std::sync::Arc;

use tram_dispatch::{Code, DispatchId, Event as E, UnixMillis};
use tram_trust::certificate::Certificate;
use tram_trust::{Crls, Options, Verdict, Verifier};

use crate::support::net::*;
use crate::support::world::World;

const QUEUED: usize = 500;
const DAY_MS: u64 = 86_400_000;
/// From the centre down.
const HOPS: [(&str, &str); 3] = [(DISTRICT, COMMUNE), (PROVINCE, DISTRICT), (CENTRE, PROVINCE)];

/// A network whose centre has sent 500 dispatches, a third of them waiting at each of three nodes.
fn queued() -> (World, Vec<DispatchId>) {
    let mut w = World::connected();
    let mut ids = Vec::new();
    for (nth, (above, below)) in HOPS.into_iter().enumerate() {
        w.disconnect(&node(above), &node(below));
        while ids.len() < QUEUED * (nth + 1) / HOPS.len() {
            let reference = format!("{}/revoked", ids.len());
            let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], &reference));
            w.submit(CENTRE, &d);
            ids.push(d.id());
        }
        w.run();
    }
    for (above, _) in HOPS {
        let waiting = ids.iter().filter(|id| w.word(above, id, COMMUNE) == "queued").count();
        assert!(waiting.abs_diff(QUEUED / HOPS.len()) <= 1, "{waiting} wait at {above}");
    }
    (w, ids)
}

/// All nodes have a list by which the centre's seal is revoked from this moment on.
fn revoke(w: &mut World, from: UnixMillis) -> Arc<Verifier> {
    let (chain, _) = &net().seals[&code(CENTRE)];
    let serial = Certificate::parse(&chain[0]).unwrap().serial().to_vec();
    let authority = net().base.authority("centre CA");
    let list = authority.crl(&[(&serial, from)], w.now.wall, w.now.wall.plus_ms(30 * DAY_MS));
    let mut crls = Crls::none();
    crls.add(&list).unwrap();
    let (root, options) = (net().base.root.clone(), Options::default());
    w.verifier = Arc::new(Verifier::new(root, net().directory.clone(), crls, options));
    w.verifier.clone()
}

/// How each leg ended, by what the first node can prove: exactly one end.
fn ends(w: &World, ids: &[DispatchId]) -> BTreeMap<(E, Option<Code>), usize> {
    let mut all = BTreeMap::new();
    for id in ids {
        let said = w.evidence(CENTRE, id);
        let mut ends = said.iter().filter(|e| {
            e.recipient == Some(code(COMMUNE))
                && matches!(e.event, E::ContentConsignment | E::RelayFailure | E::RelayRejection)
        });
        let end = ends.next().unwrap_or_else(|| panic!("no end of {id}: {said:?}"));
        assert_eq!(ends.next(), None, "{id}");
        *all.entry((end.event, end.reason)).or_default() += 1;
    }
    all
}

#[test]
fn what_was_in_custody_before_its_seal_was_revoked_arrives_and_nothing_after_it() {
    let (mut w, ids) = queued();
    w.pass(10_000);
    let from = w.now.wall;
    let verifier = revoke(&mut w, from);
    w.pass(10_000);
    // The first node has the list too: it verifies before it takes anything.
    let late = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], "late/revoked"));
    let sealed = tram_wire::SealedDispatch::parse(late.raw()).unwrap();
    let Verdict::Refused(refusal) = verifier.dispatch(sealed, w.now.wall) else { panic!() };
    assert_eq!(refusal.code, Code::CertificateRevoked);
    // One that had not takes it, and nobody takes it from there.
    w.submit(CENTRE, &late);
    w.connect_all();
    for _ in 0..5 {
        w.pass(400_000);
    }
    assert_eq!(ends(&w, &ids), [((E::ContentConsignment, None), QUEUED)].into());
    for id in &ids {
        assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, id), 1);
    }
    assert_eq!(w.word(CENTRE, &late.id(), COMMUNE), "queued");
    for _ in 0..3 {
        w.pass(3 * DAY_MS);
    }
    assert_eq!(
        ends(&w, &[late.id()]),
        [((E::RelayFailure, Some(Code::DispatchExpired)), 1)].into()
    );
    assert_eq!(w.word(PROVINCE, &late.id(), COMMUNE), "none");
    w.assert_recoverable();
}

#[test]
fn what_was_taken_after_the_day_from_which_its_seal_is_revoked_goes_no_further_and_ends() {
    let (mut w, ids) = queued();
    // The key was lost before any of them was sealed, and that is found out now.
    let from = UnixMillis(w.now.wall.0 - DAY_MS);
    revoke(&mut w, from);
    w.connect_all();
    w.pass(400_000);
    for id in &ids {
        assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, id), 0);
    }
    // Others go their way meanwhile.
    let other = net().dispatch(&net().envelope(PROVINCE, &[COMMUNE], "other/revoked"));
    w.submitted(PROVINCE, &other);
    w.pass(1_000);
    assert_eq!(w.word(PROVINCE, &other.id(), COMMUNE), "consigned");
    for _ in 0..3 {
        w.pass(3 * DAY_MS);
    }
    assert_eq!(ends(&w, &ids), [((E::RelayFailure, Some(Code::DispatchExpired)), QUEUED)].into());
    for id in &ids {
        assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, id), 0);
        assert_eq!(w.word(CENTRE, id, COMMUNE), "expired");
    }
    w.assert_recoverable();
}
