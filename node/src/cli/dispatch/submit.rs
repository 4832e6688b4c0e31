//! `tram dispatch submit`: hands a sealed dispatch to the node.

use std::path::PathBuf;

use clap::Args;
use tram_config::Role;
use tram_dispatch::limits::DISPATCH_BYTES_MAX;
use tram_wire::SealedDispatch;

use super::documents::{bring, local};
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::{Done, connect, edxml, files};

/// Hand a sealed dispatch and its documents to the node.
///
/// Success means that the node holds all of it durably and has answered with a receipt. A repeat
/// changes nothing and gets the first receipt again.
///
/// An edXML file (QCVN 102:2016) is taken as well: the node seals a document for its agency, with the file
/// itself among the documents, and records a status.
#[derive(Args)]
#[command(after_help = "Example:\n  tram dispatch submit chi-thi.dispatch --document chi-thi.pdf")]
pub(crate) struct SubmitArgs {
    /// The sealed dispatch, or an edXML file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A document, found by its digest; may be repeated. Not needed for what was uploaded before.
    #[arg(long, value_name = "FILE")]
    document: Vec<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &SubmitArgs) -> Done {
    if edxml::is_xml(&args.file)? {
        return match args.document.is_empty() {
            true => edxml::submit::run(shell, &args.file),
            false => Err(Failure::usage("--document has no place beside an edXML file")),
        };
    }
    let bytes = files::read(&args.file, DISPATCH_BYTES_MAX)?;
    let sealed =
        SealedDispatch::parse(&bytes).map_err(|e| Failure::from(e).about(args.file.display()))?;
    let documents = local(&args.document)?;
    let envelope = sealed.envelope();
    let wanted: Vec<_> = envelope.documents.iter().map(|d| (d.sha256, d.size)).collect();
    let client = connect::client(shell, &[Role::Submit])?;
    let accepted = connect::block_on(async {
        let riding = bring(shell, &client, &envelope.originator, &wanted, &documents).await?;
        let riding = if riding.iter().all(Option::is_none) { Vec::new() } else { riding };
        Ok(client.submit(sealed.raw(), &riding).await?)
    })?;
    super::accepted(shell, &accepted)
}
