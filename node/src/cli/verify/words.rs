//! What a finding of an evidence file says, in words.

use tram_dispatch::Status;
use tram_trust::evidence::{Bound, By, Claim, Lack, Place, Proof, Voice};

use crate::cli::shell::Shell;
use crate::cli::show;
use crate::cli::texts::Word;

/// The words for a claim.
pub(super) const fn claim(claim: Claim) -> Word {
    match claim {
        Claim::Sealed => Word::EvSealed,
        Claim::Unrevoked => Word::EvUnrevoked,
        Claim::Held => Word::EvHeld,
        Claim::Custody => Word::EvCustody,
        Claim::Arrived => Word::EvArrived,
        Claim::Taken => Word::EvTaken,
        Claim::Decided => Word::EvDecided,
        Claim::Handled => Word::EvHandled,
        Claim::Ended => Word::EvEnded,
        Claim::When => Word::EvWhen,
        Claim::Witnessed => Word::EvWitnessed,
        Claim::Document => Word::EvDocument,
        Claim::Stamped => Word::EvStamped,
        Claim::Policy => Word::EvPolicy,
        Claim::Unauthorised => Word::EvUnauthorised,
    }
}

/// What proves it.
pub(super) fn proof(shell: &Shell, proof: &Proof) -> String {
    let say = |word, values: &[&str]| shell.particular(word, values);
    match proof {
        Proof::Sealed { signer, by_node, judged_at } => {
            let (agency, at) = (signer.agency.to_string(), shell.time(*judged_at));
            match by_node {
                None => say(Word::BySeal, &[&agency, &signer.name, &at]),
                Some(node) => say(Word::BySealOfNode, &[&agency, &signer.name, &at, node.as_str()]),
            }
        }
        Proof::Unrevoked { as_of, stale, .. } => {
            let word = if *stale { Word::ByStaleLists } else { Word::ByLists };
            say(word, &[&shell.time(*as_of)])
        }
        Proof::Leaf(place) => leaf(shell, place),
        Proof::Custody { nodes } => {
            let nodes: Vec<String> = nodes.iter().map(ToString::to_string).collect();
            say(Word::ByNodes, &[&nodes.join(" → ")])
        }
        Proof::Decided { place, registered, by } => {
            let at = shell.time(place.time);
            let (word, who) = match (registered, by) {
                (true, Voice::Agency { signer, .. }) => (Word::RegisteredByAgency, &*signer.name),
                (true, Voice::Node) => (Word::RegisteredByNode, place.node.as_str()),
                (false, Voice::Agency { signer, .. }) => (Word::RefusedByAgency, &*signer.name),
                (false, Voice::Node) => (Word::RefusedByNode, place.node.as_str()),
            };
            let on_behalf = match by {
                Voice::Agency { by_node: Some(node), .. } => say(Word::OnBehalf, &[node.as_str()]),
                _ => String::new(),
            };
            say(word, &[&at, who]) + &on_behalf + &why(place)
        }
        Proof::Handled { place, status, by } => {
            let status = status.and_then(Status::from_number);
            let what = status.map_or_else(
                || show::event(shell, place.event),
                |status| show::status(shell, status),
            );
            let at = shell.time(place.time);
            let (word, who) = match by {
                Voice::Agency { signer, .. } => (Word::HandledByAgency, &*signer.name),
                Voice::Node => (Word::HandledByNode, place.node.as_str()),
            };
            let on_behalf = match by {
                Voice::Agency { by_node: Some(node), .. } => say(Word::OnBehalf, &[node.as_str()]),
                _ => String::new(),
            };
            say(word, &[&what, &at, who]) + &on_behalf + &why(place)
        }
        Proof::When { place, earliest, latest } => {
            between(shell, Word::ByBounds, place, earliest, latest)
        }
        Proof::Witnessed { size, witnesses } => {
            let names: Vec<&str> = witnesses.iter().map(|w| w.0.as_str()).collect();
            say(Word::ByWitnesses, &[&size.to_string(), &names.join(", ")])
        }
        Proof::Stamped { size, by } => {
            let at = shell.exact_time(by.latest);
            say(Word::ByStamp, &[&size.to_string(), &at, &by.authority, &by.serial])
        }
        Proof::Document { sha256, size } => {
            say(Word::ByDigest, &[&size.to_string(), &sha256.to_string()])
        }
    }
}

/// Why it is not proved.
pub(super) fn lack(shell: &Shell, lack: &Lack) -> String {
    let say = |word, values: &[&str]| shell.particular(word, values);
    let named = |word, place: &Place| {
        let (event, at) = (show::event(shell, place.event), shell.time(place.time));
        shell.particular(word, &[&event, place.node.as_str(), &at, &why(place)])
    };
    match lack {
        Lack::OtherRoot(digest) => say(Word::LackOtherRoot, &[&digest.to_string()]),
        Lack::NoGround => say(Word::LackNoGround, &[]),
        Lack::NoEnvelope => say(Word::LackNoEnvelope, &[]),
        Lack::Forged => say(Word::LackForged, &[]),
        Lack::NoFirstCustody => say(Word::LackNoFirst, &[]),
        Lack::NotChecked => say(Word::LackNotChecked, &[]),
        Lack::NoLists(digest) => say(Word::LackNoLists, &[&digest.to_string()]),
        Lack::ListsTooOld(of) => say(Word::LackListsOld, &[&shell.time(*of)]),
        Lack::NoReceipt => say(Word::LackNoReceipt, &[]),
        Lack::Gap { node, upstream } => {
            let upstream = upstream.map(|d| d.to_string()).unwrap_or_else(|| "–".to_owned());
            say(Word::LackGap, &[node.as_str(), &upstream])
        }
        Lack::Ended(place) => named(Word::LackEnded, place),
        Lack::NoLatest(place) => named(Word::LackNoLatest, place),
        Lack::Clocks { place, earliest, latest } => {
            between(shell, Word::LackClocks, place, earliest, latest)
        }
        Lack::NoCheckpoint => say(Word::LackNoCheckpoint, &[]),
        Lack::LogNotInPolicy => say(Word::LackNotInPolicy, &[]),
        Lack::NoQuorum { have, missing } => {
            say(Word::LackNoQuorum, &[&have.join(", "), &missing.join(", ")])
        }
        Lack::UnknownWitness => say(Word::LackUnknownWitness, &[]),
        Lack::NoDocument(digest) => say(Word::LackNoDocument, &[&digest.to_string()]),
        Lack::StampNotChecked(digest) => say(Word::LackStamp, &[&digest.to_string()]),
        Lack::StampRefused(refusal) => {
            say(Word::LackStampRefused, &[refusal.code.as_str(), &refusal.detail])
        }
        Lack::OtherPolicy(digest) => say(Word::LackOtherPolicy, &[&digest.to_string()]),
        Lack::NotAuthorised(place) => named(Word::LackNotAuthorised, place),
    }
}

fn leaf(shell: &Shell, place: &Place) -> String {
    let (event, node) = (show::event(shell, place.event), place.node.to_string());
    let (at, committed) = (shell.time(place.time), shell.time(place.committed));
    let (leaf, epoch) = (place.leaf.to_string(), place.epoch.to_string());
    shell.particular(Word::ByLeaf, &[&event, &node, &at, &committed, &leaf, &epoch]) + &why(place)
}

fn why(place: &Place) -> String {
    let code = place.reason.map(|code| format!(" [{code}]")).unwrap_or_default();
    let remark = place.remark.as_deref().map(tram_dispatch::text::escaped);
    code + &remark.map(|remark| format!(" \"{remark}\"")).unwrap_or_default()
}

fn between(shell: &Shell, word: Word, place: &Place, earliest: &Bound, latest: &Bound) -> String {
    let by = |bound: &Bound| match &bound.by {
        By::Originator(code) => shell.particular(Word::ByOriginator, &[code.as_str()]),
        By::Node(node) => node.to_string(),
        By::Witness(name) => shell.particular(Word::ByWitness, &[name]),
        By::TimeStamp(authority) => shell.particular(Word::ByTimeStamp, &[authority]),
    };
    let event = show::event(shell, place.event);
    let (from, until) = (shell.exact_time(earliest.at), shell.exact_time(latest.at));
    let particulars = [&event, place.node.as_str(), &from, &by(earliest), &until, &by(latest)];
    shell.particular(word, &particulars)
}
