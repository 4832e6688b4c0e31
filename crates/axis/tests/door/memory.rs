//! A node in memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tram_axis::{
    Account, Agency, AgencyPage, AgencyRequest, DocId, Door, FileRead, Kind, Limits, ListQuery,
    Node, Number, OpenFile, Received, Refusal, Reply, Secret, Sending, SentRow, Transport,
};
use tram_dispatch::{DispatchId, UnixMillis};

pub(crate) const SECRET: &str = "test-key-of-the-sender-0123456789";
pub(crate) const SYSTEM: &str = "000.00.12.H99";

/// Bytes of a message, and how they were transported.
type Kept = (Vec<u8>, Option<Transport>);
/// What a list was asked for last.
type Asked = (Kind, Option<String>, Option<Vec<String>>);

/// What lies in it.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) account: Mutex<Option<Arc<Account>>>,
    pub(crate) files: Mutex<BTreeMap<DocId, Kept>>,
    pub(crate) sendings: AtomicUsize,
    pub(crate) last: Mutex<Option<Asked>>,
    /// The next sending takes this long.
    pub(crate) slow_ms: AtomicUsize,
    /// Reading fails after so many bytes.
    pub(crate) broken_at: Mutex<Option<u64>>,
    /// What is said of a document is answered by a panic.
    pub(crate) panics: AtomicBool,
}

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) node: Arc<Memory>,
    _stop: oneshot::Sender<()>,
    _folder: tempfile::TempDir,
}

pub(crate) fn account() -> Account {
    Account {
        system_id: SYSTEM.to_owned(),
        secret: Secret::from_file(SECRET.as_bytes()).expect("a secret"),
        agencies: ["H99.12".parse().expect("a code")].into(),
        may_send: true,
        may_collect: true,
        age_ms_max: None,
        old_codes: false,
    }
}

pub(crate) async fn running(limits: Limits) -> Running {
    let node = Arc::new(Memory::default());
    *node.account.lock().unwrap() = Some(Arc::new(account()));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let folder = tempfile::tempdir().expect("a folder");
    let (stop, stopped) = oneshot::channel();
    let staging = folder.path().to_owned();
    let door = Door { listener, tls: None, base: String::new(), staging };
    tokio::spawn(tram_axis::serve(door, node.clone(), limits, async {
        let _ = stopped.await;
    }));
    Running { address, node, _stop: stop, _folder: folder }
}

impl Running {
    pub(crate) fn client(&self) -> super::client::Client {
        super::client::Client::new(self.address, SYSTEM, SECRET)
    }

    /// Puts a file in.
    pub(crate) fn holds(&self, n: u8, bytes: &[u8]) -> DocId {
        let id = DocId::sent(DispatchId([n; 32]));
        self.node.files.lock().unwrap().insert(id, (bytes.to_vec(), None));
        id
    }
}

struct Reading {
    bytes: Vec<u8>,
    broken_at: Option<u64>,
}

impl FileRead for Reading {
    fn read(&mut self, offset: u64, bytes_max: usize) -> Reply<'_, Bytes> {
        let from = offset as usize;
        // In pieces that nobody asked for.
        let to = self.bytes.len().min(from + bytes_max).min(from + 7_001);
        let piece = Bytes::copy_from_slice(&self.bytes[from..to]);
        let broken = self.broken_at.is_some_and(|at| offset >= at);
        Box::pin(async move { if broken { Err(Refusal::system("damaged")) } else { Ok(piece) } })
    }
}

impl Node for Memory {
    fn account(&self, system_id: &str) -> Option<Arc<Account>> {
        self.account.lock().unwrap().clone().filter(|a| a.system_id == system_id)
    }

    fn now(&self) -> UnixMillis {
        tram_axis::stamped_at("22112026T080000+0000").expect("a moment")
    }

    fn room_for(&self, _: &Account, bytes: u64) -> Result<(), Refusal> {
        if bytes > 100 << 20 { Err(Refusal::system("no room")) } else { Ok(()) }
    }

    fn send(&self, _: Arc<Account>, sending: Sending) -> Reply<'_, DocId> {
        let Sending { kind, from, to, mut file, size, sha256 } = sending;
        self.sendings.fetch_add(1, Ordering::SeqCst);
        let slow = self.slow_ms.swap(0, Ordering::SeqCst) as u64;
        Box::pin(async move {
            tokio::time::sleep(std::time::Duration::from_millis(slow)).await;
            let bytes = whole(&mut file);
            assert_eq!((bytes.len() as u64, tram_crypto::sha256(&bytes)), (size, sha256));
            if to.as_ref().is_some_and(|to| to.iter().any(|code| code == "nobody")) {
                return Err(Refusal::new(Number::Recipient, "không có đơn vị nhận"));
            }
            let id = DocId::sent(DispatchId(sha256));
            self.files.lock().unwrap().insert(id, (bytes, None));
            *self.last.lock().unwrap() = Some((kind, from, to));
            Ok(id)
        })
    }

    fn received(
        &self,
        _: Arc<Account>,
        kind: Kind,
        query: ListQuery,
        items_max: usize,
    ) -> Reply<'_, Vec<Received>> {
        let files = self.files.lock().unwrap();
        let waiting = files.iter().filter(|(_, (_, said))| *said != Some(Transport::Done));
        let item = |id: &DocId| Received {
            doc_id: id.to_string(),
            service_type: "eDoc",
            message_type: kind.as_str(),
            created_time: "21/11/2026 21:25:03".into(),
            updated_time: "21/11/2026 21:25:03".into(),
            from: "H99.12".into(),
            to: "H99.31".into(),
            status: "initial",
            status_desc: None,
        };
        let max = query.max.unwrap_or(items_max).min(items_max);
        let items = waiting.map(|(id, _)| item(id)).skip(query.skip).take(max).collect();
        Box::pin(async move { Ok(items) })
    }

    fn count(&self, _: Arc<Account>, _: Kind) -> Reply<'_, u64> {
        let files = self.files.lock().unwrap();
        let n = files.values().filter(|(_, said)| *said != Some(Transport::Done)).count() as u64;
        Box::pin(async move { Ok(n) })
    }

    fn open(&self, _: Arc<Account>, id: DocId) -> Reply<'_, OpenFile> {
        let found = self.files.lock().unwrap().get(&id).map(|(bytes, _)| bytes.clone());
        let broken_at = *self.broken_at.lock().unwrap();
        Box::pin(async move {
            let bytes = found.ok_or_else(|| Refusal::system("no such document"))?;
            let size = bytes.len() as u64;
            Ok(OpenFile { size, reader: Box::new(Reading { bytes, broken_at }) })
        })
    }

    fn is_done(&self, _: Arc<Account>, id: DocId) -> Reply<'_, Option<bool>> {
        let files = self.files.lock().unwrap();
        let done = files.get(&id).map(|(_, said)| *said == Some(Transport::Done));
        Box::pin(async move { Ok(done) })
    }

    fn update(
        &self,
        _: Arc<Account>,
        id: DocId,
        said: Transport,
        description: Option<String>,
    ) -> Reply<'_, ()> {
        assert!(!self.panics.load(Ordering::SeqCst), "as asked: {description:?}");
        let mut files = self.files.lock().unwrap();
        let found = files.get_mut(&id).map(|entry| entry.1 = Some(said));
        Box::pin(async move { found.ok_or_else(|| Refusal::system("no such document")) })
    }

    fn sent(
        &self,
        _: Arc<Account>,
        _: Kind,
        one: Option<DocId>,
        rows_max: usize,
    ) -> Reply<'_, Vec<SentRow>> {
        let files = self.files.lock().unwrap();
        let row = |id: &DocId| SentRow { sender_doc_id: id.to_string(), ..SentRow::default() };
        let known = one.filter(|one| files.contains_key(one));
        let wanted = |id: &&DocId| known.is_none_or(|one| **id == one);
        let rows = files.keys().filter(wanted).map(row).take(rows_max).collect();
        Box::pin(async move { Ok(rows) })
    }

    fn agencies(
        &self,
        _: Arc<Account>,
        after: Option<String>,
        max: usize,
    ) -> Reply<'_, AgencyPage> {
        let from: usize = after.map_or(0, |a| a.parse().expect("ours"));
        let to = (from + max).min(1_200);
        let agency = |n: usize| Agency {
            code: format!("H{n}"),
            code_qd20: format!("H{n}"),
            name: format!("Đơn vị {n}"),
            open: !n.is_multiple_of(10),
            ..Agency::default()
        };
        let agencies = (from..to).map(agency).collect();
        let next = (to < 1_200).then(|| to.to_string());
        Box::pin(async move { Ok(AgencyPage { agencies, next }) })
    }

    fn register(&self, _: Arc<Account>, request: AgencyRequest) -> Reply<'_, ()> {
        let same = request.code == "H99.12" && request.name == "Sở Mẫu" && request.parent == "H99";
        Box::pin(async move {
            if same { Ok(()) } else { Err(Refusal::system("noted for the operator")) }
        })
    }

    fn delete(&self, _: Arc<Account>, code: String) -> Reply<'_, ()> {
        Box::pin(async move { Err(Refusal::system(format!("{code} stays"))) })
    }
}

fn whole(file: &mut File) -> Vec<u8> {
    let mut bytes = Vec::new();
    assert_eq!(file.stream_position().expect("a place"), 0);
    file.read_to_end(&mut bytes).expect("a file");
    bytes
}
