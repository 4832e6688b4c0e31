//! Evidence files: what one proves, and what is left when a part is taken away or altered.
#![allow(clippy::print_stdout, reason = "says how much was altered")]

mod claims;
mod mutations;
mod stolen;
mod strangers;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use tram_dispatch::Event;
use tram_trust::evidence::{Account, Claim, Finding, Ground, Proof, State, examine};
use tram_trust::fixtures::FourTiers;
use tram_wire::EvidenceFile;

fn world() -> &'static FourTiers {
    static WORLD: OnceLock<FourTiers> = OnceLock::new();
    WORLD.get_or_init(|| FourTiers::new("evidence"))
}

fn ground() -> Ground {
    Ground::new(world().network.root.clone()).with_policy(&world().policy).unwrap()
}

fn account(file: &EvidenceFile) -> Account {
    examine(&ground(), &file.encode()).unwrap()
}

/// The file with something changed; lists are put in order again.
fn with(change: impl FnOnce(&mut EvidenceFile)) -> EvidenceFile {
    let mut file = world().file.clone();
    change(&mut file);
    file.sort();
    file
}

/// The file without the receipt of this event.
fn without(event: Event) -> EvidenceFile {
    let raw = world().receipt(event).raw().to_vec();
    with(|file| file.receipts.retain(|r| *r != raw))
}

/// What is proved, by what it is about.
type Proved = BTreeMap<(Claim, String, String), Proof>;

fn proved(account: &Account) -> Proved {
    let of = |f: &Finding| match &f.state {
        State::Proved(proof) => {
            let recipient = f.recipient.as_ref().map(ToString::to_string).unwrap_or_default();
            Some(((f.claim, recipient, f.about.clone()), proof.clone()))
        }
        State::Lacking(_) => None,
    };
    account.findings.iter().filter_map(of).collect()
}

/// The claims that are proved in the whole file and not in this one.
fn lost(file: &EvidenceFile) -> Vec<Claim> {
    let (all, left) = (proved(&account(&world().file)), proved(&account(file)));
    let mut lost: Vec<Claim> = all.keys().filter(|k| !left.contains_key(*k)).map(|k| k.0).collect();
    lost.dedup();
    lost
}

/// 0 all asked claims are proved, 1 something is false, 3 undetermined: what `tram verify` exits with.
fn exit(account: &Account) -> u8 {
    let open = |f: &Finding| f.asked && matches!(f.state, State::Lacking(_));
    if !account.faults.is_empty() {
        1
    } else if account.findings.iter().any(open) {
        3
    } else {
        0
    }
}
