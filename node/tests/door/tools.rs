//! What others bring: curl, and Python's standard library.

use std::path::Path;
use std::process::Command;

use crate::systems::{NAME, files_of};
use crate::work::Country;

struct Files {
    folder: tempfile::TempDir,
    country: Country,
}

async fn files() -> Files {
    let country = Country::running("", |_, _| String::new()).await;
    let folder = tempfile::tempdir().expect("a folder");
    files_of(&country.systems[0], folder.path(), "van-thu");
    country.authority.write_ca(&folder.path().join("ca.crt"));
    Files { folder, country }
}

fn said(command: &mut Command, folder: &Path) -> String {
    let out = command.current_dir(folder).output().expect("the tool can be started");
    let text = [out.stdout, out.stderr].concat();
    String::from_utf8(text).expect("text")
}

#[tokio::test]
#[ignore = "needs curl"]
async fn curl_speaks_through_the_door_in_both_versions_of_tls() {
    let files = files().await;
    let at = files.country.doors[0];
    let url = format!("https://{NAME}:{}/v1/status", at.port());
    let resolve = format!("{NAME}:{}:{}", at.port(), at.ip());
    for version in [&["--tls-max", "1.2"][..], &["--tlsv1.3"]] {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--cacert", "ca.crt", "--resolve", &resolve, &url]).args(version);
        let stranger = said(&mut curl, files.folder.path());
        assert!(stranger.contains("CERTIFICATE_UNTRUSTED"), "{stranger}");
        curl.args(["--cert", "van-thu.crt", "--key", "van-thu.key"]);
        let known = said(&mut curl, files.folder.path());
        assert!(known.contains("\"node\":\"n1.G22\""), "{known}");
    }
}

const PYTHON: &str = r#"
import http.client, json, ssl, sys
host, port, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
tls = ssl.create_default_context(cafile="ca.crt")
tls.load_cert_chain("van-thu.crt", "van-thu.key")
class Door(http.client.HTTPSConnection):
    def connect(self):
        http.client.HTTPConnection.connect(self)
        self.sock = tls.wrap_socket(self.sock, server_hostname=name)
door = Door(host, port)
for _ in range(2):
    door.request("GET", "/v1/status")
    answer = door.getresponse()
    print(answer.status, json.load(answer)["node"], door.sock.version())
"#;

#[tokio::test]
#[ignore = "needs python3"]
async fn python_speaks_through_the_door_twice_on_one_connection() {
    let files = files().await;
    let at = files.country.doors[0];
    let mut python = Command::new("python3");
    python.args(["-c", PYTHON, &at.ip().to_string(), &at.port().to_string(), NAME]);
    let lines = said(&mut python, files.folder.path());
    assert_eq!(lines.lines().filter(|l| l.starts_with("200 n1.G22 TLSv1.3")).count(), 2, "{lines}");
}
