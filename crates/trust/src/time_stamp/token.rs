//! A token taken apart: CMS SignedData around TSTInfo (RFC 5652 section 5, RFC 3161 section 2.4.2).

use tram_crypto::{KeyKind, Sha2};
use tram_dispatch::UnixMillis;

use super::der::{
    BOOLEAN, Broken, CONTEXT_0, CONTEXT_1, INTEGER, Item, OCTETS, OID, SEQUENCE, SET, TIME, items,
    next_if, one, write,
};
use super::names::{
    CONTENT_TYPE, MESSAGE_DIGEST, SIGNED_DATA, SIGNING_CERTIFICATE_V2, TST_INFO, sha2, write_sha2,
    write_signature,
};

/// Most certificates looked at.
const CERTIFICATES_MAX: usize = 16;

/// What one signer signed, with the parts that a verifier needs.
#[derive(Debug)]
pub(super) struct Token<'a> {
    /// The certificates in it, as they came.
    pub(super) certificates: Vec<&'a [u8]>,
    /// The octets of TSTInfo.
    pub(super) content: &'a [u8],
    /// Name of the signer's issuer, and serial number.
    sid: Item<'a>,
    pub(super) issuer: &'a [u8],
    pub(super) serial: &'a [u8],
    pub(super) digest: Sha2,
    attributes: Item<'a>,
    pub(super) message_digest: &'a [u8],
    /// The digest of the signer's certificate, by which algorithm.
    pub(super) signer: (Sha2, &'a [u8]),
    pub(super) algorithm: Item<'a>,
    pub(super) signature: &'a [u8],
}

impl<'a> Token<'a> {
    /// Takes a token apart. What a signature does not cover and nobody needs (further certificates,
    /// revocation lists, unsigned attributes) is passed over.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Broken> {
        const WHOLE: &str = "the token";
        let parts = one(bytes, SEQUENCE, WHOLE)?.inside(SEQUENCE, WHOLE)?;
        let [kind, data] = parts[..] else { return Err(Broken(WHOLE)) };
        if kind.contents(OID, WHOLE)? != SIGNED_DATA {
            return Err(Broken("the token (not signed data)"));
        }
        let data = one(data.contents(CONTEXT_0, WHOLE)?, SEQUENCE, "the signed data")?;
        let parts = data.inside(SEQUENCE, "the signed data")?;
        let [version, digests, content, rest @ ..] = &parts[..] else {
            return Err(Broken("the signed data"));
        };
        if version.number(INTEGER, "its version")? != 3 || digests.tag() != SET {
            return Err(Broken("the version of the signed data"));
        }
        let mut rest = rest;
        let certificates = match next_if(&mut rest, CONTEXT_0) {
            Some(set) => items(set.value, "the certificates")?,
            None => Vec::new(),
        };
        let _lists = next_if(&mut rest, CONTEXT_1);
        let [signers] = rest else { return Err(Broken("the signed data")) };
        let signers = signers.inside(SET, "the signers")?;
        let [signer] = signers[..] else { return Err(Broken("the signers (not exactly one)")) };
        if certificates.len() > CERTIFICATES_MAX {
            return Err(Broken("the certificates (too many)"));
        }
        let certificates = certificates.iter().filter(|c| c.tag() == SEQUENCE).map(|c| c.raw);
        Self::of_signer(&signer, certificates.collect(), encapsulated(content)?)
    }

    fn of_signer(
        signer: &Item<'a>,
        certificates: Vec<&'a [u8]>,
        content: &'a [u8],
    ) -> Result<Self, Broken> {
        const WHOLE: &str = "the signer";
        let parts = signer.inside(SEQUENCE, WHOLE)?;
        let [version, sid, digest, attributes, algorithm, signature, unsigned @ ..] = &parts[..]
        else {
            return Err(Broken(WHOLE));
        };
        let unsigned_fits = matches!(unsigned, [] | [_]);
        if version.number(INTEGER, WHOLE)? != 1 || attributes.tag() != CONTEXT_0 || !unsigned_fits {
            return Err(Broken(WHOLE));
        }
        let named = sid.inside(SEQUENCE, "the signer's name")?;
        let [issuer, serial] = named[..] else { return Err(Broken("the signer's name")) };
        let digest = sha2(digest, "the digest algorithm (SHA-2 is needed)")?;
        let found = attributes_of(attributes)?;
        Ok(Token {
            certificates,
            content,
            sid: *sid,
            issuer: issuer.raw,
            serial: serial.contents(INTEGER, "the signer's serial number")?,
            digest,
            attributes: *attributes,
            message_digest: found.0,
            signer: found.1,
            algorithm: *algorithm,
            signature: signature.contents(OCTETS, "the signature")?,
        })
    }

    /// What the signature covers: the attributes as a SET (RFC 5652 section 5.4).
    pub(super) fn signed(&self) -> Vec<u8> {
        write(SET, &[self.attributes.value])
    }

    /// The token in the one form that is kept: these certificates and nothing that no signature covers.
    pub(super) fn write(&self, certificates: &[&[u8]], kind: KeyKind) -> Vec<u8> {
        let mut certificates = certificates.to_vec();
        certificates.sort_unstable();
        let digest = write_sha2(self.digest);
        let signer = write(
            SEQUENCE,
            &[
                &[INTEGER, 1, 1],
                self.sid.raw,
                &digest,
                self.attributes.raw,
                &write_signature(kind, self.digest),
                &write(OCTETS, &[self.signature]),
            ],
        );
        let content = write(CONTEXT_0, &[&write(OCTETS, &[self.content])]);
        let data = write(
            SEQUENCE,
            &[
                &[INTEGER, 1, 3],
                &write(SET, &[&digest]),
                &write(SEQUENCE, &[&write(OID, &[TST_INFO]), &content]),
                &write(CONTEXT_0, &certificates),
                &write(SET, &[&signer]),
            ],
        );
        write(SEQUENCE, &[&write(OID, &[SIGNED_DATA]), &write(CONTEXT_0, &[&data])])
    }
}

/// The octets of TSTInfo.
fn encapsulated<'a>(item: &Item<'a>) -> Result<&'a [u8], Broken> {
    const WHOLE: &str = "the content";
    let parts = item.inside(SEQUENCE, WHOLE)?;
    let [kind, content] = parts[..] else { return Err(Broken(WHOLE)) };
    if kind.contents(OID, WHOLE)? != TST_INFO {
        return Err(Broken("the content (not a time-stamp)"));
    }
    one(content.contents(CONTEXT_0, WHOLE)?, OCTETS, WHOLE).map(|octets| octets.value)
}

type Attributes<'a> = (&'a [u8], (Sha2, &'a [u8]));

/// The digest of the content, and that of the signer's certificate.
fn attributes_of<'a>(attributes: &Item<'a>) -> Result<Attributes<'a>, Broken> {
    const WHOLE: &str = "the signed attributes";
    let (mut digest, mut signer, mut kind) = (None, None, None);
    let mut seen = std::collections::BTreeSet::new();
    for attribute in items(attributes.value, WHOLE)? {
        let parts = attribute.inside(SEQUENCE, WHOLE)?;
        let [name, values] = parts[..] else { return Err(Broken(WHOLE)) };
        let name = name.contents(OID, WHOLE)?;
        if !seen.insert(name) {
            return Err(Broken("the signed attributes (one occurs twice)"));
        }
        let values = values.inside(SET, WHOLE)?;
        let slot = match name {
            CONTENT_TYPE => &mut kind,
            MESSAGE_DIGEST => &mut digest,
            SIGNING_CERTIFICATE_V2 => &mut signer,
            _ => continue,
        };
        let [value] = values[..] else { return Err(Broken(WHOLE)) };
        *slot = Some(value);
    }
    let kind = kind.ok_or(Broken("the signed attributes (no content type)"))?;
    if kind.contents(OID, WHOLE)? != TST_INFO {
        return Err(Broken("the content type"));
    }
    let digest = digest.ok_or(Broken("the signed attributes (no message digest)"))?;
    let missing = "the signed attributes (no signing certificate of version 2)";
    let signer = signer.ok_or(Broken(missing))?;
    Ok((digest.contents(OCTETS, "the message digest")?, certificate_id(&signer)?))
}

/// The first ESSCertIDv2 (RFC 5035 section 4): the signer's.
fn certificate_id<'a>(item: &Item<'a>) -> Result<(Sha2, &'a [u8]), Broken> {
    const WHOLE: &str = "the signing certificate";
    let parts = item.inside(SEQUENCE, WHOLE)?;
    let ids = parts.first().ok_or(Broken(WHOLE))?.inside(SEQUENCE, WHOLE)?;
    let id = ids.first().ok_or(Broken(WHOLE))?.inside(SEQUENCE, WHOLE)?;
    let mut rest = &id[..];
    let algorithm = match next_if(&mut rest, SEQUENCE) {
        Some(named) => sha2(&named, WHOLE)?,
        None => Sha2::Sha256,
    };
    let digest = next_if(&mut rest, OCTETS).ok_or(Broken(WHOLE))?;
    Ok((algorithm, digest.value))
}

/// What a token says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    /// The digest that was stamped, by which algorithm.
    pub(super) imprint: (Sha2, &'a [u8]),
    pub(super) serial: &'a [u8],
    /// The moment as the server gives it, and the last one that this can mean.
    pub(super) time: (UnixMillis, UnixMillis),
    pub(super) accuracy_ms: u64,
    /// The contents of the INTEGER.
    pub(super) nonce: Option<&'a [u8]>,
}

impl<'a> Statement<'a> {
    /// Reads TSTInfo (RFC 3161 section 2.4.2).
    pub(super) fn read(content: &'a [u8]) -> Result<Self, Broken> {
        const WHOLE: &str = "the time-stamp";
        let parts = one(content, SEQUENCE, WHOLE)?.inside(SEQUENCE, WHOLE)?;
        let [version, policy, imprint, serial, time, rest @ ..] = &parts[..] else {
            return Err(Broken(WHOLE));
        };
        if version.number(INTEGER, WHOLE)? != 1 || policy.tag() != OID {
            return Err(Broken("the version of the time-stamp"));
        }
        let stamped = imprint.inside(SEQUENCE, "the imprint")?;
        let [algorithm, digest] = stamped[..] else { return Err(Broken("the imprint")) };
        let mut rest = rest;
        let accuracy = next_if(&mut rest, SEQUENCE).map(|item| accuracy_ms(&item)).transpose()?;
        let _ordering = next_if(&mut rest, BOOLEAN);
        let nonce = next_if(&mut rest, INTEGER).map(|item| item.value);
        let _name = next_if(&mut rest, CONTEXT_0);
        if let Some(extensions) = next_if(&mut rest, CONTEXT_1) {
            none_critical(&extensions)?;
        }
        if !rest.is_empty() {
            return Err(Broken(WHOLE));
        }
        Ok(Statement {
            imprint: (sha2(&algorithm, "the imprint")?, digest.contents(OCTETS, "the imprint")?),
            serial: serial.contents(INTEGER, "the serial number")?,
            time: moment(time.contents(TIME, "the time")?)?,
            accuracy_ms: accuracy.unwrap_or_default(),
            nonce,
        })
    }
}

/// Seconds, thousandths `[0]` and millionths `[1]`; rounded up.
fn accuracy_ms(item: &Item<'_>) -> Result<u64, Broken> {
    const WHOLE: &str = "the accuracy";
    let parts = item.inside(SEQUENCE, WHOLE)?;
    let mut rest = &parts[..];
    let mut part = |tag, most| match next_if(&mut rest, tag) {
        Some(item) => {
            item.number(tag, WHOLE).and_then(|n| if n <= most { Ok(n) } else { Err(Broken(WHOLE)) })
        }
        None => Ok(0),
    };
    let (seconds, millis, micros) = (part(INTEGER, 86_400)?, part(0x80, 999)?, part(0x81, 999)?);
    if rest.is_empty() { Ok(seconds * 1000 + millis + micros.min(1)) } else { Err(Broken(WHOLE)) }
}

fn none_critical(extensions: &Item<'_>) -> Result<(), Broken> {
    const WHOLE: &str = "the extensions of the time-stamp";
    for extension in items(extensions.value, WHOLE)? {
        let parts = extension.inside(SEQUENCE, WHOLE)?;
        if parts.iter().any(|p| p.tag() == BOOLEAN && p.value != [0]) {
            return Err(Broken("a critical extension of the time-stamp"));
        }
    }
    Ok(())
}

/// `YYYYMMDDHHMMSS[.f]Z` (RFC 3161 section 2.4.2): the moment, cut to milliseconds, and the last
/// millisecond of what was written.
fn moment(text: &[u8]) -> Result<(UnixMillis, UnixMillis), Broken> {
    const BAD: Broken = Broken("the time");
    let text = std::str::from_utf8(text).map_err(|_| BAD)?.strip_suffix('Z').ok_or(BAD)?;
    let (whole, fraction) = match text.split_once('.') {
        Some((_, fraction)) if fraction.is_empty() || fraction.ends_with('0') => return Err(BAD),
        Some((whole, fraction)) => (whole, fraction),
        None => (text, ""),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.len() != 14 || !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return Err(BAD);
    }
    let part = |from: usize, to: usize| whole.get(from..to).unwrap_or_default();
    let (date, clock) = (
        format!("{}-{}-{}", part(0, 4), part(4, 6), part(6, 8)),
        format!("{}:{}:{}", part(8, 10), part(10, 12), part(12, 14)),
    );
    let second: UnixMillis = format!("{date}T{clock}Z").parse().map_err(|_| BAD)?;
    let thousandths = |fill: char| {
        let mut digits: String = fraction.chars().take(3).collect();
        while digits.len() < 3 {
            digits.push(fill);
        }
        digits.parse::<u64>().map_err(|_| BAD)
    };
    Ok((second.plus_ms(thousandths('0')?), second.plus_ms(thousandths('9')?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_what_they_leave_open() {
        let at = |text: &str| moment(text.as_bytes()).map(|(a, b)| (a.to_string(), b.to_string()));
        let both = |a: &str, b: &str| Ok((a.to_owned(), b.to_owned()));
        assert_eq!(
            at("20261122064000Z"),
            both("2026-11-22T06:40:00.000Z", "2026-11-22T06:40:00.999Z")
        );
        assert_eq!(
            at("20261122064000.25Z"),
            both("2026-11-22T06:40:00.250Z", "2026-11-22T06:40:00.259Z")
        );
        assert_eq!(
            at("20261122064000.123456Z"),
            both("2026-11-22T06:40:00.123Z", "2026-11-22T06:40:00.123Z")
        );
        assert_eq!(at("20261122064000.123456789Z"), at("20261122064000.123456Z"));
        for bad in [
            "20261122064000",
            "20261122064000.Z",
            "20261122064000.50Z",
            "202611220640Z",
            "20261322064000Z",
            "20261122064060Z",
            "20261122064000+0700",
            "2026112206400éZ",
            "+0261122064000Z",
            "20261122064000.1234567891Z",
            "20261122064000.123xZ",
            "202611220640001Z",
            "",
        ] {
            assert!(at(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn accuracy_is_rounded_up() {
        let of = |bytes: &[u8]| accuracy_ms(&one(bytes, SEQUENCE, "it").unwrap());
        assert_eq!(of(&[0x30, 3, 2, 1, 1]), Ok(1000));
        assert_eq!(of(&[0x30, 7, 2, 1, 2, 0x80, 2, 1, 0xf4]), Ok(2500));
        assert_eq!(of(&[0x30, 3, 0x81, 1, 1]), Ok(1));
        assert_eq!(of(&[0x30, 0]), Ok(0));
        assert!(of(&[0x30, 4, 0x80, 2, 3, 0xe8]).is_err(), "1000 thousandths");
        assert!(of(&[0x30, 6, 0x81, 1, 1, 0x80, 1, 1]).is_err(), "out of order");
    }
}
