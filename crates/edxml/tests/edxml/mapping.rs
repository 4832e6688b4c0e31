//! Between edXML and dispatches: nothing is lost that the other side can say.

use std::collections::BTreeMap;

use proptest::collection::{btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;
use tram_dispatch::envelope::{Act, Metadata, Related, Signer, Urgency};
use tram_dispatch::{AgencyCode, Code, Digest, Reference, UnixMillis};
use tram_edxml::map::{Outline, Setting, edoc, outline};
use tram_edxml::{Fault, Odd};

use crate::bytes::{SAMPLE, document, with, written};

fn code() -> impl Strategy<Value = AgencyCode> {
    prop_oneof!["[A-K][0-9]{2}(\\.[0-9]{2}){0,3}", "vxp\\.saas\\.[0-9]{2}", "H37\\.DN\\.[0-9]{3}"]
        .prop_map(|c| c.parse().unwrap())
}

fn plain() -> impl Strategy<Value = String> {
    "[a-zđĐạẬƠư0-9<>&\"/.,-]{1,10}( [a-zA-ZạĐ]{1,8}){0,3}"
        .prop_filter("not nothing", |t| t != "null")
}

fn reference() -> impl Strategy<Value = Reference> {
    "[A-Z0-9.,/Đ-]{1,30}".prop_map(|r| r.parse().unwrap())
}

fn related() -> impl Strategy<Value = Related> {
    (code(), reference()).prop_map(|(originator, reference)| Related {
        originator,
        reference,
        dispatch: None,
    })
}

fn day() -> impl Strategy<Value = String> {
    (1970u16..2999, 1u8..13, 1u8..29).prop_map(|(y, m, d)| format!("{y:04}-{m:02}-{d:02}"))
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let texts = [of("[0-9]{1,4}[a-z]?"), of("[A-ZĐ-]{1,9}")];
    let urgency = prop_oneof![
        Just(Urgency::Normal),
        Just(Urgency::Urgent),
        Just(Urgency::VeryUrgent),
        Just(Urgency::Flash)
    ];
    let signer = (plain(), of(plain())).prop_map(|(name, office)| Signer { name, office });
    (
        texts,
        [of(plain()), of(plain())],
        plain(),
        [of(day()), of(day())],
        of(signer),
        urgency,
        vec(related(), 0..4),
    )
        .prop_map(
            |(
                [number, notation],
                [kind, place],
                subject,
                [issued_on, due_on],
                signer,
                urgency,
                answers_to,
            )| {
                // Without a notation a number stands alone.
                let number = number.or(notation.as_ref().map(|_| "1".to_owned()));
                Metadata {
                    number,
                    notation,
                    kind,
                    subject,
                    issued_on,
                    place,
                    signer,
                    urgency,
                    due_on,
                    answers_to,
                }
            },
        )
}

fn an_outline() -> impl Strategy<Value = Outline> {
    let act = (0u8..4, vec(reference(), 1..4));
    (code(), reference(), btree_set(code(), 1..5), metadata(), act).prop_map(
        |(originator, reference, recipients, metadata, (act, of))| {
            let earlier = |r: &Reference| Related {
                originator: originator.clone(),
                reference: format!("<{r}>").parse().unwrap(),
                dispatch: None,
            };
            let act = match act {
                0 => Act::New,
                1 => Act::Recall(earlier(&of[0])),
                2 => Act::Update(earlier(&of[0])),
                _ => Act::Replace(of.iter().map(earlier).collect()),
            };
            Outline {
                originator,
                reference,
                recipients: recipients.into_iter().collect(),
                metadata,
                act,
            }
        },
    )
}

fn made(outline: &Outline, kept: Option<(&tram_edxml::Edoc, Digest)>) -> tram_edxml::Edoc {
    let names = BTreeMap::new();
    let setting = Setting { issued_at: UnixMillis(1_795_219_200_000), kept, names: &names };
    edoc(outline, &setting, &mut Vec::new()).unwrap()
}

proptest! {
    #[test]
    fn a_dispatch_through_edxml_is_the_same_dispatch(first in an_outline()) {
        let text = written(&made(&first, None), &[], &[]);
        let (read, reading) = document(&text);
        let mut notes = Vec::new();
        let second = outline(&read, &reading.sha256, &mut notes).unwrap();
        prop_assert_eq!(second, first);
        prop_assert!(notes.is_empty(), "{:?}", notes);
    }

    #[test]
    fn what_the_envelope_says_prevails_over_the_kept_file(changed in an_outline()) {
        let (kept, reading) = document(SAMPLE);
        let own = outline(&kept, &reading.sha256, &mut Vec::new()).unwrap();
        // The same dispatch, with everything else sealed otherwise.
        let sealed = Outline { originator: own.originator, reference: own.reference, ..changed };
        let again = made(&sealed, Some((&kept, reading.sha256)));
        let mut said = outline(&again, &Digest([0; 32]), &mut Vec::new()).unwrap();
        if let (Act::Replace(a), Act::Replace(b)) = (&mut said.act, &sealed.act) {
            a.clone_from(b);
        }
        let act = match &sealed.act {
            Act::Recall(r) | Act::Update(r) => Some(r.originator != sealed.originator),
            _ => None,
        };
        if act == Some(true) {
            said.act = sealed.act.clone();
        }
        prop_assert_eq!(said, sealed);
        prop_assert_eq!(again.summary, kept.summary);
        prop_assert_eq!(again.trace, kept.trace);
    }
}

#[test]
fn edxml_through_a_dispatch_keeps_every_field() {
    let (kept, reading) = document(SAMPLE);
    let mut notes = Vec::new();
    let own = outline(&kept, &reading.sha256, &mut notes).unwrap();
    assert!(notes.is_empty(), "{notes:?}");
    assert_eq!(own.originator.as_str(), "H99.12");
    assert_eq!(own.reference.as_str(), "000.00.12.H99,2020/05/18,0042/SNV-VP");
    let recipients: Vec<_> = own.recipients.iter().map(AgencyCode::as_str).collect();
    assert_eq!(recipients, ["H99.31", "H99.31.04"]);
    let m = &own.metadata;
    assert_eq!((m.number.as_deref(), m.notation.as_deref()), (Some("0042"), Some("SNV-VP")));
    assert_eq!((m.kind.as_deref(), m.place.as_deref()), (Some("Công văn"), Some("Tỉnh Mẫu")));
    assert_eq!(
        (m.issued_on.as_deref(), m.due_on.as_deref()),
        (Some("2020-05-18"), Some("2020-05-29"))
    );
    assert_eq!(m.urgency, Urgency::Urgent);
    assert_eq!(m.signer.as_ref().unwrap().office.as_deref(), Some("Phó Giám đốc"));
    assert_eq!(m.answers_to[0].originator.as_str(), "H99.31");
    assert_eq!(own.act, Act::New);
    assert_eq!(made(&own, Some((&kept, reading.sha256))), kept);
    // Another dispatch's file has nothing to say.
    let other = Outline { reference: "other".parse().unwrap(), ..own };
    assert_eq!(made(&other, Some((&kept, reading.sha256))), made(&other, None));
}

#[test]
fn what_one_side_cannot_say_is_told() {
    let notes_of = |from: &str, to: &str| {
        let (edoc, reading) = document(&with(SAMPLE, from, to));
        let mut notes = Vec::new();
        let outline = outline(&edoc, &reading.sha256, &mut notes).unwrap();
        (outline, notes.into_iter().map(|n| n.odd).collect::<Vec<_>>())
    };
    let (o, notes) = notes_of("<edXML:Priority>1<", "<edXML:Priority>4<");
    assert_eq!((o.metadata.urgency, notes), (Urgency::Flash, vec![Odd::HourUnknown]));
    let (o, notes) = notes_of("2020/05/29", "1945/09/02");
    assert_eq!((o.metadata.due_on, notes), (None, vec![Odd::DayTooOld]));
    let (o, notes) = notes_of("V/v báo cáo", "V/v\n   báo\u{200b} cáo");
    assert_eq!(notes, [Odd::Cleaned]);
    assert!(o.metadata.subject.starts_with("V/v báo cáo"));
    let (o, notes) =
        notes_of("<edXML:DocumentId>000.00.31.H99,2020/05/11,115/UBND-VP</edXML:DocumentId>", "");
    assert_eq!((o.metadata.answers_to.len(), notes), (0, vec![Odd::UnnamedResponse]));
    let (o, notes) = notes_of("000.04.31.H99", "H99.31");
    assert_eq!((o.recipients.len(), notes), (1, vec![Odd::RecipientTwice]));
    let (edoc, reading) = document(&with(SAMPLE, "000.04.31.H99", "không mã"));
    let error = outline(&edoc, &reading.sha256, &mut Vec::new()).unwrap_err();
    assert_eq!(error.place, "edXML/edXMLEnvelope/edXMLHeader/MessageHeader/To[2]/OrganId");
    assert!(matches!(error.fault, Fault::NotCarried(_)));
    assert_eq!(error.code(), Code::EdxmlUnsupported);
}

#[test]
fn recipients_that_an_update_changes_and_does_not_address_are_told() {
    let (head, rest) = SAMPLE.split_once("<edXML:Bussiness>").unwrap();
    let tail = rest.split_once("</edXML:Bussiness>").unwrap().1;
    let notes_of = |kind: u8, changed: &[(&str, u8)]| {
        let list: String = changed
            .iter()
            .map(|(code, added)| {
                format!(
                    "<edXML:Receiver><edXML:OrganId>{code}</edXML:OrganId>\
                     <edXML:ReceiverType>{added}</edXML:ReceiverType></edXML:Receiver>"
                )
            })
            .collect();
        let text = format!(
            "{head}<edXML:Bussiness><edXML:BussinessDocType>{kind}</edXML:BussinessDocType>\
             <edXML:DocumentId>x</edXML:DocumentId><edXML:BussinessDocumentInfo>\
             <edXML:DocumentReceiver>1</edXML:DocumentReceiver><edXML:ReceiverList>{list}</edXML:ReceiverList>\
             </edXML:BussinessDocumentInfo></edXML:Bussiness>{tail}"
        );
        let (edoc, reading) = document(&text);
        let mut notes = Vec::new();
        let outline = outline(&edoc, &reading.sha256, &mut notes).unwrap();
        (outline.recipients, notes)
    };
    let (to, notes) = notes_of(2, &[]);
    assert_eq!(notes, []);
    // Whoever is among To is sent the update, in either spelling of its code.
    let spelled = "000.04.31.H99";
    assert!(to.contains(&spelled.parse().unwrap()));
    assert_eq!(notes_of(2, &[(spelled, 0), ("H99.31.04", 1)]), (to.clone(), vec![]));
    let (still, notes) =
        notes_of(2, &[("H77.02", 1), ("H77.01", 1), ("H77.03", 0), ("không mã", 1), (spelled, 1)]);
    assert_eq!(still, to, "To alone says who receives it");
    let place = "edXML/edXMLEnvelope/edXMLHeader/TraceHeaderList/Bussiness/BussinessDocumentInfo/ReceiverList";
    assert!(notes.iter().all(|note| note.place == place));
    let said: Vec<String> = notes.iter().map(|note| note.odd.to_string()).collect();
    assert_eq!(
        said,
        [
            "adds H77.01, H77.02, không mã, not named in To: nothing is sent there",
            "takes off H77.03, not named in To: nothing is told there",
        ]
    );
    // Of very many some are named.
    let many: Vec<String> = (10..99).map(|n| format!("H77.{n}")).collect();
    let many: Vec<(&str, u8)> = many.iter().map(|code| (code.as_str(), 0)).collect();
    let (_, notes) = notes_of(2, &many);
    let [note] = &notes[..] else { panic!("{notes:?}") };
    assert!(note.odd.to_string().contains("H77.19 and 79 more, not named"), "{}", note.odd);
    // Only an update changes recipients.
    assert_eq!(notes_of(3, &[("H77.01", 1)]).1, []);
}
