//! `sendEdoc`: a file becomes a dispatch, sealed by the node for the agency that issued it, or a status
//! is recorded.

use std::fs::File;
use std::sync::Arc;

use tram_api::Service as _;
use tram_axis::{Account, DocId, Number, Refusal, Sending};
use tram_dispatch::text::is_plain;
use tram_dispatch::{AgencyCode, Code, Digest, Status};
use tram_edxml::map::Outline;
use tram_edxml::{Content, StatusNotice};
use tram_trust::{Directory, Resolution};

use super::files::blocking;
use super::node::AxisNode;
use super::{intake, refusals};
use crate::edxml::{Unpacked, ask, outline_of, unpack_in};

/// The file as a document among the others, where its own id gives no name.
const KEPT_NAME: &str = "edoc.edxml";

/// What the parameters say, beside the file.
pub(super) struct Said {
    pub(super) from: Option<String>,
    pub(super) to: Option<Vec<String>>,
}

impl AxisNode {
    pub(super) async fn do_send(
        &self,
        account: Arc<Account>,
        sending: Sending,
    ) -> Result<DocId, Refusal> {
        let Sending { kind: _, from, to, file, size, sha256 } = sending;
        let again = file.try_clone().map_err(refusals::broken)?;
        let staging = self.staging.clone();
        // What it is, the file itself says.
        let unpacked = blocking(move || {
            unpack_in(again, &staging).map_err(|error| {
                tracing::info!(code = %error.code(), place = error.place, "axis: a file is refused");
                refusals::of_edxml(&error)
            })
        })
        .await?;
        let said = Said { from, to };
        match &unpacked.reading.content {
            Content::Status(notice) if notice.status != Status::TakeBackRequested => {
                let notice = StatusNotice::clone(notice);
                marks(&unpacked)?;
                self.report(&account, &said, &notice, Digest(sha256)).await
            }
            _ => self.dispatch(&account, &said, unpacked, (file, size, Digest(sha256))).await,
        }
    }

    async fn dispatch(
        &self,
        account: &Account,
        said: &Said,
        unpacked: Unpacked,
        (file, size, sha256): (File, u64, Digest),
    ) -> Result<DocId, Refusal> {
        marks(&unpacked)?;
        let mut notes = Vec::new();
        let mut outline = outline_of(&unpacked, &mut notes).map_err(|e| refusals::of_edxml(&e))?;
        let context = self.service.context.clone();
        let verifier = context.verifier();
        let directory = verifier.directory();
        outline.originator = sender(account, directory, &outline.originator, said)?;
        addressed(directory, &outline, said)?;
        outline.recipients = recipients(directory, &outline.recipients)?;
        let asked = ask(&unpacked, &outline, &kept_name(&outline));
        let agency = outline.originator.clone();
        blocking(move || {
            intake::keep(&context, &agency, file, sha256, size)?;
            for piece in &unpacked.documents {
                let bytes = File::open(&piece.path).map_err(refusals::broken)?;
                intake::keep(&context, &agency, bytes, piece.sha256, piece.size)?;
            }
            Ok(())
        })
        .await?;
        let caller = Self::caller(account);
        let accepted = self.service.seal(caller, asked.reference, asked.request).await;
        let accepted = accepted.map_err(|problem| {
            if problem.code == Code::ReferenceReused {
                let text = "a document with this DocumentId was sent before, with other contents";
                return Refusal::new(Number::Nonconforming, text);
            }
            refusals::of_problem(problem)
        })?;
        Ok(DocId::sent(accepted.dispatch.0))
    }
}

/// A file with a secrecy mark goes no further: nothing of it is told but where the mark stands.
fn marks(unpacked: &Unpacked) -> Result<(), Refusal> {
    let Some(marked) = unpacked.reading.marks.first() else { return Ok(()) };
    let code = Code::SecretRefused;
    tracing::info!(%code, field = marked.place, "submission refused");
    let text = format!("{code}: a secrecy mark stands in {}", marked.place);
    Err(Refusal::new(Number::Nonconforming, text))
}

/// Who sends: the agency that the file names must be one of the account's, and so must be who is said
/// beside it, where that is not the system itself.
pub(super) fn sender(
    account: &Account,
    directory: &Directory,
    named: &AgencyCode,
    said: &Said,
) -> Result<AgencyCode, Refusal> {
    let own = |code: &AgencyCode| account.agencies.contains(code);
    let beside = |text: &str| {
        let code = AgencyCode::parse(text).ok();
        code.is_some_and(|c| own(&c) || own(&AxisNode::present(directory, &c)))
    };
    if let Some(from) = said.from.as_deref()
        && from != account.system_id
        && !beside(from)
    {
        let text = "from names an agency that this system does not speak for";
        return Err(Refusal::new(Number::Sender, text));
    }
    let present = AxisNode::present(directory, named);
    if own(&present) {
        return Ok(present);
    }
    let text =
        format!("this system does not speak for {named}, which the file names as its sender");
    Err(Refusal::new(Number::Sender, text))
}

/// `to` beside the file may be left over from an earlier one: each code in it must be in the file too.
fn addressed(directory: &Directory, outline: &Outline, said: &Said) -> Result<(), Refusal> {
    let present: Vec<AgencyCode> =
        outline.recipients.iter().map(|r| AxisNode::present(directory, r)).collect();
    let named = |text: &String| {
        let code = AgencyCode::parse(text.trim()).ok();
        code.is_some_and(|c| present.contains(&AxisNode::present(directory, &c)))
    };
    match said.to.iter().flatten().find(|text| !named(text)) {
        None => Ok(()),
        Some(other) => {
            let text = format!(
                "to names {other}, which the file does not address; it may be left over from an \
                 earlier document"
            );
            Err(Refusal::new(Number::Recipient, text))
        }
    }
}

/// The recipients by their present codes, each once.
fn recipients(directory: &Directory, named: &[AgencyCode]) -> Result<Vec<AgencyCode>, Refusal> {
    let mut all = Vec::new();
    for code in named {
        match directory.resolve(code) {
            Resolution::Unknown => {
                let text = format!("{}: {code}", Code::RecipientUnknown);
                return Err(Refusal::new(Number::Recipient, text));
            }
            Resolution::Closed => {
                let text = format!("{}: {code}", Code::AgencyClosed);
                return Err(Refusal::new(Number::Locked, text));
            }
            Resolution::Open(_) | Resolution::Successor { .. } => {
                all.push(AxisNode::present(directory, code));
            }
        }
    }
    all.sort();
    all.dedup();
    Ok(all)
}

/// The name of the kept file: by number and notation, as people know documents.
fn kept_name(outline: &Outline) -> String {
    let m = &outline.metadata;
    let (Some(number), Some(notation)) = (&m.number, &m.notation) else {
        return KEPT_NAME.to_owned();
    };
    let name: String = format!("{number}_{notation}.edxml")
        .chars()
        .map(|c| if matches!(c, '/' | '\\' | ':') { '_' } else { c })
        .collect();
    if name.len() <= 120 && is_plain(&name) { name } else { KEPT_NAME.to_owned() }
}
