//! Time-stamps of third parties (RFC 3161) over the text of a checkpoint: they prove that the tree
//! stood no later than they say, and with it every receipt beneath it.
//!
//! ```text
//! text, nonce ── request ──▶ TimeStampReq          TimeStampResp ── response ──▶ token as it came
//! token as it came ── accept ──▶ token in the one form, TimeStamp
//! token in the one form ── verify ──▶ TimeStamp
//! ```
//!
//! A server may put things into a token that no signature covers: further certificates, lists, unsigned
//! attributes. They are left out of what is kept, and [`verify`] takes no token that has them: then no
//! byte of a token can be changed alone and go unseen.
//!
//! Not looked at: whether the authority's certificate was revoked later. Its policy is in the token and
//! is not judged.

pub(crate) mod der;
mod names;
mod request;
#[cfg(test)]
mod shapes;
mod token;

pub use request::{Nonce, RESPONSE_BYTES_MAX, request, response};
use tram_crypto::{Sha2, sha256};
use tram_dispatch::limits::TIME_STAMP_BYTES_MAX;
use tram_dispatch::{Code, UnixMillis};
use x509_parser::pem::Pem;

use self::der::Broken;
use self::token::{Statement, Token};
use crate::certificate::Certificate;
use crate::certificate::profile::{self, Purpose, TIME_STAMPING};
use crate::chain::{self, Anchors};
use crate::revocation::Crls;
use crate::verdict::Refusal;

/// Most anchors in one file.
pub const ANCHORS_MAX: usize = 64;

/// The authorities whose time-stamps count: CA certificates, configured, never out of a token.
#[derive(Clone, Debug, Default)]
pub struct Authorities(Anchors);

impl Authorities {
    /// Reads the anchors of one file, see [`Authorities::add`].
    ///
    /// # Errors
    /// Those of [`Authorities::add`].
    pub fn read(file: &[u8]) -> Result<Self, Refusal> {
        let mut authorities = Self::default();
        authorities.add(file)?;
        Ok(authorities)
    }

    /// Adds anchors: one certificate as DER, or PEM blocks `CERTIFICATE`.
    ///
    /// # Errors
    /// `UNREADABLE`; `TOO_LARGE` over [`ANCHORS_MAX`] in one file; those of an anchor that is no CA or
    /// whose key cannot serve. Then those before it were added.
    pub fn add(&mut self, file: &[u8]) -> Result<(), Refusal> {
        if file.starts_with(&[0x30]) {
            return self.0.add(file);
        }
        let mut count = 0;
        for block in Pem::iter_from_buffer(file) {
            let block =
                block.map_err(|e| Refusal::new(Code::Unreadable, format!("bad PEM: {e}")))?;
            if block.label != "CERTIFICATE" {
                let detail = format!("a PEM block \"{}\" among certificates", block.label);
                return Err(Refusal::new(Code::Unreadable, detail));
            }
            count += 1;
            if count > ANCHORS_MAX {
                let detail = format!("more than {ANCHORS_MAX} certificates");
                return Err(Refusal::new(Code::TooLarge, detail));
            }
            self.0.add(&block.contents)?;
        }
        if count == 0 {
            return Err(Refusal::new(Code::Unreadable, "no certificate in the file"));
        }
        Ok(())
    }
}

/// What a verified token says: the text existed no later than `latest`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeStamp {
    /// The latest moment that it leaves open: the time in the token, to the end of what is written
    /// there, and the accuracy that the authority states.
    pub latest: UnixMillis,
    /// The earliest moment at which it can have been made.
    pub earliest: UnixMillis,
    /// The subject of the certificate that signed it, escaped.
    pub authority: String,
    /// The number that the authority gave it, hexadecimal.
    pub serial: String,
}

fn invalid(what: impl std::fmt::Display) -> Refusal {
    Refusal::new(Code::TimeStampInvalid, format!("time-stamp: {what}"))
}

fn broken(Broken(part): Broken) -> Refusal {
    invalid(format!("malformed: {part}"))
}

fn within(found: usize, max: usize) -> Result<(), Refusal> {
    if found <= max {
        return Ok(());
    }
    let detail = format!("a time-stamp of {found} bytes is over the limit of {max}");
    Err(Refusal::new(Code::TooLarge, detail))
}

/// A token whose own signer vouches for it, whoever that is.
struct Signed<'a> {
    token: Token<'a>,
    /// The signer first.
    chain: Vec<Certificate>,
    /// The time in the token.
    at: UnixMillis,
    stamp: TimeStamp,
}

/// Checks everything but who the signer is.
fn signed<'a>(bytes: &'a [u8], text: &[u8], nonce: Option<Nonce>) -> Result<Signed<'a>, Refusal> {
    within(bytes.len(), TIME_STAMP_BYTES_MAX)?;
    let token = Token::read(bytes).map_err(broken)?;
    let statement = Statement::read(token.content).map_err(broken)?;
    if statement.imprint != (Sha2::Sha256, &sha256(text)[..]) {
        return Err(invalid("it is over something else"));
    }
    if let Some(nonce) = nonce
        && statement.nonce != Some(nonce.bytes())
    {
        return Err(invalid("it is not the answer to this question (nonce)"));
    }
    let mut chain: Vec<Certificate> =
        token.certificates.iter().filter_map(|der| Certificate::parse(der).ok()).collect();
    let is_signer = |c: &Certificate| c.issuer_der() == token.issuer && c.serial() == token.serial;
    let place = chain.iter().position(is_signer);
    let place = place.ok_or_else(|| invalid("its signer's certificate is not in it"))?;
    chain.swap(0, place);
    let signer = &chain[0];
    let (sha2, digest) = token.signer;
    if sha2.digest(signer.der()) != digest {
        return Err(invalid("it names another signing certificate than it brings"));
    }
    if token.digest.digest(token.content) != token.message_digest {
        return Err(invalid("its digest is not that of its content"));
    }
    let key = signer.key()?;
    if !names::is_signature(&token.algorithm, key.kind(), token.digest).map_err(broken)? {
        return Err(invalid("its signature algorithm does not fit digest and key"));
    }
    key.verify_outside(token.digest, &token.signed(), token.signature)
        .map_err(|_| invalid("its signature does not verify"))?;
    let (from, until) = statement.time;
    let stamp = TimeStamp {
        latest: until.plus_ms(statement.accuracy_ms),
        earliest: UnixMillis(from.0.saturating_sub(statement.accuracy_ms)),
        authority: signer.subject().to_owned(),
        serial: statement.serial.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    Ok(Signed { token, chain, at: from, stamp })
}

/// Checks who the signer is, as of the time in the token; gives the token in the one form.
fn known(signed: &Signed<'_>, authorities: &Authorities, crls: &Crls) -> Result<Vec<u8>, Refusal> {
    let signer = &signed.chain[0];
    profile::check_leaf(signer, Purpose::TimeStamp)?;
    // RFC 3161 section 2.3: critical, and no other use.
    let alone = signer.purposes().is_some_and(|p| p.len() == 1 && p[0] == TIME_STAMPING);
    if !alone || !signer.purposes_critical() {
        return Err(Refusal::new(
            Code::CertificateInvalid,
            format!("certificate of \"{}\": it is not for time-stamping alone", signer.subject()),
        ));
    }
    let path = chain::build(&authorities.0, &signed.chain, Purpose::TimeStamp, signed.at, crls)?;
    let on_path = path.places.iter().filter_map(|place| signed.chain.get(*place));
    let ders: Vec<&[u8]> = on_path.map(Certificate::der).collect();
    Ok(signed.token.write(&ders, signer.key()?.kind()))
}

/// Verifies a token as a server sent it, as the answer to the question with this nonce; gives it in the
/// one form, which is to be kept.
///
/// # Errors
/// Those of [`verify`].
pub fn accept(
    token: &[u8],
    text: &[u8],
    nonce: Option<Nonce>,
    authorities: &Authorities,
    crls: &Crls,
) -> Result<(Vec<u8>, TimeStamp), Refusal> {
    let signed = signed(token, text, nonce)?;
    let kept = known(&signed, authorities, crls)?;
    within(kept.len(), TIME_STAMP_BYTES_MAX)?;
    Ok((kept, signed.stamp))
}

/// Verifies a token in the one form over this text.
///
/// # Errors
/// `TOO_LARGE`; `TIME_STAMP_INVALID` naming what does not hold; those of a certificate path.
pub fn verify(token: &[u8], text: &[u8], authorities: &Authorities) -> Result<TimeStamp, Refusal> {
    let signed = signed(token, text, None)?;
    if known(&signed, authorities, &Crls::none())? != token {
        return Err(invalid("it holds what no signature covers"));
    }
    Ok(signed.stamp)
}

/// Checks a token by itself where nobody says whose count: whether it is one over this text, signed by
/// the certificate that it brings, without unsigned attributes. Who that is remains open, and so do the
/// certificates above it.
///
/// # Errors
/// `TOO_LARGE`; `TIME_STAMP_INVALID`.
pub fn consistent(token: &[u8], text: &[u8]) -> Result<(), Refusal> {
    let signed = signed(token, text, None)?;
    let kind = signed.chain[0].key()?.kind();
    if signed.token.write(&signed.token.certificates, kind) != token {
        return Err(invalid("it holds what no signature covers"));
    }
    Ok(())
}
