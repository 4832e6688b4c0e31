//! The commented examples in `config/` are whole, and say the truth about defaults and ranges.

mod fixture;

use std::fs;
use std::path::Path;

use fixture::{Fixture, accounts};
use tram_config::{
    AXIS, Agencies, Config, DOOR, DROP, LIMITS, Limits, LogFormat, PeerName, QUOTAS, RETENTION,
    REVOCATION, Role, TILES, TIME_STAMP, WEBHOOK, WITNESS, Who,
};

const TIERS: [(&str, &str); 4] = [
    ("centre", "n1.G22"),
    ("province", "n1.H41"),
    ("district", "n1.H41.12"),
    ("commune", "n1.H41.12.03"),
];

fn example(tier: &str) -> String {
    let path = format!("{}/../../config/{tier}.toml", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(path).unwrap()
}

/// The example with its system folders moved below the fixture.
fn placed(tier: &str, fixture: &Fixture) -> String {
    for folder in ["var/lib/tram", "var/lib/tram-anchor", "run/tram"] {
        fixture.folder(folder, 0o700);
    }
    for crl in ["g22", "h41", "h41.12", "h41.12.03"] {
        let text = "-----BEGIN X509 CRL-----\nMII\n-----END X509 CRL-----\n";
        fixture.file(&format!("crl/{crl}.crl"), text, 0o644);
    }
    let root = fixture.path("");
    let root = root.to_str().unwrap().trim_end_matches('/');
    example(tier)
        .replace("\"/var/", &format!("\"{root}/var/"))
        .replace("\"/run/", &format!("\"{root}/run/"))
}

#[test]
fn every_example_passes_both_stages() {
    for (tier, id) in TIERS {
        let fixture = Fixture::new();
        let text = placed(tier, &fixture);
        let file = fixture.path("tram.toml");
        let config = Config::parse(&text, &file, &accounts()).unwrap_or_else(|e| panic!("{e}"));
        config.check().unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(config.node.as_str(), id);
        assert_eq!(config.keys.tls_key, fixture.path("keys/tls.key"));
        assert_eq!(config.listen.is_some(), tier != "commune");
        assert_eq!(config.seals.len(), usize::from(tier == "commune"));
        let parents = config.peers.iter().filter(|p| p.name == PeerName::Parent).count();
        assert_eq!(parents, usize::from(tier != "centre"));
        let clerk = &config.sockets[0];
        assert_eq!((clerk.mode, clerk.gid, clerk.rules.len()), (0o660, Some(77), 1));
        assert_eq!(clerk.rules[0].who, Who::Gid(77));
        assert_eq!(config.sockets[1].rules[0].agencies, Agencies::All);
    }
}

#[test]
fn load_reads_the_same_as_the_two_stages() {
    let fixture = Fixture::new();
    // Names of groups depend on the machine, numbers do not.
    let text = placed("province", &fixture)
        .replace("\ngroup = \"tram-clerks\"\nagencies", "\ngid = 77\nagencies")
        .replace("group = \"tram-clerks\"", "# group = \"tram-clerks\"");
    let file = fixture.file("tram.toml", &text, 0o644);
    let config = Config::load(&file).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(config.file(), file);
    assert_eq!(config.peers[0].address.as_ref().unwrap().to_string(), "tram.g22.example.vn:7800");
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.limits.window_budget_bytes, 268_435_456);
    assert_eq!(config.limits.retry_max_ms, Limits::default().retry_max_ms);
    assert_eq!(config.revocation.grace_hours, 72);
}

#[test]
fn rules_grant_what_they_say_and_nothing_else() {
    let fixture = Fixture::new();
    let text = placed("district", &fixture);
    let config = Config::parse(&text, Path::new("/x.toml"), &accounts()).unwrap();
    let [clerk, operator] = &config.sockets[..] else { panic!("two sockets") };
    let (own, other) = ("H41.12".parse().unwrap(), "H41.12.03".parse().unwrap());
    assert!(clerk.permits(1001, &[1001, 77], Role::Submit, Some(&own)));
    assert!(!clerk.permits(1001, &[1001, 77], Role::Submit, Some(&other)));
    assert!(!clerk.permits(1001, &[1001, 77], Role::Operate, None));
    assert!(!clerk.permits(1001, &[1001], Role::Submit, Some(&own)));
    assert!(operator.permits(0, &[0], Role::Audit, Some(&other)));
    assert!(!operator.permits(1001, &[77], Role::Audit, Some(&own)));
}

/// Digits in groups of three, as the examples write numbers.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('_');
        }
        out.push(digit);
    }
    out
}

#[test]
fn every_example_documents_every_number() {
    for (tier, _) in TIERS {
        let text = example(tier);
        for number in LIMITS
            .iter()
            .chain(QUOTAS)
            .chain(RETENTION)
            .chain(REVOCATION)
            .chain(WITNESS)
            .chain(TIME_STAMP)
            .chain(TILES)
            .chain(AXIS)
            .chain(DOOR)
            .chain(DROP)
            .chain(WEBHOOK)
        {
            let lines = format!(
                "# {}\n# From {} to {}.\n# {} = {}\n",
                number.doc.trim(),
                grouped(number.min),
                grouped(number.max),
                number.key,
                grouped(number.default)
            );
            assert!(text.contains(&lines), "{tier}.toml should hold\n{lines}");
        }
    }
}

/// Every commented setting, uncommented, is accepted: the examples do not show what is refused.
#[test]
fn commented_settings_are_settings() {
    for (tier, _) in TIERS {
        let fixture = Fixture::new();
        let text = placed(tier, &fixture);
        let mut set = Vec::new();
        let lines: Vec<String> = text
            .lines()
            .map(|line| {
                let bare = line.strip_prefix("# ").unwrap_or(line);
                let key = bare.split(" = ").next().unwrap_or_default().to_owned();
                let number = LIMITS
                    .iter()
                    .chain(QUOTAS)
                    .chain(RETENTION)
                    .chain(REVOCATION)
                    .chain(WITNESS)
                    .chain(TIME_STAMP)
                    .chain(TILES)
                    .chain(AXIS)
                    .chain(DOOR)
                    .chain(DROP)
                    .chain(WEBHOOK)
                    .chain(DROP)
                    .chain(WEBHOOK)
                    .any(|n| n.key == key);
                if line.starts_with('#') && number && !text.contains(&format!("\n{key} = ")) {
                    set.push(key);
                    return bare.to_owned();
                }
                line.to_owned()
            })
            .collect();
        assert!(set.len() > 10, "{tier}: {set:?}");
        let text = lines.join("\n");
        Config::parse(&text, Path::new("/x.toml"), &accounts()).unwrap_or_else(|e| panic!("{e}"));
    }
}
