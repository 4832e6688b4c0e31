//! The policy of retention: the example, which rule decides, and what is refused in which words.

mod fixture;

use fixture::{Fixture, WHOLE, messages};
use tram_config::retention::{
    Ending, Keep, PER_DAY_DEFAULT, Place, RetentionFacts, RetentionPolicy, load, parse,
};
use tram_dispatch::AgencyCode;

fn example() -> RetentionPolicy {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/retention.toml");
    let (policy, bytes) = load(path.as_ref()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(bytes, std::fs::read(path).unwrap(), "what is named by its digest is the file");
    policy
}

fn facts(place: Place, ending: Ending) -> RetentionFacts {
    let agencies = ["H41", "H41.12.03"].map(|code| AgencyCode::parse(code).unwrap());
    RetentionFacts {
        places: vec![place],
        endings: vec![ending],
        kind: Some("Công văn".to_owned()),
        agencies: agencies.into(),
    }
}

fn decides(policy: &RetentionPolicy, facts: &RetentionFacts) -> Option<(String, Keep)> {
    policy.rule_for(facts).map(|rule| (rule.name.clone(), rule.keep))
}

#[test]
fn the_example_says_what_its_comments_say() {
    let policy = example();
    assert_eq!(policy.per_day_max, PER_DAY_DEFAULT);
    assert_eq!(policy.periods(), [7, 30, 90, 365]);
    let of = |place, ending| decides(&policy, &facts(place, ending));
    let rule = |name: &str, days| Some((name.to_owned(), Keep::Days(days)));
    assert_eq!(of(Place::Relay, Ending::Consigned), rule("passed on and delivered", 7));
    assert_eq!(of(Place::First, Ending::Registered), rule("submitted here and delivered", 30));
    assert_eq!(of(Place::Recipient, Ending::Registered), rule("taken by its recipient here", 365));
    assert_eq!(of(Place::Relay, Ending::Failed), rule("not delivered", 90));
    // What was recalled is kept for as long as what was not.
    assert_eq!(of(Place::First, Ending::Withdrawn), rule("submitted here and delivered", 30));
    assert_eq!(Ending::from_word("withdrawn"), Some(Ending::Withdrawn));
    // Consigned at the recipient's own node and never taken: no rule speaks of it.
    assert_eq!(of(Place::Recipient, Ending::Consigned), None);
    let mut decree = facts(Place::Relay, Ending::Consigned);
    decree.kind = Some("NGHỊ ĐỊNH".to_owned());
    assert_eq!(decides(&policy, &decree), Some(("legal documents".to_owned(), Keep::ForEver)));
}

#[test]
fn the_longest_of_the_matching_rules_decides() {
    let policy = example();
    // One leg arrived, one failed; the node was the first and a recipient's.
    let mut both = facts(Place::First, Ending::Registered);
    both.endings.push(Ending::Failed);
    assert_eq!(decides(&policy, &both).unwrap().1, Keep::Days(90));
    both.places.push(Place::Recipient);
    assert_eq!(decides(&policy, &both).unwrap().1, Keep::Days(365));
    let text = "name = \"p\"\n[[rule]]\nname = \"a\"\nkeep_days = 3\n[[rule]]\nname = \"b\"\nkeep_days = 3\n";
    let equal = parse(text).unwrap();
    assert_eq!(decides(&equal, &both).unwrap().0, "a", "the first of equals");
}

#[test]
fn agencies_stand_for_those_below_them() {
    let rule = |code: &str| {
        let text = format!(
            "name = \"p\"\n[[rule]]\nname = \"r\"\nagencies = [\"{code}\"]\nkeep_days = 1\n"
        );
        decides(&parse(&text).unwrap(), &facts(Place::Relay, Ending::Consigned)).is_some()
    };
    assert!(rule("H41") && rule("H41.12") && rule("H41.12.03"));
    assert!(!rule("H41.12.04") && !rule("H42") && !rule("H41.12.03.01"));
}

#[test]
fn faults_are_named_with_their_rule() {
    let of = |rule: &str| parse(&format!("name = \"p\"\n[[rule]]\nname = \"r\"\n{rule}\n"));
    for (rule, words) in [
        ("", "r: write either `keep_days = 30` or `for_ever = true`"),
        ("keep_days = 1\nfor_ever = true", "r: write either"),
        ("for_ever = false", "r: write either"),
        ("keep_days = -1", "r: keep_days: expected a whole number from 0 to 36500"),
        ("keep_days = 36501", "r: keep_days: expected a whole number"),
        ("keep_day = 1", "r: keep_day: unknown key; known here: name, at, outcome"),
        ("at = []\nkeep_days = 1", "r: at: expected a list of texts, at least one"),
        (
            "at = [\"mailbox\"]\nkeep_days = 1",
            "r: at: \"mailbox\" is not known; known: first, relay",
        ),
        ("outcome = [\"lost\"]\nkeep_days = 1", "r: outcome: \"lost\" is not known"),
        ("agencies = [\"H 41\"]\nkeep_days = 1", "r: \"H 41\":"),
        ("keep_days = 1\n[[rule]]\nname = \"r\"\nkeep_days = 2", "r: two rules have this name"),
    ] {
        let told = of(rule).unwrap_err().to_string();
        assert!(told.starts_with(words), "{told}");
    }
    let told = |text: &str| parse(text).unwrap_err().to_string();
    assert!(told("[[rule]]\nname = \"r\"\nkeep_days = 1").contains("it has no name"));
    assert!(told("name = \"p\"").contains("it has 0 rules"));
    assert!(told("name = \"p\"\n[[rule]]\nkeep_days = 1").contains("a rule: it has no name"));
    // A proof of removal says it to everybody.
    assert!(
        told("name = \"p\"\n[[rule]]\nname = \"r\\u202e\"\nkeep_days = 1").contains("can be shown")
    );
    assert!(told("name = \"p\"\nrules = []").contains("rules: unknown key"));
}

#[test]
fn a_node_is_not_started_with_a_policy_that_cannot_be_read() {
    let fixture = Fixture::new();
    let text = format!("{WHOLE}[retention]\npolicy = \"retention.toml\"\n");
    assert!(messages(&fixture, &text).contains("retention.policy: retention.toml: cannot be read"));
    fixture.file("retention.toml", "name = \"p\"\n", 0o644);
    assert!(messages(&fixture, &text).contains("the policy: it has 0 rules"));
    fixture.file(
        "retention.toml",
        "name = \"p\"\n[[rule]]\nname = \"r\"\nfor_ever = true\n",
        0o644,
    );
    assert_eq!(messages(&fixture, &text), "accepted");
}

#[test]
fn the_folder_of_tiles_must_be_there() {
    let fixture = Fixture::new();
    let text = format!("{WHOLE}[tiles]\nfolder = \"public\"\nevery_s = 10\n");
    assert!(messages(&fixture, &text).contains("tiles.folder: no folder public"));
    fixture.folder("public", 0o755);
    assert_eq!(messages(&fixture, &text), "accepted");
}
