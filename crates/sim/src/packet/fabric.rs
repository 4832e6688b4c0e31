//! A network of UDP addresses in memory, under tokio's clock.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use crate::dice::Dice;

use super::socket::Socket;
use super::weather::{Fate, QUEUE_MS_MAX, Weather};

/// Most lines of a trace; the run goes on without.
const TRACE_LINES_MAX: usize = 200_000;
/// QUIC's own datagrams are never shorter; see [`damage`].
const HEADER_BITS: u8 = 0xc0;

/// What went over the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Datagrams sent.
    pub packets: u64,
    /// Their payload octets.
    pub bytes: u64,
    /// Of the datagrams, those that never arrived.
    pub dropped: u64,
    /// Of the dropped ones, those that were longer than the link takes.
    pub too_long: u64,
    /// Delivered twice.
    pub duplicated: u64,
    /// Delivered damaged.
    pub damaged: u64,
    /// Delivered behind one that was sent later on the same way.
    pub overtaken: u64,
}

/// The network. Clones are handles to the same one.
#[derive(Clone, Debug)]
pub struct Fabric {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
pub(super) struct State {
    start: Instant,
    dice: Dice,
    ways: BTreeMap<(SocketAddr, SocketAddr), Way>,
    hosts: BTreeMap<SocketAddr, Host>,
    names: BTreeMap<SocketAddr, String>,
    next: u64,
    hash: u64,
    traffic: Traffic,
    trace: Option<Vec<String>>,
}

/// One direction between two addresses.
#[derive(Debug)]
struct Way {
    weather: Weather,
    /// When a slow link has sent what it was given.
    free_at: Option<Instant>,
    /// The newest datagram that arrived.
    newest: u64,
}

/// An address, and what is on its way to it.
#[derive(Debug, Default)]
pub(super) struct Host {
    /// Which socket has it; 0 for none.
    pub(super) owner: u64,
    owners: u64,
    waiting: BTreeMap<(Instant, u64), Datagram>,
    pub(super) waker: Option<Waker>,
}

#[derive(Debug)]
pub(super) struct Datagram {
    pub(super) from: SocketAddr,
    pub(super) payload: Vec<u8>,
    number: u64,
}

impl Default for Way {
    fn default() -> Self {
        Way { weather: Weather::calm(), free_at: None, newest: 0 }
    }
}

impl Fabric {
    /// A calm network. Must be made inside a tokio runtime, whose clock it uses.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let state = State {
            start: Instant::now(),
            dice: Dice::of(seed, "packet fabric", 0),
            ways: BTreeMap::new(),
            hosts: BTreeMap::new(),
            names: BTreeMap::new(),
            next: 0,
            hash: 0xcbf2_9ce4_8422_2325,
            traffic: Traffic::default(),
            trace: None,
        };
        Fabric { state: Arc::new(Mutex::new(state)) }
    }

    /// Keeps a line for each datagram from now on.
    pub fn keep_trace(&self) {
        self.lock().trace.get_or_insert_default();
    }

    /// What an address is called in the trace.
    pub fn name(&self, addr: SocketAddr, name: &str) {
        self.lock().names.insert(addr, name.to_owned());
    }

    /// Puts a line of somebody else into the trace.
    pub fn note(&self, text: impl FnOnce() -> String) {
        let mut state = self.lock();
        if state.trace.is_some() {
            let text = text();
            state.line(text);
        }
    }

    /// Takes an address; whoever had it before neither sends nor receives any more.
    #[must_use]
    pub fn bind(&self, addr: SocketAddr) -> Arc<Socket> {
        let now = Instant::now();
        let mut state = self.lock();
        let host = state.hosts.entry(addr).or_default();
        host.owners += 1;
        host.owner = host.owners;
        host.waker = None;
        let owner = host.owner;
        // What arrived while nobody was there is gone; what is still on its way will arrive.
        state.drop_unheard(addr, now);
        drop(state);
        Arc::new(Socket::new(self.clone(), addr, owner))
    }

    /// The host is gone: nothing more comes from its socket, not even a goodbye.
    pub fn unplug(&self, addr: SocketAddr) {
        if let Some(host) = self.lock().hosts.get_mut(&addr) {
            host.owner = 0;
            host.waker = None;
        }
    }

    /// Sets one direction.
    pub fn set(&self, from: SocketAddr, to: SocketAddr, weather: Weather) {
        self.lock().ways.entry((from, to)).or_default().weather = weather;
    }

    /// Sets both directions.
    pub fn set_both(&self, a: SocketAddr, b: SocketAddr, weather: &Weather) {
        self.set(a, b, weather.clone());
        self.set(b, a, weather.clone());
    }

    /// Changes one direction.
    pub fn change(&self, from: SocketAddr, to: SocketAddr, change: impl FnOnce(&mut Weather)) {
        change(&mut self.lock().ways.entry((from, to)).or_default().weather);
    }

    /// No faults any more, anywhere.
    pub fn calm(&self) {
        for way in self.lock().ways.values_mut() {
            way.weather = Weather::calm();
        }
    }

    /// What went over the network up to now.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.lock().traffic
    }

    /// A digest of everything that happened: when, from, to, how long, and what became of it. What
    /// the octets were is left out: keys and connection ids are the system's.
    #[must_use]
    pub fn trace_hash(&self) -> u64 {
        self.lock().hash
    }

    /// The trace, if it was kept.
    #[must_use]
    pub fn take_trace(&self) -> Vec<String> {
        self.lock().trace.take().unwrap_or_default()
    }

    /// Time since the network began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        let start = self.lock().start;
        start.elapsed()
    }

    pub(super) fn send(&self, from: SocketAddr, owner: u64, to: SocketAddr, payload: &[u8]) {
        let mut state = self.lock();
        if state.hosts.get(&from).is_some_and(|h| h.owner == owner) {
            state.send(from, to, payload);
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Every change under this lock is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn send(&mut self, from: SocketAddr, to: SocketAddr, payload: &[u8]) {
        let now = Instant::now();
        self.traffic.packets += 1;
        self.traffic.bytes += payload.len() as u64;
        let way = self.ways.entry((from, to)).or_default();
        let weather = way.weather.clone();
        let leaves = match weather.rate_bytes_per_s {
            None => now,
            Some(rate) => {
                let begins = way.free_at.map_or(now, |at| at.max(now));
                let micros = payload.len() as u64 * 1_000_000 / u64::from(rate.max(1));
                begins + Duration::from_micros(micros)
            }
        };
        let waits = leaves.saturating_duration_since(now);
        let mut fate = if weather.cut {
            Fate::Cut
        } else if payload.len() as u64 > u64::from(weather.mtu_bytes) {
            Fate::TooLong
        } else if hits(&mut self.dice, weather.loss_ppm) {
            Fate::Lost
        } else if waits.as_millis() as u64 > QUEUE_MS_MAX {
            Fate::QueueFull
        } else if hits(&mut self.dice, weather.corrupt_ppm) {
            Fate::Damaged
        } else if hits(&mut self.dice, weather.duplicate_ppm) {
            Fate::Doubled
        } else {
            Fate::Sent
        };
        if !self.hosts.contains_key(&to) {
            fate = Fate::NobodyThere;
        }
        let copies = match fate {
            Fate::Sent | Fate::Damaged => 1,
            Fate::Doubled => 2,
            _ => 0,
        };
        if copies > 0 && weather.rate_bytes_per_s.is_some() {
            self.ways.entry((from, to)).or_default().free_at = Some(leaves);
        }
        match fate {
            Fate::Doubled => self.traffic.duplicated += 1,
            Fate::Damaged => self.traffic.damaged += 1,
            Fate::TooLong => {
                (self.traffic.dropped, self.traffic.too_long) =
                    (self.traffic.dropped + 1, self.traffic.too_long + 1)
            }
            Fate::Sent => {}
            _ => self.traffic.dropped += 1,
        }
        self.next += 1;
        let number = self.next;
        for _ in 0..copies {
            let (least, most) = (weather.delay_ms_min, weather.delay_ms_max);
            let delay = self.dice.between(least.into(), most.max(least).into());
            let mut payload = payload.to_vec();
            if fate == Fate::Damaged {
                damage(&mut payload, &mut self.dice);
            }
            self.next += 1;
            let at = (leaves + Duration::from_millis(delay), self.next);
            self.mix(delay);
            if let Some(host) = self.hosts.get_mut(&to) {
                host.waiting.insert(at, Datagram { from, payload, number });
                if let Some(waker) = host.waker.take() {
                    waker.wake();
                }
            }
        }
        self.record(from, to, payload.len(), fate);
    }

    /// The next datagram for an address that is due, or when to ask again.
    pub(super) fn receive(&mut self, addr: SocketAddr) -> Result<Datagram, Option<Instant>> {
        let now = Instant::now();
        let Some(host) = self.hosts.get_mut(&addr) else { return Err(None) };
        let Some(first) = host.waiting.first_entry() else { return Err(None) };
        if first.key().0 > now {
            return Err(Some(first.key().0));
        }
        let datagram = first.remove();
        let way = self.ways.entry((datagram.from, addr)).or_default();
        if datagram.number < way.newest {
            self.traffic.overtaken += 1;
        }
        way.newest = way.newest.max(datagram.number);
        Ok(datagram)
    }

    pub(super) fn host(&mut self, addr: SocketAddr) -> Option<&mut Host> {
        self.hosts.get_mut(&addr)
    }

    fn drop_unheard(&mut self, addr: SocketAddr, now: Instant) {
        let Some(host) = self.hosts.get_mut(&addr) else { return };
        let later = host.waiting.split_off(&(now, 0));
        self.traffic.dropped += host.waiting.len() as u64;
        host.waiting = later;
    }

    fn record(&mut self, from: SocketAddr, to: SocketAddr, len_bytes: usize, fate: Fate) {
        let at_ms = self.start.elapsed().as_millis() as u64;
        for value in [at_ms, port_of(from), port_of(to), len_bytes as u64, fate as u64] {
            self.mix(value);
        }
        if self.trace.is_some() {
            let (a, b) = (self.called(from), self.called(to));
            self.line(format!("{a} -> {b} {len_bytes} B {}", fate.word()));
        }
    }

    fn mix(&mut self, value: u64) {
        // FNV-1a.
        for byte in value.to_be_bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn called(&self, addr: SocketAddr) -> String {
        self.names.get(&addr).cloned().unwrap_or_else(|| addr.to_string())
    }

    fn line(&mut self, text: String) {
        let at = self.start.elapsed().as_millis();
        if let Some(trace) = &mut self.trace
            && trace.len() < TRACE_LINES_MAX
        {
            trace.push(format!("{:>4}.{:03} {text}", at / 1000, at % 1000));
        }
    }
}

/// Addresses of a simulation differ in port or in the end of their IP address.
fn port_of(addr: SocketAddr) -> u64 {
    let ip = match addr.ip() {
        std::net::IpAddr::V4(ip) => u64::from(ip.to_bits()),
        std::net::IpAddr::V6(ip) => ip.to_bits() as u64,
    };
    ip << 16 | u64::from(addr.port())
}

/// True so many times in a million.
fn hits(dice: &mut Dice, ppm: u32) -> bool {
    ppm > 0 && dice.below(1_000_000) < u64::from(ppm)
}

/// Changes one octet. The two top bits of the first octet, which say what kind of QUIC packet it
/// is, are left alone: with them another reader would look at random octets, and what it does then
/// could not be repeated.
fn damage(payload: &mut [u8], dice: &mut Dice) {
    let at = dice.below(payload.len() as u64) as usize;
    let change = dice.between(1, 255) as u8;
    let keep = if at == 0 { HEADER_BITS } else { 0 };
    if let Some(octet) = payload.get_mut(at) {
        *octet ^= match change & !keep {
            0 => 1,
            change => change,
        };
    }
}
