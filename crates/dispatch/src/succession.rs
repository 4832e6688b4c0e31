//! Which mailboxes are whose: an agency's own, and those under codes that mean it today.

use std::collections::BTreeMap;

use crate::AgencyCode;

/// By one directory, the open agency that each code means that is not an open agency's own: the successor
/// of a closed agency, at the end of the chain, and whoever has the code as a former one. Codes that mean
/// nobody are not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Succession {
    heirs: BTreeMap<AgencyCode, AgencyCode>,
    of: BTreeMap<AgencyCode, Vec<AgencyCode>>,
}

impl Succession {
    /// From pairs of a code and the open agency that it means. A pair of the same code twice is none, and
    /// of several pairs of one code the last counts.
    pub fn new(pairs: impl IntoIterator<Item = (AgencyCode, AgencyCode)>) -> Self {
        let heirs: BTreeMap<AgencyCode, AgencyCode> =
            pairs.into_iter().filter(|(code, heir)| code != heir).collect();
        let mut of: BTreeMap<AgencyCode, Vec<AgencyCode>> = BTreeMap::new();
        for (code, heir) in &heirs {
            of.entry(heir.clone()).or_default().push(code.clone());
        }
        Succession { heirs, of }
    }

    /// The open agency that takes what is addressed to this code, where that is another one.
    pub fn heir(&self, code: &AgencyCode) -> Option<&AgencyCode> {
        self.heirs.get(code)
    }

    /// The codes beside its own under which an agency has mailboxes, in their order.
    pub fn taken_over(&self, agency: &AgencyCode) -> &[AgencyCode] {
        self.of.get(agency).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a mailbox is this agency's: its own, or one that it took over.
    pub fn is_of(&self, mailbox: &AgencyCode, agency: &AgencyCode) -> bool {
        mailbox == agency || self.heir(mailbox) == Some(agency)
    }

    /// Every mailbox of an agency: its own first, then those that it took over.
    pub fn mailboxes<'a>(
        &'a self,
        agency: &'a AgencyCode,
    ) -> impl Iterator<Item = &'a AgencyCode> + use<'a> {
        std::iter::once(agency).chain(self.taken_over(agency))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> AgencyCode {
        text.parse().unwrap()
    }

    #[test]
    fn an_agency_has_its_own_mailbox_and_those_it_took_over() {
        let pairs = [("H41.12.08", "H41.12.03"), ("H41.12.07", "H41.12.03"), ("H41", "H41")];
        let succession = Succession::new(pairs.map(|(from, to)| (code(from), code(to))));
        let [old, other, heir] = ["H41.12.07", "H41.12.08", "H41.12.03"].map(code);
        let all: Vec<&AgencyCode> = succession.mailboxes(&heir).collect();
        assert_eq!(all, [&heir, &old, &other]);
        assert!(succession.is_of(&old, &heir) && succession.is_of(&heir, &heir));
        assert!(!succession.is_of(&heir, &old) && !succession.is_of(&old, &code("H41")));
        assert_eq!(succession.heir(&code("H41")), None);
        assert_eq!(succession.mailboxes(&old).count(), 1);
        assert!(Succession::default().taken_over(&heir).is_empty());
    }
}
