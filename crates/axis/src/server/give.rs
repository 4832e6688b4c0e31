//! Files and directories that go out, made while they are sent.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;

use super::App;
use super::fed::{Cut, Fed, Held};
use crate::account::Account;
use crate::answer;
use crate::limits::{AGENCIES_PAGE, READ_BYTES};
use crate::port::{AgencyPage, FileRead, OpenFile};
use crate::refusal::Refusal;
use crate::route::Route;

/// How a file is given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As base64 in JSON.
    Json,
    /// As it is.
    Raw,
}

/// Gives a file. Its first piece is read before anything is said, so that most failures still have an
/// answer.
///
/// # Errors
/// It cannot be read.
pub(super) async fn file(opened: OpenFile, form: Form, held: Held) -> Result<Fed, Refusal> {
    let OpenFile { size, mut reader } = opened;
    let first = piece(&mut *reader, 0, size).await?;
    let exact = match form {
        Form::Raw => size,
        Form::Json => {
            let ends = answer::file_begin().len() + answer::FILE_END.len();
            size.div_ceil(3) * 4 + ends as u64
        }
    };
    let (sender, body) = Fed::coming(Some(exact), held);
    tokio::spawn(async move {
        if form == Form::Json && sender.send(Ok(answer::file_begin())).await.is_err() {
            return;
        }
        let (mut offset, mut next) = (0, first);
        while !next.is_empty() {
            offset += next.len() as u64;
            let out = match form {
                Form::Raw => next,
                Form::Json => STANDARD.encode(&next).into(),
            };
            if sender.send(Ok(out)).await.is_err() {
                return;
            }
            next = match piece(&mut *reader, offset, size).await {
                Ok(next) => next,
                Err(refusal) => return cut(&sender, refusal).await,
            };
        }
        if form == Form::Json {
            // Nobody is there any more to be told.
            let _ = sender.send(Ok(Bytes::from_static(answer::FILE_END.as_bytes()))).await;
        }
    });
    Ok(body)
}

/// The next piece; nothing at the end. Each but the last has the same length, a multiple of three.
async fn piece(reader: &mut dyn FileRead, offset: u64, size: u64) -> Result<Bytes, Refusal> {
    let left = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX);
    let wanted = left.min(READ_BYTES);
    let mut all = BytesMut::with_capacity(wanted);
    while all.len() < wanted {
        let some = reader.read(offset + all.len() as u64, wanted - all.len()).await?;
        if some.is_empty() || some.len() > wanted - all.len() {
            return Err(Refusal::system("the document is shorter than it was"));
        }
        all.extend_from_slice(&some);
    }
    Ok(all.freeze())
}

/// The status line is gone already: a cut connection tells the client.
async fn cut(sender: &mpsc::Sender<Result<Bytes, Cut>>, refusal: Refusal) {
    tracing::error!(detail = refusal.text, "axis: an answer broke off");
    let _ = sender.send(Err(refusal.into())).await;
}

/// Gives the directory, page by page.
///
/// # Errors
/// Its first page cannot be had.
pub(super) async fn directory(
    app: Arc<App>,
    account: Arc<Account>,
    route: Route,
    held: Held,
) -> Result<Fed, Refusal> {
    let mut page = app.node.agencies(account.clone(), None, AGENCIES_PAGE).await?;
    let (sender, body) = Fed::coming(None, held);
    tokio::spawn(async move {
        if sender.send(Ok(answer::list_begin())).await.is_err() {
            return;
        }
        let mut first = true;
        loop {
            let AgencyPage { agencies, next } = page;
            let mut out = Vec::new();
            for item in agencies.iter().filter_map(|agency| answer::agency(route, agency)) {
                if !std::mem::take(&mut first) {
                    out.push(b',');
                }
                out.extend(item);
            }
            if !out.is_empty() && sender.send(Ok(out.into())).await.is_err() {
                return;
            }
            let Some(after) = next else { break };
            page = match app.node.agencies(account.clone(), Some(after), AGENCIES_PAGE).await {
                Ok(page) => page,
                Err(refusal) => return cut(&sender, refusal).await,
            };
        }
        let _ = sender.send(Ok(Bytes::from_static(b"]}"))).await;
    });
    Ok(body)
}
