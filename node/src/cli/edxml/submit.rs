//! `tram submit FILE.edxml`: a document is sealed by the node for its agency and sent, with the file
//! itself among its documents; a status is recorded.

use std::path::Path;

use tram_api::Client;
use tram_api::model::{ActKind, ActView, DispatchQuery, Recorded};
use tram_config::Role;
use tram_dispatch::{AgencyCode, Code, DispatchId, Reference, Status};
use tram_edxml::{Content, Note, StatusNotice};

use super::unpack;
use crate::cli::dispatch::{Local, accepted, upload_all};
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect, show};
use crate::edxml::{Asked, Unpacked, ask, outline_of};

/// Runs the command.
pub(crate) fn run(shell: &Shell, path: &Path) -> Done {
    let unpacked = unpack(path)?;
    match &unpacked.reading.content {
        Content::Status(notice) if notice.status != Status::TakeBackRequested => {
            status(shell, notice)
        }
        _ => send(shell, path, &unpacked),
    }
}

fn send(shell: &Shell, path: &Path, unpacked: &Unpacked) -> Done {
    let mut notes = Vec::new();
    let outline = outline_of(unpacked, &mut notes);
    if let Some(marked) = unpacked.reading.marks.first() {
        // The node refuses it and keeps a record of that, if it can be asked at all.
        let here = Failure::new(Code::SecretRefused, format!("{}: carries a mark", marked.place));
        let Ok(outline) = outline else { return Err(here.about(path.display())) };
        let Asked { reference, request } = ask(unpacked, &outline, "");
        let asked = connect::client(shell, &[Role::Submit]).and_then(|client| {
            connect::block_on(async { Ok(client.seal(&reference, &request).await?) })
        });
        return match asked {
            Err(there) if there.code() == Code::SecretRefused => Err(there),
            _ => Err(here.about(path.display())),
        };
    }
    let outline = outline.map_err(|e| Failure::from(e).about(path.display()))?;
    remark(shell, &notes);
    let Asked { reference, request } = ask(unpacked, &outline, &kept_name(path));
    let piece =
        |d: &crate::edxml::Piece| Local { path: d.path.clone(), sha256: d.sha256, size: d.size };
    let mut files: Vec<Local> = unpacked.documents.iter().map(piece).collect();
    let reading = &unpacked.reading;
    files.push(Local { path: path.to_owned(), sha256: reading.sha256, size: reading.size });
    let client = connect::client(shell, &[Role::Submit])?;
    let answer = connect::block_on(async {
        upload_all(shell, &client, &outline.originator, &files).await?;
        Ok(client.seal(&reference, &request).await?)
    })?;
    accepted(shell, &answer)
}

/// What the envelope says otherwise than the file, for people.
pub(super) fn remark(shell: &Shell, notes: &[Note]) {
    for note in notes {
        shell.note(tram_dispatch::text::escaped(&format!("{}: {}", note.place, note.odd)));
    }
}

/// The name of the kept file among the documents.
fn kept_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let fits = name.len() <= tram_dispatch::limits::DOCUMENT_NAME_BYTES_MAX
        && tram_dispatch::text::is_plain(&name);
    if fits && !name.is_empty() { name.into_owned() } else { "kept.edxml".to_owned() }
}

/// Records a status that the recipient's system gives by edXML.
fn status(shell: &Shell, notice: &StatusNotice) -> Done {
    let (recipient, originator, reference) = tram_edxml::map::about(notice)?;
    let words = notice.description.clone();
    if notice.status == Status::Arrived {
        // The node of the recipient said so itself, when it held the dispatch durably.
        let status = show::status(shell, notice.status);
        shell.answer(
            &serde_json::json!({ "status": notice.status.to_string(), "recorded": false }),
            || shell.sentence(Word::EdxmlNothingToDo, &[&status]),
        )?;
        return Ok(DONE);
    }
    let client = connect::client(shell, &[Role::Collect])?;
    let recorded = connect::block_on(async {
        let mut id = find(&client, &originator, &reference, &recipient).await?;
        if matches!(notice.status, Status::Agreed | Status::Declined) {
            id = asked_by(&client, &recipient, id).await?;
        }
        record(&client, &recipient, id, notice.status, words).await
    })?;
    shell.answer(&recorded, || {
        let word = if recorded.repeat { Word::RecordedBefore } else { Word::Recorded };
        let (event, id) = (show::event(shell, recorded.event.0), recorded.dispatch.to_string());
        shell.sentence(word, &[&event, &id, &shell.time(recorded.at.0)])
    })?;
    Ok(DONE)
}

async fn find(
    client: &Client,
    originator: &AgencyCode,
    reference: &Reference,
    recipient: &AgencyCode,
) -> Result<DispatchId, Failure> {
    let query = DispatchQuery {
        originator: Some(originator.clone().into()),
        reference: Some(reference.clone().into()),
        recipient: Some(recipient.clone().into()),
        ..DispatchQuery::default()
    };
    let page = client.dispatches(&query).await?;
    page.items.first().map(|d| d.dispatch.0).ok_or_else(|| {
        let detail = format!("no dispatch of {originator} to {recipient} under {reference}");
        Failure::new(Code::NotFound, detail)
    })
}

/// The recall or update that is answered: systems name the document itself.
async fn asked_by(
    client: &Client,
    recipient: &AgencyCode,
    id: DispatchId,
) -> Result<DispatchId, Failure> {
    let entry = client.inbox_entry(recipient, id).await?;
    let asks = |act: &&ActView| matches!(act.kind, ActKind::Recall | ActKind::Update);
    Ok(entry.acts.iter().rev().find(asks).map_or(id, |act| act.dispatch.0))
}

async fn record(
    client: &Client,
    recipient: &AgencyCode,
    id: DispatchId,
    status: Status,
    words: Option<String>,
) -> Result<Recorded, Failure> {
    Ok(match status {
        Status::Accepted => client.register(recipient, id, words).await?,
        Status::Refused => {
            let reason = words.unwrap_or_else(|| status.name_vi().to_owned());
            client.refuse(recipient, id, reason).await?
        }
        _ => client.report(recipient, id, status, words).await?,
    })
}
