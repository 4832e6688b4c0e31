//! Tokens that are nearly right: each part wrong by itself, and the edge of each limit.

use tram_crypto::{KeyKind, Sha2};

use super::der::{
    BOOLEAN, Broken, CONTEXT_0, CONTEXT_1, INTEGER, NULL, OCTETS, OID, SEQUENCE, SET, TIME, one,
    write,
};
use super::names::{
    CONTENT_TYPE, MESSAGE_DIGEST, SIGNED_DATA, SIGNING_CERTIFICATE_V2, TST_INFO, is_signature,
    sha2, write_sha2, write_signature,
};
use super::request::response;
use super::token::{Statement, Token};

fn number(n: u8) -> Vec<u8> {
    write(INTEGER, &[&[n]])
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    write(SEQUENCE, parts)
}

/// What a token is made of; all of it as it should be, until a test changes one part.
struct Shape {
    version: u8,
    digests: u8,
    certificates: usize,
    signer_version: u8,
    attributes: u8,
    unsigned: usize,
}

const SOUND: Shape = Shape {
    version: 3,
    digests: SET,
    certificates: 1,
    signer_version: 1,
    attributes: CONTEXT_0,
    unsigned: 0,
};

impl Shape {
    fn bytes(&self) -> Vec<u8> {
        let digest = write_sha2(Sha2::Sha256);
        let attribute =
            |name: &[u8], value: &[u8]| sequence(&[&write(OID, &[name]), &write(SET, &[value])]);
        let id = sequence(&[&sequence(&[&sequence(&[&write(OCTETS, &[&[7; 32]])])])]);
        let attributes = [
            attribute(CONTENT_TYPE, &write(OID, &[TST_INFO])),
            attribute(MESSAGE_DIGEST, &write(OCTETS, &[&[8; 32]])),
            attribute(SIGNING_CERTIFICATE_V2, &id),
        ]
        .concat();
        let unsigned = write(CONTEXT_1, &[]).repeat(self.unsigned);
        let signer = sequence(&[
            &number(self.signer_version),
            &sequence(&[&sequence(&[]), &number(5)]),
            &digest,
            &write(self.attributes, &[&attributes]),
            &write_signature(KeyKind::P256, Sha2::Sha256),
            &write(OCTETS, &[&[9; 64]]),
            &unsigned,
        ]);
        let content = write(CONTEXT_0, &[&write(OCTETS, &[&statement(&[])])]);
        let data = sequence(&[
            &number(self.version),
            &write(self.digests, &[&digest]),
            &sequence(&[&write(OID, &[TST_INFO]), &content]),
            &write(CONTEXT_0, &[&sequence(&[]).repeat(self.certificates)]),
            &write(SET, &[&signer]),
        ]);
        sequence(&[&write(OID, &[SIGNED_DATA]), &write(CONTEXT_0, &[&data])])
    }

    fn refused(&self) -> &'static str {
        Token::read(&self.bytes()).unwrap_err().0
    }
}

/// A TSTInfo with these items at its end.
fn statement(rest: &[u8]) -> Vec<u8> {
    statement_of(&number(1), &write(OID, &[&[0x2a]]), rest)
}

fn statement_of(version: &[u8], policy: &[u8], rest: &[u8]) -> Vec<u8> {
    let imprint = sequence(&[&write_sha2(Sha2::Sha256), &write(OCTETS, &[&[1; 32]])]);
    let time = write(TIME, &[b"20261122064000Z"]);
    sequence(&[version, policy, &imprint, &number(6), &time, rest])
}

fn extension(critical: &[u8]) -> Vec<u8> {
    let one = sequence(&[&write(OID, &[&[0x2a]]), critical, &write(OCTETS, &[&[1]])]);
    statement(&write(CONTEXT_1, &[&one]))
}

#[test]
fn each_part_of_a_token_is_looked_at_by_itself() {
    let sound = SOUND.bytes();
    let token = Token::read(&sound).unwrap();
    assert_eq!((token.serial, token.certificates.len()), (&[5][..], 1));
    assert_eq!(Shape { version: 1, ..SOUND }.refused(), "the version of the signed data");
    assert_eq!(Shape { digests: SEQUENCE, ..SOUND }.refused(), "the version of the signed data");
    assert_eq!(Shape { signer_version: 3, ..SOUND }.refused(), "the signer");
    assert_eq!(Shape { attributes: CONTEXT_1, ..SOUND }.refused(), "the signer");
    assert_eq!(Shape { unsigned: 2, ..SOUND }.refused(), "the signer");
    assert!(Token::read(&Shape { unsigned: 1, ..SOUND }.bytes()).is_ok());
}

#[test]
fn sixteen_certificates_are_the_most() {
    for (certificates, taken) in [(0, true), (16, true), (17, false), (18, false)] {
        let token = Shape { certificates, ..SOUND }.bytes();
        assert_eq!(Token::read(&token).is_ok(), taken, "{certificates}");
    }
}

#[test]
fn version_and_policy_of_a_statement_are_looked_at_by_themselves() {
    let policy = write(OID, &[&[0x2a]]);
    let read = |bytes: &[u8]| Statement::read(bytes).map(|_| ());
    let refused = Err(Broken("the version of the time-stamp"));
    assert_eq!(read(&statement_of(&number(1), &policy, &[])), Ok(()));
    assert_eq!(read(&statement_of(&number(2), &policy, &[])), refused);
    assert_eq!(read(&statement_of(&number(1), &number(1), &[])), refused);
}

#[test]
fn what_a_statement_says_beyond_our_knowledge_must_not_be_critical() {
    let critical = write(BOOLEAN, &[&[0xff]]);
    assert_eq!(
        Statement::read(&extension(&critical)),
        Err(Broken("a critical extension of the time-stamp"))
    );
    // Absent means no; some write it out.
    assert!(Statement::read(&extension(&[])).is_ok());
    assert!(Statement::read(&extension(&write(BOOLEAN, &[&[0]]))).is_ok());
    let no_list = statement(&write(CONTEXT_1, &[&number(1)]));
    assert!(Statement::read(&no_list).is_err());
}

#[test]
fn an_algorithm_has_no_parameters_or_a_null() {
    let sha_256 = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
    let named = |tag: u8, parameters: &[u8]| {
        let item = sequence(&[&write(tag, &[&sha_256]), parameters]);
        sha2(&one(&item, SEQUENCE, "it").unwrap(), "it").is_ok()
    };
    assert!(named(OID, &[]) && named(OID, &[NULL, 0]));
    assert!(!named(OID, &[NULL, 1, 0]), "a null with contents");
    assert!(!named(OID, &[INTEGER, 1, 0]) && !named(OID, &[INTEGER, 0]));
    assert!(!named(OCTETS, &[]) && !named(OCTETS, &[NULL, 0]));
}

#[test]
fn a_signature_is_of_the_kind_that_its_key_makes() {
    let (ec, rsa) = (KeyKind::P256, KeyKind::Rsa { bits: 3072 });
    let is = |named: &[u8], kind: KeyKind, digest: Sha2| {
        is_signature(&one(named, SEQUENCE, "it").unwrap(), kind, digest).unwrap()
    };
    let (by_ec, by_rsa) = (write_signature(ec, Sha2::Sha256), write_signature(rsa, Sha2::Sha256));
    assert!(is(&by_ec, ec, Sha2::Sha256) && is(&by_rsa, rsa, Sha2::Sha256));
    assert!(!is(&by_ec, rsa, Sha2::Sha256) && !is(&by_rsa, ec, Sha2::Sha256));
    assert!(!is(&by_ec, ec, Sha2::Sha384));
    // rsaEncryption goes with whatever digest.
    assert!(is(&by_rsa, rsa, Sha2::Sha512));
}

#[test]
fn a_server_that_grants_and_sends_nothing_is_told_from_one_that_refuses() {
    let answer = |status: u8| {
        let refusal = response(&sequence(&[&sequence(&[&number(status)])])).unwrap_err();
        refusal.detail
    };
    assert!(answer(0).contains("sends no token") && answer(1).contains("sends no token"));
    assert!(answer(2).contains("refuses (status 2)"));
}
