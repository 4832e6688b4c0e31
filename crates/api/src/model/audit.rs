use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::LegView;
use crate::text::{
    AgencyText, CodeText, DayText, DigestText, DispatchText, EpochText, EventText, NodeText,
    ReferenceText, TimeText,
};

/// A document by its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NumberedQuery {
    /// The agency that issued it.
    pub agency: AgencyText,
    /// Number, with or without the notation behind a slash; letter case does not matter.
    pub number: String,
    /// Notation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notation: Option<String>,
    /// Year of its date of issue, or of custody where it names no date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year: Option<u64>,
}

/// What one agency sent to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BetweenQuery {
    /// Who sent.
    pub originator: AgencyText,
    /// To whom.
    pub recipient: AgencyText,
    /// Accepted here at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<TimeText>,
    /// Accepted here before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<TimeText>,
    /// Cursor: the `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Most items in the page, 1 to 500; 100 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Query of refusals. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct RefusalsQuery {
    /// With this reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeText>,
    /// Said by this node, or about what this node handed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeText>,
    /// With this agency as originator or recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agency: Option<AgencyText>,
    /// Failures and expiry as well.
    pub failures: bool,
    /// At this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<TimeText>,
    /// Before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<TimeText>,
    /// Cursor: the `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Most items in the page, 1 to 500; 100 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Query of what a key touched. One of `key`, `certificate`, `serial` with `issuer`, and `node` is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct KeyQuery {
    /// A seal's key: SHA-256 of its SubjectPublicKeyInfo. All certificates of the key are meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<DigestText>,
    /// A seal's key: SHA-256 of one of its certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<DigestText>,
    /// A seal's key: serial number of one of its certificates, hexadecimal, as revocation lists name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Issuer of that certificate, as `tram pki show` writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The keys of this node: what it handed over, and what its receipts say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeText>,
    /// With `node`: only receipts of this epoch of its log, for the key of the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<EpochText>,
    /// Since when it was in foreign hands: each item says whether it is of later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<TimeText>,
    /// At this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<TimeText>,
    /// Before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<TimeText>,
    /// Cursor: the `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Most items in the page, 1 to 500; 100 where absent. Several receipts of one transfer stay together, and may
    /// make it some more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// What a key was used for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum KeyUse {
    /// A dispatch was sealed with it.
    Dispatch,
    /// A statement about a dispatch was sealed with it.
    Statement,
    /// A statement that a number stays unused was sealed with it.
    Void,
    /// The node handed a dispatch over.
    Transfer,
    /// The node gave a receipt.
    Receipt,
}

/// One thing that a key touched, as this node knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyItem {
    /// What it was.
    pub used_for: KeyUse,
    /// When this node took custody; of statements and receipts the time in the receipt that tells of it.
    pub at: TimeText,
    /// Of what a dispatch is, when the first node took custody, by its receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_custody_at: Option<TimeText>,
    /// Whether that, or else `at`, is not before `since`; absent where no such moment was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<bool>,
    /// The certificate under which it was sealed: its SHA-256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<DigestText>,
    /// The dispatch; of `void` what stands for one in its evidence.
    pub dispatch: DispatchText,
    /// The dispatch's originator; of `void` who sealed it.
    pub originator: AgencyText,
    /// The originator's reference, where the dispatch is held here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ReferenceText>,
    /// Of a receipt, what it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventText>,
    /// Of a receipt, the epoch of its node's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<EpochText>,
    /// Of a receipt the recipient; of a statement the agency that sealed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<AgencyText>,
    /// Of a dispatch and a transfer: where each copy went, as this node knows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub legs: Vec<LegView>,
}

/// Query of what was not registered by its deadline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct OverdueQuery {
    /// Registered meanwhile, but too late; otherwise: not registered or refused by the clerk yet.
    pub late: bool,
    /// To this agency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<AgencyText>,
    /// Arrived at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<TimeText>,
    /// Arrived before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<TimeText>,
    /// Overdue at this time; absent: now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<TimeText>,
    /// Cursor: the `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Most items in the page, 1 to 500; 100 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// What was not registered by its deadline: the end of the next working day of Viet Nam; of what is urgent the
/// end of the day of arrival, or its hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OverdueView {
    /// Overdue at this time.
    pub at: TimeText,
    /// False where public holidays of a year that is asked about are not in the node's list of working
    /// days, so that weekends alone were taken for days off.
    pub holidays_known: bool,
    /// One page, by arrival. A page may be empty and still have a next.
    pub items: Vec<OverdueItem>,
    /// Give it as `after` to get what follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One leg that was not registered in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OverdueItem {
    /// The dispatch.
    pub dispatch: DispatchText,
    /// Who sent it.
    pub originator: AgencyText,
    /// Who should have registered it.
    pub recipient: AgencyText,
    /// When the recipient's node held it.
    pub arrived_at: TimeText,
    /// Its deadline: the `register_by` of the mailbox.
    pub due_at: TimeText,
    /// When it was registered, too late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_at: Option<TimeText>,
}

/// By what statistics are summed up.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum StatisticsBy {
    /// By agency.
    #[default]
    Agency,
    /// By tier of the directory.
    Tier,
}

/// Query of statistics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatisticsQuery {
    /// First day, by the clocks of Viet Nam.
    pub from: DayText,
    /// Last day, included; at most 366 days.
    pub to: DayText,
    /// By agency or by tier.
    #[serde(default)]
    #[param(inline)]
    pub by: StatisticsBy,
    /// This agency only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<AgencyText>,
    /// Cursor: the `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Most rows in the page, 1 to 500; 100 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// What became of the legs of some days, as this node knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatisticsView {
    /// First day.
    pub from: DayText,
    /// Last day.
    pub to: DayText,
    /// By what they are summed up.
    pub by: StatisticsBy,
    /// As [`OverdueView`].
    pub holidays_known: bool,
    /// One page, by agency or tier; as originator before as recipient.
    pub items: Vec<StatisticsRow>,
    /// Give it as `after` to get what follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// As which party legs are counted.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum StatisticsParty {
    /// Legs sent.
    Originator,
    /// Legs addressed to it.
    Recipient,
}

/// Counts of legs. `sent` to `to_arrive` are about legs that this node took into custody on one of the
/// days; `came` to `to_register` about legs that arrived on one of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatisticsRow {
    /// The agency; absent by tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<AgencyText>,
    /// Its name in the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its tier, or the tier; absent where the directory does not list it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<u8>,
    /// As which party.
    pub party: StatisticsParty,
    /// Submissions that this node refused with evidence.
    pub rejected: u64,
    /// Legs taken into custody, and not given back to the node before.
    pub sent: u64,
    /// Of these: still on their way.
    pub underway: u64,
    /// Of these: arrived at the recipient's node.
    pub arrived: u64,
    /// Of these: refused by a node.
    pub refused: u64,
    /// Of these: given up.
    pub failed: u64,
    /// Of these: expired on the way.
    pub expired: u64,
    /// Arrived of sent, per cent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrived_percent: Option<f64>,
    /// From custody at this node to arrival.
    pub to_arrive: Durations,
    /// Legs that arrived on one of the days, whenever they were sent.
    pub came: u64,
    /// Of these: neither registered nor refused by the clerk so far, nor dropped.
    pub waiting: u64,
    /// Of these: registered.
    pub registered: u64,
    /// Of these: registered in time, by the end of the next working day; of what is urgent by the end of the
    /// day of arrival, or by its hour.
    pub registered_in_time: u64,
    /// Of these: refused by the clerk.
    pub returned: u64,
    /// Of these: the time for an answer ran out, by evidence of the recipient's node.
    pub lapsed: u64,
    /// Of these: dropped by the operator of the recipient's node before the clerk answered.
    pub dropped: u64,
    /// Registered of came, per cent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_percent: Option<f64>,
    /// Registered in time of came, per cent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_time_percent: Option<f64>,
    /// From arrival to registration.
    pub to_register: Durations,
}

/// How long something took. Median and 90th percentile are exact to 6.25 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Durations {
    /// How many.
    pub count: u64,
    /// Half took no longer, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_ms: Option<u64>,
    /// Nine of ten took no longer, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p90_ms: Option<u64>,
}
