//! Files as a document system writes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const NAMESPACE: &str = "http://www.mic.gov.vn/TBT/QCVN_102_2016";

/// A document: number, sender, recipients, bytes of its one attachment.
pub(crate) fn document(number: u32, from: &str, to: &[&str], pdf: &[u8]) -> Vec<u8> {
    with_subject(number, from, to, pdf, "V/v thử nghiệm trục liên thông")
}

pub(crate) fn with_subject(
    number: u32,
    from: &str,
    to: &[&str],
    pdf: &[u8],
    subject: &str,
) -> Vec<u8> {
    let to: String = to
        .iter()
        .map(|code| format!("<edXML:To><edXML:OrganId>{code}</edXML:OrganId><edXML:OrganName>N</edXML:OrganName></edXML:To>"))
        .collect();
    let header = format!(
        "<edXML:From><edXML:OrganId>{from}</edXML:OrganId><edXML:OrganName>Đơn vị gửi</edXML:OrganName></edXML:From>{to}\
         <edXML:Code><edXML:CodeNumber>{number}</edXML:CodeNumber><edXML:CodeNotation>UBND-VP</edXML:CodeNotation></edXML:Code>\
         <edXML:PromulgationInfo><edXML:Place>Nghệ An</edXML:Place><edXML:PromulgationDate>2026/11/20</edXML:PromulgationDate></edXML:PromulgationInfo>\
         <edXML:DocumentType><edXML:Type>2</edXML:Type><edXML:TypeName>Công văn</edXML:TypeName></edXML:DocumentType>\
         <edXML:Subject>{subject}</edXML:Subject><edXML:Content></edXML:Content>\
         <edXML:OtherInfo><edXML:Priority>1</edXML:Priority></edXML:OtherInfo><edXML:ResponseFor/>\
         <edXML:DocumentId>{}</edXML:DocumentId>",
        document_id(number, from)
    );
    let encoded = STANDARD.encode(pdf);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<edXML xmlns=\"{NAMESPACE}\"><edXML:edXMLEnvelope xmlns:edXML=\"{NAMESPACE}\">\
         <edXML:edXMLHeader><edXML:MessageHeader>{header}</edXML:MessageHeader>\
         <edXML:TraceHeaderList><edXML:TraceHeader><edXML:OrganId>{from}</edXML:OrganId><edXML:Timestamp>2026/11/20 08:00:00</edXML:Timestamp></edXML:TraceHeader></edXML:TraceHeaderList>\
         </edXML:edXMLHeader><edXML:edXMLBody><edXML:edXMLManifest version=\"1.0\"><edXML:Reference>\
         <edXML:ContentId>cid:7d0e6c1e</edXML:ContentId><edXML:ContentType>application/pdf</edXML:ContentType>\
         <edXML:AttachmentName>van-ban.pdf</edXML:AttachmentName></edXML:Reference></edXML:edXMLManifest></edXML:edXMLBody></edXML:edXMLEnvelope>\
         <AttachmentEncoded><Attachment><ContentId>cid:7d0e6c1e</ContentId><AttachmentName>van-ban.pdf</AttachmentName>\
         <ContentType>application/pdf</ContentType><edXML:ContentTransferEncoded xmlns:edXML=\"{NAMESPACE}\">{encoded}</edXML:ContentTransferEncoded>\
         </Attachment></AttachmentEncoded></edXML>\r\n"
    )
    .into_bytes()
}

pub(crate) fn document_id(number: u32, from: &str) -> String {
    format!("{from},2026/11/20,{number}/UBND-VP")
}

/// A status that `from` gives to `to` of the document under this id.
pub(crate) fn status(from: &str, to: &str, id: &str, code: &str, words: &str) -> Vec<u8> {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<edXML xmlns=\"{NAMESPACE}\"><edXML:edXMLEnvelope xmlns:edXML=\"{NAMESPACE}\">\
         <edXML:edXMLHeader><edXML:MessageHeader>\
         <edXML:From><edXML:OrganId>{from}</edXML:OrganId><edXML:OrganName>N</edXML:OrganName></edXML:From>\
         <edXML:ResponseFor><edXML:OrganId>{to}</edXML:OrganId><edXML:Code>7/UBND-VP</edXML:Code>\
         <edXML:PromulgationDate>2026/11/20</edXML:PromulgationDate><edXML:DocumentId>{id}</edXML:DocumentId></edXML:ResponseFor>\
         <edXML:StatusCode>{code}</edXML:StatusCode><edXML:Description>{words}</edXML:Description>\
         <edXML:Timestamp>2026/11/21 09:00:00</edXML:Timestamp><edXML:StaffInfo><edXML:Staff>Lê Văn Mẫu</edXML:Staff></edXML:StaffInfo>\
         </edXML:MessageHeader></edXML:edXMLHeader></edXML:edXMLEnvelope></edXML>"
    )
    .into_bytes()
}
