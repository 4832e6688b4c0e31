//! Keeps a fixed number of dispatches in flight and times each from submission to final receipt.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::LocalSet;
use tokio::time::sleep;
use tram_api::Client;
use tram_api::model::Outcome as Delivery;
use tram_dispatch::{DispatchId, Event};

use crate::support::sealing::small_document;
use crate::support::{Network, Node};
use crate::usage::Usage;

/// Bytes of each document.
const DOCUMENT_BYTES: usize = 2048;
/// Before anything is counted.
const WARM_UP: Duration = Duration::from_secs(2);
/// Dispatches sealed beforehand for each second; more than any point reaches.
const PER_SECOND_MAX: u64 = 5_000;
/// Longest wait for what is still in flight at the end.
const REST: Duration = Duration::from_secs(60);

/// A dispatch ready to be handed in.
struct Ready {
    id: DispatchId,
    sealed: Vec<u8>,
    document: Vec<u8>,
}

/// Everything sealed; the nodes run.
pub(crate) struct Load {
    ready: VecDeque<Ready>,
    in_flight: usize,
    measured: Duration,
}

/// What was measured.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Dispatches done in the measured time.
    pub(crate) done: usize,
    /// That time.
    pub(crate) elapsed: Duration,
    /// From submission to the answer "accepted", milliseconds, sorted.
    pub(crate) accepted_ms: Vec<f64>,
    /// From submission to the final receipt, milliseconds, sorted.
    pub(crate) done_ms: Vec<f64>,
    /// Size of one sealed dispatch without its document, bytes.
    pub(crate) sealed_bytes: usize,
}

impl Outcome {
    /// Dispatches per second.
    pub(crate) fn rate(&self) -> f64 {
        self.done as f64 / self.elapsed.as_secs_f64()
    }
}

/// What the tasks share.
#[derive(Default)]
struct Shared {
    ready: VecDeque<Ready>,
    waiting: BTreeMap<DispatchId, oneshot::Sender<()>>,
    /// (end, milliseconds to acceptance, milliseconds to the final receipt)
    times: Vec<(Instant, f64, f64)>,
    stop: bool,
}

impl Load {
    /// Seals as many dispatches as the time could use, Ed25519, from the top tier to the lowest.
    pub(crate) fn prepare(network: &Network, tiers: usize, in_flight: usize, seconds: u64) -> Self {
        // One at a time is far from what many reach.
        let per_second = if in_flight == 1 { PER_SECOND_MAX / 5 } else { PER_SECOND_MAX };
        let count = (seconds + WARM_UP.as_secs()) * per_second;
        let seal = |i: u64| {
            let mut document = vec![0; DOCUMENT_BYTES];
            for (nth, part) in document.chunks_mut(8).enumerate() {
                let word = (i << 16 | nth as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                part.copy_from_slice(&word.to_le_bytes());
            }
            let documents = vec![small_document(&document)];
            let envelope = network.envelope(0, &[tiers - 1], &format!("{i}/CT-2026"), documents);
            let sealed = network.seal(&envelope);
            Ready { id: sealed.id(), sealed: sealed.raw().to_vec(), document }
        };
        let ready = (0..count).map(seal).collect();
        Load { ready, in_flight, measured: Duration::from_secs(seconds) }
    }

    /// Runs the load; gives what was measured and what each process used meanwhile, driver first.
    pub(crate) async fn run(self, nodes: &mut [Node]) -> (Outcome, Vec<Usage>) {
        let sealed_bytes = self.ready.front().map_or(0, |r| r.sealed.len());
        let client = Rc::new(nodes[0].client());
        let shared = Rc::new(RefCell::new(Shared { ready: self.ready, ..Shared::default() }));
        let local = LocalSet::new();
        let (client_of_events, shared_of_events) = (client.clone(), shared.clone());
        let (open, opened) = oneshot::channel();
        let events = local.spawn_local(async move {
            listen(&client_of_events, &shared_of_events, open).await;
        });
        let measured = self.measured;
        let in_flight = self.in_flight;
        local
            .run_until(async move {
                opened.await.expect("the events are open");
                let submitters: Vec<_> = (0..in_flight)
                    .map(|_| tokio::task::spawn_local(submit(client.clone(), shared.clone())))
                    .collect();
                sleep(WARM_UP).await;
                let before = used(nodes);
                let from = Instant::now();
                while from.elapsed() < measured && !shared.borrow().ready.is_empty() {
                    sleep(Duration::from_millis(10).min(measured)).await;
                }
                let until = Instant::now();
                let after = used(nodes);
                shared.borrow_mut().stop = true;
                let rest = async {
                    for submitter in submitters {
                        submitter.await.expect("a submitter");
                    }
                };
                tokio::time::timeout(REST, rest).await.expect("what is in flight ends");
                events.abort();
                let used = after.into_iter().zip(&before).map(|(a, b)| a.since(b)).collect();
                let shared = shared.borrow();
                let times: Vec<_> =
                    shared.times.iter().filter(|(end, ..)| (from..until).contains(end)).collect();
                let sorted = |part: fn(&(Instant, f64, f64)) -> f64| {
                    let mut list: Vec<f64> = times.iter().map(|t| part(t)).collect();
                    list.sort_by(f64::total_cmp);
                    list
                };
                let outcome = Outcome {
                    done: times.len(),
                    elapsed: until - from,
                    accepted_ms: sorted(|t| t.1),
                    done_ms: sorted(|t| t.2),
                    sealed_bytes,
                };
                (outcome, used)
            })
            .await
    }
}

fn used(nodes: &mut [Node]) -> Vec<Usage> {
    std::iter::once(Usage::of_driver()).chain(nodes.iter_mut().map(Usage::of_node)).collect()
}

/// Hands in one dispatch after the other.
async fn submit(client: Rc<Client>, shared: Rc<RefCell<Shared>>) {
    loop {
        let (done, receipt) = oneshot::channel();
        let next = {
            let mut shared = shared.borrow_mut();
            let next = if shared.stop { None } else { shared.ready.pop_front() };
            let Some(next) = next else { return };
            shared.waiting.insert(next.id, done);
            next
        };
        let began = Instant::now();
        let ms = |began: Instant| began.elapsed().as_secs_f64() * 1e3;
        let along = [Some(next.document.into())];
        client.submit(&next.sealed, &along).await.expect("accepted");
        let accepted_ms = ms(began);
        receipt.await.expect("the events go on");
        shared.borrow_mut().times.push((Instant::now(), accepted_ms, ms(began)));
    }
}

/// Hears of receipts as they become durable at the originator's node.
async fn listen(client: &Client, shared: &RefCell<Shared>, open: oneshot::Sender<()>) {
    let mut open = Some(open);
    loop {
        let mut events = client.events(None).await.expect("the event stream");
        if let Some(open) = open.take() {
            let _ = open.send(());
        }
        catch_up(client, shared).await;
        while let Ok(Some(event)) = events.next().await {
            if event.event.0 == Event::ContentConsignment
                && let Some(done) = shared.borrow_mut().waiting.remove(&event.dispatch.0)
            {
                let _ = done.send(());
            }
        }
        eprintln!("the event stream was closed and is opened again");
    }
}

/// Asks for what was missed while no stream was open.
async fn catch_up(client: &Client, shared: &RefCell<Shared>) {
    let waiting: Vec<DispatchId> = shared.borrow().waiting.keys().copied().collect();
    for id in waiting {
        let Ok(tracking) = client.track(id).await else { continue };
        if tracking.legs.iter().all(|leg| leg.outcome == Some(Delivery::Consigned))
            && let Some(done) = shared.borrow_mut().waiting.remove(&id)
        {
            let _ = done.send(());
        }
    }
}
