//! `tram edxml status`: what became of a dispatch, as the status files that document systems read.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use tram_api::model::{EvidenceView, Tracking};
use tram_dispatch::{AgencyCode, Code, DispatchId, Status};
use tram_edxml::map::{StatusOf, notice, status_of};
use tram_edxml::{WriteError, write_status};

use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect, files};

/// Write a status file for each status that is on record of a dispatch, one per recipient and change.
#[derive(Args)]
#[command(after_help = "Example:\n  tram edxml status ID --out statuses")]
pub(crate) struct StatusArgs {
    /// The dispatch id.
    #[arg(value_name = "ID")]
    dispatch: DispatchId,
    /// Only of this recipient.
    #[arg(long, value_name = "CODE")]
    recipient: Option<AgencyCode>,
    /// Folder for the files; those that are there are left as they are.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    out: PathBuf,
}

#[derive(Serialize)]
struct Made {
    recipient: String,
    status: String,
    at: String,
    file: String,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &StatusArgs) -> Done {
    let client = connect::client(shell, connect::READERS)?;
    let tracking = connect::block_on(async { Ok(client.track(args.dispatch).await?) })?;
    files::folder(&args.out, true)?;
    let mut made = Vec::new();
    for (recipient, status, said) in statuses(&tracking) {
        if args.recipient.as_ref().is_some_and(|only| only != recipient) {
            continue;
        }
        // The same status has the same name, however much is on record by then.
        let name = files::safe_name(&format!("{recipient}-{}-{status}", said.at.0.0));
        let path = args.out.join(format!("{name}.edxml"));
        if !path.exists() {
            write(&tracking, recipient, status, said, &path)?;
        }
        made.push(Made {
            recipient: recipient.to_string(),
            status: status.to_string(),
            at: said.at.0.to_string(),
            file: path.display().to_string(),
        });
    }
    shell.answer(&made, || {
        let count = made.len().to_string();
        shell.sentence(Word::EdxmlStatuses, &[&count, &args.out.display().to_string()])
    })?;
    Ok(DONE)
}

/// Every status of a recipient that its node may say, in the order of evidence.
fn statuses(tracking: &Tracking) -> Vec<(&AgencyCode, Status, &EvidenceView)> {
    let of = |e: &'_ EvidenceView| e.status.map(|s| s.0).or_else(|| status_of(e.event.0));
    let authorised = tracking.evidence.iter().filter(|e| e.authorised);
    authorised.filter_map(|e| Some((&e.recipient.as_ref()?.0, of(e)?, e))).collect()
}

fn write(
    tracking: &Tracking,
    recipient: &AgencyCode,
    status: Status,
    said: &EvidenceView,
    path: &Path,
) -> Result<(), Failure> {
    let notice = notice(&StatusOf {
        from: (recipient, None),
        addressee: &tracking.originator.0,
        reference: &tracking.reference.0,
        number: None,
        issued_on: None,
        status,
        description: said.remark.clone(),
        at: said.at.0,
    });
    let mut bytes = Vec::new();
    write_status(&mut bytes, &notice).map_err(|e| match e {
        WriteError::Value(e) => Failure::from(e),
        other => Failure::new(Code::Internal, other),
    })?;
    files::write_new(path, &bytes, 0o600)
}
