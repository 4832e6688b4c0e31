//! Those who use the nodes: originators that hand in, recipients that take, confirm and register.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tram_dispatch::envelope::Document;
use tram_dispatch::limits::INLINE_DOCUMENT_BYTES_MAX;
use tram_dispatch::{AgencyCode, Digest, DispatchId, NodeId};
use tram_engine::state::held::HeldDispatch;
use tram_engine::state::leg::{Leg, Stage};
use tram_engine::{Documents, Engine, Input, Reply};
use tram_spool::documents::{Bringer, DocumentError};
use tram_spool::store::Document as Stored;

use super::core::{Core, Stopping};
use super::world::World;

/// How often a recipient looks into its mailbox.
const LOOK_MS: u64 = 400;
/// After this an originator tries again that got no answer.
const AGAIN_MS: u64 = 300;

/// Hands in one dispatch until it is acknowledged.
pub(super) async fn originator(world: Arc<World>, number: usize) {
    let order = &world.plan.orders[number];
    sleep(Duration::from_millis(order.at_ms)).await;
    let reference = format!("{number}/P");
    let country = world.plan.country;
    let who = Bringer::Agency(country.member(&order.from).agency.clone());
    let dispatch = country.dispatch(&order.from, &order.to, &reference, &order.documents);
    world.model().ordered(dispatch.id(), number);
    loop {
        let mut wait_ms = AGAIN_MS;
        if let Some(process) = world.process(&order.from)
            && let Ok(documents) = upload(&process.core, &who, &order.documents).await
        {
            let files: Vec<Digest> = documents.files.iter().map(|(d, _)| *d).collect();
            match process.core.submit(dispatch.clone(), documents).await {
                Ok(Reply::Done { receipts, .. }) => {
                    process.core.settled(&who, &files);
                    world.model().acknowledged(dispatch.id(), receipts);
                    return;
                }
                Ok(Reply::Later { retry_ms, .. }) => wait_ms = retry_ms,
                Ok(Reply::Refused { code, detail, .. }) => {
                    world.model().violate(format!("order {number} refused: {code} {detail}"));
                    return;
                }
                Ok(Reply::Assigned { .. }) => {
                    world.model().violate(format!("order {number}: answered with a number"));
                    return;
                }
                Err(Stopping) => {}
            }
        }
        sleep(Duration::from_millis(wait_ms)).await;
    }
}

/// Brings the documents: small ones as they are, larger ones as files.
async fn upload(core: &Arc<Core>, who: &Bringer, all: &[Arc<[u8]>]) -> Result<Documents, Stopping> {
    let mut documents = Documents::default();
    for bytes in all {
        let digest = Digest(tram_crypto::sha256(bytes));
        if bytes.len() <= INLINE_DOCUMENT_BYTES_MAX {
            if !documents.inline.iter().any(|(d, _)| *d == digest) {
                documents.inline.push((digest, bytes.clone()));
            }
            continue;
        }
        core.brought(who, digest, bytes.len() as u64)?;
        let name = who.staging_name(&digest);
        let stored = async {
            let mut writer = core.documents().ok()?.begin(&name, bytes.len() as u64).ok()?;
            for part in bytes.chunks(100_000) {
                writer.write(part).ok()?;
            }
            core.sync_pause().await;
            writer.finish(digest.as_bytes(), bytes.len() as u64).ok()
        };
        stored.await.ok_or(Stopping)?;
        documents.files.push((digest, bytes.len() as u64));
    }
    Ok(documents)
}

/// Takes what comes into the mailbox of a node's own agency: looks at the documents, confirms,
/// registers or refuses. Never ends.
pub(super) async fn recipient(world: Arc<World>, node: NodeId) {
    let agency = world.plan.country.member(&node).agency.clone();
    loop {
        sleep(Duration::from_millis(LOOK_MS)).await;
        let Some(process) = world.process(&node) else { continue };
        let core = process.core.clone();
        let waiting = core.question(|engine, _| mailbox(engine, &agency)).await;
        let Ok(waiting) = waiting else { continue };
        for (id, stage, documents) in waiting {
            let (dispatch, recipient) = (id, agency.clone());
            let reply = match stage {
                Stage::Consigned => {
                    fetch(&world, &core, &node, id, &documents);
                    core.ask(|token| Input::Confirm { token, recipient, dispatch }).await
                }
                Stage::HandedOver => {
                    let refused =
                        world.model().order_of(&id).is_some_and(|n| world.plan.orders[n].refused);
                    let refusal = refused.then(|| "sai nơi nhận".to_owned());
                    let remark = None;
                    core.ask(|token| Input::Register {
                        token,
                        recipient,
                        dispatch,
                        refusal,
                        cause: None,
                        remark,
                        statement: None,
                    })
                    .await
                }
                Stage::Refused | Stage::Registered | Stage::Withdrawn => continue,
            };
            match reply {
                Ok(Reply::Done { repeat: false, .. }) if stage == Stage::Consigned => {
                    world.model().delivered(id, &node);
                }
                Ok(Reply::Refused { code, detail, .. }) => {
                    world.model().violate(format!("{id} at {node}: {code} {detail}"));
                }
                // Asked again, or lost with the process: the next look shows which.
                Ok(Reply::Done { .. } | Reply::Assigned { .. } | Reply::Later { .. })
                | Err(Stopping) => {}
            }
        }
    }
}

/// What lies in a mailbox, how far each is, and its documents.
fn mailbox(engine: &Engine, agency: &AgencyCode) -> Vec<(DispatchId, Stage, Vec<Document>)> {
    let one = |held: &HeldDispatch| match held.legs.get(agency) {
        Some(Leg::Mailbox { stage, .. }) => {
            Some((held.id(), *stage, held.dispatch.envelope().documents.clone()))
        }
        _ => None,
    };
    engine.mailbox(agency, None, usize::MAX).into_iter().filter_map(|(_, h)| one(h)).collect()
}

/// Compares the documents with what was handed in.
fn fetch(world: &World, core: &Core, node: &NodeId, id: DispatchId, documents: &[Document]) {
    let ordered = world.model().order_of(&id);
    let Some(number) = ordered else {
        world.model().violate(format!("{id} at {node} was never ordered"));
        return;
    };
    let given = &world.plan.orders[number].documents;
    for (document, given) in documents.iter().zip(given) {
        let here = core.look(|_, reader| read(reader, document));
        let same = match here {
            Some(Ok(bytes)) => bytes[..] == given[..],
            Some(Err(why)) => {
                world.model().violate(format!("{id} at {node}: {why}"));
                false
            }
            None => return,
        };
        if !same {
            world.model().other_document(&id, node);
        }
    }
}

fn read(reader: &tram_spool::store::StoreReader, document: &Document) -> Result<Vec<u8>, String> {
    match reader.document(&document.sha256).map_err(|e| e.explain())? {
        Some(Stored::Inline(bytes)) => Ok(bytes.to_vec()),
        Some(Stored::File(file)) => {
            let mut bytes = vec![0; file.len_bytes() as usize];
            let n = file.read_at(0, &mut bytes).map_err(|e: DocumentError| e.to_string())?;
            bytes.truncate(n);
            Ok(bytes)
        }
        None => Err(format!("document {} is not there", document.sha256)),
    }
}
