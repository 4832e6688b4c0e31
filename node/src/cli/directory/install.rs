//! `tram directory install`: gives a signed directory to a node.

use std::path::PathBuf;

use clap::Args;
use tram_api::model::DirectoryInstalled;
use tram_config::Role;
use tram_dispatch::limits::DIRECTORY_BYTES_MAX;
use tram_trust::Directory;
use tram_wire::directory::DirectoryDifference;

use crate::cli::clock::now;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect, files, inspect};

/// Install a signed directory in the running node, or with --offline in a stopped one.
///
/// A whole directory, or a difference from the one in force (`tram directory diff --out`). It is verified
/// against the root document first, and must not be older than the one in force. Nodes pass a newer one on
/// to each other: one installation in a network is enough.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tram directory install directory.cbor\n  tram directory install \
directory.cbor --offline --config /srv/tram/tram.toml"
)]
pub(crate) struct InstallArgs {
    /// The signed directory, or the difference.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The node is stopped, or was never started: put the file where the configuration says.
    #[arg(long)]
    offline: bool,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &InstallArgs) -> Done {
    let bytes = files::read(&args.file, DIRECTORY_BYTES_MAX)?;
    let installed = if args.offline {
        offline(shell, args, &bytes)?
    } else {
        let client = connect::client(shell, &[Role::Operate])?;
        connect::block_on(async { Ok(client.install_directory(bytes).await?) })?
    };
    shell.answer(&installed, || {
        let version = installed.version.to_string();
        let until = shell.time(installed.expires_at.0);
        let word = if installed.changed { Word::DirectoryInstalled } else { Word::DirectorySame };
        shell.sentence(word, &[&version, &installed.digest.to_string(), &until])
    })?;
    Ok(DONE)
}

fn offline(shell: &Shell, args: &InstallArgs, bytes: &[u8]) -> Result<DirectoryInstalled, Failure> {
    let config = connect::read_config(&connect::required_config_file(shell)?)?;
    let root = inspect::root(&config.root)?;
    let before = if config.directory.exists() {
        Some(inspect::directory(&root, &config.directory)?)
    } else {
        None
    };
    let about = |e: tram_trust::Refusal| Failure::from(e).about(args.file.display());
    let made;
    let mut bytes = bytes;
    if DirectoryDifference::is_one(bytes) {
        let file = files::read(&config.directory, DIRECTORY_BYTES_MAX)?;
        made = Directory::with_difference(&root, &file, bytes).map_err(about)?;
        bytes = &made;
    }
    let directory = Directory::verify(&root, bytes, before.as_ref(), now()).map_err(about)?;
    let changed = before.is_none_or(|b| b.digest() != directory.digest());
    if changed {
        files::replace(&config.directory, bytes, 0o644)?;
    }
    Ok(DirectoryInstalled {
        version: directory.version(),
        digest: directory.digest().into(),
        expires_at: directory.expires_at().into(),
        entries: directory.head().entries,
        changed,
    })
}
