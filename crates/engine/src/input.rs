//! What can happen to a node.

use std::sync::Arc;

use tram_crypto::sha256;
use tram_dispatch::envelope::Document;
use tram_dispatch::limits::{INLINE_DOCUMENT_BYTES_MAX, INLINE_TOTAL_BYTES_MAX};
use tram_dispatch::{AgencyCode, Code, Digest, DispatchId, EpochId, NodeId, Status, UnixMillis};
use tram_trust::{
    Directory, VerifiedCheckpoint, VerifiedDispatch, VerifiedReceipt, VerifiedStatement,
    VerifiedVoid,
};

use crate::admit::number::Wanted;
use crate::cosign::Cosigning;
use crate::record::Stage;
use crate::retention::Overdue;
use crate::units::ForUnits;

/// Names the caller that waits for an answer; chosen by the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// The documents that came with a dispatch, each checked against its digest by the shell.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    /// Bytes small enough for the journal.
    pub inline: Vec<(Digest, Arc<[u8]>)>,
    /// Bytes already durable as files: (digest, size in bytes).
    pub files: Vec<(Digest, u64)>,
    /// Still to be fetched: the engine first says whether it wants them at all.
    pub missing: Vec<Digest>,
}

impl Documents {
    /// Takes bytes that must be this document, each document once.
    ///
    /// # Errors
    /// [`Code::DocumentDigestMismatch`] with words, where length or SHA-256 say that they are not.
    pub fn take_inline(
        &mut self,
        document: &Document,
        bytes: Vec<u8>,
    ) -> Result<(), (Code, String)> {
        if bytes.len() as u64 != document.size || Digest(sha256(&bytes)) != document.sha256 {
            let detail = format!("document {}", document.sha256);
            return Err((Code::DocumentDigestMismatch, detail));
        }
        if !self.inline.iter().any(|(d, _)| *d == document.sha256) {
            self.inline.push((document.sha256, bytes.into()));
        }
        Ok(())
    }

    /// Whether a document of this size, handed in as a file before, is read for the journal: a small one, as
    /// long as these together would ride along in a transfer. The others stay files.
    pub fn rides(&self, size: u64) -> bool {
        let here: u64 = self.inline.iter().map(|(_, bytes)| bytes.len() as u64).sum();
        size <= INLINE_DOCUMENT_BYTES_MAX as u64
            && here.saturating_add(size) <= INLINE_TOTAL_BYTES_MAX as u64
    }

    /// What an offer brings of the documents its envelope lists: those that ride along, by index,
    /// and the digests of the others as missing.
    ///
    /// # Errors
    /// [`Code::Malformed`] for an index that is not listed, else as [`Documents::take_inline`].
    pub fn of_offer(
        listed: &[Document],
        riding: Vec<(u16, Vec<u8>)>,
    ) -> Result<Self, (Code, String)> {
        let mut documents = Documents::default();
        for (index, bytes) in riding {
            let document = listed
                .get(usize::from(index))
                .ok_or_else(|| (Code::Malformed, format!("there is no document {index}")))?;
            documents.take_inline(document, bytes)?;
        }
        for d in listed {
            if !documents.inline.iter().any(|(digest, _)| *digest == d.sha256)
                && !documents.missing.contains(&d.sha256)
            {
                documents.missing.push(d.sha256);
            }
        }
        Ok(documents)
    }
}

/// One thing that happened.
#[derive(Debug)]
pub enum Input {
    /// A local program handed in a sealed dispatch.
    Submit {
        /// Who waits.
        token: Token,
        /// The dispatch.
        dispatch: VerifiedDispatch,
        /// Its documents; none may be missing.
        documents: Documents,
    },
    /// The key provider of this node is to seal something, and needs its number.
    Assign {
        /// Who waits.
        token: Token,
        /// What for.
        wanted: Wanted,
    },
    /// An agency says that a number of its series stays unused.
    Void {
        /// Who waits.
        token: Token,
        /// Its statement.
        void: VerifiedVoid,
    },
    /// The time of a dispatch's documents is over.
    Remove {
        /// Who waits.
        token: Token,
        /// Which, and by which rule.
        overdue: Overdue,
    },
    /// A peer offers a dispatch for some recipients.
    Offer {
        /// Who waits.
        token: Token,
        /// The peer.
        peer: NodeId,
        /// The dispatch.
        dispatch: VerifiedDispatch,
        /// The recipients it is offered for.
        recipients: Vec<AgencyCode>,
        /// The first node's receipt, then the upstream ones.
        receipts: Vec<VerifiedReceipt>,
        /// Its documents.
        documents: Documents,
    },
    /// A peer answered a transfer of ours.
    Answered {
        /// The peer.
        peer: NodeId,
        /// The dispatch.
        dispatch: DispatchId,
        /// Its answer for each recipient.
        answers: Vec<(AgencyCode, PeerAnswer)>,
    },
    /// A transfer of ours broke off without an answer.
    TransferFailed {
        /// The peer.
        peer: NodeId,
        /// The dispatch.
        dispatch: DispatchId,
        /// Why.
        cause: Code,
    },
    /// Work on a dispatch broke off in the middle: its handler panicked, or took too long.
    Broke {
        /// The dispatch; one that was not parsed yet goes by the SHA-256 of the sealed object.
        dispatch: DispatchId,
        /// What was being done.
        stage: Stage,
        /// The peer of a transfer of ours, which is tried again.
        peer: Option<NodeId>,
        /// In words.
        detail: String,
    },
    /// A stored document of a dispatch is not what was taken.
    Damaged {
        /// The dispatch.
        dispatch: DispatchId,
        /// In words.
        detail: String,
    },
    /// The documents of a dispatch that was set aside were read, and are what was taken.
    Sound {
        /// The dispatch.
        dispatch: DispatchId,
    },
    /// A peer gives receipts on their way back.
    Receipts {
        /// The peer.
        peer: NodeId,
        /// The peer's number for this batch; echoed when durable.
        batch: u64,
        /// Those that verify.
        receipts: Vec<VerifiedReceipt>,
    },
    /// A peer says that a batch of our receipts is durable there.
    Stored {
        /// The peer.
        peer: NodeId,
        /// Our number for the batch.
        batch: u64,
    },
    /// A session with a peer is up: hello was exchanged.
    PeerUp(PeerUp),
    /// A peer's newer checkpoint, verified to extend what its session held of its log.
    PeerCheckpoint {
        /// The newer one.
        shown: VerifiedCheckpoint,
        /// What the session held of this epoch: (size, root).
        extends: Option<(u64, [u8; 32])>,
    },
    /// Somebody asks for a cosignature, or gave one.
    Cosigning(Cosigning),
    /// A checkpoint of our own log that somebody else held: verified, so signed by us.
    Shown {
        /// Who held it.
        by: NodeId,
        /// The checkpoint.
        checkpoint: VerifiedCheckpoint,
    },
    /// The operator lets a log go on that nothing outside the store vouches for.
    AnchorAnyway {
        /// Who waits.
        token: Token,
        /// Why, in words.
        words: String,
    },
    /// The session with a peer ended.
    PeerDown {
        /// The peer.
        peer: NodeId,
    },
    /// The recipient's system took the dispatch and confirms.
    Confirm {
        /// Who waits.
        token: Token,
        /// The recipient.
        recipient: AgencyCode,
        /// The dispatch.
        dispatch: DispatchId,
    },
    /// The clerk registers it, or refuses with words.
    Register {
        /// Who waits.
        token: Token,
        /// The recipient.
        recipient: AgencyCode,
        /// The dispatch.
        dispatch: DispatchId,
        /// Absent: registered. Present: refused, and why.
        refusal: Option<String>,
        /// Of a refusal: `WRONG_ADDRESSEE`, `DOCUMENT_UNSOUND`, or absent for any other reason.
        cause: Option<Code>,
        /// The clerk's remark when registering.
        remark: Option<String>,
        /// The same under the agency's own seal.
        statement: Option<VerifiedStatement>,
    },
    /// The recipient's system says how far a registered dispatch is, or answers a recall or an update.
    Report {
        /// Who waits.
        token: Token,
        /// The recipient.
        recipient: AgencyCode,
        /// The dispatch.
        dispatch: DispatchId,
        /// How far: 04, 05 or 06; or the answer: 15 or 16.
        status: Status,
        /// In words, where there is more to say.
        remark: Option<String>,
        /// The same under the agency's own seal.
        statement: Option<VerifiedStatement>,
    },
    /// The clerk forwards it to units of the agency, or a unit says how far it is.
    Units {
        /// Who waits.
        token: Token,
        /// What is to be recorded.
        said: ForUnits,
    },
    /// The operator acts on a leg.
    Operate {
        /// Who waits.
        token: Token,
        /// The dispatch.
        dispatch: DispatchId,
        /// The recipient.
        recipient: AgencyCode,
        /// What to do.
        action: Action,
    },
    /// A newer directory is in force.
    Directory(Arc<Directory>),
    /// Time passed.
    Tick,
}

impl Input {
    /// The one dispatch that this is about, where it is about one. Not of [`Input::Broke`], which counts what
    /// broke off before.
    pub fn about(&self) -> Option<DispatchId> {
        match self {
            Input::Submit { dispatch, .. } | Input::Offer { dispatch, .. } => Some(dispatch.id()),
            Input::Answered { dispatch, .. }
            | Input::TransferFailed { dispatch, .. }
            | Input::Confirm { dispatch, .. }
            | Input::Register { dispatch, .. }
            | Input::Report { dispatch, .. }
            | Input::Damaged { dispatch, .. }
            | Input::Sound { dispatch }
            | Input::Operate { dispatch, .. } => Some(*dispatch),
            Input::Remove { overdue, .. } => Some(overdue.dispatch),
            Input::Units { said, .. } => Some(said.dispatch),
            _ => None,
        }
    }
}

/// A peer's answer for one recipient, its receipts verified.
#[derive(Debug)]
pub enum PeerAnswer {
    /// It holds it: RelayAcceptance or ContentConsignment.
    Accepted(VerifiedReceipt),
    /// It refuses for good, signed.
    Refused(VerifiedReceipt),
    /// Later, or refused without a signature: custody stays here.
    Later {
        /// Why.
        code: Code,
        /// When to try again, milliseconds from now; zero: our own schedule.
        retry_ms: u64,
    },
}

/// What a peer's hello said.
#[derive(Debug, Clone)]
pub struct PeerUp {
    /// The peer.
    pub peer: NodeId,
    /// The epoch of its receipt log.
    pub epoch: EpochId,
    /// Its checkpoint, verified to extend what its session held: (size, root, note).
    pub checkpoint: Option<(u64, [u8; 32], Arc<[u8]>)>,
    /// What its session held of this epoch: (size, root).
    pub extends: Option<(u64, [u8; 32])>,
    /// Its wall clock.
    pub wall: UnixMillis,
}

/// What an operator can do to a leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Stop work on it.
    Hold,
    /// Go on.
    Release,
    /// Try now.
    Retry,
    /// Give it up, with words; the originator gets evidence.
    Drop(String),
}
