//! What this machine can do at all, measured in the same run.

use std::fs::OpenOptions;
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use tram_crypto::{Algorithm, Ed25519Signer, P256Signer, Sign, generate_p256_pkcs8, sha256};

/// How long each is measured.
const MEASURED: Duration = Duration::from_millis(700);
/// Size of an append, and of a signed message.
const BYTES: usize = 2048;

/// Limits of the machine, per second, one thread each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    /// Appends of 2 KB to one file, each with fdatasync.
    pub(crate) syncs: f64,
    /// The middle and the 99th percentile of one of them.
    pub(crate) sync_ms: (f64, f64),
    /// Ed25519 signatures over 2 KB made.
    pub(crate) ed25519_signed: f64,
    /// Ed25519 signatures over 2 KB checked.
    pub(crate) ed25519_checked: f64,
    /// ES256 signatures over 2 KB checked.
    pub(crate) es256_checked: f64,
    /// Megabytes hashed with SHA-256.
    pub(crate) sha256_mb: f64,
    /// Processors.
    pub(crate) cores: usize,
}

impl Machine {
    /// Measures; the file system is that of `folder`.
    pub(crate) fn measure(folder: &Path) -> Self {
        let (syncs, sync_ms) = appends(folder);
        let message = [7; BYTES];
        let ed25519 = Ed25519Signer::from_seed(&[7; 32]).expect("a key");
        let p256 = generate_p256_pkcs8().expect("the system's entropy");
        let p256 = P256Signer::from_pkcs8_der(&p256).expect("a key");
        let checked = |key: &dyn Sign, algorithm: Algorithm| {
            let signature = key.sign(&message).expect("a signature");
            per_second(|| {
                key.public_key().verify(algorithm, &message, &signature).expect("it fits")
            })
        };
        Machine {
            syncs,
            sync_ms,
            ed25519_signed: per_second(|| _ = black_box(ed25519.sign(&message))),
            ed25519_checked: checked(&ed25519, Algorithm::EdDsa),
            es256_checked: checked(&p256, p256.algorithm()),
            sha256_mb: per_second(|| _ = black_box(sha256(&message))) * BYTES as f64 / 1e6,
            cores: std::thread::available_parallelism().map_or(1, Into::into),
        }
    }
}

fn per_second(mut work: impl FnMut()) -> f64 {
    let began = Instant::now();
    let mut done = 0u32;
    while began.elapsed() < MEASURED {
        for _ in 0..16 {
            work();
        }
        done += 16;
    }
    f64::from(done) / began.elapsed().as_secs_f64()
}

fn appends(folder: &Path) -> (f64, (f64, f64)) {
    let path = folder.join("appends");
    let file = OpenOptions::new().create(true).write(true).truncate(true).open(&path);
    let mut file = file.expect("a file");
    // As the journal does: the room is there before, so that an append is only data.
    file.write_all(&vec![0; 64 << 20]).expect("room on the disk");
    file.sync_all().expect("a sync");
    use std::io::Seek as _;
    file.rewind().expect("a file");
    let mut times = Vec::new();
    let began = Instant::now();
    while began.elapsed() < 2 * MEASURED && times.len() < (64 << 20) / BYTES {
        let one = Instant::now();
        file.write_all(&[7; BYTES]).expect("room on the disk");
        file.sync_data().expect("a sync");
        times.push(one.elapsed().as_secs_f64() * 1e3);
    }
    let rate = times.len() as f64 / began.elapsed().as_secs_f64();
    let _ = std::fs::remove_file(&path);
    times.sort_by(f64::total_cmp);
    (rate, (times[times.len() / 2], times[times.len() * 99 / 100]))
}
