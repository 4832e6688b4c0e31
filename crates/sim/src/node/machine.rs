//! The machine under a node: its disk, its lives, how its process starts and ends.

use std::sync::Arc;

use tram_dispatch::{AgencyCode, Code, Digest, DispatchId, NodeId, Now};
use tram_engine::{Action as Operation, Engine, Input, Issuer, Settings, Token, genesis_batch};
use tram_spool::anchor::AnchorFile;
use tram_spool::disk::Disk;
use tram_spool::documents::{DocumentOptions, ListedDocument};
use tram_spool::store::{RecoveryReport, Store, StoreOptions};
use tram_trust::Verifier;

use super::action::{Action, Session, Stream};
use super::disk::SimDisk;
use super::documents::Submission;
use super::running::{Running, Stop};
use super::sight::Sight;
use crate::dice::Dice;
use crate::land::{Court, LIVES, Life, land};
use crate::plant::Plant;

/// Name of the anchor file on its disk.
const ANCHOR_NAME: &str = "node.anchor";

/// How a node is set up.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// The engine's settings.
    pub settings: Settings,
    /// Size of a journal segment, bytes.
    pub segment_bytes: u64,
    /// Free space that documents leave, bytes.
    pub reserve_bytes: u64,
    /// The planted bug.
    pub plant: Option<Plant>,
    /// Everything the node draws comes from it.
    pub seed: u64,
}

/// At what moment the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Between two things it does; a batch on its way did not reach the disk.
    Now,
    /// While a batch is written: so many operations of the commit were done.
    InCommit(u64),
    /// When the batch is durable and nobody has been told.
    AfterCommit,
}

/// What ends with the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// Nothing: the page cache stays.
    Process,
    /// The machine: of what was not synced a part is lost, by this seed.
    Power(u64),
}

/// Why a node did not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartError {
    /// The code.
    pub code: Code,
    /// In words.
    pub detail: String,
    /// The power went off while it started: nothing is wrong with it.
    pub cut: bool,
}

/// One node: a machine that outlives its process.
pub struct Node {
    place: usize,
    life: usize,
    directory: usize,
    options: NodeOptions,
    disk: SimDisk,
    anchor: SimDisk,
    starts: u64,
    running: Option<Running>,
    last_actions: std::collections::VecDeque<Action>,
}

impl Node {
    /// A machine with an empty disk, off. `place` is its place in the country.
    #[must_use]
    pub fn new(place: usize, options: NodeOptions) -> Self {
        let forgotten = options.plant == Some(Plant::NoDirectorySync);
        Node {
            place,
            life: 0,
            directory: 0,
            disk: SimDisk::new(forgotten),
            anchor: SimDisk::new(false),
            options,
            starts: 0,
            running: None,
            last_actions: std::collections::VecDeque::new(),
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &'static NodeId {
        &land().places[self.place].id
    }

    /// Its place in the country.
    #[must_use]
    pub fn place(&self) -> usize {
        self.place
    }

    /// Which life it lives, from 0.
    #[must_use]
    pub fn life(&self) -> usize {
        self.life
    }

    /// The keys and genesis of that life.
    #[must_use]
    pub fn keys(&self) -> &'static Life {
        &land().places[self.place].lives[self.life]
    }

    /// Its disk.
    #[must_use]
    pub fn disk(&self) -> &SimDisk {
        &self.disk
    }

    /// The version of its directory, from 0.
    #[must_use]
    pub fn directory(&self) -> usize {
        self.directory
    }

    /// Whether its process runs.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.running.is_some()
    }

    /// Whether a batch is on its way to disk.
    #[must_use]
    pub fn is_committing(&self) -> bool {
        self.running.as_ref().is_some_and(|r| r.committing.is_some())
    }

    /// The engine, while the process runs.
    #[must_use]
    pub fn engine(&self) -> Option<&Engine> {
        self.running.as_ref().map(|r| &r.engine)
    }

    /// The engine with its view of the past.
    #[must_use]
    pub fn engine_and_view(&self) -> Option<(&Engine, &dyn tram_engine::View)> {
        self.running.as_ref().map(|r| (&r.engine, &r.view as &dyn tram_engine::View))
    }

    /// What is committed, while the process runs.
    #[must_use]
    pub fn reader(&self) -> Option<tram_spool::store::StoreReader> {
        self.running.as_ref().map(|r| r.view.reader.clone())
    }

    /// A copy of the disk as a backup would have it: what is durable now.
    #[must_use]
    pub fn backup(&self, seed: u64) -> SimDisk {
        self.disk.crash(seed)
    }

    /// Puts a backup in the place of the disk; the process must not run. With `anchor_lost` the
    /// anchor outside of it is gone too.
    pub fn restore(&mut self, backup: &SimDisk, anchor_lost: bool) {
        self.disk = backup.crash(0);
        if anchor_lost {
            self.anchor = SimDisk::new(false);
        }
    }

    /// The disk is lost; the process must not run. A new life begins, if one is left.
    pub fn lose_disk(&mut self) -> bool {
        if self.life + 1 >= LIVES {
            return false;
        }
        self.life += 1;
        self.disk = SimDisk::new(self.options.plant == Some(Plant::NoDirectorySync));
        self.anchor = SimDisk::new(false);
        true
    }

    /// From the next start on the engine may hold so many dispatches.
    pub fn allow_more(&mut self, held_max: usize) {
        self.options.settings.held_max = held_max;
    }

    /// Starts the process on what the disk holds. `power_after`: the power goes off after so many
    /// changes of the disk; then nothing is left running.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(
        &mut self,
        now: Now,
        court: &Court,
        power_after: Option<u64>,
    ) -> Result<RecoveryReport, StartError> {
        self.starts += 1;
        if let Some(mutations) = power_after {
            self.disk.power_off_after(mutations);
        }
        let started = self.started(now, court.verifier(self.directory).clone());
        if self.disk.is_off() || (power_after.is_some() && started.is_ok()) {
            self.anchor.process_ends_after(0);
            self.disk.process_ends_after(0);
            drop(started);
            let detail = "the power went off".to_owned();
            return Err(StartError { code: Code::StorageFailed, detail, cut: true });
        }
        let (running, report) = started?;
        self.running = Some(running);
        Ok(report)
    }

    fn store_options(&self, dice: &mut Dice) -> StoreOptions {
        let mut store_id = [0; 16];
        store_id.copy_from_slice(&dice.bytes32()[..16]);
        StoreOptions {
            create_with_store_id: Some(store_id),
            documents: DocumentOptions {
                reserve_bytes: self.options.reserve_bytes,
                ..DocumentOptions::default()
            },
            anchor: Some(AnchorFile::on(Arc::new(self.anchor.clone()), ANCHOR_NAME)),
            machine_id: "simulated".to_owned(),
            segment_bytes: self.options.segment_bytes,
            ..StoreOptions::default()
        }
    }

    fn started(
        &self,
        now: Now,
        verifier: Arc<Verifier>,
    ) -> Result<(Running, RecoveryReport), StartError> {
        let fail = |code: Code, detail: String| StartError { code, detail, cut: false };
        let number = (self.place as u64) << 32 | self.starts;
        let mut dice = Dice::of(self.options.seed, "start", number);
        let options = self.store_options(&mut dice);
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let mut opened = Store::open(Arc::clone(&disk), options.clone());
        if self.options.plant == Some(Plant::FlippedBitIsTorn) {
            for _ in 0..64 {
                match &opened {
                    Err(e) if e.code() == Code::StoreCorrupt && self.zero_damage(&e.explain()) => {
                        opened = Store::open(Arc::clone(&disk), options.clone());
                    }
                    _ => break,
                }
            }
        }
        let (mut store, mut recovered, report) = opened.map_err(|e| fail(e.code(), e.explain()))?;
        if let Some(code) = report.anchor.code()
            && self.options.plant != Some(Plant::NoRollbackCheck)
        {
            return Err(fail(code, format!("the anchor outside the store: {:?}", report.anchor)));
        }
        let life = self.keys();
        let issuer = Issuer {
            network: land().network(),
            node: self.id().clone(),
            epoch: life.epoch,
            key: Arc::clone(&life.receipt),
        };
        if recovered.frontier.size() == 0 {
            let (batch, frontier) = genesis_batch(&issuer, &life.genesis, now.wall)
                .map_err(|e| fail(Code::Internal, e.to_string()))?;
            store.commit(&batch).map_err(|e| fail(e.code(), e.explain()))?;
            recovered.frontier = frontier;
            recovered.last_time = now.wall;
        }
        let head = (recovered.frontier.size(), recovered.frontier.root().0);
        let mut view = Sight::new(store.reader());
        if self.options.plant == Some(Plant::NoDeduplication) {
            view.hide_delivered(&mut recovered);
        }
        let settings = self.options.settings.clone();
        let directory = verifier.directory().clone();
        let engine = Engine::new(settings, issuer, directory, recovered, dice.bytes32())
            .map_err(|e| fail(Code::StoreCorrupt, e.to_string()))?;
        let mut running = Running::new(life, engine, store, view, verifier, head);
        running.plant = self.options.plant;
        running.flushed_ms = now.mono_ms;
        let mut unneeded = Vec::new();
        for listed in running.documents.list() {
            if let Ok(ListedDocument::Document(digest)) = listed {
                unneeded.push(Digest(digest));
            }
        }
        running.remove_documents(unneeded);
        Ok((running, report))
    }

    /// Zeroes the sector that an error names (a planted bug); false if it names none.
    fn zero_damage(&self, words: &str) -> bool {
        let number = |label: &str| -> Option<u64> {
            let rest = words.split(label).nth(1)?.trim_start();
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        };
        let (Some(segment), Some(offset)) = (number("journal segment"), number("at byte")) else {
            return false;
        };
        let path = format!("journal/{segment:020}.segment");
        self.disk.lose_sector(&path, offset / 512)
    }

    /// The process ends without warning, and perhaps the machine with it.
    pub fn crash(&mut self, moment: Moment, outage: Outage) {
        if let Some(mut running) = self.running.take() {
            match moment {
                Moment::Now => {}
                Moment::InCommit(operations) => {
                    match outage {
                        Outage::Process => self.disk.process_ends_after(operations),
                        Outage::Power(_) => self.disk.power_off_after(operations),
                    }
                    if let Some(batch) = running.committing.take() {
                        // Cut short: whatever it answers, nobody hears it.
                        let _ = running.store.commit(&batch);
                    }
                }
                Moment::AfterCommit => {
                    if let Some(batch) = running.committing.take() {
                        let _ = running.store.commit(&batch);
                    }
                }
            }
            // What would be put in order at a good end is not.
            self.disk.process_ends_after(0);
            self.anchor.process_ends_after(0);
            drop(running);
        }
        self.last_actions.clear();
        match outage {
            Outage::Process => {
                self.disk.process_ended();
                self.anchor.process_ended();
            }
            Outage::Power(seed) => {
                self.disk = self.disk.crash(seed);
                self.anchor = self.anchor.crash(seed.rotate_left(17));
            }
        }
    }

    /// The process ends in order; a batch on its way is finished first.
    pub fn stop(&mut self) {
        if let Some(mut running) = self.running.take() {
            if let Some(batch) = running.committing.take() {
                // Whether it went well is read from the disk at the next start.
                let _ = running.store.commit(&batch);
            }
            drop(running);
        }
        self.last_actions.clear();
    }

    /// The next thing to do.
    pub fn next_action(&mut self) -> Option<Action> {
        match self.running.as_mut() {
            Some(running) => running.actions.pop_front(),
            None => self.last_actions.pop_front(),
        }
    }

    /// When to call [`Node::tick`] at the latest, monotonic ms of its process.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        self.running.as_ref().map(Running::deadline)
    }

    fn with(&mut self, work: impl FnOnce(&mut Running) -> Result<(), Stop>) {
        let Some(running) = self.running.as_mut() else { return };
        if let Err(stop) = work(running) {
            let Some(mut running) = self.running.take() else { return };
            self.last_actions = std::mem::take(&mut running.actions);
            let Stop { code, detail } = stop;
            self.last_actions.push_back(Action::Stopped { code, detail });
            // It ends at once: nothing more is written, the anchor neither.
            self.disk.process_ends_after(0);
            self.anchor.process_ends_after(0);
            drop(running);
            self.disk.process_ended();
            self.anchor.process_ended();
        }
    }

    /// A session with an authenticated, adjacent peer stands.
    pub fn session_opened(&mut self, now: Now, session: Session, peer: &NodeId, dialled: bool) {
        self.with(|r| r.session_opened(now, session, peer, dialled));
    }

    /// A session is gone, from the other side or by the transport.
    pub fn session_closed(&mut self, now: Now, session: Session) {
        self.with(|r| r.session_closed(now, session));
    }

    /// Octets of a stream, in order.
    pub fn octets(&mut self, now: Now, session: Session, stream: Stream, bytes: &[u8]) {
        self.with(|r| r.octets(now, session, stream, bytes));
    }

    /// The peer finished its direction of a stream, or broke the stream off.
    pub fn stream_ended(&mut self, now: Now, session: Session, stream: Stream) {
        self.with(|r| r.stream_ended(now, session, stream));
    }

    /// The batch on its way has had its time: it is written now.
    pub fn commit_done(&mut self, now: Now) {
        self.with(|r| r.commit_done(now));
    }

    /// Time passed.
    pub fn tick(&mut self, now: Now) {
        self.with(|r| r.tick(now));
    }

    /// A directory is in force, by version from 0; also while the process does not run.
    pub fn set_directory(&mut self, now: Now, version: usize, court: &Court) {
        self.directory = version;
        let verifier = court.verifier(version).clone();
        self.with(|r| r.set_verifier(now, verifier));
    }

    /// Hands a sealed dispatch in. A refusal without evidence is given at once; everything else
    /// comes as [`Action::Reply`].
    ///
    /// # Errors
    /// The refusal.
    pub fn submit(
        &mut self,
        now: Now,
        token: Token,
        submission: &Submission,
    ) -> Result<(), (Code, String)> {
        let mut result = Err((Code::Busy, "the node does not run".to_owned()));
        self.with(|r| {
            result = r.submit(now, token, submission)?;
            r.turn(now)
        });
        result
    }

    /// Takes a document of an agency before the dispatch that names it.
    ///
    /// # Errors
    /// The refusal.
    pub fn upload(
        &mut self,
        now: Now,
        agency: &AgencyCode,
        bytes: &[u8],
    ) -> Result<(), (Code, String)> {
        let mut result = Err((Code::Busy, "the node does not run".to_owned()));
        self.with(|r| {
            result = r.upload(agency, bytes)?;
            r.turn(now)
        });
        result
    }

    /// Asks something that is answered with a reply.
    pub fn ask(&mut self, now: Now, token: Token, input: impl FnOnce(Token) -> Input) {
        self.with(|r| {
            if r.waits {
                return Ok(());
            }
            let inner = r.caller(token);
            r.handle(now, input(inner))?;
            r.turn(now)
        });
    }

    /// The operator acts on a leg.
    pub fn operate(
        &mut self,
        now: Now,
        token: Token,
        dispatch: DispatchId,
        recipient: &AgencyCode,
        action: Operation,
    ) {
        let recipient = recipient.clone();
        self.ask(now, token, |token| Input::Operate { token, dispatch, recipient, action });
    }

    /// Whether what a local reader sees now is durable; if not, ask again a moment later.
    #[must_use]
    pub fn may_be_read(&self) -> bool {
        self.running.as_ref().is_some_and(|r| r.engine.awaits_batch().is_none())
    }

    /// A document of a dispatch in an agency's mailbox.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub fn fetch(
        &self,
        agency: &AgencyCode,
        dispatch: &DispatchId,
        document: &Digest,
    ) -> Result<Vec<u8>, (Code, String)> {
        let busy = || (Code::Busy, "the node does not run".to_owned());
        self.running.as_ref().ok_or_else(busy)?.fetch(agency, dispatch, document)
    }

    /// Sessions and the octets that wait in them, for bounds: (sessions, streams, octets).
    #[must_use]
    pub fn waiting(&self) -> (usize, usize, usize) {
        self.running.as_ref().map_or((0, 0, 0), Running::waiting)
    }
}
