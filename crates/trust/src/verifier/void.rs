//! Verification of void statements.

use tram_dispatch::{Digest, UnixMillis};
use tram_wire::SealedVoid;

use super::Verifier;
use super::dispatch::grace_over;
use crate::revocation::Revocation;
use crate::verdict::{Refusal, Verdict};
use crate::verified::Signer;

/// A void statement whose seal was verified: by the agency whose series it is, of this network, on a
/// path to an anchor. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedVoid {
    sealed: SealedVoid,
    signer: Signer,
    revocation_digest: Option<Digest>,
}

impl VerifiedVoid {
    /// The sealed statement.
    pub fn sealed(&self) -> &SealedVoid {
        &self.sealed
    }

    /// Who sealed it: always the agency it names.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Names the revocation lists used, for the evidence record.
    pub fn revocation_digest(&self) -> Option<Digest> {
        self.revocation_digest
    }
}

impl Verifier {
    /// Verifies a void statement at the moment that judges it, as [`Verifier::dispatch`] does a
    /// dispatch.
    pub fn void(&self, sealed: SealedVoid, judged_at: UnixMillis) -> Verdict<VerifiedVoid> {
        match self.judge_void(sealed, judged_at) {
            Err(refusal) => Verdict::Refused(refusal),
            Ok((verified, Revocation::Unknown { as_of })) => {
                Verdict::Undetermined(grace_over(&verified.signer, as_of))
            }
            Ok((verified, _)) => Verdict::Verified(verified),
        }
    }

    fn judge_void(
        &self,
        sealed: SealedVoid,
        at: UnixMillis,
    ) -> Result<(VerifiedVoid, Revocation), Refusal> {
        let (signer, status) = self.seal(&sealed, at)?;
        let revocation = status.status(at, self.options.revocation_grace_ms);
        let revocation_digest = status.digest();
        Ok((VerifiedVoid { sealed, signer, revocation_digest }, revocation))
    }
}
