//! A node's configuration file, from text to checked values, in two stages.
//!
//! [`Config::parse`] is pure: TOML text and account tables in, values out; nothing is read. It
//! walks the TOML tree with its positions instead of deserialising, because a deserialiser stops
//! at the first fault, and an operator wants them all. [`Config::check`] then looks at the files
//! the text names: present, right kind, private where they must be, no key used twice.
//! [`Config::load`] does both and reports the faults of both together, in the order of the file.
//!
//! Nothing here opens a port, writes a file or changes a permission, so loading is also the
//! check that an operator runs before a restart. Keys are described in the commented examples
//! in `config/`, which a test parses.

mod accounts;
mod axis;
mod door;
mod drop_folders;
mod files;
mod hosting;
mod limits;
mod parse;
mod problem;
mod reader;
pub mod retention;
mod schema;
mod sockets;
mod suggest;
mod time_stamps;
mod values;
mod webhooks;
pub mod working_days;

use std::fs;
use std::io::Read as _;
use std::path::Path;

pub use accounts::Accounts;
pub use axis::{Axis, AxisAccount};
pub use door::{Door, DoorSystem, Shown};
pub use drop_folders::{Complete, DropFolder, Form};
pub use hosting::{UNITS_MAX, Unit};
pub use limits::{AXIS, AxisLimits, DOOR, DoorLimits, TILES, TIME_STAMP, TilesPace, TimeStampPace};
pub use limits::{DROP, DropLimits, WEBHOOK, WebhookPace};
pub use limits::{
    LIMITS, Limits, Number, QUOTAS, Quotas, RETENTION, REVOCATION, Retention, RevocationGrace,
    WITNESS, WitnessPace,
};
pub use problem::{ConfigErrors, Problem};
pub use time_stamps::{HttpUrl, TimeStamps};
pub use values::{
    Agencies, Config, HostPort, Keys, Log, LogFormat, LogLevel, Peer, PeerName, Role, Rule, Seal,
    Socket, Who,
};

pub use webhooks::Webhook;

/// Largest configuration file.
pub const CONFIG_BYTES_MAX: u64 = 1 << 20;

impl Config {
    /// Reads and checks a configuration file. Relative paths in it start at its folder; account
    /// names are looked up in `/etc/passwd` and `/etc/group`.
    ///
    /// # Errors
    /// Every fault of the text and of the files it names, at once.
    pub fn load(path: &Path) -> Result<Config, ConfigErrors> {
        let file = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let text = read_text(&file).map_err(|e| ConfigErrors::unreadable(&file, &e))?;
        let (config, claims, mut problems) = parse::parse(&text, &file, &Accounts::of_system());
        problems.extend(files::check(&claims));
        if let Some(config) = config
            && problems.is_empty()
        {
            return Ok(config);
        }
        Err(ConfigErrors::sorted(problems))
    }

    /// The pure stage alone: `file` only names the text in messages and gives the folder that
    /// relative paths start at.
    ///
    /// # Errors
    /// Every fault of the text, at once.
    pub fn parse(text: &str, file: &Path, accounts: &Accounts) -> Result<Config, ConfigErrors> {
        let (config, _, problems) = parse::parse(text, file, accounts);
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(ConfigErrors::sorted(problems)),
        }
    }

    /// The second stage alone: looks again at every file this configuration names, for example
    /// before a reload. Reads, and does nothing else.
    ///
    /// # Errors
    /// Every fault of the files, at once.
    pub fn check(&self) -> Result<(), ConfigErrors> {
        let problems = files::check(&self.claims);
        if problems.is_empty() { Ok(()) } else { Err(ConfigErrors::sorted(problems)) }
    }

    /// The file this configuration came from.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }
}

fn read_text(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    fs::File::open(file)?.take(CONFIG_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > CONFIG_BYTES_MAX {
        return Err(std::io::Error::other(format!("larger than {CONFIG_BYTES_MAX} bytes")));
    }
    Ok(text)
}
