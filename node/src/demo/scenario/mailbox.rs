//! The recipient's side: fetch, look into it, confirm, register.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::time::Instant;

use tram_api::model::InboxQuery;
use tram_dispatch::{DispatchId, Event};
use tram_trust::{Crls, Options, Verdict, Verifier};
use tram_wire::SealedDispatch;

use super::receipts::Trust;
use super::{Scenario, WAIT};
use crate::demo::documents::digest;
use crate::demo::failure::DemoError;
use crate::demo::tiers::agency;
use crate::demo::wall_now;

/// Longest wait that one question asks for, seconds.
const INBOX_WAIT_S: u64 = 5;
/// What the clerk writes beside the registration.
const REMARK: &str = "Số đến 215 (ví dụ)";

/// A document as it was sent.
pub(super) struct Sent<'a> {
    pub(super) name: &'static str,
    pub(super) bytes: &'a [u8],
}

impl Scenario<'_> {
    /// Does what a recipient's system and its clerk do.
    pub(super) async fn take(
        &self,
        code: &'static str,
        id: DispatchId,
        sent: &[Sent<'_>],
        originator: &'static str,
    ) -> Result<(), DemoError> {
        let (client, recipient) = (self.client(code)?, agency(code));
        self.await_inbox(code, id).await?;
        let fetched = self.told(code, "fetch", client.fetch(&recipient, id).await)?;
        let sealed = SealedDispatch::parse(&fetched.sealed)?;
        self.check_seal(&sealed, id, originator)?;
        let envelope = sealed.envelope();
        if envelope.documents.len() != sent.len() {
            return Err(DemoError::Wrong(format!("{code}: not the documents that were sent")));
        }
        let folder = self.network.dir.join("received").join(code);
        DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(&folder)
            .map_err(|e| DemoError::file(&folder, e))?;
        for (document, sent) in envelope.documents.iter().zip(sent) {
            let download = client.download(&recipient, id, document.sha256, 0).await;
            let mut download = self.told(code, "download", download)?;
            let mut bytes = Vec::new();
            while let Some(piece) = self.told(code, "download", download.next().await)? {
                bytes.extend_from_slice(&piece);
            }
            if digest(&bytes) != document.sha256 || bytes != sent.bytes {
                let what = format!("{code}: \"{}\" is not what was sent", sent.name);
                return Err(DemoError::Wrong(what));
            }
            // The name that this program gave it; a name in an envelope is data, never a path.
            let path = folder.join(sent.name);
            fs::write(&path, &bytes).map_err(|e| DemoError::file(&path, e))?;
        }
        let confirmed = client.confirm(&recipient, id, &fetched.token).await;
        let confirmed = self.told(code, "confirm", confirmed)?;
        let registered = client.register(&recipient, id, Some(REMARK.to_owned())).await;
        let registered = self.told(code, "register", registered)?;
        for (recorded, event) in
            [(&confirmed, Event::ContentHandover), (&registered, Event::ConsignmentAcceptance)]
        {
            if recorded.event.0 != event {
                let (what, is) = (event.name(), recorded.event.0.name());
                return Err(DemoError::Wrong(format!("{code}: {is} recorded, {what} expected")));
            }
        }
        let count = sent.len();
        self.page.note(
            format!(
                "{code} fetched {count} of {count} documents bit for bit, checked the seal of \
                 {originator}, confirmed, registered"
            ),
            format!(
                "{code} đã lấy {count}/{count} văn bản nguyên vẹn, kiểm tra chữ ký của {originator}, \
                 xác nhận, vào sổ"
            ),
        );
        Ok(())
    }

    async fn await_inbox(&self, code: &'static str, id: DispatchId) -> Result<(), DemoError> {
        let (client, recipient) = (self.client(code)?, agency(code));
        let began = Instant::now();
        let mut query = InboxQuery { wait_s: Some(INBOX_WAIT_S), ..InboxQuery::default() };
        while began.elapsed() < WAIT {
            let page = self.told(code, "inbox", client.inbox(&recipient, &query).await)?;
            if page.items.iter().any(|item| item.dispatch.0 == id) {
                return Ok(());
            }
            query.after = page.next;
        }
        Err(DemoError::TooSlow(format!("inbox of {code}"), WAIT.as_secs()))
    }

    /// The recipient trusts no node: it checks the seal itself, against root and directory.
    fn check_seal(
        &self,
        sealed: &SealedDispatch,
        id: DispatchId,
        originator: &'static str,
    ) -> Result<(), DemoError> {
        let Trust { root, directory } = self.trust()?;
        let verifier =
            Verifier::new(root.into(), directory.into(), Crls::none(), Options::default());
        if sealed.id() != id {
            return Err(DemoError::Wrong("another dispatch was fetched".to_owned()));
        }
        match verifier.dispatch(sealed.clone(), wall_now()) {
            Verdict::Verified(v) if v.signer().agency == agency(originator) => Ok(()),
            Verdict::Verified(v) => {
                Err(DemoError::Wrong(format!("sealed by {}, not {originator}", v.signer().agency)))
            }
            Verdict::Refused(refusal) => Err(DemoError::Refused(refusal)),
            Verdict::Undetermined(cause) => Err(DemoError::Wrong(cause.to_string())),
        }
    }
}
