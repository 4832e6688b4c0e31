//! OpenSSL reads what we write, verifies what we sign, and we take the requests it makes.

mod world;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{SystemTime, UNIX_EPOCH};

use tram_dispatch::UnixMillis;
use tram_pki::{
    Asked, Authority, Key, KeyAlgorithm, Reason, Request, Revoked, read_certificate,
    read_certificates, read_crl, write_certificates, write_crl,
};
use world::{DAY_MS, FORCED, Issued, NOW, STRICT, World, days, node, seal};

fn openssl(folder: &Path, arguments: &str) -> Output {
    Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .expect("openssl starts")
}

#[track_caller]
fn passes(folder: &Path, arguments: &str) -> String {
    let output = openssl(folder, arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments}\n{text}{output:?}");
    text
}

#[track_caller]
fn fails(folder: &Path, arguments: &str, words: &str) {
    let output = openssl(folder, arguments);
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!output.status.success() && text.contains(words), "{arguments}\n{text}");
}

#[test]
#[ignore = "needs openssl"]
fn openssl_agrees_about_chains_keys_and_lists() {
    for algorithm in [KeyAlgorithm::Ed25519, KeyAlgorithm::P256] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let write = |name: &str, text: String| fs::write(folder.join(name), text).unwrap();
        let mut world = World::new(algorithm);
        let good = world.issue(4, &seal("H41.12.03"), STRICT);
        let stray = world.issue(4, &seal("H41.12.04"), FORCED);
        let served = world.issue(4, &node("n1.H41.12.03"), STRICT);
        write("root.pem", write_certificates(&world.tiers[0].chain()[..1]));
        write("above.pem", write_certificates(&good.chain[1..]));
        for (name, issued) in [("good", &good), ("stray", &stray), ("served", &served)] {
            write(&format!("{name}.pem"), write_certificates(&issued.chain[..1]));
        }
        let verify = format!(
            "verify -x509_strict -attime {} -CAfile root.pem -untrusted above.pem",
            NOW.secs()
        );
        passes(folder, &format!("{verify} good.pem"));
        passes(
            folder,
            &format!(
                "{verify} -purpose sslserver -verify_hostname n1.03.12.h41.node.alt served.pem"
            ),
        );
        fails(folder, &format!("{verify} stray.pem"), "permitted subtree violation");

        let authority = &world.tiers[4];
        authority.key().write_new(&folder.join("ca.key")).unwrap();
        let public = passes(folder, "pkey -in ca.key -pubout -outform PEM");
        assert!(public.starts_with("-----BEGIN PUBLIC KEY-----"));
        let serial = read_certificate(&good.chain[0]).unwrap().serial;
        let revoked = [Revoked { serial, at: NOW, reason: Reason::Superseded }];
        let week = NOW.plus_ms(7 * DAY_MS);
        write("crl.pem", write_crl(&authority.sign_crl(1, NOW, week, &revoked).unwrap()));
        let checked = format!("{verify} -crl_check -CRLfile crl.pem");
        fails(folder, &format!("{checked} good.pem"), "certificate revoked");
        passes(folder, &format!("{checked} served.pem"));
        let shown = passes(folder, "crl -in crl.pem -noout -text");
        assert!(shown.contains("Superseded"), "{shown}");
    }
}

#[test]
#[ignore = "needs openssl"]
fn requests_and_lists_made_by_openssl_are_understood() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut world = World::new(KeyAlgorithm::Ed25519);
    for (name, key) in [
        ("ed", "-newkey ed25519"),
        ("p256", "-newkey ec -pkeyopt ec_paramgen_curve:P-256"),
        ("p384", "-newkey ec -pkeyopt ec_paramgen_curve:P-384"),
        ("rsa", "-newkey rsa:2048"),
    ] {
        let request = format!(
            "req -new {key} -nodes -keyout {name}.key -subj /CN=H41.12.03 -out {name}.csr \
             -addext subjectAltName=DNS:03.12.h41.agency.alt"
        );
        passes(folder, &request);
        let bytes = fs::read(folder.join(format!("{name}.csr"))).unwrap();
        let request = Request::parse(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(*request.asked(), Asked::For(seal("H41.12.03")));
        let authority = &world.tiers[4];
        let der = authority.issue(&request, days(30), &mut world.entropy, STRICT).unwrap();
        let info = read_certificate(&der).unwrap();
        assert_eq!(info.spki, request.spki_der());
        let text = write_certificates(&[der]);
        fs::write(folder.join("leaf.pem"), text).unwrap();
        passes(folder, "x509 -in leaf.pem -noout -text");
    }
    fs::write(folder.join("index.txt"), "").unwrap();
    fs::write(folder.join("number"), "0A\n").unwrap();
    let configuration = "[ca]\ndefault_ca=a\n[a]\ndatabase=index.txt\ncrlnumber=number\n\
                         default_md=sha256\ndefault_crl_days=9\n";
    fs::write(folder.join("ca.cnf"), configuration).unwrap();
    let authority = &World::new(KeyAlgorithm::P256).tiers[2];
    authority.key().write_new(&folder.join("ca.key")).unwrap();
    fs::write(folder.join("ca.pem"), write_certificates(&authority.chain()[..1])).unwrap();
    let command = "ca -config ca.cnf -gencrl -keyfile ca.key -cert ca.pem -out crl.pem";
    passes(folder, command);
    let bytes = fs::read(folder.join("crl.pem")).unwrap();
    assert_eq!(read_crl(&bytes).unwrap().number, Some(10));
}

/// The recipes of `certs/README.md`, run as they stand, make certificates that verify.
#[test]
#[ignore = "needs openssl"]
fn the_written_recipes_work() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../certs/README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let recipes: Vec<&str> = readme
        .split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .collect();
    assert_eq!(recipes.len(), 2);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("keys")).unwrap();
    // OpenSSL takes the present from the machine's clock, so this world does too.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() * 1000;
    let world = World::at(KeyAlgorithm::Ed25519, UnixMillis(now));
    for (name, tier) in [("centre", 1), ("h41.12", 3), ("h41.12.03", 4)] {
        let authority = &world.tiers[tier];
        authority.key().write_new(&folder.join(format!("{name}-ca.key"))).unwrap();
        let text = write_certificates(&authority.chain()[..1]);
        fs::write(folder.join(format!("{name}-ca.crt")), text).unwrap();
    }
    let run = |script: &str| {
        let output =
            Command::new("sh").args(["-euc", script]).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{script}\n{output:?}");
    };
    run(recipes[0]);
    let made = fs::read(folder.join("h41-ca.crt")).unwrap();
    let mut chain = read_certificates(&made).unwrap();
    chain.extend_from_slice(world.tiers[1].chain());
    let key = Key::read(&folder.join("h41-ca.key")).unwrap();
    let province = Authority::from_parts(key, chain).unwrap();
    assert_eq!(province.info().permitted, world.tiers[2].info().permitted);
    assert_eq!(province.info().path_len, world.tiers[2].info().path_len);
    assert_eq!(province.info().key_usage, world.tiers[2].info().key_usage);
    // The lower tiers of this world hang on its own province, so put that one in its place.
    let own = write_certificates(&world.tiers[2].chain()[..1]);
    fs::write(folder.join("h41-ca.crt"), own).unwrap();
    run(recipes[1]);
    let chain = read_certificates(&fs::read(folder.join("keys/tls.crt")).unwrap()).unwrap();
    let leaf = read_certificate(&chain[0]).unwrap();
    assert_eq!(leaf.speaks_for, Some(node("n1.H41.12.03")));
    assert_eq!(world.verify(&Issued { chain }, world::SERVER_AUTH, leaf.not_before), Ok(()));
}
