//! `sendEdoc`: a file becomes a dispatch, sealed by the node for the agency that issued it, or a status
//! is recorded.

use std::sync::Arc;

use tram_axis::{Account, DocId, Number, Refusal, Sending};
use tram_dispatch::{AgencyCode, Code, Digest, Status};
use tram_edxml::map::Outline;
use tram_edxml::{Content, StatusNotice};
use tram_trust::Directory;

use super::super::desk::present;
use super::node::AxisNode;
use super::refusals::{self, Answer};

/// What the parameters say, beside the file.
struct Said {
    from: Option<String>,
    to: Option<Vec<String>>,
}

impl AxisNode {
    pub(super) async fn do_send(
        &self,
        account: Arc<Account>,
        sending: Sending,
    ) -> Result<DocId, Refusal> {
        let Sending { kind: _, from, to, file, size, sha256 } = sending;
        let again = file.try_clone().map_err(refusals::broken)?;
        // What it is, the file itself says.
        let unpacked =
            self.desk.unpack(again, Digest(sha256)).await.map_err(refusals::of_problem)?;
        let (said, sha256) = (Said { from, to }, Digest(sha256));
        if let Content::Status(notice) = &unpacked.reading.content
            && notice.status != Status::TakeBackRequested
        {
            may(account.may_collect, "collect")?;
            return self.status(&account, &said, notice, sha256).await;
        }
        may(account.may_send, "submit")?;
        let allowed = |directory: &Directory, outline: &Outline| {
            beside(self, &account, directory, &said)?;
            addressed(directory, outline, &said)
        };
        let who = Self::speaker(&account);
        let taken = self.desk.dispatch(&who, unpacked, (file, size, sha256), |d, o| {
            allowed(d, o).map_err(Answer::Refusal)
        });
        match taken.await {
            Ok(accepted) => Ok(DocId::sent(accepted.dispatch.0)),
            Err(Answer::Refusal(refusal)) => Err(refusal),
            Err(Answer::Problem(problem)) if problem.code == Code::ReferenceReused => {
                let text = "a document with this DocumentId was sent before, with other contents";
                Err(Refusal::new(Number::Nonconforming, text))
            }
            Err(Answer::Problem(problem)) => Err(refusals::of_problem(problem)),
        }
    }

    /// Records a status.
    async fn status(
        &self,
        account: &Account,
        said: &Said,
        notice: &StatusNotice,
        sha256: Digest,
    ) -> Result<DocId, Refusal> {
        beside(self, account, self.desk.service.context.verifier().directory(), said)?;
        let who = Self::speaker(account);
        let given = self.desk.given(&who, notice).map_err(refusals::of_problem)?;
        let recorded = self.desk.report(&who, given).await;
        recorded.map_err(|problem| match problem.code {
            Code::WrongState | Code::NotFound => Refusal::new(Number::Processing, problem.detail),
            _ => refusals::of_problem(problem),
        })?;
        Ok(DocId::status(sha256.as_bytes()))
    }
}

/// As on the socket: who sends has `submit`, who says what became of what came has `collect`.
fn may(may: bool, role: &str) -> Result<(), Refusal> {
    let lacks = || Refusal::new(Number::Sender, format!("this system lacks the role {role} here"));
    may.then_some(()).ok_or_else(lacks)
}

/// Who is said beside the file to send it must be one of the account's agencies, or the system itself.
fn beside(
    node: &AxisNode,
    account: &Account,
    directory: &Directory,
    said: &Said,
) -> Result<(), Refusal> {
    let own = |code: &AgencyCode| node.desk.receives(&account.agencies, code);
    let beside = |text: &str| {
        let code = AgencyCode::parse(text).ok();
        code.is_some_and(|c| own(&c) || own(&present(directory, &c)))
    };
    match said.from.as_deref() {
        Some(from) if from != account.system_id && !beside(from) => {
            let text = "from names an agency that this system does not speak for";
            Err(Refusal::new(Number::Sender, text))
        }
        _ => Ok(()),
    }
}

/// `to` beside the file may be left over from an earlier one: each code in it must be in the file too.
fn addressed(directory: &Directory, outline: &Outline, said: &Said) -> Result<(), Refusal> {
    let known: Vec<AgencyCode> = outline.recipients.iter().map(|r| present(directory, r)).collect();
    let named = |text: &String| {
        let code = AgencyCode::parse(text.trim()).ok();
        code.is_some_and(|c| known.contains(&present(directory, &c)))
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
