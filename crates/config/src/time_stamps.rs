//! `[timestamp]`: the server of time-stamps (RFC 3161) and whose count.

use std::path::PathBuf;

use crate::files::Kind;
use crate::limits::TimeStampPace;
use crate::parse::{Paths, host_port};
use crate::reader::{Found, Section};
use crate::values::HostPort;

/// Longest path of a server, bytes.
const PATH_BYTES_MAX: usize = 1024;

/// Where time-stamps come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeStamps {
    /// The server, by plain HTTP.
    pub server: HttpUrl,
    /// The certificates (PEM or DER) that its own must lead to.
    pub anchors: PathBuf,
    /// How often one is asked for.
    pub pace: TimeStampPace,
}

/// `http://HOST[:PORT][/PATH]`, or `https`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpUrl {
    /// Where to connect; port 80 or 443 where none is written.
    pub address: HostPort,
    /// The path with its query, beginning with a slash.
    pub path: String,
    /// Whether it is `https`.
    pub tls: bool,
    /// As it was written.
    pub text: String,
}

/// `None` without the table, and where something in it is wrong: that is reported.
pub(crate) fn read(section: &Section<'_>, paths: &mut Paths<'_>) -> Option<TimeStamps> {
    let pace = TimeStampPace::read(section);
    if !section.has("url") && !section.has("anchors") {
        return None;
    }
    let server = section.required("url").and_then(|found| url(section, &found));
    let anchors = section.required("anchors");
    let anchors = anchors.and_then(|found| paths.claim(section, &found, Kind::Anchors));
    Some(TimeStamps { server: server?, anchors: anchors?, pace })
}

fn url(section: &Section<'_>, found: &Found<&str>) -> Option<HttpUrl> {
    let reader = section.reader();
    let Some(rest) = found.value.strip_prefix("http://") else {
        let what = format!("\"{}\" is not a URL that begins with http://", found.value);
        let remedy = "write it as \"http://tsa.example.vn/tsr\"; what is sent is a digest and what \
                      comes back is signed, so nothing is lost without TLS";
        reader.report(found.at, &found.key, what, remedy);
        return None;
    };
    url_of(section, found, rest, false, "write it as \"http://tsa.example.vn/tsr\"")
}

/// Takes what follows the scheme apart.
pub(crate) fn url_of(
    section: &Section<'_>,
    found: &Found<&str>,
    rest: &str,
    tls: bool,
    remedy: &str,
) -> Option<HttpUrl> {
    let reader = section.reader();
    let cut = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(cut);
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'#' | b'"' | b'<' | b'>' | b'\\');
    if path.len() > PATH_BYTES_MAX || !path.bytes().all(plain) || authority.contains('@') {
        let what = format!("\"{}\" is not a URL of a server", found.value.escape_default());
        reader.report(found.at, &found.key, what, remedy);
        return None;
    }
    let port = if tls { 443 } else { 80 };
    let has_port = authority.rsplit_once(':').is_some_and(|(_, p)| !p.ends_with(']'));
    let address = if has_port { authority.to_owned() } else { format!("{authority}:{port}") };
    let shown = Found { value: &address[..], at: found.at, key: found.key.clone() };
    let address = host_port(section, &shown)?;
    Some(HttpUrl { address, path, tls, text: found.value.to_owned() })
}
