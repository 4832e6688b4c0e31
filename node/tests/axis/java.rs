//! The two HTTP stacks that the client library of the national axis is made of, the JDK's and Apache
//! HttpClient, with its reader of JSON: a program on them that does what the library does makes the whole
//! round of a document system against running nodes. Its sources are in `java/`; it is compiled here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tram_api::model::SealActKind;
use tram_pki::{read_certificate, write_certificates};

use crate::country::{Country, SYSTEMS, network, secret};
use crate::edxml::{document, document_id, status};
use crate::support::{Program, agency};

const JARS: [&str; 5] = ["httpclient", "httpcore", "commons-logging", "commons-codec", "gson"];

/// A name of a file and of an attachment.
const NAME: &str = "Công văn số 3";

/// The program, compiled.
struct Java {
    folder: tempfile::TempDir,
    class_path: String,
}

impl Java {
    fn compiled() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let jars: Vec<String> =
            JARS.iter().map(|name| format!("/usr/share/java/{name}.jar")).collect();
        for jar in &jars {
            assert!(Path::new(jar).exists(), "{jar} is missing: .ci/run installs its package");
        }
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/axis/java");
        let sources = fs::read_dir(sources).expect("the sources").map(|e| e.expect("one").path());
        let mut javac = Command::new("javac");
        javac.args(["-encoding", "UTF-8", "-Xlint:all,-path", "-Werror", "-cp", &jars.join(":")]);
        javac.arg("-d").arg(folder.path()).args(sources);
        run(&mut javac);
        let class_path = format!("{}:{}", folder.path().display(), jars.join(":"));
        Java { folder, class_path }
    }

    /// Makes the round; what the program says of it.
    fn round(&self, settings: &Settings, options: &[String]) -> String {
        let text: String = settings.0.iter().map(|(n, v)| format!("{n} = {v}\n")).collect();
        let file = self.folder.path().join("round.properties");
        fs::write(&file, text).expect("a file");
        let mut java = Command::new("java");
        // As on the machine of an agency: names of files and the platform's charset are UTF-8.
        java.env("LC_ALL", "C.UTF-8").args(["-Dfile.encoding=UTF-8", "-Xmx512m"]).args(options);
        java.args(["-cp", &self.class_path, "Round"]).arg(file);
        run(&mut java)
    }
}

fn run(command: &mut Command) -> String {
    let out = command.output().expect("java can be started: a JDK is needed");
    let [said, errors] = [out.stdout, out.stderr].map(|b| String::from_utf8_lossy(&b).into_owned());
    assert!(out.status.success(), "{said}{errors}");
    said
}

/// What the program is told.
struct Settings(BTreeMap<String, String>);

impl Settings {
    /// For a version of the library; the documents that it sends have this number and those after it.
    fn new(version: &str, first: u32, endpoints: [String; 2], folder: PathBuf) -> Self {
        let mut all = BTreeMap::new();
        let mut set = |name: &str, value: &str| all.insert(name.to_owned(), value.to_owned());
        set("version", version);
        for (tier, who) in ["recipient", "sender"].into_iter().enumerate() {
            set(&format!("{who}.endpoint"), &endpoints[tier]);
            set(&format!("{who}.system"), SYSTEMS[tier]);
            set(&format!("{who}.secret"), &secret(tier));
            set(&format!("{who}.code"), agency(tier).as_str());
            set(&format!("{who}.name"), &format!("Cơ quan {}", agency(tier)));
        }
        for n in 1..=5 {
            set(&format!("document.{n}"), &document_id(first + n, SYSTEMS[1]));
        }
        fs::create_dir_all(folder.join("store")).expect("a folder");
        set("files", folder.to_str().expect("text"));
        set("store", folder.join("store").to_str().expect("text"));
        write_files(&folder, first);
        Settings(all)
    }

    /// With connections that break, where they are not encrypted.
    fn tapped(mut self, country: &Country) -> Self {
        for (tier, who) in ["recipient", "sender"].into_iter().enumerate() {
            self.0.insert(format!("tap.{who}"), country.doors[tier].to_string());
        }
        self
    }
}

/// What the systems send: documents, and what the recipient says of them.
fn write_files(folder: &Path, first: u32) {
    let (to, from) = (SYSTEMS[0], SYSTEMS[1]);
    let put = |name: &str, file: &[u8]| {
        fs::write(folder.join(format!("{name}.edxml")), file).expect("a file");
    };
    let of = |n: u32, bytes: usize| document(first + n, from, &[to], &vec![b'%'; bytes]);
    put("1", &of(1, 3_000));
    put("2", &of(2, 15 << 20));
    let named = String::from_utf8(of(3, 3_000)).expect("text");
    put(NAME, named.replace("van-ban.pdf", &format!("{NAME}.pdf")).as_bytes());
    for n in [4, 5, 6] {
        put(&n.to_string(), &of(n, 3_000));
    }
    put("7", &of(7, 1 << 20));
    let about = |n: u32| document_id(first + n, from);
    for (code, n) in
        [("01", 1), ("02", 2), ("03", 1), ("04", 1), ("05", 1), ("06", 1), ("15", 4), ("16", 5)]
    {
        put(&format!("status-{code}"), &status(to, from, &about(n), code, "Đã xem xét"));
    }
    put("status-wrong", &status(to, from, &about(99), "03", ""));
    for n in [4, 5] {
        put(&format!("status-13-{n}"), &status(from, to, &about(n), "13", "Có sai sót"));
    }
}

#[tokio::test]
#[ignore = "needs java and httpclient"]
async fn both_versions_on_the_stacks_of_the_library_make_the_whole_round() {
    let country = Country::running(2).await;
    let java = Java::compiled();
    let endpoints = || [0, 1].map(|tier: usize| format!("http://{}", country.doors[tier]));
    for (version, first) in [("2.0.1", 200), ("2.0.0", 300)] {
        let folder = java.folder.path().join(version);
        let settings = Settings::new(version, first, endpoints(), folder).tapped(&country);
        let said = java.round(&settings, &[]);
        assert!(said.ends_with("11 steps done\n"), "{said}");
    }
    // What was sent several times is there once, and names are what they were.
    let client = country.nodes[0].client();
    let inbox = client.inbox(&agency(0), &Default::default()).await.expect("an inbox");
    let mut numbers = BTreeMap::new();
    for item in &inbox.items {
        let entry = client.inbox_entry(&agency(0), item.dispatch.0).await.expect("an entry");
        let number = entry.metadata.number.clone().unwrap_or_default();
        if number == "203" {
            assert_eq!(entry.documents[0].name, format!("{NAME}.pdf"));
        }
        if matches!(entry.act, SealActKind::New) {
            *numbers.entry(number).or_insert(0) += 1;
        }
    }
    for first in [200, 300] {
        for n in 1..=7 {
            let number = (first + n).to_string();
            assert_eq!(numbers.get(&number), Some(&1), "{number} in {numbers:?}");
        }
    }
}

#[tokio::test]
#[ignore = "needs java and httpclient"]
async fn the_stacks_of_the_library_make_the_round_over_tls_below_a_path() {
    let keys = "base = \"/axis\"\nhttps_certificate = \"keys/axis.crt\"\n\
                https_key = \"keys/axis.key\"";
    let (network, doors) = network(2, keys);
    let java = Java::compiled();
    let mut hosts = String::new();
    let mut endpoints = Vec::new();
    for (tier, files) in network.nodes.iter().enumerate() {
        let (chain, key) = network.authorities.node(tier, &files.id);
        let name = read_certificate(&chain[0]).expect("a certificate").names[0].clone();
        key.write_new(&files.folder.join("keys/axis.key")).expect("a key file");
        fs::write(files.folder.join("keys/axis.crt"), write_certificates(&chain)).expect("a file");
        hosts += &format!("{} {name}\n", doors[tier].ip());
        endpoints.push(format!("https://{name}:{}/axis", doors[tier].port()));
    }
    let nodes = network.start(&Program::tram()).await;
    let at = |name: &str| java.folder.path().join(name);
    fs::write(at("hosts"), hosts).expect("a file");
    fs::write(at("anchor.der"), network.authorities.anchor()).expect("a file");
    let mut keytool = Command::new("keytool");
    keytool.args(["-importcert", "-noprompt", "-storetype", "PKCS12", "-storepass", "password"]);
    run(keytool.arg("-file").arg(at("anchor.der")).arg("-keystore").arg(at("trusted.p12")));

    let endpoints: [String; 2] = endpoints.try_into().expect("two");
    let settings = Settings::new("2.0.1", 400, endpoints, at("files"));
    let hosts = format!("-Djdk.net.hosts.file={}", at("hosts").display());
    let trusted = [
        hosts.clone(),
        format!("-Djavax.net.ssl.trustStore={}", at("trusted.p12").display()),
        "-Djavax.net.ssl.trustStorePassword=password".to_owned(),
    ];
    let said = java.round(&settings, &trusted);
    assert!(said.ends_with("9 steps done\n"), "{said}");
    drop(nodes);
}
