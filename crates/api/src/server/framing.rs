//! The frame of a submission with small documents (`application/vnd.tram.submission`).

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use tokio::sync::Semaphore;
use tram_dispatch::Code;
use tram_dispatch::limits::{DISPATCH_BYTES_MAX, DOCUMENTS_MAX, INLINE_DOCUMENT_BYTES_MAX};

use super::body::{BodyStream, Charge};
use crate::Problem;
use crate::limits::SUBMISSION_INLINE_BYTES_MAX;
use crate::service::Submission;

/// Length that says: uploaded before, no bytes here.
pub(crate) const UPLOADED: u64 = u64::MAX;

/// Reads a framed submission. The charge stays with the caller until the node has answered.
pub(super) async fn read(
    body: BodyStream,
    budget: &Arc<Semaphore>,
) -> Result<(Submission, Charge), Problem> {
    let mut reader = Reader { body, held: BytesMut::new(), charge: Charge::new(budget) };
    let length = reader.exact(4).await?.get_u32() as usize;
    if length > DISPATCH_BYTES_MAX {
        let text = format!("the sealed dispatch has {length} bytes, over {DISPATCH_BYTES_MAX}");
        return Err(Problem::new(Code::TooLarge, text));
    }
    let sealed = reader.exact(length).await?;
    let mut documents = Vec::new();
    let mut inline = 0;
    while !reader.at_end().await? {
        if documents.len() == DOCUMENTS_MAX {
            let text = format!("more than {DOCUMENTS_MAX} documents");
            return Err(Problem::new(Code::TooLarge, text));
        }
        let length = reader.exact(8).await?.get_u64();
        if length == UPLOADED {
            documents.push(None);
            continue;
        }
        let index = documents.len();
        let small = usize::try_from(length).ok().filter(|n| *n <= INLINE_DOCUMENT_BYTES_MAX);
        let length = small.ok_or_else(|| too_large(index, length))?;
        inline += length;
        if inline > SUBMISSION_INLINE_BYTES_MAX {
            let text = format!(
                "the documents that ride along are over {SUBMISSION_INLINE_BYTES_MAX} bytes \
                 together; upload some of them first (PUT /v1/documents/{{sha256}})"
            );
            return Err(Problem::new(Code::TooLarge, text));
        }
        documents.push(Some(reader.exact(length).await?));
    }
    Ok((Submission { sealed, documents }, reader.charge))
}

fn too_large(index: usize, length: u64) -> Problem {
    let text = format!(
        "document {index} has {length} bytes; only documents up to {INLINE_DOCUMENT_BYTES_MAX} \
         bytes ride along: upload it first (PUT /v1/documents/{{sha256}})"
    );
    Problem::new(Code::TooLarge, text)
}

struct Reader {
    body: BodyStream,
    held: BytesMut,
    charge: Charge,
}

impl Reader {
    async fn fill(&mut self) -> Result<bool, Problem> {
        let Some(piece) = self.body.next().await? else { return Ok(false) };
        self.charge.add(piece.len())?;
        self.held.extend_from_slice(&piece);
        Ok(true)
    }

    async fn exact(&mut self, length: usize) -> Result<Bytes, Problem> {
        while self.held.len() < length {
            if !self.fill().await? {
                return Err(Problem::bad_request("the submission ends in the middle of a part"));
            }
        }
        Ok(self.held.split_to(length).freeze())
    }

    async fn at_end(&mut self) -> Result<bool, Problem> {
        Ok(self.held.is_empty() && !self.fill().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::body::budget;
    use super::*;

    fn framed(sealed: &[u8], documents: &[Option<Vec<u8>>]) -> Vec<u8> {
        let mut out = (sealed.len() as u32).to_be_bytes().to_vec();
        out.extend(sealed);
        for document in documents {
            let length = document.as_ref().map_or(UPLOADED, |d| d.len() as u64);
            out.extend(length.to_be_bytes());
            out.extend(document.as_deref().unwrap_or_default());
        }
        out
    }

    async fn parse(bytes: Vec<u8>) -> Result<Submission, Problem> {
        read(BodyStream::from_bytes(bytes), &budget(16 << 20)).await.map(|(s, _)| s)
    }

    #[tokio::test]
    async fn parts_come_back_as_sent() {
        let documents = [Some(vec![7; INLINE_DOCUMENT_BYTES_MAX]), None, Some(Vec::new())];
        let got = parse(framed(b"sealed", &documents)).await.unwrap();
        assert_eq!(&got.sealed[..], b"sealed");
        let back: Vec<_> = got.documents.iter().map(|d| d.as_ref().map(|b| b.to_vec())).collect();
        assert_eq!(back, documents);
        assert!(parse(framed(b"alone", &[])).await.unwrap().documents.is_empty());
    }

    #[tokio::test]
    async fn every_cut_is_refused_or_ends_between_documents() {
        let whole = framed(b"sealed", &[Some(vec![1, 2, 3]), None]);
        let ends = [10, 10 + 8 + 3, whole.len()];
        for cut in 0..=whole.len() {
            assert_eq!(parse(whole[..cut].to_vec()).await.is_ok(), ends.contains(&cut), "{cut}");
        }
    }

    #[tokio::test]
    async fn limits_are_refused_before_the_bytes_are_taken() {
        let code = |r: Result<Submission, Problem>| r.unwrap_err().code;
        assert_eq!(code(parse(vec![0xff, 0xff, 0xff, 0xff]).await), Code::TooLarge);
        let mut large = framed(b"s", &[]);
        large.extend((INLINE_DOCUMENT_BYTES_MAX as u64 + 1).to_be_bytes());
        let problem = parse(large).await.unwrap_err();
        assert_eq!(problem.code, Code::TooLarge);
        assert!(problem.detail.contains("upload it first"), "{problem}");
        let many = vec![None; DOCUMENTS_MAX + 1];
        assert_eq!(code(parse(framed(b"s", &many)).await), Code::TooLarge);
        let full = Some(vec![0; INLINE_DOCUMENT_BYTES_MAX]);
        let count = SUBMISSION_INLINE_BYTES_MAX / INLINE_DOCUMENT_BYTES_MAX + 1;
        assert_eq!(code(parse(framed(b"s", &vec![full; count])).await), Code::TooLarge);
    }
}
