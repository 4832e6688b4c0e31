//! The honest traffic: a steady number of dispatches in flight, each counted when it is consigned.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{sleep, timeout};
use tram_api::Client;
use tram_api::model::{InboxQuery, Outcome};
use tram_dispatch::{DispatchId, Event};

use crate::support::sealing::small_document;
use crate::support::{Network, SOON, agency};

/// Dispatches in flight.
const IN_FLIGHT: u64 = 8;
/// Most dispatches a second.
const PER_SECOND_MAX: u64 = 200;
/// Bytes of each document.
const DOCUMENT_BYTES: usize = 2048;

/// References are given once, whoever asks.
static NEXT: AtomicU64 = AtomicU64::new(1);

#[derive(Default)]
struct Shared {
    waiting: BTreeMap<DispatchId, oneshot::Sender<()>>,
    done: u64,
    /// Submissions that were not accepted at once.
    refused: u64,
}

/// Honest traffic that goes on until this is dropped.
pub(crate) struct Honest {
    shared: Rc<RefCell<Shared>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Honest {
    /// From the agency of one tier, at its node, to that of another, which collects what comes.
    pub(crate) async fn start(
        network: &Rc<Network>,
        (client, from): (Client, usize),
        (sink, to): (Client, usize),
    ) -> Self {
        let shared = Rc::new(RefCell::new(Shared::default()));
        let client = Rc::new(client);
        let (open, opened) = oneshot::channel();
        let mut tasks = vec![spawn_local(listen(client.clone(), shared.clone(), open))];
        timeout(SOON, opened).await.expect("the events open").expect("the events open");
        tasks.push(spawn_local(collect(sink, to)));
        for _ in 0..IN_FLIGHT {
            let (network, client, shared) = (network.clone(), client.clone(), shared.clone());
            tasks.push(spawn_local(submit(network, client, shared, from, to)));
        }
        Honest { shared, tasks }
    }

    /// Dispatches consigned per second from now on for so long.
    pub(crate) async fn rate(&self, window: Duration) -> f64 {
        let (began, before) = (Instant::now(), self.done());
        sleep(window).await;
        (self.done() - before) as f64 / began.elapsed().as_secs_f64()
    }

    pub(crate) fn done(&self) -> u64 {
        self.shared.borrow().done
    }

    pub(crate) fn refused(&self) -> u64 {
        self.shared.borrow().refused
    }
}

impl Drop for Honest {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn submit(
    network: Rc<Network>,
    client: Rc<Client>,
    shared: Rc<RefCell<Shared>>,
    from: usize,
    to: usize,
) {
    let pause = Duration::from_millis(1000 * IN_FLIGHT / PER_SECOND_MAX);
    loop {
        let slot = Instant::now() + pause;
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let document: Vec<u8> = n.to_le_bytes().repeat(DOCUMENT_BYTES / 8);
        let envelope =
            network.envelope(from, &[to], &format!("{n}/CT"), vec![small_document(&document)]);
        let sealed = network.seal(&envelope);
        let (done, receipt) = oneshot::channel();
        shared.borrow_mut().waiting.insert(sealed.id(), done);
        let along = [Some(bytes::Bytes::from(document))];
        while let Err(error) = client.submit(sealed.raw(), &along).await {
            let told = {
                let mut shared = shared.borrow_mut();
                shared.refused += 1;
                shared.refused > 1
            };
            if !told {
                crate::say(&format!("an honest submission waits: {error}"));
            }
            sleep(Duration::from_millis(20)).await;
        }
        if receipt.await.is_err() {
            return;
        }
        shared.borrow_mut().done += 1;
        sleep(slot.saturating_duration_since(Instant::now())).await;
    }
}

/// Takes what comes into a mailbox, so that nobody need keep it any longer.
async fn collect(client: Client, to: usize) {
    let mut query = InboxQuery { limit: Some(100), wait_s: Some(5), ..InboxQuery::default() };
    loop {
        let Ok(page) = client.inbox(&agency(to), &query).await else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        for item in &page.items {
            let id = item.dispatch.0;
            if let Ok(fetched) = client.fetch(&agency(to), id).await {
                // What is not confirmed is only kept longer.
                let _ = client.confirm(&agency(to), id, &fetched.token).await;
            }
        }
        query.after = page.next;
    }
}

/// Hears of receipts as they become durable at the originator's node.
async fn listen(client: Rc<Client>, shared: Rc<RefCell<Shared>>, open: oneshot::Sender<()>) {
    let mut open = Some(open);
    loop {
        let Ok(mut events) = client.events(None).await else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        if let Some(open) = open.take() {
            let _ = open.send(());
        }
        catch_up(&client, &shared).await;
        while let Ok(Some(event)) = events.next().await {
            if event.event.0 == Event::ContentConsignment {
                finish(&shared, &event.dispatch.0);
            }
        }
    }
}

fn finish(shared: &RefCell<Shared>, id: &DispatchId) {
    let done = shared.borrow_mut().waiting.remove(id);
    if let Some(done) = done {
        let _ = done.send(());
    }
}

/// Asks for what was missed while no stream was open.
async fn catch_up(client: &Client, shared: &RefCell<Shared>) {
    let waiting: Vec<DispatchId> = shared.borrow().waiting.keys().copied().collect();
    for id in waiting {
        let Ok(tracking) = client.track(id).await else { continue };
        if tracking.legs.iter().all(|leg| leg.outcome == Some(Outcome::Consigned)) {
            finish(shared, &id);
        }
    }
}
