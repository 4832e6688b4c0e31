//! Authentication: HMAC-SHA256 over the text that came, not over one made anew. The order of the members
//! is that of a hash map in the client, so the text cannot be rebuilt, and need not be.

use tram_crypto::hmac_sha256_is;

use crate::account::Account;
use crate::params::Params;
use crate::refusal::{Number, Refusal};

/// The headers that count; their values as bytes, for what is signed is bytes.
#[derive(Clone, Copy, Debug)]
pub struct Head<'h> {
    /// `XroadVnpt-systemid`.
    pub system_id: &'h [u8],
    /// `XroadVnpt-sign-header`: a JSON object of every parameter.
    pub sign_header: &'h [u8],
    /// `XroadVnpt-hash-header`: the HMAC of that text, in hexadecimal.
    pub hash_header: &'h [u8],
    /// The head held octets that HTTP forbids, which were replaced.
    pub mangled: bool,
}

/// What an account signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The parameters.
    pub params: Params,
    /// The HMAC, in small letters: the same for a request that is repeated.
    pub hash_header: String,
}

/// Checks the HMAC with the account's secret and reads the parameters out of the signed text.
///
/// # Errors
/// [`Number::Account`], with the cause where it can be told.
pub fn verify(head: &Head<'_>, account: &Account) -> Result<Signed, Refusal> {
    let refused = |text: &str| Refusal::new(Number::Account, text);
    let hash_header = std::str::from_utf8(head.hash_header).unwrap_or_default().trim();
    let hash_header = hash_header.to_ascii_lowercase();
    let tag = tram_dispatch::id::unhex(&hash_header).unwrap_or_default();
    let secret = account.secret.as_bytes();
    let text = if hmac_sha256_is(secret, head.sign_header, &tag) {
        head.sign_header.to_vec()
    } else {
        // One of the client's two HTTP libraries writes the low eight bits of each character: letters up
        // to U+00FF can be brought back, those beyond are lost.
        let widened: String = head.sign_header.iter().map(|b| char::from(*b)).collect();
        if !hmac_sha256_is(secret, widened.as_bytes(), &tag) {
            let plain = head.sign_header.is_ascii() && !head.mangled;
            return Err(refused(if plain {
                "system id or key wrong: hash-header is not the HMAC of sign-header"
            } else {
                "hash-header is not the HMAC of sign-header; a parameter holds letters outside ASCII, \
                 which the client's library damages: keep file paths and descriptions to plain letters"
            }));
        }
        widened.into_bytes()
    };
    let params = Params::read(&text)?;
    if params.exact("systemid").map(str::as_bytes) != Some(head.system_id) {
        return Err(refused("the signed system id is not the one of the header"));
    }
    Ok(Signed { params, hash_header })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Secret;

    const SECRET: &[u8] = b"test-key-of-the-sender-0123456789";

    fn account() -> Account {
        Account {
            system_id: "000.00.12.H99".to_owned(),
            secret: Secret::from_file(SECRET).unwrap(),
            agencies: Default::default(),
            may_send: true,
            may_collect: true,
            age_ms_max: None,
            old_codes: false,
        }
    }

    fn head<'h>(sign_header: &'h [u8], hash_header: &'h str) -> Head<'h> {
        let hash_header = hash_header.as_bytes();
        Head { system_id: b"000.00.12.H99", sign_header, hash_header, mangled: false }
    }

    fn tag(text: &str) -> String {
        tram_dispatch::id::hex(&tram_crypto::hmac_sha256(SECRET, text.as_bytes()))
    }

    const FIRST: &str = r#"{"XroadVnpt-systemid":"000.00.12.H99","XroadVnpt-timestamp":"21112026T212503+0999","XroadVnpt-Content-Type":"application/json"}"#;
    const FIRST_TAG: &str = "c766ed368fe309484d7f7d7482ab534251933179c6d2ff6bb752cfd9c4cad188";
    const SECOND: &str = r#"{"XroadVnpt-systemid":"000.00.12.H99","XroadVnpt-servicetype":"eDoc","XroadVnpt-messagetype":"edoc","XroadVnpt-hash-file":"9ea62817f3b7a0c9d3147699e1722d3735b1a79acd7b761215c1cc2582363","XroadVnpt-from":"000.00.12.H99","XroadVnpt-to":"[\"000.00.31.H99\"]","XroadVnpt-timestamp":"21112026T212024+0401","XroadVnpt-Content-Type":"application/octet-stream"}"#;
    const SECOND_TAG: &str = "76a024a079ba8c06d96d735177169cfe63d2e51becfcd38798ee97553a92064e";

    #[test]
    fn the_vectors_of_the_client_hold() {
        let first = verify(&head(FIRST.as_bytes(), FIRST_TAG), &account()).unwrap();
        assert_eq!(first.params.exact("timestamp"), Some("21112026T212503+0999"));
        assert_eq!(first.hash_header, FIRST_TAG);
        let second = verify(&head(SECOND.as_bytes(), SECOND_TAG), &account()).unwrap();
        assert_eq!(second.params.exact("to"), Some("[\"000.00.31.H99\"]"));
        assert_eq!(second.params.exact("Content-Type"), Some("application/octet-stream"));
        // Written in capitals it is the same number.
        verify(&head(FIRST.as_bytes(), &FIRST_TAG.to_uppercase()), &account()).unwrap();
    }

    #[test]
    fn one_octet_more_another_key_or_another_tag_is_refused() {
        let spaced = FIRST.replace(':', ": ");
        for (text, tag) in [
            (spaced.as_str(), FIRST_TAG),
            (FIRST, SECOND_TAG),
            (FIRST, &FIRST_TAG[..62]),
            (FIRST, ""),
            (FIRST, "zz"),
            ("", FIRST_TAG),
        ] {
            let refusal = verify(&head(text.as_bytes(), tag), &account()).unwrap_err();
            assert_eq!(refusal.number, Number::Account, "{text}");
        }
        let other = Account { secret: Secret::from_file(&[b'x'; 20]).unwrap(), ..account() };
        assert!(verify(&head(FIRST.as_bytes(), FIRST_TAG), &other).is_err());
    }

    #[test]
    fn spacing_and_order_of_another_library_are_its_own_affair() {
        let text = "{ \"XroadVnpt-docId\" : \"1\",\n \"XroadVnpt-systemid\" : \"000.00.12.H99\" }";
        assert!(verify(&head(text.as_bytes(), &tag(text)), &account()).is_ok());
    }

    #[test]
    fn letters_up_to_ff_come_back_and_those_beyond_are_told() {
        let text = r#"{"XroadVnpt-systemid":"000.00.12.H99","XroadVnpt-filePath":"/đã/café"}"#;
        let utf8 = verify(&head(text.as_bytes(), &tag(text)), &account()).unwrap();
        assert_eq!(utf8.params.exact("filePath"), Some("/đã/café"));
        let low = |text: &str| -> Vec<u8> { text.chars().map(|c| c as u32 as u8).collect() };
        let latin = r#"{"XroadVnpt-systemid":"000.00.12.H99","XroadVnpt-filePath":"/café"}"#;
        let back = verify(&head(&low(latin), &tag(latin)), &account()).unwrap();
        assert_eq!(back.params.exact("filePath"), Some("/café"));
        let lost = verify(&head(&low(text), &tag(text)), &account()).unwrap_err();
        assert!(lost.text.contains("outside ASCII"), "{lost}");
    }

    #[test]
    fn another_system_in_the_header_than_in_the_signed_text_is_refused() {
        let mut head = head(FIRST.as_bytes(), FIRST_TAG);
        head.system_id = b"000.00.13.H99";
        assert!(verify(&head, &account()).is_err());
        let none = r#"{"XroadVnpt-timestamp":"x"}"#;
        let tag = tag(none);
        assert!(verify(&self::head(none.as_bytes(), &tag), &account()).is_err());
    }
}
