//! Verification of a sealed dispatch.
//!
//! In this order: network → path to an anchor at the judged moment, revocation included → profile of
//! the leaf → signature → signer is the originator. The secrecy mark is not judged here: the
//! envelope is handed on, and admission refuses it.

use tram_dispatch::{AgencyCode, Code, UnixMillis};
use tram_wire::{Sealable, Sealed, SealedDispatch};

use super::Verifier;
use super::chains::{Checked, Kind};
use crate::certificate::profile;
use crate::revocation::{PathStatus, Revocation};
use crate::verdict::{Cause, Refusal, Verdict};
use crate::verified::{SealAuthority, Signer, VerifiedDispatch};

impl Verifier {
    /// Verifies a dispatch at the moment that judges it: first custody, proved by the first node's
    /// receipt, or now at the first node itself.
    ///
    /// Undetermined (`REVOCATION_UNKNOWN`) when a revocation list is older than the grace allows: the
    /// first node and the recipient's node then defer.
    pub fn dispatch(
        &self,
        sealed: SealedDispatch,
        judged_at: UnixMillis,
    ) -> Verdict<VerifiedDispatch> {
        match self.judge(sealed, judged_at) {
            Err(refusal) => Verdict::Refused(refusal),
            Ok(verified) => match verified.revocation() {
                Some(Revocation::Unknown { as_of }) => {
                    Verdict::Undetermined(grace_over(verified.signer(), as_of))
                }
                _ => Verdict::Verified(verified),
            },
        }
    }

    /// As [`Verifier::dispatch`] for a relay, which checks signature and path, records what it knows
    /// of revocation ([`Revocation::Unknown`] included) and passes on.
    pub fn dispatch_for_relay(
        &self,
        sealed: SealedDispatch,
        judged_at: UnixMillis,
    ) -> Verdict<VerifiedDispatch> {
        match self.judge(sealed, judged_at) {
            Ok(verified) => Verdict::Verified(verified),
            Err(refusal) => Verdict::Refused(refusal),
        }
    }

    fn judge(&self, sealed: SealedDispatch, at: UnixMillis) -> Result<VerifiedDispatch, Refusal> {
        let (signer, status) = self.seal(&sealed, at)?;
        let revocation = status.status(at, self.options.revocation_grace_ms);
        let digest = status.digest();
        Ok(VerifiedDispatch::assertion(sealed, signer, Some(revocation), digest))
    }

    /// Network, path, profile and signature of what an agency sealed, and that the agency is the one named.
    pub(super) fn seal<C: Sealable>(
        &self,
        sealed: &Sealed<C>,
        at: UnixMillis,
    ) -> Result<(Signer, PathStatus), Refusal> {
        if sealed.content().network() != self.root.network() {
            let detail = format!("the {} is of another network", C::NOUN);
            return Err(Refusal::new(Code::WrongNetwork, detail));
        }
        let checked = self.checked(Kind::Seal, sealed.chain(), at)?;
        let key = checked.leaf.key()?;
        let algorithm = sealed.algorithm();
        if !algorithm.fits(key.kind()) {
            let detail = format!("{algorithm} with a key of kind {}", key.kind());
            return Err(Refusal::new(Code::AlgorithmRefused, detail));
        }
        key.verify(algorithm, &sealed.to_be_signed(), sealed.signature()).map_err(|e| {
            let detail = format!("{e} with the key of \"{}\"", checked.leaf.subject());
            Refusal::new(Code::SignatureInvalid, detail)
        })?;
        let signer = self.signer(sealed.content().sealer(), &checked, at)?;
        Ok((signer, checked.path.status.clone()))
    }

    /// Whose seal it is: by the name in the certificate, else by the directory.
    fn signer(
        &self,
        originator: &AgencyCode,
        checked: &Checked,
        at: UnixMillis,
    ) -> Result<Signer, Refusal> {
        let leaf = &checked.leaf;
        let named = profile::agency_of(leaf)?;
        let authority = if named.as_ref() == Some(originator) {
            SealAuthority::Name
        } else if self.directory.binds(originator, &leaf.digest(), at) {
            SealAuthority::Binding
        } else {
            return Err(match named {
                Some(agency) => Refusal::new(
                    Code::OriginatorMismatch,
                    format!("sealed by {agency}; the originator named is {originator}"),
                ),
                None if self.directory.is_bound(&leaf.digest()) => Refusal::new(
                    Code::OriginatorMismatch,
                    format!(
                        "the directory does not bind the certificate of \"{}\" to {originator} at {at}",
                        leaf.subject()
                    ),
                ),
                None => Refusal::new(
                    Code::CertificateInvalid,
                    format!(
                        "certificate of \"{}\": it names no agency, and the directory binds it to none",
                        leaf.subject()
                    ),
                ),
            });
        };
        Ok(Signer {
            agency: originator.clone(),
            certificate: leaf.digest(),
            name: leaf.subject().to_owned(),
            not_after: leaf.not_after(),
            authority,
        })
    }
}

/// Why nothing is said of a seal whose revocation is not known any more.
pub(super) fn grace_over(signer: &Signer, as_of: UnixMillis) -> Cause {
    Cause {
        code: Code::RevocationUnknown,
        detail: format!(
            "a revocation list for the seal of {} is of {as_of}, and the grace after its end has \
             run out",
            signer.agency
        ),
    }
}
