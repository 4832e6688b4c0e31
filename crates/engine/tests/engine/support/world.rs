//! Nodes and the messages between them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tram_dispatch::{AgencyCode, Code, Digest, EpochId, NodeId, Now};
use tram_engine::transfer::take::NotTaken;
use tram_engine::{
    Answer, Cosign, Cosigning, Documents, Input, Notice, Output, PeerUp, Reply, Token, Transfer,
};
use tram_trust::fixtures::NOW;
use tram_trust::{Statements, Verdict, VerifiedDispatch, VerifiedReceipt, Verifier};
use tram_wire::{Receipt, SealedDispatch};

use super::cosigned::CosignedRoots;
pub(crate) use super::mail::{Body, Message};
use super::mail::{peer_answer, receipt};
use super::net::{NODES, lives_of, net, node};
use super::node::TestNode;

/// A root and the signature over it.
type Root = ([u8; 32], Vec<u8>);

pub(crate) struct World {
    pub(crate) nodes: BTreeMap<NodeId, TestNode>,
    pub(crate) mail: Vec<Message>,
    pub(crate) now: Now,
    /// Links of the tree: below, above.
    tree: Vec<(NodeId, NodeId)>,
    /// Sessions that are up, by the two ends in order.
    sessions: BTreeMap<(NodeId, NodeId), u64>,
    next_session: u64,
    pub(crate) replies: BTreeMap<Token, Reply>,
    pub(crate) answers: BTreeMap<Token, Vec<(AgencyCode, Answer)>>,
    offers: BTreeMap<(NodeId, Token), Message>,
    next_token: u64,
    pub(crate) notices: Vec<(NodeId, Notice)>,
    pub(crate) removed: Vec<(NodeId, tram_dispatch::Digest)>,
    pub(crate) verifier: Arc<Verifier>,
    /// By the digest of a directory: what nodes that have it verify with, in place of the one above.
    pub(crate) verifiers: BTreeMap<Digest, Arc<Verifier>>,
    /// Documents come only when asked for.
    pub(crate) large_documents: bool,
    /// Every signed root that left a node: none may be contradicted.
    roots: BTreeMap<(NodeId, EpochId, u64), Root>,
    /// Every cosignature that left a node.
    pub(crate) cosigned: CosignedRoots,
    /// Witnesses that said what they hold instead.
    pub(crate) holds: Vec<(NodeId, Cosign)>,
    /// Every transfer given.
    pub(crate) given: Vec<Transfer>,
    /// How many of them over each link.
    pub(crate) transfers: BTreeMap<(NodeId, NodeId), usize>,
}

impl World {
    /// Every node of the network, none connected.
    pub(crate) fn new() -> Self {
        Self::of(&NODES.map(|(agency, _)| agency))
    }

    pub(crate) fn of(agencies: &[&str]) -> Self {
        let nodes = agencies.iter().map(|a| TestNode::new(node(a)));
        let tree = NODES.iter().filter_map(|(a, above)| Some((node(a), node((*above)?))));
        Self::made_of(nodes, tree.collect())
    }

    pub(crate) fn made_of(
        nodes: impl Iterator<Item = TestNode>,
        tree: Vec<(NodeId, NodeId)>,
    ) -> Self {
        World {
            nodes: nodes.map(|n| (n.id.clone(), n)).collect(),
            tree,
            mail: Vec::new(),
            now: Now { mono_ms: 1_000, wall: NOW.plus_ms(60_000) },
            sessions: BTreeMap::new(),
            next_session: 0,
            replies: BTreeMap::new(),
            answers: BTreeMap::new(),
            offers: BTreeMap::new(),
            next_token: 0,
            notices: Vec::new(),
            removed: Vec::new(),
            verifier: net().verifier.clone(),
            verifiers: BTreeMap::new(),
            large_documents: false,
            roots: BTreeMap::new(),
            cosigned: CosignedRoots::default(),
            holds: Vec::new(),
            transfers: BTreeMap::new(),
            given: Vec::new(),
        }
    }

    /// All nodes up, all links of the tree up.
    pub(crate) fn connected() -> Self {
        let mut world = World::new();
        world.connect_all();
        world
    }

    /// The links of the tree between nodes that are here.
    pub(crate) fn links(&self) -> Vec<(NodeId, NodeId)> {
        let both = |(a, b): &&_| self.nodes.contains_key(a) && self.nodes.contains_key(b);
        self.tree.iter().filter(both).cloned().collect()
    }

    pub(crate) fn connect_all(&mut self) {
        for (a, b) in self.links() {
            if self.session(&a, &b).is_none() {
                self.connect(&a, &b);
            }
        }
    }

    pub(crate) fn at(&mut self, agency: &str) -> &mut TestNode {
        self.nodes.get_mut(&node(agency)).unwrap()
    }

    pub(crate) fn session(&self, a: &NodeId, b: &NodeId) -> Option<u64> {
        self.sessions.get(&(a.min(b).clone(), a.max(b).clone())).copied()
    }

    pub(crate) fn connect(&mut self, a: &NodeId, b: &NodeId) {
        self.disconnect(a, b);
        if !self.nodes[a].runs() || !self.nodes[b].runs() {
            return;
        }
        self.next_session += 1;
        self.sessions.insert((a.min(b).clone(), a.max(b).clone()), self.next_session);
        let now = self.now;
        let hellos =
            [(a, b), (b, a)].map(|(me, peer)| (me, self.shown(me, peer), self.met(me, peer)));
        for (me, shown, hello) in hellos {
            let me = self.nodes.get_mut(me).unwrap();
            if let Some(shown) = shown {
                me.handle(now, shown);
            }
            me.handle(now, Input::PeerUp(hello));
        }
    }

    /// What the hello of `peer` says of the log of `me`.
    fn shown(&self, me: &NodeId, peer: &NodeId) -> Option<Input> {
        let held = self.nodes[peer].engine.as_ref()?.held_of(me)?;
        let checkpoint = self.verifier_at(me).checkpoint(me, &held.note).unwrap();
        Some(Input::Shown { by: peer.clone(), checkpoint })
    }

    /// The same, proved to extend what `me` holds of it.
    fn met(&self, me: &NodeId, peer: &NodeId) -> PeerUp {
        let held = self.nodes[me].engine.as_ref().and_then(|engine| engine.held_of(peer));
        let hello = self.hello(peer);
        let extends = held.filter(|h| h.epoch == hello.epoch).map(|h| (h.size, h.root));
        PeerUp { extends, ..hello }
    }

    /// What the hello of `peer` says of itself.
    pub(crate) fn hello(&self, peer: &NodeId) -> PeerUp {
        let other = &self.nodes[peer];
        let (size, root) = other.store.head();
        let life = &lives_of(peer)[other.life];
        PeerUp {
            peer: peer.clone(),
            epoch: life.epoch,
            checkpoint: Some((size, root, life.note(size, root))),
            extends: None,
            wall: self.now.wall,
        }
    }

    pub(crate) fn disconnect(&mut self, a: &NodeId, b: &NodeId) {
        if self.sessions.remove(&(a.min(b).clone(), a.max(b).clone())).is_none() {
            return;
        }
        for (me, peer) in [(a, b), (b, a)] {
            let now = self.now;
            let node = self.nodes.get_mut(me).unwrap();
            if node.runs() {
                node.handle(now, Input::PeerDown { peer: peer.clone() });
            }
        }
    }

    /// The process of a node ends.
    pub(crate) fn crash(&mut self, id: &NodeId) {
        self.nodes.get_mut(id).unwrap().crash();
        let ends: Vec<_> =
            self.sessions.keys().filter(|(a, b)| a == id || b == id).cloned().collect();
        for (a, b) in ends {
            self.disconnect(&a, &b);
        }
        self.offers.retain(|(node, _), _| node != id);
    }

    /// Crash and start, and the sessions it had come back.
    pub(crate) fn restart(&mut self, agency: &str) {
        let id = node(agency);
        self.crash(&id);
        self.nodes.get_mut(&id).unwrap().start();
        self.connect_all();
    }

    pub(crate) fn token(&mut self) -> Token {
        self.next_token += 1;
        Token(self.next_token)
    }

    /// Documents of a dispatch: all at hand, or all still to be taken.
    pub(crate) fn documents(dispatch: &VerifiedDispatch, given: bool) -> Documents {
        let text: Arc<[u8]> = Arc::from(&b"Van ban thu nghiem"[..]);
        let digests = dispatch.envelope().documents.iter().map(|d| d.sha256);
        match given {
            true => Documents {
                inline: digests.map(|d| (d, text.clone())).collect(),
                ..Documents::default()
            },
            false => Documents { missing: digests.collect(), ..Documents::default() },
        }
    }

    /// Documents kept as files.
    pub(crate) fn as_files(dispatch: &VerifiedDispatch) -> Documents {
        let files = dispatch.envelope().documents.iter().map(|d| (d.sha256, d.size)).collect();
        Documents { files, ..Documents::default() }
    }

    /// Hands in a dispatch at the node of an agency; the reply comes once things were run.
    pub(crate) fn submit(&mut self, at: &str, dispatch: &VerifiedDispatch) -> Token {
        self.submit_with(at, dispatch, Self::documents(dispatch, true))
    }

    pub(crate) fn submit_with(
        &mut self,
        at: &str,
        dispatch: &VerifiedDispatch,
        documents: Documents,
    ) -> Token {
        let token = self.token();
        let input = Input::Submit { token, dispatch: dispatch.clone(), documents };
        self.handle(at, input);
        token
    }

    pub(crate) fn handle(&mut self, at: &str, input: Input) {
        let now = self.now;
        if let Input::Directory(directory) = &input {
            self.at(at).directory = directory.clone();
        }
        self.at(at).handle(now, input);
    }

    /// Does what a node's engine wants done.
    pub(crate) fn drain(&mut self, id: &NodeId) {
        let outputs = self.nodes.get_mut(id).unwrap().outputs();
        for output in outputs {
            self.carry_out(id, output);
        }
    }

    fn send(&mut self, from: &NodeId, to: &NodeId, body: Body) {
        let Some(session) = self.session(from, to) else { return };
        self.mail.push(Message { from: from.clone(), to: to.clone(), session, body });
    }

    fn carry_out(&mut self, id: &NodeId, output: Output) {
        match output {
            Output::Reply { token, reply } => {
                match &reply {
                    Reply::Done { receipts, .. } => self.left(receipts),
                    Reply::Refused { receipt, .. } => self.left(receipt),
                    Reply::Assigned { .. } | Reply::Later { .. } => {}
                }
                assert!(self.replies.insert(token, reply).is_none(), "one reply each");
            }
            Output::Answer { token, answers } => {
                for (_, answer) in &answers {
                    if let Answer::Accepted(raw) | Answer::Refused(raw) = answer {
                        self.left([raw]);
                    }
                }
                self.answers.insert(token, answers.clone());
                if let Some(Message { from, body: Body::Transfer(t, _), .. }) =
                    self.offers.remove(&(id.clone(), token))
                {
                    self.send(id, &from, Body::Answer(t.dispatch.id(), answers));
                }
            }
            Output::TakeDocuments { token } => {
                if let Some(mut message) = self.offers.remove(&(id.clone(), token)) {
                    if let Body::Transfer(_, given) = &mut message.body {
                        assert!(!*given, "documents are asked for once");
                        *given = true;
                    }
                    self.mail.push(message);
                }
            }
            Output::Transfer(t) => {
                self.left(&t.receipts);
                *self.transfers.entry((id.clone(), t.peer.clone())).or_default() += 1;
                self.given.push(t.clone());
                let (to, given) = (t.peer.clone(), !self.large_documents);
                self.send(id, &to, Body::Transfer(t, given));
            }
            Output::SendReceipts { peer, batch, receipts, statements } => {
                assert!(!receipts.is_empty());
                self.left(&receipts);
                self.send(id, &peer, Body::Receipts(batch, receipts, statements));
            }
            Output::Stored { peer, batch } => self.send(id, &peer, Body::Stored(batch)),
            Output::Cosign(cosign) => {
                let to = cosign.to().clone();
                match self.cosigned.left(&self.nodes[id], &cosign) {
                    Some(made) if *made.log() == to => self.send(id, &to, Body::Cosigned(made)),
                    Some(_) => {}
                    None => self.holds.push((id.clone(), cosign)),
                }
            }
            Output::RemoveDocuments(digests) => {
                self.removed.extend(digests.into_iter().map(|d| (id.clone(), d)));
            }
            Output::Notify(notice) => self.notices.push((id.clone(), notice)),
        }
    }

    /// Receipts that left a node: what they sign must never be contradicted.
    fn left<'a>(&mut self, receipts: impl IntoIterator<Item = &'a Arc<[u8]>>) {
        for raw in receipts {
            let receipt = Receipt::parse(raw).unwrap();
            let root = receipt.signed_root();
            let key = (root.node.clone(), root.epoch, root.size);
            let value = (root.root, root.signature.clone());
            let first = self.roots.entry(key).or_insert_with(|| value.clone());
            assert_eq!(*first, value, "{} signed two roots of size {}", root.node, root.size);
        }
    }

    pub(crate) fn verify(&self, raw: &[u8]) -> VerifiedReceipt {
        receipt(&self.verifier, raw)
    }

    /// What a node verifies with.
    fn verifier_at(&self, id: &NodeId) -> Arc<Verifier> {
        let directory = self.nodes[id].directory.digest();
        self.verifiers.get(&directory).unwrap_or(&self.verifier).clone()
    }

    /// Hands a message to the node it is for, if the session is still the same.
    pub(crate) fn deliver(&mut self, message: Message) {
        let Message { from, to, session, body } = message.clone();
        if self.session(&from, &to) != Some(session) {
            return;
        }
        let verifier = self.verifier_at(&to);
        let input = match body {
            Body::Transfer(t, given) => {
                let token = self.token();
                self.offers.insert((to.clone(), token), message);
                let receipts: Vec<_> = t.receipts.iter().map(|r| receipt(&verifier, r)).collect();
                let judged_at = receipts[0].record().time;
                let sealed = SealedDispatch::parse(t.dispatch.raw()).unwrap();
                let dispatch = match verifier.dispatch_for_relay(sealed, judged_at) {
                    Verdict::Verified(dispatch) => dispatch,
                    Verdict::Refused(refusal) => {
                        self.offers.remove(&(to.clone(), token));
                        let not_taken = NotTaken::from(refusal).for_all(&t.recipients);
                        return self.send(&to, &from, Body::Answer(t.dispatch.id(), not_taken));
                    }
                    Verdict::Undetermined(cause) => panic!("{cause:?}"),
                };
                let documents = Self::documents(&dispatch, given);
                let recipients = t.recipients;
                Input::Offer { token, peer: from, dispatch, recipients, receipts, documents }
            }
            Body::Failed(dispatch) => {
                Input::TransferFailed { peer: from, dispatch, cause: Code::PeerUnreachable }
            }
            Body::Answer(dispatch, answers) => {
                let read = |(r, answer)| (r, peer_answer(&verifier, answer));
                let answers = answers.into_iter().map(read).collect();
                Input::Answered { peer: from, dispatch, answers }
            }
            Body::Receipts(batch, raws, statements) => {
                let statements = Statements::read(statements.iter().map(|s| &**s));
                let verified = |raw| receipt(&verifier, raw).with_statement(&statements);
                let receipts = raws.iter().map(|raw| verified(raw)).collect();
                Input::Receipts { peer: from, batch, receipts }
            }
            Body::Cosigned(made) => Input::Cosigning(Cosigning::Given(made)),
            Body::Stored(batch) => Input::Stored { peer: from, batch },
        };
        let now = self.now;
        self.nodes.get_mut(&to).unwrap().handle(now, input);
    }

    /// One round at one node: commit, make durable, carry out.
    pub(crate) fn commit(&mut self, id: &NodeId) -> bool {
        let now = self.now;
        let node = self.nodes.get_mut(id).unwrap();
        if !node.runs() {
            return false;
        }
        let mut worked = node.begin_commit(now);
        while node.end_commit() {
            worked = true;
        }
        self.drain(id);
        worked
    }

    /// Runs everything until nothing more happens at this moment.
    pub(crate) fn run(&mut self) {
        for round in 0.. {
            assert!(round < 10_000, "the network never comes to rest");
            let ids: Vec<NodeId> = self.nodes.keys().cloned().collect();
            let mut worked = false;
            for id in &ids {
                worked |= self.commit(id);
            }
            let mail = std::mem::take(&mut self.mail);
            worked |= !mail.is_empty();
            mail.into_iter().for_each(|m| self.deliver(m));
            if !worked {
                return;
            }
        }
    }

    /// Lets time pass, and everything happen that it brings; and then as long again as
    /// housekeeping lingers.
    pub(crate) fn pass(&mut self, ms: u64) {
        self.step(ms);
        self.step(60);
    }

    fn step(&mut self, ms: u64) {
        self.now.mono_ms += ms;
        self.now.wall = self.now.wall.plus_ms(ms);
        let ids: BTreeSet<NodeId> = self.nodes.keys().cloned().collect();
        for id in ids {
            let now = self.now;
            let node = self.nodes.get_mut(&id).unwrap();
            if node.runs() {
                node.handle(now, Input::Tick);
            }
        }
        self.run();
    }

    /// Submits and runs; the reply.
    pub(crate) fn submitted(&mut self, at: &str, dispatch: &VerifiedDispatch) -> Reply {
        let token = self.submit(at, dispatch);
        self.run();
        self.replies.remove(&token).expect("a reply")
    }

    /// Runs as far as messages matching `stop`; these stay in the mail, in order.
    pub(crate) fn run_until(&mut self, stop: impl Fn(&Message) -> bool) -> Vec<Message> {
        let mut stopped = Vec::new();
        loop {
            let ids: Vec<NodeId> = self.nodes.keys().cloned().collect();
            let mut worked = false;
            for id in &ids {
                worked |= self.commit(id);
            }
            let (held, mail): (Vec<_>, Vec<_>) =
                std::mem::take(&mut self.mail).into_iter().partition(|m| stop(m));
            stopped.extend(held);
            worked |= !mail.is_empty();
            mail.into_iter().for_each(|m| self.deliver(m));
            if !worked {
                return stopped;
            }
        }
    }

    /// Asks something of a node and runs; the reply.
    pub(crate) fn asked(&mut self, at: &str, ask: impl FnOnce(Token) -> Input) -> Reply {
        let token = self.token();
        self.handle(at, ask(token));
        self.run();
        self.replies.remove(&token).expect("a reply")
    }
}
