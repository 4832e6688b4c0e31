//! What this node itself states: evidence records, their leaves, and the news of them.

use tram_dispatch::{AgencyCode, Digest, DispatchId, Event, EvidenceRecord, NodeId, Now};
use tram_trust::VerifiedDispatch;

use crate::engine::{Engine, Fatal};
use crate::output::{Notice, Output};
use crate::record::{OwnEvidence, Record};
use crate::release::Waiting;

impl Engine {
    /// Records evidence of our own; gives the leaf's index.
    pub(crate) fn witness(
        &mut self,
        now: Now,
        evidence: EvidenceRecord,
        owed_to: Vec<NodeId>,
    ) -> Result<u64, Fatal> {
        let leaf = self.log.append(&evidence)?;
        let index = leaf.index;
        let notice = Notice::from(&evidence);
        self.record(now, Record::Evidence(OwnEvidence { leaf, evidence, owed_to }), None, true);
        self.wait(Waiting::Ready(Output::Notify(notice)));
        Ok(index)
    }

    /// An evidence record with everything this node fills in by itself.
    pub(crate) fn evidence(
        &mut self,
        now: Now,
        event: Event,
        dispatch: &VerifiedDispatch,
        recipient: Option<AgencyCode>,
    ) -> EvidenceRecord {
        let originator = dispatch.envelope().originator.clone();
        let about = (dispatch.id(), dispatch.object(), originator);
        self.evidence_about(now, event, about, recipient, dispatch.revocation_digest())
    }

    /// As [`Engine::evidence`], about a dispatch by its id, the digest of its sealed object and its
    /// originator.
    pub(crate) fn evidence_about(
        &mut self,
        now: Now,
        event: Event,
        (dispatch, object, originator): (DispatchId, Digest, AgencyCode),
        recipient: Option<AgencyCode>,
        revocation: Option<Digest>,
    ) -> EvidenceRecord {
        let time = self.leaf_time(now);
        let issuer = self.log.issuer();
        EvidenceRecord {
            event,
            network: issuer.network,
            node: issuer.node.clone(),
            epoch: issuer.epoch,
            dispatch,
            object: Some(object),
            originator,
            recipient,
            custody: self.log.next_custody(),
            admission: None,
            time,
            reason: None,
            remark: None,
            status: None,
            previous: None,
            upstream: None,
            directory: Some(self.directory.digest()),
            revocation,
            attestation: None,
            other_object: None,
            sequence: None,
            related: None,
            removal: None,
        }
    }
}
