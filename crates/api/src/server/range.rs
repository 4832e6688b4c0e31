//! One byte range (RFC 9110 section 14.1.2).

use http::header::{IF_RANGE, RANGE};
use http::{HeaderMap, StatusCode};

use crate::Problem;

/// Which bytes to give: `[start, end)`, and whether that is a part (206) or all (200).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Selected {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) partial: bool,
}

/// Selects from a document of `size` bytes with this entity tag. Several ranges or an unknown unit
/// are ignored, as the RFC allows; one that lies outside is refused.
pub(super) fn select(headers: &HeaderMap, size: u64, etag: &str) -> Result<Selected, Problem> {
    let all = Selected { start: 0, end: size, partial: false };
    let other = headers.get(IF_RANGE).is_some_and(|v| v.as_bytes() != etag.as_bytes());
    let Some(value) = headers.get(RANGE).filter(|_| !other) else { return Ok(all) };
    let Some((start, end)) = value.to_str().ok().and_then(|text| parse(text, size)) else {
        return Ok(all);
    };
    if start >= end {
        let text = format!("the range lies outside the document's {size} bytes");
        return Err(Problem::bad_request(text).with_http(StatusCode::RANGE_NOT_SATISFIABLE));
    }
    Ok(Selected { start, end, partial: true })
}

fn parse(text: &str, size: u64) -> Option<(u64, u64)> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let number = |s: &str| -> Option<u64> {
        let digits = !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| s.parse().unwrap_or(u64::MAX))
    };
    match (first, last) {
        ("", suffix) => Some((size.saturating_sub(number(suffix)?), size)),
        (first, "") => Some((number(first)?, size)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then(|| (first, last.saturating_add(1).min(size)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn at(range: &'static str, size: u64) -> Result<Selected, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_static(range));
        select(&headers, size, "\"e\"")
    }

    fn part(start: u64, end: u64) -> Result<Selected, Problem> {
        Ok(Selected { start, end, partial: true })
    }

    #[test]
    fn ranges() {
        assert_eq!(at("bytes=0-9", 100), part(0, 10));
        assert_eq!(at("bytes=90-", 100), part(90, 100));
        assert_eq!(at("bytes=-10", 100), part(90, 100));
        assert_eq!(at("bytes=-1000", 100), part(0, 100));
        assert_eq!(at("bytes=50-18446744073709551615", 100), part(50, 100));
        for ignored in ["bytes=0-1,5-6", "lines=1-2", "bytes=5-2", "bytes=a-", "bytes=+1-2"] {
            assert!(!at(ignored, 100).unwrap().partial, "{ignored}");
        }
        for outside in ["bytes=100-", "bytes=99999999999999999999-", "bytes=-0"] {
            let status = at(outside, 100).unwrap_err().status();
            assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE, "{outside}");
        }
        assert!(at("bytes=0-0", 0).is_err());
    }

    #[test]
    fn a_range_for_another_version_gives_all() {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_static("bytes=5-"));
        headers.insert(IF_RANGE, HeaderValue::from_static("\"other\""));
        assert!(!select(&headers, 10, "\"e\"").unwrap().partial);
        headers.insert(IF_RANGE, HeaderValue::from_static("\"e\""));
        assert!(select(&headers, 10, "\"e\"").unwrap().partial);
    }
}
