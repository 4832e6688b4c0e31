//! The checked-in OpenAPI description is what the code says, and the code serves it.

use std::collections::BTreeSet;

use serde_json::Value;
use tram_api::openapi;
use tram_api::routes::ROUTES;

use crate::harness::running;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api/openapi.json");

/// Run with `TRAM_BLESS=1` to write the file anew.
#[tokio::test]
async fn the_checked_in_description_is_current_and_served() {
    if std::env::var_os("TRAM_BLESS").is_some() {
        std::fs::write(FILE, openapi::text()).unwrap();
    }
    let file = std::fs::read_to_string(FILE).unwrap();
    assert!(file == openapi::text(), "docs/api/openapi.json is old: run with TRAM_BLESS=1");
    let served = running().await.client().openapi().await.unwrap();
    assert_eq!(&served[..], file.as_bytes());
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let document: Value = serde_json::from_str(openapi::text()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            assert!(operation["responses"]["default"].is_object(), "{id}");
            described.insert((method.to_uppercase(), path.clone(), id));
        }
    }
    let table: BTreeSet<_> = ROUTES
        .iter()
        .map(|r| (r.verb.name().to_owned(), r.path.to_owned(), r.name.to_owned()))
        .collect();
    assert_eq!(described, table);
}

#[test]
fn every_reference_resolves_and_every_schema_is_used() {
    let document: Value = serde_json::from_str(openapi::text()).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut used = BTreeSet::new();
    references(&document, &mut used);
    for name in &used {
        assert!(schemas.contains_key(name), "{name} is referred to but not there");
    }
    for (name, schema) in schemas {
        assert!(used.contains(name), "{name} is there but nothing refers to it");
        assert!(schema.get("description").is_some(), "{name} has no description");
    }
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(target)) = members.get("$ref") {
                let name = target.strip_prefix("#/components/schemas/").expect("a schema");
                found.insert(name.to_owned());
            }
            members.values().for_each(|v| references(v, found));
        }
        Value::Array(items) => items.iter().for_each(|v| references(v, found)),
        _ => {}
    }
}

/// The guide beside the description names every route.
#[test]
fn the_guide_names_every_route() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api/README.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    for route in ROUTES {
        let line = format!("`{} {}`", route.verb.name(), route.path);
        assert!(guide.contains(&line), "docs/api/README.md lacks {line}");
    }
}
