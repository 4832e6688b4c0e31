use super::{Hop, Task};
use crate::values::{IssueDay, Priority};

/// A document sent by edXML: `MessageHeader` and `TraceHeaderList`. The numbers are those of QCVN 102:2016
/// as public software quotes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edoc {
    /// 1.1 `From`.
    pub from: Party,
    /// 1.2 `To`, one or more.
    pub to: Vec<Party>,
    /// 1.3.1 `Code/CodeNumber` (số), text: suffixes occur.
    pub number: Option<String>,
    /// 1.3.2 `Code/CodeNotation` (ký hiệu).
    pub notation: Option<String>,
    /// 1.4.1 `PromulgationInfo/Place` (địa danh).
    pub place: Option<String>,
    /// 1.4.2 `PromulgationInfo/PromulgationDate` (ngày ban hành).
    pub issued_on: Option<IssueDay>,
    /// 1.5 `DocumentType` (loại văn bản).
    pub kind: Kind,
    /// 1.6 `Subject` (trích yếu).
    pub subject: String,
    /// 1.7 `Content` (nội dung tóm tắt).
    pub summary: Option<String>,
    /// 1.8 `SignerInfo` (người ký): said, not proved.
    pub signer: Signer,
    /// 1.9 `DueDate` (hạn xử lý).
    pub due_on: Option<IssueDay>,
    /// 1.10 `ToPlaces/Place` (nơi nhận), as printed; never a route.
    pub places: Vec<String>,
    /// 1.11.1 `OtherInfo/Priority` (độ khẩn).
    pub priority: Priority,
    /// 1.11.2 `OtherInfo/SphereOfPromulgation` (phạm vi lưu hành).
    pub circulation: Option<String>,
    /// 1.11.3 `OtherInfo/TyperNotation` (ký hiệu người soạn thảo).
    pub drafter: Option<String>,
    /// 1.11.4 `OtherInfo/PromulgationAmount` (số bản phát hành).
    pub copies: Option<u16>,
    /// 1.11.5 `OtherInfo/PageAmount` (số trang).
    pub pages: Option<u16>,
    /// 1.11.6 `OtherInfo/Appendixes/Appendix` (phụ lục).
    pub appendices: Vec<String>,
    /// `OtherInfo/Direction`, of one vendor.
    pub direction: Option<String>,
    /// `OtherInfo/ReplyFors`, of one vendor.
    pub reply_fors: Option<String>,
    /// `OtherInfo/ReferenceCodes`, of one vendor.
    pub reference_codes: Option<String>,
    /// 1.12 `ResponseFor` (văn bản được phản hồi).
    pub answers_to: Vec<Response>,
    /// 1.13 `SteeringType` (loại chỉ đạo), 0 to 3.
    pub steering: Option<u16>,
    /// 1.14 `DocumentId` (mã văn bản).
    pub document_id: String,
    /// `ResponseForTask/TaskCode`, of one vendor.
    pub task_codes: Vec<String>,
    /// `ApplicationType`, of one vendor.
    pub application: Option<String>,
    /// 2.1 `TraceHeader`, one per system it came through.
    pub trace: Vec<Hop>,
    /// 2.2 `Bussiness` (nghiệp vụ).
    pub task: Task,
}

/// `From` or `To`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// `OrganId`, as it came: old, new or opaque.
    pub code: String,
    /// `OrganizationInCharge` (đơn vị chủ quản).
    pub in_charge: Option<String>,
    /// `OrganName`.
    pub name: Option<String>,
    /// `OrganAdd`.
    pub address: Option<String>,
    /// `Email`.
    pub email: Option<String>,
    /// `Telephone`.
    pub telephone: Option<String>,
    /// `Fax`.
    pub fax: Option<String>,
    /// `Website`.
    pub website: Option<String>,
}

/// `DocumentType`. Only the name can be relied on; the numbers differ from writer to writer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kind {
    /// `Type`, as it came.
    pub class: Option<String>,
    /// `TypeDetail`, as it came.
    pub detail: Option<String>,
    /// `TypeName`.
    pub name: Option<String>,
}

/// `SignerInfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signer {
    /// `Competence` (thẩm quyền ký): `TM.`, `KT.`, `TL.`, `TUQ.`, `Q.`
    pub competence: Option<String>,
    /// `Position` (chức vụ).
    pub position: Option<String>,
    /// `FullName` (họ tên).
    pub name: Option<String>,
}

/// `ResponseFor`: the document that is answered, or in a status the one it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// `OrganId`.
    pub code: Option<String>,
    /// `Code`: number and notation.
    pub number: Option<String>,
    /// `PromulgationDate`.
    pub issued_on: Option<IssueDay>,
    /// `DocumentId`.
    pub document_id: Option<String>,
}

impl Response {
    /// Whether it says nothing at all, as `<ResponseFor/>` does.
    pub fn is_empty(&self) -> bool {
        *self == Response::default()
    }
}
