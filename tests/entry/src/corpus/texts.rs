//! Texts: configurations and what they name, requests to the local socket.

use super::{Put, repository};

/// Puts them all.
pub(super) fn of_texts(put: &mut Put<'_>) {
    for tier in ["commune", "district", "province", "centre"] {
        let text = std::fs::read(repository(&format!("config/{tier}.toml"))).expect("an example");
        put("configuration", tier, text);
    }
    for (target, name) in [("retention", "retention"), ("working_days", "working-days")] {
        let text = std::fs::read(repository(&format!("config/{name}.toml"))).expect("an example");
        put(target, name, text);
    }
    let policy = "name = \"p\"\nper_day_max = 5\n[[rule]]\nname = \"r\"\nat = [\"first\", \"relay\"]\n\
        outcome = [\"registered\"]\ntypes = [\"Công văn\"]\nagencies = [\"H41.12\"]\nkeep_days = 30\n\
        [[rule]]\nname = \"s\"\nfor_ever = true\n";
    put("retention", "short", policy.as_bytes().to_vec());
    let days =
        b"years = [2026]\nclosed = [\"2026-02-16\", \"2026-02-17\"]\nopen = [\"2026-02-28\"]\n";
    put("working_days", "short", days.to_vec());
    let groups = [
        "communes-of:H41",
        "children-of:000.00.12.H41",
        "under:vxp.saas",
        "tier:2",
        "group:so-nganh",
        "H41.12",
    ];
    for (number, text) in groups.iter().enumerate() {
        put("group", &format!("one-{number}"), text.as_bytes().to_vec());
    }
    put("group", "list", groups[..5].join(", ").into_bytes());
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: tram\r\n\r\n").into_bytes();
    put("http", "status", get("/v1/status"));
    put("http", "inbox", get("/v1/agencies/H41/inbox?limit=5"));
    put("http", "receipts", get("/v1/receipts?after=x"));
    let submit = b"POST /v1/dispatches HTTP/1.1\r\nHost: tram\r\nContent-Type: application/tram-dispatch+cose\r\nContent-Length: 9\r\n\r\nH41|1|G22GET /v1/log HTTP/1.1\r\nHost: tram\r\n\r\n";
    put("http", "submit", submit.to_vec());
    let sealed = b"POST /v1/dispatches HTTP/1.1\r\nHost: tram\r\nContent-Type: application/vnd.tram.dispatch+cbor\r\nContent-Length: 9\r\n\r\nH41|1|G22";
    put("http", "submit-sealed", sealed.to_vec());
    let upload = format!(
        "PUT /v1/documents/{}?agency=H41&size=4&offset=0 HTTP/1.1\r\nHost: tram\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
        "ab".repeat(32)
    );
    put("http", "upload", upload.into_bytes());
    let seal = r#"{"originator":"H41","recipients":["G22"],"metadata":{"subject":"Về việc thử","number":"16"},"documents":[{"name":"a.pdf","media_type":"application/pdf","size":4,"sha256":"00"}],"max_hops":8}"#;
    put("json", "seal", [&[0][..], seal.as_bytes()].concat());
    put("json", "confirm", b"\x01{\"token\":\"t\"}".to_vec());
    put("json", "register", b"\x02{\"remark\":\"ok\",\"number\":\"5\"}".to_vec());
    put("json", "refuse", b"\x03{\"reason\":\"NOT_AUTHORISED\",\"remark\":\"no\"}".to_vec());
    put("json", "hold", b"\x04{\"reason\":\"x\"}".to_vec());
    put("json", "status", b"\x08{\"status\":\"05\",\"remark\":\"ok\"}".to_vec());
    put("json", "forward", b"\x09{\"units\":[\"P.TC\",\"P.KT\"],\"remark\":\"ok\"}".to_vec());
    put("json", "mark", b"\x0a{\"state\":\"handled\",\"remark\":\"ok\"}".to_vec());
    put("json", "void", b"\x0b{\"reason\":\"unused\"}".to_vec());
    put("json", "anchor", b"\x0c{\"reason\":\"restored\"}".to_vec());
}
