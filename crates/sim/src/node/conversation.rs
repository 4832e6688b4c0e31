//! One session: the control stream between engine and peer, as `node/src/daemon/link/session.rs`
//! runs it.

use std::collections::BTreeMap;

use tram_dispatch::{Code, NodeId, Now};
use tram_engine::{Input, PeerUp};
use tram_peer::limits::{CHECKPOINT_MS, HELLO_MS_MAX};
use tram_peer::{
    Claim, Event, HeldCheckpoint, Local, Pace, Refused, Session as Machine, gives_way,
};
use tram_trust::Statements;
use tram_wire::Receipt;
use tram_wire::frame::{self, Frame};

use super::action::{Action, Session, Stream};
use super::give::Giving;
use super::octets::Octets;
use super::running::{Running, Stop};
use super::take::Taking;
use crate::plant::Plant;

/// One session.
pub(super) struct Conversation {
    pub(super) peer: NodeId,
    dialled: bool,
    since_ms: u64,
    machine: Option<Machine>,
    /// What the hello will say we hold, and the batch that must be durable first.
    held: (Option<u64>, Option<HeldCheckpoint>),
    control: Octets,
    /// Receipt batches the engine has: the peer's number, and whether it may be called stored. By a
    /// number of ours, which no other session has.
    pub(super) batches: BTreeMap<u64, (u64, bool)>,
    pub(super) streams: BTreeMap<Stream, Flow>,
    opened: u64,
    credit: u32,
    /// What each side told the other of its log.
    pace: Pace,
    /// When the peer may be told again.
    tell_ms: u64,
}

/// One transfer.
pub(super) enum Flow {
    Giving(Box<Giving>),
    Taking(Box<Taking>),
    /// Over; octets that still come are nobody's.
    Over,
}

/// Why a session ends.
enum Ended {
    Refused(Refused),
    /// Another one took over.
    Replaced,
    Node(Stop),
}

impl From<Refused> for Ended {
    fn from(refused: Refused) -> Self {
        Ended::Refused(refused)
    }
}

impl From<Stop> for Ended {
    fn from(stop: Stop) -> Self {
        Ended::Node(stop)
    }
}

impl Conversation {
    pub(super) fn octets_waiting(&self) -> usize {
        let flow = |f: &Flow| match f {
            Flow::Giving(g) => g.octets.len(),
            Flow::Taking(t) => t.octets.len(),
            Flow::Over => 0,
        };
        self.control.len() + self.streams.values().map(flow).sum::<usize>()
    }

    /// Another session of the peer came between.
    pub(super) fn go_on_from(&mut self, held: HeldCheckpoint) {
        if let Some(machine) = &mut self.machine {
            machine.go_on_from(held);
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.machine.as_ref().is_some_and(Machine::is_up)
    }

    /// The name of the next stream this side opens.
    pub(super) fn next_stream(&mut self) -> Stream {
        self.opened += 1;
        Stream(2 * self.opened + u64::from(self.dialled))
    }
}

impl Running {
    pub(super) fn session_opened(
        &mut self,
        now: Now,
        session: Session,
        peer: &NodeId,
        dialled: bool,
    ) -> Result<(), Stop> {
        let talk = Conversation {
            peer: peer.clone(),
            dialled,
            since_ms: now.mono_ms,
            machine: None,
            held: (
                self.engine.awaits_batch(),
                self.engine.held_of(peer).map(|held| HeldCheckpoint {
                    epoch: held.epoch,
                    size: held.size,
                    root: held.root,
                    note: held.note,
                }),
            ),
            control: Octets::default(),
            batches: BTreeMap::new(),
            streams: BTreeMap::new(),
            opened: 0,
            credit: 0,
            pace: Pace::new(0),
            tell_ms: now.mono_ms + CHECKPOINT_MS,
        };
        self.sessions.insert(session, talk);
        self.greet(now, session)
    }

    /// Says hello, unless what it says is not durable yet.
    fn greet(&mut self, now: Now, session: Session) -> Result<(), Stop> {
        let talk = self.sessions.get(&session);
        let Some((None, held)) = talk.map(|t| t.held.clone()) else { return Ok(()) };
        let (checkpoint, size) = (self.checkpoint(), self.log_size());
        let directory = self.verifier.directory();
        let directory = (directory.version(), directory.digest());
        let (network, node, epoch) = (self.network, self.me.clone(), self.epoch);
        let Some(talk) = self.sessions.get_mut(&session) else { return Ok(()) };
        talk.pace.tell(size);
        let local =
            Local { network, node, directory, epoch, checkpoint, held, wall: now.wall, credit: 64 };
        talk.machine = Some(Machine::new(talk.peer.clone(), local));
        self.control(now, session)
    }

    pub(super) fn greet_those_who_waited(&mut self, now: Now, durable: u64) -> Result<(), Stop> {
        let waited: Vec<Session> = self
            .sessions
            .iter()
            .filter(|(_, t)| t.held.0.is_some_and(|batch| batch <= durable))
            .map(|(s, _)| *s)
            .collect();
        for session in waited {
            if let Some(talk) = self.sessions.get_mut(&session) {
                talk.held.0 = None;
            }
            self.greet(now, session)?;
        }
        Ok(())
    }

    pub(super) fn session_closed(&mut self, now: Now, session: Session) -> Result<(), Stop> {
        self.forget_session(now, session)?;
        self.turn(now)
    }

    /// Ends a session from this side.
    fn close_session(&mut self, now: Now, session: Session) -> Result<(), Stop> {
        self.actions.push_back(Action::Close { session });
        self.forget_session(now, session)
    }

    fn forget_session(&mut self, now: Now, session: Session) -> Result<(), Stop> {
        let Some(talk) = self.sessions.remove(&session) else { return Ok(()) };
        for flow in talk.streams.into_values() {
            if let Flow::Taking(taking) = flow {
                self.abandon(*taking)?;
            }
        }
        if self.links.get(&talk.peer) == Some(&session) {
            self.links.remove(&talk.peer);
            self.handle(now, Input::PeerDown { peer: talk.peer })?;
        }
        Ok(())
    }

    pub(super) fn octets(
        &mut self,
        now: Now,
        session: Session,
        stream: Stream,
        bytes: &[u8],
    ) -> Result<(), Stop> {
        let Some(talk) = self.sessions.get_mut(&session) else { return Ok(()) };
        if stream == Stream::CONTROL {
            talk.control.feed(bytes);
            self.control(now, session)?;
        } else {
            self.transfer_octets(now, session, stream, bytes)?;
        }
        self.turn(now)
    }

    fn transfer_octets(
        &mut self,
        now: Now,
        session: Session,
        stream: Stream,
        bytes: &[u8],
    ) -> Result<(), Stop> {
        let Some(talk) = self.sessions.get_mut(&session) else { return Ok(()) };
        let theirs = (stream.0 % 2 == 1) != talk.dialled;
        let flow = talk.streams.entry(stream).or_insert_with(|| match theirs {
            true => Flow::Taking(Box::new(Taking::new(now))),
            false => Flow::Over,
        });
        match flow {
            Flow::Over => return Ok(()),
            Flow::Giving(giving) => giving.octets.feed(bytes),
            Flow::Taking(taking) => taking.octets.feed(bytes),
        }
        // The peer's hello may have been enough for it while its own proof is on its way here.
        if talk.is_up() { self.flow(now, session, stream) } else { Ok(()) }
    }

    /// Goes on with one transfer.
    pub(super) fn flow(&mut self, now: Now, session: Session, stream: Stream) -> Result<(), Stop> {
        let Some(talk) = self.sessions.get_mut(&session) else { return Ok(()) };
        let peer = talk.peer.clone();
        match talk.streams.insert(stream, Flow::Over) {
            Some(Flow::Giving(giving)) => self.giving(now, session, stream, &peer, *giving),
            Some(Flow::Taking(taking)) => self.taking(now, session, stream, &peer, *taking),
            Some(Flow::Over) | None => Ok(()),
        }
    }

    /// Puts a transfer back that goes on later.
    pub(super) fn keep_flow(&mut self, session: Session, stream: Stream, flow: Flow) {
        if let Some(talk) = self.sessions.get_mut(&session) {
            talk.streams.insert(stream, flow);
        }
    }

    pub(super) fn stream_ended(
        &mut self,
        now: Now,
        session: Session,
        stream: Stream,
    ) -> Result<(), Stop> {
        let Some(talk) = self.sessions.get_mut(&session) else { return Ok(()) };
        if stream == Stream::CONTROL {
            self.close_session(now, session)?;
            return self.turn(now);
        }
        match talk.streams.insert(stream, Flow::Over) {
            Some(Flow::Giving(giving)) => self.broke_off(now, *giving, Code::PeerUnreachable)?,
            Some(Flow::Taking(taking)) => {
                self.actions.push_back(Action::Reset { session, stream });
                self.abandon(*taking)?;
            }
            Some(Flow::Over) | None => {}
        }
        self.turn(now)
    }

    /// Works off the control stream; ends the session where it must end.
    fn control(&mut self, now: Now, session: Session) -> Result<(), Stop> {
        match self.converse(now, session) {
            Ok(()) => Ok(()),
            Err(Ended::Node(stop)) => Err(stop),
            Err(Ended::Replaced) => self.close_session(now, session),
            Err(Ended::Refused(refused)) => {
                let detail = frame::detail(&refused.detail);
                let last = Frame::HelloRefused { code: refused.code, detail };
                self.send(session, Stream::CONTROL, &last);
                self.close_session(now, session)
            }
        }
    }

    fn converse(&mut self, now: Now, session: Session) -> Result<(), Ended> {
        loop {
            self.events(now, session)?;
            let malformed = |detail: &str| Refused { code: Code::Malformed, detail: detail.into() };
            let verifier = self.verifier.clone();
            let Some(talk) = self.sessions.get_mut(&session) else { return Ok(()) };
            let Some(machine) = talk.machine.as_mut() else { return Ok(()) };
            let next = talk.control.frame().map_err(|_| malformed("a frame is too long"))?;
            let Some(bytes) = next else { return Ok(()) };
            let frame = frame::decode(&bytes).map_err(Refused::from)?;
            if machine.is_up() && talk.pace.passes_over(&frame, now.mono_ms) {
                continue;
            }
            if let Err(refused) = machine.handle(frame, &verifier) {
                // What the hello said of our log counts all the same.
                let mut claims = Vec::new();
                while let Some(event) = machine.next_event() {
                    if let Event::Claim(claim) = event {
                        claims.push(claim);
                    }
                }
                let peer = talk.peer.clone();
                for claim in claims {
                    self.claimed(now, &peer, claim)?;
                }
                return Err(refused.into());
            }
        }
    }

    /// Takes what a peer says that it holds of our log to the engine, if our signature proves it.
    fn claimed(&mut self, now: Now, peer: &NodeId, claim: Claim) -> Result<(), Stop> {
        let Claim::Proved(checkpoint) = claim else { return Ok(()) };
        if self.plant == Some(Plant::NoRollbackCheck) {
            return Ok(());
        }
        self.handle(now, Input::Shown { by: peer.clone(), checkpoint })
    }

    /// Tells peers of a log that grew.
    fn tell(&mut self, now: Now) {
        let size = self.log_size();
        let mut news = Vec::new();
        for (session, talk) in self.sessions.iter_mut().filter(|(_, t)| t.is_up()) {
            if now.mono_ms >= talk.tell_ms {
                talk.tell_ms = now.mono_ms + CHECKPOINT_MS;
                if talk.pace.is_behind(size) {
                    talk.pace.tell(size);
                    news.push(*session);
                }
            }
        }
        if !news.is_empty() {
            let note = self.checkpoint();
            for session in news {
                self.send(session, Stream::CONTROL, &Frame::Checkpoint { note: note.clone() });
            }
        }
    }

    fn events(&mut self, now: Now, session: Session) -> Result<(), Ended> {
        loop {
            let Some(talk) = self.sessions.get_mut(&session) else { return Ok(()) };
            let peer = talk.peer.clone();
            let Some(event) = talk.machine.as_mut().and_then(Machine::next_event) else {
                return Ok(());
            };
            match event {
                Event::Send(frame) => self.send(session, Stream::CONTROL, &frame),
                Event::Claim(claim) => self.claimed(now, &peer, claim)?,
                Event::Up { epoch, checkpoint, extends, wall, credit, .. } => {
                    talk.credit = credit;
                    let up = PeerUp { peer, epoch, checkpoint, extends, wall };
                    self.come_up(now, session, up)?;
                }
                Event::Checkpoint { shown, extends } => {
                    self.handle(now, Input::PeerCheckpoint { shown, extends })?;
                }
                Event::Cosigning(frame) => self.cosigning(now, frame)?,
                // Directories come by hand here, at the moments that the plan has.
                Event::Directory(_) => {}
                Event::Prove { old, new } => {
                    let path = self.view.reader.consistency_proof(old, new);
                    let path = path.map_err(|e| Refused {
                        code: Code::Internal,
                        detail: format!("no consistency proof from {old} to {new}: {e}"),
                    })?;
                    if let Some(machine) = talk.machine.as_mut() {
                        machine.prove(old, new, path);
                    }
                }
                Event::Receipts { batch, receipts, statements } => {
                    let statements = Statements::read(statements.iter().map(Vec::as_slice));
                    self.next_serial += 1;
                    let ours = self.next_serial;
                    let (mut verified, mut complete) = (Vec::new(), true);
                    for raw in &receipts {
                        match self.verify_receipt(raw) {
                            Ok(receipt) => verified.push(receipt.with_statement(&statements)),
                            Err(_) => complete &= !self.is_ahead_of_us(raw),
                        }
                    }
                    if let Some(talk) = self.sessions.get_mut(&session) {
                        talk.batches.insert(ours, (batch, complete));
                    }
                    self.handle(now, Input::Receipts { peer, batch: ours, receipts: verified })?;
                }
                Event::Stored(batch) => self.handle(now, Input::Stored { peer, batch })?,
            }
        }
    }

    /// Whether a receipt is of a node or epoch that our directory does not know.
    fn is_ahead_of_us(&self, raw: &[u8]) -> bool {
        Receipt::parse(raw).is_ok_and(|r| {
            let e = r.record();
            self.verifier.directory().epoch(&e.node, &e.epoch).is_none()
        })
    }

    /// Hello is done: this session takes over, unless it gives way to one that is up.
    fn come_up(&mut self, now: Now, session: Session, up: PeerUp) -> Result<(), Ended> {
        let peer = up.peer.clone();
        let other = self.links.get(&peer).and_then(|s| Some((*s, self.sessions.get(s)?)));
        if let Some((before, other)) = other {
            let age_ms = now.mono_ms.saturating_sub(other.since_ms);
            let dialled = self.sessions.get(&session).is_some_and(|t| t.dialled);
            if gives_way(&self.me, &peer, dialled, other.dialled, age_ms) {
                return Err(Ended::Replaced);
            }
            self.close_session(now, before)?;
        }
        self.links.insert(peer, session);
        self.handle(now, Input::PeerUp(up))?;
        self.actions.push_back(Action::Up { session });
        let early: Vec<Stream> =
            self.sessions.get(&session).map_or(Vec::new(), |t| t.streams.keys().copied().collect());
        for stream in early {
            self.flow(now, session, stream)?;
        }
        Ok(())
    }

    /// Ends what has waited too long.
    pub(super) fn hurry(&mut self, now: Now) -> Result<(), Stop> {
        self.tell(now);
        let late = |t: &Conversation| !t.is_up() && now.mono_ms >= t.since_ms + HELLO_MS_MAX;
        let silent: Vec<Session> =
            self.sessions.iter().filter(|(_, t)| late(t)).map(|(s, _)| *s).collect();
        for session in silent {
            self.close_session(now, session)?;
        }
        let mut stalled = Vec::new();
        for (session, talk) in &self.sessions {
            let slow = |flow: &Flow| flow.patience_ends().is_some_and(|at| now.mono_ms >= at);
            let streams = talk.streams.iter().filter(|(_, f)| slow(f));
            stalled.extend(streams.map(|(stream, _)| (*session, *stream)));
        }
        for (session, stream) in stalled {
            self.stream_ended(now, session, stream)?;
        }
        Ok(())
    }

    /// When [`Running::hurry`] has something to do at the earliest.
    pub(super) fn patience_ends(&self) -> u64 {
        let mut at = u64::MAX;
        for talk in self.sessions.values() {
            if !talk.is_up() {
                at = at.min(talk.since_ms + HELLO_MS_MAX);
            } else if talk.pace.is_behind(self.log_size()) {
                at = at.min(talk.tell_ms);
            }
            let flows = talk.streams.values().filter_map(Flow::patience_ends);
            at = at.min(flows.min().unwrap_or(u64::MAX));
        }
        at
    }
}

impl Flow {
    fn patience_ends(&self) -> Option<u64> {
        match self {
            Flow::Giving(giving) => Some(giving.until_ms),
            Flow::Taking(taking) => taking.until_ms,
            Flow::Over => None,
        }
    }
}
