//! Documents that do not begin like what they say they are: the same words wherever people meet them.

use tram_api::model::{DocumentView, FirstBytes, TypeRemark};

use super::shell::Shell;
use super::show;
use super::texts::Word;

/// Tells people of what the node remarked about a dispatch; nothing where it remarked nothing.
pub(super) fn note(shell: &Shell, dispatch: &str, remarks: &[TypeRemark]) {
    if remarks.is_empty() {
        return;
    }
    let said = |r: &TypeRemark| {
        let values = [&r.document.to_string(), r.media_type.as_str(), kind(shell, r.begins_like)];
        shell.sentence(Word::TypeRemark, &values)
    };
    let all: Vec<String> = remarks.iter().map(said).collect();
    shell.note(shell.sentence(Word::TypeRemarks, &[dispatch, &show::some_of(&all)]));
}

/// The same of documents that were listed.
pub(super) fn note_listed(shell: &Shell, dispatch: &str, documents: &[DocumentView]) {
    let remark = |(document, d): (u32, &DocumentView)| {
        let (media_type, begins_like) = (d.media_type.clone(), d.begins_like?);
        Some(TypeRemark { document, media_type, begins_like })
    };
    let remarks: Vec<TypeRemark> = (1..).zip(documents).filter_map(remark).collect();
    note(shell, dispatch, &remarks);
}

/// Tells people how many documents of a dispatch that was only listed do not.
pub(super) fn note_count(shell: &Shell, dispatch: &str, count: Option<u32>) {
    if let Some(count @ 1..) = count {
        shell.note(shell.sentence(Word::TypesUnlike, &[&count.to_string(), dispatch]));
    }
}

fn kind(shell: &Shell, kind: FirstBytes) -> &'static str {
    match kind {
        FirstBytes::Pdf => "PDF",
        FirstBytes::Zip => "ZIP",
        FirstBytes::Rtf => "RTF",
        FirstBytes::Png => "PNG",
        FirstBytes::Jpeg => "JPEG",
        FirstBytes::Tiff => "TIFF",
        FirstBytes::Gif => "GIF",
        FirstBytes::Xml => "XML",
        FirstBytes::Html => "HTML",
        FirstBytes::Empty => shell.word(Word::KindEmpty),
        FirstBytes::Archive => shell.word(Word::KindArchive),
        FirstBytes::Compound => shell.word(Word::KindCompound),
        FirstBytes::Markup => shell.word(Word::KindMarkup),
        FirstBytes::Program => shell.word(Word::KindProgram),
        FirstBytes::Script => shell.word(Word::KindScript),
        FirstBytes::Other => shell.word(Word::KindOther),
    }
}
