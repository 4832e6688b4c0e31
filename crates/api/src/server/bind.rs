//! Opens the socket file: who may reach it is decided by the file system before a byte is read.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use crate::limits::SOCKET_PATH_BYTES_MAX;

/// Where and how to listen.
#[derive(Clone, Debug)]
pub struct SocketOptions {
    /// Path of the socket file; at most [`SOCKET_PATH_BYTES_MAX`] bytes.
    pub path: PathBuf,
    /// Permissions of the socket file.
    pub mode: u32,
    /// Group that the socket file, and the directory if it is made here, shall belong to.
    pub gid: Option<u32>,
    /// Permissions of the directory, if it is made here.
    pub directory_mode: u32,
}

impl SocketOptions {
    /// A socket for its owner and group: file 0660, directory 0750.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        SocketOptions { path: path.into(), mode: 0o660, gid: None, directory_mode: 0o750 }
    }
}

/// Why the socket cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The path is longer than the kernel takes.
    #[error("socket path {path} has {bytes} bytes; at most {SOCKET_PATH_BYTES_MAX} are possible")]
    PathTooLong {
        /// The path.
        path: PathBuf,
        /// Its length.
        bytes: usize,
    },
    /// Somebody listens there already.
    #[error("another process listens on {0}")]
    InUse(PathBuf),
    /// Something else lies there, such as a file or a symbolic link.
    #[error("{0} is there already and is not a socket")]
    NotASocket(PathBuf),
    /// The directory lets everybody put files there, so anybody could replace the socket.
    #[error("directory {0} can be written by everybody; give it mode 0750")]
    DirectoryOpen(PathBuf),
    /// The system refused.
    #[error("{action} {path}: {source}")]
    System {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A listening socket; dropping it removes the file.
#[derive(Debug)]
pub struct Socket {
    pub(super) listener: UnixListener,
    path: PathBuf,
    identity: (u64, u64),
}

impl Socket {
    /// Opens the socket. A stale file is replaced only if nobody listens on it; the new file
    /// appears under its name only once it has its permissions.
    ///
    /// # Errors
    /// [`BindError`]; nothing is changed then, but for a directory made on the way.
    pub async fn bind(options: &SocketOptions) -> Result<Self, BindError> {
        let path = &options.path;
        let bytes = path.as_os_str().len();
        if bytes > SOCKET_PATH_BYTES_MAX {
            return Err(BindError::PathTooLong { path: path.clone(), bytes });
        }
        prepare_directory(options)?;
        refuse_if_in_use(path).await?;
        let mut name = path.clone().into_os_string();
        name.push("~");
        let temporary = PathBuf::from(name);
        match fs::symlink_metadata(&temporary) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(BindError::NotASocket(temporary));
            }
            Ok(_) => fs::remove_file(&temporary).map_err(system("remove", &temporary))?,
            Err(_) => {}
        }
        let listener = UnixListener::bind(&temporary).map_err(system("bind", &temporary))?;
        let finish = || -> Result<(u64, u64), BindError> {
            if let Some(gid) = options.gid {
                std::os::unix::fs::chown(&temporary, None, Some(gid))
                    .map_err(system("set the group of", &temporary))?;
            }
            fs::set_permissions(&temporary, fs::Permissions::from_mode(options.mode))
                .map_err(system("set the permissions of", &temporary))?;
            let made = fs::symlink_metadata(&temporary).map_err(system("look at", &temporary))?;
            fs::rename(&temporary, path).map_err(system("rename to", path))?;
            Ok((made.dev(), made.ino()))
        };
        match finish() {
            Ok(identity) => Ok(Socket { listener, path: path.clone(), identity }),
            Err(error) => {
                // The error says what matters; a left-over temporary is replaced next time.
                let _ = fs::remove_file(&temporary);
                Err(error)
            }
        }
    }

    /// The path of the socket file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Only our own file goes: a successor may have put its socket there by now.
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == self.identity);
        if ours {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn system(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BindError {
    move |source| BindError::System { action, path: path.to_owned(), source }
}

fn prepare_directory(options: &SocketOptions) -> Result<(), BindError> {
    let directory = match options.path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match fs::metadata(directory) {
        Ok(found) => {
            // Sticky directories such as /tmp let nobody replace another's file.
            let open = found.mode() & 0o002 != 0 && found.mode() & 0o1000 == 0;
            if open { Err(BindError::DirectoryOpen(directory.to_owned())) } else { Ok(()) }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::DirBuilder::new()
                .mode(options.directory_mode)
                .create(directory)
                .map_err(system("create", directory))?;
            // The process's umask may have taken bits away.
            fs::set_permissions(directory, fs::Permissions::from_mode(options.directory_mode))
                .map_err(system("set the permissions of", directory))?;
            if let Some(gid) = options.gid {
                std::os::unix::fs::chown(directory, None, Some(gid))
                    .map_err(system("set the group of", directory))?;
            }
            Ok(())
        }
        Err(source) => Err(system("look at", directory)(source)),
    }
}

async fn refuse_if_in_use(path: &Path) -> Result<(), BindError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(system("look at", path)(source)),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(BindError::NotASocket(path.to_owned()));
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Ok(_) => Err(BindError::InUse(path.to_owned())),
        // A full backlog or missing permission: somebody may well be there.
        Err(source) => Err(system("try", path)(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn permissions_stale_files_and_planted_links() {
        let home = tempfile::tempdir().unwrap();
        let options = SocketOptions::at(home.path().join("run/api.sock"));
        let first = Socket::bind(&options).await.unwrap();
        let mode = |p: &Path| fs::metadata(p).unwrap().mode() & 0o777;
        assert_eq!(mode(first.path()), 0o660);
        assert_eq!(mode(first.path().parent().unwrap()), 0o750);
        assert!(matches!(Socket::bind(&options).await, Err(BindError::InUse(_))));

        // A crash leaves the file behind: keep the file, close the listener.
        let stale = options.path.with_extension("stale");
        fs::hard_link(&options.path, &stale).unwrap();
        drop(first);
        assert!(!options.path.exists(), "a graceful stop removes the file");
        fs::rename(&stale, &options.path).unwrap();
        let second = Socket::bind(&options).await.unwrap();
        assert!(UnixStream::connect(second.path()).await.is_ok());
        drop(second);

        std::os::unix::fs::symlink("/dev/null", &options.path).unwrap();
        assert!(matches!(Socket::bind(&options).await, Err(BindError::NotASocket(_))));
    }

    #[tokio::test]
    async fn refused_places() {
        let home = tempfile::tempdir().unwrap();
        let long = SocketOptions::at(home.path().join("x".repeat(120)));
        assert!(matches!(Socket::bind(&long).await, Err(BindError::PathTooLong { .. })));
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let open = SocketOptions::at(home.path().join("s"));
        assert!(matches!(Socket::bind(&open).await, Err(BindError::DirectoryOpen(_))));
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let deep = SocketOptions::at(home.path().join("a/b/s"));
        assert!(matches!(Socket::bind(&deep).await, Err(BindError::System { .. })));
    }
}
