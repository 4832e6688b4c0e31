//! Policies: what is read, what is refused, and whom they believe.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tram_crypto::{Ed25519Signer, Sign};
use tram_tlog::checkpoint::Checkpoint;
use tram_tlog::cosignature::Cosignature;
use tram_tlog::leaf_hash;
use tram_tlog::note::{NoteError, NoteKey, SignatureType};
use tram_tlog::policy::{
    Draft, POLICY_BYTES_MAX, POLICY_GROUPS_MAX, POLICY_LOGS_MAX, POLICY_NAME_BYTES_MAX,
    POLICY_WITNESSES_MAX, Policy, PolicyFault, Shortfall,
};

mod published;

fn signer(n: usize) -> Ed25519Signer {
    let mut seed = [3; 32];
    seed[..8].copy_from_slice(&n.to_be_bytes());
    Ed25519Signer::from_seed(&seed).unwrap()
}

fn key(n: usize, kind: SignatureType) -> NoteKey {
    NoteKey::new(&format!("key/{n}"), kind, signer(n).public_key()).unwrap()
}

fn vkey(n: usize) -> String {
    key(n, SignatureType::CosignatureV1).to_verifier_key()
}

fn checkpoint() -> Checkpoint {
    Checkpoint::new("log", 9, leaf_hash(b"root")).unwrap()
}

fn cosigned_by(witnesses: &[usize]) -> Vec<Cosignature> {
    let sign = |n: &usize| {
        Cosignature::sign(&checkpoint(), &format!("key/{n}"), 100 + *n as u64, &signer(*n)).unwrap()
    };
    witnesses.iter().map(sign).collect()
}

fn reached(policy: &Policy, witnesses: &[usize]) -> bool {
    policy.judge(&checkpoint().to_note_text(), &cosigned_by(witnesses)).reached
}

fn parse(text: &str) -> Result<Policy, PolicyFault> {
    Policy::parse(text.as_bytes()).map_err(|e| e.fault)
}

/// The example of the specification, with keys.
fn two_levels() -> String {
    let witness = |name: &str, n: usize| format!("witness {name} {}\n", vkey(n));
    let names = ["X1", "X2", "X3", "Y1", "Y2", "Y3"];
    let lines: Vec<String> = names.iter().enumerate().map(|(n, name)| witness(name, n)).collect();
    format!(
        "# an example\nlog {}\n\n{}{}{}group X-witnesses 2 X1 X2 X3\n\n{}{}{}\
         group Y-witnesses any Y1 Y2 Y3\n\ngroup X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n",
        key(99, SignatureType::Ed25519).to_verifier_key(),
        lines[0],
        lines[1],
        lines[2],
        lines[3],
        lines[4],
        lines[5],
    )
}

#[test]
fn the_example_of_the_specification() {
    let policy = parse(&two_levels()).unwrap();
    assert_eq!((policy.logs().len(), policy.witnesses().len(), policy.groups().len()), (1, 6, 3));
    assert_eq!(policy.quorum(), Some("X-and-Y"));
    for (witnesses, expected) in [
        (&[][..], false),
        (&[0, 1], false),
        (&[0, 3], false),
        (&[3, 4, 5], false),
        (&[0, 1, 2], false),
        (&[0, 2, 4], true),
        (&[0, 1, 2, 3, 4, 5], true),
    ] {
        assert_eq!(reached(&policy, witnesses), expected, "{witnesses:?}");
    }
    let judged = policy.judge(&checkpoint().to_note_text(), &cosigned_by(&[1]));
    let shortfall = |name: &str, wanted, missing: &[&str]| Shortfall {
        name: name.to_owned(),
        wanted,
        missing: missing.iter().map(|m| (*m).to_owned()).collect(),
    };
    assert_eq!(
        judged.shortfalls,
        [
            shortfall("X-and-Y", 2, &["X-witnesses", "Y-witnesses"]),
            shortfall("Y-witnesses", 1, &["Y1", "Y2", "Y3"]),
            shortfall("X-witnesses", 1, &["X1", "X3"]),
        ]
    );
    assert_eq!(judged.cosigned.len(), 1);
    assert_eq!((judged.cosigned[0].witness.as_str(), judged.cosigned[0].time), ("X2", 101));
}

#[test]
fn public_witnesses_and_a_public_log() {
    let mut text = format!("log {}\n", published::LOG);
    for (n, key) in published::WITNESSES.iter().chain(&published::OTHERS).enumerate() {
        text += &format!("witness w{n} {key}\n");
    }
    let with = |rest: &str| parse(&format!("{text}{rest}")).unwrap();
    let judged = |policy: &Policy| policy.judge_note(published::CHECKPOINT.as_bytes()).unwrap();
    let four = judged(&with("group g 4 w0 w1 w2 w3 w4 w5\nquorum g\n"));
    assert!(four.reached && four.shortfalls.is_empty() && four.bad.is_empty());
    assert!(four.cosigned.iter().all(|c| c.time == published::TIME));
    let five = judged(&with("group g 5 w0 w1 w2 w3 w4 w5\nquorum g\n"));
    assert!(!five.reached);
    assert_eq!((five.shortfalls[0].wanted, five.shortfalls[0].missing.len()), (1, 2));
    assert!(!judged(&with("quorum w4\n")).reached);
    assert!(judged(&with("quorum none\n")).reached);
    // Every witness believes it, and the log did not sign it.
    let other = published::CHECKPOINT.replace("ui8GwCF1", "ui8GwCF2");
    let refused = with("quorum none\n").judge_note(other.as_bytes());
    assert!(matches!(refused, Err(NoteError::BadSignature(_))), "{refused:?}");
    let unknown = parse("quorum none\n").unwrap().judge_note(published::CHECKPOINT.as_bytes());
    assert!(matches!(unknown, Err(NoteError::NotSigned(_))), "{unknown:?}");
}

#[test]
fn a_false_cosignature_counts_for_nothing_and_takes_nothing() {
    let policy = parse(&format!("witness w {}\nquorum w\n", vkey(1))).unwrap();
    let text = checkpoint().to_note_text();
    let another = Checkpoint::new("log", 10, leaf_hash(b"root")).unwrap();
    let false_one = Cosignature::sign(&another, "key/1", 500, &signer(1)).unwrap();
    let judged = policy.judge(&text, std::slice::from_ref(&false_one));
    assert_eq!((judged.reached, judged.bad.as_slice()), (false, &["w".to_owned()][..]));
    let mut both = cosigned_by(&[1]);
    both.extend([false_one.clone(), false_one]);
    let judged = policy.judge(&text, &both);
    assert!(judged.reached);
    assert_eq!((judged.bad.len(), judged.cosigned[0].time), (1, 101));
    // A stranger who calls himself so has another key id.
    let posed = Cosignature::sign(&checkpoint(), "key/1", 5, &signer(2)).unwrap();
    let judged = policy.judge(&text, &[posed]);
    assert!(!judged.reached && judged.bad.is_empty());
}

#[test]
fn what_the_specification_forbids_is_refused() {
    let w = |name: &str, n: usize| format!("witness {name} {}\n", vkey(n));
    let two = w("a", 1) + &w("b", 2);
    let log = key(1, SignatureType::Ed25519).to_verifier_key();
    let name = |name: &str| PolicyFault::Name(name.to_owned());
    let undefined = |name: &str| PolicyFault::Undefined(name.to_owned());
    let twice = |name: &str| PolicyFault::DuplicateMember(name.to_owned());
    let same_key = NoteKey::new("other", SignatureType::CosignatureV1, signer(1).public_key());
    let same_key = same_key.unwrap().to_verifier_key();
    for (text, fault) in [
        (two.clone(), PolicyFault::NoQuorum),
        (format!("{two}quorum a\nquorum b\n"), PolicyFault::SecondQuorum),
        (format!("quorum a\n{two}"), undefined("a")),
        (format!("{two}quorum c\n"), undefined("c")),
        (format!("{two}group g any g\nquorum g\n"), undefined("g")),
        (format!("{two}group g any none\nquorum g\n"), undefined("none")),
        (format!("group g any a\n{two}quorum g\n"), undefined("a")),
        (format!("{two}group g any a a\nquorum g\n"), twice("a")),
        (format!("{two}group g any a\ngroup h all a b\nquorum h\n"), twice("a")),
        (format!("{two}group a any b\nquorum a\n"), name("a")),
        (format!("{}{}quorum a\n", two, w("a", 3)), name("a")),
        (w("none", 1) + "quorum none\n", name("none")),
        (format!("{two}group none any a\nquorum none\n"), name("none")),
        (format!("{two}witness c {same_key}\nquorum a\n"), PolicyFault::DuplicateKey),
        (format!("log {log}\nlog {log}\nquorum none\n"), PolicyFault::DuplicateKey),
        (format!("{two}group g 0 a b\nquorum g\n"), PolicyFault::Threshold(2)),
        (format!("{two}group g 3 a b\nquorum g\n"), PolicyFault::Threshold(2)),
        (format!("{two}group g 01 a b\nquorum g\n"), PolicyFault::Threshold(2)),
        (format!("{two}group g +1 a b\nquorum g\n"), PolicyFault::Threshold(2)),
        (format!("{two}group g ALL a b\nquorum g\n"), PolicyFault::Threshold(2)),
        (format!("log {}\nquorum none\n", vkey(1)), NoteError::WrongKey.into()),
        (format!("witness a {log}\nquorum a\n"), NoteError::WrongKey.into()),
        (format!("{two}\u{0}quorum a\n"), PolicyFault::Character),
        (format!("{two}quorum a\r\n"), PolicyFault::Character),
        (format!("{two}# \u{7f}\nquorum a\n"), PolicyFault::Character),
    ] {
        assert_eq!(parse(&text), Err(fault), "{text}");
    }
    for text in [
        format!("{two}group g any\nquorum a\n"),
        format!("{two}quorum a b\n"),
        format!("{two}quorum\n"),
        format!("{two}quorum a"),
        format!("{two}Quorum a\n"),
        format!("{two}quorum a # why\n"),
        "witness a\nquorum none\n".to_owned(),
        format!("witness a {} u v\nquorum a\n", vkey(1)),
        "log\nquorum none\n".to_owned(),
        String::new(),
    ] {
        assert!(parse(&text).is_err(), "{text}");
    }
    assert!(Policy::parse(b"# \xff\nquorum none\n").is_err());
    let error = Policy::parse(format!("{two}group g any c\n").as_bytes()).unwrap_err();
    assert_eq!(error.line, 3);
    // What may stand in a policy: blanks, comments, other alphabets, a name that is a number.
    let odd = format!(
        "\t #x\n\n  \t\n{} witness\tcấp-trên  {}\t https://x/\ngroup 2 1 cấp-trên\nquorum 2 \n",
        w("#1", 3),
        vkey(4)
    );
    let policy = parse(&odd).unwrap();
    assert_eq!(policy.witnesses()[1].url.as_deref(), Some("https://x/"));
    assert!(reached(&policy, &[4]) && !reached(&policy, &[3]));
}

#[test]
fn limits_are_exact() {
    let large = |found: Result<Policy, PolicyFault>| {
        matches!(found, Err(PolicyFault::Note(NoteError::TooLarge { .. })))
    };
    let filled = |bytes: usize| {
        let tail = "\nquorum none\n";
        format!("#{}{tail}", "x".repeat(bytes - tail.len() - 1))
    };
    assert!(parse(&filled(POLICY_BYTES_MAX)).is_ok());
    assert!(large(parse(&filled(POLICY_BYTES_MAX + 1))));
    let witnesses = |count: usize| {
        let mut draft = Draft::new();
        (0..count).try_for_each(|n| {
            draft.witness(&format!("w{n}"), key(n, SignatureType::CosignatureV1), None)
        })
    };
    assert_eq!(witnesses(POLICY_WITNESSES_MAX), Ok(()));
    assert!(witnesses(POLICY_WITNESSES_MAX + 1).is_err());
    let groups = |count: usize| {
        let mut text = format!("witness g0 {}\n", vkey(1));
        for n in 1..=count {
            text += &format!("group g{n} any g{}\n", n - 1);
        }
        parse(&format!("{text}quorum g{count}\n"))
    };
    let deepest = groups(POLICY_GROUPS_MAX).unwrap();
    assert!(reached(&deepest, &[1]) && !reached(&deepest, &[2]));
    assert!(large(groups(POLICY_GROUPS_MAX + 1)));
    let named = |bytes: usize| {
        let name = "n".repeat(bytes);
        parse(&format!("witness {name} {}\nquorum {name}\n", vkey(1)))
    };
    assert!(named(POLICY_NAME_BYTES_MAX).is_ok());
    assert!(large(named(POLICY_NAME_BYTES_MAX + 1)));
}

/// What a policy means, written down once more and in another way.
fn means(policy: &Policy, cosigned: &BTreeSet<usize>) -> bool {
    fn holds(policy: &Policy, name: &str, cosigned: &BTreeSet<usize>) -> bool {
        let groups: BTreeMap<_, _> = policy.groups().iter().map(|g| (g.name.as_str(), g)).collect();
        match groups.get(name) {
            Some(group) => {
                let there = group.members.iter().filter(|m| holds(policy, m, cosigned));
                there.count() >= group.threshold
            }
            None => cosigned.contains(&name[1..].parse().unwrap()),
        }
    }
    policy.quorum().is_none_or(|quorum| holds(policy, quorum, cosigned))
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let groups = prop::collection::vec((1..5_usize, 0..4_usize), 0..5);
    (1..6_usize, groups, 0..12_usize).prop_map(|(witnesses, groups, quorum)| {
        let mut draft = Draft::new();
        let mut names = Vec::new();
        for n in 0..witnesses {
            names.push(format!("w{n}"));
            draft.witness(&names[n], key(n, SignatureType::CosignatureV1), None).unwrap();
        }
        let mut free = names.clone();
        for (n, (take, threshold)) in groups.into_iter().enumerate() {
            let members: Vec<String> = free.drain(..take.min(free.len())).collect();
            if members.is_empty() {
                break;
            }
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            let name = format!("g{n}");
            draft.group(&name, threshold % members.len() + 1, &members).unwrap();
            names.push(name.clone());
            free.push(name);
        }
        let quorum = names.get(quorum).cloned().unwrap_or_else(|| "none".to_owned());
        draft.quorum(&quorum).unwrap();
        draft.finish().unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_policy_believes_what_it_says(policy in any_policy(), cosigned in prop::collection::btree_set(0..6_usize, 0..6)) {
        prop_assert_eq!(&Policy::parse(policy.to_text().as_bytes()).unwrap(), &policy);
        let given: Vec<usize> = cosigned.iter().copied().collect();
        let judged = policy.judge(&checkpoint().to_note_text(), &cosigned_by(&given));
        prop_assert_eq!(judged.reached, means(&policy, &cosigned));
        prop_assert_eq!(judged.reached, judged.shortfalls.is_empty());
        // With what the shortfalls name besides, it is reached; and each of them is really wanting.
        if !judged.reached {
            let mut more = cosigned.clone();
            for shortfall in &judged.shortfalls {
                prop_assert!(shortfall.wanted >= 1 && shortfall.wanted <= shortfall.missing.len());
                more.extend(shortfall.missing.iter().filter_map(|m| m.strip_prefix('w')).map(|n| n.parse::<usize>().unwrap()));
            }
            prop_assert!(means(&policy, &more));
        }
    }

    #[test]
    fn any_bytes_are_refused_or_mean_the_same_again(text in "((#|log|witness|group|quorum|any|all|none|[0-3]|a|b|\t| |\n){0,12}\n){0,6}quorum none\n") {
        if let Ok(policy) = Policy::parse(text.as_bytes()) {
            prop_assert_eq!(Policy::parse(policy.to_text().as_bytes()).unwrap(), policy);
        }
    }
}

#[test]
fn every_line_that_is_wrong_is_told_what_it_lacks() {
    let expected = |text: &str| match parse(text) {
        Err(PolicyFault::Expected(what)) => what.to_owned(),
        other => panic!("{text}: {other:?}"),
    };
    let (log, witness) = (key(1, SignatureType::Ed25519).to_verifier_key(), vkey(1));
    for (line, begins) in [
        ("log".to_owned(), "log, key"),
        (format!("log {log} u v"), "log, key"),
        ("witness a".to_owned(), "witness, name"),
        (format!("witness a {witness} u v"), "witness, name"),
        ("group g any".to_owned(), "group, name"),
        ("quorum a b".to_owned(), "quorum and"),
        ("Quorum a".to_owned(), "log, witness"),
    ] {
        let told = expected(&format!("{line}\nquorum none\n"));
        assert!(told.starts_with(begins), "{line}: {told}");
    }
    assert_eq!(expected("quorum none"), "a newline at the end");
    assert_eq!(parse(""), Err(PolicyFault::NoQuorum));
    let with_url = parse(&format!("log {log} https://x/\nquorum none\n")).unwrap();
    assert_eq!(with_url.logs()[0].url.as_deref(), Some("https://x/"));
    for name in ["", "a b", "a\u{7f}", "none"] {
        let fault = Draft::new().witness(name, key(1, SignatureType::CosignatureV1), None);
        assert_eq!(fault, Err(PolicyFault::Name(name.to_owned())));
    }
    for url in ["", "https://x/ y", "https://x/\n"] {
        let fault = Draft::new().log(key(1, SignatureType::Ed25519), Some(url));
        assert_eq!(fault, Err(PolicyFault::Expected("a URL without spaces")), "{url}");
    }
    let mut draft = Draft::new();
    for n in 0..POLICY_LOGS_MAX {
        draft.log(key(n, SignatureType::Ed25519), None).unwrap();
    }
    let more = draft.log(key(POLICY_LOGS_MAX, SignatureType::Ed25519), None);
    assert!(matches!(more, Err(PolicyFault::Note(NoteError::TooLarge { .. }))));
}

#[test]
fn only_what_the_quorum_needs_is_said_to_be_short() {
    let more = format!("witness z {}\ngroup Z any z\nquorum X-witnesses", vkey(7));
    let policy = parse(&two_levels().replace("quorum X-and-Y", &more)).unwrap();
    let judged = policy.judge(&checkpoint().to_note_text(), &cosigned_by(&[0]));
    let short: Vec<&str> = judged.shortfalls.iter().map(|s| s.name.as_str()).collect();
    assert_eq!((judged.reached, short), (false, vec!["X-witnesses"]));
}
