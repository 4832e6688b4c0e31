//! An edXML file becomes a dispatch, sealed by the node for the agency that issued it, or says a status.

use std::fs::File;

use tram_api::model::Accepted;
use tram_api::{Problem, Service as _};
use tram_dispatch::text::is_plain;
use tram_dispatch::{AgencyCode, Code, Digest, DispatchId};
use tram_edxml::StatusNotice;
use tram_edxml::map::{Outline, about};
use tram_trust::{Directory, Resolution};

use super::report::Given;
use super::{Desk, Speaker, blocking, broken, keep, of_edxml, present};
use crate::edxml::{Unpacked, ask, outline_of, unpack_in};

/// The file as a document among the others, where its own id gives no name.
const KEPT_NAME: &str = "edoc.edxml";

impl Desk {
    /// Takes a file apart. One with a secrecy mark goes no further: nothing of it is told but where the
    /// mark stands.
    ///
    /// # Errors
    /// What is wrong with it; `SECRET_REFUSED`.
    pub(in crate::daemon) async fn unpack(
        &self,
        file: File,
        sha256: Digest,
    ) -> Result<Unpacked, Problem> {
        let (context, staging) = (self.service.context.clone(), self.staging.clone());
        let unpacked = blocking(move || {
            // A system whose node died of its file gives the same file again.
            context.attempted(DispatchId(sha256.0), "an edXML file", || {
                unpack_in(file, &staging).map_err(|error| {
                    tracing::info!(code = %error.code(), place = error.place, "a file is refused");
                    of_edxml(&error)
                })
            })
        })
        .await?;
        let Some(marked) = unpacked.reading.marks.first() else { return Ok(unpacked) };
        let code = Code::SecretRefused;
        tracing::info!(%code, field = marked.place, "submission refused");
        Err(Problem::new(code, format!("a secrecy mark stands in {}", marked.place)))
    }

    /// Sends what a file says; `allowed` may refuse by its outline. The same file again is the same
    /// dispatch.
    ///
    /// # Errors
    /// What is wrong with the file; what `allowed` and the service refuse.
    pub(in crate::daemon) async fn dispatch<E: From<Problem>>(
        &self,
        who: &Speaker,
        unpacked: Unpacked,
        (file, size, sha256): (File, u64, Digest),
        allowed: impl FnOnce(&Directory, &Outline) -> Result<(), E>,
    ) -> Result<Accepted, E> {
        let mut notes = Vec::new();
        let mut outline = outline_of(&unpacked, &mut notes).map_err(|e| of_edxml(&e))?;
        let context = self.service.context.clone();
        let verifier = context.verifier();
        let directory = verifier.directory();
        allowed(directory, &outline)?;
        for note in &notes {
            let (place, odd) = (&note.place, &note.odd);
            tracing::info!(agency = %outline.originator, place, %odd, "edXML with a remark");
        }
        outline.originator = sender(who, directory, &outline.originator)?;
        outline.recipients = recipients(directory, &outline.recipients)?;
        let asked = ask(&unpacked, &outline, &kept_name(&outline));
        let agency = outline.originator.clone();
        blocking(move || {
            keep(&context, &agency, file, sha256, size)?;
            for piece in &unpacked.documents {
                let bytes = File::open(&piece.path).map_err(broken)?;
                keep(&context, &agency, bytes, piece.sha256, piece.size)?;
            }
            Ok(())
        })
        .await?;
        Ok(self.service.seal(who.caller(), asked.reference, asked.request).await?)
    }

    /// What a status file says. Who took over a closed agency speaks for it here, by either code.
    ///
    /// # Errors
    /// It names no document; it is of an agency for which this system does not speak.
    pub(in crate::daemon) fn given(
        &self,
        who: &Speaker,
        notice: &StatusNotice,
    ) -> Result<Given, Problem> {
        let (named, originator, reference) = about(notice).map_err(|e| of_edxml(&e))?;
        let verifier = self.service.context.verifier();
        let old = present(verifier.directory(), &named);
        let agency = match self.receives(&who.agencies, &old) {
            true => old,
            false => sender(who, verifier.directory(), &named)?,
        };
        Ok(Given {
            agency,
            originator: present(verifier.directory(), &originator),
            reference,
            status: notice.status,
            words: notice.description.clone(),
            cause: None,
        })
    }
}

/// Who sends: the agency that a file names must be one of the system's.
///
/// # Errors
/// `NOT_AUTHORISED`.
pub(in crate::daemon) fn sender(
    who: &Speaker,
    directory: &Directory,
    named: &AgencyCode,
) -> Result<AgencyCode, Problem> {
    let present = present(directory, named);
    if who.agencies.contains(&present) {
        return Ok(present);
    }
    let text =
        format!("this system does not speak for {named}, which the file names as its sender");
    Err(Problem::new(Code::NotAuthorised, text))
}

/// The recipients by their present codes, each once.
fn recipients(directory: &Directory, named: &[AgencyCode]) -> Result<Vec<AgencyCode>, Problem> {
    let mut all = Vec::new();
    for code in named {
        match directory.resolve(code) {
            Resolution::Unknown => {
                return Err(Problem::new(Code::RecipientUnknown, code.to_string()));
            }
            Resolution::Closed => {
                return Err(Problem::new(Code::AgencyClosed, code.to_string()));
            }
            Resolution::Open(_) | Resolution::Successor { .. } => {
                all.push(present(directory, code));
            }
        }
    }
    all.sort();
    all.dedup();
    Ok(all)
}

/// The name of the kept file: by number and notation, as people know documents.
fn kept_name(outline: &Outline) -> String {
    let m = &outline.metadata;
    let (Some(number), Some(notation)) = (&m.number, &m.notation) else {
        return KEPT_NAME.to_owned();
    };
    let name: String = format!("{number}_{notation}.edxml")
        .chars()
        .map(|c| if matches!(c, '/' | '\\' | ':') { '_' } else { c })
        .collect();
    if name.len() <= 120 && is_plain(&name) { name } else { KEPT_NAME.to_owned() }
}
