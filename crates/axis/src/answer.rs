//! Answers, with exactly the members that the client reads, in ASCII alone: one of its two ways of
//! reading takes nothing else. A list that lacks `data` makes callers crash, a refused `sendEdoc` without
//! `DocId` loses its reason, and a missing `status` is taken for success; so every answer is made here.

use std::io;

use bytes::Bytes;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use crate::doc_id::DocId;
use crate::port::{Agency, Received, SentRow};
use crate::refusal::Refusal;
use crate::route::Route;

/// What follows the file in an answer that carries one.
pub(crate) const FILE_END: &str = "\"}";

#[derive(Serialize)]
struct Answer<'a, T> {
    status: &'static str,
    #[serde(rename = "ErrorCode")]
    error_code: &'a str,
    #[serde(rename = "ErrorDesc")]
    error_desc: &'a str,
    #[serde(flatten)]
    more: T,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct Sent<'a> {
    #[serde(rename = "DocId")]
    doc_id: &'a str,
}

#[derive(Serialize)]
struct Data<T> {
    data: T,
}

#[derive(Serialize)]
struct Count {
    count: u64,
}

/// Nothing but success.
pub(crate) fn done() -> Bytes {
    success(Nothing {})
}

/// `sendEdoc` succeeded.
pub(crate) fn sent(id: DocId) -> Bytes {
    success(Sent { doc_id: &id.to_string() })
}

/// Items of `getReceivedEdocList`.
pub(crate) fn received(items: &[Received]) -> Bytes {
    success(Data { data: items })
}

/// Rows of `getSentEdocList`.
pub(crate) fn rows(rows: &[SentRow]) -> Bytes {
    success(Data { data: rows })
}

/// A count.
pub(crate) fn count(count: u64) -> Bytes {
    success(Count { count })
}

/// What stands before the file in the answer to `getEdoc`; base64 and [`FILE_END`] follow.
pub(crate) fn file_begin() -> Bytes {
    Bytes::from_static(b"{\"status\":\"OK\",\"ErrorCode\":\"0\",\"ErrorDesc\":\"\",\"data\":\"")
}

/// What stands before the items of a list that is made while it is sent; items with commas between them
/// and `]}` follow.
pub(crate) fn list_begin() -> Bytes {
    Bytes::from_static(b"{\"status\":\"OK\",\"ErrorCode\":\"0\",\"ErrorDesc\":\"\",\"data\":[")
}

/// An agency as one of the three lists has it; none where the list leaves it out.
pub(crate) fn agency(route: Route, agency: &Agency) -> Option<Vec<u8>> {
    if agency.code.is_empty() || agency.name.is_empty() {
        return None;
    }
    match route {
        Route::Units => Some(ascii(&Unit::of(agency))),
        _ if !agency.open => None,
        Route::AgenciesQd20 => Some(ascii(&Qd20::of(agency))),
        _ => Some(ascii(&Listed::of(agency))),
    }
}

#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<&'a str>,
    code: &'a str,
    name: &'a str,
    mail: &'a str,
    #[serde(rename = "oldCode", skip_serializing_if = "Option::is_none")]
    old_code: Option<&'a str>,
}

impl<'a> Listed<'a> {
    fn of(a: &'a Agency) -> Self {
        let (pid, old_code) = (a.parent.as_deref(), a.old_code.as_deref());
        Listed { id: &a.code, pid, code: &a.code, name: &a.name, mail: "", old_code }
    }
}

#[derive(Serialize)]
struct Qd20<'a> {
    id: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code102: Option<&'a str>,
    name: &'a str,
    mail: &'a str,
}

impl<'a> Qd20<'a> {
    fn of(a: &'a Agency) -> Self {
        let (code, code102) = (&a.code_qd20, a.code_102.as_deref());
        Qd20 { id: code, code, code102, name: &a.name, mail: "" }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Unit<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<&'a str>,
    code: &'a str,
    name: &'a str,
    mail: &'a str,
    version: u64,
    deleted: bool,
    modify_date: &'a str,
    is_agency: bool,
}

impl<'a> Unit<'a> {
    fn of(a: &'a Agency) -> Self {
        Unit {
            id: &a.code,
            pid: a.parent.as_deref(),
            code: &a.code,
            name: &a.name,
            mail: "",
            version: a.version,
            deleted: !a.open,
            modify_date: &a.changed_at,
            is_agency: true,
        }
    }
}

/// A refusal, in the shape that the call's reader needs; none where nothing but an empty body is safe.
pub(crate) fn refused(route: Option<Route>, refusal: &Refusal) -> Option<Bytes> {
    let Refusal { number, text, .. } = refusal;
    let number = number.as_str();
    Some(match route {
        // Whatever is not empty is stored as the document, and called success.
        Some(Route::Download) => return None,
        Some(Route::Send) => failure(number, text, Sent { doc_id: "" }),
        Some(Route::Get) => failure(number, text, Data { data: "" }),
        Some(
            Route::Received | Route::Sent | Route::Agencies | Route::AgenciesQd20 | Route::Units,
        ) => failure(number, text, Data { data: [(); 0] }),
        Some(Route::CountDocuments | Route::CountStatuses) => {
            failure(number, text, Count { count: 0 })
        }
        Some(Route::Update | Route::Register | Route::Delete) | None => {
            failure(number, text, Nothing {})
        }
    })
}

fn success<T: Serialize>(more: T) -> Bytes {
    ascii(&Answer { status: "OK", error_code: "0", error_desc: "", more }).into()
}

fn failure<T: Serialize>(number: &str, text: &str, more: T) -> Bytes {
    ascii(&Answer { status: "FAIL", error_code: number, error_desc: text, more }).into()
}

/// JSON of plain values: texts, numbers, lists.
fn ascii<T: Serialize>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut out, Ascii);
    // Neither such values nor a vector refuse anything.
    let _ = value.serialize(&mut serializer);
    out
}

/// Compact JSON with `\u` for everything outside ASCII.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| !c.is_ascii()) {
            CompactFormatter.write_string_fragment(writer, &rest[..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        CompactFormatter.write_string_fragment(writer, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Number;
    use serde_json::{Value, json};

    fn value(bytes: &[u8]) -> Value {
        assert!(bytes.is_ascii());
        serde_json::from_slice(bytes).unwrap()
    }

    #[test]
    fn every_refusal_has_the_three_members_and_what_its_call_needs() {
        let refusal = Refusal::new(Number::Recipient, "không có đơn vị 😀");
        for (route, name) in Route::ALL {
            let Some(bytes) = refused(Some(route), &refusal) else {
                assert_eq!(route, Route::Download, "{name}");
                continue;
            };
            let answer = value(&bytes);
            assert_eq!(answer["status"], "FAIL", "{name}");
            assert_eq!(answer["ErrorCode"], "18", "{name}");
            assert_eq!(answer["ErrorDesc"], "không có đơn vị 😀", "{name}");
            match route {
                Route::Send => assert_eq!(answer["DocId"], ""),
                Route::Get => assert_eq!(answer["data"], ""),
                Route::CountDocuments | Route::CountStatuses => assert_eq!(answer["count"], 0),
                Route::Update | Route::Register | Route::Delete => {}
                _ => assert_eq!(answer["data"], json!([])),
            }
        }
        assert!(refused(None, &refusal).is_some());
    }

    #[test]
    fn a_list_says_what_is_there_and_never_null() {
        let item = Received {
            doc_id: "1".into(),
            service_type: "eDoc",
            message_type: "edoc",
            created_time: "21/11/2026 21:25:03".into(),
            updated_time: "21/11/2026 21:25:03".into(),
            from: "H41".into(),
            to: "H41.12".into(),
            status: "initial",
            status_desc: None,
        };
        let answer = value(&received(&[item]));
        assert_eq!((&answer["status"], &answer["ErrorCode"]), (&json!("OK"), &json!("0")));
        assert_eq!(answer["data"][0]["created_time"], "21/11/2026 21:25:03");
        assert_eq!(answer["data"][0]["messageType"], "edoc");
        assert!(answer["data"][0].get("status_desc").is_none());
        assert_eq!(value(&received(&[]))["data"], json!([]));
        assert_eq!(value(&count(3))["count"], 3);
        let whole = [file_begin(), "YWJj".into(), FILE_END.into()].concat();
        assert_eq!(value(&whole)["data"], "YWJj");
        assert_eq!(value(&[list_begin(), "]}".into()].concat())["data"], json!([]));
    }

    #[test]
    fn agencies_in_three_forms() {
        let mut it = Agency {
            code: "000.00.12.H41".into(),
            code_qd20: "H41.12".into(),
            code_102: Some("000.00.12.H41".into()),
            old_code: Some("000.00.99.H41".into()),
            parent: Some("000.00.00.H41".into()),
            name: "Huyện \"Thử\"\n".into(),
            open: true,
            version: 7,
            changed_at: "21/11/2026 21:25:03".into(),
        };
        let form = |route, it: &Agency| agency(route, it).map(|bytes| value(&bytes));
        let listed = form(Route::Agencies, &it).unwrap();
        assert_eq!(listed["code"], "000.00.12.H41");
        assert_eq!(listed["oldCode"], "000.00.99.H41");
        assert_eq!(listed["name"], "Huyện \"Thử\"\n");
        let qd20 = form(Route::AgenciesQd20, &it).unwrap();
        assert_eq!((&qd20["code"], &qd20["code102"]), (&json!("H41.12"), &json!("000.00.12.H41")));
        let unit = form(Route::Units, &it).unwrap();
        assert_eq!((&unit["deleted"], &unit["version"]), (&json!(false), &json!(7)));
        assert_eq!(
            (&unit["modifyDate"], &unit["isAgency"]),
            (&json!("21/11/2026 21:25:03"), &json!(true))
        );
        it.open = false;
        assert_eq!(form(Route::Agencies, &it), None);
        assert_eq!(form(Route::Units, &it).unwrap()["deleted"], true);
        it.name.clear();
        assert_eq!(form(Route::Units, &it), None);
    }
}
