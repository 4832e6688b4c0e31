//! The check of a stopped node's store.

use std::sync::Arc;

use tram_api::model::CheckReport;
use tram_spool::check::{CheckOptions, check as check_spool};
use tram_spool::disk::RealDisk;
use tram_spool::store::StoreOptions;
use tram_trust::{Options, Verifier};

use crate::cli::clock::now;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::{connect, inspect};
use crate::signatures::ByDirectory;

/// Opens the store alone and checks all of it, signatures included.
///
/// # Errors
/// `STORE_LOCKED` while a node has it; those of configuration, root document and directory.
pub(super) fn check(shell: &Shell, rebuild_index: bool) -> Result<CheckReport, Failure> {
    let config = connect::read_config(&connect::required_config_file(shell)?)?;
    let root = inspect::root(&config.root)?;
    let directory = inspect::directory(&root, &config.directory)?;
    let crls = inspect::crls(&config.crls)?;
    let verifier = Verifier::new(root.into(), directory.into(), crls, Options::default());
    let verifier = crate::daemon::epochs::with_kept(verifier, &config.data_dir, now());
    let disk = RealDisk::open(&config.data_dir).map_err(|e| {
        Failure::new(
            tram_dispatch::Code::StorageFailed,
            format!("{}: {e}", config.data_dir.display()),
        )
    })?;
    let store =
        StoreOptions { directory: Some(config.data_dir.clone()), ..StoreOptions::default() };
    let options = CheckOptions { store, rebuild_index };
    let bar = super::bar(shell);
    let mut progress = |p: tram_spool::check::Progress| {
        super::advance(&bar, p.phase.word(), p.done, p.total);
    };
    let found = check_spool(Arc::new(disk), &options, Some(&ByDirectory(&verifier)), &mut progress);
    bar.finish_and_clear();
    let report = found.map_err(|e| Failure::new(e.code(), e.explain()))?;
    Ok(crate::daemon::check_report(&report, now()))
}
