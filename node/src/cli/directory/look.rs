//! Looking into a directory: a signed file, or the one in force at the node.

use std::path::PathBuf;

use clap::Args;
use tram_api::model::{DirectoryAgency, DirectoryQuery, DirectoryView};
use tram_trust::Directory;

use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::table::{self, Align, Table};
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect, inspect};
use crate::directory::listed;

/// Verify a signed directory against the network's root document.
#[derive(Args)]
#[command(after_help = "Example:\n  tram directory verify directory.cbor --root network/root.cbor")]
pub(crate) struct VerifyArgs {
    /// The signed directory.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The network's root document.
    #[arg(long, value_name = "FILE")]
    root: PathBuf,
}

/// Show the directory in force at the node, or a signed file.
#[derive(Args)]
#[command(after_help = "Examples:\n  tram directory show\n  tram directory show --file \
directory.cbor --root network/root.cbor")]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    from: Source,
}

/// Find agencies by name, code or former code.
///
/// Accents may be left out: "hai duong" finds Hải Dương. Where some are typed, they must agree. Of a closed
/// agency it is said who receives what is addressed to it today.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tram directory find \"mỹ sơn\"\n  tram directory find \"my son\"\n  tram directory find 000.03.12.H41"
)]
pub(crate) struct FindArgs {
    /// Part of a name or code, whatever its case.
    #[arg(value_name = "TEXT")]
    text: String,
    #[command(flatten)]
    from: Source,
}

/// Where the directory comes from.
#[derive(Args)]
struct Source {
    /// A signed directory file instead of the running node.
    #[arg(long, value_name = "FILE", requires = "root")]
    file: Option<PathBuf>,
    /// The root document it is verified against.
    #[arg(long, value_name = "FILE", requires = "file")]
    root: Option<PathBuf>,
}

/// `directory verify`.
pub(crate) fn verify(shell: &Shell, args: &VerifyArgs) -> Done {
    let root = inspect::root(&args.root)?;
    let directory = inspect::directory(&root, &args.file)?;
    let mut view = view(&directory, None);
    view.items.clear();
    shell.answer(&view, || {
        let (version, until) = (view.version.to_string(), shell.time(view.expires_at.0));
        let (digest, entries) = (view.digest.to_string(), view.entries.to_string());
        shell.sentence(Word::DirectoryHolds, &[&version, &digest, &entries, &until])
    })?;
    Ok(DONE)
}

/// `directory show`.
pub(crate) fn show(shell: &Shell, args: &ShowArgs) -> Done {
    let view = get(shell, &args.from, None)?;
    shell.answer(&view, || {
        let head = table::pairs(&[
            (shell.word(Word::Network), view.network.to_string()),
            (shell.word(Word::Version), view.version.to_string()),
            (shell.word(Word::Digest), view.digest.to_string()),
            (shell.word(Word::ValidUntil), shell.time(view.expires_at.0)),
        ]);
        format!("{head}\n{}", agencies(shell, &view.items))
    })?;
    Ok(DONE)
}

/// `directory find`.
pub(crate) fn find(shell: &Shell, args: &FindArgs) -> Done {
    let view = get(shell, &args.from, Some(&args.text))?;
    shell.answer(&view.items, || agencies(shell, &view.items))?;
    Ok(DONE)
}

fn get(shell: &Shell, from: &Source, find: Option<&str>) -> Result<DirectoryView, Failure> {
    if let (Some(file), Some(root)) = (&from.file, &from.root) {
        let directory = inspect::directory(&inspect::root(root)?, file)?;
        return Ok(view(&directory, find));
    }
    let client = connect::client(shell, connect::READERS)?;
    connect::block_on(async {
        let mut query = DirectoryQuery { find: find.map(str::to_owned), ..Default::default() };
        let mut view = client.directory(&query).await?;
        while let Some(next) = view.next.take() {
            query.after = Some(next);
            let page = client.directory(&query).await?;
            view.items.extend(page.items);
            view.next = page.next;
        }
        Ok(view)
    })
}

fn view(directory: &Directory, find: Option<&str>) -> DirectoryView {
    let head = directory.head();
    DirectoryView {
        network: head.network.into(),
        version: head.version,
        digest: directory.digest().into(),
        issued_at: head.issued_at.into(),
        expires_at: head.expires_at.into(),
        entries: head.entries,
        items: directory
            .find(find.unwrap_or_default(), None)
            .map(|a| listed(directory, a))
            .collect(),
        next: None,
    }
}

fn agencies(shell: &Shell, items: &[DirectoryAgency]) -> String {
    if items.is_empty() {
        return shell.word(Word::Nothing).to_owned();
    }
    let headings = [Word::Agency, Word::Name, Word::Tier, Word::Parent, Word::Node, Word::State];
    let mut table = Table::new(&headings.map(|w| (shell.word(w), Align::Left)));
    for a in items {
        let text = |t: Option<String>| t.unwrap_or_default();
        let state = match (a.open, &a.reaches) {
            (true, _) => shell.word(Word::Open).to_owned(),
            (false, None) => shell.word(Word::Closed).to_owned(),
            (false, Some(to)) => format!("{} → {to}", shell.word(Word::Closed)),
        };
        table.row([
            a.code.to_string(),
            a.name.clone(),
            a.tier.to_string(),
            text(a.parent.as_ref().map(ToString::to_string)),
            text(a.node.as_ref().map(ToString::to_string)),
            state,
        ]);
    }
    table.lines()
}
