//! `[webhook]` and `[[webhooks]]`: where the node announces events.

use std::net::IpAddr;
use std::path::PathBuf;

use tram_dispatch::AgencyCode;

use crate::files::Kind;
use crate::parse::{Paths, agency};
use crate::reader::{Found, Section};
use crate::time_stamps::{HttpUrl, url_of};

/// A receiver of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Whose events.
    pub agency: AgencyCode,
    /// Where they are sent; plain HTTP on loopback only.
    pub url: HttpUrl,
    /// The certificates (PEM) that the receiver's must lead to; present with `https` alone.
    pub anchors: Option<PathBuf>,
    /// The file that holds what events are signed with: one line.
    pub secret: PathBuf,
}

/// The receivers; what is wrong in one is reported, and it is left out.
pub(crate) fn read(document: &Section<'_>, paths: &mut Paths<'_>) -> Vec<Webhook> {
    let mut all: Vec<Webhook> = Vec::new();
    for section in document.tables("webhooks") {
        let code = section.required("agency").and_then(|f| agency(&section, &f));
        let found = section.required("url");
        let at = found.clone();
        let url = found.and_then(|found| url(&section, &found));
        let secret = section.required("secret");
        let secret = secret.and_then(|f| paths.claim(&section, &f, Kind::Secret));
        let anchors = section.text("anchors");
        let anchors = anchors.and_then(|f| paths.claim(&section, &f, Kind::Certificates));
        let (Some(agency), Some(url), Some(secret)) = (code, url, secret) else { continue };
        if url.tls && !section.has("anchors") {
            section.missing("anchors");
        }
        if let (false, Some(found)) = (url.tls, at)
            && section.has("anchors")
        {
            let remedy = "write https:// or leave anchors out";
            section.reader().report(found.at, &found.key, "plain HTTP has no anchors", remedy);
        }
        let same = |w: &Webhook| w.agency == agency && w.url.text == url.text;
        if let Some(first) = all.iter().position(same) {
            let what = format!("is webhooks[{}] once more", first + 1);
            section.reader().report(section.at(), section.path(), what, "keep one of them");
        }
        all.push(Webhook { agency, url, anchors, secret });
    }
    all
}

fn url(section: &Section<'_>, found: &Found<&str>) -> Option<HttpUrl> {
    let example = "https://qlvb.example.vn/tram";
    let (rest, tls) =
        match (found.value.strip_prefix("https://"), found.value.strip_prefix("http://")) {
            (Some(rest), _) => (rest, true),
            (_, Some(rest)) => (rest, false),
            (None, None) => {
                let what = format!("\"{}\" is not a URL", found.value.escape_default());
                let remedy = format!("write it as \"{example}\"");
                section.reader().report(found.at, &found.key, what, remedy);
                return None;
            }
        };
    let url = url_of(section, found, rest, tls, &format!("write it as \"{example}\""))?;
    let host = url.address.host.as_str();
    let local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if !url.tls && !local {
        let remedy = "write https:// and name the receiver's anchors, or send to 127.0.0.1";
        let what = "plain HTTP would show events to the network";
        section.reader().report(found.at, &found.key, what, remedy);
        return None;
    }
    Some(url)
}
