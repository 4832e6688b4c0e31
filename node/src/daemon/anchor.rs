//! The anchor file: where it lies, and whose it is.

use tram_config::Config;
use tram_dispatch::Code;
use tram_spool::anchor::AnchorFile;

use super::run::RunError;

/// Longest machine id that is kept; those of systemd have 32 digits.
const MACHINE_ID_CHARS_MAX: usize = 64;

/// The anchor file of this node, outside the data directory.
///
/// # Errors
/// `STORAGE_FAILED` where its folder cannot be used.
pub(crate) fn file(config: &Config) -> Result<AnchorFile, RunError> {
    AnchorFile::at(&config.anchor_dir.join(format!("{}.anchor", config.node)))
        .map_err(|e| RunError::new(Code::StorageFailed, e.to_string()))
}

/// What tells this machine from another, for the anchor: machine-id(5). A machine without one is
/// `unknown`, which is the same machine only as `unknown`.
pub(crate) fn machine_id() -> String {
    let text = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let plain = |c: &char| c.is_ascii_alphanumeric();
    let id: String = text.trim().chars().filter(plain).take(MACHINE_ID_CHARS_MAX).collect();
    if id.is_empty() { "unknown".to_owned() } else { id }
}
