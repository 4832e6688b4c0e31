//! A newer directory from a peer, piece by piece: each is asked for when the one before is here, so that
//! nothing waits in memory and a peer can send nothing that was not asked for.

use tram_dispatch::Digest;
use tram_wire::frame::{DIRECTORY_PIECE_BYTES, DirectoryPiece, Frame};

/// A piece must come within this after it was asked for; then another peer's turn comes.
pub const PIECE_MS_MAX: u64 = 60_000;
/// The whole must be here after this: a directory of 256 MiB over a line of 2 Mbit/s takes 18 minutes.
pub const FETCH_MS_MAX: u64 = 3_600_000;
/// After a fetch that came to nothing the same peer is asked again no sooner than this.
pub const AGAIN_MS: u64 = 60_000;

/// What is being fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Target {
    version: u64,
    digest: Digest,
    base: Option<Digest>,
    total: u64,
}

/// One fetch from one peer.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// Version and digest of the directory in force here when it began.
    have: (u64, Digest),
    target: Option<Target>,
    got: u64,
    began_ms: u64,
    asked_ms: u64,
}

/// Where a fetch stands after a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Ask for the next one.
    More,
    /// That was all of it.
    Whole,
}

/// Why a fetch came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// A piece leads to no later version than the one here.
    #[error("it leads to version {0}, which is not newer")]
    NotNewer(u64),
    /// A difference for another directory than the one here.
    #[error("the difference is made for another directory")]
    OtherBase,
    /// Another piece than the one asked for, or of something else than the one before.
    #[error("another piece than the one asked for; the peer has another directory by now")]
    OtherPiece,
}

impl Fetch {
    /// Begins a fetch; `have` is version and digest of the directory in force here, times are monotonic.
    pub fn new(have: (u64, Digest), now_ms: u64) -> Self {
        Fetch { have, target: None, got: 0, began_ms: now_ms, asked_ms: now_ms }
    }

    /// The question for the next piece.
    pub fn request(&mut self, now_ms: u64) -> Frame {
        self.asked_ms = now_ms;
        Frame::DirectoryRequest { have: self.have.1, offset: self.got }
    }

    /// Whether it takes too long.
    pub fn is_overdue(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.asked_ms) > PIECE_MS_MAX
            || now_ms.saturating_sub(self.began_ms) > FETCH_MS_MAX
    }

    /// Whether the piece that comes next is the first.
    pub fn is_at_start(&self) -> bool {
        self.got == 0
    }

    /// Takes a piece. Its size is one that the frame's rules let through.
    ///
    /// # Errors
    /// [`Misfit`]: the fetch is over.
    pub fn take(&mut self, piece: &DirectoryPiece) -> Result<Progress, Misfit> {
        let DirectoryPiece { version, digest, base, total, offset, ref bytes } = *piece;
        let target = Target { version, digest, base, total };
        if version <= self.have.0 {
            return Err(Misfit::NotNewer(version));
        }
        if base.is_some_and(|base| base != self.have.1) {
            return Err(Misfit::OtherBase);
        }
        if offset != self.got || self.target.is_some_and(|before| before != target) {
            return Err(Misfit::OtherPiece);
        }
        self.target = Some(target);
        self.got += bytes.len() as u64;
        Ok(if self.got == total { Progress::Whole } else { Progress::More })
    }
}

/// How many bytes of a file of `total` bytes the piece at `offset` has; none behind the end, or where no
/// piece begins.
pub fn piece_length(total: u64, offset: u64) -> Option<usize> {
    let whole = DIRECTORY_PIECE_BYTES as u64;
    let left = total.checked_sub(offset).filter(|left| *left > 0)?;
    offset.is_multiple_of(whole).then_some(left.min(whole) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HAVE: (u64, Digest) = (3, Digest([3; 32]));

    fn piece(total: u64, offset: u64) -> DirectoryPiece {
        let bytes = vec![0; piece_length(total, offset).unwrap()];
        DirectoryPiece { version: 5, digest: Digest([5; 32]), base: None, total, offset, bytes }
    }

    #[test]
    fn pieces_come_one_after_the_other_and_nothing_else_does() {
        let mut fetch = Fetch::new(HAVE, 0);
        let total = DIRECTORY_PIECE_BYTES as u64 + 10;
        assert_eq!(fetch.request(5), Frame::DirectoryRequest { have: HAVE.1, offset: 0 });
        assert_eq!(fetch.clone().take(&piece(10, 0)), Ok(Progress::Whole));
        assert_eq!(fetch.take(&piece(total, 0)), Ok(Progress::More));
        assert_eq!(fetch.clone().take(&piece(total, 0)), Err(Misfit::OtherPiece), "again");
        let next = DIRECTORY_PIECE_BYTES as u64;
        assert_eq!(fetch.request(6), Frame::DirectoryRequest { have: HAVE.1, offset: next });
        let changes: [fn(&mut DirectoryPiece); 4] = [
            |p| p.version = 6,
            |p| p.digest = Digest([6; 32]),
            |p| p.total += 1,
            |p| p.base = Some(HAVE.1),
        ];
        for change in changes {
            let mut other = piece(total, next);
            change(&mut other);
            assert_eq!(fetch.clone().take(&other), Err(Misfit::OtherPiece));
        }
        assert_eq!(fetch.take(&piece(total, next)), Ok(Progress::Whole));
    }

    #[test]
    fn nothing_older_and_no_difference_for_another_directory_is_taken() {
        let mut fetch = Fetch::new(HAVE, 0);
        for version in [0, 2, 3] {
            let old = DirectoryPiece { version, ..piece(10, 0) };
            assert_eq!(fetch.take(&old), Err(Misfit::NotNewer(version)));
        }
        let other = DirectoryPiece { base: Some(Digest([9; 32])), ..piece(10, 0) };
        assert_eq!(fetch.take(&other), Err(Misfit::OtherBase));
        let fits = DirectoryPiece { base: Some(HAVE.1), ..piece(10, 0) };
        assert_eq!(fetch.take(&fits), Ok(Progress::Whole));
    }

    #[test]
    fn a_peer_that_is_silent_or_endless_is_given_up() {
        let mut fetch = Fetch::new(HAVE, 1_000);
        assert!(!fetch.is_overdue(1_000 + PIECE_MS_MAX));
        assert!(fetch.is_overdue(1_001 + PIECE_MS_MAX));
        fetch.request(FETCH_MS_MAX);
        assert!(!fetch.is_overdue(FETCH_MS_MAX + 1_000));
        assert!(fetch.is_overdue(FETCH_MS_MAX + 1_001));
    }

    #[test]
    fn a_file_is_cut_where_pieces_begin() {
        let whole = DIRECTORY_PIECE_BYTES as u64;
        assert_eq!(piece_length(whole * 2 + 7, whole * 2), Some(7));
        assert_eq!(piece_length(whole * 2, 0), Some(DIRECTORY_PIECE_BYTES));
        for (total, offset) in [(0, 0), (10, 10), (10, 5), (whole, whole), (u64::MAX, 1)] {
            assert_eq!(piece_length(total, offset), None, "{total} {offset}");
        }
    }
}
