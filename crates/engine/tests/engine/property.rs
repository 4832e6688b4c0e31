//! Whole networks under random schedules: repeats, losses, delays, crashes and restarts anywhere.
//! Once everything is healed, each promise must have been kept.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use tram_crypto::{Entropy, SeededEntropy};
use tram_dispatch::{AgencyCode, DispatchId, Event as E, NodeId};
use tram_engine::{Input, Reply, Token};
use tram_trust::VerifiedDispatch;

use crate::support::check::done;
use crate::support::net::*;
use crate::support::world::{Body, Message, World};

/// How many schedules one run of the tests tries, and how long each is. `PROPTEST_CASES` asks for
/// more, `PROPTEST_RNG_SEED` for others.
const SCHEDULES: u32 = 1_000;
/// What proptest does unless told otherwise.
const USUAL_CASES: u32 = 256;
const STEPS_MAX: usize = 120;

/// Where agencies sit; the hamlet shares a node.
const AGENCIES: [(&str, &str); 9] = [
    (CENTRE, CENTRE),
    (PROVINCE, PROVINCE),
    (DISTRICT, DISTRICT),
    (COMMUNE, COMMUNE),
    (HAMLET, COMMUNE),
    (SISTER, SISTER),
    (OTHER_PROVINCE, OTHER_PROVINCE),
    (OTHER_DISTRICT, OTHER_DISTRICT),
    (OTHER_COMMUNE, OTHER_COMMUNE),
];

/// Small trees: which nodes take part.
const TREES: [&[&str]; 5] = [
    &[CENTRE, PROVINCE],
    &[CENTRE, PROVINCE, OTHER_PROVINCE],
    &[PROVINCE, DISTRICT, COMMUNE, SISTER],
    &[CENTRE, PROVINCE, DISTRICT, COMMUNE],
    &[CENTRE, PROVINCE, DISTRICT, OTHER_PROVINCE, OTHER_DISTRICT],
];

/// A sealed dispatch for every (originator, recipients) asked for, made once.
struct Dispatches(BTreeMap<(usize, Vec<usize>, u64), VerifiedDispatch>);

struct Schedule<'a> {
    world: World,
    tree: &'a [&'a str],
    random: SeededEntropy,
    dispatches: &'a mut Dispatches,
    /// Everything handed in, with the tokens of each try.
    submitted: BTreeMap<DispatchId, (VerifiedDispatch, &'static str, Vec<Token>)>,
    confirmed: BTreeSet<(DispatchId, AgencyCode)>,
}

impl Schedule<'_> {
    fn below(&mut self, bound: usize) -> usize {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes).unwrap();
        (u64::from_be_bytes(bytes) % bound as u64) as usize
    }

    fn some_node(&mut self) -> NodeId {
        let n = self.below(self.tree.len());
        node(self.tree[n])
    }

    fn here(&self) -> Vec<usize> {
        (0..AGENCIES.len()).filter(|i| self.tree.contains(&AGENCIES[*i].1)).collect()
    }

    fn submit(&mut self) {
        let here = self.here();
        let from = here[self.below(here.len())];
        let count = 1 + self.below(2.min(here.len()));
        let to: BTreeSet<usize> = (0..count).map(|_| here[self.below(here.len())]).collect();
        let number = self.below(2) as u64;
        let key = (from, to.iter().copied().collect::<Vec<_>>(), number);
        let at = AGENCIES[from].1;
        if !self.world.nodes[&node(at)].runs() {
            return;
        }
        let made = self.dispatches.0.entry(key).or_insert_with_key(|(from, to, number)| {
            let to: Vec<&str> = to.iter().map(|i| AGENCIES[*i].0).collect();
            let reference = format!("{}/{number}", to.join("+"));
            net().dispatch(&net().envelope(AGENCIES[*from].0, &to, &reference))
        });
        let dispatch = made.clone();
        let token = self.world.submit(at, &dispatch);
        let entry = self.submitted.entry(dispatch.id());
        entry.or_insert_with(|| (dispatch, at, Vec::new())).2.push(token);
    }

    fn confirm(&mut self) {
        let here = self.here();
        let (agency, at) = AGENCIES[here[self.below(here.len())]];
        let Some(engine) = &self.world.nodes[&node(at)].engine else { return };
        let mailbox = engine.mailbox(&code(agency), None, usize::MAX);
        let ids: Vec<DispatchId> = mailbox.iter().map(|(_, h)| h.id()).collect();
        if let Some(id) = ids.get(self.below(ids.len().max(1))) {
            let id = *id;
            self.world.confirm_quietly(at, agency, id);
            self.confirmed.insert((id, code(agency)));
        }
    }

    /// Takes a message out of the mail, from anywhere in it.
    fn message(&mut self) -> Option<Message> {
        let n = self.world.mail.len();
        (n > 0).then(|| {
            let i = self.below(n);
            self.world.mail.remove(i)
        })
    }

    /// A transfer that is lost breaks off at its giver.
    fn lose(&mut self, message: Message) {
        let failed = |from: NodeId, to: NodeId, id| Message {
            from,
            to,
            session: message.session,
            body: Body::Failed(id),
        };
        let notice = match &message.body {
            Body::Transfer(t, _) => {
                failed(message.to.clone(), message.from.clone(), t.dispatch.id())
            }
            Body::Answer(id, _) => failed(message.from.clone(), message.to.clone(), *id),
            Body::Failed(_) => message,
            Body::Receipts(..) | Body::Stored(_) | Body::Cosigned(_) => return,
        };
        self.world.mail.push(notice);
    }

    fn step(&mut self) {
        match self.below(40) {
            0..5 => self.submit(),
            5..7 => self.confirm(),
            7..20 => {
                if let Some(message) = self.message() {
                    self.world.deliver(message);
                }
            }
            20..22 => {
                if let Some(message) = self.message() {
                    self.lose(message);
                }
            }
            22 => {
                if let Some(message) = self.message() {
                    self.world.deliver(message.clone());
                    self.world.mail.push(message);
                }
            }
            23..29 => {
                let (id, now) = (self.some_node(), self.world.now);
                let n = self.world.nodes.get_mut(&id).unwrap();
                if n.runs() && n.pending.len() < 3 {
                    n.begin_commit(now);
                    self.world.drain(&id);
                }
            }
            29..35 => {
                let id = self.some_node();
                let n = self.world.nodes.get_mut(&id).unwrap();
                if n.runs() {
                    n.end_commit();
                    self.world.drain(&id);
                }
            }
            35 => {
                let id = self.some_node();
                self.world.crash(&id);
            }
            36 => self.start_all(),
            37 => {
                let links = self.world.links();
                let (a, b) = links[self.below(links.len())].clone();
                match self.world.session(&a, &b) {
                    Some(_) => self.world.disconnect(&a, &b),
                    None => self.world.connect(&a, &b),
                }
            }
            38 => self.world.connect_all(),
            _ => {
                let ms = [1, 40, 700, 31_000][self.below(4)];
                self.world.now.mono_ms += ms;
                self.world.now.wall = self.world.now.wall.plus_ms(ms);
                let (id, now) = (self.some_node(), self.world.now);
                let n = self.world.nodes.get_mut(&id).unwrap();
                if n.runs() {
                    n.handle(now, Input::Tick);
                }
            }
        }
    }

    fn start_all(&mut self) {
        for n in self.world.nodes.values_mut().filter(|n| !n.runs()) {
            n.start();
        }
    }

    fn heal(&mut self) {
        self.start_all();
        // Sessions begin anew: what was on its way in the old ones is lost.
        for (a, b) in self.world.links() {
            self.world.connect(&a, &b);
        }
        self.world.run();
        for _ in 0..4 {
            self.world.pass(31_000);
        }
        // Who never had an answer asks again.
        let again: Vec<_> = self.submitted.values().map(|(d, at, _)| (d.clone(), *at)).collect();
        for (dispatch, at) in again {
            let reply = self.world.submitted(at, &dispatch);
            let (receipts, _) = done(&reply);
            for token in self.submitted[&dispatch.id()].2.clone() {
                if let Some(first) = self.world.replies.get(&token) {
                    let Reply::Done { receipts: first, .. } = first else { panic!("{first:?}") };
                    assert_eq!(*first, receipts, "a repeat gets the first receipts");
                }
            }
        }
        for _ in 0..3 {
            self.world.pass(31_000);
        }
    }

    fn check(&mut self) {
        self.world.assert_at_rest();
        self.world.assert_recoverable();
        for (id, (dispatch, at, _)) in &self.submitted {
            let evidence = self.world.evidence(at, id);
            for recipient in &dispatch.envelope().recipients {
                let host = AGENCIES.iter().find(|a| code(a.0) == *recipient).unwrap().1;
                assert_eq!(self.world.in_mailbox(host, recipient.as_str(), id), 1, "once each");
                let about = |event| {
                    let fits = |e: &&tram_dispatch::EvidenceRecord| {
                        e.event == event && e.recipient.as_ref() == Some(recipient)
                    };
                    evidence.iter().filter(fits).count()
                };
                assert_eq!(about(E::ContentConsignment), 1, "{id} toward {recipient}");
                assert_eq!(about(E::RelayFailure) + about(E::RelayRejection), 0);
                let at_host = self.world.word(host, id, recipient.as_str());
                assert_eq!(self.world.word(at, id, recipient.as_str()), at_host);
                if at_host == "handed_over" {
                    assert!(self.confirmed.contains(&(*id, recipient.clone())));
                }
            }
        }
    }
}

fn run(tree: usize, seed: u64, steps: usize, dispatches: &mut Dispatches) {
    let tree = TREES[tree];
    let mut schedule = Schedule {
        world: World::of(tree),
        tree,
        random: SeededEntropy::from_u64(seed),
        dispatches,
        submitted: BTreeMap::new(),
        confirmed: BTreeSet::new(),
    };
    schedule.world.connect_all();
    for _ in 0..steps {
        schedule.step();
    }
    schedule.heal();
    schedule.check();
}

#[test]
fn every_promise_is_kept_under_any_schedule() {
    let dispatches = std::cell::RefCell::new(Dispatches(BTreeMap::new()));
    let given = Config::default();
    let config = Config {
        cases: if given.cases == USUAL_CASES { SCHEDULES } else { given.cases },
        rng_seed: match given.rng_seed {
            RngSeed::Random => RngSeed::Fixed(2026),
            fixed => fixed,
        },
        failure_persistence: None,
        ..given
    };
    // Fewer steps of the same seed are the beginning of the same schedule: so it shrinks.
    let schedules = (0..TREES.len(), any::<u64>().no_shrink(), 1..STEPS_MAX);
    let result = TestRunner::new(config).run(&schedules, |(tree, seed, steps)| {
        run(tree, seed, steps, &mut dispatches.borrow_mut());
        Ok(())
    });
    if let Err(failure) = result {
        panic!("(tree, seed, steps): {failure}");
    }
}
