//! Rules every admission shares.

use std::collections::BTreeSet;

use tram_dispatch::envelope::Secrecy;
use tram_dispatch::{AgencyCode, Code, Envelope, Now};

use crate::engine::Engine;
use crate::quota::Way;
use crate::route::{Route, route};

/// A refusal that is the dispatch's own fault: the code and words for people.
pub(crate) type Objection = (Code, String);

impl Engine {
    /// Whether the wall clock may decide something irreversible: it agrees with a peer's within
    /// the limit, or the operator vouches for it.
    pub(crate) fn clock_certain(&self) -> bool {
        let limit = self.settings.clock_skew_ms_max;
        self.settings.clock_trusted
            || self
                .state
                .peers
                .values()
                .any(|p| p.clock_offset_ms.is_some_and(|o| o.unsigned_abs() <= limit))
    }

    /// Whether it carries a secrecy mark, also where a mark has no place: the first node looks everywhere.
    /// Never says what the field holds.
    pub(super) fn mark_objection(envelope: &Envelope) -> Option<Objection> {
        Self::secrecy_objection(envelope).or_else(|| {
            let marked = tram_dispatch::secrecy::marked(envelope)?;
            Some((Code::SecretRefused, format!("a secrecy mark stands in: {}", marked.field)))
        })
    }

    /// Whether it carries a secrecy mark where it belongs.
    pub(super) fn secrecy_objection(envelope: &Envelope) -> Option<Objection> {
        (envelope.secrecy != Secrecy::None)
            .then(|| (Code::SecretRefused, "the envelope carries a secrecy mark".to_owned()))
    }

    /// Whether words that a person gives can stand in evidence as they are.
    pub(crate) fn words_objection(words: &str) -> Option<Objection> {
        let max = tram_dispatch::limits::TEXT_BYTES_MAX;
        let fit = (1..=max).contains(&words.len()) && tram_dispatch::text::is_plain(words);
        let detail =
            || format!("words of 1 to {max} bytes on one line, without control characters");
        (!fit).then(|| (Code::BadRequest, detail()))
    }

    /// Whether it may live longer than this network allows: it would be held for as long.
    pub(super) fn lifetime_objection(&self, envelope: &Envelope) -> Option<Objection> {
        let lifetime = envelope.expires_at.since_ms(envelope.issued_at);
        let max = self.settings.lifetime_ms_max;
        let detail = || format!("a lifetime of {lifetime} ms is over the maximum of {max} ms");
        (lifetime > max).then(|| (Code::TimesInvalid, detail()))
    }

    /// Whether sealing time and lifetime are in bounds for this network.
    pub(super) fn times_objection(&self, now: Now, envelope: &Envelope) -> Option<Objection> {
        if let Some(objection) = self.lifetime_objection(envelope) {
            return Some(objection);
        }
        let latest = now.wall.plus_ms(tram_dispatch::limits::CLOCK_SKEW_MS_MAX);
        if self.clock_certain() && envelope.issued_at > latest {
            let detail =
                format!("sealed at {}, the clock here says {}", envelope.issued_at, now.wall);
            return Some((Code::TimesInvalid, detail));
        }
        None
    }

    /// Where it goes from here; every recipient must be reached.
    pub(super) fn ways(&self, envelope: &Envelope) -> Result<BTreeSet<Way>, Objection> {
        let way = |r: &AgencyCode| match route(&self.directory, self.me(), r) {
            Route::None(code) => Err((code, format!("recipient {r}"))),
            Route::Local => Ok(Way::Into(r.clone())),
            Route::Hop(next) => Ok(Way::Toward(next)),
        };
        envelope.recipients.iter().map(way).collect()
    }
}
