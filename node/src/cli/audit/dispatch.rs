//! `tram audit dispatch`.

use clap::Args;
use tram_dispatch::DispatchId;

use crate::cli::shell::Shell;
use crate::cli::{DONE, Done, connect, show};

/// Show everything this node knows about one dispatch.
#[derive(Args)]
#[command(after_help = "Example:\n  tram audit dispatch ID")]
pub(crate) struct DispatchArgs {
    /// The dispatch.
    id: DispatchId,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &DispatchArgs) -> Done {
    let client = connect::client(shell, connect::READERS)?;
    let found = connect::block_on(async { Ok(client.track(args.id).await?) })?;
    shell.answer(&found, || {
        [show::legs(shell, &found.legs), show::evidence(shell, &found.evidence)].join("\n")
    })?;
    Ok(DONE)
}
