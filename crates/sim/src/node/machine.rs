//! The machine under a node: its disk, its lives, and what reaches its process while it runs.

use tram_dispatch::{AgencyCode, Code, Digest, DispatchId, NodeId, Now};
use tram_engine::{Action as Operation, Engine, Input, Settings, Token};

use super::action::{Action, Session, Stream};
use super::disk::{DiskPlants, SimDisk};
use super::documents::Submission;
use super::running::{Running, Stop};
use crate::land::{Court, Life, land};
use crate::plant::Plant;

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

/// One node: a machine that outlives its process.
pub struct Node {
    pub(super) place: usize,
    pub(super) life: usize,
    pub(super) directory: usize,
    pub(super) options: NodeOptions,
    pub(super) disk: SimDisk,
    pub(super) anchor: SimDisk,
    pub(super) starts: u64,
    pub(super) running: Option<Running>,
    pub(super) last_actions: std::collections::VecDeque<Action>,
}

impl Node {
    /// A machine with an empty disk, off. `place` is its place in the country.
    #[must_use]
    pub fn new(place: usize, options: NodeOptions) -> Self {
        let plants = disk_plants(options.plant);
        Node {
            place,
            life: 0,
            directory: 0,
            disk: SimDisk::new(plants),
            anchor: SimDisk::new(DiskPlants::default()),
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
            result = r.upload(now, agency, bytes)?;
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

/// The part of a planted bug that lies in how the disk is used.
pub(super) fn disk_plants(plant: Option<Plant>) -> DiskPlants {
    DiskPlants {
        dir_sync_forgotten: plant == Some(Plant::NoDirectorySync),
        sync_retried: plant == Some(Plant::RetryAfterFailedSync),
    }
}
