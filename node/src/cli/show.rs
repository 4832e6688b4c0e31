//! Parts of answers that several commands show.

use std::future::Future;

use tram_api::model::{
    ActAnswer, ActKind, ActView, DocumentView, EvidenceView, InboxItem, InboxState, LegState,
    LegView, Outcome, Page, SealActKind, SignatureVerdict, SignatureView, UrgencyLevel,
};
use tram_api::{Language, text};
use tram_dispatch::{Event, Status};

use super::failure::Failure;
use super::shell::Shell;
use super::table::{self, Align, Table};
use super::texts::Word;

/// Most items asked for at a time.
const PAGE_MAX: u32 = tram_api::limits::PAGE_ITEMS_MAX;

/// Reads pages of a listing until there are `limit` items or no more; an empty page is the last, for an
/// inbox always has a next.
///
/// # Errors
/// Those of the call.
pub(super) async fn pages<T, F>(
    limit: u32,
    call: impl FnMut(Option<String>, u32) -> F,
) -> Result<Vec<T>, Failure>
where
    F: Future<Output = Result<Page<T>, Failure>>,
{
    read_pages(limit, true, call).await
}

/// The same for a listing whose pages may be empty and not the last: what they passed over did not match.
///
/// # Errors
/// Those of the call.
pub(super) async fn sparse_pages<T, F>(
    limit: u32,
    call: impl FnMut(Option<String>, u32) -> F,
) -> Result<Vec<T>, Failure>
where
    F: Future<Output = Result<Page<T>, Failure>>,
{
    read_pages(limit, false, call).await
}

async fn read_pages<T, F>(
    limit: u32,
    empty_is_last: bool,
    mut call: impl FnMut(Option<String>, u32) -> F,
) -> Result<Vec<T>, Failure>
where
    F: Future<Output = Result<Page<T>, Failure>>,
{
    let mut items = Vec::new();
    let mut after = None;
    loop {
        let missing = limit.saturating_sub(u32::try_from(items.len()).unwrap_or(u32::MAX));
        if missing == 0 {
            return Ok(items);
        }
        let page = call(after.take(), missing.min(PAGE_MAX)).await?;
        let last = empty_is_last && page.items.is_empty();
        items.extend(page.items);
        match page.next {
            Some(next) if !last => after = Some(next),
            _ => return Ok(items),
        }
    }
}

/// The name of an event, in Vietnamese with what it means.
pub(super) fn event(shell: &Shell, event: Event) -> String {
    match shell.language {
        Language::English => event.name().to_owned(),
        Language::Vietnamese => format!("{} ({})", event.name_vi(), event.name()),
    }
}

/// Words for an urgency.
pub(super) fn urgency(shell: &Shell, level: UrgencyLevel) -> &'static str {
    shell.word(match level {
        UrgencyLevel::Normal => Word::Normal,
        UrgencyLevel::Urgent => Word::Urgent,
        UrgencyLevel::VeryUrgent => Word::VeryUrgent,
        UrgencyLevel::Flash => Word::Flash,
        UrgencyLevel::FlashAt => Word::FlashAt,
    })
}

/// Words for where custody stands.
pub(super) fn leg_state(shell: &Shell, state: LegState) -> &'static str {
    shell.word(match state {
        LegState::Incoming => Word::Incoming,
        LegState::Active => Word::Active,
        LegState::Deferred => Word::Deferred,
        LegState::OnHold => Word::OnHold,
        LegState::Quarantined => Word::Quarantined,
        LegState::Transferred => Word::Transferred,
        LegState::Consigned => Word::Consigned,
        LegState::Returned => Word::Returned,
        LegState::Ended => Word::Ended,
    })
}

/// Words for where a dispatch stands with its recipient.
pub(super) fn inbox_state(shell: &Shell, state: InboxState) -> &'static str {
    shell.word(match state {
        InboxState::Waiting => Word::Waiting,
        InboxState::Fetched => Word::Fetched,
        InboxState::HandedOver => Word::HandedOver,
        InboxState::Registered => Word::Registered,
        InboxState::Refused => Word::Refused,
        InboxState::Withdrawn => Word::Withdrawn,
    })
}

/// A national status: its two digits, and the word.
pub(super) fn status(shell: &Shell, status: Status) -> String {
    let word = match status {
        Status::Arrived => Word::StatusArrived,
        Status::Refused => Word::StatusRefused,
        Status::Accepted => Word::StatusAccepted,
        Status::Assigned => Word::StatusAssigned,
        Status::Processing => Word::StatusProcessing,
        Status::Completed => Word::StatusCompleted,
        Status::TakeBackRequested => Word::StatusTakeBack,
        Status::Agreed => Word::StatusAgreed,
        Status::Declined => Word::StatusDeclined,
    };
    format!("{status} {}", shell.word(word))
}

/// Words for what a dispatch does to earlier ones.
fn act(shell: &Shell, kind: SealActKind) -> &'static str {
    match kind {
        SealActKind::New => "",
        SealActKind::Recall => shell.word(Word::ActRecall),
        SealActKind::Update => shell.word(Word::ActUpdate),
        SealActKind::Replace => shell.word(Word::ActReplace),
    }
}

/// Words for how a later dispatch bears on one.
fn bearing(shell: &Shell, kind: ActKind) -> &'static str {
    shell.word(match kind {
        ActKind::Recall => Word::ActRecalled,
        ActKind::Update => Word::ActUpdated,
        ActKind::Replace => Word::ActReplaced,
        ActKind::Answer => Word::ActAnswered,
    })
}

/// What a dispatch does, and what later ones do to it, in one cell.
pub(super) fn acts_in_short(shell: &Shell, does: SealActKind, acts: &[ActView]) -> String {
    let mut words = vec![act(shell, does)];
    words.extend(acts.iter().map(|a| bearing(shell, a.kind)));
    words.retain(|word| !word.is_empty());
    words.dedup();
    words.join(", ")
}

/// By when to register, and whether it is too late.
pub(super) fn register_by(shell: &Shell, item: &InboxItem) -> String {
    let by = shell.time(item.register_by.0);
    match item.overdue {
        true => format!("{by} [{}]", shell.word(Word::OverdueItem)),
        false => by,
    }
}

/// What the seal of a dispatch is worth.
pub(super) fn signature(shell: &Shell, signature: &SignatureView) -> String {
    let verdict = shell.word(match signature.verdict {
        SignatureVerdict::Verified => Word::Verified,
        SignatureVerdict::Undetermined => Word::Undetermined,
    });
    match (&signature.judged_at, signature.revocation_checked) {
        (None, _) => verdict.to_owned(),
        (Some(at), true) => format!("{verdict} ({})", shell.time(at.0)),
        (Some(at), false) => {
            format!("{verdict} ({}; {})", shell.time(at.0), shell.word(Word::RevocationUnchecked))
        }
    }
}

/// Later dispatches that bear on one, as a table.
pub(super) fn acts(shell: &Shell, acts: &[ActView]) -> String {
    let headings =
        [Word::Time, Word::Act, Word::Dispatch, Word::From, Word::Reference, Word::Status];
    let mut table = Table::new(&headings.map(|w| (shell.word(w), Align::Left)));
    for a in acts {
        let answer =
            |x: &ActAnswer| format!("{}: {}", x.recipient, status(shell, x.status.status.0));
        let answers: Vec<String> = a.answers.iter().map(answer).collect();
        table.row([
            shell.time(a.at.0),
            bearing(shell, a.kind).to_owned(),
            a.dispatch.to_string(),
            a.originator.as_ref().map(ToString::to_string).unwrap_or_default(),
            a.reference.as_ref().map(ToString::to_string).unwrap_or_default(),
            some_of(&answers),
        ]);
    }
    table.lines()
}

/// What programs know under a fixed English name: a step, a purpose, a thing looked at.
pub(super) fn named(shell: &Shell, name: &str) -> String {
    let word = match name {
        "address" => Word::Address,
        "directory" => Word::Directory,
        "node" => Word::Node,
        "node certificate" => Word::NodeCertificate,
        "receipt log" => Word::Log,
        "revocation lists" => Word::RevocationLists,
        "root document" => Word::RootDocument,
        "seal" => Word::Seal,
        "session" => Word::Session,
        other => {
            let agency = other.strip_prefix("seal of ");
            let seal_of = |agency| shell.sentence(Word::SealOf, &[agency]);
            return agency.map_or_else(|| other.to_owned(), seal_of);
        }
    };
    shell.word(word).to_owned()
}

pub(super) fn outcome(shell: &Shell, outcome: Option<Outcome>) -> &'static str {
    match outcome {
        None => "",
        Some(Outcome::Consigned) => shell.word(Word::Consigned),
        Some(Outcome::Refused) => shell.word(Word::Refused),
        Some(Outcome::Failed) => shell.word(Word::Failed),
        Some(Outcome::Expired) => shell.word(Word::Expired),
    }
}

/// The first few of many, and how many more.
pub(super) fn some_of<T: ToString>(items: &[T]) -> String {
    let first: Vec<String> = items.iter().take(3).map(ToString::to_string).collect();
    match items.len() - first.len() {
        0 => first.join(", "),
        more => format!("{} +{more}", first.join(", ")),
    }
}

/// A reason and a person's words in one cell.
fn because(code: Option<&text::CodeText>, remark: Option<&String>) -> String {
    match (code, remark) {
        (None, None) => String::new(),
        (Some(code), None) => code.to_string(),
        (None, Some(remark)) => remark.clone(),
        (Some(code), Some(remark)) => format!("{code}: {remark}"),
    }
}

/// Legs as a table.
pub(super) fn legs(shell: &Shell, legs: &[LegView]) -> String {
    let headings = [
        Word::To,
        Word::State,
        Word::Outcome,
        Word::Status,
        Word::Event,
        Word::Via,
        Word::ChangedAt,
        Word::Reason,
    ];
    let mut table = Table::new(&headings.map(|w| (shell.word(w), Align::Left)));
    for leg in legs {
        table.row([
            leg.recipient.to_string(),
            leg_state(shell, leg.state).to_owned(),
            outcome(shell, leg.outcome).to_owned(),
            leg.status.as_ref().map(|s| status(shell, s.status.0)).unwrap_or_default(),
            leg.event.as_ref().map(|e| event(shell, e.0)).unwrap_or_default(),
            leg.peer.as_ref().map(ToString::to_string).unwrap_or_default(),
            shell.time(leg.changed_at.0),
            because(leg.code.as_ref(), leg.remark.as_ref()),
        ]);
    }
    table.lines()
}

/// Documents as a table.
pub(super) fn documents(shell: &Shell, documents: &[DocumentView]) -> String {
    let mut table = Table::new(&[
        (shell.word(Word::Document), Align::Left),
        (shell.word(Word::MediaType), Align::Left),
        (shell.word(Word::Size), Align::Right),
        ("SHA-256", Align::Left),
    ]);
    for d in documents {
        table.row([
            d.name.clone(),
            d.media_type.clone(),
            table::bytes(d.size),
            d.sha256.to_string(),
        ]);
    }
    table.lines()
}

/// Evidence as a table.
pub(super) fn evidence(shell: &Shell, evidence: &[EvidenceView]) -> String {
    let mut table = Table::new(&[
        (shell.word(Word::Time), Align::Left),
        (shell.word(Word::Event), Align::Left),
        (shell.word(Word::Status), Align::Left),
        (shell.word(Word::SaidBy), Align::Left),
        (shell.word(Word::Leaf), Align::Right),
        (shell.word(Word::To), Align::Left),
        (shell.word(Word::Reason), Align::Left),
    ]);
    for e in evidence {
        let mut name = event(shell, e.event.0);
        if !e.authorised {
            name = format!("{name} [{}]", shell.word(Word::ClaimOnly));
        }
        table.row([
            shell.time(e.at.0),
            name,
            e.status.map(|s| status(shell, s.0)).unwrap_or_default(),
            e.node.to_string(),
            e.index.to_string(),
            e.recipient.as_ref().map(ToString::to_string).unwrap_or_default(),
            because(e.code.as_ref(), e.remark.as_ref()),
        ]);
    }
    table.lines()
}
