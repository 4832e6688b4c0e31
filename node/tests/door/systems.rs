//! An agency's own authority, the certificates of its document systems, and clients that show them.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::net::TcpStream;
use tram_api::{Client, Dial, Dialled};
use tram_crypto::SystemEntropy;
use tram_dispatch::UnixMillis;
use tram_door::Duplex;
use tram_pki::{Key, KeyAlgorithm, write_certificates};
use tram_transport::{HttpsClient, Identity};
use tram_trust::certificate::Certificate;
use tram_trust::fixtures::{Authority, Leaf};

use crate::support::files::NodeFiles;
use crate::support::wall_now;

/// The name in the certificate of every door.
pub(crate) const NAME: &str = "tram.example.vn";
/// Where the door of the first tier listens; those below behind it.
pub(crate) const PORT: u16 = 8_443;
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// One authority for the doors' certificates and those of systems.
pub(crate) struct Systems {
    ca: Authority,
}

impl Systems {
    pub(crate) fn new(name: &str) -> Self {
        let (from, until) = (ago(10 * DAY_MS), wall_now().plus_ms(30 * DAY_MS));
        Systems { ca: Authority::root(name, from, until) }
    }

    fn issue(&self, names: &[&str], from: UnixMillis, until: UnixMillis) -> Identity {
        let key = Key::generate(KeyAlgorithm::P256, &mut SystemEntropy::new()).expect("a key");
        let leaf = Leaf {
            subject: names[0].to_owned(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            ..Leaf::node(names[0], from, until)
        };
        let der = self.ca.issue(&leaf, &key.spki_der());
        Identity { chain_der: vec![der], key_pkcs8_der: key.pkcs8_der().to_vec() }
    }

    /// A good certificate with this name, as subject and as dNSName.
    pub(crate) fn system(&self, name: &str) -> Identity {
        self.issue(&[name], ago(HOUR_MS), wall_now().plus_ms(DAY_MS))
    }

    /// One that ran out an hour ago.
    pub(crate) fn expired(&self, name: &str) -> Identity {
        self.issue(&[name], ago(DAY_MS), ago(HOUR_MS))
    }

    /// A revocation list, PEM; `age` seconds old.
    pub(crate) fn list(&self, revoked: &[&Identity], age_s: u64) -> String {
        let made = ago(age_s * 1_000);
        let serial = |i: &&Identity| {
            Certificate::parse(&i.chain_der[0]).expect("a certificate").serial().to_vec()
        };
        let serials: Vec<Vec<u8>> = revoked.iter().map(serial).collect();
        let entries: Vec<(&[u8], UnixMillis)> = serials.iter().map(|s| (&s[..], made)).collect();
        tram_pki::write_crl(&self.ca.crl(&entries, made, wall_now().plus_ms(DAY_MS)))
    }

    /// Gives a node a door at this address; `systems` are the tables `[[door_systems]]`, `more` further
    /// lines of `[door]`.
    pub(crate) fn open(&self, files: &NodeFiles, at: SocketAddr, more: &str, systems: &str) {
        let own = self.issue(&[NAME, "localhost"], ago(HOUR_MS), wall_now().plus_ms(DAY_MS));
        write(&own, &files.folder.join("keys/door.crt"), &files.folder.join("keys/door.key"));
        self.write_ca(&files.folder.join("keys/systems.crt"));
        let mut config = fs::read_to_string(&files.config).expect("a file");
        config += &format!(
            "[door]\nlisten = \"{at}\"\ncertificate = \"keys/door.crt\"\nkey = \"keys/door.key\"\n\
             authorities = \"keys/systems.crt\"\n{more}\n{systems}"
        );
        fs::write(&files.config, config).expect("a file");
    }

    /// The authority's own certificate, PEM.
    pub(crate) fn write_ca(&self, path: &Path) {
        fs::write(path, write_certificates(&[self.ca.der().to_vec()])).expect("a file");
    }

    /// TLS as a system at this moment does it.
    pub(crate) fn tls(&self, identity: Option<&Identity>) -> HttpsClient {
        let anchors = [self.ca.der().to_vec()];
        HttpsClient::new(identity, &anchors, wall_now().secs()).expect("a client")
    }

    /// A client of the door at this address.
    pub(crate) fn client(&self, identity: &Identity, at: SocketAddr) -> Client {
        Client::over(Dialler(self.tls(Some(identity)), at), NAME).expect("a client")
    }
}

/// A table `[[door_systems]]`.
pub(crate) fn system(name: &str, shown: &str, agencies: &str, roles: &str) -> String {
    format!(
        "[[door_systems]]\nname = \"{name}\"\n{shown}\nagencies = {agencies}\nroles = [{roles}]\n"
    )
}

/// Certificate and key as files.
pub(crate) fn write(identity: &Identity, certificate: &Path, key: &Path) {
    fs::write(certificate, write_certificates(&identity.chain_der)).expect("a file");
    let own = Key::from_pkcs8_der(&identity.key_pkcs8_der).expect("a key");
    own.write_new(key).expect("a key file");
}

/// The files that tools of others need.
pub(crate) fn files_of(identity: &Identity, folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let (certificate, key) =
        (folder.join(format!("{name}.crt")), folder.join(format!("{name}.key")));
    write(identity, &certificate, &key);
    (certificate, key)
}

fn ago(ms: u64) -> UnixMillis {
    UnixMillis(wall_now().0 - ms)
}

struct Dialler(HttpsClient, SocketAddr);

impl Dial for Dialler {
    fn dial(&self) -> Dialled<'_> {
        Box::pin(async {
            let tcp = TcpStream::connect(self.1).await?;
            Ok(Box::new(self.0.connect(NAME, tcp).await?) as Box<dyn Duplex>)
        })
    }
}
