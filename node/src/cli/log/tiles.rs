//! `tram log tiles`: the receipt log as static files that public tools read.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tram_api::Client;
use tram_dispatch::EpochId;

use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect, inspect, table};
use crate::tiles::{self, Export, ExportError, Exported};

#[derive(Subcommand)]
pub(crate) enum Command {
    Export(ExportArgs),
}

/// Write the receipt log as static files (C2SP tlog-tiles), or what is new of it.
///
/// The files lie below FOLDER in a folder named by the epoch of the log: the checkpoint, the tiles of its
/// tree, and its entries, which are salted commitments and show nothing of any dispatch. Any web server can
/// show them. A run that was broken off goes on where it was, and the checkpoint comes last.
#[derive(Args)]
#[command(after_help = "Examples:\n  tram log tiles export /srv/tram-log\n  \
tram log tiles export /srv/tram-log --ended --config /srv/tram/tram.toml")]
pub(crate) struct ExportArgs {
    /// Where; it is made if it is not there.
    folder: PathBuf,
    /// The logs of epochs that ended instead, from the node's data folder: for the user that runs the node.
    #[arg(long)]
    ended: bool,
}

#[derive(Serialize)]
struct Shown {
    /// The prefix under which the log is read.
    folder: PathBuf,
    epoch: String,
    size: u64,
    new: u64,
}

impl From<ExportError> for Failure {
    fn from(e: ExportError) -> Self {
        Failure::new(e.code(), e.to_string())
    }
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, command: Command) -> Done {
    let Command::Export(args) = command;
    let shown = match args.ended {
        true => ended(shell, &args)?,
        false => vec![connect::block_on(newest(shell, &args))?],
    };
    shell.answer(&shown, || {
        let block = |log: &Shown| {
            table::pairs(&[
                (shell.word(Word::Folder), log.folder.display().to_string()),
                (shell.word(Word::LogSize), log.size.to_string()),
                (shell.word(Word::NewEntries), log.new.to_string()),
            ])
        };
        shown.iter().map(block).collect::<Vec<_>>().join("\n")
    })?;
    Ok(DONE)
}

impl Shown {
    fn of(Exported { folder, size, new }: Exported) -> Self {
        let name = folder.file_name().unwrap_or_default();
        Shown { epoch: name.to_string_lossy().into_owned(), folder, size, new }
    }
}

fn ended(shell: &Shell, args: &ExportArgs) -> Result<Vec<Shown>, Failure> {
    let config = connect::read_config(&connect::required_config_file(shell)?)?;
    let whose = (inspect::root(&config.root)?.network(), &config.node);
    let bar = bar(shell);
    let mut shown = Vec::new();
    for folder in tiles::ended::folders(&config.data_dir) {
        let done = tiles::ended::export(&folder, &args.folder, whose, |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        });
        shown.push(Shown::of(done.map_err(|(code, detail)| Failure::new(code, detail))?));
    }
    bar.finish_and_clear();
    Ok(shown)
}

async fn newest(shell: &Shell, args: &ExportArgs) -> Result<Shown, Failure> {
    let client = connect::client(shell, connect::READERS)?;
    let (epoch, note) = checkpoint(&client).await?;
    let mut export = Export::begin(&args.folder, &epoch.to_string(), note.into_bytes())?;
    let bar = bar(shell);
    while let Some(wanted) = export.wanted()? {
        let (done, all) = export.progress();
        bar.set_length(all);
        bar.set_position(done);
        let bundle = client.log_entries(wanted.index, wanted.width).await?;
        export.put(wanted, &bundle)?;
    }
    bar.finish_and_clear();
    Ok(Shown::of(export.finish()?))
}

/// The newest checkpoint; with its cosignatures, where it has enough of them already.
async fn checkpoint(client: &Client) -> Result<(EpochId, String), Failure> {
    let head = client.log_head().await?;
    let cosigned = client.log_witnesses().await?.quorum;
    let cosigned = cosigned.filter(|quorum| quorum.size == head.size);
    Ok((head.epoch.0, cosigned.map_or(head.checkpoint, |quorum| quorum.checkpoint)))
}

fn bar(shell: &Shell) -> ProgressBar {
    if !shell.draws_progress() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    match ProgressStyle::with_template("[{bar:30}] {human_pos} / {human_len}  {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
