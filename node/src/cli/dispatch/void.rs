//! `tram dispatch void`: a number that was never used, and never will be.

use clap::Args;
use tram_config::Role;
use tram_dispatch::AgencyCode;
use tram_dispatch::envelope::Sequence;
use tram_wire::void::Void;

use crate::cli::clock::now;
use crate::cli::own_seal::OwnSeal;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect};

/// Declare, under the agency's seal, that a number of one of its series stays unused.
///
/// The node seals the statement with the key it holds for the agency, or you do with the agency's own
/// key. Numbers that the node assigned and never sent become void by themselves at its next start.
#[derive(Args)]
#[command(after_help = "Example:\n  tram dispatch void --agency H41.12.03 --series 7 --number 12 \
--reason \"withdrawn before it was sent\"")]
pub(crate) struct VoidArgs {
    /// The agency whose series it is.
    #[arg(long, value_name = "AGENCY")]
    agency: AgencyCode,
    /// The series, as `tram audit gaps` shows it.
    #[arg(long, value_name = "SERIES")]
    series: u64,
    /// The number.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    number: u64,
    /// Why; everybody who sees the statement reads it.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    seal: OwnSeal,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: VoidArgs) -> Done {
    let VoidArgs { agency, series, number, reason, seal } = args;
    let sequence = Sequence { series, number };
    let sealed = match seal.open()? {
        Some(seal) => {
            let (network, agency, reason) = (seal.network, agency.clone(), reason.clone());
            Some(seal.seal(&Void { network, agency, sequence, time: now(), reason })?)
        }
        None => None,
    };
    let client = connect::client(shell, &[Role::Submit])?;
    let voided = connect::block_on(async {
        Ok(match &sealed {
            Some(sealed) => client.void_sealed(&agency, sequence, sealed.raw()).await?,
            None => client.void(&agency, sequence, &reason).await?,
        })
    })?;
    shell.answer(&voided, || {
        let (number, series) = (voided.number.to_string(), voided.series.to_string());
        shell.sentence(Word::Voided, &[&number, &series])
    })?;
    Ok(DONE)
}
