//! What a call asks for, out of parameters among which those of earlier calls still stand: the client
//! fills one map and never clears it, and all of it is correctly signed. So for each call it is said
//! here which are trusted; the others are as if they were not there.

use tram_dispatch::UnixMillis;

use crate::clock;
use crate::doc_id::DocId;
use crate::params::Params;
use crate::refusal::{Number, Refusal, quoted};
use crate::route::Route;

/// Most recipients in `to`: what an envelope may have.
const TO_MAX: usize = tram_dispatch::limits::RECIPIENTS_MAX;

/// `messagetype`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `edoc`: documents.
    Document,
    /// `status`: statuses of documents.
    Status,
}

impl Kind {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Document => "edoc",
            Kind::Status => "status",
        }
    }

    fn of(params: &Params) -> Result<Self, Refusal> {
        match params.any("messagetype") {
            // Of statuses clients always say it.
            None => Ok(Kind::Document),
            Some(text) if text.eq_ignore_ascii_case("edoc") => Ok(Kind::Document),
            Some(text) if text.eq_ignore_ascii_case("status") => Ok(Kind::Status),
            Some(text) => Err(odd("messagetype", text, "edoc or status")),
        }
    }
}

/// What a recipient's system says of taking a document: no status of its handling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// `processing`: it is at it.
    Processing,
    /// `done`: it has it safely.
    Done,
    /// `fail`: it could not take it.
    Fail,
}

/// A page of `getReceivedEdocList`; everything pending where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Arrived at this time or later.
    pub from: Option<UnixMillis>,
    /// Arrived at this time or before.
    pub to: Option<UnixMillis>,
    /// Items to leave out.
    pub skip: usize,
    /// Most items.
    pub max: Option<usize>,
}

/// A call with what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Send a file.
    Send {
        /// What it is.
        kind: Kind,
        /// Who sends: an agency, or the system itself.
        from: Option<String>,
        /// The recipients, where the parameters say them; may be left over from an earlier document.
        to: Option<Vec<String>>,
        /// SHA-256 of the file, as the client writes it.
        hash_file: String,
    },
    /// List what waits.
    Received(Kind, ListQuery),
    /// Give a file as base64 in JSON.
    Get(DocId),
    /// Give a file.
    Download(DocId),
    /// Say what became of a file.
    Update {
        /// Which.
        id: DocId,
        /// Another id that stands in the parameters beside it.
        beside: Option<DocId>,
        /// What became of it.
        said: Transport,
        /// In words.
        description: Option<String>,
    },
    /// List what was sent, or how one document fared.
    Sent(Kind, Option<DocId>),
    /// Count what waits.
    Count(Kind),
    /// List the agencies, in one of three forms.
    Agencies(Route),
    /// Enter or change an agency; its data are the body.
    Register,
    /// Take an agency out.
    Delete(String),
}

impl Call {
    /// Reads what a call asks for.
    ///
    /// # Errors
    /// A parameter is missing or not what it must be.
    pub fn read(route: Route, params: &Params) -> Result<Self, Refusal> {
        Ok(match route {
            Route::Send => {
                let missing = || Refusal::new(Number::File, "hash-file is missing");
                Call::Send {
                    kind: Kind::of(params)?,
                    from: params.any("from").map(str::to_owned),
                    to: recipients(params)?,
                    hash_file: params.any("hash-file").ok_or_else(missing)?.to_owned(),
                }
            }
            Route::Received => Call::Received(Kind::of(params)?, list(params)),
            Route::Get => Call::Get(wanted(params)?),
            Route::Download => Call::Download(wanted(params)?),
            Route::Update => update(params)?,
            // The id of a document that was received may be left over from getEdoc: the node looks for
            // it among what the account sent, and gives everything where it is not there.
            Route::Sent => {
                let one = params.exact("docId").and_then(|text| text.parse().ok());
                Call::Sent(Kind::of(params)?, one)
            }
            Route::CountDocuments => Call::Count(Kind::Document),
            Route::CountStatuses => Call::Count(Kind::Status),
            Route::Agencies | Route::AgenciesQd20 | Route::Units => Call::Agencies(route),
            Route::Register => Call::Register,
            Route::Delete => {
                let missing = || Refusal::system("AgencyCode is missing");
                Call::Delete(params.any("AgencyCode").ok_or_else(missing)?.to_owned())
            }
        })
    }
}

fn odd(name: &str, value: &str, expected: &str) -> Refusal {
    Refusal::system(format!("{name} is \"{}\", expected {expected}", quoted(value)))
}

fn id(name: &str, text: &str) -> Result<DocId, Refusal> {
    text.trim().parse().map_err(|_| odd(name, text, "an id that this endpoint gave"))
}

/// The document of `getEdoc` and `downloadEdoc`: `docId` exactly so, else in any letters. `docid` beside
/// it is left over from `updateStatus`.
fn wanted(params: &Params) -> Result<DocId, Refusal> {
    let text = params.any("docId").ok_or_else(|| Refusal::system("docId is missing"))?;
    id("docId", text)
}

/// `updateStatus`: `docid` exactly so counts before `docId`, which may be left over from `getEdoc`.
fn update(params: &Params) -> Result<Call, Refusal> {
    let small = params.exact("docid").map(str::trim).filter(|t| !t.is_empty());
    let (named, beside) = match small {
        Some(text) => {
            (id("docid", text)?, params.exact("docId").and_then(|t| t.trim().parse().ok()))
        }
        None => (wanted(params)?, None),
    };
    let said = params.any("status").unwrap_or_default();
    let said = match said.to_ascii_lowercase().as_str() {
        "done" => Transport::Done,
        "fail" => Transport::Fail,
        "processing" => Transport::Processing,
        _ => return Err(odd("status", said, "done, fail or processing")),
    };
    let description = params.any("description").map(|t| quoted(t).chars().take(400).collect());
    Ok(Call::Update { id: named, beside: beside.filter(|b| *b != named), said, description })
}

/// `to`: JSON text in JSON text, a list or one; or a plain code.
fn recipients(params: &Params) -> Result<Option<Vec<String>>, Refusal> {
    let Some(text) = params.any("to") else { return Ok(None) };
    let many: Option<Vec<String>> = serde_json::from_str(text).ok();
    let one = || serde_json::from_str(text).ok().map(|one: String| vec![one]);
    let mut codes = many.or_else(one).unwrap_or_else(|| vec![text.to_owned()]);
    if codes.len() > TO_MAX {
        return Err(Refusal::new(Number::Recipient, format!("to names more than {TO_MAX}")));
    }
    codes.retain(|code| !code.trim().is_empty());
    Ok((!codes.is_empty()).then_some(codes))
}

/// What is not well formed is as if it were not there: to hide mail for it would lose mail.
fn list(params: &Params) -> ListQuery {
    let number = |name: &str| params.any(name).and_then(|text| text.parse::<usize>().ok());
    let size = number("pageSize").filter(|n| *n > 0);
    // Pages are counted from 1; 0 is taken for the first.
    let page = number("pageIndex").unwrap_or(1).max(1);
    ListQuery {
        from: params.any("fromDate").and_then(clock::asked),
        to: params.any("toDate").and_then(clock::asked),
        skip: size.map_or(0, |size| (page - 1).saturating_mul(size)),
        max: size,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tram_dispatch::DispatchId;

    fn params(members: &[(&str, &str)]) -> Params {
        let map: std::collections::BTreeMap<String, &str> =
            members.iter().map(|(n, v)| (format!("XroadVnpt-{n}"), *v)).collect();
        Params::read(&serde_json::to_vec(&map).unwrap()).unwrap()
    }

    fn ids() -> (DocId, DocId, String, String) {
        let [a, b] = [1, 2].map(|n| DocId::sent(DispatchId([n; 32])));
        (a, b, a.to_string(), b.to_string())
    }

    #[test]
    fn get_edoc_trusts_doc_id_and_not_the_one_left_over_in_small_letters() {
        let (a, _, new, old) = ids();
        let both = params(&[("docId", &new), ("docid", &old), ("status", "done")]);
        assert_eq!(Call::read(Route::Get, &both), Ok(Call::Get(a)));
        assert_eq!(Call::read(Route::Download, &both), Ok(Call::Download(a)));
        let small = params(&[("docid", &new)]);
        assert_eq!(Call::read(Route::Get, &small), Ok(Call::Get(a)));
        assert!(Call::read(Route::Get, &params(&[("docId", "a/b")])).is_err());
    }

    #[test]
    fn update_status_trusts_the_small_letters_first() {
        let (a, b, new, old) = ids();
        let read = |members: &[(&str, &str)]| Call::read(Route::Update, &params(members)).unwrap();
        let update = |id, beside, said| Call::Update { id, beside, said, description: None };
        let both = read(&[("docId", &old), ("docid", &new), ("status", "done")]);
        assert_eq!(both, update(a, Some(b), Transport::Done));
        let same = read(&[("docId", &new), ("docid", &new), ("status", "FAIL")]);
        assert_eq!(same, update(a, None, Transport::Fail));
        assert_eq!(
            read(&[("docId", &new), ("status", "processing")]),
            update(a, None, Transport::Processing)
        );
        assert!(Call::read(Route::Update, &params(&[("docId", &new), ("status", "06")])).is_err());
        assert!(Call::read(Route::Update, &params(&[("docId", &new)])).is_err());
    }

    #[test]
    fn a_list_ignores_what_was_left_over_and_keeps_to_its_page() {
        let (_, _, new, _) = ids();
        let stale = params(&[
            ("messagetype", "edoc"),
            ("status", "done"),
            ("docId", &new),
            ("to", "[\"H41\"]"),
            ("hash-file", "x"),
        ]);
        let all = ListQuery::default();
        assert_eq!(Call::read(Route::Received, &stale), Ok(Call::Received(Kind::Document, all)));
        let page = params(&[
            ("messagetype", "status"),
            ("pageSize", "10"),
            ("pageIndex", "3"),
            ("fromDate", "21/11/2026 21:25:03"),
            ("toDate", "soon"),
        ]);
        let from = clock::asked("21/11/2026 21:25:03");
        let third = ListQuery { from, to: None, skip: 20, max: Some(10) };
        assert_eq!(Call::read(Route::Received, &page), Ok(Call::Received(Kind::Status, third)));
        let odd = params(&[("pageSize", "0"), ("pageIndex", "-1")]);
        assert_eq!(Call::read(Route::Received, &odd), Ok(Call::Received(Kind::Document, all)));
    }

    #[test]
    fn to_is_a_list_one_code_in_quotes_or_plain() {
        for (text, codes) in [
            ("[\"000.00.31.H99\",\"H41\"]", vec!["000.00.31.H99", "H41"]),
            ("\"000.00.31.H99\"", vec!["000.00.31.H99"]),
            ("000.00.31.H99", vec!["000.00.31.H99"]),
        ] {
            let call =
                Call::read(Route::Send, &params(&[("to", text), ("hash-file", "ab")])).unwrap();
            let Call::Send { to: Some(to), kind, from, .. } = call else { panic!("{text}") };
            assert_eq!(
                (to, kind, from),
                (codes.iter().map(|c| (*c).to_owned()).collect(), Kind::Document, None)
            );
        }
        for empty in ["", "[]", "[\"\"]"] {
            let call = Call::read(Route::Send, &params(&[("to", empty), ("hash-file", "ab")]));
            assert!(matches!(call, Ok(Call::Send { to: None, .. })), "{empty}");
        }
        let none = Call::read(Route::Send, &params(&[("from", "x")])).unwrap_err();
        assert_eq!(none.number, Number::File);
    }

    #[test]
    fn counts_ask_for_nothing_and_deletion_for_a_code() {
        let stale = params(&[("messagetype", "status"), ("docId", "x")]);
        assert_eq!(Call::read(Route::CountDocuments, &stale), Ok(Call::Count(Kind::Document)));
        assert_eq!(Call::read(Route::CountStatuses, &stale), Ok(Call::Count(Kind::Status)));
        let code = params(&[("AgencyCode", "H41.12")]);
        assert_eq!(Call::read(Route::Delete, &code), Ok(Call::Delete("H41.12".into())));
        assert!(Call::read(Route::Delete, &stale).is_err());
    }
}
