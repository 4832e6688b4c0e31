//! Those who hand dispatches in: each tries again until it has heard an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tram_dispatch::limits::INLINE_DOCUMENT_BYTES_MAX;
use tram_dispatch::{AgencyCode, Code, Digest, DispatchId, Event};
use tram_engine::{Reply, Token};
use tram_wire::SealedDispatch;

use super::{Happening, World};
use crate::dice::Dice;
use crate::land::{Order as Sealing, land};
use crate::model::Wrong;
use crate::node::Submission;
use crate::plan::{Kind, Order, Plan};

/// A client waits so long for an answer, ms.
const PATIENCE_MS: u64 = 15_000;
/// Tokens of clients: the order, then the attempt.
const ATTEMPT_BITS: u32 = 20;

/// One order as its client sees it.
pub(super) struct Client {
    pub(super) sealed: SealedDispatch,
    pub(super) documents: Vec<Arc<[u8]>>,
    pub(super) host: usize,
    attempt: u32,
    /// Handed in at least once.
    pub(super) begun: bool,
    /// The answer was heard: acknowledged in this life of the host, or refused.
    pub(super) heard: Option<Heard>,
    /// The first receipt that was given, whether heard or not, and in which life.
    first: Option<(usize, Arc<[u8]>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Acknowledged { life: usize },
    Refused(Code),
}

/// What clerks hold of one dispatch.
pub(super) struct Entry {
    pub(super) place: usize,
    pub(super) life: usize,
    pub(super) leaf: u64,
}

pub(super) struct People {
    pub(super) clients: Vec<Client>,
    pub(super) books: BTreeMap<(AgencyCode, DispatchId), Vec<Entry>>,
    /// Legs that an operator gave up.
    pub(super) dropped: BTreeSet<(DispatchId, AgencyCode)>,
    pub(super) dice: Dice,
    pub(super) asked: u64,
}

/// The bytes of an order's documents; the same for the same order.
fn documents(seed: u64, i: usize, order: &Order) -> Vec<Arc<[u8]>> {
    // Who knows only a digest names another order's documents.
    let of = if let Kind::DigestOnly(j) = order.kind { j } else { i };
    let mut dice = Dice::of(seed, "documents", of as u64);
    let make = |size: &usize| {
        let mut bytes = Vec::with_capacity(size + 32);
        while bytes.len() < *size {
            bytes.extend_from_slice(&dice.bytes32());
        }
        bytes.truncate(*size);
        bytes.into()
    };
    order.documents.iter().map(make).collect()
}

fn seal(plan: &Plan, i: usize) -> (SealedDispatch, Vec<Arc<[u8]>>) {
    let order = &plan.orders[i];
    let documents = documents(plan.seed, i, order);
    let named = if let Kind::SameReference(j) = order.kind { j } else { i };
    let sealing = Sealing {
        originator: &order.originator,
        recipients: &order.recipients,
        reference: &format!("{:x}/{named}", plan.seed),
        subject: &format!("order {i}"),
        documents: &documents,
        urgency: order.urgency,
        lifetime_ms: order.lifetime_ms,
    };
    (land().seal(&sealing), documents)
}

impl People {
    pub(super) fn new(plan: &Plan) -> Self {
        let client = |(i, order): (usize, &Order)| {
            let of = if let Kind::Again(j) = order.kind { j } else { i };
            let (sealed, documents) = seal(plan, of);
            let host = land().host_of(0, &order.originator).unwrap_or(0);
            Client { sealed, documents, host, attempt: 0, begun: false, heard: None, first: None }
        };
        People {
            clients: plan.orders.iter().enumerate().map(client).collect(),
            books: BTreeMap::new(),
            dropped: BTreeSet::new(),
            dice: Dice::of(plan.seed, "people", 0),
            asked: 0,
        }
    }

    /// The orders that are this dispatch.
    pub(super) fn orders_of(&self, id: &DispatchId) -> Vec<usize> {
        let is = |(i, c): (usize, &Client)| (c.sealed.id() == *id).then_some(i);
        self.clients.iter().enumerate().filter_map(is).collect()
    }
}

impl World<'_> {
    /// An order is handed in; `attempt` tells a pause that is over from one that was for nothing.
    pub(super) fn client(&mut self, i: usize, attempt: u32) {
        let client = &mut self.people.clients[i];
        if client.heard.is_some() || client.attempt != attempt {
            return;
        }
        client.attempt += 1;
        client.begun = true;
        let (host, attempt) = (client.host, client.attempt);
        let site = &self.sites[&host];
        // Whoever put an old backup back lets nobody in until a peer has spoken.
        if !site.node.runs() || site.rolled_back || site.giving_up {
            let pause = self.people.dice.between(300, 1_500);
            self.after(pause, Happening::Client(i, attempt));
            return;
        }
        if let Err((code, detail)) = self.hand_in(i, host, attempt) {
            self.turned_away(i, code, &detail);
        } else {
            self.after(PATIENCE_MS, Happening::Client(i, attempt));
        }
    }

    fn hand_in(&mut self, i: usize, host: usize, attempt: u32) -> Result<(), (Code, String)> {
        let order = &self.plan.orders[i];
        let client = &self.people.clients[i];
        let documents = client.documents.clone();
        let mut submission =
            Submission { sealed: client.sealed.raw().to_vec(), along: BTreeMap::new() };
        for (n, bytes) in documents.iter().enumerate() {
            if bytes.len() <= INLINE_DOCUMENT_BYTES_MAX {
                submission.along.insert(n, bytes.to_vec());
            } else if !matches!(order.kind, Kind::DigestOnly(_)) {
                let agency = order.originator.clone();
                let taken = self.on(host, |node, now| node.upload(now, &agency, bytes));
                taken.unwrap_or_else(|| Err((Code::Busy, String::new())))?;
            }
        }
        let token = Token((i as u64) << ATTEMPT_BITS | u64::from(attempt));
        self.trace.event(self.t, host, "order handed in", i as u64);
        let taken = self.on(host, |node, now| node.submit(now, token, &submission));
        taken.unwrap_or_else(|| Err((Code::Busy, String::new())))
    }

    /// Refused without evidence, at once.
    fn turned_away(&mut self, i: usize, code: Code, detail: &str) {
        let (t, host) = (self.t, self.people.clients[i].host);
        self.trace.line(t, || format!("order {i}: {code}: {detail}"));
        self.refused(i, host, code);
    }

    fn refused(&mut self, i: usize, host: usize, code: Code) {
        let order = &self.plan.orders[i];
        let site = &self.sites[&host];
        let expected = match (order.kind, code) {
            (Kind::DigestOnly(_), Code::DocumentMissing) => true,
            (_, Code::DispatchExpired) => order.lifetime_ms < 1_000_000,
            (_, Code::ReferenceReused) => self.shares_reference(i),
            _ => false,
        };
        if expected {
            if let Kind::DigestOnly(_) = order.kind {
                self.stats.digest_probes += 1;
            }
            self.people.clients[i].heard = Some(Heard::Refused(code));
            return;
        }
        let for_now = matches!(
            code,
            Code::Busy
                | Code::BusyStorage
                | Code::DocumentMissing
                | Code::ClockUncertain
                | Code::LogRollback
                | Code::LogUnanchored
                | Code::LogFork
        );
        // A read that failed may have set a dispatch aside, until the operator looks.
        let aside = code == Code::Quarantined && site.hurt;
        if !for_now && !aside && !site.clock_doubted {
            self.wrong(Wrong::Outcome, format!("order {i} was refused without a cause: {code}"));
        }
        let attempt = self.people.clients[i].attempt;
        let pause = self.people.dice.between(500, 3_000);
        self.after(pause, Happening::Client(i, attempt));
    }

    fn shares_reference(&self, i: usize) -> bool {
        let root = |i: usize| match self.plan.orders[i].kind {
            Kind::SameReference(j) | Kind::Again(j) => j,
            Kind::Plain | Kind::DigestOnly(_) => i,
        };
        (0..self.plan.orders.len()).any(|j| {
            j != i
                && root(j) == root(i)
                && self.people.clients[j].begun
                && self.people.clients[j].sealed.id() != self.people.clients[i].sealed.id()
        })
    }

    /// A client's answer.
    pub(super) fn client_heard(&mut self, place: usize, token: Token, reply: Reply) {
        let i = (token.0 >> ATTEMPT_BITS) as usize;
        if i >= self.people.clients.len() {
            return;
        }
        match reply {
            Reply::Done { dispatch, receipts, .. } => {
                self.acknowledged(place, i, dispatch, receipts)
            }
            Reply::Refused { code, detail, .. } => {
                if self.people.clients[i].heard.is_none() {
                    self.turned_away(i, code, &detail);
                }
            }
            // Nothing is sealed by a node here.
            Reply::Assigned { .. } => {}
            Reply::Later { code, retry_ms } => {
                let t = self.t;
                self.trace.line(t, || format!("order {i}: later: {code}"));
                let attempt = self.people.clients[i].attempt;
                self.after(retry_ms.max(200), Happening::Client(i, attempt));
            }
        }
    }

    fn acknowledged(
        &mut self,
        place: usize,
        i: usize,
        dispatch: DispatchId,
        receipts: Vec<Arc<[u8]>>,
    ) {
        let (t, life) = (self.t, self.sites[&place].node.life());
        self.trace.event(t, place, "order acknowledged", i as u64);
        let sealed = self.people.clients[i].sealed.id();
        let first = receipts.first().cloned();
        let record = first.as_ref().and_then(|raw| self.model.released(t, "the socket", raw));
        let sound = record.is_some_and(|r| {
            r.event == Event::SubmissionAcceptance && r.dispatch == sealed && dispatch == sealed
        });
        let Some(first) = first.filter(|_| sound) else {
            self.wrong(Wrong::Unverifiable, format!("order {i}: no receipt of its acceptance"));
            return;
        };
        if let Kind::DigestOnly(_) = self.plan.orders[i].kind {
            let what = format!("order {i}: a document was given to who only knew its digest");
            self.wrong(Wrong::Leaked, what);
        }
        // Whoever hands the same in again gets the same receipt.
        for j in self.people.orders_of(&sealed) {
            let known = self.people.clients[j].first.get_or_insert_with(|| (life, first.clone()));
            if known.0 == life && known.1 != first {
                self.wrong(Wrong::Duplicated, format!("order {i}: accepted a second time"));
                break;
            }
            self.people.clients[j].first = Some((life, first.clone()));
        }
        let deaf = self.plan.knobs.deaf_percent;
        if !self.healed && self.people.dice.percent(deaf) {
            self.stats.unheard += 1;
            let attempt = self.people.clients[i].attempt;
            let pause = self.people.dice.between(200, 4_000);
            self.after(pause, Happening::Client(i, attempt));
            return;
        }
        if self.people.clients[i].heard.is_none() {
            self.stats.acknowledged += 1;
            self.people.clients[i].heard = Some(Heard::Acknowledged { life });
        }
    }

    /// Who has not heard anything asks again now.
    pub(super) fn hurry_clients(&mut self) {
        for i in 0..self.people.clients.len() {
            let client = &self.people.clients[i];
            if client.begun && client.heard.is_none() {
                let attempt = client.attempt;
                self.after(10, Happening::Client(i, attempt));
            }
        }
    }

    /// The documents that a dispatch must bring, by digest.
    pub(super) fn bytes_of(&self, id: &DispatchId) -> BTreeMap<Digest, Arc<[u8]>> {
        let orders = self.people.orders_of(id);
        let Some(client) = orders.first().map(|i| &self.people.clients[*i]) else {
            return BTreeMap::new();
        };
        let named = client.sealed.envelope().documents.iter().map(|d| d.sha256);
        named.zip(client.documents.iter().cloned()).collect()
    }
}
