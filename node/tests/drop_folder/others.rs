//! What waits for a folder while others act on it: an heir, a clerk at another door, the operator.

use std::fs;
use std::io::Cursor;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use tram_api::model::{InboxQuery, InboxState, QueueAction};
use tram_crypto::sha256;
use tram_dispatch::directory::{Agency, Entry};
use tram_dispatch::{AgencyCode, Code, Digest, DispatchId};
use tram_trust::Directory;

use crate::support::damage::{Large, quarantined};
use crate::support::evidence::{eventually, inbox};
use crate::support::network::agency_entry;
use crate::support::sealing::{document, small_document};
use crate::support::{Plan, agency, node_id};
use crate::{Pair, names, until};

/// It closes, and two follow it one after the other. By code it comes before its first heir.
const OLD: &str = "H40";
const SECOND_HEIR: &str = "H41.12";

fn code(text: &str) -> AgencyCode {
    AgencyCode::parse_canonical(text).expect("a code")
}

impl Pair {
    /// From the upper system to an agency of the lower node, with a document that can be damaged; there.
    async fn large(&self, to: &str) -> Large {
        let bytes: Vec<u8> = to.bytes().cycle().take(700 << 10).collect();
        let (digest, size) = (Digest(sha256(&bytes)), bytes.len() as u64);
        let (above, from) = (self.nodes[0].client(), agency(0));
        let upload = above.upload(&from, digest, size, 0, Cursor::new(bytes), |_| {});
        assert!(upload.await.expect("an upload").complete);
        let documents = vec![document("lon.bin", size, digest)];
        let mut envelope = self.network.envelope(0, &[1], &format!("lon/{to}"), documents);
        envelope.recipients = vec![code(to)];
        let sealed = self.network.seal(&envelope);
        above.submit(sealed.raw(), &[]).await.expect("accepted");
        let (below, to) = (self.nodes[1].client(), code(to));
        eventually("it is there", || async { inbox(&below, &to).await.len() == 1 }).await;
        Large { sealed, digest }
    }

    async fn small(&self, reference: &str) -> DispatchId {
        let bytes = reference.as_bytes();
        let documents = vec![small_document(bytes)];
        let sealed = self.network.seal(&self.network.envelope(0, &[1], reference, documents));
        let (above, along) = (self.nodes[0].client(), [Some(bytes.to_vec().into())]);
        above.submit(sealed.raw(), &along).await.expect("accepted");
        sealed.id()
    }

    /// From now on an agency follows the old one.
    async fn follows(&self, before: &Directory, heir: &str) -> Directory {
        let (file, next) = self.network.after(before, |entries| {
            for entry in entries {
                let Entry::Agency(one) = entry else { continue };
                if one.code.as_str() == OLD {
                    (one.open, one.successor) = (false, Some(code(heir)));
                }
            }
        });
        let client = self.nodes[1].client();
        client.install_directory(file).await.expect("installed");
        next
    }

    /// How many wait for the lower folder, and what is wrong with it.
    async fn waiting(&self) -> (u64, Option<String>) {
        let view = self.nodes[1].client().status().await.expect("a status");
        (view.drop_folders[0].to_hand_over, view.drop_folders[0].trouble.clone())
    }

    fn came(&self) -> Vec<String> {
        let path = self.path(1, "in");
        if path.is_dir() { names(&path) } else { Vec::new() }
    }
}

#[tokio::test]
async fn what_waits_goes_neither_to_a_former_heir_nor_to_who_has_it_already() {
    let hosted = [OLD, SECOND_HEIR].map(|text| Agency {
        code: code(text),
        parent: Some(agency(1)),
        node: Some(node_id(1)),
        ..agency_entry(1)
    });
    let pair = Pair::of(&Plan { agencies: hosted.into(), ..Plan::tiers(2) }).await;
    pair.close(1, "in");
    let (of_old, own) = (pair.large(OLD).await, pair.large("H41").await);
    let client = pair.nodes[1].client();
    let fetched = client.fetch(&agency(1), own.id()).await.expect("the bytes");
    let merged = pair.follows(&pair.network.directory, "H41").await;
    // The folder has both in its queue, and can give neither.
    for large in [&of_old, &own] {
        large.flip(&pair.nodes[1]);
    }
    pair.open(1, "in");
    eventually("both wait, set aside", || async {
        let (count, trouble) = pair.waiting().await;
        let told = trouble.is_some_and(|words| words.starts_with("dispatch "));
        count == 2 && told && quarantined(&pair.nodes[1]).await.len() == 2
    })
    .await;

    // Another agency follows the old one; a clerk takes what is the agency's own at another door.
    let moved = pair.follows(&merged, SECOND_HEIR).await;
    client.confirm(&agency(1), own.id(), &fetched.token).await.expect("confirmed");
    for (large, to) in [(&of_old, code(OLD)), (&own, agency(1))] {
        large.flip(&pair.nodes[1]);
        let released = client.change_queue(large.id(), &to, QueueAction::Release, None);
        released.await.expect("released");
    }
    eventually("nothing waits for the folder", || async { pair.waiting().await == (0, None) })
        .await;
    assert_eq!(pair.came(), [""; 0]);
    let query = InboxQuery { state: Some(InboxState::Waiting), ..InboxQuery::default() };
    let page = client.inbox(&code(SECOND_HEIR), &query).await.expect("an inbox");
    let waits: Vec<DispatchId> = page.items.iter().map(|item| item.dispatch.0).collect();
    assert_eq!(waits, [of_old.id()], "it waits for the heir");
    // The folder goes on.
    let next = pair.small("sau/1").await;
    assert!(pair.names(1, "in", 1)[0].contains(&next.to_string()));

    // It falls to the first one again, and is given now.
    pair.follows(&moved, "H41").await;
    let given = pair.names(1, "in", 2);
    let ending = format!("{}-{OLD}.edxml", of_old.id());
    assert!(given.iter().any(|name| name.ends_with(&ending)), "{given:?}");
}

/// Damages what a node's journal says of something, and mends it the second time.
fn flip_in_journal(pair: &Pair, needle: &str) -> usize {
    let folder = pair.nodes[1].files.data().join("journal");
    let paths = fs::read_dir(folder).expect("a journal").map(|e| e.expect("an entry").path());
    let mut flipped = 0;
    for path in paths.collect::<Vec<PathBuf>>() {
        let Ok(mut bytes) = fs::read(&path) else { continue };
        // The first letter stands as it is, or as it was flipped.
        let rest = &needle.as_bytes()[1..];
        let first = [needle.as_bytes()[0], needle.as_bytes()[0] ^ 4];
        let mut places = Vec::new();
        for (at, window) in bytes.windows(needle.len()).enumerate() {
            if first.contains(&window[0]) && window[1..] == *rest {
                places.push(at);
            }
        }
        for at in &places {
            bytes[*at] ^= 4;
        }
        if !places.is_empty() {
            let file = fs::OpenOptions::new().write(true).open(&path).expect("a segment");
            for at in &places {
                file.write_all_at(&bytes[*at..=*at], *at as u64).expect("a byte");
            }
        }
        flipped += places.len();
    }
    flipped
}

#[tokio::test]
async fn what_could_not_be_read_at_a_start_is_listed_and_given_once_it_is_back() {
    const NEEDLE: &str = "QZXJ-khong-doc-duoc";
    let mut pair = Pair::running().await;
    pair.close(1, "in");
    let lost = pair.small(NEEDLE).await;
    let client = pair.nodes[1].client();
    eventually("it is there", || async { inbox(&client, &agency(1)).await.len() == 1 }).await;
    let later = pair.small("sau/1").await;
    eventually("both are there", || async { inbox(&client, &agency(1)).await.len() == 2 }).await;
    // A start reads the newest segment of the journal alone.
    for n in 0..5_u8 {
        let document = |at: u8| [&[n, at][..], &[b'x'; 60 << 10]].concat();
        let all: Vec<Vec<u8>> = (0..56).map(document).collect();
        let named = all.iter().map(|bytes| small_document(bytes)).collect();
        let envelope = pair.network.envelope(1, &[0], &format!("{n}/TB"), named);
        let along: Vec<_> = all.into_iter().map(|bytes| Some(bytes.into())).collect();
        let sealed = pair.network.seal(&envelope);
        client.submit(sealed.raw(), &along).await.expect("accepted");
    }
    assert!(pair.nodes[1].stop().await.success());
    assert!(flip_in_journal(&pair, NEEDLE) > 0);
    pair.open(1, "in");
    pair.nodes[1].start();
    pair.nodes[1].answers().await;
    let client = pair.nodes[1].client();
    let listed = async |after: Option<String>| {
        let query = InboxQuery { after, ..InboxQuery::default() };
        let page = client.inbox(&agency(1), &query).await.expect("an inbox");
        let ids: Vec<DispatchId> = page.items.iter().map(|item| item.dispatch.0).collect();
        (ids, page.next)
    };
    let (all, cursor) = listed(None).await;
    assert_eq!(all, [later], "{:?}", quarantined(&pair.nodes[1]).await);
    let given = pair.names(1, "in", 1);
    assert!(given.len() == 1 && given[0].contains(&later.to_string()));
    let refused = client.fetch(&agency(1), lost).await.expect_err("set aside");
    assert_eq!(refused.code(), Code::Quarantined);
    let (none, cursor) = listed(cursor).await;
    assert_eq!(none, []);

    flip_in_journal(&pair, NEEDLE);
    let own = agency(1);
    let released = client.change_queue(lost, &own, QueueAction::Release, None);
    released.await.expect("released");
    let (back, cursor) = listed(cursor).await;
    assert_eq!(back, [lost]);
    assert_eq!(listed(cursor).await.0, []);
    let given = pair.names(1, "in", 2);
    assert!(given.iter().any(|name| name.contains(&lost.to_string())), "{given:?}");
    until("nothing waits", || (pair.came().len() == 2).then_some(()));
}
