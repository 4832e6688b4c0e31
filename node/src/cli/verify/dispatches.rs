//! Sealed dispatches and their documents.

use tram_dispatch::{Code, Event, UnixMillis};
use tram_trust::{Revocation, Verdict as Trust};
use tram_wire::SealedDispatch;

use super::Ground;
use super::claim::{Claim, Item, State};
use crate::cli::receipt::Evidence;
use crate::cli::texts::Word;

/// The checks of `trust`, in its order.
const CHAIN: [Claim; 4] = [Claim::Network, Claim::Certificate, Claim::Signature, Claim::Originator];

/// Judges a sealed dispatch at the moment that its first receipt proves, else now.
pub(super) fn judge(ground: &Ground<'_>, file: &str, sealed: &SealedDispatch) -> Item {
    let e = sealed.envelope();
    let says = format!("{} {}: {}", e.originator, e.reference, e.metadata.subject);
    let mut item = Item::new(file, "dispatch", sealed.id().to_string(), says);
    item.find(Claim::Format, State::Holds, "");
    let first = first_custody(ground, sealed);
    match first {
        Some(at) => item.find(Claim::Moment, State::Holds, ground.shell.time(at)),
        None => {
            let detail = ground.shell.particular(Word::JudgedNow, &[]);
            item.find(Claim::Moment, State::NotGiven, detail);
        }
    }
    match ground.verifier.dispatch(sealed.clone(), first.unwrap_or(ground.now)) {
        Trust::Verified(verified) => {
            item.chain(&CHAIN[..1], None);
            let signer = verified.signer();
            let name = signer.name.to_string();
            let detail = match verified.revocation() {
                Some(Revocation::Good { as_of, .. } | Revocation::Stale { as_of, .. }) => {
                    let as_of = ground.shell.time(as_of);
                    ground.shell.particular(Word::NotRevoked, &[&name, &as_of])
                }
                _ => ground.shell.particular(Word::RevocationNotChecked, &[&name]),
            };
            item.find(Claim::Certificate, State::Holds, detail);
            item.find(Claim::Signature, State::Holds, sealed.algorithm().name());
            item.find(Claim::Originator, State::Holds, signer.agency.to_string());
        }
        Trust::Refused(refusal) => {
            let stop = (step(refusal.code), State::Fails, refusal.code, refusal.detail);
            item.chain(&CHAIN, Some(stop));
        }
        Trust::Undetermined(cause) => {
            let stop = (Claim::Certificate, State::Undetermined, cause.code, cause.detail);
            item.chain(&CHAIN, Some(stop));
        }
    }
    for document in &sealed.envelope().documents {
        let name = format!("{} {}", document.name, document.sha256);
        let given = ground.documents.iter().find(|f| f.sha256 == document.sha256);
        match given {
            None => item.find(Claim::Document, State::NotGiven, name),
            Some(f) if f.size == document.size => item.find(Claim::Document, State::Holds, name),
            Some(f) => {
                let detail =
                    format!("{name}: {} bytes, the envelope says {}", f.size, document.size);
                item.fail(Claim::Document, State::Fails, Code::DocumentDigestMismatch, detail);
            }
        }
    }
    item
}

fn step(code: Code) -> Claim {
    match code {
        Code::WrongNetwork => Claim::Network,
        Code::SignatureInvalid => Claim::Signature,
        Code::OriginatorMismatch => Claim::Originator,
        _ => Claim::Certificate,
    }
}

/// When the originator's node took it, by a verified receipt about these very bytes.
fn first_custody(ground: &Ground<'_>, sealed: &SealedDispatch) -> Option<UnixMillis> {
    ground
        .receipts
        .values()
        .filter(|r| r.authorised_issuer() == Some(true))
        .map(|r| r.record())
        .find(|r| {
            r.event == Event::SubmissionAcceptance
                && r.dispatch == sealed.id()
                && r.object == Some(sealed.object())
        })
        .map(|r| r.time)
}

/// Documents given that belong to no dispatch given: altered, or mixed up.
pub(super) fn strangers(ground: &Ground<'_>, read: &[(String, Evidence)]) -> Vec<Item> {
    let envelopes: Vec<_> = read
        .iter()
        .filter_map(|(_, evidence)| match evidence {
            Evidence::Dispatch(sealed) => Some(sealed.envelope()),
            Evidence::Receipts(_) => None,
        })
        .collect();
    let known = |digest| envelopes.iter().any(|e| e.documents.iter().any(|d| d.sha256 == digest));
    let strangers = ground.documents.iter().filter(|f| !known(f.sha256));
    strangers
        .map(|f| {
            let path = f.path.display().to_string();
            let mut item = Item::new(&path, "document", f.sha256.to_string(), String::new());
            let detail = "no dispatch given here names these bytes".to_owned();
            item.fail(Claim::Document, State::Fails, Code::DocumentDigestMismatch, detail);
            item
        })
        .collect()
}
