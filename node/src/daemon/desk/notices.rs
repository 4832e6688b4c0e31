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
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::broadcast::error::RecvError;
use tram_api::Problem;
use tram_axis::DocId;
use tram_crypto::sha256_parts;
use tram_dispatch::{AgencyCode, DispatchId, Reference, Status, UnixMillis};
use tram_edxml::map::{StatusOf, notice};
use tram_edxml::{values::IssueDay, write_status};
use tram_engine::state::held::HeldDispatch;
use tram_trust::Directory;

use super::{BACK_MS, Desk, Speaker, broken};

/// The file of what was confirmed: one line each, time and id.
const DONE_FILE: &str = "statuses-done";
/// Largest such file that is read.
const DONE_BYTES_MAX: u64 = 64 << 20;
/// Most statuses that wait; the oldest go first, and are in `getSentEdocList` still.
const WAITING_MAX: usize = 100_000;
/// Ids whose owner is kept in memory, and confirmed ones before the old are forgotten.
const KNOWN_MAX: usize = 4 * WAITING_MAX;
/// Pause before the store is read again after it could not be.
const AGAIN: Duration = Duration::from_secs(10);

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
    /// Confirmed, and when.
    done: BTreeMap<DocId, UnixMillis>,
    /// Which of the confirmed an account may ask about.
    owners: BTreeMap<DocId, AgencyCode>,
    dropped: bool,
}

/// All statuses that wait.
pub(in crate::daemon) struct Notices {
    inner: Mutex<Inner>,
    file: Mutex<File>,
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
        let young = |(_, at): &(DocId, UnixMillis)| now.since_ms(*at) <= 2 * BACK_MS;
        let done: BTreeMap<DocId, UnixMillis> =
            text.lines().filter_map(parse).filter(young).collect();
        let file = written_anew(&path, &done)?;
        let inner = Inner { done, ..Inner::default() };
        Ok(Notices { inner: Mutex::new(inner), file: Mutex::new(file) })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up the statuses of a dispatch.
    fn gather(&self, held: &HeldDispatch) {
        let e = held.dispatch.envelope();
        let number = match (&e.metadata.number, &e.metadata.notation) {
            (Some(number), Some(notation)) => Some(format!("{number}/{notation}")),
            (Some(one), None) | (None, Some(one)) => Some(one.clone()),
            (None, None) => None,
        };
        let mut inner = self.inner();
        for recipient in held.legs.keys() {
            for given in held.statuses(recipient) {
                let id = id_of(held.id(), recipient, given.status, given.at);
                inner.owners.insert(id, e.originator.clone());
                if inner.done.contains_key(&id) {
                    continue;
                }
                let item = Item {
                    dispatch: held.id(),
                    originator: e.originator.clone(),
                    recipient: recipient.clone(),
                    reference: e.reference.clone(),
                    number: number.clone(),
                    issued_on: e.metadata.issued_on.clone(),
                    status: given.status,
                    remark: given.known.evidence.remark.clone(),
                    at: given.at,
                };
                inner.items.insert(id, item);
            }
        }
        if inner.owners.len() > KNOWN_MAX {
            let Inner { owners, items, .. } = &mut *inner;
            owners.retain(|id, _| items.contains_key(id));
        }
        while inner.items.len() > WAITING_MAX {
            let oldest = inner.items.iter().min_by_key(|(_, i)| i.at).map(|(id, _)| *id);
            let Some(oldest) = oldest else { break };
            inner.items.remove(&oldest);
            if !std::mem::replace(&mut inner.dropped, true) {
                tracing::warn!(
                    waiting_max = WAITING_MAX,
                    "axis: statuses wait for systems that do not ask for them; the oldest are not offered"
                );
            }
        }
    }

    /// What waits for these agencies, oldest first.
    pub(in crate::daemon) fn waiting(&self, agencies: &BTreeSet<AgencyCode>) -> Vec<(DocId, Item)> {
        let inner = self.inner();
        let own = inner.items.iter().filter(|(_, item)| agencies.contains(&item.originator));
        let mut items: Vec<(DocId, Item)> = own.map(|(id, item)| (*id, item.clone())).collect();
        items.sort_by_key(|(id, item)| (item.at, *id));
        items
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
        inner.items.remove(&id);
        inner.done.insert(id, at);
        if inner.done.len() > KNOWN_MAX {
            // Those that old are not gathered any more, so nobody is offered them again.
            inner.done.retain(|_, then| at.since_ms(*then) <= 2 * BACK_MS);
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

fn written_anew(path: &Path, done: &BTreeMap<DocId, UnixMillis>) -> io::Result<File> {
    let part: PathBuf = path.with_extension("part");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    let text: String = done.iter().map(|(id, at)| format!("{} {id}\n", at.0)).collect();
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    OpenOptions::new().append(true).open(path)
}

impl Desk {
    /// Gathers the statuses of what these agencies sent as they become known, until the node stops.
    pub(in crate::daemon) async fn watch_statuses(
        &self,
        notices: &Notices,
        agencies: &BTreeSet<AgencyCode>,
    ) {
        loop {
            // Listens before it looks, so that nothing falls between the two.
            let mut news = self.service.context.core.listen();
            if let Err(problem) = self.gather_all(notices, agencies).await {
                tracing::warn!(detail = problem.detail, "statuses cannot be gathered yet");
                tokio::time::sleep(AGAIN).await;
                continue;
            }
            loop {
                match news.recv().await {
                    Ok(n) if n.status.is_some() && agencies.contains(&n.originator) => {
                        if let Ok(found) = self.looked_up(vec![n.dispatch]).await {
                            found.iter().for_each(|held| notices.gather(held));
                        }
                    }
                    Ok(_) => {}
                    // It fell behind: all of it again.
                    Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => return,
                }
            }
        }
    }

    async fn gather_all(
        &self,
        notices: &Notices,
        agencies: &BTreeSet<AgencyCode>,
    ) -> Result<(), Problem> {
        for agency in agencies {
            let ids: Vec<DispatchId> =
                self.sent_by(agency).await?.into_iter().map(|(_, id)| id).collect();
            for some in ids.chunks(32) {
                for held in self.looked_up(some.to_vec()).await? {
                    notices.gather(&held);
                }
            }
        }
        Ok(())
    }
}
