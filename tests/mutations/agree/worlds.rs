//! Sound evidence files, each with what it is judged by, and other people's material to graft.

use std::collections::BTreeMap;

use ciborium::Value;
use tram_dispatch::{AgencyCode, Event, UnixMillis};
use tram_tlog::note::Note;
use tram_trust::evidence::{Claim, Ground, Proof, State, examine};
use tram_trust::fixtures::{
    CENTRE, COMMUNE, DISTRICT, FourTiers, Log, NOW, PROVINCE, Recipe, TimeStamper,
};
use tram_trust::time_stamp::Authorities;
use tram_wire::{EvidenceFile, Receipt};

use super::python::{bytes, text};

/// What a file proves, by what it is about.
pub(super) type Proved = BTreeMap<(Claim, String, String), Vec<Proof>>;

/// A sound file.
pub(super) struct World {
    pub(super) name: &'static str,
    pub(super) ground: Ground,
    pub(super) file: EvidenceFile,
    pub(super) bytes: Vec<u8>,
    pub(super) proved: Proved,
    /// The question that makes the independent verifier know the ground.
    pub(super) introduction: Vec<Value>,
}

/// All of them, and the networks they are of.
pub(super) struct Worlds {
    pub(super) tiers: FourTiers,
    pub(super) other: FourTiers,
    pub(super) worlds: Vec<World>,
    /// Genuine receipts of the first network about another dispatch.
    pub(super) another: Vec<Receipt>,
}

impl Worlds {
    pub(super) fn new() -> Self {
        let (tiers, other) = (FourTiers::new("agree"), FourTiers::new("other"));
        let stamper = TimeStamper::new("agree");
        let stamped = stamped(&tiers, &stamper);
        let mut with_policy = stamped.clone();
        with_policy.policy = Some("quorum none\n".to_owned());
        let ended = ended(&tiers);
        let anchor = stamper.anchor();
        let worlds = vec![
            world("whole", &tiers, tiers.file.clone(), Some(&tiers.policy), false, &[]),
            world("by position", &tiers, stamped.clone(), None, true, &[anchor]),
            world("stamped", &tiers, stamped, Some(&tiers.policy), false, &[anchor]),
            world("unchecked", &tiers, with_policy, Some(&tiers.policy), false, &[]),
            world("ended", &tiers, ended, None, true, &[]),
        ];
        let another = another(&tiers);
        Worlds { tiers, other, worlds, another }
    }

    /// A name for the ground of receipts, bundles and checkpoints: it has the whole directory.
    pub(super) const WHOLE_DIRECTORY: &'static str = "by position";
}

fn world(
    name: &'static str,
    tiers: &FourTiers,
    file: EvidenceFile,
    policy: Option<&str>,
    directory: bool,
    authorities: &[&[u8]],
) -> World {
    let network = &tiers.network;
    let mut ground = Ground::new(network.root.clone());
    if let Some(policy) = policy {
        ground = ground.with_policy(policy).expect("a sound policy");
    }
    if directory {
        ground = ground.with_directory(network.directory.clone());
    }
    for anchor in authorities {
        ground = ground.with_authorities(Authorities::read(anchor).expect("an anchor"));
    }
    let or_null = |part: Option<&[u8]>| part.map_or(Value::Null, bytes);
    let introduction = vec![
        text("ground"),
        text(name),
        bytes(&network.root_file),
        or_null(policy.map(str::as_bytes)),
        or_null(directory.then_some(&network.directory_file[..])),
        Value::Array(authorities.iter().map(|anchor| bytes(anchor)).collect()),
    ];
    let bytes = file.encode();
    let account = examine(&ground, &bytes).expect("a sound file");
    assert!(account.faults.is_empty(), "{name}: {:?}", account.faults);
    let proved = proved(&account);
    World { name, ground, file, bytes, proved, introduction }
}

/// What an account says is proved.
pub(super) fn proved(account: &tram_trust::evidence::Account) -> Proved {
    let mut found = Proved::new();
    for finding in &account.findings {
        if let State::Proved(proof) = &finding.state {
            let recipient = finding.recipient.as_ref().map(ToString::to_string).unwrap_or_default();
            let key = (finding.claim, recipient, finding.about.clone());
            found.entry(key).or_default().push(proof.clone());
        }
    }
    found
}

/// The file with a time-stamp on two checkpoints.
fn stamped(tiers: &FourTiers, stamper: &TimeStamper) -> EvidenceFile {
    let mut file = tiers.file.clone();
    for (place, checkpoint) in file.checkpoints.iter_mut().take(2).enumerate() {
        let note = Note::parse(&checkpoint.note).expect("a sound note");
        let at = NOW.plus_ms(7000 + 1000 * place as u64);
        checkpoint.stamps.push(stamper.token(&Recipe::new(note.text().as_bytes(), at)));
    }
    file
}

/// A file of a dispatch that the province refused, and that the district could not pass on.
fn ended(tiers: &FourTiers) -> EvidenceFile {
    let recipient = AgencyCode::parse_canonical(COMMUNE).expect("a code");
    let centre = tiers.network.node(CENTRE).id.clone();
    let mut file = tiers.file.clone();
    let gone = [Event::ContentConsignment, Event::ContentHandover, Event::ConsignmentAcceptance];
    for event in gone {
        let raw = tiers.receipt(event).raw().to_vec();
        file.receipts.retain(|receipt| *receipt != raw);
    }
    file.statements.clear();
    file.checkpoints.clear();
    for (node, event, sizes) in
        [(PROVINCE, Event::RelayRejection, 7), (DISTRICT, Event::RelayFailure, 9)]
    {
        let mut log = Log::new(tiers.network.node(node));
        let time = NOW.plus_ms(4000 + sizes);
        for _ in 0..sizes {
            let filler = log.record(Event::RelayAcceptance, &tiers.sealed, None, NOW);
            log.commit(&[filler], NOW);
        }
        let mut record = log.record(event, &tiers.sealed, Some(&recipient), time);
        record.previous = (event == Event::RelayRejection).then(|| centre.clone());
        record.reason = Some(tram_dispatch::Code::NoRoute);
        record.remark = Some("không có đường".to_owned());
        let made = log.commit(&[record], time.plus_ms(3));
        file.receipts.extend(made.iter().map(|receipt| receipt.raw().to_vec()));
    }
    file.sort();
    file
}

fn another(tiers: &FourTiers) -> Vec<Receipt> {
    let network = &tiers.network;
    let sealed = network.seal(&network.envelope(CENTRE, &[COMMUNE], "another"));
    let recipient = AgencyCode::parse_canonical(COMMUNE).expect("a code");
    let mut made = Vec::new();
    for node in [CENTRE, PROVINCE, DISTRICT, COMMUNE] {
        let mut log = Log::new(network.node(node));
        for (event, of) in [
            (Event::SubmissionAcceptance, None),
            (Event::ContentConsignment, Some(&recipient)),
            (Event::ConsignmentAcceptance, Some(&recipient)),
        ] {
            let at = UnixMillis(NOW.0 + 500 + made.len() as u64);
            let record = log.record(event, &sealed, of, at);
            made.extend(log.commit(&[record], at));
        }
    }
    made
}
