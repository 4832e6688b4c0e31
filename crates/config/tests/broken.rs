//! Broken texts, each with the exact words an operator reads.

mod fixture;

use fixture::{Fixture, WHOLE, messages, refused};

#[test]
fn the_whole_one_is_accepted() {
    assert_eq!(messages(&Fixture::new(), WHOLE), "accepted");
}

#[test]
fn unknown_keys_come_with_a_suggestion() {
    refused(
        "root =",
        "rot =",
        "t.toml:1:1 node.root: missing; add `root = \"network/root.cbor\"`\nt.toml:5:1 node.rot: unknown key; did you mean `root`?",
    );
    refused("listen =", "tls_key =", "t.toml:7:1 node.tls_key: unknown key; it belongs in [keys]");
    refused(
        "retry_initial_ms",
        "retry_inital_ms",
        "t.toml:14:1 limits.retry_inital_ms: unknown key; did you mean `retry_initial_ms`?",
    );
    refused(
        "mode =",
        "password =",
        "t.toml:18:1 sockets[1].password: unknown key; known here: name, path, mode, group",
    );
    refused("[limits]", "[limit]", "t.toml:13:2 limit: unknown key; did you mean `limits`?");
    refused(
        "[[peers]]",
        "[[neighbours]]",
        "t.toml:23:3 neighbours: unknown key; known here: node, peers, keys, revocation, sockets, access, seals, groups, units, limits, quotas, retention, witness, timestamp, tiles, axis, axis_accounts, drop, drop_folders, webhook, webhooks, door, door_systems, audit, log",
    );
    refused(
        "any = true",
        "any = true\nrole = []",
        "t.toml:21:1 access[1].role: unknown key; did you mean `roles`?",
    );
}

#[test]
fn missing_keys_are_all_named() {
    refused(
        "id = \"n1.H41.12\"\ndata_dir = \"data\"\n",
        "",
        "t.toml:1:1 node.data_dir: missing; add `data_dir = \"/var/lib/tram/data\"`\nt.toml:1:1 node.id: missing; add `id = \"n1.H41.12\"`",
    );
    refused(
        "tls_key = \"keys/tls.key\"\n",
        "",
        "t.toml:8:1 keys.tls_key: missing; add `tls_key = \"keys/tls.key\"`",
    );
    refused(
        "roles = [\"submit\"]\n",
        "",
        "t.toml:19:1 access[1].roles: missing; add `roles = [\"submit\", \"collect\"]`",
    );
    refused(
        "agencies = [\"H41.12\"]\n",
        "",
        "t.toml:19:1 access[1].agencies: missing; add `agencies = [\"H41.12\"]`",
    );
    refused(
        "name = \"clerk\"\n",
        "",
        "t.toml:15:1 sockets[1].name: missing; add `name = \"clerk\"`",
    );
    let cut = &WHOLE[WHOLE.find("[[sockets]]").unwrap()..WHOLE.find("[[access]]").unwrap()];
    refused(
        cut,
        "",
        "t.toml:1:1 sockets.path: missing; add `path = \"/run/tram/clerk.sock\"` under [[sockets]]",
    );
}

#[test]
fn wrong_types_are_named_in_words() {
    refused(
        "id = \"n1.H41.12\"",
        "id = 5",
        "t.toml:2:6 node.id: expected a text, found a number; write it as `id = \"n1.H41.12\"`",
    );
    refused(
        "= 500",
        "= \"500\"",
        "t.toml:14:20 limits.retry_initial_ms: expected a number, found a text; write a whole number from 100 to 60000",
    );
    refused(
        "= 500",
        "= 500.5",
        "t.toml:14:20 limits.retry_initial_ms: expected a number, found a number with a fraction; write a whole number from 100 to 60000",
    );
    refused(
        "any = true",
        "any = \"yes\"",
        "t.toml:20:7 access[1].any: expected true or false, found a text; write it as `any = true`",
    );
    refused(
        "mode = \"0660\"",
        "mode = 0o660",
        "t.toml:18:8 sockets[1].mode: expected a text, found a number; write it as `mode = \"0660\"`",
    );
    refused(
        "[\"submit\"]",
        "\"submit\"",
        "t.toml:22:9 access[1].roles: expected a list, found a text; write it as `roles = [\"submit\", \"collect\"]`",
    );
    refused(
        "[\"submit\"]",
        "[\"submit\", 7]",
        "t.toml:22:20 access[1].roles: expected texts, found a number; write it as `roles = [\"submit\", \"collect\"]`",
    );
    refused(
        "[[peers]]",
        "[peers]",
        "t.toml:23:1 peers: expected tables, found a table; write it as [[peers]]",
    );
}

#[test]
fn numbers_stay_in_their_ranges() {
    refused(
        "= 500",
        "= 99",
        "t.toml:14:20 limits.retry_initial_ms: 99 is out of range; write a whole number from 100 to 60000",
    );
    refused(
        "= 500",
        "= -1",
        "t.toml:14:20 limits.retry_initial_ms: -1 is out of range; write a whole number from 100 to 60000",
    );
    refused(
        "= 500",
        "= 99999999999999999999999999999999999999999",
        "t.toml:14:20 limits.retry_initial_ms: 99999999999999999999999999999999999999999 is out of range; write a whole number from 100 to 60000",
    );
    refused(
        "= 500",
        "= 5000\nretry_max_ms = 2000",
        "t.toml:13:1 limits.retry_initial_ms: 5000 is more than retry_max_ms (2000); lower it, or raise retry_max_ms",
    );
    refused(
        "any = true",
        "uid = 4294967295",
        "t.toml:20:7 access[1].uid: 4294967295 is out of range; write a whole number from 0 to 4294967294",
    );
}

#[test]
fn names_and_addresses_follow_their_grammar() {
    refused(
        "\"n1.H41.12\"",
        "\"N1.H41.12\"",
        "t.toml:2:6 node.id: \"N1.H41.12\" is not a node id; a node id is a label of 1 to 16 characters a-z, 0-9, '-', then a dot and a structured agency code, for example n1.H41.12",
    );
    refused(
        "[\"H41.12\"]",
        "[\"h41.12\"]",
        "t.toml:21:13 access[1].agencies: \"h41.12\" is not an agency code; agency codes are written in capitals: did you mean H41.12?",
    );
    refused(
        "127.0.0.1:0",
        "localhost:0",
        "t.toml:7:10 node.listen: \"localhost:0\" is not an IP address with a port; write it as \"0.0.0.0:7800\" or \"[::]:7800\"; leave it out to only dial",
    );
    for bad in ["localhost", "localhost:0", "localhost:65536", "::1:7800", "[x]:1", "-a.b:1", ":1"]
    {
        refused(
            "localhost:7800",
            bad,
            &format!(
                "t.toml:25:11 peers[1].address: \"{bad}\" is not a host with a port; write it as \"tram.example.vn:7800\", \"192.0.2.1:7800\" or \"[2001:db8::1]:7800\""
            ),
        );
    }
    for bad in ["0666x", "06600", "0680", ""] {
        refused(
            "\"0660\"",
            &format!("\"{bad}\""),
            &format!(
                "t.toml:18:8 sockets[1].mode: \"{bad}\" is not a file mode; write it in octal, as \"0660\""
            ),
        );
    }
    refused(
        "[limits]",
        "[log]\nlevel = \"loud\"\n[limits]",
        "t.toml:14:9 log.level: \"loud\" is not known; write one of \"error\", \"warn\", \"info\", \"debug\", \"trace\"",
    );
}

#[test]
fn peers_are_named_once_and_are_others() {
    refused(
        "node = \"n1.H41\"",
        "node = \"n1.H41.12\"",
        "t.toml:24:8 peers[1].node: this is the node itself; name another",
    );
    refused(
        "node = \"n1.H41\"",
        "node = \"n1.H41\"\nparent = true",
        "t.toml:24:8 peers[1]: names no peer, or two; write either `node = \"n1.H41\"` or `parent = true`",
    );
    refused(
        "node = \"n1.H41\"\n",
        "",
        "t.toml:23:1 peers[1]: names no peer, or two; write either `node = \"n1.H41\"` or `parent = true`",
    );
    refused(
        "[[peers]]",
        "[[peers]]\nnode = \"n1.H41\"\n[[peers]]",
        "t.toml:26:8 peers[2]: n1.H41 is already peers[1]; keep one of them",
    );
}

#[test]
fn rules_say_who_and_what() {
    refused(
        "any = true\n",
        "",
        "t.toml:19:1 access[1]: names nobody; write exactly one of uid, user, gid, group, any",
    );
    refused(
        "any = true",
        "any = true\nuid = 0",
        "t.toml:19:1 access[1]: names callers in 2 ways (uid, any); write exactly one of uid, user, gid, group, any",
    );
    refused(
        "any = true",
        "any = false",
        "t.toml:20:7 access[1].any: false names nobody; write `any = true`, or name a uid, user, gid or group",
    );
    refused(
        "any = true",
        "user = \"no such\"",
        "t.toml:20:8 access[1].user: no user \"no such\" in /etc/passwd; make it with `useradd`, or use `uid`",
    );
    refused(
        "\"0660\"",
        "\"0660\"\ngroup = \"no such\"",
        "t.toml:19:9 sockets[1].group: no group \"no such\" in /etc/group; make it with `groupadd`",
    );
    refused(
        "[\"submit\"]",
        "[\"submit\", \"submit\"]",
        "t.toml:22:20 access[1].roles: \"submit\" is here twice; keep one of them",
    );
    refused(
        "[\"submit\"]",
        "[\"admin\"]",
        "t.toml:22:10 access[1].roles: \"admin\" is not known; write one of \"submit\", \"collect\", \"read\", \"operate\", \"audit\"",
    );
    refused(
        "[\"submit\"]",
        "[]",
        "t.toml:19:1 access[1].roles: grants nothing; name at least one of submit, collect, read, operate, audit",
    );
    refused(
        "[\"H41.12\"]",
        "[\"*\"]",
        "t.toml:21:13 access[1].agencies: \"*\" stands in a list; write `agencies = \"*\"` for every agency this node hosts",
    );
    refused(
        "[\"H41.12\"]",
        "\"H41.12\"",
        "t.toml:21:12 access[1].agencies: expected a list or \"*\", found \"H41.12\"; write it as `agencies = [\"H41.12\"]`",
    );
    refused(
        "[\"H41.12\"]",
        "[\"H41.12\", \"000.00.12.H41\"]",
        "t.toml:21:23 access[1].agencies: \"000.00.12.H41\" is here twice; keep one of them",
    );
    refused(
        "[\"H41.12\"]",
        "[]",
        "t.toml:19:1 access[1].agencies: names none; name the agencies, or write `agencies = \"*\"`",
    );
    refused(
        "any = true",
        "any = true\nsocket = \"clark\"",
        "t.toml:15:1 sockets: nobody may use socket \"clerk\"; add an [[access]] rule for it, or remove the socket\nt.toml:21:10 access[1].socket: no socket is named \"clark\"; did you mean \"clerk\"?",
    );
}

#[test]
fn names_and_paths_of_sockets_are_their_own() {
    let second = "mode = \"0660\"\n[[sockets]]\nname = \"clerk\"\npath = \"run/other.sock\"";
    refused(
        "mode = \"0660\"",
        second,
        "t.toml:20:8 sockets[2].name: \"clerk\" is already sockets[1]; give each socket its own name",
    );
    let second = "mode = \"0660\"\n[[sockets]]\nname = \"other\"\npath = \"run/./clerk.sock\"";
    refused(
        "mode = \"0660\"",
        second,
        "t.toml:21:8 sockets[2].path: already the path of sockets[1]; give each socket its own path",
    );
    let long = format!("/tmp/{}.sock", "x".repeat(100));
    refused(
        "run/clerk.sock",
        &long,
        "t.toml:17:8 sockets[1].path: the path has 110 bytes; choose one of at most 107",
    );
}

#[test]
fn syntax_errors_and_duplicates_have_a_place() {
    refused(
        "root = \"network/root.cbor\"",
        "root = \"network/root.cbor\"\nroot = \"x\"",
        "t.toml:6:1: the key or table is here twice; keep one of them",
    );
    refused(
        "[limits]",
        "[keys]\n[limits]",
        "t.toml:13:2: the key or table is here twice; keep one of them",
    );
    refused(
        "id = \"n1.H41.12\"",
        "id = \"n1.H41.12",
        "t.toml:2:16: not TOML: invalid basic string, expected `\"`; see https://toml.io/en/v1.0.0",
    );
}
