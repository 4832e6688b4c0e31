//! Documents: taken from peers and local callers, opened for reading.

use std::collections::BTreeMap;

use tram_crypto::sha256;
use tram_dispatch::envelope::{Document as Listed, Secrecy};
use tram_dispatch::{AgencyCode, Code, Digest, DispatchId, Event, Now};
use tram_engine::state::leg::Leg;
use tram_engine::transfer::Objection;
use tram_engine::transfer::take::NotTaken;
use tram_engine::{Documents, Input, Token};
use tram_peer::taker::Awaited;
use tram_spool::documents::{Bringer, DocumentError, DocumentWriter};
use tram_spool::store::Document;
use tram_trust::{Verdict, VerifiedDispatch};
use tram_wire::SealedDispatch;
use tram_wire::frame::{self, Frame, Range};

use super::action::{Action, Session, Stream};
use super::conversation::Flow;
use super::octets::Octets;
use super::running::{Running, Stop};
use super::take::{Checked, Part, Parts, Stage, Taking, data_until};
use crate::plant::Plant;

/// A sealed dispatch as a local caller hands it in.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The sealed object.
    pub sealed: Vec<u8>,
    /// Documents that come along, by index in the envelope; the others were uploaded before.
    pub along: BTreeMap<usize, Vec<u8>>,
}

impl Checked {
    pub(super) fn bringer(&self) -> Bringer {
        Bringer::Peer(self.offer.peer().clone(), self.offer.dispatch().id())
    }
}

/// After a failed sync nothing is known of the disk: the node stops.
fn watched<T>(result: Result<T, DocumentError>) -> Result<Result<T, DocumentError>, Stop> {
    match result {
        Err(e) if e.is_failed_sync() => {
            Err(Stop { code: Code::StorageFailed, detail: format!("a document: {e:?}") })
        }
        other => Ok(other),
    }
}

impl Running {
    pub(super) fn has_room(&self) -> bool {
        self.documents.available_bytes().is_ok_and(|free| free > 0)
    }

    pub(super) fn unpin(&mut self, digests: &[Digest]) {
        for digest in digests {
            self.pins.unpin(digest);
        }
    }

    /// The bytes of a document of a dispatch held here.
    pub(super) fn document(&self, document: &Listed) -> Result<Vec<u8>, (Code, String)> {
        let gone = || (Code::StoreCorrupt, format!("document {} is not there", document.sha256));
        let found = self.view.reader.document(&document.sha256);
        let bytes = match found.map_err(|e| (Code::StorageFailed, e.explain()))? {
            Some(Document::Inline(bytes)) => bytes.to_vec(),
            Some(Document::File(reader)) => {
                let mut bytes = vec![0; document.size as usize];
                let mut at = 0;
                while at < bytes.len() {
                    let n = reader
                        .read_at(at as u64, &mut bytes[at..])
                        .map_err(|e| (Code::StorageFailed, e.to_string()))?;
                    if n == 0 {
                        return Err(gone());
                    }
                    at += n;
                }
                bytes
            }
            None => return Err(gone()),
        };
        if bytes.len() as u64 == document.size { Ok(bytes) } else { Err(gone()) }
    }

    fn is_here(&self, who: &Bringer, document: &Listed) -> bool {
        let there = || self.documents.contains(document.sha256.as_bytes()).is_ok_and(|there| there);
        if self.plant == Some(Plant::DocumentByDigest) {
            return there();
        }
        self.uploads.size(who, &document.sha256) == Some(document.size) && there()
    }

    /// Asks for the documents that are missing.
    pub(super) fn begin_documents(
        &mut self,
        now: Now,
        session: Session,
        stream: Stream,
        octets: Octets,
        mut checked: Box<Checked>,
    ) -> Result<(), Stop> {
        checked.pinned = checked.offer.documents().missing.clone();
        checked.pinned.iter().for_each(|digest| self.pins.pin(*digest));
        let who = checked.bringer();
        let dispatch = checked.offer.dispatch().clone();
        let listed = &dispatch.envelope().documents;
        let (mut ranges, mut writers) = (Vec::new(), BTreeMap::new());
        let inline = checked.offer.inline();
        for index in checked.offer.wanted() {
            let (d, mut offset) = (&listed[usize::from(index)], 0);
            if !inline.contains(&index) {
                if self.is_here(&who, d) {
                    checked.offer.take_file(d);
                    continue;
                }
                match self.documents.stage(&who, &d.sha256, d.size) {
                    Ok(writer) => {
                        offset = writer.len_bytes();
                        writers.insert(index, writer);
                    }
                    Err(_) => {
                        self.keep_writers(writers)?;
                        self.unpin(&checked.pinned);
                        let later = NotTaken::later(Code::BusyStorage);
                        let answers = later.for_all(checked.offer.recipients());
                        self.answer_with(session, stream, answers);
                        return Ok(());
                    }
                }
            }
            ranges.push(Range { document: index, offset });
        }
        let awaited = Awaited::new(listed, &ranges);
        self.send(session, stream, &Frame::Want(ranges));
        let parts = Box::new(Parts { awaited, writers, current: None });
        self.documents_come(now, session, stream, octets, checked, parts)
    }

    /// Takes what came of the documents; when all is here the engine is asked again.
    pub(super) fn documents_come(
        &mut self,
        now: Now,
        session: Session,
        stream: Stream,
        mut octets: Octets,
        mut checked: Box<Checked>,
        mut parts: Box<Parts>,
    ) -> Result<(), Stop> {
        loop {
            let Some(mut part) = parts.current.take() else {
                if parts.awaited.next().is_none() {
                    return self.decide(now, session, stream, octets, checked, true);
                }
                match next_part(&mut octets, &mut parts, &checked) {
                    Ok(Some(part)) => {
                        parts.current = Some(part);
                        continue;
                    }
                    Ok(None) => break,
                    Err(_) => return self.documents_broke(session, stream, &checked, *parts),
                }
            };
            let bytes = octets.raw(part.left);
            part.left -= bytes.len() as u64;
            match &mut part.writer {
                Some(writer) => {
                    if watched(writer.write(&bytes))?.is_err() {
                        return self.documents_broke(session, stream, &checked, *parts);
                    }
                }
                None => part.bytes.extend_from_slice(&bytes),
            }
            if part.left > 0 {
                parts.current = Some(part);
                break;
            }
            if let Err(not_taken) = self.document_done(now, part, &mut checked)? {
                self.suspend(*parts)?;
                self.unpin(&checked.pinned);
                let answers = not_taken.for_all(checked.offer.recipients());
                self.answer_with(session, stream, answers);
                return Ok(());
            }
        }
        let stage = Stage::Documents { checked, parts };
        let taking = Taking { octets, until_ms: data_until(now), stage };
        self.keep_flow(session, stream, Flow::Taking(Box::new(taking)));
        Ok(())
    }

    fn document_done(
        &mut self,
        now: Now,
        part: Part,
        checked: &mut Checked,
    ) -> Result<Result<(), NotTaken>, Stop> {
        let (sha256, size) = (part.document.sha256, part.document.size);
        let Some(writer) = part.writer else {
            return Ok(checked.offer.take_inline(&part.document, part.bytes));
        };
        Ok(match watched(writer.finish(sha256.as_bytes(), size))? {
            Ok(_) => {
                self.uploads.add(&checked.bringer(), sha256, size, now.mono_ms);
                checked.offer.take_file(&part.document);
                Ok(())
            }
            Err(DocumentError::Disk(_)) => Err(NotTaken::later(Code::BusyStorage)),
            Err(other) => Err(NotTaken::Refused(Code::DocumentDigestMismatch, other.to_string())),
        })
    }

    fn documents_broke(
        &mut self,
        session: Session,
        stream: Stream,
        checked: &Checked,
        parts: Parts,
    ) -> Result<(), Stop> {
        self.actions.push_back(Action::Reset { session, stream });
        self.unpin(&checked.pinned);
        self.suspend(parts)
    }

    /// Keeps what came of documents that are not whole, so that the next offer resumes.
    pub(super) fn suspend(&mut self, parts: Parts) -> Result<(), Stop> {
        let Parts { mut writers, current, .. } = parts;
        if let Some(Part { writer: Some(writer), .. }) = current {
            // No other document has this index: those that are awaited come after.
            writers.insert(u16::MAX, writer);
        }
        self.keep_writers(writers)
    }

    fn keep_writers(&mut self, writers: BTreeMap<u16, DocumentWriter>) -> Result<(), Stop> {
        for writer in writers.into_values() {
            if writer.len_bytes() == 0 {
                // A staged file that stays is removed at the next start.
                let _ = writer.abort();
            } else {
                let _ = watched(writer.suspend())?;
            }
        }
        Ok(())
    }

    pub(super) fn upload(
        &mut self,
        now: Now,
        agency: &AgencyCode,
        bytes: &[u8],
    ) -> Result<Result<(), Objection>, Stop> {
        let who = Bringer::Agency(agency.clone());
        let digest = Digest(sha256(bytes));
        let name = who.staging_name(&digest);
        let busy = |e: DocumentError| (Code::BusyStorage, e.to_string());
        let mut writer = match watched(self.documents.begin(&name, bytes.len() as u64))? {
            Ok(writer) => writer,
            Err(e) => return Ok(Err(busy(e))),
        };
        if let Err(e) = watched(writer.write(bytes))? {
            return Ok(Err(busy(e)));
        }
        if let Err(e) = watched(writer.finish(digest.as_bytes(), bytes.len() as u64))? {
            return Ok(Err(busy(e)));
        }
        self.uploads.add(&who, digest, bytes.len() as u64, now.mono_ms);
        Ok(Ok(()))
    }

    pub(super) fn submit(
        &mut self,
        now: Now,
        token: Token,
        submission: &Submission,
    ) -> Result<Result<(), Objection>, Stop> {
        match self.checked_submission(now, submission) {
            Err(objection) => Ok(Err(objection)),
            Ok((dispatch, documents)) => {
                let inner = self.caller(token);
                self.handle(now, Input::Submit { token: inner, dispatch, documents })?;
                Ok(Ok(()))
            }
        }
    }

    fn checked_submission(
        &self,
        now: Now,
        submission: &Submission,
    ) -> Result<(VerifiedDispatch, Documents), Objection> {
        let sealed = SealedDispatch::parse(&submission.sealed)?;
        let dispatch = match self.verifier.dispatch(sealed, now.wall) {
            Verdict::Verified(dispatch) => dispatch,
            Verdict::Refused(r) => return Err(r.into()),
            Verdict::Undetermined(cause) => return Err((cause.code, cause.detail)),
        };
        let documents = self.gather(&dispatch, submission)?;
        if self.waits || !self.has_room() {
            return Err((Code::BusyStorage, "no free space".to_owned()));
        }
        Ok((dispatch, documents))
    }

    /// Brings together the documents that came along and those uploaded before.
    fn gather(
        &self,
        dispatch: &VerifiedDispatch,
        submission: &Submission,
    ) -> Result<Documents, Objection> {
        let envelope = dispatch.envelope();
        let mut documents = Documents::default();
        if envelope.secrecy != Secrecy::None {
            return Ok(documents);
        }
        let who = Bringer::Agency(envelope.originator.clone());
        for (i, listed) in envelope.documents.iter().enumerate() {
            let digest = listed.sha256;
            if documents.inline.iter().any(|(d, _)| *d == digest)
                || documents.files.iter().any(|(d, _)| *d == digest)
            {
                continue;
            }
            if let Some(bytes) = submission.along.get(&i) {
                documents.take_inline(listed, bytes.clone())?;
                continue;
            }
            if !self.is_here(&who, listed) {
                documents.missing.push(digest);
            } else if documents.rides(listed.size) {
                let mut bytes = vec![0; listed.size as usize];
                let read = self
                    .documents
                    .open_read(digest.as_bytes())
                    .and_then(|r| r.read_at(0, &mut bytes));
                let whole = read.is_ok_and(|n| n as u64 == listed.size);
                if !whole || Digest(sha256(&bytes)) != digest {
                    return Err((Code::StoreCorrupt, format!("uploaded document {digest}")));
                }
                documents.inline.push((digest, bytes.into()));
            } else {
                documents.files.push((digest, listed.size));
            }
        }
        Ok(documents)
    }

    pub(super) fn fetch(
        &self,
        agency: &AgencyCode,
        dispatch: &DispatchId,
        document: &Digest,
    ) -> Result<Vec<u8>, Objection> {
        let not_found = || (Code::NotFound, format!("document {document}"));
        let found = self.engine.find(dispatch, &self.view);
        let held = found.map_err(|e| (Code::StorageFailed, e.to_string()))?;
        let held = held.ok_or_else(not_found)?;
        let here = matches!(held.legs.get(agency), Some(Leg::Mailbox { .. }))
            && held.own(&self.me, &[Event::ContentConsignment], Some(agency)).is_some();
        let listed = held.dispatch.envelope().documents.iter().find(|d| d.sha256 == *document);
        match listed.filter(|_| here) {
            Some(listed) => self.document(listed),
            None => Err(not_found()),
        }
    }
}

/// The next document that is announced; `None`: the announcement is not here yet.
fn next_part(
    octets: &mut Octets,
    parts: &mut Parts,
    checked: &Checked,
) -> Result<Option<Part>, Objection> {
    let bad = |_| (Code::Malformed, "a frame is too long".to_owned());
    let Some(bytes) = octets.frame().map_err(bad)? else { return Ok(None) };
    let (range, left) = parts.awaited.announce(frame::decode(&bytes)?)?;
    let listed = &checked.offer.dispatch().envelope().documents;
    let document = listed[usize::from(range.document)].clone();
    let writer = parts.writers.remove(&range.document);
    Ok(Some(Part { document, left, writer, bytes: Vec::new() }))
}
