//! Which names count, and which names the node gives.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use tram_crypto::sha256;
use tram_dispatch::text::is_plain;
use tram_dispatch::{AgencyCode, Digest, DispatchId, UnixMillis, id::hex};

/// Longest name that is kept as it is, bytes: endings of ours still fit behind it.
const NAME_BYTES_MAX: usize = 200;
/// Beside an entry: it is whole.
pub(super) const READY: &str = ".ready";
/// Endings of what is still being written.
const UNFINISHED: &[&str] = &[".tmp", ".part", ".partial", ".crdownload", "~", READY];

/// Whether something under this name may be looked at: neither hidden nor unfinished.
pub(super) fn counts(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    let unfinished = |ending: &&str| {
        let tail = bytes.len().checked_sub(ending.len()).and_then(|at| bytes.get(at..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(ending.as_bytes()))
    };
    !bytes.starts_with(b".") && !UNFINISHED.iter().any(unfinished)
}

/// The name as text, where people and programs can read it.
pub(super) fn plain(name: &OsStr) -> Option<&str> {
    name.to_str().filter(|text| text.len() <= NAME_BYTES_MAX && is_plain(text))
}

/// A name to put an entry away under: its own, or one made of it.
pub(super) fn shelf(name: &OsStr) -> String {
    let made = || format!("unnamed-{}", hex(&sha256(name.as_bytes())[..8]));
    plain(name).map_or_else(made, str::to_owned)
}

/// The nth name for the same: `a.edxml`, `a-2.edxml`, `a-3.edxml`.
pub(super) fn nth(name: &str, n: usize) -> String {
    match (n, name.rsplit_once('.')) {
        (0 | 1, _) => name.to_owned(),
        (n, Some((stem, ending))) if !stem.is_empty() => format!("{stem}-{n}.{ending}"),
        (n, _) => format!("{name}-{n}"),
    }
}

/// A moment for names, whose order is that of the moments: `20261122T010409.809Z`.
fn moment(at: UnixMillis) -> String {
    let text = at.to_string();
    let (seconds, part) = text.trim_end_matches('Z').split_once('.').unwrap_or((&text, "0"));
    format!("{}.{part:0<3}Z", seconds.trim_end_matches('Z').replace(['-', ':'], ""))
}

/// The name of an incoming dispatch, without its ending: no two have the same. One that came for an old
/// code says so.
pub(super) fn incoming(at: UnixMillis, dispatch: DispatchId, old: Option<&AgencyCode>) -> String {
    let named = |code: &AgencyCode| match code.is_structured() {
        true => format!("-{code}"),
        false => format!("-{}", hex(&sha256(code.as_str().as_bytes())[..8])),
    };
    format!("{}-{dispatch}{}", moment(at), old.map(named).unwrap_or_default())
}

/// The name of a status, without its ending.
pub(super) fn status(at: UnixMillis, number: u8, id: impl std::fmt::Display) -> String {
    format!("{}-{number:02}-{id}", moment(at))
}

/// The name of a document in a folder of documents: by its digest, with the ending it came with.
pub(super) fn document(name: &str, sha256: Digest) -> String {
    let fits =
        |e: &&str| (1..=8).contains(&e.len()) && e.bytes().all(|b| b.is_ascii_alphanumeric());
    match name.rsplit_once('.').map(|(_, ending)| ending).filter(fits) {
        Some(ending) => format!("{sha256}.{}", ending.to_ascii_lowercase()),
        None => sha256.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_and_unfinished_names_do_not_count() {
        for name in ["a.edxml", "van ban.xml", "folder", "x.tmp.edxml", "tmp", "part"] {
            assert!(counts(OsStr::new(name)), "{name}");
        }
        for name in [".a.edxml", ".", "a.edxml.tmp", "a.TMP", "a.part", "a~", "a.ready", ".part"] {
            assert!(!counts(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn names_that_nobody_can_read_get_another() {
        assert_eq!(shelf(OsStr::new("Công văn 7.edxml")), "Công văn 7.edxml");
        for bad in [&b"a\xff"[..], b"a\nb", "a\u{202e}b".as_bytes(), &[b'x'; 201]] {
            let made = shelf(OsStr::from_bytes(bad));
            assert!(made.starts_with("unnamed-") && plain(OsStr::new(&made)).is_some(), "{made}");
        }
        let nths = [nth("a.edxml", 1), nth("a.edxml", 2), nth("a", 3), nth(".a", 2)];
        assert_eq!(nths, ["a.edxml", "a-2.edxml", "a-3", ".a-2"]);
        let at = UnixMillis(1_795_309_449_809);
        assert_eq!(moment(at), "20261122T010409.809Z");
        assert_eq!(moment(UnixMillis(1_795_309_449_000)), "20261122T010409.000Z");
        assert_eq!(status(at, 3, "x"), "20261122T010409.809Z-03-x");
        let (id, old) = (DispatchId([7; 32]), ["H41.12.07", "a*?"].map(|c| c.parse().unwrap()));
        assert_eq!(incoming(at, id, None), format!("20261122T010409.809Z-{id}"));
        assert_eq!(incoming(at, id, Some(&old[0])), format!("20261122T010409.809Z-{id}-H41.12.07"));
        let opaque = incoming(at, id, Some(&old[1]));
        assert!(opaque.len() == 86 + 16 && plain(OsStr::new(&opaque)).is_some(), "{opaque}");
        let digest = Digest([0xab; 32]);
        assert_eq!(document("../../x.PDF", digest), format!("{digest}.pdf"));
        assert_eq!(document("x.p/f", digest), digest.to_string());
    }
}
