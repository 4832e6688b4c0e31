//! What the demo sends: a directive from the centre, and the commune's answer.

use tram_api::model::{
    SealDocument, SealMetadata, SealRelated, SealRequest, SealSigner, SecrecyMark, UrgencyLevel,
};
use tram_crypto::sha256;
use tram_dispatch::envelope::{
    Act, Document, Envelope, Metadata, SealedBy, Secrecy, Signer, Urgency,
};
use tram_dispatch::{Digest, DispatchId, Reference, UnixMillis};

use super::failure::DemoError;
use super::network::Network;
use super::pdf::Page;
use super::tiers::{CENTRE, COMMUNE, PROVINCE, agency};

/// Subject of the directive.
pub(super) const DIRECTIVE_SUBJECT: &str = "Về việc tăng cường phòng, chống thiên tai (ví dụ)";
/// Subject of the answer.
pub(super) const ANSWER_SUBJECT: &str = "Báo cáo kết quả thực hiện Chỉ thị số 16/CT-VD (ví dụ)";
/// Reference of the directive.
pub(super) const DIRECTIVE_REFERENCE: &str = "16/CT-VD";
/// Reference of the answer.
pub(super) const ANSWER_REFERENCE: &str = "07/BC-UBND";
/// Bytes of the appendix: more than rides along, so that it goes by digest and byte range.
const APPENDIX_BYTES: usize = 256 << 10;

const PDF: &str = "application/pdf";
const WEEK_MS: u64 = 7 * 86_400_000;

/// The directive's page.
pub(super) fn directive_pdf(now: UnixMillis) -> Vec<u8> {
    let lines = [
        format!("CO QUAN TRUNG UONG (ma vi du {CENTRE})"),
        "So: 16/CT-VD".to_owned(),
        format!("Ngay {}", day(now)),
        String::new(),
        "CHI THI".to_owned(),
        "Ve viec tang cuong phong, chong thien tai".to_owned(),
        String::new(),
        format!("Kinh gui: Uy ban nhan dan xa ({COMMUNE})"),
        String::new(),
        "1. Ra soat phuong an phong, chong thien tai tren dia ban.".to_owned(),
        "2. Bao cao ket qua thuc hien.".to_owned(),
        String::new(),
        format!("This is a trial document. {CENTRE} is an example code;"),
        "no real agency wrote it. Diacritics are in the title and the metadata.".to_owned(),
    ];
    Page { title: DIRECTIVE_SUBJECT, author: "Cơ quan trung ương (ví dụ)", lines: &lines }.write()
}

/// The answer's page.
pub(super) fn answer_pdf(now: UnixMillis) -> Vec<u8> {
    let lines = [
        format!("UY BAN NHAN DAN XA ({COMMUNE})"),
        "So: 07/BC-UBND".to_owned(),
        format!("Ngay {}", day(now)),
        String::new(),
        "BAO CAO".to_owned(),
        "Ket qua thuc hien Chi thi so 16/CT-VD".to_owned(),
        String::new(),
        format!("Kinh gui: {CENTRE} (ma vi du), {PROVINCE}"),
        String::new(),
        "Uy ban nhan dan xa da ra soat phuong an tren dia ban.".to_owned(),
        String::new(),
        "This is a trial document.".to_owned(),
    ];
    Page { title: ANSWER_SUBJECT, author: "Ủy ban nhân dân xã (ví dụ)", lines: &lines }.write()
}

/// The directive's appendix: a table of households, larger than what rides along.
pub(super) fn appendix() -> Vec<u8> {
    let mut out = String::from("so_thu_tu;thon;so_ho;so_ho_can_di_doi\n");
    let mut row = 0_u32;
    while out.len() < APPENDIX_BYTES {
        row += 1;
        out += &format!("{row};thon_{:02};{};{}\n", row % 23 + 1, row * 37 % 211, row * 17 % 13);
    }
    out.into_bytes()
}

/// The date part of a moment, `YYYY-MM-DD`.
fn day(now: UnixMillis) -> String {
    now.to_string().chars().take(10).collect()
}

/// The directive's envelope, to be sealed by the centre's own document system.
pub(super) fn directive(
    network: &Network,
    pdf: &[u8],
    appendix: &[u8],
    now: UnixMillis,
    reference: &str,
) -> Result<Envelope, DemoError> {
    let mut documents = vec![document("chi-thi.pdf", PDF, pdf)];
    if !appendix.is_empty() {
        documents.push(document("phu-luc.csv", "text/csv", appendix));
    }
    Ok(Envelope {
        network: network.id,
        originator: agency(CENTRE),
        reference: named(reference)?,
        sequence: None,
        recipients: vec![agency(COMMUNE)],
        group: None,
        secrecy: Secrecy::None,
        metadata: Metadata {
            number: Some("16".into()),
            notation: Some("CT-VD".into()),
            kind: Some("Chỉ thị".into()),
            subject: DIRECTIVE_SUBJECT.into(),
            issued_on: Some(day(now)),
            place: Some("Hà Nội".into()),
            signer: Some(Signer { name: "Người ký (ví dụ)".into(), office: None }),
            urgency: Urgency::Urgent,
            due_on: Some(day(now.plus_ms(WEEK_MS))),
            answers_to: Vec::new(),
        },
        act: Act::New,
        documents,
        sealed_by: SealedBy::Agency,
        issued_at: now,
        expires_at: now.plus_ms(WEEK_MS),
        max_hops: 8,
        encryption: None,
        extensions: Default::default(),
    })
}

/// The request for the answer, which the commune's node seals for its clerk.
pub(super) fn answer(
    pdf: &[u8],
    now: UnixMillis,
    directive: DispatchId,
) -> Result<SealRequest, DemoError> {
    Ok(SealRequest {
        originator: agency(COMMUNE).into(),
        reference: None,
        recipients: vec![agency(CENTRE).into(), agency(PROVINCE).into()],
        groups: Vec::new(),
        group: None,
        secrecy: SecrecyMark::None,
        metadata: SealMetadata {
            number: Some("07".into()),
            notation: Some("BC-UBND".into()),
            kind: Some("Báo cáo".into()),
            subject: ANSWER_SUBJECT.into(),
            issued_on: Some(day(now)),
            place: None,
            signer: Some(SealSigner { name: "Người ký (ví dụ)".into(), office: None }),
            urgency: UrgencyLevel::Normal,
            urgent_by: None,
            due_on: None,
            answers_to: vec![SealRelated {
                originator: agency(CENTRE).into(),
                reference: named(DIRECTIVE_REFERENCE)?.into(),
                dispatch: Some(directive.into()),
            }],
        },
        act: None,
        documents: vec![SealDocument {
            name: "bao-cao.pdf".into(),
            media_type: PDF.into(),
            sha256: digest(pdf).into(),
        }],
        expires_at: None,
        max_hops: None,
    })
}

fn document(name: &str, media_type: &str, bytes: &[u8]) -> Document {
    Document {
        name: name.into(),
        media_type: media_type.into(),
        size: bytes.len() as u64,
        sha256: digest(bytes),
        second_digest: None,
    }
}

/// SHA-256 of a document.
pub(super) fn digest(bytes: &[u8]) -> Digest {
    Digest(sha256(bytes))
}

/// A reference.
pub(super) fn named(text: &str) -> Result<Reference, DemoError> {
    text.parse().map_err(|e| DemoError::Wrong(format!("{text}: {e}")))
}
