//! Evidence files: nothing is proved by a file that was altered, but what the whole one proves.

use std::sync::OnceLock;

use tram_dispatch::text::is_plain;
use tram_trust::evidence::{Account, Claim, Ground, State, examine};
use tram_trust::fixtures::FourTiers;
use tram_wire::EvidenceFile;

/// What is claimed of whom, and proved.
type Proved = Vec<(Claim, String, String)>;

/// A whole file, and what it proves.
pub(crate) struct Whole {
    pub(crate) bytes: Vec<u8>,
    ground: Ground,
    proved: Proved,
    /// How much is said in all, also of what is not proved.
    findings: usize,
}

impl Whole {
    /// The same in every process.
    pub(crate) fn get() -> &'static Whole {
        static WHOLE: OnceLock<Whole> = OnceLock::new();
        WHOLE.get_or_init(|| {
            let world = FourTiers::new("fuzz");
            let ground = Ground::new(world.network.root.clone());
            let ground = ground.with_policy(&world.policy).expect("a sound policy");
            let bytes = world.file.encode();
            let account = examine(&ground, &bytes).expect("an evidence file");
            assert!(account.faults.is_empty() && open(&account) == 0, "{account:?}");
            let findings = account.findings.len();
            Whole { bytes, ground, proved: proved(&account), findings }
        })
    }
}

fn proved(account: &Account) -> Proved {
    let holds = account.findings.iter().filter(|f| matches!(f.state, State::Proved(_)));
    let of = |r: &Option<tram_dispatch::AgencyCode>| r.as_ref().map(ToString::to_string);
    holds.map(|f| (f.claim, of(&f.recipient).unwrap_or_default(), f.about.clone())).collect()
}

/// Claims that are asked for and not proved.
fn open(account: &Account) -> usize {
    account.findings.iter().filter(|f| f.asked && matches!(f.state, State::Lacking(_))).count()
}

/// An evidence file: one spelling, and read at a cost of its size.
pub fn evidence_file(data: &[u8]) {
    let Ok(file) = EvidenceFile::decode(data) else { return };
    assert_eq!(file.encode(), data, "taken, but not the encoding of what was understood");
    let mut sorted = file.clone();
    sorted.sort();
    assert_eq!(sorted, file, "its lists have another order");
}

/// What it proves: never more than the file that was made, and all of that only by that very file.
pub fn verified_evidence(data: &[u8]) {
    let whole = Whole::get();
    let Ok(account) = examine(&whole.ground, data) else { return };
    let plain = |fault: &tram_trust::evidence::Fault| is_plain(&fault.refusal.detail);
    assert!(account.faults.iter().all(plain), "{:?}", account.faults);
    let more = proved(&account).into_iter().find(|claim| !whole.proved.contains(claim));
    assert_eq!(more, None, "proved by an altered file");
    // A witness's line whose key nobody here knows may be any: the account says that it proves nothing.
    let complete = account.faults.is_empty()
        && proved(&account) == whole.proved
        && account.findings.len() == whole.findings;
    // Without its statement the same is proved, in the node's words.
    let genuine = |file: EvidenceFile| file.statements.is_empty();
    let excused = || EvidenceFile::decode(data).is_ok_and(genuine);
    assert!(!complete || data == whole.bytes || excused(), "an altered file passed for the whole");
}
