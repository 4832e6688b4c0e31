//! Receipts: each by itself, then how they rest on each other.

use tram_dispatch::Code;
use tram_trust::Refusal;
use tram_wire::{Bundle, Receipt};

use super::Ground;
use super::claim::{Claim, Item, State};

/// The checks of `trust`, in its order.
const CHAIN: [Claim; 6] =
    [Claim::Network, Claim::Node, Claim::Epoch, Claim::Key, Claim::Times, Claim::Signature];

/// Judges every receipt of a file and remembers those that hold.
pub(super) fn judge(ground: &mut Ground<'_>, file: &str, bundle: &Bundle, items: &mut Vec<Item>) {
    for (number, raw) in bundle.receipts.iter().enumerate() {
        let receipt = match Receipt::parse(raw) {
            Ok(receipt) => receipt,
            Err(error) => {
                let name = format!("{} of {file}", number + 1);
                let mut item = Item::new(file, "receipt", name, String::new());
                item.fail(Claim::Format, State::Fails, error.code, error.detail);
                items.push(item);
                continue;
            }
        };
        items.push(one(ground, file, receipt));
    }
}

fn one(ground: &mut Ground<'_>, file: &str, receipt: Receipt) -> Item {
    let (record, root) = (receipt.record(), receipt.signed_root());
    let to = record.recipient.as_ref().map(|r| format!(" → {r}")).unwrap_or_default();
    let (event, originator, node) = (record.event.name(), &record.originator, &record.node);
    let says = format!("{event} {originator}{to}, {node}, {}", ground.shell.time(record.time));
    let mut item = Item::new(file, "receipt", receipt.digest().to_string(), says);
    item.find(Claim::Format, State::Holds, "");
    let place = format!("leaf {} of {}", receipt.leaf_index(), root.size);
    item.find(Claim::Inclusion, State::Holds, place);
    match ground.verifier.receipt(receipt) {
        Err(refusal) => {
            let at = step(&refusal);
            let Refusal { code, detail } = refusal;
            item.chain(&CHAIN, Some((at, State::Fails, code, detail)));
            item.find(Claim::Authority, State::NotChecked, "");
        }
        Ok(verified) => {
            item.chain(&CHAIN, None);
            if verified.is_provisional() {
                item.remark(
                    Claim::Epoch,
                    "provisional: by its node and its parent, not listed yet",
                );
            }
            if verified.authorised_issuer() == Some(true) {
                item.find(Claim::Authority, State::Holds, "");
            } else {
                let r = verified.record();
                let detail =
                    format!("{} may not say {} here: a claim only", r.node, r.event.name());
                item.fail(Claim::Authority, State::Fails, Code::NotAuthorised, detail);
            }
            ground.receipts.insert(verified.digest(), verified);
        }
    }
    item
}

/// Which check a refusal is about; `trust` begins its words with the step.
fn step(refusal: &Refusal) -> Claim {
    if refusal.code == Code::WrongNetwork {
        return Claim::Network;
    }
    match refusal.detail.split(':').next().unwrap_or_default() {
        "directory" if refusal.detail.contains("epoch") => Claim::Epoch,
        "directory" => Claim::Node,
        "key" => Claim::Key,
        "time" => Claim::Times,
        "signature" => Claim::Signature,
        // What is not known by its words counts as the first check, so that nothing is said to
        // hold that may not have been looked at.
        _ => Claim::Network,
    }
}

/// Says of each receipt that rests on an earlier one whether that one is here.
pub(super) fn link(ground: &Ground<'_>, items: &mut [Item]) {
    for item in items {
        let mine = ground.receipts.iter().find(|(digest, _)| digest.to_string() == item.id);
        let Some(record) = mine.map(|(_, verified)| verified.record()) else { continue };
        let Some(upstream) = record.upstream else { continue };
        match ground.receipts.get(&upstream) {
            None => item.find(Claim::Upstream, State::NotGiven, upstream.to_string()),
            Some(earlier) if earlier.record().dispatch == record.dispatch => {
                let said = earlier.record();
                let detail = format!("{} by {}", said.event.name(), said.node);
                item.find(Claim::Upstream, State::Holds, detail);
            }
            Some(_) => {
                let detail = "it is about another dispatch".to_owned();
                item.fail(Claim::Upstream, State::Fails, Code::ReceiptInvalid, detail);
            }
        }
    }
}
