//! Submission: parse, verify, gather the documents, hand over to the engine, answer when durable.

use bytes::Bytes;
use tram_api::model::{Accepted, LegView, SealRequest};
use tram_api::service::Submission;
use tram_api::text::DispatchText;
use tram_api::{Base64, Caller, Problem, Role};
use tram_crypto::sha256;
use tram_dispatch::envelope::{SealedBy, Sequence};
use tram_dispatch::{Code, Digest, DispatchId, Envelope, Reference, UnixMillis};
use tram_edxml::LOOK_BYTES;
use tram_engine::record::Stage;
use tram_engine::{Documents, Reply};
use tram_spool::documents::Bringer;
use tram_trust::{Verdict, VerifiedDispatch};
use tram_wire::{Receipt, SealedDispatch};

use super::super::context::Context;
use super::super::core::ToCore;
use super::super::hand::Attempted;
use super::super::pins::Pin;
use super::acts::SameNumber;
use super::{NodeService, blocking, convert, later, settled, storage};
use crate::sealing::{self, Circumstances};

impl NodeService {
    pub(super) async fn do_submit(
        &self,
        caller: Caller,
        submission: Submission,
    ) -> Result<Accepted, Problem> {
        let context = self.context.clone();
        let brief = is_brief(&submission);
        let sealed_bytes = submission.sealed.clone();
        let work = move || {
            let sealed = SealedDispatch::parse(&submission.sealed)
                .map_err(|e| Problem::new(e.code, e.detail))?;
            caller.require(&[Role::Submit], &sealed.envelope().originator)?;
            turned_away(&context, sealed.envelope())?;
            let dispatch = verify(&context, sealed)?;
            let (documents, pins) = gather(&context, &dispatch, &submission.documents)?;
            Ok((dispatch, documents, pins))
        };
        let (ctx, id) = (self.context.clone(), DispatchId(sha256(&sealed_bytes)));
        let work = move || match ctx.hands.attempt(&id, work) {
            Ok(checked) => checked,
            Err(Attempted::SetAside) => {
                Err(Problem::new(Code::Quarantined, format!("sealed object {id}")))
            }
            Err(Attempted::Broke(detail)) => {
                ctx.broke(id, Stage::Take, detail.clone());
                Err(Problem::new(Code::WorkUnfinished, detail).retry_after(60))
            }
        };
        let checked = if brief { work() } else { self.checking(work).await };
        match checked {
            Ok((dispatch, documents, pins)) => self.hand_over(dispatch, documents, pins).await,
            Err(refusal) => Err(self.by_certain_time(refusal).await),
        }
    }

    /// A refusal that rests on the time of day is put off while no peer's clock agrees with ours.
    async fn by_certain_time(&self, refusal: Problem) -> Problem {
        let by_time = [Code::CertificateExpired, Code::CertificateNotYetValid];
        if !by_time.contains(&refusal.code) {
            return refusal;
        }
        let certain = |engine: &tram_engine::Engine, _: &dyn tram_engine::View| {
            engine.clock_is_certain() || engine.peers().is_empty()
        };
        match self.context.core.glance(certain).await {
            Ok(false) => Problem::new(Code::ClockUncertain, refusal.detail).retry_after(60),
            _ => refusal,
        }
    }

    pub(super) async fn do_seal(
        &self,
        reference: Reference,
        request: SealRequest,
    ) -> Result<Accepted, Problem> {
        let originator = request.originator.0.clone();
        let key = (originator.clone(), reference.clone());
        let (known, earlier) = self
            .context
            .core
            .question(move |engine, view| {
                let id = engine.referenced(&key.0, &key.1, view)?;
                let held = id.map(|id| engine.find(&id, view)).transpose()?.flatten();
                Ok::<_, tram_engine::Fatal>((id, held))
            })
            .await?
            .map_err(storage)?;
        let first = earlier.as_ref().map(|h| h.dispatch.envelope());
        let (request, expanded) = self.with_groups(request, first).await?;
        let context = self.context.clone();
        let (brought, of) = (earlier.clone(), originator.clone());
        let (mut envelope, series) = self
            .checking(move || {
                let series = sealing::series_of(&*context.seal_of(&of)?.key, context.epoch);
                let at = Circumstances {
                    network: context.network,
                    reference,
                    sealed_by: SealedBy::Node(context.me.clone()),
                    // Another number is assigned once all the rest is known to be sound.
                    sequence: Some(Sequence { series, number: 1 }),
                    now: context.core.now().wall,
                };
                let size_of = |digest: &Digest| {
                    let uploaded = context.uploads.size(&Bringer::Agency(of.clone()), digest);
                    uploaded.or_else(|| {
                        let documents = &brought.as_ref()?.dispatch.envelope().documents;
                        documents.iter().find(|d| d.sha256 == *digest).map(|d| d.size)
                    })
                };
                Ok((sealing::envelope(&request, at, size_of)?, series))
            })
            .await?;
        if let Some(first) = &earlier
            && sealing::same_content(&envelope, first.dispatch.envelope())
        {
            // The same request again: the first sealing stands, and so does its answer.
            let dispatch = first.dispatch.clone();
            let again = self.hand_over(dispatch, Documents::default(), Vec::new()).await?;
            return Ok(Accepted { expanded, ..again });
        }
        turned_away(&self.context, &envelope)?;
        self.has_room()?;
        self.number(&mut envelope, series, known).await?;
        let context = self.context.clone();
        let (dispatch, documents, pins) = self
            .checking(move || {
                // Before it is sealed it has no name but its reference.
                let reference = envelope.reference.as_str().as_bytes();
                let name = [b"to be sealed ", originator.as_str().as_bytes(), b" ", reference];
                let name = DispatchId(tram_crypto::sha256_parts(&name));
                context.attempted(name, "a dispatch to be sealed", || {
                    let seal = context.seal_of(&originator)?;
                    let sealed = sealing::seal(&envelope, &seal.chain, &*seal.key)?;
                    let dispatch = verify(&context, sealed)?;
                    let (documents, pins) = gather(&context, &dispatch, &[])?;
                    Ok((dispatch, documents, pins))
                })
            })
            .await?;
        let accepted = self.hand_over(dispatch, documents, pins).await?;
        Ok(Accepted { expanded, ..accepted })
    }

    fn has_room(&self) -> Result<(), Problem> {
        match self.context.no_room() {
            Some(code) => Err(Problem::new(code, "nothing new is taken now").retry_after(60)),
            None => Ok(()),
        }
    }

    /// Runs a check off the socket's loop, as many at a time as there are processors.
    async fn checking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = self.context.budgets.checks.acquire().await;
        let _turn = turn.map_err(|e| Problem::new(Code::Internal, e.to_string()))?;
        blocking(work).await
    }

    async fn hand_over(
        &self,
        dispatch: VerifiedDispatch,
        documents: Documents,
        pins: Vec<Pin>,
    ) -> Result<Accepted, Problem> {
        self.has_room()?;
        let id = dispatch.id();
        let envelope = dispatch.envelope().clone();
        self.context.recent.add(&documents.inline);
        let reply = self.context.core.submit(dispatch, documents, pins).await?;
        if let Reply::Later { code: Code::Quota, retry_ms } = reply {
            let (class, now) = (envelope.metadata.urgency.class(), self.context.core.now());
            let doors = &self.context.doors.agencies;
            doors.close(&envelope.originator, class, retry_ms, now.mono_ms);
        }
        if let Reply::Refused { code, .. } = &reply {
            tracing::info!(dispatch = %id, originator = %envelope.originator, %code, "submission refused");
            if *code == Code::SecretRefused {
                self.let_go(&envelope)?;
            }
        }
        let (receipts, repeat) = settled(reply)?;
        let mut records = Vec::new();
        for raw in &receipts {
            let receipt = Receipt::parse(raw).map_err(|e| storage(e.detail))?;
            records.push(receipt.record().clone());
        }
        let (Some(receipt), Some(first)) = (receipts.first(), records.first()) else {
            return Err(storage("the receipt is not there"));
        };
        let accepted_at = first.time;
        let legs = if repeat {
            self.legs_now(id).await?
        } else {
            convert::fresh_legs(&envelope.recipients, &records, accepted_at)
        };
        let same_number = self.same_number(id, &envelope, accepted_at).await;
        let type_remarks = self.type_remarks(&envelope.documents).await;
        let (originator, reference) = (envelope.originator, envelope.reference);
        if !repeat && !type_remarks.is_empty() {
            let documents = type_remarks.len();
            tracing::info!(dispatch = %id, %originator, documents, "documents unlike their media types accepted");
        }
        Ok(Accepted {
            dispatch: id.into(),
            originator: originator.into(),
            reference: reference.into(),
            accepted_at: accepted_at.into(),
            receipt: Base64(receipt.to_vec()),
            legs,
            expanded: None,
            same_number,
            type_remarks,
            repeat,
        })
    }

    /// What was uploaded for a dispatch with a secrecy mark is not kept.
    fn let_go(&self, envelope: &Envelope) -> Result<(), Problem> {
        let who = Bringer::Agency(envelope.originator.clone());
        let mut gone: Vec<Digest> = envelope.documents.iter().map(|d| d.sha256).collect();
        gone.retain(|digest| self.context.uploads.forget(&who, digest));
        Ok(self.context.core.send(ToCore::Unneeded(gone))?)
    }

    /// Others of this originator with the same number, as far as the index has them: a warning, for which
    /// nothing fails.
    async fn same_number(
        &self,
        id: DispatchId,
        envelope: &Envelope,
        at: UnixMillis,
    ) -> Vec<DispatchText> {
        let Some(number) = SameNumber::of_envelope(id, envelope, at) else { return Vec::new() };
        let store = self.context.store.clone();
        let found = self.reading(move || number.others(&store)).await.unwrap_or_default();
        if found.is_empty() {
            return Vec::new();
        }
        // Of these, what is an act on the other is no mistake.
        let find = move |engine: &tram_engine::Engine, view: &dyn tram_engine::View| {
            let held = engine.find(&id, view).ok().flatten()?;
            SameNumber::of(engine, view, &held)
        };
        let Ok(number) = self.context.core.question(find).await else { return Vec::new() };
        let others = |id: &DispatchId| number.as_ref().is_some_and(|n| n.is_other(id));
        found.into_iter().filter(others).map(Into::into).collect()
    }

    /// How the legs of a dispatch stand now.
    async fn legs_now(&self, id: DispatchId) -> Result<Vec<LegView>, Problem> {
        let now = self.context.core.now();
        let found = self
            .context
            .core
            .question(move |engine, view| {
                let held = engine.find(&id, view)?;
                Ok::<_, tram_engine::Fatal>(held.map(|h| convert::legs(engine, &h, now)))
            })
            .await?;
        Ok(found.map_err(storage)?.unwrap_or_default())
    }
}

/// Whether a submission is checked faster than another thread is woken: little to hash, nothing to
/// read from disk. Most are; waking a worker for each cost more CPU than the check (measured).
fn is_brief(submission: &Submission) -> bool {
    const BRIEF_BYTES_MAX: usize = 64 << 10;
    let along: usize = submission.documents.iter().flatten().map(Bytes::len).sum();
    let all_along =
        !submission.documents.is_empty() && submission.documents.iter().all(Option::is_some);
    all_along && submission.sealed.len() + along <= BRIEF_BYTES_MAX
}

/// Tells an agency that is over its quota the same again, before its seal is verified.
fn turned_away(context: &Context, envelope: &Envelope) -> Result<(), Problem> {
    let (class, now) = (envelope.metadata.urgency.class(), context.core.now());
    match context.doors.agencies.turn_away(&envelope.originator, class, now.mono_ms) {
        Some(retry_ms) => Err(later(Code::Quota, retry_ms)),
        None => Ok(()),
    }
}

/// Verifies a dispatch as the first node does: now is the moment that judges it, for ever.
fn verify(context: &Context, sealed: SealedDispatch) -> Result<VerifiedDispatch, Problem> {
    let now = context.core.now().wall;
    match context.verifier().dispatch(sealed, now) {
        Verdict::Verified(dispatch) => Ok(dispatch),
        Verdict::Refused(r) => Err(Problem::new(r.code, r.detail)),
        Verdict::Undetermined(cause) => Err(Problem::new(cause.code, cause.detail).retry_after(60)),
    }
}

/// Brings together the documents that came along and those uploaded before, each checked against
/// its digest. Of a dispatch with a secrecy mark nothing is read.
fn gather(
    context: &Context,
    dispatch: &VerifiedDispatch,
    along: &[Option<Bytes>],
) -> Result<(Documents, Vec<Pin>), Problem> {
    let envelope = dispatch.envelope();
    let mut documents = Documents::default();
    let mut pins = Vec::new();
    if tram_dispatch::secrecy::marked(envelope).is_some() {
        return Ok((documents, pins));
    }
    if !along.is_empty() && along.len() != envelope.documents.len() {
        let detail =
            format!("{} documents, the envelope names {}", along.len(), envelope.documents.len());
        return Err(Problem::bad_request(detail));
    }
    let who = Bringer::Agency(envelope.originator.clone());
    for (i, document) in envelope.documents.iter().enumerate() {
        let digest = document.sha256;
        if documents.inline.iter().any(|(d, _)| *d == digest)
            || documents.files.iter().any(|(d, _)| *d == digest)
        {
            continue;
        }
        if let Some(Some(bytes)) = along.get(i) {
            if bytes.len() as u64 != document.size || Digest(sha256(bytes)) != digest {
                let detail = format!("document {} ({} bytes)", digest, bytes.len());
                return Err(Problem::new(Code::DocumentDigestMismatch, detail));
            }
            documents.inline.push((digest, bytes.as_ref().into()));
            continue;
        }
        let Some(size) = context.uploads.size(&who, &digest) else {
            documents.missing.push(digest);
            continue;
        };
        if size != document.size {
            let detail =
                format!("document {digest}: {size} bytes uploaded, {} named", document.size);
            return Err(Problem::new(Code::DocumentDigestMismatch, detail));
        }
        let pin =
            context.pins.pin(digest).ok_or_else(|| Problem::busy("a document is leaving", 1))?;
        let Ok(reader) = context.documents.open_read(digest.as_bytes()) else {
            documents.missing.push(digest);
            continue;
        };
        if documents.rides(size) {
            let mut bytes = vec![0; size as usize];
            let n = reader.read_at(0, &mut bytes).map_err(storage)?;
            if n as u64 != size || Digest(sha256(&bytes)) != digest {
                return Err(Problem::new(
                    Code::StoreCorrupt,
                    format!("uploaded document {digest}"),
                ));
            }
            documents.inline.push((digest, bytes.into()));
        } else {
            let mut first = [0; LOOK_BYTES];
            if let Ok(n) = reader.read_at(0, &mut first) {
                context.looks.note(digest, &first[..n]);
            }
            documents.files.push((digest, size));
        }
        pins.push(pin);
    }
    Ok((documents, pins))
}
