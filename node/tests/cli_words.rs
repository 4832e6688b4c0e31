//! What the command line says when something is wrong, and in which language.

mod cli_place;

use cli_place::Place;

#[test]
fn run_without_configuration_says_what_to_type() {
    let place = Place::new();
    let said = place.tram(&["run"]).fails(2, "CONFIG_INVALID");
    for command in ["tram demo", "tram init --code", "tram pki install", "tram run --config"] {
        assert!(said.contains(command), "{said}");
    }
    let said = place.tram(&["run", "--lang", "vi"]).fails(2, "CONFIG_INVALID");
    assert!(said.contains("nguyên nhân") && said.contains("chưa có cấu hình"), "{said}");
}

#[test]
fn a_node_that_is_not_there_is_unreachable_and_programs_get_json() {
    let place = Place::new();
    place.tram(&["status", "--socket", "none.sock"]).fails(5, "NODE_UNREACHABLE");
    let (code, out, err) = place.tram(&["status", "--socket", "none.sock", "--json"]).both();
    let problem: serde_json::Value = serde_json::from_str(&err).unwrap();
    assert_eq!((code, out.as_str()), (5, ""));
    assert_eq!(problem["code"], "NODE_UNREACHABLE");
    assert!(problem["remedy"].as_str().is_some_and(|r| !r.is_empty()), "{problem}");
    place.tram(&["status"]).fails(5, "NODE_UNREACHABLE");
}

#[test]
fn faults_of_a_configuration_come_all_at_once_with_their_lines() {
    let place = Place::new();
    std::fs::write(place.path("tram.toml"), "[node]\nid = \"n1.H41\"\nlisten_at = \"x\"\n")
        .unwrap();
    let said = place.tram(&["config", "check"]).fails(2, "CONFIG_INVALID");
    assert!(said.contains("tram.toml:3:1") && said.contains("did you mean"), "{said}");
    assert!(said.lines().count() > 5, "{said}");
}

#[test]
fn nothing_from_outside_reaches_the_terminal_raw() {
    let place = Place::new();
    let said = place.tram(&["pki", "show", "a\u{1b}[2J\u{202e}b"]).fails(2, "UNREADABLE");
    assert!(said.chars().all(|c| c == '\n' || !c.is_control()), "{said:?}");
    assert!(said.contains("\\u{1b}[2J\\u{202e}b"), "{said}");
}

#[test]
fn what_is_missing_is_named_with_a_remedy_for_people() {
    let place = Place::new();
    let said = place.tram(&["inbox", "list"]).fails(2, "BAD_REQUEST");
    assert!(said.contains("--agency") && said.contains("--help"), "{said}");
}

#[test]
fn wrong_words_are_usage_and_help_is_not() {
    let place = Place::new();
    let (code, ..) = place.tram(&["dispatch", "sign"]).both();
    assert_eq!(code, 2);
    let help = place.tram(&["inbox", "fetch", "--help"]).ok();
    assert!(help.contains("Example:") && help.contains("--confirm"), "{help}");
}
