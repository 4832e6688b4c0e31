//! The mark that a failure of storage leaves for the next start.
//!
//! Pages that the system could not write, it marks clean: until the machine is restarted they read as if
//! they were on the disk. So the node notes the failure in a place of its own, and a start that finds
//! the note reads the journal's tail past the page cache ([`tram_spool::reread`]) before it believes
//! anything, or does not start. A note counts for as long as that memory lives: it names the boot, and
//! one of an earlier boot is removed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use tram_config::Config;
use tram_dispatch::text::escaped;
use tram_dispatch::{EpochId, UnixMillis};

/// First line of a note.
const FORMAT: &str = "tram-storage-failure 1";
/// Memory on every Linux: for nodes whose socket lies on the disk that fails.
const SHARED_MEMORY: &str = "/dev/shm";
/// What tells one boot from another (random(4)).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// Largest note.
const NOTE_BYTES_MAX: u64 = 4096;
/// Longest error in a note, in characters.
const ERROR_CHARS_MAX: usize = 1000;

/// Where the note of one node lies, if there is one.
#[derive(Clone, Debug)]
pub(super) struct Marker {
    places: Vec<PathBuf>,
    store: PathBuf,
    boot: String,
}

/// A note of this boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub path: PathBuf,
    /// Store, time and error, as they were written.
    pub words: String,
}

impl Marker {
    /// That of the node with this configuration and epoch: in the folder of its first socket, and in
    /// shared memory.
    pub(super) fn of(config: &Config, epoch: EpochId) -> Self {
        let name = format!("tram-{epoch}.storage-failed");
        let run = config.sockets.first().and_then(|s| s.path.parent()).map(Path::to_owned);
        let folders = run.into_iter().chain([PathBuf::from(SHARED_MEMORY)]);
        let boot = fs::read_to_string(BOOT_ID).unwrap_or_default();
        Marker {
            places: folders.map(|folder| folder.join(&name)).collect(),
            store: config.data_dir.clone(),
            boot: boot.trim().to_owned(),
        }
    }

    /// Notes a failure, in every place that takes it. Nothing is synced: the note need not live longer
    /// than the memory it warns of.
    pub(super) fn set(&self, error: &str, now: UnixMillis) {
        let error: String = escaped(error).chars().take(ERROR_CHARS_MAX).collect();
        let store = escaped(&self.store.display().to_string());
        let text =
            format!("{FORMAT}\nboot {}\nstore {store}\ntime {now}\nerror {error}\n", self.boot);
        let mut noted = false;
        for place in &self.places {
            match write(place, &text) {
                Ok(()) => {
                    noted = true;
                    tracing::error!(path = %place.display(), "the failure of storage is noted for the next start");
                }
                Err(error) => tracing::warn!(path = %place.display(), %error, "no note here"),
            }
        }
        if !noted {
            tracing::error!("the failure of storage could not be noted: restart the machine");
        }
    }

    /// The note of this boot, if there is one. Older ones are removed.
    ///
    /// # Errors
    /// A note that is there and cannot be read.
    pub(super) fn found(&self) -> io::Result<Option<Note>> {
        for place in &self.places {
            let Some(text) = read(place)? else { continue };
            let mut lines = text.lines();
            let known = lines.next() == Some(FORMAT);
            let boot = lines.next().and_then(|l| l.strip_prefix("boot "));
            // Without a boot to compare with, every note counts.
            if known && !self.boot.is_empty() && boot.is_some_and(|b| b != self.boot) {
                tracing::info!(path = %place.display(), "a failure before the machine's restart");
                remove(place);
                continue;
            }
            let words = lines.map(escaped).collect::<Vec<_>>().join("; ");
            return Ok(Some(Note { path: place.clone(), words }));
        }
        Ok(None)
    }

    /// Removes the note: the disk was read, and the store opened.
    pub(super) fn clear(&self) {
        self.places.iter().for_each(|place| remove(place));
    }
}

fn write(place: &Path, text: &str) -> io::Result<()> {
    let nofollow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).custom_flags(nofollow);
    options.open(place)?.write_all(text.as_bytes())
}

/// A note of ours, or none. In shared memory anybody may put a file; only ours and root's count.
fn read(place: &Path) -> io::Result<Option<String>> {
    let found = match fs::symlink_metadata(place) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let own = rustix::process::geteuid().as_raw();
    if !found.is_file() || ![own, 0].contains(&found.uid()) {
        tracing::warn!(path = %place.display(), "not a note of this node; it is left alone");
        return Ok(None);
    }
    let mut text = String::new();
    File::open(place)?.take(NOTE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(Some(text))
}

fn remove(place: &Path) {
    match fs::remove_file(place) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %place.display(), error = %e, "an old note was not removed");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(folder: &Path, boot: &str) -> Marker {
        Marker {
            places: vec![folder.join("none/x"), folder.join("a"), folder.join("b")],
            store: "/var/lib/tram".into(),
            boot: boot.into(),
        }
    }

    #[test]
    fn a_note_counts_until_the_next_boot_or_until_it_is_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (marker(folder.path(), "one"), marker(folder.path(), "two"));
        assert_eq!(first.found().unwrap(), None);
        first.set("fdatasync journal failed\nerror forged", UnixMillis(0));
        let note = first.found().unwrap().unwrap();
        assert_eq!(note.path, folder.path().join("a"));
        assert_eq!(
            note.words,
            "store /var/lib/tram; time 1970-01-01T00:00:00.000Z; \
             error fdatasync journal failed\\u{a}error forged"
        );
        // Where the boot is not known, the note counts.
        assert!(marker(folder.path(), "").found().unwrap().is_some());
        assert_eq!(second.found().unwrap(), None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "old notes are removed");

        first.set("again", UnixMillis(1));
        first.clear();
        assert_eq!(first.found().unwrap(), None);
    }

    #[test]
    fn what_is_no_note_of_ours_is_not_taken_for_one_but_a_cut_one_counts() {
        let folder = tempfile::tempdir().unwrap();
        let marker = marker(folder.path(), "one");
        std::os::unix::fs::symlink("/etc/hostname", folder.path().join("a")).unwrap();
        assert_eq!(marker.found().unwrap(), None);
        fs::write(folder.path().join("b"), "tram-sto").unwrap();
        assert!(marker.found().unwrap().is_some());
    }
}
