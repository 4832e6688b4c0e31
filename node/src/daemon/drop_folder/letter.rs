//! What a system writes as JSON: a dispatch in a folder of documents, or a status.

use serde::Deserialize;
use tram_api::Problem;
use tram_api::model::{
    RefusalCause, SealAct, SealDocument, SealMetadata, SealRequest, SecrecyMark, misplaced_mark,
};
use tram_api::text::{AgencyText, DispatchText, ReferenceText, StatusText, TimeText};
use tram_crypto::{Sha256Stream, sha256};
use tram_dispatch::{AgencyCode, Code, Digest, Reference, id::hex};
use tram_edxml::{Sniffed, media_type};

use super::snapshot::{Copy, LETTER};

/// `dispatch.json`: what the API is asked to seal, with files in place of uploads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    originator: Option<AgencyText>,
    reference: Option<ReferenceText>,
    #[serde(default)]
    recipients: Vec<AgencyText>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    secrecy: SecrecyMark,
    metadata: SealMetadata,
    act: Option<SealAct>,
    #[serde(default)]
    documents: Vec<DraftDocument>,
    expires_at: Option<TimeText>,
    max_hops: Option<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftDocument {
    /// A name in the same folder.
    file: String,
    /// As people are to see it; the file's where absent.
    name: Option<String>,
    /// Told by the bytes and the name where absent.
    media_type: Option<String>,
}

/// What the node is asked, under which name, and of which files in which order.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) reference: Reference,
    pub(super) request: SealRequest,
    pub(super) files: Vec<usize>,
}

/// A status file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StatusDraft {
    /// The dispatch, or who sent it and under which name.
    pub(super) dispatch: Option<DispatchText>,
    pub(super) originator: Option<AgencyText>,
    pub(super) reference: Option<ReferenceText>,
    pub(super) status: StatusText,
    pub(super) remark: Option<String>,
    /// With status 02: what kind of reason.
    pub(super) cause: Option<RefusalCause>,
}

fn bad(detail: impl AsRef<str>) -> Problem {
    Problem::bad_request(detail)
}

/// Names the whole content of a folder: two with the same are the same.
pub(super) fn content(letter: &[u8], files: &[(String, Copy)]) -> String {
    let mut hash = Sha256Stream::new();
    hash.update(b"tram drop folder");
    hash.update(&sha256(letter));
    for (name, copy) in files {
        hash.update(&sha256(name.as_bytes()));
        hash.update(copy.sha256.as_bytes());
    }
    Digest(hash.finish()).to_string()
}

/// Reads a status file.
pub(super) fn status(text: &[u8]) -> Result<StatusDraft, Problem> {
    serde_json::from_slice(text).map_err(|e| bad(format!("not a status: {e}")))
}

/// Reads a folder's JSON file. Of what carries a secrecy mark nothing is asked but that the node
/// refuses it.
pub(super) fn ask(
    agency: &AgencyCode,
    text: &[u8],
    files: &[(String, Copy)],
) -> Result<Asked, Problem> {
    let letter: Draft = serde_json::from_slice(text).map_err(|e| {
        let value = serde_json::from_slice(text).ok();
        match value.as_ref().and_then(misplaced_mark) {
            Some(field) => {
                Problem::new(Code::SecretRefused, format!("a secrecy mark stands in: {field}"))
            }
            None => bad(format!("{LETTER}: {e}")),
        }
    })?;
    if letter.originator.as_ref().is_some_and(|o| o.0 != *agency) {
        let detail = format!("{LETTER}: originator is not {agency}, whose folder this is");
        return Err(Problem::new(Code::NotAuthorised, detail));
    }
    let reference = match letter.reference {
        Some(reference) => reference.0,
        None => {
            let made = format!("drop:{}", &content(text, files)[..40]);
            made.parse().map_err(|e| bad(format!("reference: {e}")))?
        }
    };
    let (mut documents, mut used) = (Vec::new(), Vec::new());
    let mut metadata = letter.metadata;
    if letter.secrecy == SecrecyMark::None {
        for document in letter.documents {
            let at = files.iter().position(|(name, _)| *name == document.file);
            let Some(at) = at else {
                return Err(bad(format!("{LETTER}: there is no file {:?}", document.file)));
            };
            let (file, copy) = &files[at];
            let name = document.name.unwrap_or_else(|| file.clone());
            let sniffed = Sniffed::of(&copy.first);
            let media_type =
                document.media_type.unwrap_or_else(|| media_type(sniffed, &name, None));
            documents.push(SealDocument { name, media_type, sha256: copy.sha256.into() });
            used.push(at);
        }
        if let Some((left, _)) = files.iter().enumerate().find(|(i, _)| !used.contains(i)) {
            let detail = format!("{LETTER}: documents do not name the file {:?}", files[left].0);
            return Err(bad(detail));
        }
    } else {
        metadata = SealMetadata::default();
    }
    let request = SealRequest {
        originator: agency.clone().into(),
        reference: Some(reference.clone().into()),
        recipients: letter.recipients,
        groups: letter.groups,
        group: None,
        secrecy: letter.secrecy,
        metadata,
        act: letter.act,
        documents,
        expires_at: letter.expires_at,
        max_hops: letter.max_hops,
    };
    Ok(Asked { reference, request, files: used })
}

/// The name of a status file's content.
pub(super) fn content_of_file(sha256: Digest) -> String {
    hex(sha256.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agency() -> AgencyCode {
        AgencyCode::parse("H41.12").unwrap()
    }

    fn file(name: &str, bytes: &[u8]) -> (String, Copy) {
        let file = tempfile::tempfile().unwrap();
        let (size, sha256) = (bytes.len() as u64, Digest(sha256(bytes)));
        (name.to_owned(), Copy { file, size, sha256, first: bytes.to_vec() })
    }

    fn refused(text: &str, files: &[(String, Copy)]) -> (Code, String) {
        let problem = ask(&agency(), text.as_bytes(), files).unwrap_err();
        (problem.code, problem.detail)
    }

    const PLAIN: &str = r#"{"recipients":["H41"],"metadata":{"subject":"Báo cáo"},
        "documents":[{"file":"a.pdf","name":"báo cáo.pdf"},{"file":"b.csv"}]}"#;

    #[test]
    fn a_folder_is_what_the_api_is_asked() {
        let files = [file("a.pdf", b"%PDF-1.7"), file("b.csv", b"a,b")];
        let asked = ask(&agency(), PLAIN.as_bytes(), &files).unwrap();
        assert_eq!(asked.files, [0, 1]);
        let kinds: Vec<(&str, &str)> = asked
            .request
            .documents
            .iter()
            .map(|d| (d.name.as_str(), d.media_type.as_str()))
            .collect();
        assert_eq!(kinds, [("báo cáo.pdf", "application/pdf"), ("b.csv", "text/csv")]);
        // Without a reference its content names it: the same again is the same.
        let again = ask(&agency(), PLAIN.as_bytes(), &files).unwrap();
        assert_eq!(again.reference, asked.reference);
        assert!(asked.reference.as_str().starts_with("drop:"));
        let other = [file("a.pdf", b"%PDF-1.7"), file("b.csv", b"a,c")];
        assert_ne!(ask(&agency(), PLAIN.as_bytes(), &other).unwrap().reference, asked.reference);
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let files = [file("a.pdf", b"%PDF-1.7")];
        assert_eq!(refused("{", &files).0, Code::BadRequest);
        assert!(refused(PLAIN, &files).1.contains("b.csv"));
        let files = [file("a.pdf", b"1"), file("b.csv", b"2"), file("c", b"3")];
        assert!(refused(PLAIN, &files).1.contains("do not name the file \"c\""));
        let foreign = PLAIN.replacen('{', r#"{"originator":"H41","#, 1);
        assert_eq!(refused(&foreign, &files).0, Code::NotAuthorised);
        let up = PLAIN.replace("a.pdf", "../a.pdf");
        assert!(refused(&up, &files).1.contains("no file"));
        let marked = PLAIN.replace(r#""subject""#, r#""urgency":"mật","subject""#);
        assert_eq!(refused(&marked, &files).0, Code::SecretRefused);
        // A mark where it belongs: the node refuses it, and sees nothing else.
        let marked = PLAIN.replacen('{', r#"{"secrecy":"secret","#, 1);
        let asked = ask(&agency(), marked.as_bytes(), &files).unwrap();
        assert!(asked.request.documents.is_empty() && asked.request.metadata.subject.is_empty());
    }

    /// What is written there is altered at random, the same in each run: whatever it is, the node is asked
    /// something within the folder, or says why not in words that can be shown.
    #[test]
    fn whatever_a_letter_says_it_is_asked_or_refused_and_reaches_no_other_file() {
        use crate::mutate::{Dice, mutated};
        use tram_dispatch::text::is_plain;

        const WHOLE: &str = r#"{"originator":"H41.12","reference":"16/BC","recipients":["H41","G22"],
            "groups":["communes-of:H41"],"secrecy":"none","metadata":{"subject":"Về việc thử",
            "number":"16","notation":"BC","issued_on":"2026-11-20","urgency":"urgent"},
            "act":{"kind":"update","of":[{"originator":"H41.12","reference":"15/BC"}]},
            "documents":[{"file":"a.pdf","media_type":"application/pdf"},{"file":"b.csv"}],
            "expires_at":"2026-12-01T00:00:00Z","max_hops":8}"#;
        const MARKED: &str =
            r#"{"recipients":["H41"],"secrecy":"secret","metadata":{"subject":"x"}}"#;
        let samples = [PLAIN, WHOLE, MARKED].map(|text| text.as_bytes().to_vec());
        let files = [file("a.pdf", b"%PDF-1.7"), file("b.csv", b"a,b")];
        let (mut asked, mut refused) = (0, 0);
        for run in 0..20_000 {
            let text = mutated(&samples, &mut Dice::new(2026, run));
            match ask(&agency(), &text, &files) {
                Ok(letter) => {
                    let digests = letter.request.documents.iter().map(|d| d.sha256.0);
                    let of_files = letter.files.iter().map(|at| files[*at].1.sha256);
                    assert!(digests.eq(of_files), "{letter:?}");
                    assert_eq!(letter.request.originator.0, agency());
                    assert!(is_plain(letter.reference.as_str()), "{letter:?}");
                    asked += 1;
                }
                Err(problem) => {
                    assert!(is_plain(&problem.detail), "{problem:?}");
                    refused += 1;
                }
            }
        }
        assert!(asked > 100 && refused > 1_000, "{asked} asked, {refused} refused");
    }

    #[test]
    fn whatever_a_status_file_says_it_is_read_or_refused() {
        use crate::mutate::{Dice, mutated};
        use tram_dispatch::text::is_plain;

        let by_id = format!(
            r#"{{"dispatch":"{}","status":"02","remark":"Sai nơi nhận","cause":"wrong_addressee"}}"#,
            "ab".repeat(32)
        );
        let by_name = r#"{"originator":"H41","reference":"16/BC","status":"03"}"#;
        let samples = [by_id.as_str(), by_name].map(|text| text.as_bytes().to_vec());
        let (mut taken, mut refused) = (0, 0);
        for run in 0..20_000 {
            let text = mutated(&samples, &mut Dice::new(2026, run));
            match status(&text) {
                Ok(said) => {
                    let named = said.dispatch.is_some() || said.originator.is_some();
                    taken += usize::from(named);
                    assert!(said.reference.is_none_or(|r| is_plain(r.0.as_str())));
                }
                Err(problem) => {
                    assert!(is_plain(&problem.detail), "{problem:?}");
                    refused += 1;
                }
            }
        }
        assert!(taken > 100 && refused > 1_000, "{taken} taken, {refused} refused");
    }
}
