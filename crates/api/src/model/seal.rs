use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::text::{AgencyText, DigestText, DispatchText, ReferenceText, TimeText};

/// Metadata of a dispatch that the node is to seal with the agency's own seal key. The reference
/// is the header `Idempotency-Key`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SealRequest {
    /// The agency that seals.
    pub originator: AgencyText,
    /// The reference once more; where present it must be the `Idempotency-Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ReferenceText>,
    /// The agencies addressed.
    #[serde(default)]
    pub recipients: Vec<AgencyText>,
    /// Groups addressed beside them: `communes-of:CODE`, `children-of:CODE`, `under:CODE`, `tier:N`,
    /// `group:NAME`. The node expands them from its directory before it seals; the envelope names every
    /// recipient, and the groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// The group that the recipients were expanded from, where that was done before; not beside `groups`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The secrecy mark. Any but `none` is refused: secret documents must not travel here.
    #[serde(default)]
    pub secrecy: SecrecyMark,
    /// What the document is about.
    pub metadata: SealMetadata,
    /// What the dispatch does; a new document where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<SealAct>,
    /// The documents, uploaded before, in the order of the dispatch.
    pub documents: Vec<SealDocument>,
    /// When the custodian gives up; the node's default lifetime where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<TimeText>,
    /// Most nodes that may take custody; the node's default where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_hops: Option<u8>,
}

/// The secrecy mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecrecyMark {
    /// No mark.
    #[default]
    None,
    /// Mật.
    Secret,
    /// Tối mật.
    TopSecret,
    /// Tuyệt mật.
    UltraSecret,
}

/// Document metadata as Decree 30/2020/NĐ-CP names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SealMetadata {
    /// Number (số), for example `16`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Notation (ký hiệu), for example `CT-TTg`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notation: Option<String>,
    /// Type of document (loại văn bản), for example `Chỉ thị`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Subject (trích yếu).
    pub subject: String,
    /// Date of issue as printed on the document, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_on: Option<String>,
    /// Place of issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Who signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<SealSigner>,
    /// How urgent it is.
    #[serde(default)]
    pub urgency: UrgencyLevel,
    /// The hour by which a `flash_at` dispatch is to arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgent_by: Option<TimeText>,
    /// Date by which an answer is due, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_on: Option<String>,
    /// Earlier documents that this one answers.
    #[serde(default)]
    pub answers_to: Vec<SealRelated>,
}

/// The person who signed the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SealSigner {
    /// Full name.
    pub name: String,
    /// Office held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<String>,
}

/// How urgent the originator says it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UrgencyLevel {
    /// Thường.
    #[default]
    Normal,
    /// Khẩn.
    Urgent,
    /// Thượng khẩn.
    VeryUrgent,
    /// Hỏa tốc.
    Flash,
    /// Hỏa tốc hẹn giờ; `urgent_by` names the hour.
    FlashAt,
}

/// Points at an earlier dispatch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SealRelated {
    /// Its originator.
    pub originator: AgencyText,
    /// Its reference.
    pub reference: ReferenceText,
    /// Its id, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispatch: Option<DispatchText>,
}

/// What the dispatch does to earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SealAct {
    /// Which act.
    pub kind: SealActKind,
    /// The earlier dispatches: none for `new`, one for `recall` and `update`, one or more for
    /// `replace`.
    #[serde(default)]
    pub of: Vec<SealRelated>,
}

/// The acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SealActKind {
    /// A new document.
    New,
    /// Asks to take back one earlier dispatch.
    Recall,
    /// Changes data or recipients of one earlier dispatch.
    Update,
    /// Replaces earlier dispatches.
    Replace,
}

/// A document of the dispatch, uploaded before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SealDocument {
    /// Name as people are to see it: data, never a path.
    pub name: String,
    /// Media type, for example `application/pdf`.
    pub media_type: String,
    /// Digest under which it was uploaded.
    pub sha256: DigestText,
}

/// The field of a seal request, as JSON, in which a wrongly used system wrote a secrecy mark as a word of
/// its own (`mật`, `toi mat`, `secret`): where urgency is said, or in place of the words that
/// [`SecrecyMark`] knows. Absent where there is none.
pub fn misplaced_mark(request: &serde_json::Value) -> Option<&'static str> {
    let is_mark = |value: &serde_json::Value| {
        let own = ["secret", "top_secret", "ultra_secret"];
        value.as_str().is_some_and(|text| {
            own.contains(&text) || tram_dispatch::secrecy::whole(text).is_some()
        })
    };
    let fields = [
        ("urgency", request.pointer("/metadata/urgency")),
        ("urgency", request.pointer("/metadata/priority")),
        ("secrecy", request.get("secrecy")),
        ("secrecy", request.pointer("/metadata/secrecy")),
    ];
    fields.into_iter().find(|(_, value)| value.is_some_and(is_mark)).map(|(field, _)| field)
}

#[cfg(test)]
mod tests {
    use super::misplaced_mark;

    #[test]
    fn a_mark_where_urgency_is_said_is_found_and_a_circulation_note_is_none() {
        let found = |text: &str| misplaced_mark(&serde_json::from_str(text).unwrap());
        for text in ["mật", "TOI MAT", "Tuyệt mật", "secret", "top_secret", "Ma\u{302}\u{323}t"]
        {
            let urgency = format!(r#"{{"metadata":{{"urgency":"{text}"}}}}"#);
            assert_eq!(found(&urgency), Some("urgency"), "{text}");
            assert_eq!(found(&format!(r#"{{"secrecy":"{text}"}}"#)), Some("secrecy"), "{text}");
        }
        for text in ["urgent", "khẩn", "LƯU HÀNH NỘI BỘ", "XEM XONG TRẢ LẠI", "none", ""]
        {
            assert_eq!(found(&format!(r#"{{"metadata":{{"urgency":"{text}"}}}}"#)), None, "{text}");
        }
        assert_eq!(found(r#"{"metadata":{"urgency":3}}"#), None);
    }
}
