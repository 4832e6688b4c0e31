//! Copies of what lies in `out`, made before anything is done with it: what the node takes is what it
//! read, whatever happens to the entry meanwhile.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use rustix::fs::{FileType, Stat};
use tram_api::Problem;
use tram_crypto::Sha256Stream;
use tram_dispatch::{Code, Digest};

use super::folder::{Folder, shown};
use super::look::CHILDREN_MAX;
use super::names;

/// The JSON file in a folder of documents.
pub(super) const LETTER: &str = "dispatch.json";
/// Largest JSON file.
pub(super) const JSON_BYTES_MAX: u64 = 1 << 20;
/// First bytes of a file, by which its kind is told.
const FIRST_BYTES: usize = 64;

/// Why there is none.
#[derive(Debug)]
pub(super) enum Unfit {
    /// It is nothing that can be taken.
    Refused(Problem),
    /// It cannot be read now.
    Later(io::Error),
}

impl From<io::Error> for Unfit {
    fn from(error: io::Error) -> Self {
        Unfit::Later(error)
    }
}

pub(super) fn unfit(code: Code, detail: impl AsRef<str>) -> Unfit {
    Unfit::Refused(Problem::new(code, detail))
}

/// A file's copy, without a name.
#[derive(Debug)]
pub(super) struct Copy {
    /// At its beginning.
    pub(super) file: File,
    pub(super) size: u64,
    pub(super) sha256: Digest,
    pub(super) first: Vec<u8>,
}

/// What lies there.
#[derive(Debug)]
pub(super) enum Snapshot {
    /// One file.
    File(Copy),
    /// A folder: its JSON file, and the others by name.
    Folder(Vec<u8>, Vec<(String, Copy)>),
}

/// Bytes of what lies there, and in it.
pub(super) fn size_bytes(out: &Folder, name: &OsStr) -> io::Result<u64> {
    let of = |stat: &Stat| u64::try_from(stat.st_size).unwrap_or_default();
    let Some(stat) = out.stat(name)? else { return Ok(0) };
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Ok(of(&stat));
    }
    let (folder, mut sum) = (out.sub(name)?, 0_u64);
    for child in folder.names(CHILDREN_MAX + 1)? {
        sum = sum.saturating_add(folder.stat(&child)?.as_ref().map_or(0, of));
    }
    Ok(sum)
}

/// Copies an entry to unnamed files below `staging`, at most so many bytes of it. Blocks.
pub(super) fn take(
    out: &Folder,
    name: &OsStr,
    staging: &Path,
    bytes_max: u64,
) -> Result<Snapshot, Unfit> {
    let Some(stat) = out.stat(name)? else {
        return Err(Unfit::Later(io::ErrorKind::NotFound.into()));
    };
    if names::plain(name).is_none() {
        return Err(unfit(
            Code::DropUnfit,
            "its name is too long, or not one that people can read",
        ));
    }
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return copy(out, name, staging, bytes_max).map(Snapshot::File);
    }
    if !out.may_write(name)? {
        return Err(unfit(
            Code::DropUnfit,
            "the node may not move this folder, which its group must be able to write into: the system that \
             makes it needs umask 002",
        ));
    }
    let folder = out.sub(name)?;
    let children = folder.names(CHILDREN_MAX + 1)?;
    if children.len() > CHILDREN_MAX {
        return Err(unfit(Code::TooLarge, format!("more than {CHILDREN_MAX} files in the folder")));
    }
    let (mut letter, mut documents, mut left) = (None, Vec::new(), bytes_max);
    for child in children {
        let Some(plain) = names::plain(&child).map(str::to_owned) else {
            return Err(unfit(Code::DropUnfit, format!("{}: not a name of a file", shown(&child))));
        };
        if plain == LETTER {
            let mut copied = copy(&folder, &child, staging, JSON_BYTES_MAX)?;
            let mut text = Vec::new();
            copied.file.read_to_end(&mut text)?;
            letter = Some(text);
            continue;
        }
        let copied = copy(&folder, &child, staging, left)?;
        left -= copied.size;
        documents.push((plain, copied));
    }
    documents.sort_by(|a, b| a.0.cmp(&b.0));
    match letter {
        Some(letter) => Ok(Snapshot::Folder(letter, documents)),
        None => Err(unfit(Code::DropUnfit, format!("there is no {LETTER} in the folder"))),
    }
}

fn copy(folder: &Folder, name: &OsStr, staging: &Path, bytes_max: u64) -> Result<Copy, Unfit> {
    let told = shown(name);
    let is_file = |stat: &Stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    // Before it is opened, for a device does something when it is.
    match folder.stat(name)? {
        Some(stat) if !is_file(&stat) => {
            return Err(unfit(Code::DropUnfit, format!("{told}: a link, a pipe or a device")));
        }
        Some(_) => {}
        None => return Err(Unfit::Later(io::ErrorKind::NotFound.into())),
    }
    let mut source = folder.read(name)?;
    let before = rustix::fs::fstat(&source).map_err(io::Error::from)?;
    if !is_file(&before) || before.st_nlink != 1 {
        let what = "not a plain file, or one that has another name elsewhere";
        return Err(unfit(Code::DropUnfit, format!("{told}: {what}")));
    }
    let too_large = || unfit(Code::TooLarge, format!("{told}: more than {bytes_max} bytes"));
    if u64::try_from(before.st_size).unwrap_or(u64::MAX) > bytes_max {
        return Err(too_large());
    }
    let mut file = tempfile::tempfile_in(staging)?;
    let (mut hash, mut size, mut first) = (Sha256Stream::new(), 0, Vec::new());
    let mut piece = vec![0; 1 << 16];
    loop {
        let n = match source.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e.into()),
        };
        size += n as u64;
        if size > bytes_max {
            return Err(too_large());
        }
        let wanted = FIRST_BYTES.saturating_sub(first.len()).min(n);
        first.extend_from_slice(&piece[..wanted]);
        hash.update(&piece[..n]);
        file.write_all(&piece[..n])?;
    }
    let after = rustix::fs::fstat(&source).map_err(io::Error::from)?;
    let same = |a: &Stat, b: &Stat| {
        (a.st_size, a.st_mtime, a.st_mtime_nsec) == (b.st_size, b.st_mtime, b.st_mtime_nsec)
    };
    if !same(&before, &after) {
        return Err(Unfit::Later(io::Error::other(format!("{told} is being written"))));
    }
    io::Seek::rewind(&mut file)?;
    Ok(Copy { file, size, sha256: Digest(hash.finish()), first })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::drop_folder::as_nobody_special;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;

    fn code(taken: Result<Snapshot, Unfit>) -> Option<Code> {
        match taken {
            Err(Unfit::Refused(problem)) => Some(problem.code),
            Err(Unfit::Later(error)) => panic!("{error}"),
            Ok(_) => None,
        }
    }

    #[test]
    fn a_folder_that_the_node_may_not_move_is_not_taken() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        for folder in ["out", "staging", "out/letter"] {
            fs::create_dir(path(folder)).unwrap();
        }
        fs::write(path("out/letter/dispatch.json"), b"{}").unwrap();
        fs::write(path("out/letter/a.pdf"), b"12345").unwrap();
        let out = Folder::open(&path("out")).unwrap();
        assert_eq!(size_bytes(&out, OsStr::new("letter")).unwrap(), 7);
        assert_eq!(size_bytes(&out, OsStr::new("gone")).unwrap(), 0);
        fs::set_permissions(path("out/letter"), fs::Permissions::from_mode(0o555)).unwrap();
        let taken = std::thread::scope(|scope| {
            let take = || {
                as_nobody_special();
                take(&out, OsStr::new("letter"), &path("staging"), 100)
            };
            scope.spawn(take).join().unwrap()
        });
        let Err(Unfit::Refused(problem)) = taken else { panic!("{taken:?}") };
        assert!(problem.code == Code::DropUnfit && problem.detail.contains("umask 002"));
        fs::set_permissions(path("out/letter"), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(take(&out, OsStr::new("letter"), &path("staging"), 100).is_ok());
    }

    #[test]
    fn only_plain_files_of_bounded_size_are_read() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        for folder in ["out", "staging", "out/letter", "out/bare", "out/nested"] {
            fs::create_dir_all(path(folder)).unwrap();
        }
        let out = Folder::open(&path("out")).unwrap();
        let take = |name: &str| take(&out, OsStr::new(name), &path("staging"), 10);
        fs::write(path("passwords"), b"root").unwrap();
        symlink(path("passwords"), path("out/link")).unwrap();
        fs::hard_link(path("passwords"), path("out/hard")).unwrap();
        let _pipe = UnixListener::bind(path("out/socket")).unwrap();
        fs::write(path("out/large"), b"12345678901").unwrap();
        fs::write(path("out/fits"), b"1234567890").unwrap();
        fs::write(path("out/letter/dispatch.json"), b"{}").unwrap();
        fs::write(path("out/letter/a.pdf"), b"12345").unwrap();
        assert_eq!(code(take("link")), Some(Code::DropUnfit));
        assert_eq!(code(take("hard")), Some(Code::DropUnfit));
        assert_eq!(code(take("socket")), Some(Code::DropUnfit));
        assert_eq!(code(take("bare")), Some(Code::DropUnfit));
        assert_eq!(code(take("large")), Some(Code::TooLarge));
        let Ok(Snapshot::File(copied)) = take("fits") else { panic!("a file") };
        assert_eq!((copied.size, copied.sha256.0), (10, tram_crypto::sha256(b"1234567890")));
        let Ok(Snapshot::Folder(letter, files)) = take("letter") else { panic!("a folder") };
        assert_eq!(
            (&letter[..], files.len(), &files[0].1.first[..]),
            (&b"{}"[..], 1, &b"12345"[..])
        );
        // All documents of a folder count together.
        fs::write(path("out/letter/b.pdf"), b"123456").unwrap();
        assert_eq!(code(take("letter")), Some(Code::TooLarge));
        fs::remove_file(path("out/letter/b.pdf")).unwrap();
        fs::create_dir(path("out/letter/sub")).unwrap();
        assert_eq!(code(take("letter")), Some(Code::DropUnfit));
        let Err(Unfit::Later(_)) = take("gone") else { panic!("nothing is there") };
        assert_eq!(fs::read_dir(path("staging")).unwrap().count(), 0);
    }
}
