//! What the process has in hand: which dispatch each thread is working on, noted in a file of the data
//! directory before the work begins.
//!
//! A note is one small write without a sync. It outlives the process, whatever ends that, and need not
//! outlive a power cut, which is no dispatch's doing. The next start counts an attempt, durably, for
//! each dispatch that was in hand, before it does anything else. Work means parsing, verifying, deciding,
//! reading back, reading documents: short pieces, never the waiting for a peer or a client, so that what is
//! in hand when somebody kills a healthy node is next to nothing.
//!
//! Noted by the SHA-256 of its bytes is what has no id of its own, or is not known to speak of the dispatch
//! that it names: what is handed in or offered, and a peer's receipts and statements. It is these bytes that
//! are set aside then, not the dispatch.
//!
//! Not noted is what is the same work whatever a dispatch says: reading frames and records apart (one decoder
//! without recursion beyond a fixed depth, for all of them), writing a batch, the receipt log's arithmetic,
//! listings of what is in memory.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tram_api::Problem;
use tram_dispatch::{Code, DispatchId, UnixMillis};
use tram_engine::record::Stage;
use tram_engine::{Batch, Input, Recovered};
use tram_spool::store::{CommitError, Store};

use super::context::Context;
use super::core::ToCore;

/// The file, in the data directory.
pub(crate) const HAND_FILE: &str = "in-hand";
/// Pieces of work noted at a time; more than there are threads that work.
const SLOTS: usize = 80;
/// The engine's own place.
const ENGINE: usize = 0;
/// Bytes of one note: a mark, the stage, the dispatch, and room.
const NOTE_BYTES: usize = 64;
/// First byte of a note.
const MARK: u8 = b'h';
/// Name of the machine's present run: a note from before a reboot counts for nothing.
const BOOT_FILE: &str = "/proc/sys/kernel/random/boot_id";

type Note = (DispatchId, Stage);

/// The file of notes.
pub(crate) struct Hands {
    file: File,
    slots: Mutex<Vec<Option<Work>>>,
    /// The note that the file has in the engine's place: it stays until the engine takes something else or
    /// rests, so that all that is decided about one dispatch on end costs one write.
    engine_noted: Mutex<Option<Note>>,
    /// Told of each piece of work that is noted, on its thread: tests die there.
    at_work: Option<AtWork>,
    /// What is in quarantine, as the engine said last.
    set_aside: RwLock<BTreeSet<DispatchId>>,
}

/// Is told of a piece of work, by its name and what is done, after it was noted and before it begins.
pub type AtWork = Box<dyn Fn(&DispatchId, &'static str) + Send + Sync>;

/// Why something handed in or offered was not looked at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Attempted {
    /// It is in quarantine.
    SetAside,
    /// It broke off, in words.
    Broke(String),
}

#[derive(Clone, Copy)]
struct Work {
    note: Note,
    /// Told from other work in the same place by this.
    serial: u64,
    /// Whether it must come to its end in moments.
    brief: bool,
}

/// Why it is not known what the process before had in hand.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StockError {
    #[error(transparent)]
    Commit(CommitError),
    #[error("{HAND_FILE}: {0}")]
    Io(#[from] io::Error),
}

/// Counts an attempt, durably, for each dispatch that the process before had in hand when it died;
/// before anything is done with any of them.
pub(super) fn take_stock(
    data_dir: &Path,
    store: &mut Store,
    recovered: &mut Recovered,
    now: UnixMillis,
    at_work: Option<AtWork>,
) -> Result<Arc<Hands>, StockError> {
    let (mut hands, before) = Hands::open(data_dir)?;
    for (dispatch, stage) in &before {
        tracing::error!(code = "WORK_UNFINISHED", %dispatch, "the process before ended in the middle of {}", stage.words());
    }
    let records = tram_engine::unfinished(recovered, &before, now);
    if !records.is_empty() {
        let batch = Batch { number: 0, records, tree_nodes: Vec::new() };
        match store.commit(&batch) {
            Err(e) if e.is_fatal() => return Err(StockError::Commit(e)),
            // Without room they count for this start only.
            Err(error) => tracing::warn!(%error, "attempts were not recorded"),
            Ok(_) => {}
        }
    }
    hands.begin()?;
    hands.at_work = at_work;
    Ok(Arc::new(hands))
}

impl Hands {
    /// Opens the file; gives what the process before had in hand, if it did not end in order.
    pub(crate) fn open(data_dir: &Path) -> io::Result<(Self, Vec<Note>)> {
        let path = data_dir.join(HAND_FILE);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(path)?;
        let boot = boot();
        let mut bytes = vec![0; NOTE_BYTES * (SLOTS + 1)];
        let mut read = 0;
        while read < bytes.len() {
            match file.read_at(&mut bytes[read..], read as u64)? {
                0 => break,
                n => read += n,
            }
        }
        let (head, notes) = bytes.split_at(NOTE_BYTES);
        let mut before: Vec<Note> = Vec::new();
        if head == boot {
            for note in notes.chunks_exact(NOTE_BYTES).filter_map(decode) {
                if !before.iter().any(|(id, _)| *id == note.0) {
                    before.push(note);
                }
            }
        }
        let slots = Mutex::new(vec![None; SLOTS]);
        let (engine_noted, set_aside) = (Mutex::default(), RwLock::default());
        Ok((Hands { file, slots, engine_noted, at_work: None, set_aside }, before))
    }

    /// Forgets what the process before had in hand: that is recorded by now.
    pub(crate) fn begin(&self) -> io::Result<()> {
        let mut bytes = vec![0; NOTE_BYTES * (SLOTS + 1)];
        bytes[..NOTE_BYTES].copy_from_slice(&boot());
        self.file.write_all_at(&bytes, 0)
    }

    /// The process ends, and of nothing that is in hand.
    pub(super) fn rest(&self) {
        if let Err(error) = self.begin() {
            tracing::warn!(%error, "what is in hand may be counted against it");
        }
    }

    /// Does a piece of work on a dispatch. A panic in it comes back in words.
    pub(crate) fn work<T>(
        self: &Arc<Self>,
        id: &DispatchId,
        stage: Stage,
        work: impl FnOnce() -> T,
    ) -> Result<T, String> {
        self.work_for(id, stage, true, work)
    }

    fn work_for<T>(
        self: &Arc<Self>,
        id: &DispatchId,
        stage: Stage,
        brief: bool,
        work: impl FnOnce() -> T,
    ) -> Result<T, String> {
        let _held = self.take(*id, stage, brief);
        // What the work shares with others is behind locks of its own, or is dropped with it.
        catch_unwind(AssertUnwindSafe(work))
            .map_err(|_| format!("a panic in the middle of {}", stage.words()))
    }

    /// Takes what was handed in or offered: not if it is in quarantine. It goes by the SHA-256 of its
    /// bytes, since before it is parsed it has no other name.
    pub(crate) fn attempt<T>(
        self: &Arc<Self>,
        sealed: &DispatchId,
        work: impl FnOnce() -> T,
    ) -> Result<T, Attempted> {
        if self.is_set_aside(sealed) {
            return Err(Attempted::SetAside);
        }
        self.work(sealed, Stage::Take, work).map_err(Attempted::Broke)
    }

    /// The same for what takes as long as it is large, or as the disk takes.
    pub(crate) fn attempt_long<T>(
        self: &Arc<Self>,
        id: &DispatchId,
        stage: Stage,
        work: impl FnOnce() -> T,
    ) -> Result<T, Attempted> {
        if self.is_set_aside(id) {
            return Err(Attempted::SetAside);
        }
        self.work_for(id, stage, false, work).map_err(Attempted::Broke)
    }

    fn is_set_aside(&self, id: &DispatchId) -> bool {
        self.set_aside.read().is_ok_and(|all| all.contains(id))
    }

    /// What is in quarantine from now on.
    pub(super) fn set_aside(&self, all: BTreeSet<DispatchId>) {
        if let Ok(mut set_aside) = self.set_aside.write() {
            *set_aside = all;
        }
    }

    /// Notes that work begins; it ends when what comes back is dropped.
    fn take(self: &Arc<Self>, id: DispatchId, stage: Stage, brief: bool) -> Option<Held> {
        let mut slots = self.slots();
        // Without a free place it goes unnoted: nobody waits for this.
        let slot = slots.iter().skip(ENGINE + 1).position(Option::is_none)? + ENGINE + 1;
        slots[slot] = Some(Work { note: (id, stage), serial: next(), brief });
        drop(slots);
        self.write(slot, Some((id, stage)));
        self.tell((id, stage));
        Some(Held { hands: self.clone(), slot })
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Option<Work>>> {
        // Every change under this lock is one assignment.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn engine_noted(&self) -> MutexGuard<'_, Option<Note>> {
        self.engine_noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, note: Note) {
        if let Some(at_work) = &self.at_work {
            at_work(&note.0, note.1.words());
        }
    }

    /// The engine rests, or turns to what is about no dispatch.
    pub(super) fn engine_rests(&self) {
        if self.engine_noted().take().is_some() {
            self.write(ENGINE, None);
        }
    }

    /// A note that cannot be written is missed only if the process dies of this very dispatch.
    fn write(&self, slot: usize, note: Option<Note>) {
        let at = ((slot + 1) * NOTE_BYTES) as u64;
        let bytes = note.map_or([0; NOTE_BYTES], encode);
        if let Err(error) = self.file.write_all_at(&bytes, at) {
            tracing::debug!(%error, "what is in hand was not noted");
        }
    }

    /// The engine failed, or hangs: what it has in hand is left for the next start.
    pub(crate) fn leave_note(&self) {
        let work = self.slots()[ENGINE];
        if let Some(work) = work {
            tracing::error!(dispatch = %work.note.0, "it ended in the middle of {}", work.note.1.words());
        }
    }

    /// The work under way that must come to its end in moments, with what tells it from other work.
    pub(super) fn under_way(&self) -> Vec<(u64, Note)> {
        let slots = self.slots();
        let brief = slots.iter().flatten().filter(|work| work.brief);
        brief.map(|work| (work.serial, work.note)).collect()
    }
}

/// What the engine decides and reads back. Only its thread, and a start before that, calls this.
impl tram_engine::Hand for Hands {
    fn take(&self, dispatch: &DispatchId, stage: Stage) {
        let note = (*dispatch, stage);
        let mut slots = self.slots();
        if slots[ENGINE].is_some_and(|work| work.note == note) {
            return;
        }
        slots[ENGINE] = Some(Work { note, serial: next(), brief: true });
        drop(slots);
        let noted = self.engine_noted().replace(note);
        if noted != Some(note) {
            self.write(ENGINE, Some(note));
        }
        self.tell(note);
    }

    fn lay_down(&self) {
        // Its note goes when the engine takes the next, or rests.
        self.slots()[ENGINE] = None;
    }
}

/// A piece of work under way.
struct Held {
    hands: Arc<Hands>,
    slot: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Before its place is free for others.
        self.hands.write(self.slot, None);
        self.hands.slots()[self.slot] = None;
    }
}

fn next() -> u64 {
    static SERIAL: AtomicU64 = AtomicU64::new(1);
    SERIAL.fetch_add(1, Ordering::Relaxed)
}

fn boot() -> [u8; NOTE_BYTES] {
    let mut head = [0; NOTE_BYTES];
    let id = std::fs::read(BOOT_FILE).unwrap_or_default();
    let len = id.len().min(NOTE_BYTES - 1);
    head[0] = 1;
    head[1..=len].copy_from_slice(&id[..len]);
    head
}

fn encode((id, stage): Note) -> [u8; NOTE_BYTES] {
    let mut bytes = [0; NOTE_BYTES];
    bytes[0] = MARK;
    bytes[1] = stage.number();
    bytes[2..34].copy_from_slice(id.as_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<Note> {
    let stage = Stage::from_number(*bytes.get(1)?).filter(|_| bytes[0] == MARK)?;
    Some((DispatchId(bytes.get(2..34)?.try_into().ok()?), stage))
}

impl Context {
    /// Has an attempt counted that did not come to an end.
    pub(crate) fn broke(&self, dispatch: DispatchId, stage: Stage, detail: String) {
        tracing::error!(code = "WORK_UNFINISHED", %dispatch, detail, "work on a dispatch broke off");
        // A core that is gone counts by the note that is left.
        let input = Input::Broke { dispatch, stage, peer: None, detail };
        let _ = self.core.send(ToCore::Input(input));
    }

    /// Does what a local caller handed in by these bytes, or by this name: not if it is set aside, and counted
    /// if it breaks off.
    pub(crate) fn attempted<T>(
        &self,
        id: DispatchId,
        what: &str,
        work: impl FnOnce() -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        match self.hands.attempt_long(&id, Stage::Take, work) {
            Ok(done) => done,
            Err(Attempted::SetAside) => {
                Err(Problem::new(Code::Quarantined, format!("{what}, by the name {id}")))
            }
            Err(Attempted::Broke(detail)) => {
                self.broke(id, Stage::Take, detail.clone());
                Err(Problem::new(Code::WorkUnfinished, detail).retry_after(60))
            }
        }
    }

    /// Has a dispatch set aside whose documents are damaged, or given back.
    pub(crate) fn damaged(&self, dispatch: DispatchId, detail: String) {
        tracing::error!(code = "STORE_CORRUPT", %dispatch, detail, "what is stored of it is damaged");
        let _ = self.core.send(ToCore::Input(Input::Damaged { dispatch, detail }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tram_engine::Hand as _;

    fn id(n: u8) -> DispatchId {
        DispatchId([n; 32])
    }

    fn opened(folder: &Path) -> (Arc<Hands>, Vec<Note>) {
        let (hands, before) = Hands::open(folder).unwrap();
        (Arc::new(hands), before)
    }

    #[test]
    fn what_was_in_hand_is_found_by_the_next_process_and_what_was_done_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (hands, before) = opened(folder.path());
        assert!(before.is_empty());
        hands.begin().unwrap();
        assert_eq!(hands.work(&id(1), Stage::Take, || 7), Ok(7));
        let failed: Result<(), String> = hands.work(&id(2), Stage::Give, || panic!("on purpose"));
        assert!(failed.unwrap_err().contains("reading its documents"));
        let cut = Hands::take(&hands, id(3), Stage::Fetch, true);
        tram_engine::Hand::take(&*hands, &id(4), Stage::Read);
        assert_eq!(hands.under_way().len(), 2);
        // The process ends here, in the middle of both.
        let (next, before) = opened(folder.path());
        assert_eq!(before, [(id(4), Stage::Read), (id(3), Stage::Fetch)]);
        drop(cut);
        hands.lay_down();
        hands.engine_rests();
        assert!(opened(folder.path()).1.is_empty());
        next.begin().unwrap();
    }

    #[test]
    fn what_is_in_quarantine_is_not_attempted() {
        let folder = tempfile::tempdir().unwrap();
        let (hands, _) = opened(folder.path());
        hands.begin().unwrap();
        let broke = hands.attempt(&id(1), || panic!("on purpose")).unwrap_err();
        assert!(matches!(broke, Attempted::Broke(_)));
        hands.set_aside([id(1), id(2)].into());
        assert_eq!(hands.attempt(&id(1), || ()), Err(Attempted::SetAside));
        assert_eq!(hands.attempt(&id(3), || 1), Ok(1));
        let long = || hands.attempt_long(&id(4), Stage::Read, || opened(folder.path()).1);
        assert_eq!(long(), Ok(vec![(id(4), Stage::Read)]), "noted as well");
        let watched = || hands.under_way().len();
        assert_eq!(hands.attempt_long(&id(5), Stage::Take, watched), Ok(0), "it may take long");
        assert_eq!(hands.attempt(&id(5), watched), Ok(1));
        hands.set_aside([id(4)].into());
        assert_eq!(long(), Err(Attempted::SetAside));
    }

    #[test]
    fn each_decision_is_noted_before_it_is_made_and_none_when_the_engine_rests() {
        let folder = tempfile::tempdir().unwrap();
        let (hands, _) = opened(folder.path());
        hands.begin().unwrap();
        let noted = || opened(folder.path()).1;
        for (n, stage) in [(5, Stage::Decide), (6, Stage::Decide), (6, Stage::Read)] {
            tram_engine::Hand::take(&*hands, &id(n), stage);
            assert_eq!(noted(), [(id(n), stage)]);
        }
        hands.lay_down();
        assert!(hands.under_way().is_empty(), "nobody waits for its end");
        hands.engine_rests();
        assert!(noted().is_empty());
        // The same again is noted anew.
        tram_engine::Hand::take(&*hands, &id(6), Stage::Read);
        assert_eq!(noted(), [(id(6), Stage::Read)]);
    }

    #[test]
    fn notes_from_before_a_reboot_count_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (hands, _) = opened(folder.path());
        hands.begin().unwrap();
        let _held = Hands::take(&hands, id(7), Stage::Take, true);
        assert_eq!(opened(folder.path()).1, [(id(7), Stage::Take)]);
        hands.file.write_all_at(b"another boot", 1).unwrap();
        assert!(opened(folder.path()).1.is_empty());
    }
}
