//! What the endpoint asks of the node.

use std::fs::File;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::account::Account;
use crate::call::{Kind, ListQuery, Transport};
use crate::doc_id::DocId;
use crate::refusal::Refusal;

/// The answer to one question; write `Box::pin(async move { … })`.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, Refusal>> + Send + 'a>>;

/// A file that came by `sendEdoc`: what was signed, checked. Whether the account may do what the file
/// says, a document or a status, only the node can tell.
#[derive(Debug)]
pub struct Sending {
    /// What it is said to be.
    pub kind: Kind,
    /// Who is said to send it: an agency, or the system itself.
    pub from: Option<String>,
    /// Whom it is said to be for; may be left over from an earlier document.
    pub to: Option<Vec<String>>,
    /// Its bytes, without a name on any file system, at their beginning.
    pub file: File,
    /// Their number.
    pub size: u64,
    /// SHA-256 of them.
    pub sha256: [u8; 32],
}

/// An item of `getReceivedEdocList`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Received {
    /// By what it is fetched.
    #[serde(rename = "docId")]
    pub doc_id: String,
    /// `eDoc`.
    #[serde(rename = "serviceType")]
    pub service_type: &'static str,
    /// `edoc` or `status`.
    #[serde(rename = "messageType")]
    pub message_type: &'static str,
    /// When it arrived, `dd/MM/yyyy HH:mm:ss`.
    pub created_time: String,
    /// When its state changed.
    pub updated_time: String,
    /// Who sent it.
    pub from: String,
    /// Whom it is for: one code.
    pub to: String,
    /// `initial`, `processing` or `fail`.
    pub status: &'static str,
    /// What the system said when it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_desc: Option<String>,
}

/// A row of `getSentEdocList`: one document with one recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SentRow {
    /// `eDoc`.
    pub service_type: &'static str,
    /// `edoc` or `status`.
    pub message_type: &'static str,
    /// The `DocId` that `sendEdoc` gave.
    pub sender_doc_id: String,
    /// The recipient's `docId`.
    pub receiver_doc_id: String,
    /// Who sent it.
    pub from_code: String,
    /// To whom.
    pub to_code: String,
    /// Subject.
    pub title: String,
    /// Number and notation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notation: Option<String>,
    /// When it was taken here.
    pub sent_time: String,
    /// When it came to the recipient's node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_time: Option<String>,
    /// How it stands with the way there.
    pub send_status: &'static str,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_status_desc: Option<String>,
    /// The newest status of its handling, two digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receive_status: Option<String>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receive_status_desc: Option<String>,
}

/// An agency of the directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agency {
    /// Its code as the account writes codes.
    pub code: String,
    /// Its code by Decision 20/2020.
    pub code_qd20: String,
    /// Its code by QCVN 102:2016, where it has one.
    pub code_102: Option<String>,
    /// A code that it had before, or its code in the other form.
    pub old_code: Option<String>,
    /// The code of the agency above.
    pub parent: Option<String>,
    /// Its name.
    pub name: String,
    /// False once closed.
    pub open: bool,
    /// The directory's version.
    pub version: u64,
    /// When that was signed, `dd/MM/yyyy HH:mm:ss`.
    pub changed_at: String,
}

/// Some agencies, in the order of their codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgencyPage {
    /// At most as many as were asked for.
    pub agencies: Vec<Agency>,
    /// Give it to get what follows; absent at the end.
    pub next: Option<String>,
}

/// The body of `registerAgency`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgencyRequest {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// The code of the agency above.
    pub parent: String,
}

/// A file opened for reading.
pub struct OpenFile {
    /// Its length in bytes.
    pub size: u64,
    /// Where they come from.
    pub reader: Box<dyn FileRead>,
}

/// Reads a file piece by piece, from its beginning on.
pub trait FileRead: Send + 'static {
    /// `bytes_max` bytes from `offset`, fewer only at the end.
    fn read(&mut self, offset: u64, bytes_max: usize) -> Reply<'_, Bytes>;
}

/// The node, as the endpoint sees it.
///
/// The endpoint has checked the signature and what the account may do; which agencies an item belongs to
/// is known to the node alone, and an item of others is answered like one that does not exist. A future
/// is never dropped because the caller went away.
pub trait Node: Send + Sync + 'static {
    /// The account of a system id.
    fn account(&self, system_id: &str) -> Option<Arc<Account>>;

    /// Milliseconds since 1970 by the node's clock.
    fn now(&self) -> tram_dispatch::UnixMillis;

    /// Whether a file of so many bytes may come now.
    ///
    /// # Errors
    /// The node has no room, or is stopping.
    fn room_for(&self, account: &Account, bytes: u64) -> Result<(), Refusal>;

    /// Takes custody of a file; answers once that is durable. The same file again, also after a restart,
    /// gets the same id and is not sent twice.
    fn send(&self, account: Arc<Account>, sending: Sending) -> Reply<'_, DocId>;

    /// What waits for the account's agencies, in a stable order; at most `items_max`.
    fn received(
        &self,
        account: Arc<Account>,
        kind: Kind,
        query: ListQuery,
        items_max: usize,
    ) -> Reply<'_, Vec<Received>>;

    /// How many wait.
    fn count(&self, account: Arc<Account>, kind: Kind) -> Reply<'_, u64>;

    /// Opens an item for reading; changes nothing.
    fn open(&self, account: Arc<Account>, id: DocId) -> Reply<'_, OpenFile>;

    /// Whether an item is there, and was taken by the account's system; `None` where it is not there.
    fn is_done(&self, account: Arc<Account>, id: DocId) -> Reply<'_, Option<bool>>;

    /// The account's system says what became of an item; once more says the same.
    fn update(
        &self,
        account: Arc<Account>,
        id: DocId,
        said: Transport,
        description: Option<String>,
    ) -> Reply<'_, ()>;

    /// What the account's agencies sent, newest first, or the rows of one document; at most `rows_max`.
    fn sent(
        &self,
        account: Arc<Account>,
        kind: Kind,
        one: Option<DocId>,
        rows_max: usize,
    ) -> Reply<'_, Vec<SentRow>>;

    /// At most so many agencies of the directory after a place in it.
    fn agencies(
        &self,
        account: Arc<Account>,
        after: Option<String>,
        max: usize,
    ) -> Reply<'_, AgencyPage>;

    /// The account asks to enter an agency in the directory, or to change it.
    fn register(&self, account: Arc<Account>, request: AgencyRequest) -> Reply<'_, ()>;

    /// The account asks to take an agency out of the directory.
    fn delete(&self, account: Arc<Account>, code: String) -> Reply<'_, ()>;
}
