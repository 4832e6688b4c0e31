//! What the week leaves behind: every status that the centre was told is proved by the evidence of its
//! dispatch, offline, to somebody who has the root document alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use tram_api::model::{DispatchQuery, DispatchSummary};
use tram_dispatch::{AgencyCode, Event, Status};
use tram_trust::evidence::{Account, Claim, Ground, Proof, State, examine};

use crate::desk::{name, number};
use crate::story::until;
use crate::support::{agency, node_id};
use crate::world::World;

/// What the centre was told.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    told: BTreeSet<(u32, AgencyCode, Status)>,
    /// Recalls by number, and what they ask for.
    recalls: BTreeMap<u32, u32>,
}

impl Heard {
    pub(crate) fn note(&mut self, letter: u32, recipient: &AgencyCode, status: Status) {
        self.told.insert((letter, recipient.clone(), status));
    }

    pub(crate) fn asks(&mut self, recall: u32, of: u32) {
        self.recalls.insert(recall, of);
    }

    pub(crate) fn len(&self) -> usize {
        self.told.len()
    }
}

/// Dispatches of the centre, by the number in their references.
async fn dispatches(world: &World, query: DispatchQuery) -> Vec<(u32, DispatchSummary)> {
    let client = world.nodes[0].client();
    let originator = Some(agency(0).into());
    let mut query = DispatchQuery { originator, limit: Some(500), ..query };
    let mut all = Vec::new();
    loop {
        let page = client.dispatches(&query).await.expect("a listing");
        let of = |s: DispatchSummary| {
            Some((number(s.reference.0.as_str()).expect("a letter of the week"), s))
        };
        all.extend(page.items.into_iter().filter_map(of));
        match page.next {
            Some(next) => query.after = Some(next),
            None => return all,
        }
    }
}

/// Has the node export the evidence of every dispatch of the week and verifies it.
pub(crate) async fn every_step(world: &World, heard: &Heard) {
    let mut proved = BTreeSet::new();
    let mut looked = 0_u32;
    for (number, summary) in dispatches(world, DispatchQuery::default()).await {
        // Of a backlog of thousands a part will do: they are all alike.
        if number >= 1_000
            && !number.is_multiple_of(50)
            && !heard.told.iter().any(|t| t.0 == number)
        {
            continue;
        }
        looked += 1;
        let (bytes, account) = without_fault(world, &summary).await;
        // A recall may have a number of its own; what is said of it is told of what it asks for.
        let about = heard.recalls.get(&number).copied().unwrap_or(number);
        for (recipient, status) in statuses(&account) {
            proved.insert((about, recipient, status));
        }
        if [1, 13].contains(&number) {
            by_command(world, &bytes);
        }
    }
    // 1 to 9, 11 to 13, and those of the backlog.
    assert!(looked > 12, "{looked}");
    let lacking: Vec<_> = heard.told.iter().filter(|told| !proved.contains(*told)).collect();
    assert!(lacking.is_empty(), "told and not proved: {lacking:?}");
}

/// The evidence file of a dispatch, and what it proves.
async fn without_fault(world: &World, summary: &DispatchSummary) -> (Vec<u8>, Account) {
    let (client, reference) = (world.nodes[0].client(), &summary.reference.0);
    // Whoever holds a part of it may still be on the way to say so.
    let (bytes, account) = until!(format!("evidence of {reference} without a fault"), {
        let bytes = client.evidence(summary.dispatch.0, false).await.expect("an evidence file");
        let ground = Ground::new(world.network.root.clone());
        let account = examine(&ground, &bytes).expect("an evidence file");
        account.faults.is_empty().then_some((bytes, account))
    });
    for claim in [Claim::Sealed, Claim::Arrived] {
        let is = |state: &State| matches!(state, State::Proved(_));
        let of = |f: &&tram_trust::evidence::Finding| f.claim == claim;
        let mut all = account.findings.iter().filter(of).peekable();
        assert!(all.peek().is_some(), "{reference}: nothing about {claim:?}");
        assert!(all.all(|f| is(&f.state)), "{reference}: not {claim:?}");
    }
    (bytes.to_vec(), account)
}

/// The statuses that an account proves, and of which recipient.
fn statuses(account: &Account) -> impl Iterator<Item = (AgencyCode, Status)> {
    account.findings.iter().filter_map(|finding| {
        let recipient = finding.recipient.clone()?;
        let status = match (&finding.claim, &finding.state) {
            (Claim::Arrived, State::Proved(_)) => Status::Arrived,
            (_, State::Proved(Proof::Decided { registered: true, .. })) => Status::Accepted,
            (_, State::Proved(Proof::Decided { registered: false, .. })) => Status::Refused,
            (_, State::Proved(Proof::Handled { status: Some(status), .. })) => {
                Status::from_number(*status)?
            }
            _ => return None,
        };
        Some((recipient, status))
    })
}

/// As an auditor asks: `tram verify` with the root document.
fn by_command(world: &World, evidence: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, root) = (folder.path().join("e.evidence"), folder.path().join("root.cbor"));
    fs::write(&file, evidence).expect("a file");
    fs::write(&root, &world.network.root_file).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tram"));
    let output = command.args(["verify", "--json", "--root"]).arg(root).arg(file).output();
    let output = output.expect("the program");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

/// One submission, one custody at each node beyond, one receipt of arrival for each recipient: a letter to
/// a thousand crosses each link once.
pub(crate) async fn crossed_once(world: &World, letter: u32) {
    let reference = Some(name(letter).into());
    let found = dispatches(world, DispatchQuery { reference, ..DispatchQuery::default() }).await;
    assert_eq!(found.len(), 1, "one submission");
    let tracking = world.nodes[0].client().track(found[0].1.dispatch.0).await.expect("known");
    let mut counts: BTreeMap<(Event, String), Vec<String>> = BTreeMap::new();
    for evidence in &tracking.evidence {
        let by = (evidence.event.0, evidence.node.to_string());
        counts.entry(by).or_default().push(evidence.at.to_string());
    }
    let count = |event: Event, tier: usize| {
        counts.get(&(event, node_id(tier).to_string())).map_or(0, Vec::len)
    };
    // All hosted ones at the district; the commune with a node of its own beyond it.
    let hosted = world.many as usize + 1;
    for (event, expected) in [
        (Event::SubmissionAcceptance, [1, 0, 0, 0]),
        (Event::RelayAcceptance, [0, hosted + 1, 1, 0]),
        (Event::ContentConsignment, [0, 0, hosted, 1]),
        (Event::ConsignmentAcceptance, [0, 0, hosted, 1]),
    ] {
        assert_eq!([0, 1, 2, 3].map(|tier| count(event, tier)), expected, "{event:?}");
    }
    // A node takes custody for all recipients at once: had it come more often, the moments would differ.
    for ((event, node), mut moments) in counts {
        if matches!(event, Event::RelayAcceptance | Event::ContentConsignment) {
            moments.dedup();
            assert_eq!(moments.len(), 1, "{event:?} by {node}: {moments:?}");
        }
    }
}
