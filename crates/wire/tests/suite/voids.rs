//! Void statements.

use std::convert::Infallible;

use tram_crypto::Algorithm;
use tram_dispatch::envelope::Sequence;
use tram_dispatch::limits::TEXT_BYTES_MAX;
use tram_dispatch::{Code, NetworkId, UnixMillis};
use tram_wire::void::Void;
use tram_wire::{SealError, SealedVoid};

use crate::made::{code, no_signature};

fn void() -> Void {
    Void {
        network: NetworkId([7; 32]),
        agency: code("H41.12.03"),
        sequence: Sequence { series: u64::MAX, number: 1 },
        time: UnixMillis(1),
        reason: "không gửi".to_owned(),
    }
}

fn seal(void: &Void) -> Result<SealedVoid, SealError<Infallible>> {
    SealedVoid::seal(void, &[vec![1, 2, 3]], Algorithm::Es256, no_signature)
}

#[test]
fn what_was_sealed_is_read_back_and_named_by_what_was_signed() {
    let sealed = seal(&void()).unwrap();
    let read = SealedVoid::parse(sealed.raw()).unwrap();
    assert_eq!((read.void(), &read), (&void(), &sealed));
    // Another signature over the same: another object, the same id.
    let again = SealedVoid::seal(&void(), &[vec![1, 2, 3]], Algorithm::Es256, |_| {
        Ok::<_, Infallible>(vec![1; 64])
    });
    let again = again.unwrap();
    assert_eq!(again.id(), read.id());
    assert_ne!(again.object(), read.object());
    let other = Void { sequence: Sequence { series: u64::MAX, number: 2 }, ..void() };
    assert_ne!(seal(&other).unwrap().id(), read.id());
}

#[test]
fn each_rule_broken_alone_is_told_before_a_key_is_used() {
    let code_of = |void: Void| {
        let unsigned = |_: &[u8]| -> Result<Vec<u8>, Infallible> { panic!("a key was used") };
        match SealedVoid::seal(&void, &[vec![1]], Algorithm::EdDsa, unsigned) {
            Err(SealError::Wire(e)) => e.code,
            other => panic!("{other:?}"),
        }
    };
    let number = Sequence { series: 1, number: 0 };
    assert_eq!(code_of(Void { sequence: number, ..void() }), Code::Malformed);
    for reason in ["", "a\nb", "a\u{202e}b"] {
        assert_eq!(code_of(Void { reason: reason.to_owned(), ..void() }), Code::Malformed);
    }
    let long = "x".repeat(TEXT_BYTES_MAX + 1);
    assert_eq!(code_of(Void { reason: long, ..void() }), Code::TooLarge);
}

#[test]
fn cuts_and_leftovers_are_refused() {
    let bytes = seal(&void()).unwrap().raw().to_vec();
    for len in 0..bytes.len() {
        assert!(SealedVoid::parse(&bytes[..len]).is_err(), "{len}");
    }
    assert!(SealedVoid::parse(&[&bytes[..], &[0]].concat()).is_err());
}
