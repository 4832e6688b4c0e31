//! `[door]` and `[[door_systems]]`: what is read, and what is refused in which words.

mod fixture;

use fixture::{Fixture, WHOLE, accounts, messages};
use tram_config::{Config, Role, Shown};

const DOOR: &str = "[door]\nlisten = \"0.0.0.0:8443\"\ncertificate = \"keys/door.crt\"\n\
                    key = \"keys/door.key\"\nauthorities = \"keys/systems.crt\"\n";
const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn fixture() -> Fixture {
    let fixture = Fixture::new();
    fixture.certificate("keys/door.crt");
    fixture.key("keys/door.key", "door");
    fixture.certificate("keys/systems.crt");
    fixture
}

fn system(name: &str, shown: &str) -> String {
    format!(
        "[[door_systems]]\nname = \"{name}\"\n{shown}\nagencies = [\"000.00.12.H41\"]\n\
         roles = [\"submit\", \"collect\"]\n"
    )
}

fn said(text: &str) -> String {
    messages(&fixture(), &format!("{WHOLE}{text}"))
}

#[test]
fn systems_are_known_by_their_certificates() {
    let colons: Vec<String> = SHA256
        .as_bytes()
        .chunks(2)
        .map(|two| String::from_utf8_lossy(two).to_ascii_uppercase())
        .collect();
    let text = [
        format!("{WHOLE}{DOOR}connections_max = 9\n"),
        system("a", &format!("sha256 = \"{}\"", colons.join(":"))),
        system("b", "subject = \"CN=van-thu, O=So Noi vu\""),
        system("c", "san = \"dns:VanThu.example.vn\""),
        system("d", "san = \"email:vanthu@example.vn\""),
        system("e", "san = \"uri:urn:vn:h41\""),
    ]
    .concat();
    let fixture = fixture();
    assert_eq!(messages(&fixture, &text), "accepted");
    let config = Config::parse(&text, &fixture.path("t.toml"), &accounts());
    let door = config.unwrap_or_else(|e| panic!("{e}")).door.expect("it is there");
    assert_eq!((door.listen.port(), door.limits.connections_max), (8443, 9));
    assert_eq!(door.revocation_lists.len(), 0);
    let shown: Vec<Shown> = door.systems.iter().map(|s| s.shown.clone()).collect();
    let expected = [
        Shown::Sha256(SHA256.parse().expect("a digest")),
        Shown::Subject("CN=van-thu, O=So Noi vu".into()),
        Shown::Dns("vanthu.example.vn".into()),
        Shown::Email("vanthu@example.vn".into()),
        Shown::Uri("urn:vn:h41".into()),
    ];
    assert_eq!(shown, expected);
    let first = &door.systems[0];
    assert!(first.agencies.contains(&"H41.12".parse().expect("a code")));
    assert!(first.roles.contains(&Role::Submit) && !first.roles.contains(&Role::Operate));
}

#[test]
fn it_is_off_unless_it_has_an_address() {
    let fixture = fixture();
    for off in ["", "[door]\n", "[door]\nconnections_max = 3\n"] {
        let text = format!("{WHOLE}{off}");
        assert_eq!(messages(&fixture, &text), "accepted");
        let config = Config::parse(&text, &fixture.path("t.toml"), &accounts());
        assert_eq!(config.unwrap_or_else(|e| panic!("{e}")).door, None);
    }
    let forgotten = said(&system("a", "san = \"dns:a.vn\""));
    assert!(forgotten.contains("door.listen: missing"), "{forgotten}");
}

#[test]
fn what_makes_no_sense_is_told() {
    let nobody = said(DOOR);
    assert!(nobody.contains("door: nobody may come in"), "{nobody}");
    for key in ["certificate", "key", "authorities"] {
        let less: String = DOOR
            .lines()
            .filter(|l| !l.starts_with(&format!("{key} ")))
            .fold(String::new(), |s, l| s + l + "\n");
        let told = said(&format!("{less}{}", system("a", "san = \"dns:a.vn\"")));
        assert!(told.contains(&format!("door.{key}: missing")), "{told}");
    }
    let same = DOOR.replace("keys/door.key", "keys/tls.key");
    let same = said(&format!("{same}{}", system("a", "san = \"dns:a.vn\"")));
    assert!(same.contains("is the same key as"), "{same}");
    let twice = [system("a", "san = \"dns:a.vn\""), system("a", "san = \"dns:A.vn\"")].concat();
    let twice = said(&format!("{DOOR}{twice}"));
    assert!(twice.contains("\"a\" is already door_systems[1]"), "{twice}");
    assert!(twice.contains("this certificate is already door_systems[1]"), "{twice}");
    for (shown, expected) in [
        ("", "does not say which certificate"),
        (
            "san = \"dns:a.vn\"\nsubject = \"CN=a\"",
            "says in 2 ways which certificate (subject, san)",
        ),
        ("sha256 = \"12:34\"", "\"12:34\" is not a SHA-256"),
        ("subject = \"\"", "not a subject"),
        ("san = \"a.vn\"", "\"a.vn\" is not a kind and a name"),
        ("san = \"ip:10.0.0.1\"", "kinds are dns, email, uri"),
    ] {
        let told = said(&format!("{DOOR}{}", system("a", shown)));
        assert!(told.contains(expected), "{told}");
    }
    let spaced = said(&format!("{DOOR}{}", system("a b", "san = \"dns:a.vn\"")));
    assert!(spaced.contains("\"a b\" is not a name"), "{spaced}");
    let nothing = system("a", "san = \"dns:a.vn\"").replace("[\"submit\", \"collect\"]", "[]");
    let nothing = said(&format!("{DOOR}{nothing}"));
    assert!(nothing.contains("grants nothing"), "{nothing}");
}
