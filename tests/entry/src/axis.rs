//! The axis endpoint: the signed text and the file behind it, as any system may send them.

use tram_axis::{Account, Call, FileHash, Head, Refusal, Route, Secret, route, unpadded, verify};
use tram_crypto::{hmac_sha256, sha256};
use tram_dispatch::id::hex;
use tram_dispatch::text::is_plain;

const SYSTEM: &str = "000.00.12.H99";
const SECRET: &[u8] = b"test-key-of-the-sender-0123456789";

/// The vectors of the client: a path, a line break, the signed text.
pub(crate) fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let first = "countReceiveEdoc\n{\"XroadVnpt-systemid\":\"000.00.12.H99\",\"XroadVnpt-timestamp\":\"21112026T212503+0999\",\"XroadVnpt-Content-Type\":\"application/json\"}";
    let send = "/sendEdoc\n{\"XroadVnpt-systemid\":\"000.00.12.H99\",\"XroadVnpt-servicetype\":\"eDoc\",\"XroadVnpt-messagetype\":\"edoc\",\"XroadVnpt-hash-file\":\"9ea62817f3b7a0c9d3147699e1722d3735b1a79acd7b761215c1cc2582363\",\"XroadVnpt-from\":\"000.00.12.H99\",\"XroadVnpt-to\":\"[\\\"000.00.31.H99\\\"]\",\"XroadVnpt-timestamp\":\"21112026T212024+0401\",\"XroadVnpt-Content-Type\":\"application/octet-stream\"}";
    let update = "//updateStatus\n{\"XroadVnpt-systemid\":\"000.00.12.H99\",\"XroadVnpt-docId\":\"0b0e6c1e-0c0b-8c55-9d0a-51f0a2b7e001\",\"XroadVnpt-docid\":\"0b0e6c1e-0c0b-8c55-9d0a-51f0a2b7e002\",\"XroadVnpt-status\":\"done\"}";
    let all = [("count", first), ("send", send), ("update", update)];
    all.map(|(name, text)| (name, text.as_bytes().to_vec())).into()
}

fn told(refusal: &Refusal) {
    assert!(is_plain(&refusal.text), "{refusal:?}");
}

/// A path, a line break, the text that was signed: what is signed is read or refused in words that can be
/// shown, and no call is made of what is not. The same bytes as a file are found by their hash.
pub fn axis(data: &[u8]) {
    let cut = data.iter().position(|b| *b == b'\n').unwrap_or(data.len());
    let path = String::from_utf8_lossy(&data[..cut]);
    let text = data.get(cut + 1..).unwrap_or_default();
    let account = Account {
        system_id: SYSTEM.to_owned(),
        secret: Secret::from_file(SECRET).expect("a secret"),
        agencies: Default::default(),
        may_send: true,
        may_collect: true,
        age_ms_max: None,
        old_codes: false,
    };
    let tag = hmac_sha256(SECRET, text);
    let head = |tag: &str| {
        let head = Head {
            system_id: SYSTEM.as_bytes(),
            sign_header: text,
            hash_header: tag.as_bytes(),
            mangled: false,
        };
        verify(&head, &account)
    };
    let mut forged = tag;
    forged[cut % 32] ^= 1;
    told(&head(&hex(&forged)).expect_err("forged"));
    match head(&hex(&tag)) {
        Err(refusal) => told(&refusal),
        Ok(signed) => {
            assert_eq!(signed.params.exact("systemid"), Some(SYSTEM));
            let one = route("", &path);
            let all =
                Route::ALL.iter().map(|(route, _)| *route).filter(|r| one.is_none_or(|o| o == *r));
            for route in all {
                match Call::read(route, &signed.params) {
                    Err(refusal) => told(&refusal),
                    Ok(Call::Get(id) | Call::Download(id) | Call::Update { id, .. }) => {
                        assert_eq!(id.to_string().parse(), Ok(id));
                    }
                    Ok(_) => {}
                }
            }
        }
    }
    let (first, second) = data.split_at(cut);
    let claimed = unpadded(&sha256(data));
    for appended in [&b""[..], b"\r\n"] {
        let mut hash = FileHash::new();
        [first, second, appended].iter().for_each(|piece| hash.update(piece));
        let end = hash.end(&claimed).expect("it is the file");
        assert_eq!((end.size, end.sha256), (data.len() as u64, sha256(data)));
    }
}
