//! Time-stamp tokens and the answers of servers: what is taken says what the authority said, and is kept
//! in one form.

use tram_dispatch::text::is_plain;
use tram_trust::Crls;
use tram_trust::time_stamp::{Authorities, TimeStamp, accept, consistent, response, verify};

/// What the tokens of the corpus are over, and who made them: `crates/trust/tests/time_stamps/make.sh`.
const TEXT: &[u8] = include_bytes!("../../../crates/trust/tests/time_stamps/data/text");
const RSA_ROOT: &[u8] = include_bytes!("../../../crates/trust/tests/time_stamps/data/rsa-root.der");
const EC_ROOT: &[u8] = include_bytes!("../../../crates/trust/tests/time_stamps/data/ec-root.der");
/// The samples.
pub(crate) const RSA: &[u8] =
    include_bytes!("../../../crates/trust/tests/time_stamps/data/rsa.tst");
pub(crate) const EC: &[u8] = include_bytes!("../../../crates/trust/tests/time_stamps/data/ec.tst");
pub(crate) const ANSWER: &[u8] =
    include_bytes!("../../../crates/trust/tests/time_stamps/data/answer.tsr");
pub(crate) const CMS: &[u8] =
    include_bytes!("../../../crates/trust/tests/time_stamps/data/cms-sound.tst");

fn authorities() -> Authorities {
    let mut all = Authorities::read(RSA_ROOT).expect("a sound anchor");
    all.add(EC_ROOT).expect("a sound anchor");
    all
}

fn taken(token: &[u8], by: &Authorities) -> Option<(Vec<u8>, TimeStamp)> {
    match accept(token, TEXT, None, by, &Crls::none()) {
        Ok(taken) => Some(taken),
        Err(refusal) => {
            assert!(is_plain(&refusal.detail), "{:?}", refusal.detail);
            None
        }
    }
}

/// A token, or the answer that brings one.
pub fn time_stamp(data: &[u8]) {
    let by = authorities();
    let inner = match response(data) {
        Ok(token) => Some(token),
        Err(refusal) => {
            assert!(is_plain(&refusal.detail), "{:?}", refusal.detail);
            None
        }
    };
    let _ = consistent(data, TEXT);
    for token in inner.as_deref().into_iter().chain([data]) {
        let Some((kept, stamp)) = taken(token, &by) else {
            assert!(verify(token, TEXT, &by).is_err(), "refused as it came, and yet verified");
            continue;
        };
        let genuine = [RSA, EC, CMS].iter().filter_map(|token| taken(token, &by));
        assert!(genuine.into_iter().any(|(_, said)| said == stamp), "nobody said {stamp:?}");
        assert_eq!(verify(&kept, TEXT, &by), Ok(stamp), "what is kept says the same");
        assert_eq!(taken(&kept, &by).map(|(again, _)| again), Some(kept.clone()));
        consistent(&kept, TEXT).expect("it is sound by itself");
        assert!(verify(token, TEXT, &by).is_err() || token == kept, "two forms of one token");
    }
}
