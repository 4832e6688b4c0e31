//! A folder that others can write into too. It is held open, and everything in it is named relative to
//! what is open: a name that becomes a link meanwhile leads nowhere.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use rustix::fs::{Access, AtFlags, FileType, Mode, OFlags, RenameFlags, Stat, Statx, StatxFlags};
use rustix::io::Errno;

/// Mode of files that the node writes for the system.
const FILE_MODE: u32 = 0o640;
/// Mode of folders that it makes for the system, which must be able to empty them.
const FOLDER_MODE: u32 = 0o770;
/// Deepest tree that is removed.
const DEPTH_MAX: usize = 4;

/// A file's or folder's number with the moment it was made, where the file system has that: numbers are used
/// again. Its device is left out, for that may have another number after the machine started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inode(String);

impl Inode {
    fn asked() -> StatxFlags {
        StatxFlags::INO | StatxFlags::BTIME
    }

    fn of(stat: &Statx) -> Self {
        let made = &stat.stx_btime;
        Inode(format!("{}-{}.{}", stat.stx_ino, made.tv_sec, made.tv_nsec))
    }

    /// As it was written down.
    pub(super) fn parse(text: &str) -> Self {
        Inode(text.to_owned())
    }
}

impl std::fmt::Display for Inode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder(OwnedFd);

fn flags() -> OFlags {
    OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY
}

impl Folder {
    /// Opens a folder; the last part of its path must not be a link.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Folder(rustix::fs::open(path, flags(), Mode::empty())?))
    }

    /// Opens a folder in it.
    pub(super) fn sub(&self, name: impl AsRef<OsStr>) -> io::Result<Self> {
        Ok(Folder(rustix::fs::openat(&self.0, name.as_ref(), flags(), Mode::empty())?))
    }

    /// Opens a folder in it, which is made where it is not there: for the system as well, or for the
    /// node alone.
    pub(super) fn made(&self, name: impl AsRef<OsStr>, shared: bool) -> io::Result<Self> {
        let mode = Mode::from_raw_mode(if shared { FOLDER_MODE } else { 0o700 });
        match rustix::fs::mkdirat(&self.0, name.as_ref(), mode) {
            Err(Errno::EXIST) => self.sub(name),
            Err(error) => Err(error.into()),
            Ok(()) => {
                let made = self.sub(name)?;
                // Whatever the process's mask is. The group stays that of this folder where it says so.
                let kept = rustix::fs::fstat(&made.0)?.st_mode & 0o2000;
                let mode = Mode::from_raw_mode(mode.as_raw_mode() | kept);
                rustix::fs::fchmod(&made.0, mode)?;
                self.sync()?;
                Ok(made)
            }
        }
    }

    /// The names in it, at most so many.
    pub(super) fn names(&self, most: usize) -> io::Result<Vec<OsString>> {
        self.chosen(most, |_| true)
    }

    /// The names in it that are wanted, at most so many.
    pub(super) fn chosen(
        &self,
        most: usize,
        mut wanted: impl FnMut(&OsStr) -> bool,
    ) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.0)? {
            let name = OsString::from_vec(entry?.file_name().to_bytes().to_vec());
            if name != "." && name != ".." && wanted(&name) {
                names.push(name);
            }
            if names.len() >= most {
                break;
            }
        }
        Ok(names)
    }

    /// What a name is; links are not followed. `None` where there is nothing.
    pub(super) fn stat(&self, name: impl AsRef<OsStr>) -> io::Result<Option<Stat>> {
        match rustix::fs::statat(&self.0, name.as_ref(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            // Nothing has a name that is longer than names can be.
            Err(Errno::NOENT | Errno::NAMETOOLONG) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether this process may change what this name is. Without it a folder cannot be moved into another
    /// one, though a file can.
    pub(super) fn may_write(&self, name: impl AsRef<OsStr>) -> io::Result<bool> {
        match rustix::fs::accessat(&self.0, name.as_ref(), Access::WRITE_OK, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::ACCESS | Errno::PERM | Errno::ROFS) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// What tells this folder from one that has its name later.
    pub(super) fn inode(&self) -> io::Result<Inode> {
        let stat = rustix::fs::statx(&self.0, "", AtFlags::EMPTY_PATH, Inode::asked())?;
        Ok(Inode::of(&stat))
    }

    /// The same of something in it; `None` where there is nothing.
    pub(super) fn inode_of(&self, name: impl AsRef<OsStr>) -> io::Result<Option<Inode>> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        match rustix::fs::statx(&self.0, name.as_ref(), flags, Inode::asked()) {
            Ok(stat) => Ok(Some(Inode::of(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether something has this name.
    pub(super) fn has(&self, name: impl AsRef<OsStr>) -> io::Result<bool> {
        Ok(self.stat(name)?.is_some())
    }

    /// Opens a file for reading, whatever it is: never a link, and a pipe holds nobody up.
    pub(super) fn read(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.0, name.as_ref(), flags, Mode::empty())?.into())
    }

    /// A new file for writing.
    pub(super) fn create(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(FILE_MODE);
        let file: File = rustix::fs::openat(&self.0, name.as_ref(), flags, mode)?.into();
        rustix::fs::fchmod(&file, mode)?;
        Ok(file)
    }

    /// Writes a file as a whole or not at all: it is durable under its name when this returns.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let part = format!(".{name}.part");
        self.remove(&part)?;
        let mut file = self.create(&part)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        if let Err(error) = written {
            // What could not be written is in nobody's way.
            let _ = self.remove(&part);
            return Err(error);
        }
        rustix::fs::renameat(&self.0, part.as_str(), &self.0, name)?;
        self.sync()
    }

    /// Gives something another place and name, on the same file system; what is there is never replaced.
    pub(super) fn shift(
        &self,
        name: impl AsRef<OsStr>,
        to: &Folder,
        new: impl AsRef<OsStr>,
    ) -> io::Result<()> {
        let (name, new) = (name.as_ref(), new.as_ref());
        match rustix::fs::renameat_with(&self.0, name, &to.0, new, RenameFlags::NOREPLACE) {
            // A file system that does not know the flag.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                if to.has(new)? {
                    return Err(Errno::EXIST.into());
                }
                rustix::fs::renameat(&self.0, name, &to.0, new)?;
            }
            other => other?,
        }
        to.sync()?;
        self.sync()
    }

    /// Removes a file, a link, or a folder with what is in it; nothing there is nothing to do.
    pub(super) fn remove(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        self.remove_tree(name.as_ref(), DEPTH_MAX)
    }

    fn remove_tree(&self, name: &OsStr, depth: usize) -> io::Result<()> {
        let Some(stat) = self.stat(name)? else { return Ok(()) };
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            return Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::empty())?);
        }
        if depth > 0 {
            let inner = self.sub(name)?;
            for child in inner.names(usize::MAX)? {
                inner.remove_tree(&child, depth - 1)?;
            }
        }
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR)?)
    }

    /// What was named, renamed or removed in it survives a power cut.
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.0)?)
    }

    /// Bytes free on its file system for this user.
    pub(super) fn free_bytes(&self) -> io::Result<u64> {
        let stat = rustix::fs::fstatvfs(&self.0)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

/// A name as a person may read it.
pub(super) fn shown(name: &OsStr) -> String {
    tram_dispatch::text::escaped(&String::from_utf8_lossy(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn links_lead_nowhere_and_nothing_is_replaced() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        fs::create_dir(path("real")).unwrap();
        fs::write(path("real/secret"), b"secret").unwrap();
        symlink(path("real"), path("link")).unwrap();
        symlink(path("real/secret"), path("file")).unwrap();
        assert!(Folder::open(&path("link")).is_err());
        let folder = Folder::open(place.path()).unwrap();
        assert!(folder.sub("link").is_err() && folder.read("file").is_err());
        assert!(folder.create("file").is_err());
        // Removing a link leaves what it leads to.
        folder.remove("link").unwrap();
        assert_eq!(fs::read(path("real/secret")).unwrap(), b"secret");
        folder.write("a", b"1").unwrap();
        folder.write("b", b"2").unwrap();
        let taken = folder.shift("a", &folder, "b").unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(path("b")).unwrap(), b"2");
        folder.write("b", b"3").unwrap();
        assert_eq!(fs::read(path("b")).unwrap(), b"3");
        folder.remove("nothing").unwrap();
        folder.remove("real").unwrap();
        assert!(!path("real").exists());
    }

    #[test]
    fn what_is_made_is_for_the_group_or_for_the_node_alone() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        folder.made("in", true).unwrap().write("x", b"x").unwrap();
        folder.made("in", true).unwrap();
        folder.made(".staging", false).unwrap();
        let mode = |name: &str| {
            fs::metadata(place.path().join(name)).unwrap().permissions().mode() & 0o777
        };
        assert_eq!((mode("in"), mode(".staging"), mode("in/x")), (0o770, 0o700, 0o640));
        assert!(folder.free_bytes().unwrap() > 0);
        assert_eq!(folder.names(1).unwrap().len(), 1);
    }
}
