//! What recipients say of the agency's own dispatches goes into `status`, each once.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Instant;

use serde_json::json;
use tram_axis::DocId;
use tram_config::Form;
use tram_dispatch::UnixMillis;

use super::super::desk::{Desk, Item, Notices, Speaker};
use super::folder::Folder;
use super::handing::{Handing, Stage};
use super::pause::Pause;
use super::{TURN_MAX, names};

/// Notes about what is being given, in the data directory's folder of this agency.
pub(super) const NOTES: &str = "telling";

/// Statuses that could not be given.
pub(super) type Paused = BTreeMap<DocId, Pause>;

/// Gives the statuses of one agency's dispatches.
pub(super) struct Teller<'a> {
    pub(super) desk: &'a Desk,
    pub(super) who: &'a Speaker,
    pub(super) form: Form,
    pub(super) notices: &'a Notices,
    pub(super) data: &'a Path,
}

impl Teller<'_> {
    /// Gives some of what waits; whether more has its turn. What cannot be given holds nobody up.
    pub(super) fn tell(
        &self,
        untold: &mut Paused,
        staging: &Folder,
        target: &Folder,
        now: UnixMillis,
    ) -> Result<bool, String> {
        untold.retain(|id, _| self.notices.waits(*id));
        let begun = Instant::now();
        let due = |id: &DocId| untold.get(id).is_none_or(|pause| pause.is_over(begun));
        let turn = self.notices.oldest(TURN_MAX, due);
        let more = turn.len() == TURN_MAX;
        let tell = |id: DocId, item: &Item| self.tell_one(id, item, (staging, target), now);
        in_turn(untold, turn, tell).map(|()| more)
    }

    fn tell_one(
        &self,
        id: DocId,
        item: &Item,
        (staging, target): (&Folder, &Folder),
        now: UnixMillis,
    ) -> io::Result<()> {
        let handing = Handing { staging, target, data: self.data, notes: NOTES };
        self.give(id, item, &handing)?;
        self.notices.done(id, now)?;
        handing.forget(&self.name(id, item))
    }

    fn name(&self, id: DocId, item: &Item) -> String {
        let ending = match self.form {
            Form::Edxml => "edxml",
            Form::Json => "json",
        };
        format!("{}.{ending}", names::status(item.at, item.status.number(), id))
    }

    fn give(&self, id: DocId, item: &Item, handing: &Handing<'_>) -> io::Result<()> {
        let name = self.name(id, item);
        if handing.resume(&name)? == Stage::Published {
            return Ok(());
        }
        let mut file = handing.staging.create(&name)?;
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

/// Tells each; the last trouble, when all were tried.
fn in_turn(
    untold: &mut Paused,
    turn: Vec<(DocId, Item)>,
    mut tell: impl FnMut(DocId, &Item) -> io::Result<()>,
) -> Result<(), String> {
    let mut trouble = Ok(());
    for (id, item) in turn {
        let Err(error) = tell(id, &item) else {
            untold.remove(&id);
            continue;
        };
        let words = format!("status {} of {}: {error}", item.status, item.dispatch);
        trouble = Err(words.clone());
        untold.insert(id, Pause::after(untold.get(&id), words, Instant::now()));
    }
    trouble
}

#[cfg(test)]
mod tests {
    use super::*;
    use tram_dispatch::{DispatchId, Status};

    #[test]
    fn one_that_cannot_be_told_holds_no_other_up() {
        let item = |n: u8| Item {
            dispatch: DispatchId([n; 32]),
            originator: "H41".parse().unwrap(),
            recipient: "H41.12".parse().unwrap(),
            reference: "7/CV".parse().unwrap(),
            number: None,
            issued_on: None,
            status: Status::Accepted,
            remark: None,
            at: UnixMillis(7),
        };
        let all = || -> Vec<(DocId, Item)> {
            (1..=3).map(|n| (DocId::status(&[n; 32]), item(n))).collect()
        };
        let (mut untold, mut told) = (Paused::new(), Vec::new());
        let mut tell = |fails: u8, untold: &mut Paused| {
            let tell = |_: DocId, item: &Item| {
                let n = item.dispatch.0[0];
                told.push(n);
                if n == fails { Err(io::ErrorKind::AlreadyExists.into()) } else { Ok(()) }
            };
            in_turn(untold, all(), tell)
        };
        let words = tell(1, &mut untold).unwrap_err();
        assert!(words.starts_with("status 03 of 0101"), "{words}");
        let (id, pause) = untold.first_key_value().unwrap();
        assert_eq!((*id, pause.words()), (all()[0].0, &words[..]));
        assert!(!pause.is_over(Instant::now()));
        assert_eq!(tell(0, &mut untold), Ok(()));
        assert!(untold.is_empty());
        assert_eq!(told, [1, 2, 3, 1, 2, 3]);
    }
}
