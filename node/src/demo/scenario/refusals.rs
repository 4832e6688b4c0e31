//! What is refused, and why: each tried through the centre's socket as anybody could try it.

use bytes::Bytes;
use tram_dispatch::envelope::Secrecy;
use tram_dispatch::{Code, Envelope};

use super::Scenario;
use crate::cli::table::Align;
use crate::demo::authorities::Seal;
use crate::demo::documents::{self, DIRECTIVE_REFERENCE, DIRECTIVE_SUBJECT};
use crate::demo::failure::DemoError;
use crate::demo::summary::Summary;
use crate::demo::tiers::CENTRE;
use crate::demo::wall_now;

/// Refusals that are evidence: the node signs that it refused.
const SIGNED_REFUSALS: usize = 2;

/// One thing tried and what came of it.
struct Tried {
    what: (&'static str, &'static str),
    expected: Code,
    /// Code and reason; `None` if it was accepted.
    refused: Option<(Code, String)>,
}

/// Something to hand in.
struct Offer {
    sealed: Vec<u8>,
    document: Vec<u8>,
}

impl Scenario<'_> {
    /// Tries everything that must be refused.
    pub(super) async fn refusals(&self, summary: &mut Summary) -> Result<(), DemoError> {
        let page = self.page;
        page.heading(6, "What is refused", "Những gì bị từ chối");
        let network = self.network;
        let good = &network.centre_seal;
        let mut tried = Vec::new();
        let attempts: [(_, Code, Offer); 7] = [
            (
                ("a document changed after sealing", "văn bản bị sửa sau khi ký số"),
                Code::DocumentDigestMismatch,
                self.altered_document()?,
            ),
            (
                ("an envelope changed after sealing", "phong bì bị sửa sau khi ký số"),
                Code::SignatureInvalid,
                self.altered_envelope()?,
            ),
            (
                ("sealed with the key of another agency", "ký số bằng khóa của cơ quan khác"),
                Code::OriginatorMismatch,
                self.offer("tu-choi/3", &network.province_seal, |_| {})?,
            ),
            (
                ("a certificate that expired yesterday", "chứng thư hết hạn hôm qua"),
                Code::CertificateExpired,
                self.offer("tu-choi/4", &network.expired_seal, |_| {})?,
            ),
            (
                ("a certificate outside its CA's constraint", "chứng thư ngoài phạm vi của CA"),
                Code::CertificateNameConstraint,
                self.offer("tu-choi/5", &network.outside_seal, |_| {})?,
            ),
            (
                (
                    "a reference used before, with other content",
                    "số tham chiếu đã dùng, nội dung khác",
                ),
                Code::ReferenceReused,
                self.offer(DIRECTIVE_REFERENCE, good, |e| {
                    e.metadata.subject = "Nội dung khác (ví dụ)".to_owned();
                })?,
            ),
            (
                ("a dispatch marked secret", "gói có dấu mật"),
                Code::SecretRefused,
                self.offer("tu-choi/7", good, |e| e.secrecy = Secrecy::Secret)?,
            ),
        ];
        for (what, expected, offer) in attempts {
            let refused = self.hand_in(offer).await?;
            tried.push(Tried { what, expected, refused });
        }
        tried.push(Tried {
            what: ("a receipt with one bit changed", "biên nhận bị sửa một bit"),
            expected: Code::ReceiptInvalid,
            refused: self.altered_receipt()?,
        });
        self.show(summary, tried);
        let before = summary.receipts_verified;
        self.verify_rejections(summary, SIGNED_REFUSALS).await?;
        let signed = summary.receipts_verified - before;
        page.note(
            format!(
                "{signed} of these refusals are evidence: signed by the node, verified offline"
            ),
            format!("{signed} lần từ chối trong số này là bằng chứng: nút đã ký, kiểm chứng được"),
        );
        Ok(())
    }

    fn show(&self, summary: &mut Summary, tried: Vec<Tried>) {
        let page = self.page;
        let mut rows = Vec::new();
        for t in tried {
            summary.refused_expected += 1;
            let what = page.pick(t.what.0, t.what.1);
            let Some((code, detail)) = t.refused else {
                page.wrong(format!("{what}: {}", page.pick("accepted", "được nhận")));
                continue;
            };
            if code == t.expected {
                summary.refused_as_expected += 1;
            } else {
                page.wrong(format!("{what}: {code} ({detail}), {} expected", t.expected));
            }
            let row = code.row();
            let reason = page.pick(row.cause, row.cause_vi);
            rows.push((vec![what.to_owned(), code.to_string()], Some(reason)));
        }
        page.table_with_reasons(
            &[
                ("what was tried", "đã thử", Align::Left),
                ("refused with", "mã từ chối", Align::Left),
            ],
            rows,
        );
    }

    /// Hands something in at the centre.
    async fn hand_in(&self, offer: Offer) -> Result<Option<(Code, String)>, DemoError> {
        let along = [Some(Bytes::from(offer.document))];
        match self.client(CENTRE)?.submit(&offer.sealed, &along).await {
            Ok(_) => Ok(None),
            Err(tram_api::ClientError::Problem(problem)) => {
                let code = problem.code.parse().unwrap_or(Code::Internal);
                Ok(Some((code, problem.detail)))
            }
            Err(error) => self.told(CENTRE, "submit", Err(error)),
        }
    }

    /// A directive, altered before it is sealed, under any seal.
    fn offer(
        &self,
        reference: &str,
        seal: &Seal,
        alter: impl FnOnce(&mut Envelope),
    ) -> Result<Offer, DemoError> {
        let now = wall_now();
        let document = documents::directive_pdf(now);
        let mut envelope = documents::directive(self.network, &document, &[], now, reference)?;
        alter(&mut envelope);
        let sealed = crate::sealing::seal(&envelope, &seal.chain, &*seal.key)?;
        Ok(Offer { sealed: sealed.raw().to_vec(), document })
    }

    fn altered_document(&self) -> Result<Offer, DemoError> {
        let mut offer = self.offer("tu-choi/1", &self.network.centre_seal, |_| {})?;
        replace(&mut offer.document, b"thien tai", b"thien nam")?;
        Ok(offer)
    }

    fn altered_envelope(&self) -> Result<Offer, DemoError> {
        let mut offer = self.offer("tu-choi/2", &self.network.centre_seal, |_| {})?;
        let other = DIRECTIVE_SUBJECT.replace("thiên tai", "thiên nam");
        replace(&mut offer.sealed, DIRECTIVE_SUBJECT.as_bytes(), other.as_bytes())?;
        Ok(offer)
    }
}

/// Puts other bytes of the same length in the place of the first occurrence.
fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) -> Result<(), DemoError> {
    let at = bytes.windows(old.len()).position(|w| w == old);
    match at {
        Some(at) if old.len() == new.len() && old != new => {
            bytes[at..at + new.len()].copy_from_slice(new);
            Ok(())
        }
        _ => Err(DemoError::Wrong("nothing to alter was found".to_owned())),
    }
}
