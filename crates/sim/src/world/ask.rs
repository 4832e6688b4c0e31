//! Clerks and operators: they look into mailboxes and queues, and ask for something.

use tram_dispatch::{AgencyCode, Code, Digest, DispatchId, Event, EvidenceRecord};
use tram_engine::state::leg::{Leg, Stage};
use tram_engine::{Action as Operation, Input, Notice, Reply, Token};

use super::World;
use super::people::Entry;
use crate::land::land;
use crate::model::Wrong;
use crate::plan::Act;

/// Tokens of clerks and operators begin here.
const ASKED: u64 = 1 << 50;

/// One line of a mailbox.
struct Line {
    agency: AgencyCode,
    leaf: u64,
    id: DispatchId,
    stage: Stage,
    recipients: Vec<AgencyCode>,
    documents: Vec<Digest>,
}

impl World<'_> {
    pub(super) fn replied(&mut self, place: usize, token: Token, reply: Reply) {
        if token.0 < ASKED {
            self.client_heard(place, token, reply);
        }
        // What clerks and operators are told they look up again; its receipts were seen already.
    }

    fn token(&mut self) -> Token {
        self.people.asked += 1;
        Token(ASKED + self.people.asked)
    }

    /// The clerks of a node look into every mailbox there, and go one step on with each dispatch.
    pub(super) fn clerks(&mut self, place: usize) {
        let Some(site) = self.sites.get(&place) else { return };
        // Whoever put an old backup back lets nobody in until a peer has spoken.
        if !site.node.may_be_read() || site.rolled_back {
            return;
        }
        let life = site.node.life();
        for line in self.mailboxes(place) {
            self.look(place, life, line);
        }
    }

    fn mailboxes(&self, place: usize) -> Vec<Line> {
        let Some(engine) = self.sites[&place].node.engine() else { return Vec::new() };
        let mut lines = Vec::new();
        for agency in engine.state().mailboxes.keys() {
            for (leaf, held) in engine.mailbox(agency, None, usize::MAX) {
                let Some(Leg::Mailbox { stage, .. }) = held.legs.get(agency) else { continue };
                let envelope = held.dispatch.envelope();
                lines.push(Line {
                    agency: agency.clone(),
                    leaf,
                    id: held.id(),
                    stage: *stage,
                    recipients: envelope.recipients.clone(),
                    documents: envelope.documents.iter().map(|d| d.sha256).collect(),
                });
            }
        }
        lines
    }

    fn look(&mut self, place: usize, life: usize, line: Line) {
        let Line { agency, leaf, id, stage, recipients, documents } = line;
        let orders = self.people.orders_of(&id);
        let begun = orders.iter().any(|i| self.people.clients[*i].begun);
        if !begun || !recipients.contains(&agency) {
            let what = format!("{agency} was given {}, which is not for it", id.short());
            self.wrong(Wrong::Leaked, what);
            return;
        }
        let book = self.people.books.entry((agency.clone(), id)).or_default();
        let same_life = |e: &&Entry| e.place == place && e.life == life;
        match book.iter().find(same_life).map(|e| e.leaf) {
            None => book.push(Entry { place, life, leaf }),
            Some(known) if known == leaf => {}
            Some(known) => {
                let what = format!("{agency} was given {} twice: {known}, {leaf}", id.short());
                self.wrong(Wrong::Duplicated, what);
            }
        }
        match stage {
            Stage::Consigned => {
                if self.fetch_all(place, &agency, &id, &documents) {
                    self.stats.handed_over += 1;
                    let token = self.token();
                    self.on(place, |node, now| {
                        node.ask(now, token, |token| Input::Confirm {
                            token,
                            recipient: agency,
                            dispatch: id,
                        });
                    });
                }
            }
            Stage::HandedOver => {
                let registered = orders.iter().any(|i| self.plan.orders[*i].registered);
                let refusal = (!registered).then(|| "không đúng nơi nhận".to_owned());
                let token = self.token();
                self.on(place, |node, now| {
                    node.ask(now, token, |token| Input::Register {
                        token,
                        recipient: agency,
                        dispatch: id,
                        refusal,
                        cause: None,
                        remark: None,
                        statement: None,
                    });
                });
            }
            Stage::Refused | Stage::Registered | Stage::Withdrawn => {}
        }
    }

    /// Fetches every document and compares it with what was handed in.
    fn fetch_all(
        &mut self,
        place: usize,
        agency: &AgencyCode,
        id: &DispatchId,
        documents: &[Digest],
    ) -> bool {
        let expected = self.bytes_of(id);
        let site = &self.sites[&place];
        let excused = site.damaged || site.doubtful || site.faulted;
        for digest in documents {
            let fetched = self.sites[&place].node.fetch(agency, id, digest);
            let same = match (&fetched, expected.get(digest)) {
                (Ok(bytes), Some(expected)) => bytes[..] == expected[..],
                _ => false,
            };
            if !same {
                if !excused {
                    let why = fetched
                        .err()
                        .map_or("other bytes".to_owned(), |(c, d)| format!("{c}: {d}"));
                    let what = format!("{agency}, document {digest} of {}: {why}", id.short());
                    self.wrong(Wrong::Altered, what);
                }
                return false;
            }
        }
        true
    }

    /// An operator acts on some leg in custody.
    pub(super) fn operate(&mut self, place: usize, pick: u64, act: Act) {
        let Some(site) = self.sites.get(&place) else { return };
        // Whoever put an old backup back lets nobody in until a peer has spoken.
        if !site.node.may_be_read() || site.rolled_back {
            return;
        }
        let Some(engine) = site.node.engine() else { return };
        let lines = engine.queue(None, 64);
        if lines.is_empty() {
            return;
        }
        let line = &lines[(pick % lines.len() as u64) as usize];
        let id = line.dispatch;
        // Nothing can be read of it: there is nothing to name but the dispatch.
        let Some(recipient) = line.recipient.clone() else { return };
        let action = match act {
            Act::Hold => Operation::Hold,
            Act::Release => Operation::Release,
            Act::Retry => Operation::Retry,
            Act::Drop => {
                self.people.dropped.insert((id, recipient.clone()));
                Operation::Drop("không chuyển được".to_owned())
            }
        };
        self.stats.operations += 1;
        let token = self.token();
        self.on(place, |node, now| node.operate(now, token, id, &recipient, action));
    }

    /// Operators let everything go on that they had stopped. What a failed read had set aside comes back
    /// by itself.
    pub(super) fn release_holds(&mut self, place: usize) {
        let Some(engine) = self.sites[&place].node.engine() else { return };
        let held: Vec<(DispatchId, AgencyCode)> = engine
            .queue(None, usize::MAX)
            .into_iter()
            .filter(|line| line.leg == Leg::OnHold)
            .filter_map(|line| Some((line.dispatch, line.recipient?)))
            .collect();
        for (id, recipient) in held {
            let token = self.token();
            self.on(place, |node, now| {
                node.operate(now, token, id, &recipient, Operation::Release);
            });
        }
    }

    /// An offer was answered: what the answer says must be so.
    pub(super) fn accepted(&mut self, place: usize, receipt: &[u8], offered_at: u64) {
        let t = self.t;
        let at = land().places[place].id.as_str();
        let Some(record) = self.model.released(t, at, receipt) else { return };
        if let Some(what) = self.stands(place, &record, offered_at) {
            self.wrong(Wrong::Lost, what);
        }
    }

    /// Why an acceptance that was just given does not stand, if it does not.
    fn stands(&self, place: usize, record: &EvidenceRecord, offered_at: u64) -> Option<String> {
        let (engine, view) = self.sites[&place].node.engine_and_view()?;
        let held = engine.find(&record.dispatch, view).ok().flatten();
        let recipient = record.recipient.as_ref()?;
        let name = format!("{} for {recipient} at {}", record.dispatch.short(), engine.me());
        let Some(held) = held.filter(|h| h.legs.contains_key(recipient)) else {
            return Some(format!("{name}: accepted, and there is no such leg"));
        };
        // One that is given back while the answer waits is another matter: both sides see to that.
        let given_back = held.evidence.iter().map(|k| &k.evidence).any(|e| {
            e.event == Event::RelayFailure
                && e.reason == Some(Code::Returned)
                && e.node == record.node
                && e.recipient.as_ref() == Some(recipient)
                && (record.custody + 1..offered_at).contains(&e.custody)
        });
        given_back.then(|| format!("{name}: accepted, and it had been given back"))
    }

    pub(super) fn noticed(&mut self, place: usize, notice: &Notice) {
        // By the right clock, give or take what clocks may differ.
        let expired = notice.event == Event::RelayFailure && notice.node == land().places[place].id;
        if !expired {
            return;
        }
        let orders = self.people.orders_of(&notice.dispatch);
        let Some(engine) = self.sites[&place].node.engine() else { return };
        let held = engine.state().get(&notice.dispatch);
        let reason = held.and_then(|h| {
            let k = h.evidence.iter().rev().find(|k| {
                k.evidence.node == notice.node && k.evidence.recipient == notice.recipient
            })?;
            k.evidence.reason
        });
        if reason != Some(Code::DispatchExpired) {
            return;
        }
        let early = orders.iter().all(|i| self.t + 20_000 < self.plan.orders[*i].lifetime_ms);
        if early {
            let what = format!("{}: expired before its time", notice.dispatch.short());
            self.wrong(Wrong::Outcome, what);
        }
    }
}
