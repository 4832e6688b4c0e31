//! `tram dispatch send`: the node seals, with the agency's key in its key provider.

use clap::Args;
use tram_config::Role;

use super::documents::upload_all;
use super::metadata::Describe;
use crate::cli::shell::Shell;
use crate::cli::{Done, connect};

/// Have the node seal and take a dispatch, with the seal key it holds for the agency.
///
/// Only where the agency allowed it (`[[seals]]` in the configuration). The envelope says that the
/// node sealed. A repeat with the same reference and content gets the first receipt.
#[derive(Args)]
#[command(after_help = "Example:\n  tram dispatch send --from H41.12.03 --to H41 --reference \
07/BC-UBND --subject \"Báo cáo\" --document bao-cao.pdf")]
pub(crate) struct SendArgs {
    #[command(flatten)]
    describe: Describe,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: SendArgs) -> Done {
    let described = args.describe.read()?;
    let client = connect::client(shell, &[Role::Submit])?;
    let agency = &described.request.originator;
    let accepted = connect::block_on(async {
        upload_all(shell, &client, agency, &described.files).await?;
        Ok(client.seal(&described.reference, &described.request).await?)
    })?;
    super::accepted(shell, &accepted)
}
