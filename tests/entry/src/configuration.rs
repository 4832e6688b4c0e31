//! A node's configuration file.

use std::path::Path;
use std::sync::OnceLock;

use tram_config::{Accounts, Config};
use tram_dispatch::text::is_plain;

/// The text of a configuration: values, or every fault in words that a terminal can show.
pub fn configuration(data: &[u8]) {
    static ACCOUNTS: OnceLock<Accounts> = OnceLock::new();
    let accounts = ACCOUNTS.get_or_init(|| {
        Accounts::from_text("tram:x:998:\nclerk:x:1000:\n", "tram:x:998:\nclerks:x:1001:\n")
    });
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(errors) = Config::parse(text, Path::new("/etc/tram/node.toml"), accounts) {
        let said = errors.to_string();
        assert!(!said.is_empty() && said.lines().all(is_plain), "{said:?}");
    }
}
