//! Problems as RFC 9457 has them, all from the one table of codes.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use tram_dispatch::Code;
use tram_dispatch::codes::Retry;
use utoipa::ToSchema;

/// Media type of every error body.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// What comes before the code in a problem's `type`; `.invalid` never resolves (RFC 2606).
pub const TYPE_PREFIX: &str = "https://tram.invalid/errors/";
/// Longest detail, in characters; what is longer is cut.
pub const DETAIL_CHARS_MAX: usize = 1000;
/// When to try again what passes by itself, where nobody knows better, seconds.
pub const RETRY_DEFAULT_S: u64 = 5;

/// The language of a problem's title and remedy. Details stay English, as logs do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Vietnamese.
    Vietnamese,
}

impl Language {
    /// Chooses from `Accept-Language` (RFC 9110 section 12.5.4); English unless Vietnamese is
    /// preferred to it.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let (mut english, mut vietnamese) = (0.0_f32, 0.0_f32);
        let values = headers.get_all(http::header::ACCEPT_LANGUAGE);
        let texts = values.iter().filter_map(|v| v.to_str().ok());
        for item in texts.flat_map(|t| t.split(',')) {
            let mut parts = item.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default().to_ascii_lowercase();
            let q = parts.find_map(|p| p.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0_f32);
            match tag.split('-').next() {
                Some("vi") => vietnamese = vietnamese.max(q),
                Some("en" | "*") => english = english.max(q),
                _ => {}
            }
        }
        if vietnamese > english { Language::Vietnamese } else { Language::English }
    }

    /// The tag for `Accept-Language` and `Content-Language`.
    pub const fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Vietnamese => "vi",
        }
    }
}

/// What went wrong, before it is put into words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Problem {
    /// The row of the table.
    pub code: Code,
    /// What happened in this case, English, safe to show.
    pub detail: String,
    /// When to try again, seconds.
    pub retry_after_s: Option<u64>,
    /// How many bytes of an upload the node holds, where that is what the caller needs.
    pub upload_offset: Option<u64>,
    /// HTTP status where HTTP has a finer one than the table (405, 408, 415, 416, 431).
    http: Option<StatusCode>,
}

impl Problem {
    /// A problem with its particulars; control characters in `detail` are escaped. What passes by itself
    /// says when to try again: after [`RETRY_DEFAULT_S`], where nobody knows better.
    pub fn new(code: Code, detail: impl AsRef<str>) -> Self {
        let escaped = tram_dispatch::text::escaped(detail.as_ref());
        let detail = escaped.chars().take(DETAIL_CHARS_MAX).collect();
        let retry_after_s = matches!(code.row().retry, Retry::Later).then_some(RETRY_DEFAULT_S);
        Problem { code, detail, retry_after_s, upload_offset: None, http: None }
    }

    /// `BAD_REQUEST` with its particulars.
    pub fn bad_request(detail: impl AsRef<str>) -> Self {
        Self::new(Code::BadRequest, detail)
    }

    /// `BUSY`, to be tried again after `retry_after_s` seconds.
    pub fn busy(detail: impl AsRef<str>, retry_after_s: u64) -> Self {
        Self::new(Code::Busy, detail).retry_after(retry_after_s)
    }

    /// Says when to try again.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Says how many bytes of an upload the node holds.
    pub fn at_offset(mut self, offset: u64) -> Self {
        self.upload_offset = Some(offset);
        self
    }

    /// Uses a finer HTTP status than the table's.
    pub(crate) fn with_http(mut self, status: StatusCode) -> Self {
        self.http = Some(status);
        self
    }

    /// The HTTP status: the table's, or a finer one.
    pub fn status(&self) -> StatusCode {
        let table = StatusCode::from_u16(self.code.row().http);
        self.http.or(table.ok()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The problem in words.
    pub fn document(&self, language: Language) -> ProblemDocument {
        let row = self.code.row();
        let (title, remedy) = match language {
            Language::English => (row.cause, row.remedy),
            Language::Vietnamese => (row.cause_vi, row.remedy_vi),
        };
        let retry = match row.retry {
            Retry::Never => "never",
            Retry::Later => "later",
            Retry::AfterRemedy => "after_remedy",
        };
        ProblemDocument {
            kind: format!("{TYPE_PREFIX}{}", row.code),
            title: title.into(),
            status: self.status().as_u16(),
            code: row.code.into(),
            detail: self.detail.clone(),
            remedy: remedy.into(),
            retry: retry.into(),
            retry_after_s: self.retry_after_s,
            upload_offset: self.upload_offset,
        }
    }

    /// The response, in one language.
    pub(crate) fn response(self, language: Language) -> Response {
        let body = serde_json::to_vec(&self.document(language)).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(offset) = self.upload_offset {
            headers.insert(crate::routes::UPLOAD_OFFSET, HeaderValue::from(offset));
        }
        // Kept beside the body so that the outermost layer can put it into the caller's language.
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.response(Language::English)
    }
}

/// The JSON body of every error (RFC 9457). `code`, `remedy` and what follows are extension
/// members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemDocument {
    /// URI that names the kind of problem; ends in the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The cause, in the language asked for.
    pub title: String,
    /// HTTP status, as in the status line.
    pub status: u16,
    /// Stable code of the table in docs/errors.md.
    pub code: String,
    /// What happened in this case, English.
    pub detail: String,
    /// What to do, in the language asked for.
    pub remedy: String,
    /// Whether to try again: `never`, `later` or `after_remedy`.
    pub retry: String,
    /// When to try again, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
    /// How many bytes of an upload the node holds: where to continue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_offset: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(text: &'static str) -> Language {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::ACCEPT_LANGUAGE, HeaderValue::from_static(text));
        Language::from_headers(&headers)
    }

    #[test]
    fn language_follows_preference() {
        assert_eq!(language("vi"), Language::Vietnamese);
        assert_eq!(language("vi-VN,vi;q=0.9,en;q=0.5"), Language::Vietnamese);
        assert_eq!(language("en,vi;q=0.5"), Language::English);
        assert_eq!(language("fr"), Language::English);
        assert_eq!(Language::from_headers(&HeaderMap::new()), Language::English);
    }

    #[test]
    fn every_code_has_a_document_in_both_languages() {
        for code in Code::ALL {
            let problem = Problem::new(*code, "because");
            let (en, vi) =
                (problem.document(Language::English), problem.document(Language::Vietnamese));
            assert_eq!(en.status, code.row().http);
            assert_ne!(en.title, vi.title);
            // A refusal that passes by itself says when to come back, and no other does.
            assert_eq!(en.retry_after_s.is_some(), en.retry == "later", "{code}");
            let header = problem.into_response().headers().get(RETRY_AFTER).cloned();
            assert_eq!(header.is_some(), en.retry == "later", "{code}");
            assert_eq!((en.code, en.detail), (vi.code, vi.detail));
            assert!(en.kind.ends_with(code.as_str()));
        }
    }

    #[test]
    fn details_are_escaped_and_cut() {
        let problem = Problem::bad_request(format!("a\u{1b}[2J{}", "x".repeat(5000)));
        assert!(problem.detail.starts_with("a\\u{1b}[2J"));
        assert_eq!(problem.detail.chars().count(), DETAIL_CHARS_MAX);
    }
}
