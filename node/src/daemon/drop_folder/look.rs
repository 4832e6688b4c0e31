//! Looks into `out`: what lies there whole, and has its turn.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, Instant};

use rustix::fs::{FileType, Stat};
use tram_config::Complete;
use tram_crypto::sha256;

use super::folder::{Folder, shown};
use super::names::{self, READY};
use super::pause::Pause;
use super::urgency::{self, Rank};

/// Most entries looked at in one look; the others have their turn when these are gone. What could not be sent
/// when it had its turn is beside them, up to so many.
pub(super) const ENTRIES_MAX: usize = 10_000;
const PAUSED_MAX: usize = 100_000;
/// Most files in a folder of documents.
pub(super) const CHILDREN_MAX: usize = 256;

/// What an entry was when it was looked at; anything that changes it changes this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity([u8; 32]);

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&tram_dispatch::id::hex(&self.0))
    }
}

/// The parts of one file's or folder's state that writing changes.
fn stamp(stat: &Stat, into: &mut Vec<u8>) {
    #[allow(clippy::useless_conversion, reason = "their widths differ between systems")]
    let parts: [i128; 7] = [
        stat.st_dev.into(),
        stat.st_ino.into(),
        stat.st_mode.into(),
        stat.st_size.into(),
        stat.st_mtime.into(),
        stat.st_mtime_nsec.into(),
        stat.st_nlink.into(),
    ];
    parts.iter().for_each(|part| into.extend(part.to_be_bytes()));
}

/// The identity of an entry and what is in it; `None` where it is gone.
pub(super) fn identity(folder: &Folder, name: &OsStr) -> io::Result<Option<Identity>> {
    let Some(stat) = folder.stat(name)? else { return Ok(None) };
    let mut all = Vec::new();
    stamp(&stat, &mut all);
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        let inner = match folder.sub(name) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let mut children = inner.names(CHILDREN_MAX + 1)?;
        children.sort();
        for child in children {
            all.extend((child.len() as u64).to_be_bytes());
            all.extend(child.as_bytes());
            if let Some(stat) = inner.stat(&child)? {
                stamp(&stat, &mut all);
            }
        }
    }
    Ok(Some(Identity(sha256(&all))))
}

/// An entry that lies there whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: OsString,
    pub(super) identity: Identity,
}

struct Watched {
    identity: Identity,
    /// Since when it is so.
    since: Instant,
    looks: u32,
    /// How urgent it is, once that was asked.
    rank: Option<Rank>,
    pause: Option<Pause>,
}

/// What was seen in `out`.
pub(super) struct Look {
    complete: Complete,
    quiet: Duration,
    watched: BTreeMap<OsString, Watched>,
    /// What the last look could not look at.
    unseen: Option<String>,
}

impl Look {
    pub(super) fn new(complete: Complete, quiet: Duration) -> Self {
        Look { complete, quiet, watched: BTreeMap::new(), unseen: None }
    }

    /// Entries there now, whole or not.
    pub(super) fn waiting(&self) -> usize {
        self.watched.len()
    }

    /// Why something that lies there does not go, if so.
    pub(super) fn trouble(&self) -> Option<String> {
        let mut pauses = self.watched.values().filter_map(|w| w.pause.as_ref());
        self.unseen.clone().or_else(|| pauses.next().map(|pause| pause.words().to_owned()))
    }

    /// Looks once: what is whole and has its turn, the most urgent first, then by name. An entry that cannot
    /// be looked at holds nobody up.
    pub(super) fn look(&mut self, out: &Folder, now: Instant) -> io::Result<Vec<Entry>> {
        let mut before = std::mem::take(&mut self.watched);
        self.unseen = None;
        let (mut others, mut paused) = (0, 0);
        let names = out.chosen(usize::MAX, |name| {
            if !names::counts(name) {
                return false;
            }
            let failed = before.get(name).is_some_and(|w| w.pause.is_some());
            let (count, most) = match failed {
                true => (&mut paused, PAUSED_MAX),
                false => (&mut others, ENTRIES_MAX),
            };
            *count += 1;
            *count <= most
        })?;
        let ready = |name: &OsStr| {
            let mut marker = name.to_owned();
            marker.push(READY);
            out.has(marker)
        };
        let mut whole = Vec::new();
        for name in names {
            let identity = match identity(out, &name) {
                Ok(Some(identity)) => identity,
                Ok(None) => continue,
                Err(error) => {
                    self.unseen = Some(format!("out/{}: {error}", shown(&name)));
                    continue;
                }
            };
            let known = before.remove(&name).filter(|w| w.identity == identity);
            let new = || Watched { identity, since: now, looks: 0, rank: None, pause: None };
            let mut watched = known.unwrap_or_else(new);
            watched.looks = watched.looks.saturating_add(1);
            // In every mode it must have stood still between two looks.
            let stands = watched.looks > 1
                && match self.complete {
                    Complete::Renamed => true,
                    Complete::Ready => ready(&name)?,
                    Complete::Quiet => now.duration_since(watched.since) >= self.quiet,
                };
            if stands && watched.pause.as_ref().is_none_or(|pause| pause.is_over(now)) {
                let rank = *watched.rank.get_or_insert_with(|| urgency::of(out, &name));
                whole.push((Reverse(rank), Entry { name: name.clone(), identity }));
            }
            self.watched.insert(name, watched);
        }
        whole.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.name.cmp(&other.name)));
        Ok(whole.into_iter().map(|(_, entry)| entry).collect())
    }

    /// An entry could not be sent yet: its next turn comes after a pause.
    pub(super) fn later(&mut self, name: &OsStr, words: String, now: Instant) {
        if let Some(watched) = self.watched.get_mut(name) {
            watched.pause = Some(Pause::after(watched.pause.as_ref(), words, now));
        }
    }

    /// An entry is gone.
    pub(super) fn gone(&mut self, name: &OsStr) {
        self.watched.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::drop_folder::as_nobody_special;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    const SECOND: Duration = Duration::from_secs(1);

    fn names(entries: &[Entry]) -> Vec<String> {
        entries.iter().map(|e| e.name.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn what_still_grows_is_left_alone() {
        let place = tempfile::tempdir().unwrap();
        let out = Folder::open(place.path()).unwrap();
        let (mut look, begun) = (Look::new(Complete::Renamed, SECOND), Instant::now());
        fs::write(place.path().join("a.edxml"), b"<a").unwrap();
        fs::write(place.path().join("b.edxml.part"), b"<b").unwrap();
        assert!(look.look(&out, begun).unwrap().is_empty(), "seen once only");
        fs::write(place.path().join("a.edxml"), b"<a/>").unwrap();
        assert!(look.look(&out, begun).unwrap().is_empty(), "it changed");
        assert_eq!(names(&look.look(&out, begun).unwrap()), ["a.edxml"]);
        // A folder changes with what is in it.
        fs::create_dir(place.path().join("c")).unwrap();
        fs::write(place.path().join("c/x"), b"1").unwrap();
        look.look(&out, begun).unwrap();
        fs::write(place.path().join("c/x"), b"12").unwrap();
        assert_eq!(names(&look.look(&out, begun).unwrap()), ["a.edxml"]);
        assert_eq!(names(&look.look(&out, begun).unwrap()), ["a.edxml", "c"]);
        assert_eq!(look.waiting(), 2);
    }

    #[test]
    fn the_urgent_have_their_turn_first() {
        let place = tempfile::tempdir().unwrap();
        let out = Folder::open(place.path()).unwrap();
        let (mut look, begun) = (Look::new(Complete::Renamed, SECOND), Instant::now());
        for (name, priority) in [("a.xml", 0), ("b.xml", 1), ("c.xml", 3), ("d.xml", 0)] {
            let text = format!("<Priority>{priority}</Priority>");
            fs::write(place.path().join(name), text).unwrap();
        }
        look.look(&out, begun).unwrap();
        let whole = names(&look.look(&out, begun).unwrap());
        assert_eq!(whole, ["c.xml", "b.xml", "a.xml", "d.xml"]);
    }

    #[test]
    fn a_marker_or_a_quiet_time_where_the_system_cannot_rename() {
        let place = tempfile::tempdir().unwrap();
        let out = Folder::open(place.path()).unwrap();
        let begun = Instant::now();
        fs::write(place.path().join("a"), b"a").unwrap();
        let mut ready = Look::new(Complete::Ready, SECOND);
        let mut quiet = Look::new(Complete::Quiet, SECOND);
        for _ in 0..3 {
            assert!(ready.look(&out, begun).unwrap().is_empty());
            assert!(quiet.look(&out, begun).unwrap().is_empty());
        }
        fs::write(place.path().join("a.ready"), b"").unwrap();
        assert_eq!(names(&ready.look(&out, begun).unwrap()), ["a"]);
        assert_eq!(names(&quiet.look(&out, begun + SECOND).unwrap()), ["a"]);
    }

    #[test]
    fn what_cannot_be_sent_yet_waits_longer_each_time() {
        let place = tempfile::tempdir().unwrap();
        let out = Folder::open(place.path()).unwrap();
        let (mut look, mut now) = (Look::new(Complete::Renamed, SECOND), Instant::now());
        fs::write(place.path().join("a"), b"a").unwrap();
        look.look(&out, now).unwrap();
        let mut pauses = Vec::new();
        for _ in 0..12 {
            let begun = now;
            while look.look(&out, now).unwrap().is_empty() {
                now += SECOND;
            }
            pauses.push((now - begun).as_secs());
            look.later(OsStr::new("a"), "full".to_owned(), now);
            assert_eq!(look.trouble().as_deref(), Some("full"));
        }
        assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        look.gone(OsStr::new("a"));
        assert_eq!((look.waiting(), look.trouble()), (0, None));
    }

    #[test]
    fn an_entry_that_cannot_be_looked_at_holds_nobody_up() {
        let place = tempfile::tempdir().unwrap();
        let out = Folder::open(place.path()).unwrap();
        fs::write(place.path().join("z"), b"z").unwrap();
        fs::create_dir(place.path().join("closed")).unwrap();
        fs::write(place.path().join("closed/x"), b"x").unwrap();
        let mode = |mode| fs::Permissions::from_mode(mode);
        fs::set_permissions(place.path().join("closed"), mode(0)).unwrap();
        let mut look = Look::new(Complete::Renamed, SECOND);
        let looked = std::thread::scope(|scope| {
            let twice = || {
                as_nobody_special();
                look.look(&out, Instant::now()).unwrap();
                look.look(&out, Instant::now()).unwrap()
            };
            scope.spawn(twice).join().unwrap()
        });
        assert_eq!(names(&looked), ["z"]);
        let words = look.trouble().unwrap();
        assert!(words.starts_with("out/closed: "), "{words}");
        fs::set_permissions(place.path().join("closed"), mode(0o700)).unwrap();
        look.look(&out, Instant::now()).unwrap();
        assert_eq!(look.trouble(), None);
    }

    #[test]
    fn what_never_goes_hides_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let out = Folder::open(place.path()).unwrap();
        let now = Instant::now();
        let mut look = Look::new(Complete::Renamed, SECOND);
        for n in 0..ENTRIES_MAX {
            fs::write(place.path().join(format!("{n}.xml")), b"").unwrap();
        }
        look.look(&out, now).unwrap();
        for entry in look.look(&out, now).unwrap() {
            look.later(&entry.name, "not yet".to_owned(), now);
        }
        for n in 0..ENTRIES_MAX {
            fs::write(place.path().join(format!("{n}.tmp")), b"").unwrap();
        }
        fs::write(place.path().join("a.xml"), b"").unwrap();
        look.look(&out, now).unwrap();
        assert!(names(&look.look(&out, now).unwrap()) == ["a.xml"]);
        assert_eq!(look.waiting(), ENTRIES_MAX + 1);
        assert_eq!(look.look(&out, now + SECOND).unwrap().len(), ENTRIES_MAX + 1);
    }
}
