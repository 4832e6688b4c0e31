//! `[timestamp]`: what is read, and what is refused in which words.

mod fixture;

use fixture::{Fixture, WHOLE, accounts, messages};
use tram_config::Config;

fn whole(url: &str) -> String {
    format!("{WHOLE}[timestamp]\nurl = \"{url}\"\nanchors = \"tsa.pem\"\n")
}

#[test]
fn a_server_is_a_host_a_port_and_a_path() {
    for (url, host, port, path) in [
        ("http://tsa.example.vn", "tsa.example.vn", 80, "/"),
        ("http://tsa.example.vn/tsr", "tsa.example.vn", 80, "/tsr"),
        ("http://127.0.0.1:318/a/b?c=d", "127.0.0.1", 318, "/a/b?c=d"),
        ("http://[::1]:8080?x", "::1", 8080, "/?x"),
        ("http://[::1]/tsr", "::1", 80, "/tsr"),
    ] {
        let fixture = Fixture::new();
        let config = Config::parse(&whole(url), &fixture.path("t.toml"), &accounts());
        let stamps = config.unwrap_or_else(|e| panic!("{e}")).time_stamps.expect("it is there");
        let server = &stamps.server;
        assert_eq!((server.address.host.as_str(), server.address.port), (host, port), "{url}");
        assert_eq!((server.path.as_str(), server.text.as_str()), (path, url));
        assert_eq!(stamps.anchors, fixture.path("tsa.pem"));
        assert_eq!(stamps.pace.interval_s, 3_600);
    }
    let none = Config::parse(WHOLE, &Fixture::new().path("t.toml"), &accounts()).expect("sound");
    assert_eq!(none.time_stamps, None);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let fixture = Fixture::new();
    fixture.file("tsa.pem", "-----BEGIN CERTIFICATE-----\n", 0o644);
    assert_eq!(messages(&fixture, &whole("http://tsa.example.vn/tsr")), "accepted");
    for (url, words) in [
        ("https://tsa.example.vn/tsr", "is not a URL that begins with http://"),
        ("tsa.example.vn", "is not a URL that begins with http://"),
        ("http://user@tsa.example.vn/", "is not a URL of a server"),
        ("http://tsa.example.vn/a b", "is not a URL of a server"),
        ("http://tsa.example.vn/\\r\\nHost: x", "is not a URL of a server"),
        ("http://tsa.example.vn:0/", "is not a host with a port"),
        ("http:///tsr", "is not a host with a port"),
    ] {
        let told = messages(&fixture, &whole(url));
        assert!(told.contains(words) && told.contains("timestamp.url"), "{url}: {told}");
    }
    let alone = format!("{WHOLE}[timestamp]\nurl = \"http://tsa.example.vn\"\n");
    let told = messages(&fixture, &alone);
    assert!(told.contains("timestamp.anchors: missing"), "{told}");
    let absent = messages(&Fixture::new(), &whole("http://tsa.example.vn"));
    assert!(absent.contains("no file tsa.pem"), "{absent}");
}
