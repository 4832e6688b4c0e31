//! Statuses on their way back to who sent a document: each waits until the system of the door has it.
//!
//! They are gathered from the evidence, so nothing is lost with what stands here. Which of them were
//! confirmed is in a file beside: were it lost, some would be offered again, and no more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tram_api::Problem;
use tram_axis::DocId;
use tram_crypto::sha256_parts;
use tram_dispatch::envelope::Act;
use tram_dispatch::{AgencyCode, DispatchId, Reference, Status, UnixMillis};
use tram_edxml::map::{StatusOf, notice, reference_named};
use tram_edxml::{values::IssueDay, write_status};
use tram_engine::Notice;
use tram_engine::state::held::HeldDispatch;
use tram_trust::Directory;

use super::{BACK_MS, Speaker, broken};

/// The file of what was confirmed: one line each, time and id.
const DONE_FILE: &str = "statuses-done";
/// Largest such file that is read.
const DONE_BYTES_MAX: u64 = 64 << 20;
/// Most statuses that wait; the oldest go first, and are in `getSentEdocList` still.
const WAITING_MAX: usize = 100_000;
/// Ids whose owner is kept in memory, and confirmed ones before the old are forgotten.
const KNOWN_MAX: usize = 4 * WAITING_MAX;
/// A status older than this is offered only as it becomes known, milliseconds.
const OFFERED_MS: u64 = 2 * BACK_MS;
/// How long a confirmed one is remembered, milliseconds: a day more, for its time is another node's.
const DONE_MS: u64 = OFFERED_MS + 86_400_000;

/// A status that waits for the originator's system.
#[derive(Clone, Debug)]
pub(in crate::daemon) struct Item {
    pub(in crate::daemon) dispatch: DispatchId,
    pub(in crate::daemon) originator: AgencyCode,
    pub(in crate::daemon) recipient: AgencyCode,
    pub(in crate::daemon) reference: Reference,
    pub(in crate::daemon) number: Option<String>,
    pub(in crate::daemon) issued_on: Option<String>,
    pub(in crate::daemon) status: Status,
    pub(in crate::daemon) remark: Option<String>,
    pub(in crate::daemon) at: UnixMillis,
}

#[derive(Default)]
struct Inner {
    items: BTreeMap<DocId, Item>,
    /// The same in the order of their moments.
    order: BTreeSet<(UnixMillis, DocId)>,
    /// Confirmed, and when.
    done: BTreeMap<DocId, UnixMillis>,
    /// Which of the confirmed an account may ask about.
    owners: BTreeMap<DocId, AgencyCode>,
    dropped: bool,
}

impl Inner {
    fn insert(&mut self, id: DocId, item: Item) {
        self.order.insert((item.at, id));
        self.items.insert(id, item);
    }

    fn remove(&mut self, id: &DocId) {
        if let Some(item) = self.items.remove(id) {
            self.order.remove(&(item.at, *id));
        }
    }

    fn oldest_first(&self) -> impl Iterator<Item = (DocId, &Item)> {
        self.order.iter().filter_map(|(_, id)| Some((*id, self.items.get(id)?)))
    }
}

/// All statuses that wait.
pub(in crate::daemon) struct Notices {
    inner: Mutex<Inner>,
    file: Mutex<File>,
    waiting_max: usize,
}

impl Notices {
    /// Reads which were confirmed, and forgets those too old to be offered again.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub(in crate::daemon) fn open(folder: &Path, now: UnixMillis) -> io::Result<Self> {
        let path = folder.join(DONE_FILE);
        let mut text = String::new();
        match File::open(&path) {
            Ok(file) => {
                // A line that was cut short is none; what is not text is nothing.
                let mut bytes = Vec::new();
                file.take(DONE_BYTES_MAX).read_to_end(&mut bytes)?;
                text = String::from_utf8_lossy(&bytes).into_owned();
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
        let parse = |line: &str| {
            let (at, id) = line.split_once(' ')?;
            Some((id.parse().ok()?, UnixMillis(at.parse().ok()?)))
        };
        let young = |(_, at): &(DocId, UnixMillis)| now.since_ms(*at) <= DONE_MS;
        let done: BTreeMap<DocId, UnixMillis> =
            text.lines().filter_map(parse).filter(young).collect();
        let file = written_anew(folder, &path, &done)?;
        let inner = Mutex::new(Inner { done, ..Inner::default() });
        Ok(Notices { inner, file: Mutex::new(file), waiting_max: WAITING_MAX })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up the statuses of a dispatch, of which one may be the news.
    pub(super) fn gather(&self, held: &HeldDispatch, now: UnixMillis, news: Option<&Notice>) {
        let e = held.dispatch.envelope();
        let number = match (&e.metadata.number, &e.metadata.notation) {
            (Some(number), Some(notation)) => Some(format!("{number}/{notation}")),
            (Some(one), None) | (None, Some(one)) => Some(one.clone()),
            (None, None) => None,
        };
        // A system that asks a document back, or changes it, under the document's own id knows only that.
        let reference = reference_named(&e.reference, &e.act);
        let asks_back = *reference != e.reference && matches!(e.act, Act::Recall(_));
        for recipient in held.legs.keys() {
            for given in held.statuses(recipient) {
                // Under that id it would say that the document has just arrived.
                if asks_back && given.status == Status::Arrived {
                    continue;
                }
                let item = Item {
                    dispatch: held.id(),
                    originator: e.originator.clone(),
                    recipient: recipient.clone(),
                    reference: reference.clone(),
                    number: number.clone(),
                    issued_on: e.metadata.issued_on.clone(),
                    status: given.status,
                    remark: given.known.evidence.remark.clone(),
                    at: given.at,
                };
                let is_news = news.is_some_and(|n| {
                    n.recipient.as_ref() == Some(recipient)
                        && (n.time, n.status) == (given.at, Some(given.status.number()))
                });
                self.take_up(item, now, is_news);
            }
        }
    }

    /// Takes up one. Of an old one nobody knows any more whether it was confirmed: it is not offered again.
    fn take_up(&self, item: Item, now: UnixMillis, is_news: bool) {
        let id = id_of(item.dispatch, &item.recipient, item.status, item.at);
        let mut inner = self.inner();
        let is_old = now.since_ms(item.at) > OFFERED_MS;
        if is_old && !is_news && !inner.items.contains_key(&id) {
            return;
        }
        inner.owners.insert(id, item.originator.clone());
        if !inner.done.contains_key(&id) {
            inner.insert(id, item);
        }
        if inner.owners.len() > KNOWN_MAX {
            let Inner { owners, items, .. } = &mut *inner;
            owners.retain(|id, _| items.contains_key(id));
        }
        while inner.items.len() > self.waiting_max {
            let Some((_, oldest)) = inner.order.first().copied() else { break };
            inner.remove(&oldest);
            if !std::mem::replace(&mut inner.dropped, true) {
                tracing::warn!(
                    waiting_max = self.waiting_max,
                    "statuses wait for systems that do not ask for them; the oldest are not offered"
                );
            }
        }
    }

    /// What waits for these agencies, oldest first.
    pub(in crate::daemon) fn waiting(&self, agencies: &BTreeSet<AgencyCode>) -> Vec<(DocId, Item)> {
        let inner = self.inner();
        let own = inner.oldest_first().filter(|(_, item)| agencies.contains(&item.originator));
        own.map(|(id, item)| (id, item.clone())).collect()
    }

    /// The oldest of all that wait and are wanted, at most so many.
    pub(in crate::daemon) fn oldest(
        &self,
        most: usize,
        wanted: impl Fn(&DocId) -> bool,
    ) -> Vec<(DocId, Item)> {
        let inner = self.inner();
        let some = inner.oldest_first().filter(|(id, _)| wanted(id)).take(most);
        some.map(|(id, item)| (id, item.clone())).collect()
    }

    /// How many wait.
    pub(in crate::daemon) fn len(&self) -> usize {
        self.inner().items.len()
    }

    /// Whether it waits.
    pub(in crate::daemon) fn waits(&self, id: DocId) -> bool {
        self.inner().items.contains_key(&id)
    }

    pub(in crate::daemon) fn count(&self, agencies: &BTreeSet<AgencyCode>) -> u64 {
        let inner = self.inner();
        inner.items.values().filter(|i| agencies.contains(&i.originator)).count() as u64
    }

    /// Whether an id is that of a status of one of these agencies, and whether it was confirmed.
    pub(in crate::daemon) fn is_done(
        &self,
        agencies: &BTreeSet<AgencyCode>,
        id: DocId,
    ) -> Option<bool> {
        let inner = self.inner();
        let own = inner.owners.get(&id).is_some_and(|owner| agencies.contains(owner));
        own.then(|| inner.done.contains_key(&id))
    }

    /// The status as a file.
    pub(in crate::daemon) fn file(
        &self,
        who: &Speaker,
        id: DocId,
        directory: &Directory,
    ) -> Result<Option<Bytes>, Problem> {
        let found = self.inner().items.get(&id).cloned();
        let Some(item) = found.filter(|i| who.agencies.contains(&i.originator)) else {
            return Ok(None);
        };
        let name = directory.agency(&item.recipient).map(|a| a.name.as_str());
        let mut said = notice(&StatusOf {
            from: (&item.recipient, name),
            addressee: &item.originator,
            reference: &item.reference,
            number: item.number.clone(),
            issued_on: item.issued_on.as_deref().and_then(IssueDay::parse),
            status: item.status,
            description: item.remark.clone(),
            at: item.at,
        });
        said.from.code = who.spelled(&item.recipient);
        said.about.code = Some(who.spelled(&item.originator));
        let mut bytes = Vec::new();
        write_status(&mut bytes, &said).map_err(broken)?;
        Ok(Some(bytes.into()))
    }

    /// The system has it. Durable before it is said; once more is nothing.
    pub(in crate::daemon) fn done(&self, id: DocId, at: UnixMillis) -> io::Result<()> {
        if self.inner().done.contains_key(&id) {
            return Ok(());
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(format!("{} {id}\n", at.0).as_bytes())?;
        file.sync_data()?;
        let mut inner = self.inner();
        inner.remove(&id);
        inner.done.insert(id, at);
        if inner.done.len() > KNOWN_MAX {
            // Those that old are not gathered any more, so nobody is offered them again.
            inner.done.retain(|_, then| at.since_ms(*then) <= DONE_MS);
        }
        Ok(())
    }
}

/// The id of a status: the same whenever it is gathered.
fn id_of(dispatch: DispatchId, recipient: &AgencyCode, status: Status, at: UnixMillis) -> DocId {
    let (number, at) = ([status.number()], at.0.to_be_bytes());
    let parts = [&dispatch.as_bytes()[..], &number[..], &at[..], recipient.as_str().as_bytes()];
    DocId::status(&sha256_parts(&parts))
}

fn written_anew(
    folder: &Path,
    path: &Path,
    done: &BTreeMap<DocId, UnixMillis>,
) -> io::Result<File> {
    let part: PathBuf = path.with_extension("part");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    let text: String = done.iter().map(|(id, at)| format!("{} {id}\n", at.0)).collect();
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    File::open(folder)?.sync_all()?;
    OpenOptions::new().append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 86_400_000;

    fn item(at: UnixMillis) -> Item {
        Item {
            dispatch: DispatchId([7; 32]),
            originator: AgencyCode::parse("H41").unwrap(),
            recipient: AgencyCode::parse("H41.12").unwrap(),
            reference: "7/CV".parse().unwrap(),
            number: None,
            issued_on: None,
            status: Status::Accepted,
            remark: None,
            at,
        }
    }

    #[test]
    fn what_was_confirmed_is_not_offered_again_however_long_ago() {
        let place = tempfile::tempdir().unwrap();
        let mut now = UnixMillis(1_795_309_449_809);
        let notices = Notices::open(place.path(), now).unwrap();
        let given = item(now);
        notices.take_up(given.clone(), now, true);
        let id = notices.oldest(9, |_| true)[0].0;
        notices.done(id, now.plus_ms(DAY_MS)).unwrap();
        let own = BTreeSet::from([given.originator.clone()]);
        assert_eq!((notices.len(), notices.is_done(&own, id)), (0, Some(true)));
        // A late status of another recipient comes: all of the dispatch is looked at again, at every start.
        for _ in 0..40 {
            now = now.plus_ms(5 * DAY_MS);
            let notices = Notices::open(place.path(), now).unwrap();
            notices.take_up(given.clone(), now, false);
            assert_eq!(notices.len(), 0, "{now}");
        }
        // One that took that long itself is news all the same, and waits on.
        let notices = Notices::open(place.path(), now).unwrap();
        let late = Item { status: Status::Completed, ..given };
        notices.take_up(late.clone(), now, true);
        notices.take_up(late, now, false);
        assert_eq!(notices.len(), 1);
    }

    #[test]
    fn of_too_many_the_oldest_go_and_the_others_are_told_oldest_first() {
        let place = tempfile::tempdir().unwrap();
        let now = UnixMillis(1_795_309_449_809);
        let mut notices = Notices::open(place.path(), now).unwrap();
        notices.waiting_max = 10;
        for n in (0..30).rev() {
            notices.take_up(item(now.plus_ms(n)), now, true);
        }
        let own = BTreeSet::from([item(now).originator]);
        let moments = |found: Vec<(DocId, Item)>| -> Vec<u64> {
            found.iter().map(|(_, item)| item.at.since_ms(now)).collect()
        };
        assert_eq!(moments(notices.waiting(&own)), (20..30).collect::<Vec<_>>());
        let second = notices.waiting(&own)[1].0;
        assert_eq!(moments(notices.oldest(2, |id| *id != second)), [20, 22]);
        notices.done(second, now).unwrap();
        assert_eq!((notices.len(), notices.count(&own)), (9, 9));
        assert!(!notices.waits(second) && notices.inner().order.len() == 9);
    }
}
