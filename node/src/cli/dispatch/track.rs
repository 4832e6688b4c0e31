//! `tram dispatch track`: where a dispatch is, with its evidence.

use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::time::{Instant, timeout_at};
use tram_api::Client;
use tram_api::model::{DispatchQuery, LegState, LegView, Outcome, Tracking};
use tram_dispatch::codes::exit;
use tram_dispatch::{AgencyCode, Code, DispatchId, Event, Reference};

use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect, show, table, types};

/// An event stream that broke is opened again after this long.
const REOPEN: Duration = Duration::from_secs(1);

/// Follow one dispatch: where each leg stands, and what is on record about it.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tram dispatch track ID --wait\n  tram dispatch track --from H41 \
--reference 16/CT-UBND"
)]
pub(crate) struct TrackArgs {
    /// The dispatch id.
    #[arg(value_name = "ID", required_unless_present = "reference")]
    dispatch: Option<DispatchId>,
    /// The agency that sealed it, with --reference instead of the id.
    #[arg(long, value_name = "CODE", requires = "reference", conflicts_with = "dispatch")]
    from: Option<AgencyCode>,
    /// Its reference.
    #[arg(long, value_name = "TEXT", requires = "from", conflicts_with = "dispatch")]
    reference: Option<Reference>,
    /// Wait until every leg has ended.
    #[arg(long)]
    wait: bool,
    /// What to wait for.
    #[arg(long, value_enum, default_value = "outcome", requires = "wait")]
    until: Until,
    /// Longest wait, seconds.
    #[arg(long, default_value_t = 300, requires = "wait")]
    timeout: u64,
}

/// What `--wait` waits for, on every leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Until {
    /// Consigned, refused, failed or expired.
    Outcome,
    /// Taken by the recipient's own system.
    Handover,
    /// Registered or refused by the recipient's clerk.
    Registration,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &TrackArgs) -> Done {
    let client = connect::client(shell, connect::READERS)?;
    let (tracking, waited) = connect::block_on(async {
        let id = id(&client, args).await?;
        if !args.wait {
            return Ok((client.track(id).await?, true));
        }
        let until = Instant::now() + Duration::from_secs(args.timeout);
        wait(shell, &client, id, args.until, until).await
    })?;
    shell.answer(&tracking, || lines(shell, &tracking))?;
    types::note_listed(shell, &tracking.dispatch.to_string(), &tracking.documents);
    if waited {
        return Ok(DONE);
    }
    shell.note(shell.sentence(Word::WaitedInVain, &[&args.timeout.to_string()]));
    Ok(exit::LATER)
}

async fn id(client: &Client, args: &TrackArgs) -> Result<DispatchId, Failure> {
    if let Some(id) = args.dispatch {
        return Ok(id);
    }
    let query = DispatchQuery {
        originator: args.from.clone().map(Into::into),
        reference: args.reference.clone().map(Into::into),
        ..Default::default()
    };
    let found = client.dispatches(&query).await?.items;
    let first = found.first().ok_or_else(|| {
        Failure::new(Code::NotFound, "no dispatch of this agency under this reference is here")
    })?;
    Ok(first.dispatch.0)
}

/// Waits by listening to the node's events; looks once more after each that is about this one.
/// The second value says whether what was waited for came.
async fn wait(
    shell: &Shell,
    client: &Client,
    id: DispatchId,
    what: Until,
    until: Instant,
) -> Result<(Tracking, bool), Failure> {
    let mut told = String::new();
    loop {
        // Listening begins before looking, so that nothing falls between.
        let mut events = match timeout_at(until, client.events(None)).await {
            Ok(Ok(events)) => events,
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => return Ok((client.track(id).await?, false)),
        };
        loop {
            let tracking = client.track(id).await?;
            if reached(&tracking, what) {
                return Ok((tracking, true));
            }
            let now = standing(shell, &tracking, what);
            if now != told {
                shell.note(&now);
                told = now;
            }
            match next_about(&mut events, id, until).await {
                Heard::Event => {}
                Heard::Closed => break,
                Heard::TimeOut => {
                    let tracking = client.track(id).await?;
                    let reached = reached(&tracking, what);
                    return Ok((tracking, reached));
                }
            }
        }
        tokio::time::sleep(REOPEN).await;
    }
}

enum Heard {
    Event,
    Closed,
    TimeOut,
}

async fn next_about(
    events: &mut tram_api::client::Events,
    id: DispatchId,
    until: Instant,
) -> Heard {
    loop {
        match timeout_at(until, events.next()).await {
            Ok(Ok(Some(event))) if event.dispatch.0 == id => return Heard::Event,
            Ok(Ok(Some(_))) => {}
            Ok(Ok(None) | Err(_)) => return Heard::Closed,
            Err(_) => return Heard::TimeOut,
        }
    }
}

/// Whether every leg is as far as was asked.
fn reached(tracking: &Tracking, what: Until) -> bool {
    tracking.legs.iter().all(|leg| leg_reached(tracking, leg, what))
}

/// Whether a leg is as far as was asked. One that ended badly goes no further.
fn leg_reached(tracking: &Tracking, leg: &LegView, what: Until) -> bool {
    let enough: &[Event] = match what {
        Until::Outcome => &[],
        Until::Handover => {
            &[Event::ContentHandover, Event::ConsignmentAcceptance, Event::ConsignmentRejection]
        }
        Until::Registration => &[Event::ConsignmentAcceptance, Event::ConsignmentRejection],
    };
    let recorded = |recipient: &AgencyCode| {
        tracking.evidence.iter().any(|e| {
            e.authorised
                && enough.contains(&e.event.0)
                && e.recipient.as_ref().is_some_and(|r| r.0 == *recipient)
        })
    };
    match leg.outcome {
        None => false,
        Some(Outcome::Consigned) => enough.is_empty() || recorded(&leg.recipient.0),
        Some(Outcome::Refused | Outcome::Failed | Outcome::Expired) => true,
    }
}

/// What the wait is for still, for people.
fn standing(shell: &Shell, tracking: &Tracking, what: Until) -> String {
    let open: Vec<&LegView> =
        tracking.legs.iter().filter(|leg| !leg_reached(tracking, leg, what)).collect();
    let (some, all) = (open.len().to_string(), tracking.legs.len().to_string());
    let mut text = shell.sentence(Word::StillWaiting, &[&some, &all]);
    let held: Vec<String> = open
        .iter()
        .filter(|leg| matches!(leg.state, LegState::OnHold | LegState::Quarantined))
        .map(|leg| leg.recipient.to_string())
        .collect();
    if !held.is_empty() {
        text.push('\n');
        text.push_str(&shell.sentence(Word::WaitsForOperator, &[&show::some_of(&held)]));
    }
    text
}

fn lines(shell: &Shell, t: &Tracking) -> String {
    let head = table::pairs(&[
        (shell.word(Word::Dispatch), t.dispatch.to_string()),
        (shell.word(Word::From), t.originator.to_string()),
        (shell.word(Word::Reference), t.reference.to_string()),
        (shell.word(Word::Subject), t.subject.clone().unwrap_or_default()),
        (shell.word(Word::Seal), show::signature(shell, &t.signature)),
        (shell.word(Word::Urgency), show::urgency(shell, t.urgency).to_owned()),
        (shell.word(Word::AcceptedAt), shell.time(t.accepted_at.0)),
        (shell.word(Word::ExpiresAt), shell.time(t.expires_at.0)),
    ]);
    let (documents, legs) = (show::documents(shell, &t.documents), show::legs(shell, &t.legs));
    let acts = match t.acts.is_empty() {
        true => String::new(),
        false => format!("{}\n", show::acts(shell, &t.acts)),
    };
    format!("{head}\n{documents}\n{acts}{legs}\n{}", show::evidence(shell, &t.evidence))
}
