//! Whether the end of this node's own log is known to be its end: asked before anything is signed.
//!
//! The shell says at the start what the anchor file, outside the store, says of it. Where that proves
//! that the store went back, nothing is signed any more. Where it only leaves a doubt, nothing is signed
//! until a peer showed a checkpoint of this log that agrees with the store, or the operator takes it
//! upon himself, which is evidence.

use tram_dispatch::{Code, DispatchId, Event, NodeId, Now};
use tram_trust::Standing;

use crate::engine::{Engine, Fatal};
use crate::input::Token;
use crate::output::Reply;
use crate::record::Owed;
use crate::release::Waiting;

/// What the anchor file says of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Anchor {
    /// It agrees with the store, or the store is new and so is the anchor; or none is kept.
    #[default]
    Agrees,
    /// Nothing that could be relied upon.
    Unclean(Doubt),
    /// It knows leaves that the store does not have.
    RolledBack {
        /// Leaves that it knows.
        size: u64,
    },
    /// It knows another root than the store has for this size.
    Forked {
        /// That size.
        size: u64,
    },
}

/// Why an anchor says nothing of the store that could be relied upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// There is none, and the store is not new.
    Missing,
    /// It is about another store.
    OtherStore,
    /// It was written on another machine.
    OtherMachine {
        /// Which.
        wrote: String,
    },
    /// It cannot be read.
    Unreadable {
        /// Why.
        detail: String,
    },
    /// It knows commits that the store does not have, and none of them signed anything.
    Ahead,
}

impl std::fmt::Display for Doubt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Doubt::Missing => f.write_str("the anchor is missing"),
            Doubt::OtherStore => f.write_str("the anchor is about another store"),
            Doubt::OtherMachine { wrote } => {
                write!(f, "the anchor was written on another machine ({wrote})")
            }
            Doubt::Unreadable { detail } => write!(f, "the anchor cannot be read ({detail})"),
            Doubt::Ahead => f.write_str("the anchor knows commits that the store does not have"),
        }
    }
}

/// The state of the gate before the first signature of this life of the process.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// What the anchor said at the start.
    said: Anchor,
    /// The doubt that still stands.
    doubt: Option<Doubt>,
    /// Who took it away, if a peer did.
    by: Option<NodeId>,
}

impl Gate {
    /// With what the anchor says at the start; also why the node is halted at once, if it is.
    pub(crate) fn new(said: Anchor) -> (Self, Option<Code>) {
        let (doubt, halted) = match &said {
            Anchor::Agrees => (None, None),
            Anchor::Unclean(doubt) => (Some(doubt.clone()), None),
            Anchor::RolledBack { .. } => (None, Some(Code::LogRollback)),
            Anchor::Forked { .. } => (None, Some(Code::LogFork)),
        };
        (Gate { said, doubt, by: None }, halted)
    }
}

impl Engine {
    /// Why nothing is signed at present, if so: halted for good, unanchored for now, or in an epoch that
    /// nobody takes yet.
    pub fn shut(&self) -> Option<Code> {
        let unanchored = || self.gate.doubt.as_ref().map(|_| Code::LogUnanchored);
        self.halted
            .or_else(unanchored)
            .or_else(|| self.is_unlisted().then_some(Code::EpochUnlisted))
    }

    /// Whether nobody would take what this epoch of the log signs: the directory does not list it, and
    /// this node's parent did not cosign it.
    fn is_unlisted(&self) -> bool {
        let issuer = self.log.issuer();
        let standing = self.directory.standing(&issuer.node, &issuer.epoch);
        standing.is_none_or(|standing| standing == Standing::Announced)
    }

    /// Why the log is unanchored, if it is.
    pub fn unanchored(&self) -> Option<&Doubt> {
        self.gate.doubt.as_ref()
    }

    /// What the anchor said at the start.
    pub fn anchor_said(&self) -> &Anchor {
        &self.gate.said
    }

    /// The peer that took a doubt away in this life of the process, if one did.
    pub fn anchored_by(&self) -> Option<&NodeId> {
        self.gate.by.as_ref()
    }

    /// A peer showed a checkpoint of this log that agrees with the store.
    pub(crate) fn agreed(&mut self, now: Now, by: &NodeId) {
        if self.halted.is_none() && self.gate.doubt.take().is_some() {
            self.gate.by = Some(by.clone());
            self.go_on(now);
        }
    }

    /// The operator takes the doubt upon himself: the first leaf that is signed then says so.
    pub(crate) fn anchor_anyway(
        &mut self,
        now: Now,
        token: Token,
        words: String,
    ) -> Result<(), Fatal> {
        let refused = |code, detail: String| Reply::Refused { code, detail, receipt: None };
        if let Some(code) = self.halted {
            let detail = "the log contradicts what was signed: begin a new epoch";
            self.reply(token, refused(code, detail.to_owned()));
            return Ok(());
        }
        if let Some((code, detail)) = Self::words_objection(&words) {
            self.reply(token, refused(code, detail));
            return Ok(());
        }
        let Some(doubt) = self.gate.doubt.take() else {
            let detail = "the log is anchored: there is nothing to override".to_owned();
            self.reply(token, refused(Code::WrongState, detail));
            return Ok(());
        };
        let issuer = self.log.issuer();
        // About no dispatch: the log itself stands in its place.
        let (log, agency) = (DispatchId(issuer.epoch.0), issuer.node.agency());
        let about = (log, tram_dispatch::Digest([0; 32]), agency);
        let mut e = self.evidence_about(now, Event::AnchorOverride, about, None, None);
        e.object = None;
        e.reason = Some(Code::LogUnanchored);
        e.remark = Some(remark(&doubt, &words));
        let leaf = self.witness(now, e, Vec::new())?;
        self.go_on(now);
        let owed = vec![Owed::Own(leaf)];
        self.wait(Waiting::Done { token, dispatch: log, owed, repeat: false });
        Ok(())
    }

    /// What waited for the gate is looked at now.
    fn go_on(&mut self, now: Now) {
        self.next_sweep_mono_ms = now.mono_ms;
    }
}

/// What the anchor said and why the operator goes on, as far as there is room.
fn remark(doubt: &Doubt, words: &str) -> String {
    let max = tram_dispatch::limits::TEXT_BYTES_MAX;
    let doubt = tram_dispatch::text::escaped(&doubt.to_string());
    let whole = format!("{doubt}: {words}");
    if whole.len() <= max { whole } else { words.to_owned() }
}
