//! One look into a sealed dispatch that was parsed before, for indexes: no copy, no digest.

use minicbor::Decoder;
use tram_dispatch::envelope::Urgency;

use super::{decode, key, meta};

/// What a document is found under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Numbered<'a> {
    /// Number, as sealed.
    pub number: Option<&'a str>,
    /// Notation, as sealed.
    pub notation: Option<&'a str>,
    /// Date of issue, as sealed: `YYYY-MM-DD`.
    pub issued_on: Option<&'a str>,
}

/// Number, notation and date of the document in a sealed dispatch. `None` where these bytes are none;
/// nothing else about them is checked.
#[must_use]
pub fn numbered(sealed: &[u8]) -> Option<Numbered<'_>> {
    document(&mut metadata(sealed)?)
}

/// How urgent a sealed dispatch is. `None` where these bytes are none; nothing else about them is checked.
#[must_use]
pub fn urgency(sealed: &[u8]) -> Option<Urgency> {
    let mut d = metadata(sealed)?;
    for _ in 0..d.map().ok()?? {
        if d.u64().ok()? == meta::URGENCY {
            return decode::urgency(&mut d).ok();
        }
        d.skip().ok()?;
    }
    None
}

/// Stands before the metadata of a sealed dispatch.
fn metadata(sealed: &[u8]) -> Option<Decoder<'_>> {
    let mut d = Decoder::new(sealed);
    d.tag().ok()?;
    d.array().ok()?;
    d.bytes().ok()?;
    d.skip().ok()?;
    let mut d = Decoder::new(d.bytes().ok()?);
    for _ in 0..d.map().ok()?? {
        if d.u64().ok()? == key::METADATA {
            return Some(d);
        }
        d.skip().ok()?;
    }
    None
}

fn document<'a>(d: &mut Decoder<'a>) -> Option<Numbered<'a>> {
    let mut found = Numbered::default();
    for _ in 0..d.map().ok()?? {
        match d.u64().ok()? {
            meta::NUMBER => found.number = Some(d.str().ok()?),
            meta::NOTATION => found.notation = Some(d.str().ok()?),
            meta::ISSUED_ON => found.issued_on = Some(d.str().ok()?),
            later if later > meta::ISSUED_ON => break,
            _ => d.skip().ok()?,
        }
    }
    Some(found)
}
