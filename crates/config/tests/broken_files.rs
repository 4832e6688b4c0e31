//! Whole texts with broken files beside them, each with the exact words an operator reads.

mod fixture;

use std::os::unix::fs::symlink;

use fixture::{Fixture, WHOLE, messages, refused, refused_with};
use tram_config::Config;

#[test]
fn absent_files_are_all_named() {
    refused_with(
        |f| {
            std::fs::remove_dir_all(f.path("network")).unwrap();
            std::fs::remove_dir_all(f.path("anchor")).unwrap();
            std::fs::remove_file(f.path("keys/receipt.key")).unwrap();
            std::fs::remove_dir(f.path("run")).unwrap();
        },
        "t.toml:4:14 node.anchor_dir: no folder anchor; make it (mode 0700), or correct the path\n\
         t.toml:5:8 node.root: no file network/root.cbor; get it from the network's operator, or correct the path\n\
         t.toml:6:13 node.directory: no file network/directory.cbor; get it from the network's operator, or correct the path\n\
         t.toml:11:15 keys.receipt_key: no file keys/receipt.key; make it with `tram init` or `tram pki request`, or correct the path\n\
         t.toml:17:8 sockets[1].path: no folder run; make it, or correct the path",
    );
    refused(
        "\"data\"",
        "\"\"",
        "t.toml:3:12 node.data_dir: not a path; write the path of a file or folder",
    );
}

#[test]
fn keys_are_private_and_have_one_purpose() {
    refused_with(
        |f| {
            f.file("keys/tls.key", "-----BEGIN PRIVATE KEY-----", 0o640);
        },
        "t.toml:10:11 keys.tls_key: keys/tls.key has mode 0640, so others can read or change it; chmod 0600 keys/tls.key; if others could read it, make a new key",
    );
    let words = "t.toml:11:15 keys.receipt_key: is the same key as keys.tls_key; give each purpose a key of its own";
    refused_with(|f| f.key("keys/receipt.key", "tls"), words);
    // Another line break, or a comment before the block, does not make another key.
    refused_with(|f| f.key("keys/receipt.key", "tl\r\ns"), words);
    refused("keys/receipt.key", "keys/../keys/tls.key", words);
    let seal = "[[seals]]\nagency = \"H41.12\"\ncertificate = \"keys/seal.crt\"\nkey = \"keys/tls.key\"\n[limits]";
    refused(
        "[limits]",
        seal,
        "t.toml:16:7 seals[1].key: is the same key as keys.tls_key; give each purpose a key of its own",
    );
    refused_with(
        |f| {
            f.file("keys/tls.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n", 0o600);
        },
        "t.toml:10:11 keys.tls_key: keys/tls.key holds no unencrypted PKCS#8 key; its first line must be -----BEGIN PRIVATE KEY-----",
    );
}

#[test]
fn other_files_are_what_they_should_be() {
    refused(
        "tls_certificate = \"keys/tls.crt\"",
        "tls_certificate = \"keys/seal.key\"",
        "t.toml:9:19 keys.tls_certificate: keys/seal.key holds a private key beside the certificates; keep the key in a file of its own",
    );
    refused(
        "tls_certificate = \"keys/tls.crt\"",
        "tls_certificate = \"network/root.cbor\"",
        "t.toml:9:19 keys.tls_certificate: network/root.cbor holds no PEM certificate; install one with `tram pki install`, or correct the path",
    );
    refused(
        "[limits]",
        "[revocation]\nlists = [\"keys/tls.crt\"]\n[limits]",
        "t.toml:14:10 revocation.lists: keys/tls.crt holds no revocation list, neither DER nor PEM; get it from the authority, or correct the path",
    );
    refused(
        "network/root.cbor",
        "network",
        "t.toml:5:8 node.root: network is not a regular file; correct the path",
    );
    refused(
        "\"data\"",
        "\"network/root.cbor\"",
        "t.toml:3:12 node.data_dir: network/root.cbor is not a folder; correct the path",
    );
    refused(
        "run/clerk.sock",
        "network/root.cbor",
        "t.toml:17:8 sockets[1].path: network/root.cbor is there and not a socket; move it away, or correct the path",
    );
    refused_with(
        |f| {
            f.file("network/directory.cbor", "", 0o644);
        },
        "t.toml:6:13 node.directory: network/directory.cbor is empty; get it from the network's operator, or correct the path",
    );
    refused_with(
        |f| f.folder("data", 0o770),
        "t.toml:3:12 node.data_dir: data has mode 0770, so others can change what is in it; chmod 0700 data",
    );
}

#[test]
fn the_anchor_lies_outside_the_data_also_behind_a_link() {
    let words = "must lie outside data_dir; choose folders of which neither holds the other, best on different disks";
    let fixture = Fixture::new();
    fixture.folder("data/anchor", 0o700);
    let inside = WHOLE.replace("\"anchor\"", "\"anchor/../data/anchor\"");
    assert_eq!(messages(&fixture, &inside), format!("t.toml:4:14 node.anchor_dir: {words}"));
    symlink(fixture.path("data/anchor"), fixture.path("link")).unwrap();
    let linked = WHOLE.replace("\"anchor\"", "\"link\"");
    assert_eq!(messages(&fixture, &linked), format!("t.toml:4:14 node.anchor_dir: {words}"));
}

#[test]
fn faults_of_text_and_files_come_together_in_the_files_order() {
    let fixture = Fixture::new();
    std::fs::remove_file(fixture.path("network/root.cbor")).unwrap();
    let text = WHOLE.replace("listen =", "listn =").replace("= 500", "= 1");
    assert_eq!(
        messages(&fixture, &text),
        "t.toml:5:8 node.root: no file network/root.cbor; get it from the network's operator, or correct the path\n\
         t.toml:7:1 node.listn: unknown key; did you mean `listen`?\n\
         t.toml:14:20 limits.retry_initial_ms: 1 is out of range; write a whole number from 100 to 60000"
    );
}

#[test]
fn the_file_itself_may_be_absent_too_large_or_no_text() {
    let fixture = Fixture::new();
    let absent = Config::load(&fixture.path("none.toml")).unwrap_err().to_string();
    assert!(absent.ends_with("none.toml: cannot be read (No such file or directory (os error 2)); make one with `tram init`, or copy an example from config/"), "{absent}");
    let long = "#".repeat(1 << 20) + "#";
    assert_eq!(
        messages(&fixture, &long),
        "t.toml: cannot be read (larger than 1048576 bytes); it must be a UTF-8 text file that this user may read"
    );
    std::fs::write(fixture.path("t.bin"), [0xff, 0xfe]).unwrap();
    let binary = Config::load(&fixture.path("t.bin")).unwrap_err().to_string();
    assert!(
        binary.contains("t.bin: cannot be read (stream did not contain valid UTF-8); it must"),
        "{binary}"
    );
}

#[test]
fn messages_carry_no_control_characters() {
    let fixture = Fixture::new();
    let text = WHOLE.replace("\"n1.H41.12\"", "\"\\u001b[31m\"");
    let shown = messages(&fixture, &text);
    assert!(shown.starts_with("t.toml:2:6 node.id: \"\\u{1b}[31m\" is not a node id; "), "{shown}");
}
