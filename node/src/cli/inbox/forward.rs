//! `tram inbox forward`: to units of the agency.

use clap::Args;
use tram_dispatch::{DispatchId, UnitCode};

use super::{Mailbox, open};
use crate::cli::shell::Shell;
use crate::cli::{DONE, Done, connect, unit};

/// Forward a dispatch that arrived to units of the agency.
///
/// Each unit has it in a mailbox of its own then (`tram unit inbox`), and says when it read it and when it
/// is done. Forwarding again to a unit that is done asks it once more. The originator is not told: the
/// agency's status is its own (`tram inbox status`).
#[derive(Args)]
#[command(
    after_help = "Example:\n  tram inbox forward ID --to VP --to P.TC-KH --remark \"Tham mưu trước 15/12\""
)]
pub(crate) struct ForwardArgs {
    /// The dispatch id.
    #[arg(value_name = "ID")]
    dispatch: DispatchId,
    #[command(flatten)]
    mailbox: Mailbox,
    /// A unit, as the configuration names it; may be repeated.
    #[arg(long, value_name = "UNIT", required = true)]
    to: Vec<UnitCode>,
    /// Your own words, for the units.
    #[arg(long, value_name = "TEXT")]
    remark: Option<String>,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: ForwardArgs) -> Done {
    let (client, agency) = open(shell, &args.mailbox)?;
    let mut units = args.to;
    units.sort();
    units.dedup();
    let call = async { Ok(client.forward(&agency, args.dispatch, &units, args.remark).await?) };
    unit::recorded(shell, &connect::block_on(call)?)?;
    Ok(DONE)
}
