use std::process::Command;

use clap::Parser as _;
use tram_dispatch::directory::Entry;
use tram_trust::fixtures::Network;

use super::*;
use crate::cli::Cli;

fn request(code: &str, name: &str, parent: &str) -> AgencyRequest {
    AgencyRequest { code: code.to_owned(), name: name.to_owned(), parent: parent.to_owned() }
}

fn asked(directory: &Directory, request: &AgencyRequest) -> Option<Wish> {
    to_enter(directory, &AgencyCode::parse(&request.code).unwrap(), request)
}

/// The words that a shell makes of a command.
fn words(command: &str) -> Vec<String> {
    let script = format!("set -- {command}\nprintf '%s\\0' \"$@\"");
    let out = Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
    assert!(out.status.success(), "{command}");
    let text = String::from_utf8(out.stdout).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

#[test]
fn what_is_so_already_is_no_wish() {
    let network = Network::new("axis entries");
    let directory = &network.directory;
    let name = "Ủy ban nhân dân huyện";
    for parent in ["H41", "000.00.00.H41", "", "4711"] {
        assert_eq!(asked(directory, &request("H41.12", name, parent)), None, "{parent}");
    }
    assert_eq!(asked(directory, &request("H41.12", "", "")), None, "it says nothing new");
    assert_eq!(to_close(directory, &AgencyCode::parse("H78").unwrap()), None);
}

#[test]
fn each_wish_is_a_command_that_the_program_takes() {
    let network = Network::new("axis entries");
    let mut entries = network.entries.clone();
    for entry in &mut entries {
        match entry {
            Entry::Agency(a) if a.code.as_str() == "H41.12" => {
                a.former = vec![AgencyCode::parse("H41.99").unwrap()];
            }
            Entry::Agency(a) if a.code.as_str() == "H41.12.03" => a.open = false,
            _ => {}
        }
    }
    let directory = network.next_directory(&entries);
    let closing = |code| to_close(&directory, &AgencyCode::parse(code).unwrap());
    let hostile = "Xã 'A'; touch /tmp/x $(id) `id` \\ \"B\"\n\u{202e}";
    let entering = |code, name, parent| asked(&directory, &request(code, name, parent));
    for (wish, what, command) in [
        (
            entering("H41.13", "Huyện mới", "H41"),
            What::New,
            "tram directory add-agency --code H41.13 --name 'Huyện mới' --tier 3 --parent H41 --node NODE",
        ),
        (
            entering("H77", "Moi", "4711"),
            What::New,
            "tram directory add-agency --code H77 --name Moi --tier TIER --node NODE",
        ),
        (
            // By the code that it had before, which stays on its list.
            entering("H41.99", "Huyện đổi tên", ""),
            What::Changed,
            "tram directory add-agency --code H41.12 --name 'Huyện đổi tên' --tier 3 --parent H41 \
             --node n1.H41.12 --former H41.99 --replace",
        ),
        (
            entering("H41.12", "Ủy ban nhân dân huyện", "G22"),
            What::Changed,
            "tram directory add-agency --code H41.12 --name 'Ủy ban nhân dân huyện' --tier 3 --parent G22 \
             --node n1.H41.12 --former H41.99 --replace",
        ),
        (
            entering("H41.12.03", "", ""),
            What::Reopened,
            "tram directory add-agency --code H41.12.03 --name 'Ủy ban nhân dân xã' --tier 4 --parent H41.12 \
             --node n1.H41.12.03 --replace",
        ),
        (
            closing("H41.99"),
            What::Closed,
            "tram directory close-agency --code H41.12 --successor SUCCESSOR",
        ),
    ] {
        let wish = wish.expect(command);
        assert_eq!((wish.what, wish.command.as_str()), (what, command));
        let filled = wish.command.replace("TIER", "2").replace("NODE", "n1.H41");
        let taken = Cli::try_parse_from(words(&filled.replace("SUCCESSOR", "H41")));
        assert!(taken.is_ok(), "{command}: {:?}", taken.err());
    }
    assert_eq!(closing("H41.12.03"), None, "it is closed already");
    let wish = entering("H41.13", hostile, "'; id").expect("a wish");
    let words = words(&wish.command);
    assert_eq!(words[6], escaped(hostile), "one word, whatever is in it");
    assert_eq!((wish.name, wish.parent), (escaped(hostile), "'; id".to_owned()));
    assert!(!wish.command.contains('\n'));
}
