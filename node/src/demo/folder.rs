//! The demo's folder: short enough for sockets, and gone at the end unless somebody wants it.

use std::cell::Cell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tram_crypto::Entropy;
use tram_pki::PkiError;

use super::failure::DemoError;
use super::network::{folder, sockets_fit};
use super::page::Page;

/// Tries at a name that nobody has taken.
const TRIES: usize = 16;

/// The folder of one run.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// A folder for sockets alone, where the path of the first is too long for them.
    sockets: Option<PathBuf>,
    /// Whether the demo made it for itself.
    own: bool,
    keep: Cell<bool>,
}

impl Folder {
    /// The folder that was asked for, new or empty, or one of the demo's own.
    pub(super) fn new(asked: Option<&Path>, entropy: &mut dyn Entropy) -> Result<Self, DemoError> {
        let (path, own) = match asked {
            Some(path) => (given(path)?, false),
            None => (temporary(&std::env::temp_dir(), entropy)?, true),
        };
        let mut made = Folder { path, sockets: None, own, keep: Cell::new(false) };
        if !sockets_fit(&made.path) {
            made.sockets = Some(temporary(Path::new("/tmp"), entropy)?);
        }
        Ok(made)
    }

    /// Where everything goes.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where sockets go.
    pub(super) fn sockets(&self) -> &Path {
        self.sockets.as_deref().unwrap_or(&self.path)
    }

    /// Keeps the folder, because something went wrong and the logs in it say what.
    pub(super) fn keep_as_evidence(&self, page: Page) {
        self.keep.set(true);
        let path = self.path.display();
        page.note(
            format!("Logs and data stay in {path}"),
            format!("Nhật ký và dữ liệu còn ở {path}"),
        );
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Only folders that this very run made are removed, by the names it made them with.
        if let Some(sockets) = &self.sockets {
            let _ = fs::remove_dir_all(sockets);
        }
        if self.own && !self.keep.get() {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

fn given(path: &Path) -> Result<PathBuf, DemoError> {
    let fail = |error| DemoError::file(path, error);
    let path = std::path::absolute(path).map_err(fail)?;
    match fs::read_dir(&path) {
        Ok(mut items) => match items.next() {
            None => Ok(path),
            Some(_) => Err(fail(io::Error::other("not empty"))),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => folder(&path).map(|()| path),
        Err(error) => Err(fail(error)),
    }
}

/// A new folder with a random name, for its owner alone.
fn temporary(parent: &Path, entropy: &mut dyn Entropy) -> Result<PathBuf, DemoError> {
    let mut tries = 0;
    loop {
        let mut bytes = [0; 4];
        entropy.fill(&mut bytes).map_err(PkiError::from)?;
        let path = parent.join(format!("tram-{}", tram_dispatch::id::hex(&bytes)));
        tries += 1;
        match folder(&path) {
            Ok(()) => return Ok(path),
            Err(DemoError::File { error, .. })
                if error.kind() == io::ErrorKind::AlreadyExists && tries < TRIES => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tram_crypto::SystemEntropy;

    #[test]
    fn what_the_demo_made_goes_and_what_was_given_stays() {
        let mut entropy = SystemEntropy::new();
        let own = Folder::new(None, &mut entropy).unwrap();
        let path = own.path().to_owned();
        assert!(path.is_dir() && sockets_fit(own.sockets()));
        drop(own);
        assert!(!path.exists());

        let outer = tempfile::tempdir().unwrap();
        let asked = outer.path().join("x".repeat(100));
        let given = Folder::new(Some(&asked), &mut entropy).unwrap();
        let sockets = given.sockets().to_owned();
        assert!(sockets != asked && sockets_fit(&sockets) && sockets.is_dir());
        fs::write(asked.join("a"), b"a").unwrap();
        drop(given);
        assert!(asked.is_dir() && !sockets.exists());
        // Not empty any more.
        assert!(Folder::new(Some(&asked), &mut entropy).is_err());
    }
}
