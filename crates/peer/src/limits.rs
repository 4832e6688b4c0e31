//! How long either side of a session waits, and how much it has open. The waiting is the shell's: here
//! no time passes.

/// Both hellos must be exchanged within this.
pub const HELLO_MS_MAX: u64 = 10_000;

/// Both nodes dialled at the same time, if two sessions begin within this.
pub const SAME_TIME_MS: u64 = 15_000;

/// While a session lasts, each side tells the other at most this often that its log grew: after a
/// disaster, that much of the log at most is known to no neighbour. One note takes some 300 bytes of
/// the peer's journal, so a log that grows all day costs it 2.6 MB.
pub const CHECKPOINT_MS: u64 = 10_000;

/// An offer must be here in full so long after there is room for it.
pub const OFFER_MS_MAX: u64 = 45_000;

/// After this without the document that comes next, the giver is given up.
pub const DATA_MS_MAX: u64 = 120_000;

/// Longest wait for the next thing a peer says of a transfer, and for a stream to say it on. It may wait
/// for its disk, or for other documents of ours; after this the transfer is tried anew.
pub const ANSWER_MS_MAX: u64 = 600_000;

/// Questions of the peer on the control stream that wait for our answer at a time: above it we read no
/// more of that stream. A peer that keeps to its window of receipt batches never gets there.
pub const QUESTIONS_MAX: usize = 16;

/// Bytes of a document given to a stream, or taken from one, at a time.
pub const CHUNK_BYTES: usize = 256 << 10;
