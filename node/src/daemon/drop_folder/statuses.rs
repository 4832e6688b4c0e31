//! What recipients say of the agency's own dispatches goes into `status`, each once.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::Path;

use serde_json::json;
use tram_axis::DocId;
use tram_config::Form;
use tram_dispatch::{AgencyCode, UnixMillis};

use super::super::desk::{Desk, Item, Notices, Speaker};
use super::folder::Folder;
use super::handing::{Handing, Stage};
use super::{TURN_MAX, names};

/// Notes about what is being given, in the data directory's folder of this agency.
pub(super) const NOTES: &str = "telling";

/// Gives the statuses of one agency's dispatches.
pub(super) struct Teller<'a> {
    pub(super) desk: &'a Desk,
    pub(super) who: &'a Speaker,
    pub(super) agency: &'a AgencyCode,
    pub(super) form: Form,
    pub(super) notices: &'a Notices,
    pub(super) data: &'a Path,
}

impl Teller<'_> {
    /// Gives some of what waits; how many wait still.
    pub(super) fn tell(
        &self,
        staging: &Folder,
        target: &Folder,
        now: UnixMillis,
    ) -> Result<usize, String> {
        let own = BTreeSet::from([self.agency.clone()]);
        let waiting = self.notices.waiting(&own);
        let count = waiting.len();
        for (id, item) in waiting.into_iter().take(TURN_MAX) {
            let given = self.give(id, &item, staging, target);
            given.map_err(|e| format!("status {} of {}: {e}", item.status, item.dispatch))?;
            self.notices.done(id, now).map_err(|e| e.to_string())?;
            let handing = Handing { staging, target, data: self.data, notes: NOTES };
            handing.forget(&self.name(id, &item)).map_err(|e| e.to_string())?;
        }
        Ok(count.saturating_sub(TURN_MAX))
    }

    fn name(&self, id: DocId, item: &Item) -> String {
        let ending = match self.form {
            Form::Edxml => "edxml",
            Form::Json => "json",
        };
        format!("{}.{ending}", names::status(item.at, item.status.number(), id))
    }

    fn give(&self, id: DocId, item: &Item, staging: &Folder, target: &Folder) -> io::Result<()> {
        let handing = Handing { staging, target, data: self.data, notes: NOTES };
        let name = self.name(id, item);
        if handing.resume(&name)? == Stage::Published {
            return Ok(());
        }
        let mut file = staging.create(&name)?;
        file.write_all(&self.text(id, item)?)?;
        file.sync_all()?;
        handing.publish(&name, &|_| Ok(()))
    }

    fn text(&self, id: DocId, item: &Item) -> io::Result<Vec<u8>> {
        match self.form {
            Form::Edxml => {
                let verifier = self.desk.service.context.verifier();
                let file = self.notices.file(self.who, id, verifier.directory());
                let file = file.map_err(|p| io::Error::other(p.detail))?;
                file.map(|bytes| bytes.to_vec()).ok_or_else(|| io::ErrorKind::NotFound.into())
            }
            Form::Json => {
                let mut told = json!({
                    "dispatch": item.dispatch.to_string(),
                    "originator": self.who.spelled(&item.originator),
                    "reference": item.reference.to_string(),
                    "recipient": self.who.spelled(&item.recipient),
                    "status": item.status.to_string(),
                    "word": item.status.word(),
                    "at": item.at.to_string(),
                });
                let more = [("remark", &item.remark), ("number", &item.number)];
                if let Some(fields) = told.as_object_mut() {
                    for (key, value) in more.into_iter().filter_map(|(k, v)| Some((k, v.clone()?)))
                    {
                        fields.insert(key.to_owned(), value.into());
                    }
                }
                let mut text = serde_json::to_vec_pretty(&told).map_err(io::Error::other)?;
                text.push(b'\n');
                Ok(text)
            }
        }
    }
}
