//! What a dispatch says about itself: from a JSON file, from options, or from both.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::Value;
use tram_api::model::{
    SealDocument, SealMetadata, SealRequest, SealSigner, SecrecyMark, UrgencyLevel, misplaced_mark,
};
use tram_dispatch::group::Addressee;
use tram_dispatch::{AgencyCode, Code, Reference, UnixMillis};

use super::acts::Earlier;
use super::documents::{Local, local};
use crate::cli::failure::Failure;
use crate::cli::files;

/// Largest request file.
const REQUEST_BYTES_MAX: usize = 1 << 20;

/// Describes a dispatch. What an option says goes before what the file says.
#[derive(Args)]
pub(super) struct Describe {
    /// JSON as the API takes it for sealing by the node; its documents may be left out.
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
    /// The agency that seals.
    #[arg(long, value_name = "CODE", required_unless_present = "request")]
    from: Option<AgencyCode>,
    /// An agency addressed, or a group (communes-of:CODE, children-of:CODE, under:CODE, tier:N, group:NAME;
    /// see `tram group show`); may be repeated.
    #[arg(long, value_name = "CODE|GROUP", required_unless_present = "request")]
    to: Vec<Addressee>,
    /// Your own name for it, unique for ever: a repeat with the same content gets the first receipt.
    #[arg(long, value_name = "TEXT", required_unless_present = "request")]
    reference: Option<Reference>,
    /// What it is about (trích yếu).
    #[arg(long, value_name = "TEXT", required_unless_present = "request")]
    subject: Option<String>,
    /// Number (số).
    #[arg(long, value_name = "TEXT")]
    number: Option<String>,
    /// Notation (ký hiệu).
    #[arg(long, value_name = "TEXT")]
    notation: Option<String>,
    /// Type of document (loại văn bản).
    #[arg(long, value_name = "TEXT")]
    kind: Option<String>,
    /// Who signed the document.
    #[arg(long, value_name = "NAME")]
    signed_by: Option<String>,
    /// Date of issue, YYYY-MM-DD.
    #[arg(long, value_name = "DATE")]
    issued_on: Option<String>,
    /// How urgent it is.
    #[arg(long, value_enum)]
    urgency: Option<UrgencyArg>,
    /// The hour by which a flash-at dispatch is to arrive.
    #[arg(long, value_name = "TIME")]
    urgent_by: Option<UnixMillis>,
    /// Date by which an answer is due, YYYY-MM-DD.
    #[arg(long, value_name = "DATE")]
    due_on: Option<String>,
    /// The secrecy mark. Marked dispatches are refused: secret documents must not travel here.
    #[arg(long, value_enum)]
    secrecy: Option<SecrecyArg>,
    /// When the custodian gives up.
    #[arg(long, value_name = "TIME")]
    expires_at: Option<UnixMillis>,
    #[command(flatten)]
    earlier: Earlier,
    /// A document; may be repeated, the order is kept.
    #[arg(long, value_name = "FILE")]
    document: Vec<PathBuf>,
    /// Media type of the documents, where their names do not tell.
    #[arg(long, value_name = "TYPE")]
    media_type: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum UrgencyArg {
    Normal,
    Urgent,
    VeryUrgent,
    Flash,
    FlashAt,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SecrecyArg {
    None,
    Secret,
    TopSecret,
    UltraSecret,
}

/// A described dispatch, with the files of its documents.
pub(super) struct Described {
    pub(super) request: SealRequest,
    pub(super) reference: Reference,
    pub(super) files: Vec<Local>,
}

impl Describe {
    /// Puts file and options together and reads the documents for their digests.
    ///
    /// # Errors
    /// `BAD_REQUEST` naming what is missing; `UNREADABLE`; `DOCUMENT_MISSING` for a document of the
    /// file that no option gives.
    pub(super) fn read(self) -> Result<Described, Failure> {
        let files = local(&self.document)?;
        let mut request = match &self.request {
            Some(path) => from_file(path)?,
            None => empty(self.from.clone())?,
        };
        self.fill(&mut request);
        self.earlier.fill(&mut request)?;
        if request.documents.is_empty() {
            let named = |f| self.named(f);
            request.documents = files.iter().map(named).collect();
        }
        for document in &request.documents {
            if !files.iter().any(|f| f.sha256 == document.sha256.0) {
                let detail =
                    format!("{}: no --document has digest {}", document.name, document.sha256);
                return Err(Failure::new(Code::DocumentMissing, detail));
            }
        }
        let reference = request.reference.as_ref().map(|r| r.0.clone());
        let reference = reference.ok_or_else(|| Failure::usage("--reference is needed"))?;
        Ok(Described { request, reference, files })
    }

    fn fill(&self, request: &mut SealRequest) {
        if let Some(from) = &self.from {
            request.originator = from.clone().into();
        }
        if !self.to.is_empty() {
            (request.recipients, request.groups) = (Vec::new(), Vec::new());
            for to in &self.to {
                match to {
                    Addressee::Agency(code) => request.recipients.push(code.clone().into()),
                    Addressee::Group(group) => request.groups.push(group.to_string()),
                }
            }
        }
        if let Some(reference) = &self.reference {
            request.reference = Some(reference.clone().into());
        }
        if let Some(mark) = self.secrecy {
            request.secrecy = match mark {
                SecrecyArg::None => SecrecyMark::None,
                SecrecyArg::Secret => SecrecyMark::Secret,
                SecrecyArg::TopSecret => SecrecyMark::TopSecret,
                SecrecyArg::UltraSecret => SecrecyMark::UltraSecret,
            };
        }
        if let Some(at) = self.expires_at {
            request.expires_at = Some(at.into());
        }
        let m = &mut request.metadata;
        if let Some(subject) = &self.subject {
            m.subject.clone_from(subject);
        }
        for (option, field) in [
            (&self.number, &mut m.number),
            (&self.notation, &mut m.notation),
            (&self.kind, &mut m.kind),
            (&self.issued_on, &mut m.issued_on),
            (&self.due_on, &mut m.due_on),
        ] {
            if option.is_some() {
                field.clone_from(option);
            }
        }
        if let Some(name) = &self.signed_by {
            m.signer = Some(SealSigner { name: name.clone(), office: None });
        }
        if let Some(level) = self.urgency {
            m.urgency = match level {
                UrgencyArg::Normal => UrgencyLevel::Normal,
                UrgencyArg::Urgent => UrgencyLevel::Urgent,
                UrgencyArg::VeryUrgent => UrgencyLevel::VeryUrgent,
                UrgencyArg::Flash => UrgencyLevel::Flash,
                UrgencyArg::FlashAt => UrgencyLevel::FlashAt,
            };
        }
        if let Some(at) = self.urgent_by {
            m.urgent_by = Some(at.into());
        }
    }

    fn named(&self, file: &Local) -> SealDocument {
        let name = file.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let media_type = self.media_type.clone().unwrap_or_else(|| media_type(&name).to_owned());
        SealDocument { name, media_type, sha256: file.sha256.into() }
    }
}

fn from_file(path: &std::path::Path) -> Result<SealRequest, Failure> {
    let bad = |e: serde_json::Error| Failure::unreadable(path, e);
    let text = files::read_text(path, REQUEST_BYTES_MAX)?;
    let mut value: Value = serde_json::from_str(&text).map_err(bad)?;
    if let Some(object) = value.as_object_mut() {
        object.entry("documents").or_insert_with(|| Value::Array(Vec::new()));
    }
    let marked = misplaced_mark(&value);
    serde_json::from_value(value).map_err(|error| match marked {
        Some(field) => secret(field),
        None => bad(error),
    })
}

/// What is said of a word that marks the document as secret, where it has no place.
fn secret(field: &str) -> Failure {
    Failure::new(Code::SecretRefused, format!("a secrecy mark stands in: {field}"))
}

fn empty(from: Option<AgencyCode>) -> Result<SealRequest, Failure> {
    let originator = from.ok_or_else(|| Failure::usage("--from is needed"))?;
    Ok(SealRequest {
        originator: originator.into(),
        reference: None,
        recipients: Vec::new(),
        groups: Vec::new(),
        group: None,
        secrecy: SecrecyMark::None,
        metadata: SealMetadata::default(),
        act: None,
        documents: Vec::new(),
        expires_at: None,
        max_hops: None,
    })
}

/// The media type by the ending of a name; what is not known is bytes.
fn media_type(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "pdf" => "application/pdf",
        "edxml" => tram_edxml::MEDIA_TYPE,
        "xml" => "application/xml",
        "json" => "application/json",
        "txt" => "text/plain",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "tif" | "tiff" => "image/tiff",
        "zip" => "application/zip",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "odt" => "application/vnd.oasis.opendocument.text",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_go_by_the_ending() {
        assert_eq!(media_type("Chỉ thị.PDF"), "application/pdf");
        assert_eq!(media_type("pdf"), "application/octet-stream");
        assert_eq!(media_type("a.unknown"), "application/octet-stream");
    }

    #[test]
    fn a_file_without_documents_is_a_request() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.json");
        let text = r#"{"originator":"H41","recipients":["H41.12"],"metadata":{"subject":"a"}}"#;
        std::fs::write(&path, text).unwrap();
        let request = from_file(&path).unwrap();
        assert_eq!(request.recipients[0].to_string(), "H41.12");
        std::fs::write(&path, text.replace("subject", "subjct")).unwrap();
        let error = from_file(&path).unwrap_err();
        assert_eq!(error.code(), Code::Unreadable);
        assert!(format!("{error:?}").contains("subjct"), "{error:?}");
        let marked = text.replace(r#""subject""#, r#""urgency":"Tối mật","subject""#);
        std::fs::write(&path, marked).unwrap();
        assert_eq!(from_file(&path).unwrap_err().code(), Code::SecretRefused);
    }
}
