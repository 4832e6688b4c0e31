//! Nodes are killed at random moments while dispatches travel four tiers; nothing is lost, nothing
//! arrives twice, and every receipt verifies.
#![allow(clippy::print_stdout, reason = "says what the run was like")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use support::evidence::{check_store, eventually, inbox, progress, receipts};
use support::sealing::small_document;
use support::{Dice, Network, Node, Plan, TIERS, agency, node_id, number};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tram_api::{Client, ClientError};
use tram_dispatch::{Code, DispatchId, Event};

/// Submissions under way at a time.
const SUBMITTERS: u64 = 16;
/// Pause before a submission that got no answer is repeated.
const REPEAT: Duration = Duration::from_millis(50);

/// What a run does.
#[derive(Clone, Copy, Debug)]
struct Run {
    dispatches: u64,
    /// Fewest kills; there are as many more as the run has time for.
    kills: u64,
    seed: u64,
    /// Pace of the submissions, so that the run lasts long enough to be disturbed.
    per_second: u64,
}

/// Submits one dispatch until it is answered. Says how often it had to be repeated.
async fn submit(client: &Client, sealed: &[u8], document: &[u8]) -> u64 {
    let mut repeats = 0;
    loop {
        match client.submit(sealed, &[Some(document.to_vec().into())]).await {
            Ok(_) => return repeats,
            Err(ClientError::Broken(_) | ClientError::Unreachable { .. }) => {}
            Err(e) if matches!(e.code(), Code::Busy | Code::BusyStorage | Code::Quota) => {}
            Err(e) => panic!("refused: {e}"),
        }
        repeats += 1;
        sleep(REPEAT).await;
    }
}

/// Submits everything, at the pace of the run; gives the ids and how many repeats there were.
async fn submit_all(network: &Arc<Network>, run: Run) -> (BTreeSet<DispatchId>, u64) {
    let next = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let mut submitters = JoinSet::new();
    for _ in 0..SUBMITTERS {
        let (network, next) = (network.clone(), next.clone());
        let client = Client::new(&network.nodes[0].socket);
        submitters.spawn(async move {
            let (mut ids, mut repeats) = (BTreeSet::new(), 0);
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= run.dispatches {
                    return (ids, repeats);
                }
                let due = Duration::from_millis(i * 1000 / run.per_second);
                sleep(due.saturating_sub(began.elapsed())).await;
                let document = format!("chỉ thị {i}, {}", "x".repeat(1500)).into_bytes();
                let documents = vec![small_document(&document)];
                let envelope = network.envelope(0, &[3], &format!("{i}/CT"), documents);
                let sealed = network.seal(&envelope);
                repeats += submit(&client, sealed.raw(), &document).await;
                ids.insert(sealed.id());
            }
        });
    }
    let (mut all, mut sum) = (BTreeSet::new(), 0);
    while let Some(done) = submitters.join_next().await {
        let (ids, repeats) = done.expect("a submitter");
        all.extend(ids);
        sum += repeats;
    }
    (all, sum)
}

/// Kills and restarts random nodes until told to stop, and at least as often as the run asks.
async fn disturb(nodes: &mut [Node], run: Run, done: Arc<AtomicU64>) -> [u64; TIERS.len()] {
    let mut dice = Dice::new(run.seed);
    let mut kills = [0; TIERS.len()];
    while done.load(Ordering::Relaxed) == 0 || kills.iter().sum::<u64>() < run.kills {
        sleep(Duration::from_millis(dice.between(100, 1500))).await;
        let tier = dice.below(nodes.len() as u64) as usize;
        nodes[tier].kill();
        kills[tier] += 1;
        sleep(Duration::from_millis(dice.between(0, 400))).await;
        nodes[tier].start();
        if dice.below(2) == 0 {
            // Otherwise the next kill may hit it while it recovers.
            nodes[tier].answers().await;
        }
    }
    kills
}

async fn killed_and_restarted(run: Run) {
    println!("seed {} (TRAM_LONG_SEED), {} dispatches", run.seed, run.dispatches);
    let mut plan = Plan::tiers(TIERS.len());
    // Nobody collects what arrives.
    plan.limits.push(("memory_bytes_max", 64 << 30));
    let (network, mut nodes) = Network::running(&plan).await;
    let network = Arc::new(network);
    let began = Instant::now();
    let done = Arc::new(AtomicU64::new(0));
    let submitted = {
        let (network, done) = (network.clone(), done.clone());
        tokio::spawn(async move {
            let submitted = submit_all(&network, run).await;
            done.store(1, Ordering::Relaxed);
            submitted
        })
    };
    let kills = disturb(&mut nodes, run, done).await;
    let (ids, repeats) = submitted.await.expect("the submitters");
    println!(
        "{} kills {kills:?} (from the top) in {:?}; {repeats} submissions repeated",
        kills.iter().sum::<u64>(),
        began.elapsed()
    );
    assert_eq!(ids.len() as u64, run.dispatches);
    for node in &mut nodes {
        node.answers().await;
    }
    let centre = nodes[0].client();
    eventually("the centre's tracking says that all are consigned", || async {
        let stand = progress(&centre, &agency(0)).await.expect("a listing");
        stand == (run.dispatches, run.dispatches)
    })
    .await;
    println!("all consigned after {:?}", began.elapsed());
    let there = inbox(&nodes[3].client(), &agency(3)).await;
    assert_eq!(there.len() as u64, run.dispatches, "exactly once");
    assert_eq!(there.into_iter().map(|(id, _)| id).collect::<BTreeSet<_>>(), ids, "and the same");
    eventually("receipts of every hop came back", || async {
        receipts(&network, &centre).await.values().map(Vec::len).sum::<usize>() >= 4 * ids.len()
    })
    .await;
    let expected = BTreeMap::from([
        ((Event::SubmissionAcceptance, node_id(0)), 1),
        ((Event::RelayAcceptance, node_id(1)), 1),
        ((Event::RelayAcceptance, node_id(2)), 1),
        ((Event::ContentConsignment, node_id(3)), 1),
    ]);
    for (id, events) in receipts(&network, &centre).await {
        let mut counted = BTreeMap::new();
        events.into_iter().for_each(|event| *counted.entry(event).or_insert(0) += 1);
        assert_eq!(counted, expected, "{id}");
    }
    for node in &nodes {
        check_store(&node.client()).await;
    }
    println!("receipts and stores checked after {:?}", began.elapsed());
}

fn seed() -> u64 {
    number("TRAM_LONG_SEED", support::wall_now().0)
}

#[tokio::test(flavor = "current_thread")]
async fn nodes_killed_at_random_lose_nothing() {
    let dispatches = number("TRAM_LONG_DISPATCHES", 1_000);
    killed_and_restarted(Run { dispatches, kills: 20, seed: seed(), per_second: 50 }).await;
}

#[tokio::test(flavor = "current_thread")]
#[ignore = "long: as many dispatches as TRAM_LONG_DISPATCHES says, killed all the time"]
async fn long_kill() {
    let dispatches = number("TRAM_LONG_DISPATCHES", 10_000);
    killed_and_restarted(Run { dispatches, kills: 50, seed: seed(), per_second: 100 }).await;
}
