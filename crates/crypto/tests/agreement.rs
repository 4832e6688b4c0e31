//! Two libraries know Ed25519: one signs, another checks (docs/adr/0010). They must agree about every
//! signature, also about those that nobody honest would make.

use proptest::prelude::*;
use ring::signature::{ED25519, UnparsedPublicKey};
use tram_crypto::{Algorithm, Ed25519Signer, PublicKey, Sign};

/// What is done to an honest signature.
#[derive(Clone, Copy, Debug)]
enum Change {
    Nothing,
    FlipSignature(u16),
    FlipKey(u8),
    FlipText(u8),
    /// R becomes a point of small order, which the plain check compares like any other.
    SmallR(u8),
    /// S becomes S + L: the same number modulo the order, another spelling.
    LargeS,
    /// All of R and S.
    Noise([u8; 64]),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::Nothing),
        (0u16..512).prop_map(Change::FlipSignature),
        any::<u8>().prop_map(Change::FlipKey),
        any::<u8>().prop_map(Change::FlipText),
        (0u8..4).prop_map(Change::SmallR),
        Just(Change::LargeS),
        (any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(|(r, s)| {
            let mut both = [0; 64];
            both[..32].copy_from_slice(&r);
            both[32..].copy_from_slice(&s);
            // Else nearly every S would be refused for its size alone.
            both[63] &= 0x0f;
            Change::Noise(both)
        }),
    ]
}

/// The order of the group, little-endian (RFC 8032 section 5.1).
const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn plus_order(s: &mut [u8]) {
    let mut carry = 0u16;
    for (digit, add) in s.iter_mut().zip(L) {
        let sum = u16::from(*digit) + u16::from(add) + carry;
        *digit = sum as u8;
        carry = sum >> 8;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn both_libraries_say_the_same(
        seed in any::<[u8; 32]>(),
        text in proptest::collection::vec(any::<u8>(), 1..200),
        change in change(),
    ) {
        let signer = Ed25519Signer::from_seed(&seed).unwrap();
        let mut key = *signer.public_key().ed25519_bytes().unwrap();
        let mut signature = signer.sign(&text).unwrap();
        let mut text = text;
        match change {
            Change::Nothing => {}
            Change::FlipSignature(bit) => signature[usize::from(bit / 8)] ^= 1 << (bit % 8),
            Change::FlipKey(bit) => key[usize::from(bit / 8)] ^= 1 << (bit % 8),
            Change::FlipText(at) => {
                let at = usize::from(at) % text.len();
                text[at] ^= 1;
            }
            Change::SmallR(which) => {
                signature[..32].fill(0);
                match which {
                    0 => {}
                    1 => signature[0] = 1,
                    2 => signature[31] = 0x80,
                    _ => {
                        signature[..32].fill(0xff);
                        signature[0] = 0xec;
                        signature[31] = 0x7f;
                    }
                }
            }
            Change::LargeS => plus_order(&mut signature[32..]),
            Change::Noise(both) => signature.copy_from_slice(&both),
        }
        // A key that we do not take at all cannot be disagreed about.
        let Ok(ours) = PublicKey::from_ed25519_bytes(&key) else { return Ok(()) };
        let here = ours.verify(Algorithm::EdDsa, &text, &signature).is_ok();
        let there = UnparsedPublicKey::new(&ED25519, key).verify(&text, &signature).is_ok();
        prop_assert_eq!(here, there);
        prop_assert_eq!(here, matches!(change, Change::Nothing));
    }
}
