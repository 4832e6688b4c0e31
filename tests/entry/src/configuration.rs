//! A node's configuration file, and the files that it names: working days, the policy of retention.

use std::path::Path;
use std::sync::OnceLock;

use tram_config::retention::{KEEP_DAYS_MAX, Keep, NAME_BYTES_MAX, RULES_MAX};
use tram_config::{Accounts, Config, retention as policies, working_days as lists};
use tram_dispatch::Day;
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

/// The list of working days: a calendar that never goes back, and comes to an end of any row of days off.
pub fn working_days(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match lists::parse(text) {
        Ok(days) => {
            for day in [0, 20_400, 20_778, 2_932_896, u32::MAX - 1].map(Day) {
                let next = days.next_working(day);
                assert!(next > day, "{day} is followed by {next}");
                let between = next.since(day).min(400);
                let worked = (1..between).any(|n| days.is_working(Day(day.0 + n)));
                assert!(!worked, "a working day between {day} and {next} was passed over");
                let deadline = days.deadline(day.start());
                assert!(deadline > day.start(), "{deadline}");
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The policy of retention: within its bounds, with names that proofs of removal can show.
pub fn retention(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match policies::parse(text) {
        Ok(policy) => {
            assert!(!policy.name.is_empty() && (1..=RULES_MAX).contains(&policy.rules.len()));
            for (at, rule) in policy.rules.iter().enumerate() {
                assert!((1..=NAME_BYTES_MAX).contains(&rule.name.len()), "{rule:?}");
                assert!(is_plain(&rule.name), "{rule:?}");
                assert!(!matches!(rule.keep, Keep::Days(days) if days > KEEP_DAYS_MAX), "{rule:?}");
                assert!(policy.rules[..at].iter().all(|r| r.name != rule.name), "{rule:?}");
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
