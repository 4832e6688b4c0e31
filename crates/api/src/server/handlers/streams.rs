use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;
use tokio::sync::mpsc::Sender;
use tram_dispatch::Code;

use super::super::App;
use super::super::call::{Call, header_text, plain};
use super::super::outgoing::{self, ChannelBody, Cut};
use crate::model::{CheckLine, CheckQuery, EventNotice, EventsQuery};
use crate::problem::Language;
use crate::routes::{SEE, media};
use crate::{Feed, Problem, Sight};

pub(super) async fn check_store(call: Call) -> Result<Response, Problem> {
    let query: CheckQuery = call.query()?;
    let feed = call.app.service.check_store(call.caller, query).await?;
    let (sender, body) = ChannelBody::new(None);
    tokio::spawn(lines(feed, sender));
    Ok(outgoing::bytes(media::LINES, Body::new(body)))
}

/// One line each; the last is always a report or a problem.
async fn lines(mut feed: Feed<CheckLine>, sender: Sender<Result<Bytes, Cut>>) {
    while let Some(line) = feed.recv().await {
        let last = !matches!(line, CheckLine::Progress { .. });
        if sender.send(Ok(json_line(&line))).await.is_err() || last {
            return;
        }
    }
    let problem = Problem::new(Code::Internal, "the check ended without a report");
    let line = CheckLine::Problem(problem.document(Language::English));
    // A client that went away needs no last line.
    let _ = sender.send(Ok(json_line(&line))).await;
}

fn json_line<T: Serialize>(value: &T) -> Bytes {
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

pub(super) async fn events(call: Call) -> Result<Response, Problem> {
    let query: EventsQuery = call.query()?;
    let last = header_text(&call.headers, "last-event-id").map(str::to_owned);
    let after = last.or(query.after);
    if let Some(after) = &after {
        plain("after", after)?;
    }
    let caller = call.caller.clone();
    let feed = call.app.service.events(call.caller, after).await?;
    let (sender, body) = ChannelBody::new(None);
    let heartbeat = Duration::from_millis(call.app.limits.event_heartbeat_ms);
    let sight = Sight::of(&caller, SEE);
    tokio::spawn(notices(feed, sight, heartbeat, call.app.clone(), sender));
    Ok(outgoing::bytes(media::EVENTS, Body::new(body)))
}

/// Passes on what the caller may see, with a comment now and then so that a dead client is
/// noticed; ends when the feed, the client or the node does.
async fn notices(
    mut feed: Feed<EventNotice>,
    mut sight: Sight,
    heartbeat: Duration,
    app: App,
    sender: Sender<Result<Bytes, Cut>>,
) {
    // The first comment sends the head on its way, so that the client knows it is listening.
    let mut piece = Bytes::from_static(b": listening\n\n");
    loop {
        if sender.send(Ok(piece)).await.is_err() {
            return;
        }
        piece = tokio::select! {
            () = app.stopped() => return,
            () = sender.closed() => return,
            () = tokio::time::sleep(heartbeat) => Bytes::from_static(b":\n\n"),
            notice = visible(&mut feed, &mut sight, &app) => match notice {
                Some(notice) => server_sent(&notice),
                None => return,
            },
        };
    }
}

async fn visible(
    feed: &mut Feed<EventNotice>,
    sight: &mut Sight,
    app: &App,
) -> Option<EventNotice> {
    loop {
        let notice = feed.recv().await?;
        let recipient = notice.recipient.as_ref().map(|r| &r.0);
        if sight.now(app.service.succession()).sees(&notice.originator, recipient) {
            return Some(notice);
        }
    }
}

/// One event as WHATWG HTML section 9.2 writes it. JSON has no raw line breaks, so one `data` line
/// is enough; the id is checked like every cursor.
fn server_sent(notice: &EventNotice) -> Bytes {
    let data = serde_json::to_string(notice).unwrap_or_default();
    let id = if plain("id", &notice.id).is_ok() { notice.id.as_str() } else { "" };
    format!("id: {id}\nevent: {}\ndata: {data}\n\n", notice.event).into()
}
