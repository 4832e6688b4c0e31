//! Documents whose first bytes do not fit the media type they are declared as: whoever sends and whoever
//! receives them is told. They are carried as they are, nothing is refused for it, and nothing but how they
//! begin is looked at.

use tram_api::model::{DocumentView, FirstBytes, TypeRemark};
use tram_dispatch::Digest;
use tram_dispatch::envelope::Document;
use tram_edxml::Sniffed;
use tram_trust::VerifiedDispatch;

use super::NodeService;

/// Most documents that are opened for one page of a listing; of dispatches beyond that nothing is said.
const LOOKS_MAX: usize = 2_000;

impl NodeService {
    /// What is to be told about the documents of one dispatch, in their order.
    pub(crate) async fn type_remarks(&self, documents: &[Document]) -> Vec<TypeRemark> {
        let seen = self.seen(documents.iter()).await;
        let remark = |(document, (d, seen)): (u32, (&Document, Option<Sniffed>))| {
            let begins_like = unlike(d, seen)?;
            Some(TypeRemark { document, media_type: d.media_type.clone(), begins_like })
        };
        (1..).zip(documents.iter().zip(seen)).filter_map(remark).collect()
    }

    /// Adds it to documents that are shown.
    pub(super) async fn remark_types(&self, documents: &[Document], shown: &mut [DocumentView]) {
        let seen = self.seen(documents.iter()).await;
        for ((view, document), seen) in shown.iter_mut().zip(documents).zip(seen) {
            view.begins_like = unlike(document, seen);
        }
    }

    /// Of each dispatch of a listing how many documents it is told of; nothing where there is none to look
    /// at, where one cannot be read, and beyond the most that are looked at.
    pub(super) async fn type_counts(
        &self,
        dispatches: &[Option<VerifiedDispatch>],
    ) -> Vec<Option<u32>> {
        let mut left = LOOKS_MAX;
        let mut take = |dispatch: &Option<VerifiedDispatch>| {
            let documents = &dispatch.as_ref()?.envelope().documents;
            left = left.checked_sub(documents.len())?;
            Some(documents.clone())
        };
        let looked: Vec<Option<Vec<Document>>> = dispatches.iter().map(&mut take).collect();
        let mut seen = self.seen(looked.iter().flatten().flatten()).await.into_iter();
        let mut count = |documents: &Option<Vec<Document>>| {
            let documents = documents.as_ref()?;
            let of_it: Vec<Option<Sniffed>> = seen.by_ref().take(documents.len()).collect();
            let one = |(d, seen): (&Document, Option<Sniffed>)| {
                seen.map(|_| u32::from(unlike(d, seen).is_some()))
            };
            documents.iter().zip(of_it).map(one).sum()
        };
        looked.iter().map(&mut count).collect()
    }

    /// How documents held here begin. What cannot be read is no reason to fail.
    async fn seen(&self, documents: impl Iterator<Item = &Document>) -> Vec<Option<Sniffed>> {
        let documents: Vec<(Digest, u64)> = documents.map(|d| (d.sha256, d.size)).collect();
        let seen: Vec<Option<Sniffed>> =
            documents.iter().map(|(digest, _)| self.context.begins(digest)).collect();
        if seen.iter().all(Option::is_some) {
            return seen;
        }
        let context = self.context.clone();
        let look = move || Ok(documents.iter().map(|(d, size)| context.look(d, *size)).collect());
        self.reading(look).await.unwrap_or(seen)
    }
}

/// How a document begins, where that is known and does not fit what it is declared as.
fn unlike(document: &Document, seen: Option<Sniffed>) -> Option<FirstBytes> {
    let seen = seen.filter(|seen| !seen.fits(&document.media_type))?;
    Some(match seen {
        Sniffed::Nothing => FirstBytes::Empty,
        Sniffed::Pdf | Sniffed::DamagedPdf => FirstBytes::Pdf,
        Sniffed::Zip => FirstBytes::Zip,
        Sniffed::Archive => FirstBytes::Archive,
        Sniffed::Compound => FirstBytes::Compound,
        Sniffed::Rtf => FirstBytes::Rtf,
        Sniffed::Png => FirstBytes::Png,
        Sniffed::Jpeg => FirstBytes::Jpeg,
        Sniffed::Tiff => FirstBytes::Tiff,
        Sniffed::Gif => FirstBytes::Gif,
        Sniffed::Xml => FirstBytes::Xml,
        Sniffed::Html => FirstBytes::Html,
        Sniffed::Markup => FirstBytes::Markup,
        Sniffed::Program => FirstBytes::Program,
        Sniffed::Script => FirstBytes::Script,
        Sniffed::Other => FirstBytes::Other,
    })
}
