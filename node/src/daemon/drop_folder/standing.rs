//! How the drop folders do, for the node's status and its alarms.

use tram_api::model::DropFolderView;
use tram_config::{DropFolder, Form};
use tram_dispatch::{Code, UnixMillis};

use super::super::alarms::Found;
use super::super::standings::Standings;

/// Trouble that lasts this long needs somebody.
const ALARM_MS: u64 = 60_000;

/// One folder.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    pub(super) to_send: usize,
    pub(super) to_hand_over: usize,
    pub(super) to_tell: usize,
    pub(super) sent: u64,
    pub(super) refused: u64,
    pub(super) trouble: Option<(String, UnixMillis)>,
}

impl Standing {
    /// What is wrong now; the moment stays while something is.
    pub(super) fn set_trouble(&mut self, trouble: Option<String>, now: UnixMillis) {
        let since = self.trouble.as_ref().map_or(now, |(_, since)| *since);
        self.trouble = trouble.map(|words| (words, since));
    }
}

impl Standings<Standing> {
    /// For the status.
    pub(crate) fn views(&self, folders: &[DropFolder]) -> Vec<DropFolderView> {
        let all = self.all();
        let view = |(at, folder): (usize, &DropFolder)| {
            let standing = all.get(at).cloned().unwrap_or_default();
            let (trouble, since) = standing.trouble.unzip();
            DropFolderView {
                agency: folder.agency.clone().into(),
                folder: folder.folder.display().to_string(),
                mode: match folder.form {
                    Form::Edxml => "edxml".to_owned(),
                    Form::Json => "json".to_owned(),
                },
                to_send: standing.to_send as u64,
                to_hand_over: standing.to_hand_over as u64,
                statuses: standing.to_tell as u64,
                sent: standing.sent,
                refused: standing.refused,
                trouble,
                since: since.map(Into::into),
            }
        };
        folders.iter().enumerate().map(view).collect()
    }

    /// What needs somebody.
    pub(crate) fn alarms(&self, folders: &[DropFolder], now: UnixMillis) -> Vec<Found> {
        let found = |(standing, folder): (&Standing, &DropFolder)| {
            let (words, since) = standing.trouble.as_ref()?;
            let lasts = now.since_ms(*since) >= ALARM_MS;
            let detail = format!("{}: {words}", folder.folder.display());
            let alarm = Found::new(Code::DropStuck, detail).about(folder.agency.as_str());
            lasts.then(|| alarm.since(*since))
        };
        self.all().iter().zip(folders).filter_map(found).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tram_config::Complete;
    use tram_dispatch::AgencyCode;

    #[test]
    fn trouble_that_lasts_is_an_alarm() {
        let folder = DropFolder {
            folder: "/srv/tram".into(),
            agency: AgencyCode::parse("H41").unwrap(),
            form: Form::Json,
            submit: true,
            collect: true,
            complete: Complete::Renamed,
            old_codes: false,
        };
        let (standings, folders) = (Standings::<Standing>::default(), [folder]);
        let begun = UnixMillis(1_000);
        assert!(standings.views(&folders)[0].trouble.is_none());
        for later in [0, 30_000] {
            let words = Some(format!("full {later}"));
            standings.with(0, |s| s.set_trouble(words, begun.plus_ms(later)));
        }
        assert!(standings.alarms(&folders, begun.plus_ms(ALARM_MS - 1)).is_empty());
        let found = standings.alarms(&folders, begun.plus_ms(ALARM_MS));
        assert_eq!((found[0].code.as_str(), found[0].since), ("DROP_STUCK", Some(begun)));
        assert!(found[0].detail.contains("/srv/tram: full 30000"), "{}", found[0].detail);
        assert_eq!(standings.views(&folders)[0].since.as_ref().map(|t| t.0), Some(begun));
        standings.with(0, |s| s.set_trouble(None, begun));
        assert!(standings.alarms(&folders, begun.plus_ms(ALARM_MS)).is_empty());
    }
}
