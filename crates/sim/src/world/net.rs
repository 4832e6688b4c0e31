//! The network: links that delay, cut and end sessions; sessions with streams in order.

use std::collections::{BTreeMap, VecDeque};

use tram_wire::frame::{self, Frame, Outcome};
use tram_wire::{Receipt, SignedRoot};

use super::{Happening, World};
use crate::dice::Dice;
use crate::land::land;
use crate::node::{Octets, Session, Stream, framed};
use crate::plan::{Plan, Ways};

/// A side that hears nothing for so long takes the session for lost, ms.
const IDLE_MS: u64 = 10_000;
/// First and longest pause before dialling again, ms.
const DIAL_MS: (u64, u64) = (250, 4_000);
/// Offers and receipt batches kept to be repeated.
const KEPT_MAX: usize = 24;
/// Stream and batch numbers of what is repeated begin here: no node gets so far.
const FOREIGN: u64 = 1 << 40;

/// What travels on a stream.
#[derive(Debug)]
pub(super) struct Parcel {
    stream: Stream,
    /// Octets; none: the end of the stream.
    bytes: Option<Vec<u8>>,
}

pub(super) struct Link {
    pub(super) ends: [usize; 2],
    /// Until when nothing gets through from the first end, and from the second.
    cut_until: [u64; 2],
    slow: (u64, u64),
    dialling: [bool; 2],
    pause_ms: [u64; 2],
}

struct Wire {
    link: usize,
    dialler: usize,
    open: [bool; 2],
    incarnation: [u64; 2],
    /// When the newest octets of a stream arrive, by sending end.
    newest: BTreeMap<(usize, Stream), u64>,
    /// From when on nothing of this end arrives any more.
    mute: [u64; 2],
}

/// Something that went over a link.
struct Kept {
    from: usize,
    to: usize,
    bytes: Vec<u8>,
}

pub(super) struct Net {
    pub(super) links: Vec<Link>,
    wires: BTreeMap<Session, Wire>,
    next: u64,
    both_dial: bool,
    delay_ms: u64,
    loss_percent: u64,
    dice: Dice,
    kept: VecDeque<Kept>,
    repeated: u64,
}

impl Net {
    pub(super) fn new(plan: &Plan) -> Self {
        let link = |(a, b): (usize, usize)| Link {
            ends: [a, b],
            cut_until: [0; 2],
            slow: (0, 0),
            dialling: [false; 2],
            pause_ms: [DIAL_MS.0; 2],
        };
        Net {
            links: plan.links().into_iter().map(link).collect(),
            wires: BTreeMap::new(),
            next: 0,
            both_dial: plan.knobs.both_dial,
            delay_ms: plan.knobs.delay_ms,
            loss_percent: plan.knobs.loss_percent,
            dice: Dice::of(plan.seed, "net", 0),
            kept: VecDeque::new(),
            repeated: 0,
        }
    }

    fn place_of(&self, wire: &Wire, end: usize) -> usize {
        self.links[wire.link].ends[end]
    }

    fn end_of(&self, session: Session, place: usize) -> Option<usize> {
        let wire = self.wires.get(&session)?;
        self.links[wire.link].ends.iter().position(|p| *p == place)
    }

    pub(super) fn link(&self, a: usize, b: usize) -> Option<usize> {
        self.links.iter().position(|l| l.ends == [a.min(b), a.max(b)])
    }

    /// How long something sent now takes; with a loss it is sent again.
    fn delay(&mut self, t: u64, link: usize) -> u64 {
        let jitter = self.dice.below(self.delay_ms + 1);
        let again = match self.dice.percent(self.loss_percent) {
            true => self.dice.between(200, 1_200),
            false => 0,
        };
        let (extra, until) = self.links[link].slow;
        let extra = if t < until { extra } else { 0 };
        1 + self.delay_ms + jitter + again + extra
    }

    /// Sessions of a link.
    fn of_link(&self, link: usize) -> Vec<Session> {
        self.wires.iter().filter(|(_, w)| w.link == link).map(|(s, _)| *s).collect()
    }

    /// Faults of links end.
    pub(super) fn heal(&mut self) {
        self.loss_percent = 0;
        for link in &mut self.links {
            link.cut_until = [0; 2];
            link.slow = (0, 0);
        }
    }
}

impl World<'_> {
    /// A side dials whenever it has no session; the lower tier always, the other one if both do.
    pub(super) fn arm_dial(&mut self, link: usize, end: usize, after_ms: u64) {
        let l = &mut self.net.links[link];
        if (end == 1 || self.net.both_dial) && !l.dialling[end] {
            l.dialling[end] = true;
            self.after(after_ms, Happening::Dial(link, end));
        }
    }

    pub(super) fn dial_all(&mut self, place: usize) {
        for link in 0..self.net.links.len() {
            if let Some(end) = self.net.links[link].ends.iter().position(|p| *p == place) {
                self.net.links[link].pause_ms[end] = DIAL_MS.0;
                let after = 1 + self.net.dice.below(50);
                self.arm_dial(link, end, after);
            }
        }
    }

    pub(super) fn dial(&mut self, link: usize, end: usize) {
        let t = self.t;
        let l = &mut self.net.links[link];
        l.dialling[end] = false;
        let (me, other) = (l.ends[end], l.ends[1 - end]);
        if !self.sites[&me].node.runs() {
            return;
        }
        let has_one = self.net.wires.values().any(|w| w.link == link && w.open[end]);
        if has_one {
            return;
        }
        let l = &mut self.net.links[link];
        let reachable = l.cut_until.iter().all(|until| *until <= t);
        if !reachable || !self.sites[&other].node.runs() {
            let pause = l.pause_ms[end];
            l.pause_ms[end] = (2 * pause).min(DIAL_MS.1);
            let jitter = self.net.dice.below(pause / 2);
            self.arm_dial(link, end, pause + jitter);
            return;
        }
        l.pause_ms[end] = DIAL_MS.0;
        let d = self.net.delay(t, link);
        self.net.next += 1;
        let session = Session(self.net.next);
        let mut incarnation = [0; 2];
        incarnation[end] = self.sites[&me].incarnation;
        incarnation[1 - end] = self.sites[&other].incarnation;
        self.net.wires.insert(
            session,
            Wire {
                link,
                dialler: end,
                open: [true; 2],
                incarnation,
                newest: BTreeMap::new(),
                mute: [u64::MAX; 2],
            },
        );
        // The dialler is done after one round trip, the other side half a one later.
        self.after(2 * d, Happening::Opened(session, end));
        self.after(3 * d, Happening::Opened(session, 1 - end));
    }

    pub(super) fn opened(&mut self, session: Session, end: usize) {
        let Some(wire) = self.net.wires.get_mut(&session) else { return };
        if !wire.open[end] {
            return;
        }
        let (dialled, incarnation, link) = (wire.dialler == end, wire.incarnation[end], wire.link);
        let l = &self.net.links[link];
        let (place, peer) = (l.ends[end], l.ends[1 - end]);
        let site = &self.sites[&place];
        if !site.node.runs() || site.incarnation != incarnation {
            if let Some(wire) = self.net.wires.get_mut(&session) {
                wire.open[end] = false;
            }
            self.after(300, Happening::Lost(session, 1 - end));
            return;
        }
        let peer = land().places[peer].id.clone();
        self.on(place, |node, now| node.session_opened(now, session, &peer, dialled));
    }

    /// A node sends octets.
    pub(super) fn send(&mut self, place: usize, session: Session, stream: Stream, bytes: Vec<u8>) {
        self.keep(place, session, stream, &bytes);
        let bytes = self.forged(place, stream, bytes);
        self.put(place, session, stream, bytes);
    }

    fn put(&mut self, place: usize, session: Session, stream: Stream, bytes: Vec<u8>) {
        // What arrives is cut anywhere.
        let cut = match self.net.dice.below(4) {
            0 if bytes.len() > 1 => 1 + self.net.dice.place(bytes.len() - 1),
            _ => bytes.len(),
        };
        let (first, rest) = bytes.split_at(cut);
        self.post(place, session, Parcel { stream, bytes: Some(first.to_vec()) });
        if !rest.is_empty() {
            self.post(place, session, Parcel { stream, bytes: Some(rest.to_vec()) });
        }
    }

    pub(super) fn net_end(&mut self, place: usize, session: Session, stream: Stream) {
        self.post(place, session, Parcel { stream, bytes: None });
    }

    fn post(&mut self, place: usize, session: Session, parcel: Parcel) {
        let t = self.t;
        let Some(end) = self.net.end_of(session, place) else { return };
        let Some(link) = self.net.wires.get(&session).map(|w| w.link) else { return };
        let delay = self.net.delay(t, link);
        let l = &self.net.links[link];
        // Behind a cut it waits until the cut ends, if the session lives so long.
        let at = t.max(l.cut_until[end]) + delay;
        let Some(wire) = self.net.wires.get_mut(&session) else { return };
        let newest = wire.newest.entry((end, parcel.stream)).or_default();
        *newest = at.max(*newest);
        let at = *newest;
        self.at(at, Happening::Arrive(session, end, parcel));
    }

    pub(super) fn arrive(&mut self, session: Session, from: usize, parcel: Parcel) {
        let t = self.t;
        let Some(wire) = self.net.wires.get(&session) else { return };
        let to = 1 - from;
        if !wire.open[to] || t >= wire.mute[from] {
            return;
        }
        let place = self.net.place_of(wire, to);
        if self.sites[&place].incarnation != wire.incarnation[to] {
            return;
        }
        self.on(place, |node, now| match parcel.bytes {
            Some(bytes) => node.octets(now, session, parcel.stream, &bytes),
            None => node.stream_ended(now, session, parcel.stream),
        });
    }

    /// A node closes a session.
    pub(super) fn close(&mut self, place: usize, session: Session) {
        let t = self.t;
        let Some(end) = self.net.end_of(session, place) else { return };
        let Some(wire) = self.net.wires.get_mut(&session) else { return };
        wire.open[end] = false;
        let link = wire.link;
        let control = wire.newest.get(&(end, Stream::CONTROL)).copied().unwrap_or(t);
        let cut = self.net.links[link].cut_until[end] > t;
        let at = if cut { t + IDLE_MS } else { control.max(t + self.net.delay_ms) + 1 };
        self.at(at, Happening::Lost(session, 1 - end));
        let pause = self.net.dice.between(DIAL_MS.0, 2 * DIAL_MS.0);
        self.arm_dial(link, end, pause);
    }

    /// A side learns that a session is over.
    pub(super) fn lost(&mut self, session: Session, end: usize) {
        let Some(wire) = self.net.wires.get_mut(&session) else { return };
        let was_open = std::mem::replace(&mut wire.open[end], false);
        let (link, incarnation) = (wire.link, wire.incarnation[end]);
        let place = self.net.links[link].ends[end];
        let over = self.net.wires[&session].open.iter().all(|open| !open);
        if over {
            self.net.wires.remove(&session);
        }
        if !was_open || self.sites[&place].incarnation != incarnation {
            return;
        }
        self.on(place, |node, now| node.session_closed(now, session));
        let pause = self.net.dice.between(DIAL_MS.0, 2 * DIAL_MS.0);
        self.arm_dial(link, end, pause);
    }

    /// The process of a node ended: its sessions end, sooner or later, also for their other ends. Of
    /// what was on its way a part still arrives.
    pub(super) fn sever(&mut self, place: usize) {
        let t = self.t;
        let sessions: Vec<Session> = self.net.wires.keys().copied().collect();
        for session in sessions {
            let Some(end) = self.net.end_of(session, place) else { continue };
            let arrives = t + self.net.dice.below(2 * self.net.delay_ms + 2);
            let noticed = t + self.net.dice.pick(&[50, 500, IDLE_MS]);
            let Some(wire) = self.net.wires.get_mut(&session) else { continue };
            if std::mem::replace(&mut wire.open[end], false) {
                wire.mute[end] = wire.mute[end].min(arrives);
                self.at(noticed, Happening::Lost(session, 1 - end));
            }
        }
    }

    pub(super) fn cut(&mut self, ends: (usize, usize), ways: Ways, ms: u64) {
        let t = self.t;
        let Some(link) = self.net.link(ends.0, ends.1) else { return };
        let from: &[usize] = match ways {
            Ways::Both => &[0, 1],
            Ways::There => &[0],
            Ways::Back => &[1],
        };
        match ways {
            Ways::Both => self.stats.partitions += 1,
            Ways::There | Ways::Back => self.stats.one_way_partitions += 1,
        }
        for end in from {
            let until = &mut self.net.links[link].cut_until[*end];
            *until = (*until).max(t + ms);
        }
        if ms < IDLE_MS {
            return;
        }
        for session in self.net.of_link(link) {
            for end in from {
                // The far end hears nothing; the near one learns of it when the far one is gone.
                self.at(t + IDLE_MS, Happening::Lost(session, 1 - end));
                self.at(t + 2 * IDLE_MS, Happening::Lost(session, *end));
            }
        }
    }

    pub(super) fn flap(&mut self, ends: (usize, usize)) {
        let Some(link) = self.net.link(ends.0, ends.1) else { return };
        for session in self.net.of_link(link) {
            self.stats.flaps += 1;
            for end in 0..2 {
                let after = self.net.dice.below(200);
                self.after(after, Happening::Lost(session, end));
            }
        }
    }

    pub(super) fn slow_link(&mut self, ends: (usize, usize), extra_ms: u64, ms: u64) {
        let until = self.t + ms;
        if let Some(link) = self.net.link(ends.0, ends.1) {
            self.net.links[link].slow = (extra_ms, until);
        }
    }

    /// Keeps offers and receipts, to be repeated later.
    fn keep(&mut self, place: usize, session: Session, stream: Stream, bytes: &[u8]) {
        let Some(wire) = self.net.wires.get(&session) else { return };
        let Some(end) = self.net.end_of(session, place) else { return };
        let to = self.net.place_of(wire, 1 - end);
        let mut octets = Octets::default();
        octets.feed(bytes);
        let first = octets.frame().ok().flatten();
        let Some(Ok(frame)) = first.map(|f| frame::decode(&f)) else { return };
        let worth = match frame {
            Frame::Transfer(_) => true,
            Frame::Receipts { .. } => stream == Stream::CONTROL,
            _ => false,
        };
        if worth {
            self.net.kept.push_back(Kept { from: place, to, bytes: bytes.to_vec() });
            if self.net.kept.len() > KEPT_MAX {
                self.net.kept.pop_front();
            }
        }
    }

    /// Something that went over a link goes over it again, or from its taker to somebody else.
    pub(super) fn replay(&mut self, pick: u64, elsewhere: bool) {
        let n = self.net.kept.len() as u64;
        if n == 0 {
            return;
        }
        let kept = &self.net.kept[(pick % n) as usize];
        let bytes = kept.bytes.clone();
        // Elsewhere: whoever took it passes it on as it is, as if it were its own.
        let (from, to) = if elsewhere { (kept.to, kept.from) } else { (kept.from, kept.to) };
        let found = self.net.wires.iter().find_map(|(session, wire)| {
            let end = self.net.end_of(*session, from)?;
            let fits = (self.net.place_of(wire, 1 - end) == to) != elsewhere;
            let parity = u64::from(wire.dialler == end);
            (fits && wire.open == [true; 2]).then_some((*session, parity))
        });
        let Some((session, parity)) = found else { return };
        let mut octets = Octets::default();
        octets.feed(&bytes);
        let Ok(Some(first)) = octets.frame() else { return };
        self.net.repeated += 1;
        self.stats.replays += 1;
        let number = FOREIGN + self.net.repeated;
        match frame::decode(&first) {
            Ok(Frame::Transfer(_)) => {
                self.put(from, session, Stream(2 * number + parity), bytes);
            }
            Ok(Frame::Receipts { receipts, statements, .. }) => {
                let again = framed(&Frame::Receipts { batch: number, receipts, statements });
                self.put(from, session, Stream::CONTROL, again);
            }
            _ => {}
        }
    }

    /// Puts forged receipts into an answer, where that was asked for.
    fn forged(&mut self, place: usize, stream: Stream, bytes: Vec<u8>) -> Vec<u8> {
        if stream == Stream::CONTROL || !self.sites[&place].forge {
            return bytes;
        }
        let mut octets = Octets::default();
        octets.feed(&bytes);
        let first = octets.frame().ok().flatten();
        let Some(Ok(Frame::Answer(mut answers))) = first.map(|f| frame::decode(&f)) else {
            return bytes;
        };
        let mut some = false;
        for answer in &mut answers {
            if let Outcome::Accepted(raw) = &mut answer.outcome
                && let Some(made_up) = forge(raw)
            {
                *raw = made_up;
                some = true;
            }
        }
        if some {
            self.stats.forgeries += 1;
            if let Some(site) = self.sites.get_mut(&place) {
                site.forge = false;
            }
        }
        framed(&Frame::Answer(answers))
    }
}

/// A receipt with the same record that its node never signed.
fn forge(raw: &[u8]) -> Option<Vec<u8>> {
    let honest = Receipt::parse(raw).ok()?;
    let mut tree = tram_tlog::MemoryTree::new();
    tree.push(&tram_wire::evidence::commitment(honest.salt(), honest.record_bytes()));
    let signed = honest.signed_root();
    let root = SignedRoot {
        node: signed.node.clone(),
        epoch: signed.epoch,
        size: 1,
        time: signed.time,
        root: tree.root().0,
        key: signed.key,
        signature: vec![0x55; 64],
    };
    let network = honest.record().network;
    let made = Receipt::build(network, &root, 0, &[], honest.salt(), honest.record_bytes());
    Some(made.ok()?.raw().to_vec())
}
