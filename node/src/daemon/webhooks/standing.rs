//! How far each receiver is, for the node's status and its alarms.

use tram_api::model::WebhookView;
use tram_config::Webhook;
use tram_dispatch::{Code, UnixMillis};

use super::super::alarms::Found;
use super::super::standings::Standings;

/// A receiver that takes nothing for this long needs somebody.
const ALARM_MS: u64 = 600_000;

/// One receiver.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    sent: u64,
    /// The moment of the event that waits to be taken.
    waiting_since: Option<UnixMillis>,
    trouble: Option<(String, UnixMillis)>,
}

impl Standing {
    /// Sending failed; whether that is news.
    pub(super) fn set_trouble(&mut self, words: &str, now: UnixMillis) -> bool {
        let since = self.trouble.as_ref().map(|(_, since)| *since);
        self.trouble = Some((words.to_owned(), since.unwrap_or(now)));
        since.is_none()
    }

    pub(super) fn waits(&mut self, since: UnixMillis) {
        self.waiting_since = Some(since);
    }

    pub(super) fn took(&mut self) {
        (self.sent, self.waiting_since, self.trouble) = (self.sent + 1, None, None);
    }

    pub(super) fn caught_up(&mut self) {
        (self.waiting_since, self.trouble) = (None, None);
    }
}

impl Standings<Standing> {
    /// For the status.
    pub(crate) fn views(&self, hooks: &[Webhook]) -> Vec<WebhookView> {
        let all = self.all();
        let view = |(at, hook): (usize, &Webhook)| {
            let standing = all.get(at).cloned().unwrap_or_default();
            let (trouble, since) = standing.trouble.unzip();
            WebhookView {
                agency: hook.agency.clone().into(),
                url: hook.url.text.clone(),
                sent: standing.sent,
                waiting_since: standing.waiting_since.map(Into::into),
                trouble,
                since: since.map(Into::into),
            }
        };
        hooks.iter().enumerate().map(view).collect()
    }

    /// What needs somebody.
    pub(crate) fn alarms(&self, hooks: &[Webhook], now: UnixMillis) -> Vec<Found> {
        let found = |(standing, hook): (&Standing, &Webhook)| {
            let (words, since) = standing.trouble.as_ref()?;
            let lasts = now.since_ms(*since) >= ALARM_MS;
            let detail = format!("{}: {words}", hook.url.text);
            let about = format!("{} {}", hook.agency, hook.url.text);
            lasts.then(|| Found::new(Code::WebhookOverdue, detail).about(about).since(*since))
        };
        self.all().iter().zip(hooks).filter_map(found).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_taken_for_ten_minutes_is_an_alarm_until_it_is() {
        let address = tram_config::HostPort { host: "127.0.0.1".into(), port: 1 };
        let url = tram_config::HttpUrl {
            address,
            path: "/".into(),
            tls: false,
            text: "http://127.0.0.1:1/".into(),
        };
        let agency = tram_dispatch::AgencyCode::parse("H41").unwrap();
        let hooks = [Webhook { agency, url, anchors: None, secret: "s".into() }];
        let (standings, begun) = (Standings::<Standing>::default(), UnixMillis(1_000));
        assert!(standings.with(0, |s| s.set_trouble("refused", begun)));
        assert!(!standings.with(0, |s| s.set_trouble("HTTP status 500", begun.plus_ms(9))));
        assert!(standings.alarms(&hooks, begun.plus_ms(ALARM_MS - 1)).is_empty());
        let found = standings.alarms(&hooks, begun.plus_ms(ALARM_MS));
        assert_eq!((found[0].code.as_str(), found[0].since), ("WEBHOOK_OVERDUE", Some(begun)));
        assert!(standings.views(&hooks)[0].trouble.as_deref() == Some("HTTP status 500"));
        standings.with(0, Standing::took);
        assert!(standings.alarms(&hooks, begun.plus_ms(ALARM_MS)).is_empty());
        assert_eq!(standings.views(&hooks)[0].sent, 1);
    }
}
