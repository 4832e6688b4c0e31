//! What lies in `out` becomes a dispatch, or a status is recorded.

use std::ffi::OsStr;
use std::path::Path;

use serde_json::{Value, json};
use tram_api::{Problem, Service as _};
use tram_dispatch::codes::{Fault, Retry};
use tram_dispatch::{AgencyCode, Code, Status};
use tram_edxml::Content;

use super::super::desk::{self, Desk, Given, Speaker};
use super::folder::Folder;
use super::letter;
use super::look::Entry;
use super::snapshot::{self, Copy, JSON_BYTES_MAX, Snapshot, Unfit};

/// What became of an entry.
#[derive(Debug)]
pub(super) enum Became {
    /// The node has it: what to put beside it.
    Sent(Value),
    /// Nobody can take it as it is.
    Refused(Problem),
    /// Not now.
    Later(String),
}

/// Sends what one agency's system drops.
pub(super) struct Sender<'a> {
    pub(super) desk: &'a Desk,
    pub(super) who: &'a Speaker,
    pub(super) agency: &'a AgencyCode,
    pub(super) bytes_max: u64,
}

/// What is beside a refused entry.
pub(super) fn error_of(problem: &Problem) -> Value {
    let row = problem.code.row();
    json!({
        "code": row.code, "detail": problem.detail,
        "cause": row.cause, "remedy": row.remedy,
        "cause_vi": row.cause_vi, "remedy_vi": row.remedy_vi,
    })
}

/// Whether the same may go through later: the node is full or in trouble, and the entry is not the cause.
fn may_pass(code: Code) -> bool {
    let row = code.row();
    let of_the_entry = matches!(row.fault, Fault::Submitter | Fault::Caller | Fault::Recipient);
    match row.retry {
        Retry::Later => true,
        Retry::AfterRemedy => !of_the_entry,
        Retry::Never => code == Code::Internal,
    }
}

impl From<Problem> for Became {
    fn from(problem: Problem) -> Self {
        match may_pass(problem.code) {
            true => Became::Later(format!("{}: {}", problem.code, problem.detail)),
            false => Became::Refused(problem),
        }
    }
}

impl Sender<'_> {
    /// Copies an entry and sends the copy: what its content is called, and what became of it. The same
    /// content again is the same dispatch.
    pub(super) async fn send(&self, out: &Folder, entry: &Entry) -> (String, Became) {
        let staging: &Path = &self.desk.staging;
        if let Err(words) = self.room(out, &entry.name) {
            return (String::new(), Became::Later(words));
        }
        let taken = snapshot::take(out, &entry.name, staging, self.bytes_max);
        match taken {
            Err(Unfit::Refused(problem)) => (entry.identity.to_string(), problem.into()),
            Err(Unfit::Later(error)) => (String::new(), Became::Later(error.to_string())),
            Ok(Snapshot::File(copy)) => {
                let content = letter::content_of_file(copy.sha256);
                let sent = match ending(&entry.name).as_str() {
                    "edxml" | "xml" => self.edxml(copy).await,
                    "json" => self.status(copy).await,
                    other => Err(Problem::new(
                        Code::DropUnfit,
                        format!(
                            "a file that ends in {other:?}: .edxml, .xml, .json or a folder is taken"
                        ),
                    )),
                };
                (content, sent.map_or_else(Into::into, Became::Sent))
            }
            Ok(Snapshot::Folder(text, files)) => {
                let content = letter::content(&text, &files);
                let sent = self.letter(&text, files).await;
                (content, sent.map_or_else(Into::into, Became::Sent))
            }
        }
    }

    /// Whether there is room for an entry beyond what the node keeps free.
    fn room(&self, out: &Folder, name: &OsStr) -> Result<(), String> {
        let size = snapshot::size_bytes(out, name).map_err(|e| e.to_string())?;
        let free = self.desk.service.context.documents.available_bytes();
        // What is larger is refused, and not copied beyond that.
        fits(free.map_err(|e| e.explain())?, size.min(self.bytes_max))
    }

    fn may_send(&self) -> Result<(), Problem> {
        match self.who.may_send {
            true => Ok(()),
            false => Err(Problem::new(Code::NotAuthorised, "this folder may not send (roles)")),
        }
    }

    async fn edxml(&self, copy: Copy) -> Result<Value, Problem> {
        let Copy { file, size, sha256, .. } = copy;
        let again = file.try_clone().map_err(desk::broken)?;
        let unpacked = self.desk.unpack(again, sha256).await?;
        if let Content::Status(notice) = &unpacked.reading.content
            && notice.status != Status::TakeBackRequested
        {
            return self.report(self.desk.given(self.who, notice)?).await;
        }
        self.may_send()?;
        let all = |_: &_, _: &_| Ok::<(), Problem>(());
        let accepted = self.desk.dispatch(self.who, unpacked, (file, size, sha256), all).await?;
        serde_json::to_value(&accepted).map_err(desk::broken)
    }

    async fn letter(&self, text: &[u8], files: Vec<(String, Copy)>) -> Result<Value, Problem> {
        self.may_send()?;
        let asked = letter::ask(self.agency, text, &files)?;
        let (context, agency) = (self.desk.service.context.clone(), self.agency.clone());
        let mut files: Vec<Option<Copy>> = files.into_iter().map(|(_, copy)| Some(copy)).collect();
        let used: Vec<Copy> = asked.files.iter().filter_map(|at| files[*at].take()).collect();
        desk::blocking(move || {
            for Copy { file, size, sha256, .. } in used {
                desk::keep(&context, &agency, file, sha256, size)?;
            }
            Ok(())
        })
        .await?;
        let caller = self.who.caller();
        let accepted = self.desk.service.seal(caller, asked.reference, asked.request).await?;
        serde_json::to_value(&accepted).map_err(desk::broken)
    }

    async fn status(&self, mut copy: Copy) -> Result<Value, Problem> {
        if copy.size > JSON_BYTES_MAX {
            return Err(Problem::new(Code::TooLarge, format!("more than {JSON_BYTES_MAX} bytes")));
        }
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut copy.file, &mut text).map_err(desk::broken)?;
        let said = letter::status(&text)?;
        let (originator, reference) = match (said.dispatch, said.originator, said.reference) {
            (Some(dispatch), None, None) => {
                let held = self.desk.held(dispatch.0).await?;
                let envelope = held.dispatch.envelope();
                let mailboxes = self.desk.mailboxes([self.agency]);
                let its = |code| envelope.recipients.contains(code) || held.legs.contains_key(code);
                if !mailboxes.iter().any(its) {
                    return Err(Problem::new(Code::NotFound, format!("dispatch {}", dispatch.0)));
                }
                (envelope.originator.clone(), envelope.reference.clone())
            }
            (None, Some(originator), Some(reference)) => (originator.0, reference.0),
            _ => {
                let text = "name either dispatch, or originator and reference";
                return Err(Problem::bad_request(text));
            }
        };
        let status = said.status.0;
        if status == Status::TakeBackRequested {
            let text = "status 13 is a recall: send it as a dispatch whose act is recall";
            return Err(Problem::bad_request(text));
        }
        let (words, cause) = (said.remark, said.cause);
        let agency = self.agency.clone();
        self.report(Given { agency, originator, reference, status, words, cause }).await
    }

    async fn report(&self, given: Given) -> Result<Value, Problem> {
        if !self.who.may_collect {
            return Err(Problem::new(Code::NotAuthorised, "this folder may not collect (roles)"));
        }
        let mut became = json!({
            "status": given.status.to_string(), "recipient": given.agency.to_string(),
            "originator": given.originator.to_string(), "reference": given.reference.to_string(),
        });
        let dispatch = self.desk.report(self.who, given).await?;
        if let (Some(fields), Some(dispatch)) = (became.as_object_mut(), dispatch) {
            fields.insert("dispatch".to_owned(), dispatch.to_string().into());
        }
        Ok(became)
    }
}

/// Whether an entry of this size fits: copied, kept as it came, taken apart, and its documents kept.
fn fits(free_bytes: u64, size_bytes: u64) -> Result<(), String> {
    let needed = size_bytes.saturating_mul(4);
    match free_bytes >= needed {
        true => Ok(()),
        false => Err(format!(
            "{}: {free_bytes} bytes are free beyond the reserve, {needed} are needed",
            Code::BusyStorage
        )),
    }
}

/// The ending of a name, small letters.
fn ending(name: &OsStr) -> String {
    let ending = Path::new(name).extension().and_then(OsStr::to_str).unwrap_or_default();
    ending.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_copied_leaves_the_reserve_alone() {
        assert!(fits(400, 100).is_ok() && fits(0, 0).is_ok());
        let words = fits(399, 100).unwrap_err();
        assert!(words.starts_with("BUSY_STORAGE: 399 bytes") && words.contains("400"), "{words}");
        assert!(fits(u64::MAX - 1, u64::MAX).is_err());
    }

    #[test]
    fn what_the_node_cannot_now_stays_and_what_is_wrong_goes() {
        for code in
            [Code::Busy, Code::BusyStorage, Code::Quota, Code::LogUnanchored, Code::Internal]
        {
            assert!(may_pass(code), "{code}");
        }
        for code in [
            Code::EdxmlMalformed,
            Code::SecretRefused,
            Code::RecipientUnknown,
            Code::DropUnfit,
            Code::TooLarge,
            Code::ReferenceReused,
            Code::BadRequest,
            Code::NotAuthorised,
            Code::WrongState,
        ] {
            assert!(!may_pass(code), "{code}");
        }
        let error = error_of(&Problem::new(Code::DropUnfit, "x"));
        assert!(error["code"] == "DROP_UNFIT" && error["remedy_vi"].as_str().is_some());
    }
}
