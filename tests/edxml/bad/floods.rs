//! Too much of everything. Most are made while they are read: they have no size of their own.

use super::{Gathered, SAMPLE, behind};

/// More than anybody would read.
const ENDLESS: u64 = 1 << 40;

pub(super) fn add(all: &mut Gathered) {
    let (before, after) = behind(SAMPLE, "<edXML:MessageHeader>");
    let header = "/edXMLHeader/MessageHeader";
    let mut flood = |name: &str, piece: &str, times, place: &str| {
        all.repeated(format!("flood: {name}"), [before, piece, after], times, place);
    };
    for (depth, tag) in [(20, "<a>"), (100, "<a>"), (10_000, "<edXML:From>"), (ENDLESS, "<a>")] {
        flood(&format!("{depth} deep {tag}"), tag, depth, "");
    }
    flood("elements", "<a/>", ENDLESS, "");
    flood("elements with a text", "<a>b</a>", ENDLESS, "");
    flood("comments", "<!-- -->", ENDLESS, header);
    flood("instructions", "<?a b?>", ENDLESS, header);
    flood("white space", "                ", ENDLESS, header);
    flood("text", "chữ", ENDLESS, header);
    flood("references", "&#32;", ENDLESS, header);
    flood("CDATA", "<![CDATA[ ]]>", ENDLESS, header);
    let recipient = "<edXML:To><edXML:OrganId>H99</edXML:OrganId></edXML:To>";
    flood("10,001 recipients", recipient, 10_001, &format!("{header}/To[10001]"));
    flood(
        "responses",
        "<edXML:ResponseFor><edXML:DocumentId>x</edXML:DocumentId></edXML:ResponseFor>",
        257,
        &format!("{header}/ResponseFor[257]"),
    );
    let (before, after) = behind(SAMPLE, "<edXML:ToPlaces>");
    all.repeated(
        "flood: places".to_owned(),
        [before, "<edXML:Place>x</edXML:Place>", after],
        257,
        "/ToPlaces/Place[257]",
    );
    let (before, after) = behind(SAMPLE, "<edXML:Appendixes>");
    all.repeated(
        "flood: appendices".to_owned(),
        [before, "<edXML:Appendix>x</edXML:Appendix>", after],
        257,
        "/Appendixes/Appendix[257]",
    );
    let (before, after) = behind(SAMPLE, "<edXML:TraceHeaderList id=\"tr-0042\" version=\"1.0\">");
    all.repeated(
        "flood: hops".to_owned(),
        [before, "<edXML:TraceHeader/>", after],
        257,
        "/TraceHeaderList/TraceHeader[257]",
    );
    let (before, after) = behind(SAMPLE, "<edXML:edXMLManifest version=\"1.0\">");
    all.repeated(
        "flood: manifest".to_owned(),
        [before, "<edXML:Reference/>", after],
        257,
        "/edXMLManifest/Reference[257]",
    );
    let (before, after) = behind(SAMPLE, "<AttachmentEncoded>");
    let attachment =
        "<Attachment><ContentTransferEncoded>QQ==</ContentTransferEncoded></Attachment>";
    all.repeated(
        "flood: attachments".to_owned(),
        [before, attachment, after],
        256,
        "/AttachmentEncoded/Attachment[256]",
    );
    let (before, after) = behind(SAMPLE, "<SignedInfo>");
    all.repeated(
        "flood: signed references".to_owned(),
        [before, "<Reference URI=\"\"/>", after],
        257,
        "/SignedInfo/Reference[257]",
    );
    let (before, after) = behind(SAMPLE, "<X509Data>");
    all.repeated(
        "flood: certificates".to_owned(),
        [before, "<X509Certificate>QQ==</X509Certificate>", after],
        257,
        "/X509Data/X509Certificate[257]",
    );

    let (before, after) = behind(SAMPLE, "<edXML:Subject>");
    let subject = "/MessageHeader/Subject";
    for (name, piece, times) in [
        ("a text of 64 KiB and one", "x", 64 * 1024 + 1),
        ("an endless text", "chữ", ENDLESS),
        ("an endless text of references", "&amp;", ENDLESS),
        ("an endless text of CDATA", "<![CDATA[x]]>", ENDLESS),
        ("a text with endless comments", "<!-- x -->", ENDLESS),
    ] {
        all.repeated(format!("flood: {name}"), [before, piece, after], times, subject);
    }
    let (before, after) = behind(SAMPLE, "<edXML:MessageHeader>");
    let long = format!("<edXML:X>{}</edXML:X>", "x".repeat(60_000));
    all.repeated("flood: long texts".to_owned(), [before, &long, after], ENDLESS, "/X[140]");
    for (name, begin, piece) in [
        ("one endless name", "<a", "a"),
        ("one endless start tag", "<a ", "b=\"c\" "),
        ("one endless attribute", "<a b=\"", "c"),
        ("one endless comment", "<!-- ", "c"),
        ("one endless instruction", "<?a ", "c"),
        ("one endless end tag", "</", "c"),
        ("one endless CDATA", "<![CDATA[", "c"),
        ("one endless reference", "&", "c"),
        ("one endless document type", "<!DOCTYPE ", "c"),
    ] {
        let before = format!("{before}{begin}");
        all.repeated(format!("flood: {name}"), [&before, piece, ""], ENDLESS, "");
    }
    for (name, piece) in [("white space", " "), ("comments", "<!-- -->"), ("text", "x")] {
        all.repeated(format!("flood: {name} before the root"), ["", piece, SAMPLE], ENDLESS, "");
        all.repeated(format!("flood: {name} behind the root"), [SAMPLE, piece, ""], ENDLESS, "");
    }
    all.repeated("flood: zeros".to_owned(), ["", "\0", ""], ENDLESS, "");
}
