//! The life of a dispatch across four tiers, as its originator sees it: every status, through the socket
//! of real nodes, and evidence for each.

mod support;

#[path = "life/deadlines.rs"]
mod deadlines;

use std::collections::BTreeSet;

use support::evidence::eventually;
use support::sealing::small_document;
use support::{Network, Node, Plan, agency};
use tram_api::Client;
use tram_api::model::{
    ActKind, ActView, InboxItem, InboxQuery, InboxState, LegState, LegView, Outcome, RefusalCause,
    RefuseRequest, SealActKind, SignatureVerdict,
};
use tram_dispatch::envelope::{Act, Envelope, Related};
use tram_dispatch::{Code, DispatchId, Event, Status};
use tram_trust::evidence::{Claim, Finding, Ground, Proof, State, examine};

const CENTRE: usize = 0;
const COMMUNE: usize = 3;
const DOCUMENT: &[u8] = b"Noi dung cong van";

/// A dispatch from the centre to the commune, until it has arrived.
async fn sent(network: &Network, nodes: &[Node], reference: &str) -> DispatchId {
    let documents = vec![small_document(DOCUMENT)];
    let sealed = network.seal(&network.envelope(CENTRE, &[COMMUNE], reference, documents));
    let centre = nodes[CENTRE].client();
    centre.submit(sealed.raw(), &[Some(DOCUMENT.into())]).await.expect("accepted");
    let id = sealed.id();
    eventually("it has arrived", || async { status(&centre, id).await == Some(Status::Arrived) })
        .await;
    id
}

async fn leg(client: &Client, id: DispatchId) -> LegView {
    client.track(id).await.expect("known").legs.remove(0)
}

async fn status(client: &Client, id: DispatchId) -> Option<Status> {
    leg(client, id).await.status.map(|s| s.status.0)
}

/// Waits until the originator's node knows of this status.
async fn told(nodes: &[Node], id: DispatchId, wanted: Status) {
    let centre = nodes[CENTRE].client();
    let what = format!("the originator is told {wanted}");
    eventually(&what, || async { status(&centre, id).await == Some(wanted) }).await;
}

/// Fetched and confirmed by the commune's system.
async fn taken(nodes: &[Node], id: DispatchId) {
    let (commune, code) = (nodes[COMMUNE].client(), agency(COMMUNE));
    let fetched = commune.fetch(&code, id).await.expect("its bytes");
    commune.confirm(&code, id, &fetched.token).await.expect("confirmed");
}

/// What the evidence file of the originator's node proves of one claim.
async fn proved(network: &Network, nodes: &[Node], id: DispatchId, claim: Claim) -> Vec<Finding> {
    let bytes = nodes[CENTRE].client().evidence(id, false).await.expect("an evidence file");
    let account = examine(&Ground::new(network.root.clone()), &bytes).expect("an evidence file");
    assert_eq!(account.faults, [], "what a node gives is sound");
    account.findings.into_iter().filter(|f| f.claim == claim).collect()
}

#[tokio::test]
async fn every_status_is_seen_by_the_originator_and_its_evidence_verifies() {
    let (network, nodes) = Network::running(&Plan::tiers(4)).await;
    let mut events = nodes[CENTRE].client().events(None).await.expect("a stream");
    let id = sent(&network, &nodes, "1/status").await;
    let (centre, commune) = (nodes[CENTRE].client(), nodes[COMMUNE].client());
    let code = agency(COMMUNE);
    let early =
        commune.report(&code, id, Status::Assigned, None).await.expect_err("not registered");
    assert_eq!(early.code(), Code::WrongState);
    taken(&nodes, id).await;
    commune.register(&code, id, Some("Số đến 128".into())).await.expect("registered");
    told(&nodes, id, Status::Accepted).await;
    let given = [
        (Status::Assigned, Some("Phòng Nội vụ")),
        (Status::Processing, None),
        (Status::Completed, None),
        // Opened again: every change is history, none is overwritten.
        (Status::Processing, Some("bổ sung hồ sơ")),
    ];
    for (status, remark) in given {
        let remark = remark.map(str::to_owned);
        let first = commune.report(&code, id, status, remark.clone()).await.expect("recorded");
        assert_eq!((first.event.0, first.repeat), (Event::HandlingStatus, false));
        let again = commune.report(&code, id, status, remark).await.expect("recorded before");
        assert_eq!((again.receipt, again.repeat), (first.receipt, true));
        told(&nodes, id, status).await;
    }
    let bad = commune.report(&code, id, Status::Accepted, None).await.expect_err("no handling");
    assert_eq!(bad.code(), Code::BadRequest);

    // Three things, each for itself: where it is, what became of it, whether its seal holds.
    let tracking = centre.track(id).await.expect("known");
    let leg = &tracking.legs[0];
    assert_eq!((leg.state, leg.outcome), (LegState::Ended, Some(Outcome::Consigned)));
    let standing = leg.status.as_ref().expect("a status");
    assert_eq!((standing.word.as_str(), standing.remark.as_deref()), ("processing", given[3].1));
    assert_eq!(tracking.signature.verdict, SignatureVerdict::Verified);
    let history: Vec<Status> =
        tracking.evidence.iter().filter_map(|e| e.status.map(|s| s.0)).collect();
    let (first, rest) = history.split_at(2);
    assert_eq!(first, [Status::Arrived, Status::Accepted]);
    assert_eq!(rest, given.map(|g| g.0));

    // The commune sees the same of its own mailbox.
    let entry = commune.inbox_entry(&code, id).await.expect("in the mailbox");
    let own: Vec<Status> = entry.statuses.iter().map(|s| s.status.0).collect();
    assert_eq!(own, history);

    // Each was told as it came.
    let mut heard = BTreeSet::new();
    while !given.iter().all(|g| heard.contains(&g.0)) {
        let event = events.next().await.expect("the stream goes on").expect("an event");
        heard.extend(event.status.filter(|_| event.dispatch.0 == id).map(|s| s.0));
    }
    assert!(heard.contains(&Status::Arrived) && heard.contains(&Status::Accepted));

    let handled = proved(&network, &nodes, id, Claim::Handled).await;
    let statuses: Vec<Option<u8>> = handled
        .iter()
        .map(|f| match &f.state {
            State::Proved(Proof::Handled { status, .. }) => *status,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(statuses, given.map(|g| Some(g.0.number())));
}

fn related(of: &str) -> Related {
    let reference = of.parse().expect("a reference");
    Related { originator: agency(CENTRE), reference, dispatch: None }
}

/// Hands in what the centre seals, until it has arrived at the commune.
async fn issued(network: &Network, nodes: &[Node], envelope: &Envelope) -> DispatchId {
    let sealed = network.seal(envelope);
    let centre = nodes[CENTRE].client();
    let documents = vec![Some(DOCUMENT.into()); envelope.documents.len()];
    centre.submit(sealed.raw(), &documents).await.expect("accepted");
    told(nodes, sealed.id(), Status::Arrived).await;
    sealed.id()
}

fn act(network: &Network, reference: &str, act: Act) -> Envelope {
    let documents = vec![small_document(DOCUMENT)];
    Envelope { act, ..network.envelope(CENTRE, &[COMMUNE], reference, documents) }
}

async fn acts(client: &Client, id: DispatchId) -> Vec<(ActKind, DispatchId)> {
    let acts: Vec<ActView> = client.track(id).await.expect("known").acts;
    acts.into_iter().map(|a| (a.kind, a.dispatch.0)).collect()
}

async fn item(nodes: &[Node], id: DispatchId) -> InboxItem {
    let inbox = nodes[COMMUNE].client().inbox(&agency(COMMUNE), &InboxQuery::default()).await;
    let items = inbox.expect("a mailbox").items;
    items.into_iter().find(|i| i.dispatch.0 == id).expect("in the mailbox")
}

#[tokio::test]
async fn acts_on_earlier_dispatches_are_answered_and_seen_at_both_ends() {
    let (network, nodes) = Network::running(&Plan::tiers(4)).await;
    let (centre, commune) = (nodes[CENTRE].client(), nodes[COMMUNE].client());
    let code = agency(COMMUNE);

    // Recall, agreed to: the earlier one is withdrawn, and given out no more.
    let first = sent(&network, &nodes, "1/CT").await;
    taken(&nodes, first).await;
    commune.register(&code, first, None).await.expect("registered");
    let recall =
        issued(&network, &nodes, &act(&network, "TH/1", Act::Recall(related("1/CT")))).await;
    let shown = item(&nodes, first).await;
    assert_eq!((shown.acts[0].kind, shown.acts[0].dispatch.0), (ActKind::Recall, recall));
    let requested = shown.acts[0].answers[0].status.status.0;
    assert_eq!(requested, Status::TakeBackRequested, "until it is answered");
    assert_eq!(item(&nodes, recall).await.act, SealActKind::Recall);
    let agreed = commune.report(&code, recall, Status::Agreed, None).await.expect("recorded");
    assert_eq!(agreed.event.0, Event::ActAcceptance);
    assert_eq!(item(&nodes, first).await.state, InboxState::Withdrawn);
    let refused = commune.fetch(&code, first).await.expect_err("given back");
    assert_eq!(refused.code(), Code::WrongState);
    told(&nodes, recall, Status::Agreed).await;
    told(&nodes, first, Status::Agreed).await;
    assert_eq!(acts(&centre, first).await, [(ActKind::Recall, recall)]);
    let withdrawn = proved(&network, &nodes, first, Claim::Handled).await;
    assert!(matches!(&withdrawn[..], [f] if matches!(&f.state,
        State::Proved(Proof::Handled { place, .. }) if place.event == Event::Withdrawal)));
    assert_eq!(proved(&network, &nodes, recall, Claim::Handled).await.len(), 1);

    // Recall, declined: nothing changes. Then an update, a replacement and its answer.
    let second = sent(&network, &nodes, "2/CT").await;
    let recall =
        issued(&network, &nodes, &act(&network, "TH/2", Act::Recall(related("2/CT")))).await;
    let why = Some("đã thi hành".to_owned());
    commune.report(&code, recall, Status::Declined, why).await.expect("recorded");
    told(&nodes, recall, Status::Declined).await;
    let declined = leg(&centre, recall).await.status.expect("a status");
    assert_eq!(declined.remark.as_deref(), Some("đã thi hành"));
    assert_eq!(item(&nodes, second).await.state, InboxState::Waiting);
    let update =
        issued(&network, &nodes, &act(&network, "2b/CT", Act::Update(related("2/CT")))).await;
    commune.report(&code, update, Status::Agreed, None).await.expect("recorded");
    told(&nodes, update, Status::Agreed).await;
    let replaced = Act::Replace(vec![related("2/CT"), related("2b/CT")]);
    let replacement = issued(&network, &nodes, &act(&network, "3/CT", replaced)).await;
    let nothing = commune.report(&code, replacement, Status::Agreed, None).await;
    assert_eq!(nothing.expect_err("it asks for nothing").code(), Code::WrongState);
    let wanted =
        [(ActKind::Recall, recall), (ActKind::Update, update), (ActKind::Replace, replacement)];
    for client in [&centre, &commune] {
        assert_eq!(acts(client, second).await, wanted);
        assert_eq!(acts(client, update).await, [(ActKind::Replace, replacement)]);
    }
    let mut answer = network.envelope(COMMUNE, &[CENTRE], "BC/3", Vec::new());
    answer.metadata.answers_to = vec![related("3/CT")];
    let answer = network.seal(&answer);
    commune.submit(answer.raw(), &[]).await.expect("accepted");
    let linked = || async { acts(&centre, replacement).await == [(ActKind::Answer, answer.id())] };
    eventually("the answer is linked where it arrived", linked).await;

    // Nobody else may: not the commune, and not about what it was not sent.
    let mut wrong = network.envelope(COMMUNE, &[CENTRE], "TH/9", Vec::new());
    wrong.act = Act::Recall(related("2/CT"));
    let refused = commune.submit(network.seal(&wrong).raw(), &[]).await.expect_err("not its own");
    assert_eq!(refused.code(), Code::ActNotAllowed);
}

#[tokio::test]
async fn a_recall_stops_what_has_not_left_and_a_return_says_why_by_a_code() {
    let (network, mut nodes) = Network::running(&Plan::tiers(4)).await;
    let centre = nodes[CENTRE].client();
    // The province is away: nothing leaves.
    nodes[1].stop().await;
    let documents = || vec![small_document(DOCUMENT)];
    let envelope = network.envelope(CENTRE, &[COMMUNE], "1/CT", documents());
    let first = network.seal(&envelope);
    centre.submit(first.raw(), &[Some(DOCUMENT.into())]).await.expect("accepted");
    let recall = network.seal(&act(&network, "TH/1", Act::Recall(related("1/CT"))));
    centre.submit(recall.raw(), &[Some(DOCUMENT.into())]).await.expect("accepted");
    eventually("it is stopped", || async {
        let leg = leg(&centre, first.id()).await;
        let why = leg.code.map(|c| c.0);
        (leg.outcome, why) == (Some(Outcome::Failed), Some(Code::Recalled))
    })
    .await;
    assert_eq!(proved(&network, &nodes, first.id(), Claim::Ended).await.len(), 1);
    nodes[1].start();
    nodes[1].ready().await;
    told(&nodes, recall.id(), Status::Arrived).await;
    assert!(status(&centre, first.id()).await.is_none(), "only the recall came");

    for (cause, code) in [
        (RefusalCause::WrongAddressee, Code::WrongAddressee),
        (RefusalCause::DocumentUnsound, Code::DocumentUnsound),
    ] {
        let id = sent(&network, &nodes, code.as_str()).await;
        taken(&nodes, id).await;
        let request = RefuseRequest { reason: "trả lại".to_owned(), cause: Some(cause) };
        let commune = nodes[COMMUNE].client();
        commune.send_back(&agency(COMMUNE), id, &request).await.expect("recorded");
        told(&nodes, id, Status::Refused).await;
        let leg = leg(&centre, id).await;
        assert_eq!(leg.code.map(|c| c.0), Some(code));
        assert_eq!(leg.remark.as_deref(), Some("trả lại"));
    }
}

#[tokio::test]
async fn a_number_that_comes_twice_is_a_warning_and_no_refusal() {
    let (network, nodes) = Network::running(&Plan::tiers(2)).await;
    let (centre, below) = (nodes[0].client(), nodes[1].client());
    let numbered = |reference: &str, act: Act| {
        let mut e = network.envelope(0, &[1], reference, Vec::new());
        e.metadata.number = Some("16".to_owned());
        e.metadata.notation = Some("CT-TTg".to_owned());
        e.act = act;
        network.seal(&e)
    };
    let first = numbered("16/CT-TTg", Act::New);
    let accepted = centre.submit(first.raw(), &[]).await.expect("accepted");
    assert_eq!(accepted.same_number, []);
    let id = first.id();
    eventually("the number is indexed", || async {
        let found = centre.track(id).await.expect("known");
        found.legs[0].status.is_some()
    })
    .await;
    let second = numbered("16/CT-TTg again", Act::New);
    let accepted = centre.submit(second.raw(), &[]).await.expect("accepted all the same");
    assert_eq!(accepted.same_number.iter().map(|d| d.0).collect::<Vec<_>>(), [id]);
    // One that replaces the first is no mistake.
    let of =
        Related { originator: agency(0), reference: "16/CT-TTg".parse().unwrap(), dispatch: None };
    let update = numbered("16b/CT-TTg", Act::Update(of));
    let accepted = centre.submit(update.raw(), &[]).await.expect("accepted");
    assert!(!accepted.same_number.iter().any(|d| d.0 == id), "{:?}", accepted.same_number);
    let query = InboxQuery::default();
    eventually("both are there, with the warning", || async {
        let items = below.inbox(&agency(1), &query).await.expect("a mailbox").items;
        let of = |id: DispatchId| items.iter().find(|i| i.dispatch.0 == id);
        let warned = of(id).is_some_and(|i| i.same_number.iter().any(|d| d.0 == second.id()));
        items.len() == 3 && warned
    })
    .await;
}

#[tokio::test]
async fn a_number_is_of_one_agency_one_notation_and_one_year() {
    let (network, nodes) = Network::running(&Plan::tiers(2)).await;
    let centre = nodes[0].client();
    // Who issues it at which node, under which number, notation and day; the dispatches it may be mistaken for.
    let issue = async |from: usize, number: &str, notation: Option<&str>, day: Option<&str>| {
        let text = |t: &str| t.to_owned();
        let reference =
            format!("{number}-{}-{}", notation.unwrap_or("khong"), day.unwrap_or("nay"));
        let mut e = network.envelope(from, &[1 - from], &reference.replace('/', "-"), Vec::new());
        (e.metadata.number, e.metadata.notation) = (Some(text(number)), notation.map(text));
        e.metadata.issued_on = day.map(text);
        let sealed = network.seal(&e);
        let client = nodes[from].client();
        let accepted = client.submit(sealed.raw(), &[]).await.expect("accepted");
        let same: Vec<DispatchId> = accepted.same_number.iter().map(|d| d.0).collect();
        eventually("the number is indexed", || async {
            let found = client.track(sealed.id()).await.expect("known");
            found.legs[0].status.is_some()
        })
        .await;
        (sealed.id(), same)
    };
    let (first, warned) = issue(0, "16", Some("CT-TTg"), Some("2026-03-02")).await;
    assert_eq!(warned, []);
    for (number, notation, day, why) in [
        ("16", Some("CT-TTg"), "2025-12-31", "another year begins anew"),
        ("16", Some("QD-TTg"), "2026-03-02", "another notation has numbers of its own"),
        ("16", None, "2026-03-02", "no notation is another one"),
        ("17", Some("CT-TTg"), "2026-03-02", "another number"),
    ] {
        assert_eq!(issue(0, number, notation, Some(day)).await.1, [], "{why}");
    }
    let (other, warned) = issue(1, "16", Some("CT-TTg"), Some("2026-03-02")).await;
    assert_eq!(warned, [], "another agency has numbers of its own");
    // It has come to the centre by now, and is still no warning about what the centre issues.
    let (_, warned) = issue(0, "16/CT-TTg", None, Some("2026-11-30")).await;
    assert_eq!(warned, [first], "the same year, written in one text, and that is the one");
    let query = InboxQuery::default();
    let items = centre.inbox(&agency(0), &query).await.expect("a mailbox").items;
    let item = items.iter().find(|i| i.dispatch.0 == other).expect("it has come");
    assert!(item.same_number.is_empty(), "{:?}", item.same_number);
}
