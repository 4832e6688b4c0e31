//! `tram run`: the daemon, with its service log.

mod logging;

use clap::Args;
use tram_config::Config;
use tram_dispatch::Code;

use super::failure::Failure;
use super::shell::Shell;
use super::texts::Word;
use super::{DONE, Done, connect};

/// Run the node until SIGTERM or Ctrl-C.
///
/// The configuration is checked as a whole before any port opens. The service log goes to
/// standard error.
#[derive(Args)]
#[command(after_help = "Example:\n  tram run --config /etc/tram/tram.toml")]
pub(crate) struct RunArgs {
    /// Levels of the log by part, for example `info,tram_transport=debug`; otherwise `[log]` of the
    /// configuration decides.
    #[arg(long, env = "TRAM_LOG", value_name = "FILTER")]
    log: Option<String>,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &RunArgs) -> Done {
    let Some(file) = connect::config_file(shell) else {
        return Err(Failure::new(Code::ConfigInvalid, shell.word(Word::FirstCommands)));
    };
    let config = Config::load(&file)?;
    logging::start(config.log, args.log.as_deref())?;
    keep_memory_private();
    crate::daemon::run(config).map_err(|e| Failure::new(e.code(), e.detail()))?;
    Ok(DONE)
}

/// No core file is written when this process dies, and no other process of its user can read its
/// memory: the keys are in it.
fn keep_memory_private() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "a core file of this process would hold its keys");
    }
}
