//! `[axis]` and `[[axis_accounts]]`: what is read, and what is refused in which words.

mod fixture;

use fixture::{Fixture, WHOLE, accounts, messages};
use tram_config::Config;

const SEAL: &str =
    "[[seals]]\nagency = \"H41.12\"\ncertificate = \"keys/seal.crt\"\nkey = \"keys/seal.key\"\n";

const ACCOUNT: &str = "[[axis_accounts]]\nsystem_id = \"000.00.12.H41\"\nsecret = \"keys/axis.secret\"\n\
                       agencies = [\"000.00.12.H41\"]\nroles = [\"submit\", \"collect\"]\n";

fn fixture() -> Fixture {
    let fixture = Fixture::new();
    fixture.file("keys/axis.secret", "c2VjcmV0IHNlY3JldCBzZWNyZXQ=\n", 0o600);
    fixture.certificate("keys/axis.crt");
    fixture.key("keys/axis.key", "axis");
    fixture
}

fn text(axis: &str, account: &str) -> String {
    format!("{WHOLE}{SEAL}[axis]\n{axis}\n{account}")
}

const LOOPBACK: &str = "listen = \"127.0.0.1:8180\"";

#[test]
fn an_endpoint_has_an_address_and_accounts() {
    let text = text(&format!("{LOOPBACK}\nbase = \"/axis/\"\nfile_bytes_max = 2_000_000"), ACCOUNT);
    assert_eq!(messages(&fixture(), &text), "accepted");
    let config = Config::parse(&text, &fixture().path("t.toml"), &accounts());
    let axis = config.unwrap_or_else(|e| panic!("{e}")).axis.expect("it is there");
    assert_eq!((axis.listen.port(), axis.base.as_str(), axis.tls), (8180, "/axis", None));
    assert_eq!((axis.limits.file_bytes_max, axis.limits.connections_max), (2_000_000, 256));
    let [account] = &axis.accounts[..] else { panic!("one account") };
    assert_eq!(account.system_id, "000.00.12.H41");
    assert!(account.agencies.contains(&"H41.12".parse().expect("a code")));
    assert!(account.submit && account.collect && !account.old_codes);
    assert_eq!(account.timestamp_days_max, None);
}

#[test]
fn it_is_off_unless_it_has_an_address() {
    let fixture = fixture();
    for off in [
        WHOLE.to_owned(),
        format!("{WHOLE}[axis]\n"),
        format!("{WHOLE}[axis]\nconnections_max = 3\n"),
    ] {
        assert_eq!(messages(&fixture, &off), "accepted");
        let config = Config::parse(&off, &fixture.path("t.toml"), &accounts());
        assert_eq!(config.unwrap_or_else(|e| panic!("{e}")).axis, None);
    }
    let forgotten = messages(&fixture, &format!("{WHOLE}{SEAL}{ACCOUNT}"));
    assert!(forgotten.contains("axis.listen: missing"), "{forgotten}");
}

#[test]
fn with_a_certificate_it_may_be_open_to_the_network_and_without_it_may_not() {
    let fixture = fixture();
    let open = "listen = \"0.0.0.0:8443\"";
    let tls =
        format!("{open}\nhttps_certificate = \"keys/axis.crt\"\nhttps_key = \"keys/axis.key\"");
    assert_eq!(messages(&fixture, &text(&tls, ACCOUNT)), "accepted");
    let plain = messages(&fixture, &text(open, ACCOUNT));
    assert!(plain.contains("axis.listen: plain HTTP would be open to the network"), "{plain}");
    let half =
        messages(&fixture, &text(&format!("{open}\nhttps_key = \"keys/axis.key\""), ACCOUNT));
    assert!(half.contains("axis.https_certificate: missing"), "{half}");
    let same = tls.replace("keys/axis.key", "keys/tls.key");
    let same = messages(&fixture, &text(&same, ACCOUNT));
    assert!(same.contains("is the same key as"), "{same}");
}

#[test]
fn what_makes_no_sense_is_told() {
    let fixture = fixture();
    fixture.file("keys/open.secret", "c2VjcmV0IHNlY3JldCBzZWNyZXQ+\n", 0o644);
    fixture.file("keys/short.secret", "short\n", 0o600);
    for (axis, account, words) in [
        ("listen = \"8180\"", ACCOUNT.to_owned(), "is not an IP address with a port"),
        (LOOPBACK, String::new(), "nobody may call the endpoint"),
        (
            LOOPBACK,
            ACCOUNT.replace("000.00.12.H41\"\nsecret", "a b\"\nsecret"),
            "is not a system id",
        ),
        (LOOPBACK, ACCOUNT.replace("axis.secret", "none.secret"), "no file keys/none.secret"),
        (LOOPBACK, ACCOUNT.replace("axis.secret", "open.secret"), "has mode 0644"),
        (
            LOOPBACK,
            ACCOUNT.replace("axis.secret", "short.secret"),
            "is not one line of 16 to 1024 bytes",
        ),
        (LOOPBACK, ACCOUNT.replace("\"submit\"", "\"operate\""), "is not a role of this endpoint"),
        (LOOPBACK, ACCOUNT.replace("[\"submit\", \"collect\"]", "[]"), "grants nothing"),
        (LOOPBACK, ACCOUNT.replace("[\"000.00.12.H41\"]", "[]"), "names none"),
        (LOOPBACK, ACCOUNT.replace("[\"000.00.12.H41\"]", "[\"H41\"]"), "no seal key of H41"),
        (LOOPBACK, format!("{ACCOUNT}{ACCOUNT}"), "is already axis_accounts[1]"),
        (LOOPBACK, format!("{ACCOUNT}timestamp_days_max = 0\n"), "0 is out of range"),
    ] {
        let told = messages(&fixture, &text(axis, &account));
        assert!(told.contains(words), "expected {words:?} in:\n{told}");
    }
    let base = messages(&fixture, &text(&format!("{LOOPBACK}\nbase = \"axis?\""), ACCOUNT));
    assert!(base.contains("is not a path"), "{base}");
}
