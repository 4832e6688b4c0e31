//! Deadlines: to send, to know that it arrived, to register; listed and told to who must act.

use tram_api::Client;
use tram_api::client::Events;
use tram_api::model::{DispatchQuery, EventNotice, Happening, InboxQuery, OverdueQuery};
use tram_dispatch::envelope::{Act, Urgency};
use tram_dispatch::{Code, Day, DispatchId, Event, UnixMillis};

use super::support::evidence::eventually;
use super::support::peer::Peer;
use super::support::{Network, Node, Plan, Program, SOON, agency, wall_now};
use super::{CENTRE, COMMUNE, act, issued, item, sent, taken};

#[tokio::test]
async fn what_is_to_be_registered_by_when_is_told_and_listed() {
    let (network, nodes) = Network::running(&Plan::tiers(4)).await;
    let commune = nodes[COMMUNE].client();
    let mut told = commune.events(None).await.expect("a stream");
    let now = wall_now();
    // By an hour that passes while we wait, and by the end of the next working day.
    let mut e = act(&network, "1/hour", Act::New);
    e.metadata.urgency = Urgency::FlashAt(now.plus_ms(6_000));
    let hour = issued(&network, &nodes, &e).await;
    let normal = sent(&network, &nodes, "2/normal").await;
    let listed = |overdue| {
        let (commune, code) = (&commune, agency(COMMUNE));
        async move {
            let query = InboxQuery { overdue: Some(overdue), ..InboxQuery::default() };
            let items = commune.inbox(&code, &query).await.expect("a mailbox").items;
            items.into_iter().map(|i| i.dispatch.0).collect::<Vec<_>>()
        }
    };
    eventually("its hour has passed", || async { listed(true).await == [hour] }).await;
    assert_eq!(listed(false).await, [normal]);
    assert!(item(&nodes, hour).await.overdue && !item(&nodes, normal).await.overdue);
    // An auditor is told the same at both ends.
    let centre = nodes[CENTRE].client();
    let audited = async |client: &Client, late: bool| {
        let query = OverdueQuery { late, ..OverdueQuery::default() };
        let items = client.audit_overdue(&query).await.expect("a page").items;
        items.into_iter().map(|i| (i.dispatch.0, i.due_at)).collect::<Vec<_>>()
    };
    let due = item(&nodes, hour).await.register_by;
    assert_eq!(audited(&commune, false).await, [(hour, due)]);
    assert_eq!(audited(&centre, false).await, [(hour, due)]);
    assert_eq!(audited(&commune, true).await, []);
    // Whose clerk it is hears of it as well.
    let expired = heard(&mut told, |n| n.event.0 == Event::AcceptanceRejectionExpiry).await;
    assert_eq!((expired.dispatch.0, expired.recipient), (hour, Some(agency(COMMUNE).into())));
    assert_eq!(expired.code.map(|c| c.0), Some(Code::RegistrationOverdue));
    // Evidence of it reaches the originator; the clerk may still register.
    eventually("the originator is told", || async {
        let evidence = centre.track(hour).await.expect("known").evidence;
        let expiry = Event::AcceptanceRejectionExpiry;
        evidence.iter().filter(|e| e.event.0 == expiry).count() == 1
    })
    .await;
    taken(&nodes, hour).await;
    commune.register(&agency(COMMUNE), hour, None).await.expect("late, and registered");
    assert_eq!(listed(true).await, []);
    eventually("it is listed as registered late, and not as waiting", || async {
        let waiting = audited(&commune, false).await;
        waiting.is_empty() && audited(&commune, true).await == [(hour, due)]
    })
    .await;
}

/// The next notice that is one of these.
async fn heard(events: &mut Events, is_it: impl Fn(&EventNotice) -> bool) -> EventNotice {
    let heard = async {
        loop {
            let notice = events.next().await.expect("the stream goes on").expect("an event");
            if is_it(&notice) {
                return notice;
            }
        }
    };
    tokio::time::timeout(SOON, heard).await.expect("soon")
}

/// The next deadline that passed: of what, and which.
async fn passed(events: &mut Events) -> (DispatchId, Option<Code>, UnixMillis) {
    let notice = heard(events, |n| n.event.0 == Happening::Overdue).await;
    (notice.dispatch.0, notice.code.map(|c| c.0), notice.at.0)
}

/// The details of the alarms with this code.
async fn alarms(client: &Client, code: Code) -> Vec<String> {
    let alarms = client.status().await.expect("a status").alarms;
    alarms.into_iter().filter(|a| a.code.0 == code).map(|a| a.detail).collect()
}

/// A node of these plans, begun now.
fn begun(network: &Network, tier: usize) -> Node {
    let mut node = Node::new(network.nodes[tier].clone(), Program::tram());
    node.start();
    node
}

#[tokio::test]
async fn what_should_have_left_is_listed_for_who_must_send() {
    let network = Network::create(&Plan::tiers(2));
    // Nobody is there to take it.
    let mut province = begun(&network, 1);
    province.answers().await;
    let client = province.client();
    let send = async |reference: &str, urgency: Urgency| {
        let mut envelope = network.envelope(1, &[CENTRE], reference, Vec::new());
        envelope.metadata.urgency = urgency;
        let sealed = network.seal(&envelope);
        client.submit(sealed.raw(), &[]).await.expect("accepted");
        sealed.id()
    };
    let normal = send("1/thuong", Urgency::Normal).await;
    let urgent = send("2/hoa-toc", Urgency::Flash).await;
    let listed = async |late: Option<bool>| {
        let query = DispatchQuery { late, ..DispatchQuery::default() };
        client.dispatches(&query).await.expect("a list").items
    };
    let late = listed(Some(true)).await;
    assert_eq!(late.iter().map(|d| d.dispatch.0).collect::<Vec<_>>(), [urgent]);
    assert_eq!((late[0].late, late[0].open), (1, 1));
    let rest = listed(Some(false)).await;
    assert_eq!(rest.iter().map(|d| d.dispatch.0).collect::<Vec<_>>(), [normal]);
    assert!(rest[0].send_by.0 > late[0].send_by.0 && rest[0].late == 0);
    // One whose hour passes while we wait: its originator is told, once, and the operator has an alarm.
    let mut events = client.events(None).await.expect("a stream");
    let hour = wall_now().plus_ms(1_500);
    let timed = send("3/hen-gio", Urgency::FlashAt(hour)).await;
    let (dispatch, code, at) = passed(&mut events).await;
    assert_eq!((dispatch, code, at), (timed, Some(Code::SendingOverdue), hour));
    assert_eq!(listed(Some(true)).await.len(), 2);
    let [alarm] = &alarms(&client, Code::SendingOverdue).await[..] else { panic!("one alarm") };
    assert!(alarm.starts_with(&format!("dispatches: 1; the oldest is {timed} of ")), "{alarm}");
    let mut centre = begun(&network, CENTRE);
    centre.ready().await;
    eventually("it has left", || async { listed(Some(true)).await.is_empty() }).await;
    assert_eq!(listed(None).await.len(), 3);
    eventually("the alarm is over", || async {
        alarms(&client, Code::SendingOverdue).await.is_empty()
    })
    .await;
}

#[tokio::test]
async fn what_left_and_is_not_known_to_have_arrived_is_listed_and_told() {
    let network = Network::create(&Plan::tiers(3));
    // The last node is away: the one before has it.
    let mut nodes = [begun(&network, CENTRE), begun(&network, 1)];
    for node in &mut nodes {
        node.answers().await;
    }
    let centre = nodes[CENTRE].client();
    let mut events = centre.events(None).await.expect("a stream");
    let send = async |reference: &str, urgency: Urgency| {
        let mut envelope = network.envelope(CENTRE, &[1, 2], reference, Vec::new());
        envelope.metadata.urgency = urgency;
        let sealed = network.seal(&envelope);
        centre.submit(sealed.raw(), &[]).await.expect("accepted");
        sealed.id()
    };
    let normal = send("1/thuong", Urgency::Normal).await;
    let listed = async |unacknowledged: bool| {
        let unacknowledged = Some(unacknowledged);
        let query = DispatchQuery { unacknowledged, ..DispatchQuery::default() };
        centre.dispatches(&query).await.expect("a list").items
    };
    eventually("the two are connected, and one of two legs arrived", || async {
        listed(false).await.iter().all(|d| (d.consigned, d.acknowledge_by.is_some()) == (1, true))
    })
    .await;
    let hour = wall_now().plus_ms(2_500);
    let timed = send("2/hen-gio", Urgency::FlashAt(hour)).await;
    let (dispatch, code, at) = passed(&mut events).await;
    assert_eq!((dispatch, code, at), (timed, Some(Code::AcknowledgementOverdue), hour));
    // Of two recipients one has it.
    let missing = listed(true).await;
    assert_eq!(missing.iter().map(|d| d.dispatch.0).collect::<Vec<_>>(), [timed]);
    assert_eq!((missing[0].unacknowledged, missing[0].consigned, missing[0].late), (1, 1, 0));
    assert_eq!(missing[0].acknowledge_by.map(|by| by.0), Some(hour));
    let rest = listed(false).await;
    assert_eq!(rest.iter().map(|d| d.dispatch.0).collect::<Vec<_>>(), [normal]);
    let tonight = Day::of(wall_now()).next().start();
    assert_eq!(rest[0].acknowledge_by.map(|by| by.0), Some(tonight));
    assert_eq!(alarms(&centre, Code::AcknowledgementOverdue).await.len(), 1);
    // A relay owes its sender nothing of this kind.
    let province = nodes[1].client();
    assert_eq!(alarms(&province, Code::AcknowledgementOverdue).await, [] as [&str; 0]);
    let mut commune = begun(&network, 2);
    commune.ready().await;
    eventually("it has arrived", || async { listed(true).await.is_empty() }).await;
    assert!(listed(false).await.iter().all(|d| d.acknowledge_by.is_none() && d.consigned == 2));
}

#[tokio::test]
async fn what_a_peer_never_answers_is_overdue_for_its_sender() {
    let network = Network::create(&Plan::tiers(2));
    let mut province = begun(&network, 1);
    // It keeps the session, is offered everything, and says nothing.
    let _silent = Peer::listening(&network, CENTRE).await;
    province.ready().await;
    let client = province.client();
    assert_eq!(client.status().await.expect("a status").peers_connected, 1);
    let mut events = client.events(None).await.expect("a stream");
    let hour = wall_now().plus_ms(1_500);
    let mut envelope = network.envelope(1, &[CENTRE], "1/khong-tra-loi", Vec::new());
    envelope.metadata.urgency = Urgency::FlashAt(hour);
    let sealed = network.seal(&envelope);
    client.submit(sealed.raw(), &[]).await.expect("accepted");
    let (dispatch, code, at) = passed(&mut events).await;
    assert_eq!((dispatch, code, at), (sealed.id(), Some(Code::SendingOverdue), hour));
    let query = DispatchQuery { late: Some(true), ..DispatchQuery::default() };
    let late = client.dispatches(&query).await.expect("a list").items;
    assert_eq!(late.iter().map(|d| d.dispatch.0).collect::<Vec<_>>(), [sealed.id()]);
    assert_eq!(alarms(&client, Code::SendingOverdue).await.len(), 1);
}
