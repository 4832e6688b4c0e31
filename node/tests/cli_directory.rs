//! The directory by command: mergers, differences, delegation, look-ups.

mod cli_place;

use std::fs;

use cli_place::{Place, installed};
use serde_json::Value;

const ROOT: &str = "office/network/root.cbor";
const FILE: &str = "office/directory.toml";

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn words<'a>(text: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    text.split_whitespace().chain(more.iter().copied()).collect()
}

/// Signs the working file with both keys.
fn sign(place: &Place, out: &str) {
    let sign = format!("directory sign --root {ROOT} --key office/network/directory-");
    place.tram(&words(&format!("{sign}0.key --file {FILE} --out {out}"), &[])).ok();
    place.tram(&words(&format!("{sign}1.key --add-to {out}"), &[])).ok();
}

fn add(place: &Place, file: &str, code: &str, name: &str, parent: &str) {
    let add = format!("directory add-agency --file {file} --code {code} --tier 4 --node n1.H41");
    place.tram(&words(&add, &["--parent", parent, "--name", name])).ok();
}

fn find(place: &Place, file: &str, text: &str) -> Vec<Value> {
    let find = format!("directory find --file {file} --root {ROOT} --json");
    let found = json(&place.tram(&words(&find, &[text])).ok());
    found.as_array().unwrap().clone()
}

#[test]
fn a_merger_is_one_operation_and_a_difference_leads_to_it() {
    let place = installed();
    add(&place, FILE, "H41.12.07", "Xã Hải Dương (ví dụ)", "H41");
    sign(&place, "one.cbor");
    let before = fs::read(place.path(FILE)).unwrap();
    let merge = format!("directory merge --file {FILE} --close H41.12.07 --into H41.12.03");
    let dry = json(&place.tram(&words(&merge, &["--dry-run", "--json"])).ok());
    assert_eq!((&dry["closed"], &dry["dry_run"]), (&Value::from(1), &Value::from(true)));
    assert_eq!(dry["changes"][0]["into"], "H41.12.03");
    assert_eq!(fs::read(place.path(FILE)).unwrap(), before, "nothing was written");
    let shown = place.tram(&words(&merge, &["--dry-run"])).ok();
    assert!(shown.contains("close   H41.12.07  Xã Hải Dương (ví dụ) → H41.12.03"), "{shown}");
    // What would leave somebody below a closed agency is refused, and named.
    let hole = format!("directory merge --file {FILE} --close H41 --into H41.12.03");
    let said = place.tram(&words(&hole, &[])).fails(1, "DIRECTORY_INVALID");
    assert!(said.contains("H41.12.03") && said.contains("stays open under H41"), "{said}");
    assert_eq!(fs::read(place.path(FILE)).unwrap(), before);
    fs::write(
        place.path("plan.toml"),
        "at = \"2025-06-30T17:00:00Z\"\n[[merge]]\nclose = [\"H41.12.07\"]\ninto = \"H41.12.03\"\n\
         [[rename]]\ncode = \"H41.12.03\"\nname = \"Xã Mỹ Sơn mới\"\n",
    )
    .unwrap();
    let plan = format!("directory merge --file {FILE} --plan plan.toml --json");
    let done = json(&place.tram(&words(&plan, &[])).ok());
    assert_eq!((&done["closed"], &done["renamed"]), (&Value::from(1), &Value::from(1)));
    sign(&place, "two.cbor");

    // Old codes are answered, with and without accents.
    for text in ["H41.12.07", "hai duong", "Hải Dương", "000.07.12.H41"] {
        let found = find(&place, "two.cbor", text);
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!((&found[0]["open"], &found[0]["reaches"]), (&false.into(), &"H41.12.03".into()));
        assert_eq!(found[0]["until"], "2025-06-30T17:00:00.000Z");
    }
    assert!(find(&place, "two.cbor", "hài dương").is_empty());

    let diff = format!("directory diff one.cbor two.cbor --root {ROOT} --out two.difference");
    let compared = json(&place.tram(&words(&diff, &["--json"])).ok());
    assert_eq!((&compared["changed"], &compared["removed"]), (&Value::from(2), &Value::from(0)));
    let shown = place.tram(&words(&diff, &[])).ok();
    assert!(shown.contains("open: true → false") && shown.contains("Xã Mỹ Sơn mới"), "{shown}");
    let apply = format!("directory apply one.cbor two.difference --root {ROOT} --out made.cbor");
    place.tram(&words(&apply, &[])).ok();
    assert_eq!(
        fs::read(place.path("made.cbor")).unwrap(),
        fs::read(place.path("two.cbor")).unwrap()
    );
    // Made for another version it leads nowhere, nor does it lead back.
    let apply =
        format!("directory apply office/directory.cbor two.difference --root {ROOT} --out x.cbor");
    place.tram(&words(&apply, &[])).fails(1, "DIRECTORY_INVALID");
    let back = format!("directory diff two.cbor one.cbor --root {ROOT}");
    place.tram(&words(&back, &[])).fails(1, "DIRECTORY_OLD");
    // A stopped node takes the whole, and then a difference.
    let install = |file: &str| {
        let install = format!("directory install {file} --offline --config commune/tram.toml");
        place.tram(&words(&install, &[]))
    };
    install("one.cbor").ok();
    install("two.difference").ok();
    assert_eq!(
        fs::read(place.path("commune/network/directory.cbor")).unwrap(),
        fs::read(place.path("two.cbor")).unwrap()
    );
    install("two.difference").fails(1, "DIRECTORY_OLD");
}

#[test]
fn a_province_signs_its_own_subtree_and_nothing_else() {
    let place = installed();
    place.tram(&words("directory delegate --new-key h41.key", &[])).ok();
    let delegate = format!("directory delegate --file {FILE} --subtree H41 --key h41.key.pub");
    place.tram(&words(&delegate, &[])).ok();
    sign(&place, "one.cbor");
    let open = format!("directory open one.cbor --root {ROOT} --file h41.toml");
    place.tram(&words(&open, &[])).ok();
    add(&place, "h41.toml", "H41.12.08", "Xã Tân Lợi (ví dụ)", "H41");
    let sign_subtree = format!(
        "directory sign-subtree --subtree H41 --file h41.toml --base one.cbor --root {ROOT} \
         --key h41.key --out h41.change --json"
    );
    let signed = json(&place.tram(&words(&sign_subtree, &[])).ok());
    assert_eq!(signed["entries"][0]["id"], "H41.12.08");
    let take =
        format!("directory take-subtree h41.change --base one.cbor --root {ROOT} --file {FILE}");
    let before = fs::read(place.path(FILE)).unwrap();
    let dry = place.tram(&words(&take, &["--dry-run"])).ok();
    assert!(dry.contains("added") && fs::read(place.path(FILE)).unwrap() == before, "{dry}");
    place.tram(&words(&take, &[])).ok();
    sign(&place, "two.cbor");
    assert_eq!(find(&place, "two.cbor", "tan loi")[0]["code"], "H41.12.08");
    // Made for the version before, it is not taken again.
    place.tram(&words(&take, &[])).fails(1, "WRONG_STATE");

    // Outside of the subtree nothing is signed, and with another key nothing is either.
    let open = format!("directory open two.cbor --root {ROOT} --file bad.toml");
    place.tram(&words(&open, &[])).ok();
    add(&place, "bad.toml", "H42.01", "Xã khác (ví dụ)", "H41");
    let bad = format!(
        "directory sign-subtree --subtree H41 --file bad.toml --base two.cbor --root {ROOT} --out x --key "
    );
    let said = place.tram(&words(&format!("{bad} h41.key"), &[])).fails(1, "NOT_AUTHORISED");
    assert!(said.contains("H42.01"), "{said}");
    let said = place
        .tram(&words(&format!("{bad} office/network/directory-0.key"), &[]))
        .fails(1, "NOT_AUTHORISED");
    assert!(said.contains("names this key") && !place.path("x").exists(), "{said}");
}
