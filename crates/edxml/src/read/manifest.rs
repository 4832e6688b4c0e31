//! `edXMLManifest`, and how it is matched with the attachments: by content id, `cid:` left out, else by
//! position.

use std::io::BufRead;

use super::field::{Seen, room};
use crate::fault::EdxmlError;
use crate::model::{Attachment, Described};
use crate::notes::{Note, Odd};
use crate::sniff::Sniffed;
use crate::xml::Pull;

/// A description, and where it stands.
pub(super) struct Listed {
    pub(super) described: Described,
    place: String,
    cid: bool,
}

impl Listed {
    pub(super) fn at(place: String) -> Self {
        Listed { described: Described::default(), place, cid: false }
    }
}

/// Reads the manifest.
pub(super) fn read<R: BufRead>(
    pull: &mut Pull<R>,
    listed: &mut Vec<Listed>,
) -> Result<(), EdxmlError> {
    pull.children(|pull, name| {
        if name.word() != "Reference" {
            return pull.skip();
        }
        room(pull, listed.len())?;
        let mut one = Listed::at(pull.place());
        let mut seen = Seen::default();
        pull.children(|pull, name| field(pull, name.word(), &mut seen, &mut one))?;
        listed.push(one);
        Ok(())
    })
}

/// One field of a description.
pub(super) fn field<R: BufRead>(
    pull: &mut Pull<R>,
    word: &str,
    seen: &mut Seen,
    listed: &mut Listed,
) -> Result<(), EdxmlError> {
    let d = &mut listed.described;
    let field = match word {
        "ContentId" => &mut d.content_id,
        "AttachmentName" => &mut d.name,
        "Description" => &mut d.description,
        "ContentType" => &mut d.content_type,
        _ => return pull.skip(),
    };
    seen.once(pull, word)?;
    *field = pull.text()?;
    if word == "ContentId"
        && let Some(id) = field.as_deref().and_then(|id| id.strip_prefix("cid:"))
    {
        *field = (!id.is_empty()).then(|| id.to_owned());
        listed.cid = true;
    }
    Ok(())
}

/// Gives each attachment what only the manifest says of it, and remarks where the two do not agree.
pub(super) fn match_up<R: BufRead>(
    pull: &mut Pull<R>,
    listed: Vec<Listed>,
    attachments: Vec<(Listed, Attachment)>,
) -> Vec<Attachment> {
    let mut free: Vec<Option<Listed>> = listed.into_iter().map(Some).collect();
    let same_count = free.len() == attachments.len();
    let mut agree = same_count;
    let mut cid_differs = None;
    let mut out = Vec::new();
    for (index, (own, mut attachment)) in attachments.into_iter().enumerate() {
        let id = &own.described.content_id;
        let by_id = free.iter().position(|l| {
            l.as_ref().is_some_and(|l| id.is_some() && l.described.content_id == *id)
        });
        agree &= by_id.is_some();
        let by_place = Some(index).filter(|i| same_count && free[*i].is_some());
        if let Some(listed) = by_id.or(by_place).and_then(|i| free[i].take()) {
            if by_id.is_some() && listed.cid != own.cid {
                cid_differs.get_or_insert_with(|| own.place.clone());
            }
            let (d, l) = (&mut attachment.described, listed.described);
            d.name = d.name.take().or(l.name);
            d.description = d.description.take().or(l.description);
            d.content_type = d.content_type.take().or(l.content_type);
        }
        remark(pull, &own.place, &attachment);
        out.push(attachment);
    }
    if let Some(place) = cid_differs {
        pull.note(Note { place, odd: Odd::CidOnOneSide });
    }
    let any = !out.is_empty() || !free.is_empty();
    if any && !agree {
        let place = "edXML/edXMLEnvelope/edXMLBody/edXMLManifest".to_owned();
        pull.note(Note { place, odd: Odd::Manifest });
    }
    out
}

fn remark<R: BufRead>(pull: &mut Pull<R>, place: &str, attachment: &Attachment) {
    let odd = match attachment.sniffed {
        Sniffed::Nothing => Some(Odd::EmptyAttachment),
        Sniffed::DamagedPdf => Some(Odd::Damaged),
        sniffed => attachment.described.content_type.as_ref().and_then(|declared| {
            let odd = || Odd::TypeDiffers { declared: declared.clone(), found: sniffed.name() };
            (!sniffed.fits(declared)).then(odd)
        }),
    };
    if let Some(odd) = odd {
        pull.note(Note { place: place.to_owned(), odd });
    }
}
