//! What needs somebody, and since when.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tram_api::model::Alarm;
use tram_dispatch::{Code, UnixMillis};

/// Alarms that stand, by code and by what they are about, with the moment each came about.
#[derive(Default)]
pub(crate) struct Alarms(Mutex<BTreeMap<(Code, String), UnixMillis>>);

/// One thing found that needs somebody.
pub(crate) struct Found {
    pub code: Code,
    /// Tells it from another with the same code; the detail may change while it stands.
    pub about: String,
    pub detail: String,
    /// Since when, where that is known; otherwise since it is first found.
    pub since: Option<UnixMillis>,
}

impl Found {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Found { code, about: String::new(), detail: detail.into(), since: None }
    }

    /// About one of several.
    pub(crate) fn about(mut self, what: impl Into<String>) -> Self {
        self.about = what.into();
        self
    }

    /// It came about then.
    pub(crate) fn since(mut self, at: UnixMillis) -> Self {
        self.since = Some(at);
        self
    }
}

impl Alarms {
    /// Compares what is found now with what stood before: says in the service log what came and what
    /// went, and gives each alarm with the moment it came about.
    pub(crate) fn settle(&self, now: UnixMillis, found: Vec<Found>) -> Vec<Alarm> {
        let mut standing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut *standing);
        let mut alarms = Vec::new();
        for Found { code, about, detail, since } in found {
            let key = (code, about);
            let known = before.get(&key).copied();
            let since = known.unwrap_or_else(|| since.unwrap_or(now).min(now));
            if known.is_none() && !standing.contains_key(&key) {
                tracing::warn!(%code, detail, "alarm");
            }
            standing.insert(key, since);
            alarms.push(Alarm { code: code.into(), detail, since: since.into() });
        }
        for ((code, about), since) in before.iter().filter(|(key, _)| !standing.contains_key(key)) {
            tracing::info!(%code, about, %since, "alarm over");
        }
        alarms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn since(alarms: &[Alarm]) -> Vec<(&str, u64)> {
        alarms.iter().map(|a| (a.detail.as_str(), a.since.0.0)).collect()
    }

    #[test]
    fn an_alarm_keeps_the_moment_it_came_about() {
        let alarms = Alarms::default();
        let of =
            |about: &str, detail: &str| Found::new(Code::CertificateExpired, detail).about(about);
        let first =
            alarms.settle(UnixMillis(10), vec![of("a", "a1"), of("b", "b1").since(UnixMillis(4))]);
        assert_eq!(since(&first), [("a1", 10), ("b1", 4)]);
        // Words change, the moment does not; what goes and comes back begins anew.
        let next = alarms.settle(UnixMillis(20), vec![of("a", "a2").since(UnixMillis(3))]);
        assert_eq!(since(&next), [("a2", 10)]);
        let last = alarms.settle(UnixMillis(30), vec![of("a", "a3"), of("b", "b2")]);
        assert_eq!(since(&last), [("a3", 10), ("b2", 30)]);
        // A moment that is said to lie ahead does not.
        let ahead = alarms.settle(UnixMillis(40), vec![of("c", "c").since(UnixMillis(99))]);
        assert_eq!(since(&ahead), [("c", 40)]);
    }
}
