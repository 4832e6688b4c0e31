//! What tests look at.

use std::collections::BTreeSet;
use std::sync::Arc;

use tram_dispatch::{AgencyCode, Code, DispatchId, Event, EvidenceRecord, NodeId};
use tram_engine::record::Owed;
use tram_engine::state::leg::Leg;
use tram_engine::{Engine, Input, Reply, Token};
use tram_trust::Directory;
use tram_wire::Receipt;

use super::net::{code, net, node};
use super::world::World;

/// The receipts of a reply that something is done, and whether it had been done before.
pub(crate) fn done(reply: &Reply) -> (Vec<Arc<[u8]>>, bool) {
    match reply {
        Reply::Done { receipts, repeat, .. } => (receipts.clone(), *repeat),
        other => panic!("{other:?}"),
    }
}

/// The code of a refusal, and the evidence of it.
pub(crate) fn refused(reply: &Reply) -> (Code, Option<EvidenceRecord>) {
    match reply {
        Reply::Refused { code, receipt, .. } => (*code, receipt.as_ref().map(|raw| offline(raw))),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn later(reply: &Reply) -> Code {
    match reply {
        Reply::Later { code, .. } => *code,
        other => panic!("{other:?}"),
    }
}

/// Verifies a receipt as an auditor would; what it says.
pub(crate) fn offline(raw: &[u8]) -> EvidenceRecord {
    offline_by(&net().directory, raw)
}

fn offline_by(directory: &Directory, raw: &[u8]) -> EvidenceRecord {
    let receipt = Receipt::parse(raw).unwrap();
    let verified =
        tram_trust::receipt::verify_offline(&net().base.root, directory, receipt).unwrap();
    verified.record().clone()
}

/// One line of evidence: (event, node, recipient, reason).
pub(crate) type Line = (Event, NodeId, Option<AgencyCode>, Option<Code>);

pub(crate) fn line(event: Event, at: &str, recipient: &str, reason: Option<Code>) -> Line {
    (event, node(at), (!recipient.is_empty()).then(|| code(recipient)), reason)
}

impl World {
    /// All evidence a node has of a dispatch, each receipt verified offline, in commit order.
    pub(crate) fn evidence(&self, at: &str, id: &DispatchId) -> Vec<EvidenceRecord> {
        let n = &self.nodes[&node(at)];
        let engine = n.engine.as_ref().unwrap();
        let Some(held) = engine.find(id, &n.store).unwrap() else { return Vec::new() };
        let receipts = held.evidence.iter().map(|k| {
            let raw = engine.receipt_of(k, &n.store).unwrap().expect("its receipt is there");
            let record = offline_by(&n.directory, &raw);
            assert_eq!(record, k.evidence);
            record
        });
        receipts.collect()
    }

    pub(crate) fn lines(&self, at: &str, id: &DispatchId) -> Vec<Line> {
        let line = |e: EvidenceRecord| (e.event, e.node, e.recipient, e.reason);
        self.evidence(at, id).into_iter().map(line).collect()
    }

    pub(crate) fn leg(&self, at: &str, id: &DispatchId, recipient: &str) -> Option<Leg> {
        let n = &self.nodes[&node(at)];
        let held = n.engine.as_ref().unwrap().find(id, &n.store).unwrap()?;
        held.legs.get(&code(recipient)).cloned()
    }

    pub(crate) fn word(&self, at: &str, id: &DispatchId, recipient: &str) -> &'static str {
        self.leg(at, id, recipient).map_or("none", |leg| leg.word())
    }

    /// How often a dispatch lies in a mailbox.
    pub(crate) fn in_mailbox(&self, at: &str, agency: &str, id: &DispatchId) -> usize {
        let engine = self.nodes[&node(at)].engine.as_ref().unwrap();
        let mailbox = engine.mailbox(&code(agency), None, usize::MAX);
        mailbox.iter().filter(|(_, h)| h.id() == *id).count()
    }

    pub(crate) fn confirm(&mut self, at: &str, agency: &str, id: DispatchId) -> Reply {
        let recipient = code(agency);
        self.asked(at, |token| Input::Confirm { token, recipient, dispatch: id })
    }

    /// Confirms without running the network.
    pub(crate) fn confirm_quietly(&mut self, at: &str, agency: &str, id: DispatchId) {
        let (token, recipient) = (self.token(), code(agency));
        self.handle(at, Input::Confirm { token, recipient, dispatch: id });
    }

    pub(crate) fn register(
        &mut self,
        at: &str,
        agency: &str,
        id: DispatchId,
        refusal: Option<&str>,
    ) -> Reply {
        let (recipient, refusal) = (code(agency), refusal.map(str::to_owned));
        self.asked(at, |token: Token| Input::Register {
            token,
            recipient,
            dispatch: id,
            refusal,
            cause: None,
            remark: None,
            statement: None,
        })
    }

    /// Nothing waits anywhere.
    pub(crate) fn assert_at_rest(&self) {
        assert!(self.mail.is_empty());
        for n in self.nodes.values() {
            let engine = n.engine.as_ref().unwrap();
            for p in engine.peers() {
                assert_eq!(
                    (p.queued, p.in_flight, p.receipts_owed),
                    (0, 0, 0),
                    "{} to {}",
                    n.id,
                    p.peer
                );
            }
            assert!(
                engine.deadline() > self.now.mono_ms,
                "{} wants to work at {}, it is {}",
                n.id,
                engine.deadline(),
                self.now.mono_ms
            );
        }
    }

    /// What is in memory is what a start would rebuild.
    pub(crate) fn assert_recoverable(&mut self) {
        self.pass(100); // what lingers is committed
        for n in self.nodes.values() {
            assert!(n.pending.is_empty());
            let running = n.engine.as_ref().unwrap();
            let rebuilt = n.rebuilt();
            assert_eq!(durable_state(running), durable_state(&rebuilt), "{}", n.id);
            for id in running.state().held.keys() {
                assert!(n.store.is_open(id), "{}: {id} is held but closed in the store", n.id);
            }
        }
    }
}

/// Everything of the state that records decide, in a form that compares and prints.
fn durable_state(engine: &Engine) -> Vec<String> {
    let s = engine.state();
    let mut out = Vec::new();
    for (id, h) in &s.held {
        let evidence: Vec<_> =
            h.evidence.iter().map(|k| (&k.evidence, k.owed, k.authorised)).collect();
        out.push(format!(
            "{id} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            h.upstreams, h.legs, h.owed, h.inline, h.files, h.at, h.documents, h.closed
        ));
        out.push(format!(
            "{:?}",
            h.upstream_receipts.iter().map(|r| tram_crypto::sha256(r)).collect::<Vec<_>>()
        ));
        out.push(format!("{evidence:?}"));
    }
    out.push(format!("{:?}", s.references));
    out.push(format!("{:?}", s.mailboxes));
    out.push(format!("{:?}", s.files));
    out.push(format!("{:?}", s.usage));
    out.push(format!("{:?}", s.logs));
    let mut numbers = s.numbers.clone();
    numbers.begin_anew();
    out.push(format!("{numbers:?}"));
    for (peer, p) in &s.peers {
        let owed: BTreeSet<(DispatchId, Owed)> = p.outbox.owed().copied().collect();
        let queued: BTreeSet<DispatchId> = p.queue.ids().copied().collect();
        let empty = p.epoch.is_none() && owed.is_empty() && queued.is_empty();
        if !empty {
            out.push(format!("{peer} {:?} {owed:?} {queued:?}", p.epoch));
        }
    }
    out
}
