//! From what holds to what is claimed.

use std::collections::BTreeMap;

use tram_dispatch::{AgencyCode, Digest, Event};
use tram_tlog::policy::Policy;
use tram_wire::EvidenceFile;

use super::Ground;
use super::custody::Chain;
use super::found::{Claim, Finding, Lack, Place, Proof, State, Voice};
use super::notes::{Noted, Stamped};
use super::parts::Held;
use super::times::bounds;
use crate::verified::VerifiedReceipt;

type Findings = Vec<Finding>;

/// What a verifier asks for where nothing is said: whether the claim is one that every file should prove.
fn add(
    findings: &mut Findings,
    claim: Claim,
    recipient: Option<&AgencyCode>,
    about: impl Into<String>,
    found: Result<Proof, Lack>,
    asked: bool,
) {
    let state = match found {
        Ok(proof) => State::Proved(proof),
        Err(lack) => State::Lacking(lack),
    };
    let recipient = recipient.cloned();
    findings.push(Finding { claim, recipient, about: about.into(), state, asked });
}

/// The claims where there is no ground to judge them on.
pub(super) fn nothing(file: &EvidenceFile, lack: Lack, findings: &mut Findings) {
    for claim in [Claim::Sealed, Claim::Custody, Claim::Arrived, Claim::Taken, Claim::Decided] {
        add(findings, claim, None, file.dispatch.to_string(), Err(lack.clone()), true);
    }
}

/// Every claim, in order.
pub(super) fn all(ground: &Ground, file: &EvidenceFile, held: &Held, findings: &mut Findings) {
    let chain = Chain::of(held);
    let (counting, strangers): (Vec<_>, Vec<_>) =
        in_time(held).into_iter().partition(|receipt| chain.counts(receipt));
    let originator = held.sealed.as_ref().map(|s| s.envelope().originator.to_string());
    let originator = originator.unwrap_or_default();
    add(findings, Claim::Sealed, None, originator.clone(), held.seal.sealed.clone(), true);
    let unrevoked = held.seal.unrevoked.clone();
    let asked = unrevoked != Err(Lack::NotChecked);
    add(findings, Claim::Unrevoked, None, originator, unrevoked, asked);
    for receipt in counting.iter().filter(|r| is_custody(r.record().event)) {
        leaf(findings, Claim::Held, receipt);
    }
    let recipients = recipients(held);
    let legs = by_recipient(&counting);
    let authorised = in_time(held).into_iter().filter(|r| super::custody::is_authorised(r));
    let claimed = by_recipient(&authorised.collect::<Vec<_>>());
    for recipient in &recipients {
        let key = Some(recipient);
        // What ends the whole dispatch ends every leg of it.
        let mut counts = legs.get(&None).cloned().unwrap_or_default();
        counts.extend(legs.get(&key).into_iter().flatten());
        let claims = claimed.get(&key).map(Vec::as_slice).unwrap_or_default();
        of_recipient(held, &chain, &counts, claims, recipient, findings);
    }
    if recipients.is_empty() {
        add(findings, Claim::Arrived, None, "", Err(Lack::NoReceipt), true);
    }
    for receipt in counting.iter().filter(|r| is_handling(r.record().event)) {
        let (place, status) = (place(receipt), receipt.record().status);
        let proof = Proof::Handled { place, status, by: voice(held, receipt) };
        let recipient = receipt.record().recipient.as_ref();
        add(findings, Claim::Handled, recipient, about(receipt), Ok(proof), true);
    }
    for receipt in counting.iter().filter(|r| is_ending(r.record().event)) {
        leaf(findings, Claim::Ended, receipt);
    }
    for receipt in &counting {
        let (found, e) = (bounds(held, &chain, receipt, place(receipt)), receipt.record());
        add(findings, Claim::When, e.recipient.as_ref(), about(receipt), found, false);
    }
    witnesses(ground, held, &counting, findings);
    documents(held, findings);
    extras(ground, file, held, findings);
    for receipt in strangers {
        let (e, place) = (receipt.record(), place(receipt));
        let lack = Err(Lack::NotAuthorised(Box::new(place)));
        add(findings, Claim::Unauthorised, e.recipient.as_ref(), about(receipt), lack, false);
    }
}

/// Whether the event says that its node took custody.
pub(super) fn is_custody(event: Event) -> bool {
    matches!(
        event,
        Event::SubmissionAcceptance | Event::RelayAcceptance | Event::ContentConsignment
    )
}

fn is_ending(event: Event) -> bool {
    matches!(
        event,
        Event::SubmissionRejection
            | Event::RelayRejection
            | Event::RelayFailure
            | Event::ContentConsignmentFailure
            | Event::ContentHandoverFailure
            | Event::AcceptanceRejectionExpiry
    )
}

fn is_handling(event: Event) -> bool {
    matches!(
        event,
        Event::HandlingStatus | Event::ActAcceptance | Event::ActRejection | Event::Withdrawal
    )
}

fn in_time(held: &Held) -> Vec<&VerifiedReceipt> {
    let mut receipts: Vec<&VerifiedReceipt> = held.receipts.values().collect();
    receipts.sort_by_key(|r| {
        let e = r.record();
        (e.time, e.event.number(), e.node.clone(), r.receipt().leaf_index())
    });
    receipts
}

/// Those of the envelope; where it is not here, those that receipts name.
fn recipients(held: &Held) -> Vec<AgencyCode> {
    if let Some(sealed) = &held.sealed {
        return sealed.envelope().recipients.clone();
    }
    let named = held.receipts.values().filter_map(|r| r.record().recipient.clone());
    let mut named: Vec<AgencyCode> = named.collect();
    named.sort();
    named.dedup();
    named
}

fn about(receipt: &VerifiedReceipt) -> String {
    let e = receipt.record();
    format!("{} {}", e.event.name(), e.node)
}

pub(super) fn place(receipt: &VerifiedReceipt) -> Place {
    let e = receipt.record();
    Place {
        event: e.event,
        node: e.node.clone(),
        epoch: e.epoch,
        leaf: receipt.receipt().leaf_index(),
        recipient: e.recipient.clone(),
        time: e.time,
        committed: receipt.receipt().signed_root().time,
        reason: e.reason,
        remark: e.remark.clone(),
        receipt: receipt.digest(),
    }
}

fn leaf(findings: &mut Findings, claim: Claim, receipt: &VerifiedReceipt) {
    let proof = Ok(Proof::Leaf(place(receipt)));
    add(findings, claim, receipt.record().recipient.as_ref(), about(receipt), proof, true);
}

/// Receipts by recipient, in time.
type Legs<'a> = BTreeMap<Option<&'a AgencyCode>, Vec<&'a VerifiedReceipt>>;

fn by_recipient<'a>(receipts: &[&'a VerifiedReceipt]) -> Legs<'a> {
    let mut legs = Legs::new();
    for receipt in receipts {
        legs.entry(receipt.record().recipient.as_ref()).or_default().push(receipt);
    }
    legs
}

/// `counting` are the receipts that count about this recipient or the whole dispatch; `authorised` those
/// that the recipient's own node may give, whatever they rest on.
fn of_recipient(
    held: &Held,
    chain: &Chain<'_>,
    counting: &[&VerifiedReceipt],
    authorised: &[&VerifiedReceipt],
    recipient: &AgencyCode,
    findings: &mut Findings,
) {
    let first = |receipts: &[&VerifiedReceipt], events: &[Event]| {
        receipts.iter().find(|r| events.contains(&r.record().event)).map(|r| (*r).clone())
    };
    let ended = |on_the_way: bool| {
        let of_stage = |r: &&&VerifiedReceipt| {
            let event = r.record().event;
            let late =
                matches!(event, Event::ContentHandoverFailure | Event::AcceptanceRejectionExpiry);
            is_ending(event) && (late != on_the_way)
        };
        counting.iter().rfind(of_stage).map_or(Lack::NoReceipt, |r| Lack::Ended(Box::new(place(r))))
    };
    let of = Some(recipient);
    // A consignment stands by the word of the recipient's node; what it rests on is another claim.
    let consigned = first(authorised, &[Event::ContentConsignment]);
    let custody = match &consigned {
        Some(receipt) => chain.way(receipt).map(|nodes| Proof::Custody { nodes }),
        None => Err(ended(true)),
    };
    add(findings, Claim::Custody, of, "", custody, true);
    let stage = consigned.is_none();
    let arrived = consigned.map(|r| Proof::Leaf(place(&r))).ok_or_else(|| ended(true));
    add(findings, Claim::Arrived, of, "", arrived, true);
    let taken = first(counting, &[Event::ContentHandover]);
    let taken = taken.map(|r| Proof::Leaf(place(&r))).ok_or_else(|| ended(stage));
    add(findings, Claim::Taken, of, "", taken, true);
    let decided = first(counting, &[Event::ConsignmentAcceptance, Event::ConsignmentRejection]);
    let decided = decided.map(|r| decision(held, &r)).ok_or_else(|| ended(stage));
    add(findings, Claim::Decided, of, "", decided, true);
}

fn voice(held: &Held, receipt: &VerifiedReceipt) -> Voice {
    held.statements.get(&receipt.digest()).cloned().unwrap_or(Voice::Node)
}

fn decision(held: &Held, receipt: &VerifiedReceipt) -> Proof {
    let by = voice(held, receipt);
    let registered = receipt.record().event == Event::ConsignmentAcceptance;
    Proof::Decided { place: place(receipt), registered, by }
}

/// One claim for each log that a counting receipt lies in.
fn witnesses(ground: &Ground, held: &Held, counting: &[&VerifiedReceipt], findings: &mut Findings) {
    let mut logs: BTreeMap<_, Vec<&VerifiedReceipt>> = BTreeMap::new();
    for receipt in counting {
        let record = receipt.record();
        logs.entry((&record.node, record.epoch)).or_default().push(receipt);
    }
    for ((node, _), receipts) in logs {
        let covers = |note: &&Noted| receipts.iter().all(|r| note.covers(r));
        let policy = ground.policy_for(node);
        let found = best(policy.as_ref(), held.checkpoints.iter().filter(covers));
        add(findings, Claim::Witnessed, None, node.to_string(), found, ground.asks_for_witnesses());
    }
}

/// The word of the policy on the smallest checkpoint that reaches the quorum, or on the last.
fn best<'a>(
    policy: Option<&Policy>,
    covering: impl Iterator<Item = &'a Noted>,
) -> Result<Proof, Lack> {
    let mut notes: Vec<&Noted> = covering.collect();
    notes.sort_by_key(|note| note.checkpoint.size());
    let Some(policy) = policy else {
        let seen = notes.iter().flat_map(|note| &note.witnesses).map(|w| w.0.clone()).collect();
        return Err(match notes.is_empty() {
            true => Lack::NoCheckpoint,
            false => Lack::NoQuorum { have: seen, missing: Vec::new() },
        });
    };
    let mut lack = Lack::NoCheckpoint;
    for note in notes {
        let origin = note.text.lines().next().unwrap_or_default();
        let named = |log: &tram_tlog::policy::PolicyLog| log.key.name() == origin;
        if !policy.logs().is_empty() && !policy.logs().iter().any(named) {
            lack = Lack::LogNotInPolicy;
            continue;
        }
        let judged = policy.judge(&note.text, &note.cosignatures);
        let cosigned = judged.cosigned.into_iter();
        if judged.reached {
            let witnesses = cosigned.map(|c| (c.witness, super::parts::end_of_second(c.time)));
            let size = note.checkpoint.size();
            return Ok(Proof::Witnessed { size, witnesses: witnesses.collect() });
        }
        let missing = judged.shortfalls.into_iter().flat_map(|s| s.missing).collect();
        lack = Lack::NoQuorum { have: cosigned.map(|c| c.witness).collect(), missing };
    }
    Err(lack)
}

fn documents(held: &Held, findings: &mut Findings) {
    let Some(sealed) = &held.sealed else { return };
    for (place, document) in sealed.envelope().documents.iter().enumerate() {
        let (sha256, size) = (document.sha256, document.size);
        let there = held.documents.contains(&place) && held.seal.sealed.is_ok();
        let found = if there {
            Ok(Proof::Document { sha256, size })
        } else {
            Err(Lack::NoDocument(sha256))
        };
        add(findings, Claim::Document, None, document.name.clone(), found, there);
    }
}

/// What stands in the file and counts for nothing: a verifier that was to take such a file for sound
/// must be told otherwise.
fn extras(ground: &Ground, file: &EvidenceFile, held: &Held, findings: &mut Findings) {
    for note in &held.checkpoints {
        for name in &note.strangers {
            let lack = Err(Lack::UnknownWitness);
            add(findings, Claim::Witnessed, None, name.clone(), lack, true);
        }
        for stamp in &note.stamps {
            let size = note.checkpoint.size();
            // Nobody has to say whose time-stamps count; who does is told of one that does not.
            let (found, asked) = match stamp {
                Stamped::By(by) => (Ok(Proof::Stamped { size, by: by.clone() }), true),
                Stamped::Stranger(refusal) => (Err(Lack::StampRefused(refusal.clone())), true),
                Stamped::NotChecked(digest) => (Err(Lack::StampNotChecked(*digest)), false),
            };
            add(findings, Claim::Stamped, None, note.checkpoint.node().to_string(), found, asked);
        }
    }
    if let Some(policy) = &file.policy {
        let same = ground.policy.as_ref().is_some_and(|(text, _)| text == policy);
        if !same {
            let digest = Digest(tram_crypto::sha256(policy.as_bytes()));
            add(findings, Claim::Policy, None, "", Err(Lack::OtherPolicy(digest)), true);
        }
    }
}
