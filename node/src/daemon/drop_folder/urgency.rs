//! How urgent an entry of `out` says it is. Only its turn depends on it: what does not say, or says it
//! where nobody looks, goes with the others.

use std::ffi::OsStr;
use std::io::{self, Read as _};
use std::path::Path;

use rustix::fs::FileType;
use serde::Deserialize;
use tram_api::model::UrgencyLevel;
use tram_edxml::values::Priority;

use super::folder::Folder;
use super::snapshot::{JSON_BYTES_MAX, LETTER};

/// Bytes of an edXML file in which its `Priority` is looked for: its header, of any but the longest lists
/// of recipients.
const HEADER_BYTES_MAX: u64 = 64 << 10;

/// From 0, normal, to 4.
pub(super) type Rank = u8;

/// The rank of a level.
pub(super) fn rank(level: UrgencyLevel) -> Rank {
    match level {
        UrgencyLevel::Normal => 0,
        UrgencyLevel::Urgent => 1,
        UrgencyLevel::VeryUrgent => 2,
        UrgencyLevel::Flash => 3,
        UrgencyLevel::FlashAt => 4,
    }
}

#[derive(Deserialize)]
struct Draft {
    metadata: Told,
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    urgency: UrgencyLevel,
}

/// The rank of an entry by what it says; 0 where it cannot be read.
pub(super) fn of(out: &Folder, name: &OsStr) -> Rank {
    let is = |endings: &[&str]| {
        let ending = Path::new(name).extension().and_then(OsStr::to_str).unwrap_or_default();
        endings.iter().any(|e| ending.eq_ignore_ascii_case(e))
    };
    if is(&["edxml", "xml"]) {
        return beginning(out, name, HEADER_BYTES_MAX).map_or(0, |text| priority(&text));
    }
    if is(&["json"]) {
        return 0;
    }
    let letter = out.sub(name).and_then(|folder| beginning(&folder, LETTER, JSON_BYTES_MAX));
    let letter = letter.ok().and_then(|text| serde_json::from_slice::<Draft>(&text).ok());
    letter.map_or(0, |letter| rank(letter.metadata.urgency))
}

/// The first bytes of a plain file.
fn beginning(folder: &Folder, name: impl AsRef<OsStr>, most: u64) -> io::Result<Vec<u8>> {
    let name = name.as_ref();
    // A device does something when it is opened.
    let stat = folder.stat(name)?.ok_or(io::ErrorKind::NotFound)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut text = Vec::new();
    folder.read(name)?.take(most).read_to_end(&mut text)?;
    Ok(text)
}

/// The first `<Priority>` with a number, whatever its prefix.
fn priority(text: &[u8]) -> Rank {
    const TAG: &[u8] = b"Priority>";
    let at = text.windows(TAG.len()).position(|w| w == TAG).map(|at| at + TAG.len());
    let rest = at.and_then(|at| text.get(at..)).unwrap_or_default();
    let mut digits = rest.iter().skip_while(|b| b.is_ascii_whitespace());
    let number = digits.next().filter(|b| b.is_ascii_digit()).map(|b| u16::from(b - b'0'));
    let ends = digits.next().is_none_or(|b| !b.is_ascii_digit());
    let known = number.filter(|_| ends).and_then(Priority::from_number);
    known.map_or(0, Priority::number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_an_entry_says_is_found_and_nothing_else_counts() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        let out = Folder::open(place.path()).unwrap();
        let is = |name: &str| of(&out, OsStr::new(name));
        let edxml = |n: &str| format!("<a><x:Priority>{n}</x:Priority></a>");
        for (n, rank) in [("0", 0), ("3", 3), (" 4\n", 4), ("5", 0), ("33", 0), ("", 0), ("x", 0)] {
            fs::write(path("a.edXML"), edxml(n)).unwrap();
            assert_eq!(is("a.edXML"), rank, "{n:?}");
        }
        // Beyond what is looked at.
        let long = " ".repeat(HEADER_BYTES_MAX as usize) + &edxml("3");
        fs::write(path("b.xml"), long).unwrap();
        fs::create_dir(path("letter")).unwrap();
        for (text, rank) in [
            (r#"{"metadata":{"subject":"x","urgency":"flash"},"recipients":["H41"]}"#, 3),
            (r#"{"metadata":{"subject":"x"}}"#, 0),
            (r#"{"metadata":{"urgency":"mật"}}"#, 0),
            ("{", 0),
        ] {
            fs::write(path("letter/dispatch.json"), text).unwrap();
            assert_eq!(is("letter"), rank, "{text}");
        }
        symlink(path("a.edXML"), path("c.xml")).unwrap();
        fs::write(path("s.json"), r#"{"metadata":{"urgency":"flash"}}"#).unwrap();
        for name in ["b.xml", "c.xml", "s.json", "gone"] {
            assert_eq!(is(name), 0, "{name}");
        }
    }
}
