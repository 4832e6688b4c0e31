//! Values for the properties.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use tram_edxml::Edoc;
use tram_edxml::model::{
    Change, Changed, Hop, Kind, Party, Replaced, Response, Signer, Staff, Task,
};
use tram_edxml::values::{IssueDay, LocalTime, Operation, Priority};

/// A text that XML can hold and that is not taken for nothing: no white space around it, not `null`.
pub(crate) fn text() -> BoxedStrategy<String> {
    let any = prop_oneof![
        "[a-zA-Z0-9/.,-]{1,12}",
        "[ạảấầẩẫậđĐƠƯ ơư<>&\"'\\]]{1,20}",
        "[\u{20}-\u{2fff}\r\n\t]{1,20}",
    ];
    any.prop_map(|t| t.trim().to_owned())
        .prop_filter("not nothing", |t| !t.is_empty() && t != "null")
        .prop_filter("allowed", |t| t.chars().all(|c| c != '\u{7f}'))
        .boxed()
}

fn some() -> BoxedStrategy<Option<String>> {
    of(text()).boxed()
}

pub(crate) fn day() -> BoxedStrategy<IssueDay> {
    (1900u16..3000, 1u8..13, 1u8..32)
        .prop_filter_map("a day", |(y, m, d)| IssueDay::new(y, m, d))
        .boxed()
}

pub(crate) fn moment() -> BoxedStrategy<LocalTime> {
    (day(), 0u32..24, 0u32..60, 0u32..60)
        .prop_filter_map("a moment", |(day, h, m, s)| {
            LocalTime::parse(&format!("{day} {h:02}:{m:02}:{s:02}"))
        })
        .boxed()
}

pub(crate) fn party() -> BoxedStrategy<Party> {
    (text(), [some(), some(), some(), some()], [some(), some(), some()])
        .prop_map(|(code, [in_charge, name, address, email], [telephone, fax, website])| Party {
            code,
            in_charge,
            name,
            address,
            email,
            telephone,
            fax,
            website,
        })
        .boxed()
}

pub(crate) fn staff() -> BoxedStrategy<Staff> {
    [some(), some(), some(), some(), some(), some()]
        .prop_map(|[department, department_id, name, name_id, mobile, email]| Staff {
            department,
            department_id,
            name,
            name_id,
            mobile,
            email,
        })
        .boxed()
}

pub(crate) fn response() -> BoxedStrategy<Response> {
    (some(), some(), of(day()), some())
        .prop_map(|(code, number, issued_on, document_id)| Response {
            code,
            number,
            issued_on,
            document_id,
        })
        .prop_filter("says something", |r| !r.is_empty())
        .boxed()
}

fn task() -> BoxedStrategy<Task> {
    let changed = (text(), any::<bool>()).prop_map(|(code, added)| Changed { code, added });
    let change = (any::<bool>(), any::<bool>(), vec(changed, 0..3))
        .prop_map(|(data, recipients, changed)| Change { data, recipients, changed });
    let replaced = (text(), vec(text(), 0..3))
        .prop_map(|(document_id, holders)| Replaced { document_id, holders });
    let named = (0u16..4, some(), of(change), some(), staff(), some(), vec(replaced, 0..3));
    named
        .prop_map(|(operation, reason, change, document_id, staff, paper, replaced)| {
            let operation = Operation::from_number(operation).unwrap();
            // An act names what it is about.
            let id = document_id.or((operation != Operation::New).then(|| "x".to_owned()));
            Task { operation, reason, change, document_id: id, staff, paper, replaced }
        })
        .boxed()
}

/// A document with every field that there is.
pub(crate) fn edoc() -> BoxedStrategy<Edoc> {
    let parties = (party(), vec(party(), 1..4), text(), text());
    let issue = ([some(), some(), some()], of(day()), [of("[0-9]{1,3}"), of("[0-9]{1,3}")], some());
    let signer = ([some(), some(), some(), some()], of(day()), vec(text(), 0..3));
    let other = (0u16..5, [some(), some()], of(any::<u16>()), of(any::<u16>()), vec(text(), 0..3));
    let vendor = ([some(), some(), some(), some()], vec(text(), 0..3), of(0u16..4));
    let hop = (some(), of(moment())).prop_map(|(code, at)| Hop { code, at });
    let rest = (vec(response(), 0..3), vec(hop, 0..3), task());
    (parties, issue, signer, other, vendor, rest)
        .prop_map(
            |(
                (from, to, subject, document_id),
                ([number, notation, place], issued_on, [class, detail], name),
                ([competence, position, full_name, summary], due_on, places),
                (priority, [circulation, drafter], copies, pages, appendices),
                ([direction, reply_fors, reference_codes, application], task_codes, steering),
                (answers_to, trace, task),
            )| Edoc {
                from,
                to,
                number,
                notation,
                place,
                issued_on,
                kind: Kind { class, detail, name },
                subject,
                summary,
                signer: Signer { competence, position, name: full_name },
                due_on,
                places,
                priority: Priority::from_number(priority).unwrap(),
                circulation,
                drafter,
                copies,
                pages,
                appendices,
                direction,
                reply_fors,
                reference_codes,
                answers_to,
                steering,
                document_id,
                task_codes,
                application,
                trace,
                task,
            },
        )
        .boxed()
}
