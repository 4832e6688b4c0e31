//! Putting something into a folder of the system exactly once, whatever breaks off in between.
//!
//! ```text
//! written in .staging, synced ──▶ noted in the data directory ──▶ renamed ──▶ confirmed ──▶ note gone
//! ```
//!
//! A note with nothing in `.staging` says that the rename was done, also where the system has taken the
//! file away since.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::super::files;
use super::folder::Folder;

/// Where things are made whole, in the drop folder: others cannot look into it.
pub(super) const STAGING: &str = ".staging";

/// How far something got before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing of it is there: it is to be written.
    Fresh,
    /// The system has it, or had it.
    Published,
}

/// Steps after which a process may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Synced,
    Noted,
    Renamed,
}

/// Called after each step; an error ends the work there.
pub(super) type After<'a> = &'a dyn Fn(Step) -> io::Result<()>;

/// One folder that things are put into.
pub(super) struct Handing<'a> {
    pub(super) staging: &'a Folder,
    pub(super) target: &'a Folder,
    /// Folder of the notes, below the node's data directory.
    pub(super) data: &'a Path,
    /// Its name.
    pub(super) notes: &'a str,
}

impl Handing<'_> {
    fn note(&self, name: &str) -> PathBuf {
        self.data.join(self.notes).join(name)
    }

    /// Takes up what an earlier try left behind.
    pub(super) fn resume(&self, name: &str) -> io::Result<Stage> {
        if !self.note(name).try_exists()? {
            // Whatever lies there is not whole.
            self.staging.remove(name)?;
            return Ok(Stage::Fresh);
        }
        if self.staging.has(name)? {
            self.staging.shift(name, self.target, name)?;
        }
        Ok(Stage::Published)
    }

    /// Gives the system what was written and synced in the staging folder under this name.
    pub(super) fn publish(&self, name: &str, after: After<'_>) -> io::Result<()> {
        self.staging.sync()?;
        after(Step::Synced)?;
        files::keep(self.data, self.notes, name, b"")?;
        after(Step::Noted)?;
        self.staging.shift(name, self.target, name)?;
        after(Step::Renamed)
    }

    /// It is on record that the system has it: nothing is noted any more.
    pub(super) fn forget(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.note(name)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }
}

/// Removes what a start before this one left unfinished in the staging folder and nobody noted.
pub(super) fn sweep(staging: &Folder, notes: &[PathBuf]) -> io::Result<()> {
    let noted = |name: &OsStr| notes.iter().any(|folder| folder.join(name).exists());
    for name in staging.names(usize::MAX)? {
        if !noted(&name) {
            staging.remove(&name)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    struct Place {
        dir: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            for name in ["staging", "in", "data"] {
                fs::create_dir(dir.path().join(name)).unwrap();
            }
            Place { dir }
        }

        fn folder(&self, name: &str) -> Folder {
            Folder::open(&self.dir.path().join(name)).unwrap()
        }

        /// One life of a process: true if it came to the end. `taken` counts what the system finds.
        fn live(&self, dies_after: Option<Step>, half_written: bool, taken: &mut u32) -> bool {
            let (staging, target) = (self.folder("staging"), self.folder("in"));
            let data = self.dir.path().join("data");
            let handing =
                Handing { staging: &staging, target: &target, data: &data, notes: "notes" };
            let after = |step| match dies_after == Some(step) {
                true => Err(io::Error::other("killed")),
                false => Ok(()),
            };
            let given = match handing.resume("x").unwrap() {
                Stage::Published => Ok(()),
                Stage::Fresh => {
                    let mut file = staging.create("x").unwrap();
                    file.write_all(b"half").unwrap();
                    if half_written {
                        return false;
                    }
                    file.write_all(b" and half").unwrap();
                    file.sync_all().unwrap();
                    handing.publish("x", &after)
                }
            };
            // The system is quick: it takes away whatever it finds.
            let path = self.dir.path().join("in/x");
            if let Ok(bytes) = fs::read(&path) {
                assert_eq!(bytes, b"half and half");
                fs::remove_file(path).unwrap();
                *taken += 1;
            }
            if given.is_ok() {
                handing.forget("x").unwrap();
            }
            given.is_ok()
        }
    }

    #[test]
    fn whatever_step_a_process_ends_after_the_system_finds_it_once() {
        for dies_after in [Step::Synced, Step::Noted, Step::Renamed] {
            for half_written in [false, true] {
                let (place, mut taken) = (Place::new(), 0);
                assert!(!half_written || !place.live(None, true, &mut taken));
                assert!(!place.live(Some(dies_after), false, &mut taken), "{dies_after:?}");
                assert!(place.live(None, false, &mut taken), "{dies_after:?}");
                assert_eq!(taken, 1, "{dies_after:?}");
            }
        }
    }

    #[test]
    fn what_nobody_noted_is_swept_and_a_name_that_is_taken_is_not_replaced() {
        let place = Place::new();
        let (staging, target) = (place.folder("staging"), place.folder("in"));
        let data = place.dir.path().join("data");
        let handing = Handing { staging: &staging, target: &target, data: &data, notes: "notes" };
        staging.write("x", b"ours").unwrap();
        staging.write("y", b"left").unwrap();
        files::keep(&data, "notes", "x", b"").unwrap();
        sweep(&staging, &[data.join("notes")]).unwrap();
        assert!(staging.has("x").unwrap() && !staging.has("y").unwrap());
        target.write("x", b"somebody else's").unwrap();
        assert!(handing.resume("x").is_err());
        assert_eq!(fs::read(place.dir.path().join("in/x")).unwrap(), b"somebody else's");
        target.remove("x").unwrap();
        assert_eq!(handing.resume("x").unwrap(), Stage::Published);
        assert_eq!(fs::read(place.dir.path().join("in/x")).unwrap(), b"ours");
    }
}
