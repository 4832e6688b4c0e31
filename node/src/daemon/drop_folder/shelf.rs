//! Putting an entry of `out` away, into `sent` or `failed`, with what became of it beside.

use std::ffi::OsStr;
use std::io::{self, Read as _};

use rustix::fs::FileType;
use serde_json::Value;

use super::folder::Folder;
use super::look::{self, Entry};
use super::names::{self, READY};

/// Most names tried for one.
const NAMES_MAX: usize = 10_000;
/// Largest file of ours that is looked at again.
const BESIDE_BYTES_MAX: u64 = 4 << 20;

/// Where entries go, and how the file beside them is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shelf {
    Sent,
    Failed,
}

impl Shelf {
    pub(super) fn folder(self) -> &'static str {
        match self {
            Shelf::Sent => "sent",
            Shelf::Failed => "failed",
        }
    }

    fn beside(self, name: &str) -> String {
        match self {
            Shelf::Sent => format!("{name}.receipt.json"),
            Shelf::Failed => format!("{name}.error.json"),
        }
    }
}

/// Called between writing what became of the entry and moving it; an error ends the work there.
pub(super) type Between<'a> = &'a dyn Fn() -> io::Result<()>;

/// Puts an entry away; the name it got. `None` where it changed meanwhile: it stays, as a new one.
/// `what` names its content: the same content under a name keeps that name.
///
/// # Errors
/// The disk; the entry stays where it is, or is on the shelf with what became of it.
pub(super) fn put(
    (out, shelf): (&Folder, &Folder),
    kind: Shelf,
    entry: &Entry,
    (what, became): (&str, &Value),
    between: Between<'_>,
) -> io::Result<Option<String>> {
    let own = names::shelf(&entry.name);
    let Some(name) = free(shelf, kind, &own, what)? else {
        return Err(io::Error::other(format!("{own}: too many of this name were put away")));
    };
    let mut became = became.clone();
    if let Some(fields) = became.as_object_mut() {
        fields.insert("file".to_owned(), name.as_str().into());
        fields.insert("content".to_owned(), what.into());
    }
    let mut text = serde_json::to_vec_pretty(&became).map_err(io::Error::other)?;
    text.push(b'\n');
    let beside = kind.beside(&name);
    shelf.write(&beside, &text)?;
    between()?;
    if look::identity(out, &entry.name)? != Some(entry.identity) {
        shelf.remove(&beside)?;
        return Ok(None);
    }
    out.shift(&entry.name, shelf, &name)?;
    // Somebody may have put another one into its place in the very moment.
    if look::identity(shelf, OsStr::new(&name))? != Some(entry.identity) {
        out_again(out, shelf, entry, &name)?;
        shelf.remove(&beside)?;
        return Ok(None);
    }
    let mut marker = entry.name.clone();
    marker.push(READY);
    out.remove(&marker)?;
    Ok(Some(name))
}

fn out_again(out: &Folder, shelf: &Folder, entry: &Entry, name: &str) -> io::Result<()> {
    let own = names::shelf(&entry.name);
    let mut last = Ok(());
    for n in 1..NAMES_MAX {
        let back = if n == 1 { entry.name.clone() } else { names::nth(&own, n).into() };
        last = shelf.shift(name, out, &back);
        match &last {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            _ => return last,
        }
    }
    last
}

/// The first of an entry's names that nothing has, or that the same content had when work broke off.
fn free(shelf: &Folder, kind: Shelf, own: &str, what: &str) -> io::Result<Option<String>> {
    for n in 1..NAMES_MAX {
        let name = names::nth(own, n);
        if shelf.has(&name)? {
            continue;
        }
        let beside = kind.beside(&name);
        if !shelf.has(&beside)? || content_of(shelf, &beside).as_deref() == Some(what) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// The content that a file of ours beside an entry is about, as far as it can be read.
fn content_of(shelf: &Folder, beside: &str) -> Option<String> {
    let file = shelf.read(beside).ok()?;
    let stat = rustix::fs::fstat(&file).ok()?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return None;
    }
    let mut text = Vec::new();
    file.take(BESIDE_BYTES_MAX).read_to_end(&mut text).ok()?;
    content_in(&text)
}

/// The content that the text of such a file is about.
fn content_in(text: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(text).ok()?;
    value.get("content")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::fs;
    use std::path::PathBuf;

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            for name in ["out", "sent"] {
                fs::create_dir(dir.path().join(name)).unwrap();
            }
            Place(dir)
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn entry(&self, name: &str) -> Entry {
            let out = Folder::open(&self.path("out")).unwrap();
            let identity = look::identity(&out, OsStr::new(name)).unwrap().unwrap();
            Entry { name: name.into(), identity }
        }

        fn put(
            &self,
            entry: &Entry,
            what: &str,
            between: Between<'_>,
        ) -> io::Result<Option<String>> {
            let folders = [self.path("out"), self.path("sent")].map(|p| Folder::open(&p).unwrap());
            let became = json!({"dispatch": what});
            put((&folders[0], &folders[1]), Shelf::Sent, entry, (what, &became), between)
        }

        fn receipt(&self, name: &str) -> Value {
            let path = self.path("sent").join(format!("{name}.receipt.json"));
            serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
        }
    }

    #[test]
    fn an_entry_goes_with_its_receipt_and_the_same_name_again_gets_another() {
        let place = Place::new();
        for (n, expected) in [(1, "a.edxml"), (2, "a-2.edxml"), (3, "a-3.edxml")] {
            fs::write(place.path("out/a.edxml"), format!("{n}")).unwrap();
            fs::write(place.path("out/a.edxml.ready"), "").unwrap();
            let entry = place.entry("a.edxml");
            let name = place.put(&entry, &format!("content {n}"), &|| Ok(())).unwrap();
            assert_eq!(name.as_deref(), Some(expected));
            assert_eq!(place.receipt(expected)["dispatch"], format!("content {n}"));
        }
        assert_eq!(fs::read_dir(place.path("out")).unwrap().count(), 0);
        // The receipt stays when the system has taken the file away, and is not written over.
        fs::remove_file(place.path("sent/a.edxml")).unwrap();
        fs::write(place.path("out/a.edxml"), "4").unwrap();
        let name = place.put(&place.entry("a.edxml"), "content 4", &|| Ok(())).unwrap();
        assert_eq!(name.as_deref(), Some("a-4.edxml"));
    }

    #[test]
    fn what_broke_off_between_receipt_and_move_is_finished_under_the_same_name() {
        let place = Place::new();
        fs::create_dir(place.path("out/letter")).unwrap();
        fs::write(place.path("out/letter/x"), "x").unwrap();
        let entry = place.entry("letter");
        assert!(place.put(&entry, "c", &|| Err(io::Error::other("killed"))).is_err());
        assert!(place.path("out/letter").exists() && place.receipt("letter")["content"] == "c");
        let name = place.put(&entry, "c", &|| Ok(())).unwrap();
        assert_eq!(name.as_deref(), Some("letter"));
        assert_eq!(fs::read(place.path("sent/letter/x")).unwrap(), b"x");
        assert_eq!(fs::read_dir(place.path("sent")).unwrap().count(), 2);
    }

    #[test]
    fn what_changed_meanwhile_stays() {
        let place = Place::new();
        fs::write(place.path("out/a"), "1").unwrap();
        let entry = place.entry("a");
        fs::write(place.path("out/a"), "another one").unwrap();
        assert_eq!(place.put(&entry, "1", &|| Ok(())).unwrap(), None);
        assert_eq!(fs::read(place.path("out/a")).unwrap(), b"another one");
        assert_eq!(fs::read_dir(place.path("sent")).unwrap().count(), 0);
    }

    #[test]
    fn a_name_as_long_as_names_can_be_is_put_away() {
        let place = Place::new();
        // There is no room for an ending of ours, nor for the marker's.
        let long = "x".repeat(255);
        fs::write(place.path("out").join(&long), b"1").unwrap();
        let name = place.put(&place.entry(&long), "content", &|| Ok(())).unwrap().unwrap();
        assert!(name.starts_with("unnamed-"), "{name}");
        assert_eq!(place.receipt(&name)["dispatch"], "content");
        assert_eq!(fs::read_dir(place.path("out")).unwrap().count(), 0);
    }

    /// The file beside an entry lies where others can write: whatever it holds, it is about one content or
    /// about none.
    #[test]
    fn whatever_stands_beside_an_entry_is_about_one_content_or_none() {
        use crate::mutate::{Dice, mutated};

        let sound = json!({"dispatch": "ab", "content": "12ab", "file": "a.edxml"});
        let samples = [serde_json::to_vec_pretty(&sound).unwrap(), b"{}".to_vec()];
        assert_eq!(content_in(&samples[0]).as_deref(), Some("12ab"));
        let (mut same, mut none) = (0, 0);
        for run in 0..20_000 {
            let text = mutated(&samples, &mut Dice::new(2026, run));
            match content_in(&text) {
                Some(content) if content == "12ab" => same += 1,
                Some(_) => {}
                None => none += 1,
            }
        }
        assert!(same > 100 && none > 1_000, "{same} the same, {none} none");
    }
}
