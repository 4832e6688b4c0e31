//! User and group names, from text in the form of passwd(5) and group(5).

use std::collections::BTreeMap;
use std::fs;

/// Names and their numbers. Accounts that only a directory service knows are not in these
/// files; name them by number (`uid`, `gid`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    users: BTreeMap<String, u32>,
    groups: BTreeMap<String, u32>,
}

impl Accounts {
    /// From the text of passwd(5) and group(5): the third field is the number. Lines that do not
    /// fit are passed over; the first of several equal names counts, as in the C library.
    #[must_use]
    pub fn from_text(passwd: &str, group: &str) -> Self {
        Accounts { users: numbers(passwd), groups: numbers(group) }
    }

    /// From `/etc/passwd` and `/etc/group`; a file that cannot be read has no names.
    #[must_use]
    pub fn of_system() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Self::from_text(&read("/etc/passwd"), &read("/etc/group"))
    }

    pub(crate) fn users(&self) -> &BTreeMap<String, u32> {
        &self.users
    }

    pub(crate) fn groups(&self) -> &BTreeMap<String, u32> {
        &self.groups
    }
}

fn numbers(text: &str) -> BTreeMap<String, u32> {
    let mut map = BTreeMap::new();
    for line in text.lines() {
        let mut fields = line.split(':');
        if let (Some(name), Some(_), Some(number)) = (fields.next(), fields.next(), fields.next())
            && let Ok(number) = number.parse()
        {
            map.entry(name.to_owned()).or_insert(number);
        }
    }
    map
}
