//! Evidence files: what each proves, claim by claim.

use std::sync::Arc;

use serde::Serialize;
use tram_dispatch::codes::exit;
use tram_dispatch::limits::POLICY_BYTES_MAX;
use tram_dispatch::text::escaped;
use tram_trust::evidence::{Account, Claim, Fault, Finding, Ground, Place, Proof, State, examine};

use super::{Named, VerifyArgs, words};
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{Done, files, inspect, table};

#[derive(Serialize)]
struct Report {
    file: String,
    verdict: &'static str,
    network: String,
    dispatch: String,
    directory_version: Option<u64>,
    directory_digest: Option<String>,
    claims: Vec<Row>,
    false_parts: Vec<FalsePart>,
}

#[derive(Serialize)]
struct Row {
    claim: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    about: String,
    proved: bool,
    /// Whether the exit code depends on it.
    asked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why_not: Option<&'static str>,
    detail: String,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    leaf: Option<LeafRow>,
}

#[derive(Serialize)]
struct LeafRow {
    event: &'static str,
    node: String,
    epoch: String,
    leaf: u64,
    time: String,
    committed: String,
    receipt: String,
}

#[derive(Serialize)]
struct FalsePart {
    part: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<usize>,
    code: &'static str,
    detail: String,
}

/// Judges the files, one after the other; the worst of them is the exit code.
pub(super) fn run(shell: &Shell, args: &VerifyArgs, read: Vec<Named>) -> Done {
    let ground = ground(args)?;
    let mut reports = Vec::new();
    for (path, bytes) in read {
        let file = path.display().to_string();
        let account = examine(&ground, &bytes).map_err(|e| Failure::from(e).about(file.clone()))?;
        reports.push((report(shell, args, file, &account), account));
    }
    let views: Vec<&Report> = reports.iter().map(|(report, _)| report).collect();
    shell.answer(&views, || {
        let texts: Vec<String> = reports.iter().map(|(r, a)| lines(shell, r, a)).collect();
        texts.join("\n")
    })?;
    let any = |verdict| views.iter().any(|report| report.verdict == verdict);
    Ok(match (any(FALSE), any(OPEN)) {
        (true, _) => exit::REFUSED,
        (false, true) => exit::LATER,
        (false, false) => exit::DONE,
    })
}

const FALSE: &str = "false";
const OPEN: &str = "undetermined";
const PROVED: &str = "proved";

fn ground(args: &VerifyArgs) -> Result<Ground, Failure> {
    let root = inspect::root(&args.root)?;
    let directory = match &args.directory {
        Some(path) => Some(inspect::directory(&root, path)?),
        None => None,
    };
    let mut ground = Ground::new(Arc::new(root));
    if let Some(directory) = directory {
        ground = ground.with_directory(Arc::new(directory));
    }
    if let Some(path) = &args.policy {
        let text = files::read_text(path, POLICY_BYTES_MAX)?;
        ground = ground
            .with_policy(&text)
            .map_err(|e| Failure::from(e).about(path.display().to_string()))?;
    }
    if !args.tsa.is_empty() {
        ground = ground.with_authorities(inspect::authorities(&args.tsa)?);
    }
    for path in &args.document {
        let (sha256, size) = files::digest(path)?;
        ground = ground.with_document(sha256, size);
    }
    Ok(ground)
}

/// Whether the exit code depends on this finding.
fn is_asked(args: &VerifyArgs, finding: &Finding) -> bool {
    if args.ask.is_empty() { finding.asked } else { args.ask.contains(&finding.claim) }
}

fn report(shell: &Shell, args: &VerifyArgs, file: String, account: &Account) -> Report {
    let claims: Vec<Row> =
        account.findings.iter().map(|f| row(shell, f, is_asked(args, f))).collect();
    // What was asked for by name and is not there at all is not proved either.
    let absent = args.ask.iter().any(|c| account.findings.iter().all(|f| f.claim != *c));
    let asked = || claims.iter().filter(|row| row.asked);
    let verdict = if !account.faults.is_empty() {
        FALSE
    } else if absent || asked().any(|row| !row.proved) || asked().next().is_none() {
        OPEN
    } else {
        PROVED
    };
    Report {
        file,
        verdict,
        network: account.network.to_string(),
        dispatch: account.dispatch.to_string(),
        directory_version: account.directory.as_ref().map(|d| d.version),
        directory_digest: account.directory.as_ref().map(|d| d.digest.to_string()),
        claims,
        false_parts: account.faults.iter().map(false_part).collect(),
    }
}

fn false_part(fault: &Fault) -> FalsePart {
    FalsePart {
        part: fault.part.name(),
        number: fault.part.number(),
        code: fault.refusal.code.as_str(),
        detail: fault.refusal.detail.clone(),
    }
}

fn row(shell: &Shell, finding: &Finding, asked: bool) -> Row {
    let (proved, why_not, detail) = match &finding.state {
        State::Proved(proof) => (true, None, words::proof(shell, proof)),
        State::Lacking(lack) => (false, Some(lack.name()), words::lack(shell, lack)),
    };
    Row {
        claim: finding.claim.name(),
        recipient: finding.recipient.as_ref().map(ToString::to_string),
        about: escaped(&finding.about),
        proved,
        asked,
        why_not,
        detail,
        leaf: place(&finding.state).map(leaf_row),
    }
}

fn place(state: &State) -> Option<&Place> {
    match state {
        State::Proved(
            Proof::Leaf(place)
            | Proof::Decided { place, .. }
            | Proof::Handled { place, .. }
            | Proof::When { place, .. },
        ) => Some(place),
        _ => None,
    }
}

fn leaf_row(place: &Place) -> LeafRow {
    LeafRow {
        event: place.event.name(),
        node: place.node.to_string(),
        epoch: place.epoch.to_string(),
        leaf: place.leaf,
        time: place.time.to_string(),
        committed: place.committed.to_string(),
        receipt: place.receipt.to_string(),
    }
}

fn lines(shell: &Shell, report: &Report, account: &Account) -> String {
    let (id, file) = (&report.dispatch, escaped(&report.file));
    let mut out = shell.sentence(Word::FileOf, &[id, &file]) + "\n";
    if let Some(d) = &account.directory {
        let (issued, expires) = (shell.time(d.issued_at), shell.time(d.expires_at));
        let values = [d.version.to_string(), issued, expires];
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        out.push_str(&(shell.sentence(Word::FileDirectory, &values) + "\n"));
    }
    let mut pairs = Vec::new();
    for fault in &report.false_parts {
        let number = fault.number.map(|n| format!(" {}", n + 1)).unwrap_or_default();
        let text = format!("{}{number} [{}]: {}", fault.part, fault.code, fault.detail);
        pairs.push((shell.word(Word::False).to_owned(), text));
    }
    for (finding, row) in account.findings.iter().zip(&report.claims) {
        let state = match (row.proved, row.asked) {
            (true, _) => Word::Proved,
            (false, true) => Word::NotProved,
            (false, false) => Word::NotAsked,
        };
        let recipient = row.recipient.as_ref().map(|r| format!(" ({r})")).unwrap_or_default();
        let named = matches!(finding.claim, Claim::Witnessed | Claim::Document | Claim::Stamped);
        let about = if named { format!(" {}", row.about) } else { String::new() };
        let claim = shell.word(words::claim(finding.claim));
        let text = format!("{claim}{about}{recipient}: {}", row.detail);
        pairs.push((shell.word(state).to_owned(), text));
    }
    out.push_str(&table::pairs(&pairs));
    let asked = report.claims.iter().filter(|row| row.asked);
    let open = asked.clone().filter(|row| !row.proved).count();
    let (word, count) = match report.verdict {
        FALSE => (Word::FileFalse, report.false_parts.len()),
        PROVED => (Word::FileProved, asked.count()),
        _ => (Word::FileOpen, open),
    };
    out.push_str(&shell.sentence(word, &[&count.to_string()]));
    out.push('\n');
    out
}
