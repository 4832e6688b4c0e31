//! Putting something into a folder of the system exactly once, whatever breaks off in between.
//!
//! ```text
//! written in .staging, synced ──▶ noted in the data directory ──▶ renamed ──▶ confirmed ──▶ note gone
//! ```
//!
//! A note with nothing in the same `.staging` says that the rename was done, also where the system has taken
//! the file away since. In another `.staging`, as after somebody made the folder anew, it says nothing: rather
//! twice than never.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use super::super::files;
use super::folder::{Folder, Inode};

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

    /// The `.staging` that a note is about, and what was made whole in it.
    fn noted(&self, name: &str) -> io::Result<Option<(Inode, Inode)>> {
        let text = match fs::read_to_string(self.note(name)) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        let (staging, thing) = text.split_once('\n').unwrap_or_default();
        Ok(Some((Inode::parse(staging), Inode::parse(thing))))
    }

    /// Takes up what an earlier try left behind.
    pub(super) fn resume(&self, name: &str) -> io::Result<Stage> {
        let lies = self.staging.inode_of(name)?;
        if let Some((staging, thing)) = self.noted(name)? {
            if lies.as_ref() == Some(&thing) {
                self.put_there(name)?;
                return Ok(Stage::Published);
            }
            let done = lies.is_none() && self.staging.inode()? == staging;
            if done || self.target.inode_of(name)? == Some(thing) {
                return Ok(Stage::Published);
            }
        }
        // Whatever lies there is not whole.
        self.staging.remove(name)?;
        Ok(Stage::Fresh)
    }

    /// Gives the system what was written and synced in the staging folder under this name.
    pub(super) fn publish(&self, name: &str, after: After<'_>) -> io::Result<()> {
        self.staging.sync()?;
        after(Step::Synced)?;
        let thing = self.staging.inode_of(name)?.ok_or(io::ErrorKind::NotFound)?;
        let note = format!("{}\n{thing}", self.staging.inode()?);
        files::keep(self.data, self.notes, name, note.as_bytes())?;
        after(Step::Noted)?;
        self.put_there(name)?;
        after(Step::Renamed)
    }

    fn put_there(&self, name: &str) -> io::Result<()> {
        match self.staging.shift(name, self.target, name) {
            // The system has it, from a try of which nothing is known here any more.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && self.is_there(name)? => {
                self.staging.remove(name)
            }
            other => other,
        }
    }

    /// Whether the same file is there already.
    fn is_there(&self, name: &str) -> io::Result<bool> {
        let open = |folder: &Folder| -> io::Result<Option<(i64, fs::File)>> {
            let is_file = |mode| FileType::from_raw_mode(mode) == FileType::RegularFile;
            let stat = folder.stat(name)?.filter(|stat| is_file(stat.st_mode));
            stat.map(|stat| Ok((stat.st_size, folder.read(name)?))).transpose()
        };
        let (Some((length, ours)), Some((other, theirs))) =
            (open(self.staging)?, open(self.target)?)
        else {
            return Ok(false);
        };
        Ok(length == other && same_bytes(ours, theirs)?)
    }

    /// It is on record that the system has it: nothing is noted any more.
    pub(super) fn forget(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.note(name)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }
}

fn same_bytes(ours: impl Read, theirs: impl Read) -> io::Result<bool> {
    let (mut ours, mut theirs) =
        (io::BufReader::new(ours).bytes(), io::BufReader::new(theirs).bytes());
    loop {
        match (ours.next().transpose()?, theirs.next().transpose()?) {
            (None, None) => return Ok(true),
            (a, b) if a == b => {}
            _ => return Ok(false),
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
        let noted = |step| match step {
            Step::Noted => Err(io::Error::other("killed")),
            _ => Ok(()),
        };
        assert!(handing.publish("x", &noted).is_err());
        sweep(&staging, &[data.join("notes")]).unwrap();
        assert!(staging.has("x").unwrap() && !staging.has("y").unwrap());
        target.write("x", b"other").unwrap();
        assert!(handing.resume("x").is_err());
        assert_eq!(fs::read(place.dir.path().join("in/x")).unwrap(), b"other");
        target.remove("x").unwrap();
        assert_eq!(handing.resume("x").unwrap(), Stage::Published);
        assert_eq!(fs::read(place.dir.path().join("in/x")).unwrap(), b"ours");
        // The node's own folder is an older copy, and the system has the very file.
        handing.forget("x").unwrap();
        staging.write("x", b"ours").unwrap();
        handing.publish("x", &|_| Ok(())).unwrap();
        assert!(!staging.has("x").unwrap());
    }

    #[test]
    fn a_note_says_nothing_of_another_staging_folder() {
        let (place, mut taken) = (Place::new(), 0);
        let staging = place.dir.path().join("staging");
        let anew = || {
            fs::remove_dir_all(&staging).unwrap();
            fs::create_dir(&staging).unwrap();
        };
        // Whoever made it anew removed what was noted and not renamed yet.
        assert!(!place.live(Some(Step::Noted), false, &mut taken));
        anew();
        assert!(place.live(None, false, &mut taken));
        assert_eq!(taken, 1);
        // Here it was renamed, and the system has not looked yet.
        let (staging, target) = (place.folder("staging"), place.folder("in"));
        let data = place.dir.path().join("data");
        let handing = Handing { staging: &staging, target: &target, data: &data, notes: "notes" };
        staging.write("y", b"y").unwrap();
        handing.publish("y", &|_| Ok(())).unwrap();
        anew();
        let staging = place.folder("staging");
        let handing = Handing { staging: &staging, ..handing };
        assert_eq!(handing.resume("y").unwrap(), Stage::Published);
        target.remove("y").unwrap();
        assert_eq!(handing.resume("y").unwrap(), Stage::Fresh);
    }
}
