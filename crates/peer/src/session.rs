//! The control stream of one session.

use std::collections::VecDeque;
use std::sync::Arc;

use tram_dispatch::{Code, Digest, EpochId, NetworkId, NodeId, UnixMillis};
use tram_tlog::{Hash, verify_consistency};
use tram_trust::Verifier;
use tram_wire::frame::{Frame, Held, Hello};

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
    /// What we hold of the peer's log: (epoch, size, root).
    pub held: Option<(EpochId, u64, [u8; 32])>,
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
    /// Hello is done: the peer is who it should be and its log extends what we held.
    Up {
        /// The peer's epoch.
        epoch: EpochId,
        /// Its checkpoint: (size, root, note); absent for an empty log.
        checkpoint: Option<(u64, [u8; 32], Arc<[u8]>)>,
        /// What it holds of our log.
        held: Option<(EpochId, u64, [u8; 32])>,
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
    /// Receipts came.
    Receipts {
        /// The peer's number for the batch.
        batch: u64,
        /// As bytes.
        receipts: Vec<Vec<u8>>,
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

impl Refused {
    fn new(code: Code, detail: impl Into<String>) -> Self {
        Refused { code, detail: detail.into() }
    }
}

#[derive(Debug)]
enum Stage {
    /// Our hello is sent, the peer's is awaited.
    Greeting,
    /// The peer's hello is good; the proof that its log extends what we held is awaited.
    Proving { hello: Box<Hello>, old: (u64, [u8; 32]), new: (u64, [u8; 32]), early: Vec<Event> },
    /// Running.
    Up,
}

/// One session.
#[derive(Debug)]
pub struct Session {
    peer: NodeId,
    local: Local,
    stage: Stage,
    events: VecDeque<Event>,
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
            held: local.held.map(|(epoch, size, root)| Held { epoch, size, root }),
            wall: local.wall,
            credit: local.credit,
        };
        let events = VecDeque::from([Event::Send(Frame::Hello(Box::new(hello)))]);
        Session { peer, local, stage: Stage::Greeting, events }
    }

    /// The next thing to do.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether hello is done.
    pub fn is_up(&self) -> bool {
        matches!(self.stage, Stage::Up)
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
                Stage::Proving { hello, old, new, early },
            ) => {
                let fits = epoch == hello.epoch && old_size == old.0 && new_size == new.0;
                let path: Vec<Hash> = path.into_iter().map(Hash).collect();
                let proof = verify_consistency(old.0, &Hash(old.1), new.0, &Hash(new.1), &path);
                if !fits || proof.is_err() {
                    let detail = format!(
                        "the log of {} at size {} does not extend what we held at size {}",
                        self.peer, new.0, old.0
                    );
                    return Err(Refused::new(Code::LogFork, detail));
                }
                self.come_up(*hello, Some(new));
                self.events.extend(early);
                Ok(())
            }
            // The peer needed no proof of us, so it is up already; what it sends waits until we are.
            (
                Frame::Receipts { batch, receipts },
                Stage::Proving { hello, old, new, mut early },
            ) if early.len() < EARLY_BATCHES_MAX => {
                early.push(Event::Receipts { batch, receipts });
                self.stage = Stage::Proving { hello, old, new, early };
                Ok(())
            }
            (Frame::Receipts { batch, receipts }, Stage::Up) => {
                self.stage = Stage::Up;
                self.events.push_back(Event::Receipts { batch, receipts });
                Ok(())
            }
            (Frame::Stored { batch }, Stage::Up) => {
                self.stage = Stage::Up;
                self.events.push_back(Event::Stored(batch));
                Ok(())
            }
            // A later version may send what this one does not know and may ignore.
            // Checkpoints and directories outside of hello are for a later version as well.
            (Frame::Unknown { .. } | Frame::Checkpoint { .. } | Frame::Directory { .. }, stage) => {
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
        if hello.checkpoint.is_empty() {
            return self.compare(hello, None);
        }
        let checkpoint = verifier
            .checkpoint(&hello.node, &hello.checkpoint)
            .map_err(|r| Refused::new(r.code, r.detail))?;
        if checkpoint.epoch() != hello.epoch {
            let detail = "hello and checkpoint name different epochs";
            return Err(Refused::new(Code::Malformed, detail));
        }
        let new = (checkpoint.size(), *checkpoint.root());
        self.compare(hello, Some(new))
    }

    /// Compares the peer's log with what we held of it.
    fn compare(&mut self, hello: Hello, new: Option<(u64, [u8; 32])>) -> Result<(), Refused> {
        let held = self.local.held.filter(|(epoch, size, _)| *epoch == hello.epoch && *size > 0);
        let Some((_, old_size, old_root)) = held else {
            self.come_up(hello, new);
            return Ok(());
        };
        let (size, root) = new.unwrap_or((0, [0; 32]));
        if size < old_size {
            let detail = format!("the log of {} has {size} leaves, we hold {old_size}", self.peer);
            return Err(Refused::new(Code::LogRollback, detail));
        }
        if size == old_size {
            if root != old_root {
                let detail = format!("two roots of the log of {} at size {size}", self.peer);
                return Err(Refused::new(Code::LogFork, detail));
            }
            self.come_up(hello, new);
            return Ok(());
        }
        let ask = Frame::ConsistencyRequest { epoch: hello.epoch, old_size, new_size: size };
        self.events.push_back(Event::Send(ask));
        let hello = Box::new(hello);
        let (old, new) = ((old_size, old_root), (size, root));
        self.stage = Stage::Proving { hello, old, new, early: Vec::new() };
        Ok(())
    }

    fn come_up(&mut self, hello: Hello, new: Option<(u64, [u8; 32])>) {
        self.stage = Stage::Up;
        let note: Arc<[u8]> = hello.checkpoint.into();
        self.events.push_back(Event::Up {
            epoch: hello.epoch,
            checkpoint: new.map(|(size, root)| (size, root, note)),
            held: hello.held.map(|h| (h.epoch, h.size, h.root)),
            wall: hello.wall,
            directory: (hello.directory_version, hello.directory),
            credit: hello.credit,
        });
    }
}
