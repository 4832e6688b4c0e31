//! Verification of the statements that agencies seal: void statements, and what their clerks decided.

use tram_dispatch::{Digest, EvidenceRecord, UnixMillis};
use tram_wire::statement::{SealedStatement, Statement};
use tram_wire::void::{SealedVoid, Void};
use tram_wire::{Sealable, Sealed};

use super::Verifier;
use super::dispatch::grace_over;
use crate::revocation::Revocation;
use crate::verdict::{Refusal, Verdict};
use crate::verified::Signer;

/// A statement whose seal was verified: by the agency it names, of this network, on a path to an anchor.
/// Cheap to clone.
#[derive(Debug, PartialEq, Eq)]
pub struct VerifiedSeal<C> {
    sealed: Sealed<C>,
    signer: Signer,
    revocation_digest: Option<Digest>,
}

/// A void statement, verified.
pub type VerifiedVoid = VerifiedSeal<Void>;

/// An agency's word that its clerk registered or refused a dispatch, verified.
pub type VerifiedStatement = VerifiedSeal<Statement>;

impl<C> Clone for VerifiedSeal<C> {
    fn clone(&self) -> Self {
        let (sealed, signer) = (self.sealed.clone(), self.signer.clone());
        VerifiedSeal { sealed, signer, revocation_digest: self.revocation_digest }
    }
}

impl<C> VerifiedSeal<C> {
    /// The sealed statement.
    pub fn sealed(&self) -> &Sealed<C> {
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
        self.judge_statement(sealed, judged_at)
    }

    /// Verifies what an agency says of a dispatch at the moment that judges it, as [`Verifier::dispatch`]
    /// does a dispatch.
    pub fn statement(
        &self,
        sealed: SealedStatement,
        judged_at: UnixMillis,
    ) -> Verdict<VerifiedStatement> {
        self.judge_statement(sealed, judged_at)
    }

    /// Who sealed a statement that a record of `at` names.
    ///
    /// # Errors
    /// As for a dispatch; revocation that is not known any more is passed over, for the node that
    /// recorded the statement is what says when.
    pub(crate) fn statement_signer(
        &self,
        sealed: &SealedStatement,
        at: UnixMillis,
    ) -> Result<Signer, Refusal> {
        Ok(self.seal(sealed, at)?.0)
    }

    /// Whether a statement that a record names holds: it says the same, and its seal verified when the
    /// record was made. An evidence file with another one would be false.
    pub fn says(&self, sealed: &SealedStatement, record: &EvidenceRecord) -> bool {
        sealed.statement().is_said_by(record) && self.statement_signer(sealed, record.time).is_ok()
    }

    fn judge_statement<C: Sealable>(
        &self,
        sealed: Sealed<C>,
        at: UnixMillis,
    ) -> Verdict<VerifiedSeal<C>> {
        let (signer, status) = match self.seal(&sealed, at) {
            Ok(found) => found,
            Err(refusal) => return Verdict::Refused(refusal),
        };
        match status.status(at, self.options.revocation_grace_ms) {
            Revocation::Unknown { as_of } => Verdict::Undetermined(grace_over(&signer, as_of)),
            _ => {
                let revocation_digest = status.digest();
                Verdict::Verified(VerifiedSeal { sealed, signer, revocation_digest })
            }
        }
    }
}
