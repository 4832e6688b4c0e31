//! What our verifier found out, in the form in which the independent one answers
//! (`tests/independent/facts.py`).

use serde_json::{Value as Json, json};
use tram_trust::evidence::{Account, Bound, By, Finding, Lack, Place, Proof, State, Voice};

/// Verdict, claims and false parts.
pub(super) fn answer(account: &Account) -> Json {
    let claims: Vec<Json> = account.findings.iter().map(claim).collect();
    let parts: Vec<Json> =
        account.faults.iter().map(|f| json!([f.part.name(), f.part.number()])).collect();
    json!({ "verdict": verdict(account), "claims": claims, "false": parts })
}

/// As `tram verify` says it without `--ask`.
pub(super) fn verdict(account: &Account) -> &'static str {
    let mut asked = account.findings.iter().filter(|f| f.asked).peekable();
    if !account.faults.is_empty() {
        "false"
    } else if asked.peek().is_none() || asked.any(|f| matches!(f.state, State::Lacking(_))) {
        "undetermined"
    } else {
        "proved"
    }
}

fn claim(finding: &Finding) -> Json {
    let (why_not, facts) = match &finding.state {
        State::Proved(proof) => (None, proved(proof)),
        State::Lacking(lack) => (Some(lack.name()), lacking(lack)),
    };
    let recipient = finding.recipient.as_ref().map(|r| r.to_string());
    json!([finding.claim.name(), recipient, finding.about, finding.asked, why_not, facts])
}

fn place(place: &Place) -> Json {
    json!(place.receipt.to_string())
}

fn bound(bound: &Bound) -> Json {
    let (clock, name) = match &bound.by {
        By::Originator(code) => (0, code.to_string()),
        By::Node(node) => (1, node.to_string()),
        By::Witness(name) => (2, name.clone()),
        By::TimeStamp(name) => (3, name.clone()),
    };
    json!([bound.at.0, clock, name])
}

fn voice(by: &Voice) -> Json {
    match by {
        Voice::Agency { signer, by_node } => {
            json!([signer.name, by_node.as_ref().map(|n| n.to_string())])
        }
        Voice::Node => Json::Null,
    }
}

fn proved(proof: &Proof) -> Json {
    match proof {
        Proof::Sealed { signer, by_node, judged_at } => {
            let by_node = by_node.as_ref().map(|n| n.to_string());
            json!([signer.agency.to_string(), signer.name, judged_at.0, by_node])
        }
        Proof::Unrevoked { as_of, stale, .. } => json!([as_of.0, stale]),
        Proof::Leaf(at) => json!([place(at)]),
        Proof::Custody { nodes } => nodes.iter().map(|n| json!(n.to_string())).collect(),
        Proof::Decided { place: at, by, .. } => json!([place(at), voice(by)]),
        Proof::Handled { place: at, status, by } => json!([place(at), status, voice(by)]),
        Proof::When { place: at, earliest, latest } => {
            json!([place(at), bound(earliest), bound(latest)])
        }
        Proof::Witnessed { size, witnesses } => {
            let witnesses = witnesses.iter().map(|(name, time)| json!([name, time.0]));
            std::iter::once(json!(size)).chain(witnesses).collect()
        }
        Proof::Stamped { size, by } => json!([size, by.latest.0, by.authority, by.serial]),
        Proof::Document { sha256, size } => json!([sha256.to_string(), size]),
    }
}

fn lacking(lack: &Lack) -> Json {
    match lack {
        Lack::OtherRoot(digest)
        | Lack::NoLists(digest)
        | Lack::NoDocument(digest)
        | Lack::StampNotChecked(digest)
        | Lack::OtherPolicy(digest) => json!([digest.to_string()]),
        Lack::ListsTooOld(at) => json!([at.0]),
        Lack::Gap { node, upstream } => {
            json!([node.to_string(), upstream.map(|digest| digest.to_string())])
        }
        Lack::Ended(at) | Lack::NoLatest(at) | Lack::NotAuthorised(at) => json!([place(at)]),
        Lack::Clocks { place: at, earliest, latest } => {
            json!([place(at), bound(earliest), bound(latest)])
        }
        Lack::NoQuorum { have, missing } => json!([have, missing]),
        Lack::NoGround
        | Lack::NoEnvelope
        | Lack::Forged
        | Lack::NoFirstCustody
        | Lack::NotChecked
        | Lack::NoReceipt
        | Lack::NoCheckpoint
        | Lack::LogNotInPolicy
        | Lack::UnknownWitness
        | Lack::StampRefused(_) => json!([]),
    }
}
