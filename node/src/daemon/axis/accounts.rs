//! Who may call, with the secrets that the configuration names.

use std::collections::BTreeMap;
use std::sync::Arc;

use tram_axis::{Account, Secret};
use tram_config::Axis;

/// One day, milliseconds.
const DAY_MS: u64 = 86_400_000;

/// The accounts by their system ids.
///
/// # Errors
/// In words, naming the file.
pub(super) fn load(axis: &Axis) -> Result<BTreeMap<String, Arc<Account>>, String> {
    let mut accounts = BTreeMap::new();
    for configured in &axis.accounts {
        let path = &configured.secret;
        let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let secret = Secret::from_file(&bytes).map_err(|e| format!("{}: {e}", path.display()))?;
        let account = Account {
            system_id: configured.system_id.clone(),
            secret,
            agencies: configured.agencies.clone(),
            may_send: configured.submit,
            may_collect: configured.collect,
            age_ms_max: configured.timestamp_days_max.map(|days| days.saturating_mul(DAY_MS)),
            old_codes: configured.old_codes,
        };
        accounts.insert(configured.system_id.clone(), Arc::new(account));
    }
    Ok(accounts)
}
