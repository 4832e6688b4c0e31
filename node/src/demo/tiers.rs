//! The four tiers of the demo, from the top.

use tram_dispatch::{AgencyCode, NodeId};

/// The centre. `G22` is an example code: no real ministry is meant.
pub(super) const CENTRE: &str = "G22";
/// The province.
pub(super) const PROVINCE: &str = "H41";
/// The district.
pub(super) const DISTRICT: &str = "H41.12";
/// The commune.
pub(super) const COMMUNE: &str = "H41.12.03";
/// A second commune, without a system of its own: the district's node hosts it.
pub(super) const HOSTED: &str = "H41.12.05";
/// Its name, as the directory has it.
pub(super) const HOSTED_NAME: &str = "Ủy ban nhân dân xã thứ hai (ví dụ)";
/// The commune's tier, in the directory.
pub(super) const COMMUNE_TIER: u8 = 4;

/// One tier.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tier {
    /// Code of its agency.
    pub(super) code: &'static str,
    /// Name of its agency, as the directory has it.
    pub(super) name: &'static str,
    /// What the tier is called in English.
    pub(super) word: &'static str,
    /// And in Vietnamese.
    pub(super) word_vi: &'static str,
}

/// From the top.
pub(super) const TIERS: [Tier; 4] = [
    Tier {
        code: CENTRE,
        name: "Cơ quan trung ương (ví dụ)",
        word: "centre",
        word_vi: "trung ương",
    },
    Tier {
        code: PROVINCE,
        name: "Ủy ban nhân dân tỉnh (ví dụ)",
        word: "province",
        word_vi: "tỉnh",
    },
    Tier {
        code: DISTRICT,
        name: "Ủy ban nhân dân huyện (ví dụ)",
        word: "district",
        word_vi: "huyện",
    },
    Tier {
        code: COMMUNE, name: "Ủy ban nhân dân xã (ví dụ)", word: "commune", word_vi: "xã"
    },
];

/// One of the codes above.
pub(super) fn agency(code: &'static str) -> AgencyCode {
    AgencyCode::parse(code).unwrap_or_else(|_| unreachable!("a code of the table"))
}

/// The node of one of the codes above.
pub(super) fn node(code: &'static str) -> NodeId {
    NodeId::new("n1", &agency(code)).unwrap_or_else(|_| unreachable!("a code of the table"))
}
