//! The published cases of path validation (PKITS, of NIST) through the product's path checker, in the one
//! place where it asks no profile of its own of a leaf: the certificates of document systems. The same
//! through `openssl verify`. Whoever differs from what was published is explained in [`EXPLAINED`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use tram_trust::fixtures::NOW;
use tram_trust::revocation::Crls;
use tram_trust::system::SystemAuthorities;

use crate::explained_pkits::{EXPLAINED, Who};
use crate::openssl::{fits, pem};

/// Fewer published cases than these are not all of them.
const CASES_MIN: usize = 200;
/// The cases are asked for with whatever policies there are, as most of them say.
const ANY_POLICY: &str = "2.5.29.32.0";
const ANCHOR: &str = "TrustAnchorRootCertificate";

/// A certificate of the collection, with its names in one spelling.
struct Published {
    der: Vec<u8>,
    subject: String,
    issuer: String,
}

/// Says what the published answer is, by the name of the case; `None` where it depends on policies that
/// the one who asks has set.
fn answer(name: &str) -> Option<bool> {
    let valid = name.starts_with("Valid");
    (valid || name.starts_with("Invalid")).then_some(valid)
}

#[test]
#[ignore = "long: needs openssl and the published cases, which .ci/long pkits brings"]
fn long_published_cases_of_path_validation() {
    let folder = std::env::var_os("TRAM_PKITS").map(PathBuf::from);
    let folder = folder.expect("TRAM_PKITS names the folder of the cases");
    let certificates = certificates(&folder.join("certs"));
    let lists: Vec<Vec<u8>> = files(&folder.join("crls")).into_values().collect();
    let scratch = tempfile::tempdir().expect("a folder");
    let anchor = &certificates[ANCHOR].der;
    let authorities = SystemAuthorities::new(std::slice::from_ref(anchor)).expect("an anchor");
    let (mut crls, mut refused) = (Crls::none(), 0);
    for list in &lists {
        refused += usize::from(crls.add(list).is_err());
    }
    std::fs::write(scratch.path().join("anchor.pem"), pem("CERTIFICATE", anchor)).expect("a file");
    let text: String = lists.iter().map(|der| pem("X509 CRL", der)).collect();
    std::fs::write(scratch.path().join("lists.pem"), text).expect("a file");
    // openssl looks for those who sign lists as well, wherever they stand.
    let others = certificates.iter().filter(|(name, _)| !name.ends_with("EE"));
    let text: String = others.map(|(_, c)| pem("CERTIFICATE", &c.der)).collect();
    std::fs::write(scratch.path().join("others.pem"), text).expect("a file");
    let (mut cases, mut agreed, mut used, mut odd) = (0, 0, BTreeSet::new(), Vec::new());
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, leaf) in certificates.iter().filter(|(name, _)| name.ends_with("EE")) {
        let Some(published) = answer(name) else { continue };
        cases += 1;
        let above = above(&certificates, leaf);
        let chain: Vec<Vec<u8>> =
            std::iter::once(leaf).chain(above).map(|c| c.der.clone()).collect();
        let ours = authorities.judge(&chain, &crls, 0, NOW).map(|_| ()).map_err(|r| r.to_string());
        let theirs = openssl(scratch.path(), &leaf.der);
        for (who, told) in [(Who::We, ours), (Who::Openssl, theirs)] {
            if told.is_ok() == published {
                agreed += 1;
                continue;
            }
            let place = EXPLAINED.iter().position(|(p, w, _)| *w == who && fits(p, name));
            match place {
                Some(place) => {
                    used.insert(place);
                    *reasons.entry(EXPLAINED[place].2).or_default() += 1;
                }
                None => odd.push(format!("{name}: {who:?}: {told:?}")),
            }
        }
    }
    for (reason, count) in &reasons {
        println!("{count:4} {reason}");
    }
    let explained: usize = reasons.values().sum();
    println!(
        "published={cases} lists={} lists_refused={refused} agreed={agreed} explained={explained} \
         unexplained={}",
        lists.len(),
        odd.len()
    );
    assert!(odd.is_empty(), "{}", odd.join("\n"));
    assert!(cases >= CASES_MIN, "only {cases} cases");
    let stale: Vec<_> = (0..EXPLAINED.len()).filter(|i| !used.contains(i)).collect();
    let stale: Vec<_> = stale.iter().map(|i| &EXPLAINED[*i]).collect();
    assert!(stale.is_empty(), "explained, but there is no difference: {stale:?}");
}

/// Files by name, without their ending.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("the published cases");
    let file = |path: PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read(path).expect("a file"))
    };
    entries.map(|entry| file(entry.expect("an entry").path())).collect()
}

/// All certificates. openssl reads their names, because the product refuses some of them.
fn certificates(folder: &Path) -> BTreeMap<String, Published> {
    let read = |(name, der): (String, Vec<u8>)| {
        let path = folder.join(format!("{name}.crt"));
        let mut command = Command::new("openssl");
        command.args(["x509", "-inform", "DER", "-noout", "-subject", "-issuer", "-nameopt"]);
        let out = command.args(["RFC2253,utf8", "-in"]).arg(path).output().expect("openssl");
        assert!(out.status.success(), "{name}");
        let text = String::from_utf8_lossy(&out.stdout).to_lowercase();
        // Names are the same whatever their letters and spaces (RFC 5280 section 7.1).
        let named = |which: &str| {
            let line = text.lines().find_map(|l| l.strip_prefix(which)).expect("a name");
            let words = line.replace('\\', " ");
            let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
            words.replace(" ,", ",").replace("= ", "=")
        };
        let published = Published { der, subject: named("subject="), issuer: named("issuer=") };
        (name, published)
    };
    files(folder).into_iter().map(read).collect()
}

/// Everything that may stand above a leaf, up to the anchor: all that bear the name of an issuer.
fn above<'a>(all: &'a BTreeMap<String, Published>, leaf: &'a Published) -> Vec<&'a Published> {
    let mut found: Vec<&Published> = Vec::new();
    let mut wanted = vec![leaf.issuer.as_str()];
    let mut asked = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        if name == all[ANCHOR].subject || !asked.insert(name) {
            continue;
        }
        for published in all.values().filter(|c| c.subject == name && c.der != leaf.der) {
            wanted.push(&published.issuer);
            found.push(published);
        }
    }
    found
}

/// What openssl says.
fn openssl(folder: &Path, leaf: &[u8]) -> Result<(), String> {
    let file = |name: &str| folder.join(name);
    std::fs::write(file("leaf.pem"), pem("CERTIFICATE", leaf)).expect("a file");
    let mut command = Command::new("openssl");
    command.arg("verify").arg("-CAfile").arg(file("anchor.pem"));
    command.args(["-no-CApath", "-no-CAstore", "-policy_check", "-policy", ANY_POLICY]);
    command.args(["-purpose", "sslclient", "-crl_check_all", "-extended_crl", "-use_deltas"]);
    command.arg("-CRLfile").arg(file("lists.pem")).args(["-attime", &NOW.secs().to_string()]);
    command.arg("-untrusted").arg(file("others.pem")).arg(file("leaf.pem"));
    let out = command.output().expect("openssl is there");
    let text = String::from_utf8_lossy(&out.stderr).replace('\n', " ");
    if out.status.success() { Ok(()) } else { Err(text.chars().take(200).collect()) }
}
