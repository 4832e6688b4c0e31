//! `tram receipt export`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use tram_api::limits::PAGE_ITEMS_MAX;
use tram_api::model::ReceiptQuery;
use tram_dispatch::Code;
use tram_dispatch::limits::{BUNDLE_BYTES_MAX, BUNDLE_RECEIPTS_MAX, DIRECTORY_BYTES_MAX};
use tram_wire::Bundle;
use tram_wire::bundle::split_sequence;

use super::{Filter, etsi};
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect, files};

/// Take receipts out of the node into one file, to be kept and verified anywhere.
///
/// With --directory the signed directory goes along, so that the file and the network's root
/// document are all that a verifier needs.
#[derive(Args)]
#[command(after_help = "Example:\n  tram receipt export --dispatch ID --out directive.receipts \
--directory network/directory.cbor")]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    filter: Filter,
    /// The file to make.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The signed directory to put in.
    #[arg(long, value_name = "FILE")]
    directory: Option<PathBuf>,
    /// Write XML with the names of ETSI EN 319 522-3 instead (not validated against its schema); each
    /// receipt goes along in base64.
    #[arg(long, conflicts_with_all = ["directory", "etsi_json"])]
    xml: bool,
    /// Write JSON with the same names instead.
    #[arg(long, conflicts_with = "directory")]
    etsi_json: bool,
}

#[derive(Serialize)]
struct Exported {
    file: String,
    receipts: usize,
    directory: bool,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &ExportArgs) -> Done {
    let directory = match &args.directory {
        Some(path) => Some(files::read(path, DIRECTORY_BYTES_MAX)?),
        None => None,
    };
    let client = connect::client(shell, connect::READERS)?;
    let receipts = connect::block_on(async {
        let mut query = ReceiptQuery { limit: Some(PAGE_ITEMS_MAX), ..args.filter.query() };
        let mut receipts = Vec::new();
        loop {
            let (page, next) = client.receipts_raw(&query).await?;
            receipts.extend(split_sequence(&page)?);
            if receipts.len() > BUNDLE_RECEIPTS_MAX {
                return Err(too_large(format_args!("{BUNDLE_RECEIPTS_MAX} receipts")));
            }
            match next {
                Some(next) if !page.is_empty() => query.after = Some(next),
                _ => return Ok(receipts),
            }
        }
    })?;
    if receipts.is_empty() {
        return Err(Failure::new(Code::NotFound, "there is no such receipt here"));
    }
    let bundle = Bundle { receipts, directory };
    let bytes = bytes(args, &bundle)?;
    if bytes.len() > BUNDLE_BYTES_MAX {
        return Err(too_large(format_args!("{BUNDLE_BYTES_MAX} bytes")));
    }
    files::write_new(&args.out, &bytes, 0o644)?;
    let exported = Exported {
        file: args.out.display().to_string(),
        receipts: bundle.receipts.len(),
        directory: bundle.directory.is_some(),
    };
    shell.answer(&exported, || {
        shell.sentence(Word::Exported, &[&exported.receipts.to_string(), &exported.file])
    })?;
    Ok(DONE)
}

/// The file: the bundle, or its evidence under the standard's names.
fn bytes(args: &ExportArgs, bundle: &Bundle) -> Result<Vec<u8>, Failure> {
    if !args.xml && !args.etsi_json {
        return Ok(bundle.encode());
    }
    let receipts = super::evidence::parse_all(bundle)?;
    if args.xml {
        return Ok(etsi::xml(&receipts).into_bytes());
    }
    let text = serde_json::to_string_pretty(&etsi::json(&receipts))
        .map_err(|e| Failure::new(Code::Internal, format!("cannot write JSON: {e}")))?;
    Ok((text + "\n").into_bytes())
}

fn too_large(most: std::fmt::Arguments<'_>) -> Failure {
    Failure::new(Code::TooLarge, format!("more than {most}; narrow the question"))
}
