//! The control stream of one session.

use std::collections::VecDeque;
use std::sync::Arc;

use tram_dispatch::{Code, Digest, EpochId, NetworkId, NodeId, UnixMillis};
use tram_trust::{VerifiedCheckpoint, Verifier};
use tram_wire::WireError;
use tram_wire::frame::{Frame, Hello};

use crate::held::{Claim, HeldCheckpoint, TwoHistories};

/// Most receipt batches taken while the peer's proof is still on its way: as many as a peer may
/// have under way.
const EARLY_BATCHES_MAX: usize = 4;

/// The protocol version this code speaks.
pub(crate) const VERSION: u16 = 1;

/// What this side says of itself, and holds of the other.
#[derive(Clone, Debug)]
pub struct Local {
    /// The network.
    pub network: NetworkId,
    /// This node.
    pub node: NodeId,
    /// Version and digest of the directory in force.
    pub directory: (u64, Digest),
    /// The epoch of our receipt log.
    pub epoch: EpochId,
    /// Our newest checkpoint, a signed note over a durable tree.
    pub checkpoint: Vec<u8>,
    /// What we hold of the peer's log.
    pub held: Option<HeldCheckpoint>,
    /// Our wall clock.
    pub wall: UnixMillis,
    /// How many transfers we take at a time.
    pub credit: u32,
}

/// What the shell must do.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Send this frame.
    Send(Frame),
    /// What the peer holds of our log. It comes before everything else that a hello brings, also when
    /// that is refused: it does not depend on what the peer says of itself.
    Claim(Claim),
    /// Hello is done: the peer is who it should be and its log extends what we held.
    Up {
        /// The peer's epoch.
        epoch: EpochId,
        /// Its checkpoint: (size, root, note); absent for an empty log.
        checkpoint: Option<(u64, [u8; 32], Arc<[u8]>)>,
        /// What we held of this epoch and it was shown to extend: (size, root).
        extends: Option<(u64, [u8; 32])>,
        /// Its wall clock.
        wall: UnixMillis,
        /// Version and digest of its directory.
        directory: (u64, Digest),
        /// How many transfers it takes at a time.
        credit: u32,
    },
    /// Make a consistency proof over our log and give it to [`Session::prove`].
    Prove {
        /// Size the peer held.
        old: u64,
        /// Size of the checkpoint we sent.
        new: u64,
    },
    /// The peer's log grew: a newer checkpoint, proved to extend what we held.
    Checkpoint {
        /// The newer one.
        shown: VerifiedCheckpoint,
        /// What we held of this epoch: (size, root).
        extends: Option<(u64, [u8; 32])>,
    },
    /// A frame about cosignatures or proofs, as it came; nothing about it is verified.
    Cosigning(Frame),
    /// A frame about directories, as it came; nothing about it is verified.
    Directory(Frame),
    /// Receipts came.
    Receipts {
        /// The peer's number for the batch.
        batch: u64,
        /// As bytes.
        receipts: Vec<Vec<u8>>,
        /// Statements that they may name, as bytes.
        statements: Vec<Vec<u8>>,
    },
    /// The peer stored a batch of ours.
    Stored(u64),
}

/// Why the session must end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Refused {
    /// The code; also what the peer is told.
    pub code: Code,
    /// In words.
    pub detail: String,
}

/// A frame that is none ends the session as one that has no place does.
impl From<WireError> for Refused {
    fn from(error: WireError) -> Self {
        Refused { code: error.code, detail: error.detail }
    }
}

/// The code and the words, for whoever passes them on.
impl From<Refused> for (Code, String) {
    fn from(refused: Refused) -> Self {
        (refused.code, refused.detail)
    }
}

impl Refused {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Refused { code, detail: detail.into() }
    }
}

#[derive(Debug)]
enum Stage {
    /// Our hello is sent, the peer's is awaited.
    Greeting,
    /// The peer's hello is good; the proof that its log extends what we held is awaited.
    Proving { hello: Box<Hello>, shown: VerifiedCheckpoint, early: Vec<Event> },
    /// Running; a newer checkpoint of the peer may await its proof.
    Up { epoch: EpochId, shown: Option<VerifiedCheckpoint> },
}

/// One session.
#[derive(Debug)]
pub struct Session {
    peer: NodeId,
    local: Local,
    stage: Stage,
    events: VecDeque<Event>,
    /// What is really held of the peer's log, where another session came between.
    go_on_from: Option<HeldCheckpoint>,
    two_histories: Option<TwoHistories>,
}

impl Session {
    /// Starts a session with a peer that TLS authenticated; the first event is our hello.
    pub fn new(peer: NodeId, local: Local) -> Self {
        let hello = Hello {
            network: local.network,
            versions: vec![VERSION],
            features: Vec::new(),
            node: local.node.clone(),
            directory_version: local.directory.0,
            directory: local.directory.1,
            epoch: local.epoch,
            checkpoint: local.checkpoint.clone(),
            held: local.held.as_ref().map(|held| held.note.to_vec()),
            wall: local.wall,
            credit: local.credit,
        };
        let events = VecDeque::from([Event::Send(Frame::Hello(Box::new(hello)))]);
        Session {
            peer,
            local,
            stage: Stage::Greeting,
            events,
            go_on_from: None,
            two_histories: None,
        }
    }

    /// The next thing to do.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether hello is done.
    pub fn is_up(&self) -> bool {
        matches!(self.stage, Stage::Up { .. })
    }

    /// What the peer signed and should not have, once [`Session::handle`] refused it for that.
    pub fn two_histories(&self) -> Option<&TwoHistories> {
        self.two_histories.as_ref()
    }

    /// Takes one frame of the control stream.
    ///
    /// # Errors
    /// [`Refused`]: tell the peer (`HelloRefused`) and close.
    pub fn handle(&mut self, frame: Frame, verifier: &Verifier) -> Result<(), Refused> {
        match (frame, std::mem::replace(&mut self.stage, Stage::Greeting)) {
            (Frame::Hello(hello), Stage::Greeting) => self.hello(*hello, verifier),
            (Frame::HelloRefused { code, detail }, _) => {
                Err(Refused::new(code, format!("the peer refused: {detail}")))
            }
            (Frame::ConsistencyRequest { epoch, old_size, new_size }, stage) => {
                self.stage = stage;
                if epoch != self.local.epoch || old_size == 0 || old_size > new_size {
                    let detail = "a consistency proof was asked for that does not exist";
                    return Err(Refused::new(Code::Malformed, detail));
                }
                self.events.push_back(Event::Prove { old: old_size, new: new_size });
                Ok(())
            }
            (
                Frame::Consistency { epoch, old_size, new_size, path },
                Stage::Proving { hello, shown, early },
            ) => {
                self.settle(&shown, (epoch, old_size, new_size), path)?;
                self.come_up(*hello, Some(shown));
                self.events.extend(early);
                Ok(())
            }
            (
                Frame::Consistency { epoch, old_size, new_size, path },
                Stage::Up { epoch: of_peer, shown: Some(shown) },
            ) => {
                self.settle(&shown, (epoch, old_size, new_size), path)?;
                self.stage = Stage::Up { epoch: of_peer, shown: None };
                self.keep(shown);
                Ok(())
            }
            (Frame::Checkpoint { note }, Stage::Up { epoch, shown: None }) => {
                self.grown(&note, epoch, verifier)
            }
            // The peer needed no proof of us, so it is up already; what it sends waits until we are.
            (
                Frame::Receipts { batch, receipts, statements },
                Stage::Proving { hello, shown, mut early },
            ) if early.len() < EARLY_BATCHES_MAX => {
                early.push(Event::Receipts { batch, receipts, statements });
                self.stage = Stage::Proving { hello, shown, early };
                Ok(())
            }
            (Frame::Receipts { batch, receipts, statements }, stage @ Stage::Up { .. }) => {
                self.stage = stage;
                self.events.push_back(Event::Receipts { batch, receipts, statements });
                Ok(())
            }
            (Frame::Stored { batch }, stage @ Stage::Up { .. }) => {
                self.stage = stage;
                self.events.push_back(Event::Stored(batch));
                Ok(())
            }
            (
                frame @ (Frame::Cosignature { .. }
                | Frame::CosignatureRequest { .. }
                | Frame::CosignatureHeld { .. }
                | Frame::ProofRequest { .. }
                | Frame::Proof { .. }),
                stage,
            ) => {
                // Before the peer is known to be who it should be, nothing is worth a cosignature.
                if matches!(stage, Stage::Up { .. }) {
                    self.events.push_back(Event::Cosigning(frame));
                }
                self.stage = stage;
                Ok(())
            }
            (
                frame @ (Frame::Directory { .. }
                | Frame::DirectoryRequest { .. }
                | Frame::DirectoryPiece(_)),
                stage,
            ) => {
                if matches!(stage, Stage::Up { .. }) {
                    self.events.push_back(Event::Directory(frame));
                }
                self.stage = stage;
                Ok(())
            }
            // A later version may send what this one does not know and may ignore. Of checkpoints one is
            // looked at at a time; epochs are the shell's, which looks at them before a hello may need
            // them.
            (Frame::Unknown { .. } | Frame::Checkpoint { .. } | Frame::Epoch { .. }, stage) => {
                self.stage = stage;
                Ok(())
            }
            (other, stage) => {
                self.stage = stage;
                let detail = format!("frame {} has no place here", crate::name(&other));
                Err(Refused::new(Code::Malformed, detail))
            }
        }
    }

    /// Another session of the peer came between: its next checkpoint is to be proved from this one.
    pub fn go_on_from(&mut self, held: HeldCheckpoint) {
        match self.stage {
            Stage::Up { epoch, shown: None } if epoch == held.epoch => {
                self.local.held = Some(held);
            }
            // A proof is on its way, from what was asked for.
            Stage::Up { epoch, .. } if epoch == held.epoch => self.go_on_from = Some(held),
            _ => {}
        }
    }

    /// Answers an [`Event::Prove`].
    pub fn prove(&mut self, old: u64, new: u64, path: Vec<[u8; 32]>) {
        self.events.push_back(Event::Send(Frame::Consistency {
            epoch: self.local.epoch,
            old_size: old,
            new_size: new,
            path,
        }));
    }

    fn hello(&mut self, hello: Hello, verifier: &Verifier) -> Result<(), Refused> {
        if hello.network != self.local.network {
            let detail = format!("the peer is of network {}", hello.network.short());
            return Err(Refused::new(Code::WrongNetwork, detail));
        }
        if hello.node != self.peer {
            let detail = format!("certificate says {}, hello says {}", self.peer, hello.node);
            return Err(Refused::new(Code::PeerNotInDirectory, detail));
        }
        if !hello.versions.contains(&VERSION) {
            let detail = format!("versions {:?}, this node speaks {VERSION}", hello.versions);
            return Err(Refused::new(Code::Malformed, detail));
        }
        if verifier.directory().epoch(&hello.node, &hello.epoch).is_none() {
            let detail = format!("the directory lists no epoch {} of it", hello.epoch.short());
            return Err(Refused::new(Code::PeerNotInDirectory, detail));
        }
        let claim = Claim::read(&self.local.node, hello.held.as_deref(), verifier);
        self.events.push_back(Event::Claim(claim));
        if hello.checkpoint.is_empty() {
            return self.compare(hello, None);
        }
        let shown = self.checkpoint(&hello.checkpoint, hello.epoch, verifier)?;
        self.compare(hello, Some(shown))
    }

    /// A checkpoint of the peer's log in this life of it.
    fn checkpoint(
        &self,
        note: &[u8],
        epoch: EpochId,
        verifier: &Verifier,
    ) -> Result<VerifiedCheckpoint, Refused> {
        let shown =
            verifier.checkpoint(&self.peer, note).map_err(|r| Refused::new(r.code, r.detail))?;
        if shown.epoch() != epoch {
            let detail = "hello and checkpoint name different epochs";
            return Err(Refused::new(Code::Malformed, detail));
        }
        Ok(shown)
    }

    /// Compares the peer's log with what we held of it.
    fn compare(&mut self, hello: Hello, shown: Option<VerifiedCheckpoint>) -> Result<(), Refused> {
        let proof = self.needs_proof(hello.epoch, shown.as_ref())?;
        match (proof, shown) {
            (Some(ask), Some(shown)) => {
                self.events.push_back(Event::Send(ask));
                let hello = Box::new(hello);
                self.stage = Stage::Proving { hello, shown, early: Vec::new() };
            }
            (_, shown) => self.come_up(hello, shown),
        }
        Ok(())
    }

    /// The peer's log grew while the session lasts.
    fn grown(&mut self, note: &[u8], epoch: EpochId, verifier: &Verifier) -> Result<(), Refused> {
        let shown = self.checkpoint(note, epoch, verifier)?;
        if let Some(ask) = self.needs_proof(epoch, Some(&shown))? {
            self.events.push_back(Event::Send(ask));
            self.stage = Stage::Up { epoch, shown: Some(shown) };
            return Ok(());
        }
        self.stage = Stage::Up { epoch, shown: None };
        // What is held already is not news.
        if self.held(epoch).is_none() {
            self.keep(shown);
        }
        Ok(())
    }

    /// The question that settles whether a tree extends what we held, where one is needed.
    fn needs_proof(
        &mut self,
        epoch: EpochId,
        shown: Option<&VerifiedCheckpoint>,
    ) -> Result<Option<Frame>, Refused> {
        let Some(held) = self.held(epoch) else { return Ok(None) };
        let (size, root) = shown.map_or((0, [0; 32]), |s| (s.size(), *s.root()));
        match held.needs_proof(&self.peer, size, &root) {
            Ok(false) => Ok(None),
            Ok(true) => {
                let old_size = held.size;
                Ok(Some(Frame::ConsistencyRequest { epoch, old_size, new_size: size }))
            }
            Err(refused) => Err(self.accuse(refused, shown)),
        }
    }

    /// Takes the proof that was asked for.
    fn settle(
        &mut self,
        shown: &VerifiedCheckpoint,
        proves: (EpochId, u64, u64),
        path: Vec<[u8; 32]>,
    ) -> Result<(), Refused> {
        let Some(held) = self.held(shown.epoch()) else { return Ok(()) };
        let asked = (shown.epoch(), held.size, shown.size());
        if proves == asked && held.is_extended_by(shown, path) {
            return Ok(());
        }
        let detail = format!(
            "the log of {} at size {} does not extend what we held at size {}",
            self.peer,
            shown.size(),
            held.size
        );
        Err(self.accuse(Refused::new(Code::LogFork, detail), Some(shown)))
    }

    fn accuse(&mut self, refused: Refused, shown: Option<&VerifiedCheckpoint>) -> Refused {
        self.two_histories = self.local.held.clone().map(|held| TwoHistories {
            code: refused.code,
            held,
            shown: shown.map_or_else(Arc::default, |s| s.note().into()),
        });
        refused
    }

    /// What we hold of the peer's log in this life of it.
    fn held(&self, epoch: EpochId) -> Option<&HeldCheckpoint> {
        self.local.held.as_ref().filter(|held| held.epoch == epoch && held.size > 0)
    }

    /// What a checkpoint of this epoch was held against.
    fn extended(&self, epoch: EpochId) -> Option<(u64, [u8; 32])> {
        self.held(epoch).map(|held| (held.size, held.root))
    }

    fn keep(&mut self, shown: VerifiedCheckpoint) {
        let extends = self.extended(shown.epoch());
        let next = self.go_on_from.take().unwrap_or_else(|| HeldCheckpoint::of(&shown));
        self.local.held = Some(next);
        self.events.push_back(Event::Checkpoint { shown, extends });
    }

    fn come_up(&mut self, hello: Hello, shown: Option<VerifiedCheckpoint>) {
        let extends = self.extended(hello.epoch);
        self.stage = Stage::Up { epoch: hello.epoch, shown: None };
        self.local.held = shown.as_ref().map(HeldCheckpoint::of);
        self.events.push_back(Event::Up {
            epoch: hello.epoch,
            checkpoint: shown.map(|s| (s.size(), *s.root(), s.note().into())),
            extends,
            wall: hello.wall,
            directory: (hello.directory_version, hello.directory),
            credit: hello.credit,
        });
    }
}
