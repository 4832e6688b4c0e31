//! The way to a node on another machine: through its door, by a certificate.

use std::io;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use tokio::net::TcpStream;
use tram_api::{Client, Dial, Dialled};
use tram_dispatch::Code;
use tram_door::Duplex;
use tram_transport::{HttpsClient, Identity};

use super::failure::Failure;
use crate::daemon::keys;

/// How to reach a node on another machine.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Options of every command, for a node on another machine")]
pub(crate) struct Remote {
    /// Door of a node on another machine, as https://tram.example.vn:8443.
    #[arg(long, global = true, env = "TRAM_URL", value_name = "URL")]
    url: Option<String>,
    /// Certificate to show there, PEM, with those between it and its authority.
    #[arg(long, global = true, env = "TRAM_URL_CERTIFICATE", value_name = "FILE")]
    url_certificate: Option<PathBuf>,
    /// Private key of that certificate, PKCS#8 PEM.
    #[arg(long, global = true, env = "TRAM_URL_KEY", value_name = "FILE")]
    url_key: Option<PathBuf>,
    /// CA certificates, PEM, that the door's own must lead to.
    #[arg(long, global = true, env = "TRAM_URL_CA", value_name = "FILE")]
    url_ca: Option<PathBuf>,
}

/// Makes connections to one door.
struct Door {
    tls: HttpsClient,
    host: String,
    port: u16,
}

impl Dial for Door {
    fn dial(&self) -> Dialled<'_> {
        Box::pin(async {
            let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
            tcp.set_nodelay(true)?;
            let stream = self.tls.connect(&self.host, tcp).await?;
            Ok(Box::new(stream) as Box<dyn Duplex>)
        })
    }
}

impl Remote {
    /// Whether a door is named.
    pub(crate) fn is_named(&self) -> bool {
        self.url.is_some()
    }

    /// A client by the door, where one is named.
    ///
    /// # Errors
    /// `BAD_REQUEST` for what is missing or no URL; `UNREADABLE`.
    pub(crate) fn client(&self) -> Result<Option<Client>, Failure> {
        let Some(url) = &self.url else { return Ok(None) };
        let (host, port) = parts(url)
            .ok_or_else(|| Failure::usage(format!("--url {url}: write https://HOST[:PORT]")))?;
        let named = |file: &Option<PathBuf>, option: &str| {
            file.clone().ok_or_else(|| Failure::usage(format!("--url also needs {option} FILE")))
        };
        let certificate = named(&self.url_certificate, "--url-certificate")?;
        let key = named(&self.url_key, "--url-key")?;
        let ca = named(&self.url_ca, "--url-ca")?;
        let unreadable = |e: String| Failure::new(Code::Unreadable, e);
        let identity = Identity {
            chain_der: keys::chain(&certificate).map_err(unreadable)?,
            key_pkcs8_der: keys::pkcs8(&key).map_err(unreadable)?,
        };
        let anchors = keys::chain(&ca).map_err(unreadable)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let tls = HttpsClient::new(Some(&identity), &anchors, now.as_secs())
            .map_err(|e| Failure::new(Code::Unreadable, e.to_string()))?;
        let shown =
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let client = Client::over(Door { tls, host, port }, &shown);
        Ok(Some(client.map_err(|e| Failure::usage(io::Error::other(e).to_string()))?))
    }
}

/// Host, without the brackets of IPv6, and port of a URL without a path.
fn parts(url: &str) -> Option<(String, u16)> {
    let rest = url.strip_prefix("https://")?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['/', '?', '#', '@', ' ']) {
        return None;
    }
    let (host, port) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(host, port)| (host, port.strip_prefix(':')))?,
        None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map_or(Some(443), |port| port.parse().ok())?;
    (!host.is_empty() && port != 0).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_host_and_a_port() {
        let told = |url| parts(url).map(|(host, port)| format!("{host} {port}"));
        assert_eq!(told("https://tram.vn").as_deref(), Some("tram.vn 443"));
        assert_eq!(told("https://tram.vn:8443/").as_deref(), Some("tram.vn 8443"));
        assert_eq!(told("https://[::1]:8443").as_deref(), Some("::1 8443"));
        assert_eq!(told("https://[::1]").as_deref(), Some("::1 443"));
        for bad in ["http://tram.vn", "https://", "https://a:0", "https://a:b", "https://a/b", "a"]
        {
            assert_eq!(told(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let remote = Remote { url: Some("https://tram.vn".to_owned()), ..Remote::default() };
        let failure = remote.client().err().expect("it cannot work");
        assert_eq!(failure.code(), Code::BadRequest);
        assert!(Remote::default().client().is_ok_and(|client| client.is_none()));
    }
}
