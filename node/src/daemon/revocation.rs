//! Revocation lists: read at start, and read anew as their files change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tram_crypto::sha256;
use tram_dispatch::limits::CRL_BYTES_MAX;
use tram_dispatch::{Code, UnixMillis};
use tram_trust::{Crls, Verifier};

use super::alarms::Found;
use super::context::Context;
use super::run::trust_options;

/// How often the files are looked at; SIGHUP has them looked at at once.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Largest file: some lists of the largest size as PEM.
const FILE_BYTES_MAX: u64 = 4 * CRL_BYTES_MAX as u64;

/// The configured files, each with what it last held that could be used.
pub(crate) struct CrlFiles(Mutex<Files>);

struct Files {
    files: Vec<CrlFile>,
    /// Why the files together are not in force as they are.
    trouble: Option<Trouble>,
}

struct CrlFile {
    path: PathBuf,
    /// SHA-256 of the file as last looked at, good or not.
    seen: Option<[u8; 32]>,
    /// The newest lists from it that could be read.
    good: Crls,
    trouble: Option<Trouble>,
}

/// What is wrong, and since when.
#[derive(Clone, Debug)]
struct Trouble {
    code: Code,
    detail: String,
    since: UnixMillis,
}

impl CrlFiles {
    /// Reads every file, and every one must be good: a node does not start on less than it is told
    /// to use.
    ///
    /// # Errors
    /// The file, the code and the cause.
    pub(crate) fn load(paths: &[PathBuf]) -> Result<(Self, Crls), (PathBuf, Code, String)> {
        let mut files = Vec::new();
        let mut all = Crls::none();
        for path in paths {
            let bytes = read(path).map_err(|(code, detail)| (path.clone(), code, detail))?;
            let good = parse(&bytes).map_err(|(code, detail)| (path.clone(), code, detail))?;
            all.include(&good).map_err(|r| (path.clone(), r.code, r.detail))?;
            let seen = Some(sha256(&bytes));
            files.push(CrlFile { path: path.clone(), seen, good, trouble: None });
        }
        Ok((CrlFiles(Mutex::new(Files { files, trouble: None })), all))
    }

    /// Looks at the files again. Gives the lists to put in force, if any file changed. Blocks.
    pub(super) fn look(&self, now: UnixMillis, before: &Crls) -> Option<Crls> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = false;
        for file in &mut all.files {
            changed |= file.look(now);
        }
        if !changed {
            return None;
        }
        let mut new = Crls::none();
        let merged = all.files.iter().try_for_each(|file| new.include(&file.good));
        let (trouble, result) = match merged.and_then(|()| new.replacing(before)) {
            Err(r) => (Some((r.code, r.detail)), None),
            Ok((new, stayed)) => {
                let words = |list: &Arc<tram_trust::revocation::Crl>| {
                    format!("the list of \"{}\" of {}", list.issuer(), list.this_update())
                };
                let detail = stayed.iter().map(words).collect::<Vec<_>>().join(", ");
                let stays = (!stayed.is_empty()).then(|| {
                    let detail = format!(
                        "{detail} stays in force: what the files hold instead is older, or not \
                         signed by the key that signed it"
                    );
                    (Code::Unreadable, detail)
                });
                (stays, Some(new))
            }
        };
        all.trouble = keep_since(all.trouble.take(), trouble, now);
        result
    }

    /// What an operator must know of the files, and of the lists in force, which decide for `grace_ms` after
    /// their end.
    pub(crate) fn alarms(&self, in_force: &Crls, grace_ms: u64, now: UnixMillis) -> Vec<Found> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<Found> = all
            .files
            .iter()
            .map(|file| (file.path.display().to_string(), file.trouble.as_ref()))
            .chain([("revocation lists".to_owned(), all.trouble.as_ref())])
            .filter_map(|(about, trouble)| {
                let trouble = trouble?;
                let detail = format!("{about}: {}", trouble.detail);
                Some(Found::new(trouble.code, detail).about(about).since(trouble.since))
            })
            .collect();
        for list in in_force.lists() {
            let ends = list.next_update().plus_ms(grace_ms);
            if ends <= now {
                let detail = format!(
                    "the list of \"{}\" is of {}; a newer one was due at {}, and the grace has run out",
                    list.issuer(),
                    list.this_update(),
                    list.next_update()
                );
                found.push(
                    Found::new(Code::RevocationUnknown, detail).about(list.issuer()).since(ends),
                );
            }
        }
        found
    }
}

impl CrlFile {
    /// Reads the file if it changed; true if what it holds can be used and is new.
    fn look(&mut self, now: UnixMillis) -> bool {
        let read = read(&self.path);
        let seen = read.as_ref().ok().map(|bytes| sha256(bytes));
        if seen.is_some() && seen == self.seen {
            return false;
        }
        self.seen = seen;
        let path = self.path.display();
        match read.and_then(|bytes| parse(&bytes)) {
            Ok(good) => {
                tracing::info!(target: "audit", %path, "revocation lists read");
                self.good = good;
                self.trouble = None;
                true
            }
            Err((code, detail)) => {
                let of = self.good.lists().map(|l| l.this_update().to_string());
                let of: Vec<String> = of.collect();
                let detail = format!("{detail}; the lists of {} stay in force", of.join(", "));
                self.trouble = keep_since(self.trouble.take(), Some((code, detail)), now);
                false
            }
        }
    }
}

/// The same trouble as before keeps its moment.
fn keep_since(
    before: Option<Trouble>,
    now_is: Option<(Code, String)>,
    now: UnixMillis,
) -> Option<Trouble> {
    let (code, detail) = now_is?;
    let since = before.filter(|b| b.code == code).map_or(now, |b| b.since);
    Some(Trouble { code, detail, since })
}

fn read(path: &Path) -> Result<Vec<u8>, (Code, String)> {
    let unreadable = |e: std::io::Error| (Code::Unreadable, e.to_string());
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > FILE_BYTES_MAX {
        return Err((Code::TooLarge, format!("{length} bytes, at most {FILE_BYTES_MAX} allowed")));
    }
    std::fs::read(path).map_err(unreadable)
}

/// A file is good as a whole or not at all.
fn parse(bytes: &[u8]) -> Result<Crls, (Code, String)> {
    let mut crls = Crls::none();
    crls.add(bytes).map_err(|r| (r.code, r.detail))?;
    Ok(crls)
}

/// Looks at the files each minute and on SIGHUP, until the node ends.
pub(crate) async fn watch(context: Arc<Context>) {
    let hangup = signal(SignalKind::hangup());
    let mut hangup = match hangup {
        Ok(hangup) => hangup,
        Err(error) => {
            tracing::error!(%error, "SIGHUP cannot be heard; revocation lists are not read anew");
            return;
        }
    };
    loop {
        tokio::select! {
            _ = hangup.recv() => tracing::info!("SIGHUP: looking at the revocation lists"),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let context = context.clone();
        // A panic in there was told by the panic hook; the next round tries again.
        let _ = tokio::task::spawn_blocking(move || look(&context)).await;
    }
}

fn look(context: &Context) {
    // A directory that is being installed makes a new verifier too.
    let _alone = context.budgets.installing.lock().unwrap_or_else(PoisonError::into_inner);
    let old = context.verifier();
    let now = context.core.now().wall;
    let Some(crls) = context.revocation.look(now, old.crls()) else { return };
    if let Err(error) = super::lists::keep(&context.config.data_dir, &crls) {
        // Evidence will lack them; a certificate that they revoke must not pass for that.
        tracing::error!(%error, "the revocation lists cannot be kept for evidence");
    }
    let options = trust_options(&context.config);
    let (root, directory) = (old.root().clone(), old.directory().clone());
    context.set_verifier(Verifier::new(root, directory, crls, options));
}

#[cfg(test)]
mod tests {
    use super::*;
    use tram_trust::fixtures::Authority;

    const DAY_MS: u64 = 86_400_000;
    const NOW: UnixMillis = UnixMillis(1_795_248_000_000);

    fn made(all: &Crls) -> Vec<u64> {
        let mut times: Vec<u64> = all.lists().map(|l| l.this_update().0).collect();
        times.sort_unstable();
        times
    }

    #[test]
    fn files_are_read_anew_as_a_whole_and_what_is_bad_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let days = |n: u64| UnixMillis(NOW.0 - n * DAY_MS);
        let ca = |name| Authority::root(name, days(100), NOW.plus_ms(100 * DAY_MS));
        let (one, two) = (ca("one"), ca("two"));
        let list = |ca: &Authority, age| ca.crl(&[], days(age), NOW.plus_ms(DAY_MS));
        let paths = [folder.path().join("one.crl"), folder.path().join("two.crl")];
        std::fs::write(&paths[0], list(&one, 9)).unwrap();
        let missing = CrlFiles::load(&paths).map(|_| ()).unwrap_err();
        assert_eq!((missing.0, missing.1), (paths[1].clone(), Code::Unreadable));
        std::fs::write(&paths[1], list(&two, 8)).unwrap();
        let (files, first) = CrlFiles::load(&paths).map_err(|e| e.2).unwrap();
        assert_eq!(made(&first), [days(9).0, days(8).0]);
        assert!(files.look(NOW, &first).is_none(), "nothing changed");

        std::fs::write(&paths[0], list(&one, 7)).unwrap();
        let second = files.look(NOW, &first).unwrap();
        assert_eq!(made(&second), [days(8).0, days(7).0]);

        // A list that is cut off, or gone, leaves the good one in force, and is told since when.
        let whole = list(&two, 6);
        std::fs::write(&paths[1], &whole[..whole.len() - 1]).unwrap();
        assert!(files.look(NOW.plus_ms(1), &second).is_none());
        std::fs::remove_file(&paths[1]).unwrap();
        assert!(files.look(NOW.plus_ms(2), &second).is_none());
        let trouble = files.0.lock().unwrap().files[1].trouble.clone().unwrap();
        assert_eq!((trouble.code, trouble.since), (Code::Unreadable, NOW.plus_ms(1)));
        assert!(trouble.detail.contains(&days(8).to_string()), "{}", trouble.detail);

        // The other file is read all the same; an older list does not take the place of a newer one.
        std::fs::write(&paths[0], list(&one, 20)).unwrap();
        let third = files.look(NOW.plus_ms(3), &second).unwrap();
        assert_eq!(made(&third), [days(20).0, days(8).0, days(7).0]);
        assert!(files.0.lock().unwrap().trouble.as_ref().unwrap().detail.contains("CN=one"));

        std::fs::write(&paths[0], list(&one, 5)).unwrap();
        std::fs::write(&paths[1], &whole).unwrap();
        let last = files.look(NOW.plus_ms(4), &third).unwrap();
        assert_eq!(made(&last), [days(6).0, days(5).0]);
        let files = files.0.into_inner().unwrap();
        assert!(files.trouble.is_none() && files.files.iter().all(|f| f.trouble.is_none()));
    }
}
