//! Looking agencies up by what a person types: a part of a name, with or without accents, or a code.

use std::ops::Bound;
use std::sync::Arc;

use tram_dispatch::directory::Agency;
use tram_dispatch::text::{accented, bare, comparable};
use tram_dispatch::{AgencyCode, Succession};

use super::{Directory, Resolution};

/// The texts that look-ups go through, one after the other in the order of the codes: 123,000 agencies are
/// some 7 MB, searched in milliseconds.
#[derive(Debug)]
pub(super) struct Names {
    text: String,
    /// Where the text of each agency ends.
    ends: Vec<usize>,
}

impl Names {
    fn of<'a>(agencies: impl Iterator<Item = &'a Agency>) -> Self {
        let (mut text, mut ends) = (String::new(), Vec::new());
        for agency in agencies {
            text.push_str(&bare(&agency.name));
            for code in std::iter::once(&agency.code).chain(&agency.former) {
                text.push('\n');
                text.push_str(&code.as_str().to_lowercase());
            }
            ends.push(text.len());
        }
        Names { text, ends }
    }

    fn nth(&self, n: usize) -> &str {
        let from = n.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let to = self.ends.get(n).copied().unwrap_or(from);
        self.text.get(from..to).unwrap_or_default()
    }
}

/// What is looked for.
#[derive(Clone, Debug)]
struct Wanted {
    bare: String,
    /// With its accents, where it has any: then they must agree. As typed, for a part of a word; and with
    /// the tones behind the words, for whole words.
    accented: Option<[String; 2]>,
    /// The code that it is, in whichever form of the two it was written.
    code: Option<AgencyCode>,
}

impl Wanted {
    fn new(text: &str) -> Self {
        let (bare, whole) = (bare(text), accented(text));
        let accented = (whole != bare).then(|| [comparable(text.trim()).to_lowercase(), whole]);
        Wanted { bare, accented, code: AgencyCode::parse(text.trim()).ok() }
    }

    fn is(&self, agency: &Agency, text: &str) -> bool {
        let agrees = |[typed, whole]: &[String; 2]| {
            comparable(&agency.name).to_lowercase().contains(typed)
                || accented(&agency.name).contains(whole)
        };
        let named = text.contains(&self.bare) && self.accented.as_ref().is_none_or(agrees);
        named || self.code.as_ref().is_some_and(|c| *c == agency.code || agency.former.contains(c))
    }
}

impl Directory {
    /// The agencies whose name, code or former code contains this text, by code; behind `after`, where it is
    /// given. Case, normal form and white space do not count; accents count only where the text has some:
    /// "hai duong" finds "Hải Dương". A code is known in its older form too.
    pub fn find<'a>(
        &'a self,
        text: &str,
        after: Option<&AgencyCode>,
    ) -> impl Iterator<Item = &'a Agency> + use<'a> {
        let agencies = &self.listed.agencies;
        let names = self.listed.names.get_or_init(|| Names::of(agencies.values()));
        let behind = after.map_or(Bound::Unbounded, |code| Bound::Excluded(code.clone()));
        let rest = agencies.range((behind, Bound::Unbounded));
        let skipped = after.map_or(0, |code| agencies.range(..=code.clone()).count());
        let wanted = Wanted::new(text);
        let hit = move |(n, (_, agency)): (usize, (&'a AgencyCode, &'a Agency))| {
            wanted.is(agency, names.nth(skipped + n)).then_some(agency)
        };
        rest.enumerate().filter_map(hit)
    }

    /// The open agency that receives what is addressed to this code, where that is another one.
    pub fn successor(&self, code: &AgencyCode) -> Option<&Agency> {
        match self.resolve(code) {
            Resolution::Successor { to, .. } => Some(to),
            _ => None,
        }
    }

    /// Which mailboxes are whose: the one place that says who acts for what is addressed to a closed
    /// agency, or to a former code. That another node holds the successor's own mailbox changes nothing.
    pub fn succession(&self) -> &Arc<Succession> {
        self.listed.succession.get_or_init(|| {
            let closed = self.listed.agencies.values().filter(|a| !a.open).map(|a| &a.code);
            let pairs = closed.chain(self.listed.former.keys()).filter_map(|code| {
                let to = match self.resolve(code) {
                    Resolution::Open(to) | Resolution::Successor { to, .. } => to,
                    Resolution::Closed | Resolution::Unknown => return None,
                };
                Some((code.clone(), to.code.clone()))
            });
            Arc::new(Succession::new(pairs))
        })
    }
}
