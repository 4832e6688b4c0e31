//! The same shapes through `openssl verify`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use crate::cert::Purpose;
use crate::explained::{EXPLAINED, Stricter};
use crate::judge::Judge;
use crate::shapes::{Expected, Shape, all};

#[test]
#[ignore = "needs openssl"]
fn openssl_agrees_or_the_difference_is_explained() {
    let folder = tempfile::tempdir().expect("a folder");
    let shapes = all();
    let mut judge = Judge::new();
    let (mut same, mut used, mut unexplained) = (0, BTreeSet::new(), Vec::new());
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for shape in &shapes {
        let ours = judge.answer(shape).verdict == Expected::Accepted;
        let (theirs, told) = verify(folder.path(), shape);
        if ours == theirs {
            same += 1;
            continue;
        }
        match explanation(&shape.name, if ours { Stricter::Openssl } else { Stricter::We }) {
            Some((place, reason)) => {
                used.insert(place);
                *reasons.entry(reason).or_default() += 1;
            }
            None => {
                let word = |yes| if yes { "accepts" } else { "refuses" };
                let (us, them) = (word(ours), word(theirs));
                unexplained.push(format!("{}: we {us}, openssl {them}: {told}", shape.name));
            }
        }
    }
    for (reason, count) in &reasons {
        println!("{count:4} {reason}");
    }
    let explained: usize = reasons.values().sum();
    let (count, bad) = (shapes.len(), unexplained.len());
    println!("shapes={count} agreed={same} explained={explained} unexplained={bad}");
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
    let stale: Vec<&str> =
        (0..EXPLAINED.len()).filter(|i| !used.contains(i)).map(|i| EXPLAINED[i].0).collect();
    assert!(stale.is_empty(), "explained, but there is no difference: {stale:?}");
}

/// Place in the table and reason.
fn explanation(name: &str, stricter: Stricter) -> Option<(usize, &'static str)> {
    let place =
        EXPLAINED.iter().position(|(pattern, who, _)| *who == stricter && fits(pattern, name))?;
    Some((place, EXPLAINED[place].2))
}

/// Whether a name fits a pattern: `/?/` stands for either purpose, a star for anything.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    let either = [pattern.replace("/?/", "/seal/"), pattern.replace("/?/", "/node/")];
    either.iter().any(|pattern| match pattern.split_once('*') {
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
        None => name == pattern,
    })
}

/// Whether openssl takes the chain for its purpose, and what it says.
fn verify(folder: &Path, shape: &Shape) -> (bool, String) {
    let write = |name: &str, label: &str, items: &[Vec<u8>]| {
        let text: String = items.iter().map(|der| pem(label, der)).collect();
        let path = folder.join(name);
        std::fs::write(&path, text).expect("a file");
        path
    };
    let anchors = write("anchors.pem", "CERTIFICATE", &shape.anchors);
    let leaf = write("leaf.pem", "CERTIFICATE", &shape.chain[..1]);
    let others = write("others.pem", "CERTIFICATE", &shape.chain[1..]);
    let lists = write("lists.pem", "X509 CRL", &shape.crls);
    // openssl 3.0 has no purpose for document signing; both uses of TLS must hold for a node.
    let purposes: &[&str] = match shape.purpose {
        Purpose::Seal => &["any"],
        Purpose::Node => &["sslserver", "sslclient"],
    };
    let mut told = String::new();
    let mut good = true;
    for purpose in purposes {
        let mut command = Command::new("openssl");
        command.arg("verify").arg("-CAfile").arg(&anchors);
        command.args(["-no-CApath", "-no-CAstore", "-partial_chain", "-x509_strict"]);
        command.args(["-purpose", purpose, "-attime", &(shape.at.secs()).to_string()]);
        if shape.chain.len() > 1 {
            command.arg("-untrusted").arg(&others);
        }
        if !shape.crls.is_empty() {
            command.arg("-crl_check").arg("-CRLfile").arg(&lists);
        }
        let out = command.arg(&leaf).output().expect("openssl is there");
        good &= out.status.success();
        let text = [&out.stdout[..], &out.stderr[..]].concat();
        told = String::from_utf8_lossy(&text).replace('\n', " ").chars().take(200).collect();
        if !good {
            break;
        }
    }
    (good, told)
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|l| std::str::from_utf8(l).expect("ASCII")).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
