//! A hub: what arrived is forwarded to units of the recipient, and each says how far it is.

use tram_dispatch::{Code, DispatchId, UnitCode, UnitMark};
use tram_engine::units::ForUnits;
use tram_engine::{Input, Reply};

use crate::support::net::*;
use crate::support::world::World;

fn units(texts: &[&str]) -> Vec<UnitCode> {
    texts.iter().map(|t| t.parse().unwrap()).collect()
}

fn said(world: &mut World, id: DispatchId, mark: UnitMark, to: &[&str]) -> Reply {
    let said = ForUnits {
        recipient: code(COMMUNE),
        dispatch: id,
        units: units(to),
        mark,
        by: "uid 1000 (gid 77)".to_owned(),
        remark: None,
    };
    world.asked(COMMUNE, |token| Input::Units { token, said })
}

fn done(reply: &Reply) -> bool {
    match reply {
        Reply::Done { receipts, repeat, .. } => {
            assert!(receipts.is_empty(), "nobody outside is told");
            !repeat
        }
        other => panic!("{other:?}"),
    }
}

fn refused(reply: &Reply) -> Code {
    match reply {
        Reply::Refused { code, receipt: None, .. } => *code,
        other => panic!("{other:?}"),
    }
}

/// The newest mark of each unit, as the node knows it now.
fn marks(world: &mut World, id: &DispatchId) -> Vec<(String, UnitMark)> {
    let n = world.at(COMMUNE);
    let held = n.engine.as_ref().unwrap().find(id, &n.store).unwrap().unwrap();
    let newest = held.newest_of_units(&code(COMMUNE));
    newest.into_iter().map(|(unit, note)| (unit.to_string(), note.mark)).collect()
}

fn arrived(world: &mut World) -> DispatchId {
    let dispatch = net().dispatch(&net().envelope(CENTRE, &[COMMUNE, HAMLET], "1/hub"));
    world.submitted(CENTRE, &dispatch);
    dispatch.id()
}

#[test]
fn a_dispatch_is_forwarded_read_handled_and_forwarded_anew() {
    let mut w = World::connected();
    let id = arrived(&mut w);
    let leaves = w.at(COMMUNE).store.head().0;
    assert!(done(&said(&mut w, id, UnitMark::Forwarded, &["VP", "TC"])));
    assert!(!done(&said(&mut w, id, UnitMark::Forwarded, &["VP"])), "it is there already");
    assert!(done(&said(&mut w, id, UnitMark::Forwarded, &["VP", "NV"])), "one of them is new");
    assert!(done(&said(&mut w, id, UnitMark::Read, &["VP"])));
    assert!(!done(&said(&mut w, id, UnitMark::Read, &["VP"])));
    // Handled without having been marked as read; and no way back from it but the clerk's.
    assert!(done(&said(&mut w, id, UnitMark::Handled, &["TC"])));
    assert!(!done(&said(&mut w, id, UnitMark::Read, &["TC"])));
    let expected = |tc| {
        let all = [("NV", UnitMark::Forwarded), ("TC", tc), ("VP", UnitMark::Read)];
        all.map(|(unit, mark)| (unit.to_owned(), mark)).to_vec()
    };
    assert_eq!(marks(&mut w, &id), expected(UnitMark::Handled));
    assert!(done(&said(&mut w, id, UnitMark::Forwarded, &["TC"])));
    assert_eq!(marks(&mut w, &id), expected(UnitMark::Forwarded));

    // Units are the agency's own affair: no evidence of it, and the originator learns nothing.
    assert_eq!(w.at(COMMUNE).store.head().0, leaves);
    w.pass(1_000);
    let n = w.at(CENTRE);
    let held = n.engine.as_ref().unwrap().find(&id, &n.store).unwrap().unwrap();
    assert!(held.units.is_empty());

    // On record for good: a start finds all of it.
    w.at(COMMUNE).crash();
    w.at(COMMUNE).start();
    assert_eq!(marks(&mut w, &id), expected(UnitMark::Forwarded));
    let n = w.at(COMMUNE);
    let held = n.engine.as_ref().unwrap().find(&id, &n.store).unwrap().unwrap();
    assert_eq!(held.unit_notes(&code(COMMUNE)).count(), 6, "every change is history");
    assert_eq!(
        held.unit_notes(&code(HAMLET)).count(),
        0,
        "the other recipient has units of its own"
    );
    w.connect_all();
    w.assert_recoverable();
}

#[test]
fn what_cannot_be_is_refused_and_leaves_nothing() {
    let mut w = World::connected();
    let id = arrived(&mut w);
    assert_eq!(refused(&said(&mut w, id, UnitMark::Read, &["VP"])), Code::NotFound);
    let unknown = DispatchId([9; 32]);
    assert_eq!(refused(&said(&mut w, unknown, UnitMark::Forwarded, &["VP"])), Code::NotFound);
    // Of several units one that has it not: nothing of the whole is recorded.
    done(&said(&mut w, id, UnitMark::Forwarded, &["VP"]));
    assert_eq!(refused(&said(&mut w, id, UnitMark::Read, &["VP", "TC"])), Code::NotFound);
    assert_eq!(marks(&mut w, &id), [("VP".to_owned(), UnitMark::Forwarded)]);

    // Refused by the clerk it is forwarded no more; a unit that has it may still say it is done.
    w.asked(COMMUNE, |token| Input::Confirm { token, recipient: code(COMMUNE), dispatch: id });
    w.asked(COMMUNE, |token| Input::Register {
        token,
        recipient: code(COMMUNE),
        dispatch: id,
        refusal: Some("Gửi nhầm".to_owned()),
        cause: None,
        remark: None,
        statement: None,
    });
    assert_eq!(refused(&said(&mut w, id, UnitMark::Forwarded, &["TC"])), Code::WrongState);
    assert!(done(&said(&mut w, id, UnitMark::Handled, &["VP"])));
}

#[test]
fn records_about_units_are_bounded() {
    let mut w = World::connected();
    let id = arrived(&mut w);
    let names: Vec<String> = (0..1_000).map(|n| format!("U{n}")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(done(&said(&mut w, id, UnitMark::Forwarded, &all)));
    assert!(done(&said(&mut w, id, UnitMark::Read, &all[..24])));
    assert_eq!(refused(&said(&mut w, id, UnitMark::Handled, &all[..1])), Code::WrongState);
}
