//! `tram dispatch void`: a number that was never used, and never will be.

use std::path::PathBuf;

use clap::Args;
use tram_config::Role;
use tram_crypto::signer_from_pkcs8_der;
use tram_dispatch::envelope::Sequence;
use tram_dispatch::{AgencyCode, Code};
use tram_pki::Key;
use tram_wire::void::Void;
use tram_wire::{SealError, SealedVoid};

use crate::cli::clock::now;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect, inspect};

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
    /// Seal certificate with those above it, PEM: the agency seals the statement itself.
    #[arg(long, value_name = "FILE", requires = "key", requires = "root")]
    cert: Option<PathBuf>,
    /// Its private key, PKCS#8 PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// The network's root document.
    #[arg(long, value_name = "FILE", requires = "cert")]
    root: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: VoidArgs) -> Done {
    let VoidArgs { agency, series, number, reason, cert, key, root } = args;
    let sequence = Sequence { series, number };
    let sealed = match (cert, key, root) {
        (Some(cert), Some(key), Some(root)) => {
            let network = inspect::root(&root)?.network();
            let key = Key::read(&key)?;
            let (chain, _) = inspect::chain_of(&cert, &key)?;
            let signer = signer_from_pkcs8_der(key.pkcs8_der())
                .map_err(|e| Failure::new(Code::AlgorithmRefused, e))?;
            let reason = reason.clone();
            let void = Void { network, agency: agency.clone(), sequence, time: now(), reason };
            let sealed = SealedVoid::seal(&void, &chain, signer.algorithm(), |m| signer.sign(m));
            Some(sealed.map_err(|e| match e {
                SealError::Wire(e) => Failure::from(e),
                SealError::Sign(e) => Failure::new(Code::Internal, e),
            })?)
        }
        _ => None,
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
