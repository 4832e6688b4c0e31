//! What breaks the rules of XML, or uses what is not read of it: document types, entities, namespaces,
//! attributes, CDATA.

use super::{Gathered, SAMPLE, behind};

pub(super) fn add(all: &mut Gathered) {
    document_types(all);
    entities(all);
    tags(all);
    attributes(all);
    namespaces(all);
}

fn document_types(all: &mut Gathered) {
    let laughs: String = (1..10).fold("<!ENTITY a0 \"lol\">".to_owned(), |all, n| {
        let before = format!("&a{};", n - 1).repeat(10);
        format!("{all}<!ENTITY a{n} \"{before}\">")
    });
    let many = format!("<!ENTITY x \"{}\">", "y".repeat(100_000));
    for (name, dtd) in [
        ("plain", "<!DOCTYPE edXML>".to_owned()),
        ("small letters", "<!doctype edXML>".to_owned()),
        ("system", "<!DOCTYPE edXML SYSTEM \"http://127.0.0.1:1/x.dtd\">".to_owned()),
        ("public", "<!DOCTYPE edXML PUBLIC \"-//x\" \"file:///etc/passwd\">".to_owned()),
        (
            "external entity",
            "<!DOCTYPE edXML [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>".to_owned(),
        ),
        (
            "parameter entity",
            "<!DOCTYPE edXML [<!ENTITY % x SYSTEM \"http://127.0.0.1:1/\"> %x;]>".to_owned(),
        ),
        ("billion laughs", format!("<!DOCTYPE edXML [{laughs}]>")),
        ("quadratic blow-up", format!("<!DOCTYPE edXML [{many}]>")),
        ("unfinished", "<!DOCTYPE edXML [".to_owned()),
        ("without a name", "<!DOCTYPE >".to_owned()),
    ] {
        let (before, after) = behind(SAMPLE, "?>\n");
        let text = format!("{before}{dtd}{after}");
        all.bytes(format!("document type: {name}"), text.into_bytes(), "");
        let to = format!("{dtd}<edXML:Subject>");
        all.swap(format!("document type inside: {name}"), "<edXML:Subject>", &to, "/MessageHeader");
    }
}

fn entities(all: &mut Gathered) {
    let references = [
        "&nbsp;",
        "&a9;",
        "&;",
        "&xxe;",
        "&#0;",
        "&#1;",
        "&#x0;",
        "&#xFFFE;",
        "&#xD800;",
        "&#x110000;",
        "&#99999999999999999999;",
        "&#;",
        "&#x;",
        "&#xZZ;",
        "&#-1;",
        "&#X41;",
        "& x",
        "&lt",
        "&&amp;",
    ];
    for (field, place) in [
        ("<edXML:Subject>", "/MessageHeader/Subject"),
        ("<edXML:CodeNumber>", "/Code/CodeNumber"),
        ("<edXML:OrganId>", "/From/OrganId"),
    ] {
        for reference in references {
            let to = format!("{field}{reference}");
            all.swap(format!("entity: {reference} in {field}"), field, &to, place);
        }
    }
    for reference in ["&x;", "&#0;", "&lt", "&#xFFFF;"] {
        let to = format!("id=\"{reference}\"");
        let name = format!("entity: {reference} in an attribute");
        all.swap(name, "id=\"tr-0042\"", &to, "/edXMLHeader/TraceHeaderList");
    }
}

fn tags(all: &mut Gathered) {
    let subject = "<edXML:Subject>";
    for (name, from, to) in [
        ("ends crossed", "</edXML:OrganId>", "</edXML:From>"),
        ("an end too many", subject, "</edXML:Fax><edXML:Subject>"),
        ("an end without a name", subject, "</><edXML:Subject>"),
        ("an end with an attribute", "</edXML:OrganId>", "</edXML:OrganId a=\"b\">"),
        ("a start without a name", subject, "<><edXML:Subject>"),
        ("a space before a name", subject, "< edXML:Subject>"),
        ("a lone <", subject, "<edXML:Subject>a < b "),
        ("two <", subject, "<<edXML:Subject>"),
        ("a number for a name", subject, "<1a/><edXML:Subject>"),
        ("two colons", subject, "<a:b:c/><edXML:Subject>"),
        ("quotes in a name", subject, "<a\"b/><edXML:Subject>"),
        ("other letters in the end", "</edXML:Subject>", "</edXML:subject>"),
        ("]]> in a text", subject, "<edXML:Subject>]]>"),
        ("CDATA unfinished", subject, "<edXML:Subject><![CDATA[x"),
        ("CDATA in small letters", subject, "<edXML:Subject><![cdata[x]]>"),
        ("CDATA in CDATA", subject, "<edXML:Subject><![CDATA[<![CDATA[x]]>]]>"),
        (
            "CDATA that closes its element",
            subject,
            "<edXML:Subject><![CDATA[</edXML:Subject>]]></edXML:Subject>",
        ),
        (
            "CDATA where elements belong",
            subject,
            "<![CDATA[<edXML:Subject>x</edXML:Subject>]]><edXML:Subject>",
        ),
        ("a comment with --", subject, "<!-- a -- b --><edXML:Subject>"),
        ("a comment unfinished", subject, "<!-- <edXML:Subject>"),
        ("<! and nothing", subject, "<!x><edXML:Subject>"),
        ("an instruction unfinished", subject, "<?x <edXML:Subject>"),
        ("a declaration inside", subject, "<?xml version=\"1.0\"?><edXML:Subject>"),
        ("an instruction named XML", subject, "<?XML x?><edXML:Subject>"),
        ("a second root", "</edXML>", "</edXML><edXML/>"),
        ("a text behind the root", "</edXML>", "</edXML> x"),
        ("CDATA behind the root", "</edXML>", "</edXML><![CDATA[x]]>"),
        ("an end behind the root", "</edXML>", "</edXML></edXML>"),
        ("a zero behind the root", "</edXML>", "</edXML>\0"),
        ("a text before the root", "<edXML xmlns", "x<edXML xmlns"),
        ("CDATA before the root", "<edXML xmlns", "<![CDATA[x]]><edXML xmlns"),
        ("XML 1.1", "version=\"1.0\" encoding", "version=\"1.1\" encoding"),
        ("XML 2.0", "version=\"1.0\" encoding", "version=\"2.0\" encoding"),
        ("no version", "version=\"1.0\" encoding", "encoding"),
        ("a line before the declaration", "<?xml version", "\n<?xml version"),
        ("a comment before the declaration", "<?xml version", "<!-- x --><?xml version"),
    ] {
        all.swap(format!("markup: {name}"), from, to, "");
    }
}

fn attributes(all: &mut Gathered) {
    let many = |n: usize| (0..n).map(|i| format!(" a{i}=\"x\"")).collect::<String>();
    let spaces = |n: usize| (0..n).map(|i| format!(" xmlns:n{i}=\"urn:{i}\"")).collect::<String>();
    for (element, place) in [
        ("edXML:Subject", "/MessageHeader/Subject"),
        ("Attachment", "/AttachmentEncoded/Attachment"),
    ] {
        for (name, attributes) in [
            ("twice", " a=\"1\" a=\"2\"".to_owned()),
            ("without quotes", " a=1".to_owned()),
            ("without a value", " a".to_owned()),
            ("without a name", " =\"1\"".to_owned()),
            ("with <", " a=\"<\"".to_owned()),
            ("with one quote", " a='1\"".to_owned()),
            ("with a bad name", " 1a=\"1\"".to_owned()),
            ("33 of them", many(33)),
            ("3,000 of them", many(3_000)),
            ("33 namespaces", spaces(33)),
            ("3,000 namespaces", spaces(3_000)),
            ("a long name", format!(" {}=\"1\"", "a".repeat(200))),
            ("a long value", format!(" a=\"{}\"", "x".repeat(5_000))),
            ("of an unknown prefix", " x:a=\"1\"".to_owned()),
        ] {
            let (from, to) = (format!("<{element}>"), format!("<{element}{attributes}>"));
            // A quote that does not close swallows what follows: then any element may be named.
            let place = if name == "with one quote" { "" } else { place };
            all.swap(format!("attribute {name} on {element}"), &from, &to, place);
        }
    }
}

fn namespaces(all: &mut Gathered) {
    for (name, from, to, place) in [
        ("prefix not declared", "<edXML:Subject>", "<x:y/><edXML:Subject>", "/MessageHeader/y"),
        ("prefix taken back", "<edXML:Subject>", "<edXML:Subject xmlns:edXML=\"\">", ""),
        (
            "prefix of the envelope not declared",
            "<edXML:edXMLEnvelope xmlns:edXML=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\">",
            "<edXML:edXMLEnvelope>",
            "edXML/edXMLEnvelope",
        ),
        (
            "prefix of the content not declared",
            "<edXML:ContentTransferEncoded xmlns:edXML=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\">",
            "<edXML:ContentTransferEncoded>",
            "/Attachment/ContentTransferEncoded",
        ),
        (
            "prefix of another standard",
            "xmlns:edXML=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\"",
            "xmlns:edXML=\"urn:other\"",
            "edXML/edXMLEnvelope",
        ),
        ("prefix xmlns", "<edXML:Subject>", "<edXML:Subject xmlns:xmlns=\"urn:x\">", "/Subject"),
        (
            "prefix xml rebound",
            "<edXML:Subject>",
            "<edXML:Subject xmlns:xml=\"urn:x\">",
            "/Subject",
        ),
        (
            "another prefix for xml",
            "<edXML:Subject>",
            "<edXML:Subject xmlns:y=\"http://www.w3.org/XML/1998/namespace\">",
            "/Subject",
        ),
        (
            "header of another standard",
            "<edXML:MessageHeader>",
            "<edXML:MessageHeader xmlns:edXML=\"urn:x\">",
            "/edXMLHeader/MessageHeader",
        ),
        (
            "root of another standard",
            "<edXML xmlns=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\">",
            "<edXML xmlns=\"urn:x\">",
            "edXML",
        ),
    ] {
        all.swap(format!("namespaces: {name}"), from, to, place);
    }
}
