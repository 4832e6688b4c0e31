//! The questions whose answers are timed, and what they are asked about.

use crate::answers::{Answers, calendar};
use crate::country::{BEGIN, Country, DAY_MS, signer};
use tram_crypto::Sign;
use tram_dispatch::{AgencyCode, Code, Day, DispatchId, NodeId, UnixMillis};
use tram_engine::Record;
use tram_spool::store::{
    Arrival, ArrivalQuery, BetweenQuery, NumberQuery, RefusalQuery, StoreReader, Sum, Sums,
    TouchedBy, TouchedQuery,
};
use tram_wire::Receipt;

/// What is asked about; short, so that another process can be told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    dispatch: DispatchId,
    number: String,
    originator: AgencyCode,
    recipient: AgencyCode,
    sent: u64,
    /// To which something waits too long.
    waiting: AgencyCode,
    /// Registered something late not long ago.
    tardy: AgencyCode,
    /// What arrived before this moment and waits is overdue.
    border: u64,
    now: u64,
    node: NodeId,
}

/// A question: what it is called, and how it is asked. It gives how much was found, never nothing.
pub(crate) type Question = (&'static str, fn(&Asked, &StoreReader) -> u64);

pub(crate) const QUESTIONS: &[Question] = &[
    ("one dispatch, all its records", Asked::one_dispatch),
    ("one document number", Asked::one_number),
    ("from A to B, thirty days", Asked::between),
    ("refusals of 35 days, first 500", |asked, reader| {
        asked.refusals(reader, asked.month(RefusalQuery::default()))
    }),
    ("refusals of one reason, first 500", |asked, reader| {
        let code = Some(Code::SecretRefused);
        asked.refusals(reader, RefusalQuery { code, ..RefusalQuery::default() })
    }),
    ("refusals of one node, first 500", |asked, reader| {
        let node = Some(asked.node.clone());
        asked.refusals(reader, RefusalQuery { node, ..RefusalQuery::default() })
    }),
    ("refusals of one agency", |asked, reader| {
        let agency = Some(asked.recipient.clone());
        asked.refusals(reader, RefusalQuery { agency, ..RefusalQuery::default() })
    }),
    ("overdue, first 500", |asked, reader| asked.overdue(reader, None)),
    ("overdue, one agency", |asked, reader| asked.overdue(reader, Some(asked.waiting.clone()))),
    ("overdue by urgency, first 500", Asked::overdue_by_urgency),
    ("registered late in 35 days, first 500", |asked, reader| asked.late(reader, None)),
    ("registered late in 35 days, one agency", |asked, reader| {
        asked.late(reader, Some(asked.tardy.clone()))
    }),
    ("statistics, one day", |asked, reader| asked.statistics(reader, asked.last(), 1)),
    ("statistics, thirty days", |asked, reader| asked.statistics(reader, asked.last(), 30)),
    ("statistics, 365 days", |asked, reader| asked.statistics(reader, asked.last(), 365)),
    // Nine days at each end that make up nothing longer.
    ("statistics, 12 January to 29 December", |asked, reader| {
        asked.statistics(reader, "2026-12-29".parse().unwrap(), 352)
    }),
    ("statistics, one agency, 365 days", |asked, reader| {
        let (first, last) = (Day::of(BEGIN), asked.last());
        let agency = Some(&asked.recipient);
        legs(&reader.statistics(first, last, agency, &calendar()).unwrap())
    }),
    ("what a key sealed, first 500", |_, reader| {
        let certificate = tram_dispatch::Digest(tram_crypto::sha256(b"certificate"));
        touched(reader, TouchedBy::Certificate(certificate))
    }),
    ("what a node said and handed over, first 500", |asked, reader| {
        touched(reader, TouchedBy::Node(asked.node.clone(), None))
    }),
    ("sampled receipts, 200, each verified", |_, reader| receipts_verify(reader, 200)),
];

fn touched(reader: &StoreReader, by: TouchedBy) -> u64 {
    let query = TouchedQuery { by, from: None, to: None, after: None, limit: 500 };
    reader.touched(&query).unwrap().unwrap().items.len() as u64
}

fn legs(sums: &Sums) -> u64 {
    sums.iter().flat_map(|party| party.values()).map(|sum: &Sum| sum.tally.sent).sum()
}

/// Receipts of leaves here and there: each proof leads to a root that is really signed.
pub(crate) fn receipts_verify(reader: &StoreReader, count: u64) -> u64 {
    let size = reader.log_head().size;
    let signer = signer();
    let key = signer.public_key();
    for n in 0..count {
        let leaf = 1 + (n * 2_654_435_761) % (size - 1);
        let receipt = reader.receipt(leaf).unwrap().unwrap();
        let receipt = Receipt::parse(receipt.raw()).unwrap();
        assert_eq!(receipt.leaf_index(), leaf);
        let signature = &receipt.signed_root().signature;
        key.verify(signer.algorithm(), &receipt.to_be_signed(), signature).unwrap();
    }
    count
}

impl Asked {
    /// Something out of the middle of what the generator remembers.
    pub(crate) fn about(answers: &Answers<'_>, country: &Country) -> Self {
        let leg = answers.middle();
        let dispatch = country.dispatches[leg.dispatch as usize];
        let Record::Held(held) = answers.reader.records_of(&dispatch).unwrap().remove(0) else {
            panic!("custody begins with it")
        };
        let late = country.legs.iter().find(|leg| answers.waiting(leg)).unwrap();
        let mut asked = Asked {
            dispatch,
            number: held.reference.as_str().trim_end_matches("/CV").to_owned(),
            originator: answers.agency(leg.originator).clone(),
            recipient: answers.agency(leg.recipient).clone(),
            sent: leg.sent,
            waiting: answers.agency(late.recipient).clone(),
            tardy: answers.agency(leg.recipient).clone(),
            border: answers.border().0,
            now: country.now,
            node: country.node.clone(),
        };
        let (from, to) = asked.span();
        let query = ArrivalQuery { late: true, recipient: None, from, to, after: None, limit: 1 };
        let found = answers.reader.arrivals(&query, |_| true).unwrap().items;
        asked.tardy = found.first().unwrap().recipient.clone();
        asked
    }

    pub(crate) fn to_text(&self) -> String {
        let Asked { dispatch, number, originator, recipient, sent, .. } = self;
        let Asked { waiting, tardy, border, now, node, .. } = self;
        format!(
            "{dispatch} {number} {originator} {recipient} {sent} {waiting} {tardy} {border} {now} {node}"
        )
    }

    pub(crate) fn of_text(text: &str) -> Self {
        let words: Vec<&str> = text.split(' ').collect();
        let agency = |n: usize| AgencyCode::parse_canonical(words[n]).unwrap();
        Asked {
            dispatch: words[0].parse().unwrap(),
            number: words[1].to_owned(),
            originator: agency(2),
            recipient: agency(3),
            sent: words[4].parse().unwrap(),
            waiting: agency(5),
            tardy: agency(6),
            border: words[7].parse().unwrap(),
            now: words[8].parse().unwrap(),
            node: words[9].parse().unwrap(),
        }
    }

    fn one_dispatch(&self, reader: &StoreReader) -> u64 {
        let records = reader.records_of(&self.dispatch).unwrap();
        assert!(matches!(&records[0], Record::Held(held) if held.dispatch == self.dispatch));
        records.len() as u64
    }

    fn one_number(&self, reader: &StoreReader) -> u64 {
        let ask = |number: String, notation: Option<&str>, year| {
            let notation = notation.map(str::to_owned);
            reader.numbered(&self.originator, &NumberQuery { number, notation, year }).unwrap()
        };
        let (number, id) = (&self.number, self.dispatch);
        assert_eq!(ask(number.clone(), None, None), [id]);
        assert_eq!(ask(format!("{number}/cv-ubnd"), None, Some(2026)), [id]);
        assert_eq!(ask(number.clone(), Some("CV-UBND"), Some(2026)), [id]);
        for (notation, year) in [(Some("BC-UBND"), None), (None, Some(2025))] {
            assert!(ask(number.clone(), notation, year).is_empty());
        }
        assert!(ask(format!("{number}0000000"), None, None).is_empty());
        1
    }

    fn between(&self, reader: &StoreReader) -> u64 {
        let (from, to) = (self.sent.saturating_sub(20 * DAY_MS), self.sent + 10 * DAY_MS);
        let (from, to) = (Some(UnixMillis(from)), Some(UnixMillis(to)));
        let query = BetweenQuery { from, to, after: None, limit: 500 };
        reader.between(&self.originator, &self.recipient, &query).unwrap().items.len() as u64
    }

    /// Those of some 35 days before the end.
    fn span(&self) -> (Option<UnixMillis>, Option<UnixMillis>) {
        let before = |days: u64| Some(UnixMillis(self.now.saturating_sub(days * DAY_MS)));
        (before(40), before(5))
    }

    fn month(&self, query: RefusalQuery) -> RefusalQuery {
        let (from, to) = self.span();
        RefusalQuery { from, to, ..query }
    }

    fn refusals(&self, reader: &StoreReader, query: RefusalQuery) -> u64 {
        let query = RefusalQuery { limit: 500, failures: true, ..query };
        reader.refusals(&query).unwrap().items.len() as u64
    }

    fn overdue(&self, reader: &StoreReader, recipient: Option<AgencyCode>) -> u64 {
        let to = Some(UnixMillis(self.border));
        let query = ArrivalQuery { to, recipient, limit: 500, ..ArrivalQuery::default() };
        reader.arrivals(&query, |_| true).unwrap().items.len() as u64
    }

    /// What is overdue by its urgency: everything that waits is looked at, up to now.
    fn overdue_by_urgency(&self, reader: &StoreReader) -> u64 {
        let (now, calendar) = (UnixMillis(self.now), calendar());
        let query = ArrivalQuery { to: Some(now), limit: 500, ..ArrivalQuery::default() };
        let due = |a: &Arrival| calendar.register_by(a.arrived, a.urgency) <= now;
        reader.arrivals(&query, due).unwrap().items.len() as u64
    }

    fn late(&self, reader: &StoreReader, recipient: Option<AgencyCode>) -> u64 {
        let (from, to) = self.span();
        let query = ArrivalQuery { late: true, recipient, from, to, after: None, limit: 500 };
        reader.arrivals(&query, |_| true).unwrap().items.len() as u64
    }

    fn last(&self) -> Day {
        Day::of(UnixMillis(self.now))
    }

    /// The counts of so many days, for each agency and party.
    fn statistics(&self, reader: &StoreReader, last: Day, days: u32) -> u64 {
        let first = Day((last.0 + 1).saturating_sub(days));
        let sums = reader.statistics(first, last, None, &calendar()).unwrap();
        sums.iter().map(|party| party.len() as u64).sum()
    }
}
