//! Time-stamp tokens: those of OpenSSL (`make.sh` makes them), those of an authority in memory, and
//! every way of spoiling one.
#![allow(clippy::print_stdout, reason = "says how much was altered")]

mod evidence;
mod spoiled;

use tram_dispatch::Code;
use tram_trust::Crls;
use tram_trust::time_stamp::{self, ANCHORS_MAX, Authorities, Nonce, TimeStamp};

const TEXT: &[u8] = include_bytes!("data/text");
const RSA: &[u8] = include_bytes!("data/rsa.tst");
const EC: &[u8] = include_bytes!("data/ec.tst");
const CMS: &[u8] = include_bytes!("data/cms-sound.tst");
const ANSWER: &[u8] = include_bytes!("data/answer.tsr");

fn rsa() -> Authorities {
    Authorities::read(include_bytes!("data/rsa-root.der")).unwrap()
}

fn ec() -> Authorities {
    Authorities::read(include_bytes!("data/ec-root.der")).unwrap()
}

fn accept(token: &[u8], by: &Authorities) -> Result<(Vec<u8>, TimeStamp), (Code, String)> {
    time_stamp::accept(token, TEXT, None, by, &Crls::none()).map_err(Into::into)
}

#[test]
fn tokens_of_openssl_are_taken_and_kept_in_one_form() {
    for (token, by, name) in [(RSA, rsa(), "CN=rsa"), (EC, ec(), "CN=ec"), (CMS, ec(), "CN=ec")] {
        let (kept, stamp) = accept(token, &by).unwrap();
        assert!(stamp.authority.contains(name), "{stamp:?}");
        // Written to the second, accurate to one and a half.
        let open_ms = stamp.latest.since_ms(stamp.earliest);
        assert_eq!(open_ms, 2 * 1500 + 999, "{stamp:?}");
        assert_eq!(time_stamp::verify(&kept, TEXT, &by).unwrap(), stamp);
        time_stamp::consistent(&kept, TEXT).unwrap();
        assert_eq!(accept(&kept, &by).unwrap(), (kept.clone(), stamp), "it is in that form");
        assert_eq!(time_stamp::verify(token, TEXT, &by).is_ok(), token == kept);
        assert!(kept.len() <= token.len());
    }
    assert_eq!(time_stamp::response(ANSWER).unwrap(), RSA);
}

#[test]
fn only_the_text_stamped_and_the_anchors_given_count() {
    let (kept, _) = accept(RSA, &rsa()).unwrap();
    let other = time_stamp::verify(&kept, b"another text\n", &rsa()).unwrap_err();
    assert!(other.detail.contains("something else"), "{other}");
    assert_eq!(accept(RSA, &ec()).unwrap_err().0, Code::CertificateUntrusted);
    assert_eq!(accept(EC, &rsa()).unwrap_err().0, Code::CertificateUntrusted);
    assert_eq!(accept(RSA, &Authorities::default()).unwrap_err().0, Code::CertificateUntrusted);
}

#[test]
fn an_answer_belongs_to_one_question() {
    let other = Nonce::new([9; 8]);
    let refused = time_stamp::accept(RSA, TEXT, Some(other), &rsa(), &Crls::none()).unwrap_err();
    assert!(refused.detail.contains("nonce"), "{refused}");
}

#[test]
fn what_openssl_signs_and_no_authority_may_is_refused() {
    let cases: [(&[u8], Code, &str); 5] = [
        (include_bytes!("data/bad-eku-not-critical.tst"), Code::CertificateInvalid, "alone"),
        (include_bytes!("data/bad-eku-two.tst"), Code::CertificateInvalid, "alone"),
        (include_bytes!("data/bad-no-certificate-id.tst"), Code::TimeStampInvalid, "version 2"),
        (include_bytes!("data/bad-sha1.tst"), Code::TimeStampInvalid, "SHA-2"),
        (include_bytes!("data/bad-key-id.tst"), Code::TimeStampInvalid, "the signer"),
    ];
    for (token, code, words) in cases {
        let refused = accept(token, &ec()).unwrap_err();
        assert!(refused.0 == code && refused.1.contains(words), "{words}: {refused:?}");
    }
}

#[test]
fn no_byte_can_be_changed() {
    let mut tried = 0;
    for (token, by) in [(RSA, rsa()), (EC, ec())] {
        let (kept, _) = accept(token, &by).unwrap();
        let mut altered = kept.clone();
        for place in 0..kept.len() {
            for mask in [1 << (place % 8), 0xff] {
                altered[place] ^= mask;
                let verified = time_stamp::verify(&altered, TEXT, &by);
                assert!(verified.is_err(), "byte {place} with {mask:#x}");
                tried += 1;
                altered[place] = kept[place];
            }
        }
        for cut in 0..kept.len() {
            assert!(time_stamp::consistent(&kept[..cut], TEXT).is_err(), "cut at {cut}");
        }
        let longer = [&kept[..], &[5, 0]].concat();
        assert!(time_stamp::verify(&longer, TEXT, &by).is_err());
    }
    println!("altered tokens: {tried}, taken: 0");
}

#[test]
fn files_of_anchors_are_read_whole_or_not_at_all() {
    for bad in [&b""[..], b"-----BEGIN CERTIFICATE-----\n", b"0", RSA] {
        assert!(Authorities::read(bad).is_err(), "{bad:?}");
    }
    let too_large = time_stamp::verify(&vec![0x30; 64 * 1024 + 1], TEXT, &rsa()).unwrap_err();
    assert_eq!(too_large.code, Code::TooLarge);
}

/// RFC 7468.
fn pem(label: &str, der: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for (at, three) in der.chunks(3).enumerate() {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - three.len()));
        for n in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * n) & 63) as usize] as char;
            text.push(if n > three.len() { '=' } else { digit });
        }
        if at % 16 == 15 {
            text.push('\n');
        }
    }
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

#[test]
fn anchors_come_as_one_der_or_as_so_many_blocks() {
    let roots: [&[u8]; 2] =
        [include_bytes!("data/rsa-root.der"), include_bytes!("data/ec-root.der")];
    let file: String = roots.iter().map(|der| pem("CERTIFICATE", der)).collect();
    let both = Authorities::read(file.as_bytes()).unwrap();
    assert!(accept(RSA, &both).is_ok() && accept(EC, &both).is_ok());
    let code = |file: String| Authorities::read(file.as_bytes()).unwrap_err().code;
    assert_eq!(code(pem("X509 CRL", roots[0])), Code::Unreadable);
    assert_eq!(code(String::new()), Code::Unreadable);
    let one = pem("CERTIFICATE", roots[0]);
    assert!(Authorities::read(one.repeat(ANCHORS_MAX).as_bytes()).is_ok());
    assert_eq!(code(one.repeat(ANCHORS_MAX + 1)), Code::TooLarge);
}
