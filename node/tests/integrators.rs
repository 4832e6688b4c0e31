//! The tour of docs/integrators.md in its three languages, each block run as it stands there.

mod sandbox_place;

#[path = "integrators/tour.rs"]
mod tour;

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use sandbox_place::Sandbox;
use tram_api::Client;
use tram_crypto::sha256;
use tram_dispatch::Digest;

/// The block of a language in the section of the tour.
fn block(language: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/integrators.md");
    let text = fs::read_to_string(path).expect("the document");
    let (_, tour) = text.split_once("## The tour").expect("the tour");
    let (_, rest) = tour.split_once(&format!("```{language}\n")).expect("a block");
    rest.split_once("```").expect("its end").0.to_owned()
}

/// Runs a block by a program that reads it from its arguments.
fn run(program: &[&str], block: &str) -> String {
    let sandbox = Sandbox::start(&[]);
    let place = tempfile::tempdir().expect("a folder");
    let output = Command::new(program[0])
        .args(&program[1..])
        .arg(block)
        .env("UP", sandbox.socket(0))
        .env("DOWN", sandbox.socket(1))
        .current_dir(place.path())
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{said}\n{complaint}", output.status);
    assert!(sandbox.end(Signal::INT).success());
    said
}

#[tokio::test]
async fn the_tour_in_rust() {
    assert_eq!(
        block("rust"),
        include_str!("integrators/tour.rs"),
        "the document shows another one"
    );
    let sandbox = Sandbox::start(&[]);
    let [up, down] = [0, 1].map(|tier| Client::new(sandbox.socket(tier)));
    let pdf = b"%PDF-1.7 by Rust";
    tour::tour(&up, &down, pdf, Digest(sha256(pdf))).await.expect("the tour");
    assert!(sandbox.end(Signal::INT).success());
}

#[test]
#[ignore = "needs curl"]
fn needs_curl_the_tour_in_shell() {
    let said = run(&["timeout", "60", "sh", "-ec"], &block("sh"));
    assert!(said.contains("\"event\":\"ConsignmentAcceptance\""), "{said}");
}

#[test]
#[ignore = "needs python3"]
fn needs_python_the_tour_in_python() {
    run(&["timeout", "60", "python3", "-c"], &block("python"));
}
