//! Time-stamps in evidence files.

use tram_dispatch::Code;
use tram_tlog::note::Note;
use tram_trust::evidence::{Account, By, Claim, Finding, Ground, Lack, Proof, State, examine};
use tram_trust::fixtures::{FourTiers, NOW, Recipe, TimeStamper};
use tram_trust::time_stamp::Authorities;
use tram_wire::EvidenceFile;

struct World {
    tiers: FourTiers,
    stamper: TimeStamper,
    file: EvidenceFile,
    node: String,
}

/// The first checkpoint in the file, stamped, a second after the last receipt.
fn world() -> World {
    let tiers = FourTiers::new("stamped");
    let stamper = TimeStamper::new("stamped");
    let mut file = tiers.file.clone();
    let text = text(&file);
    let node = text.split('/').nth(2).unwrap().to_owned();
    let token = stamper.token(&Recipe::new(text.as_bytes(), NOW.plus_ms(7000)));
    file.checkpoints[0].stamps.push(token);
    World { tiers, stamper, file, node }
}

fn text(file: &EvidenceFile) -> String {
    Note::parse(&file.checkpoints[0].note).unwrap().text().to_owned()
}

impl World {
    fn ground(&self) -> Ground {
        Ground::new(self.tiers.network.root.clone()).with_policy(&self.tiers.policy).unwrap()
    }

    fn trusting(&self, stamper: &TimeStamper) -> Ground {
        self.ground().with_authorities(Authorities::read(stamper.anchor()).unwrap())
    }
}

fn stamped(account: &Account) -> &Finding {
    let mut found = account.findings.iter().filter(|f| f.claim == Claim::Stamped);
    let finding = found.next().expect("a finding");
    assert!(found.next().is_none());
    finding
}

#[test]
fn a_time_stamp_proves_how_late_it_can_have_been() {
    let w = world();
    let account = examine(&w.trusting(&w.stamper), &w.file.encode()).unwrap();
    assert!(account.faults.is_empty(), "{:?}", account.faults);
    let finding = stamped(&account);
    let State::Proved(Proof::Stamped { by, size }) = &finding.state else { panic!("{finding:?}") };
    assert_eq!((by.latest, finding.about.as_str()), (NOW.plus_ms(8999), w.node.as_str()));
    assert!(*size > 0 && finding.asked);
    // It also bounds what lies under that checkpoint, being earlier than the witnesses.
    let bounded = account.findings.iter().any(|f| {
        matches!(&f.state, State::Proved(Proof::When { latest, .. })
            if latest.at == by.latest && latest.by == By::TimeStamp(by.authority.clone()))
    });
    let by_own_log = account.findings.iter().filter(|f| f.claim == Claim::When).count();
    assert!(bounded || by_own_log > 0 && !w.node.ends_with(".03"), "{}", w.node);
}

#[test]
fn whose_count_is_for_the_verifier_to_say() {
    let w = world();
    let account = examine(&w.ground(), &w.file.encode()).unwrap();
    let finding = stamped(&account);
    assert!(matches!(finding.state, State::Lacking(Lack::StampNotChecked(_))), "{finding:?}");
    assert!(!finding.asked && account.faults.is_empty());
    let other = TimeStamper::new("another");
    let account = examine(&w.trusting(&other), &w.file.encode()).unwrap();
    let finding = stamped(&account);
    let State::Lacking(Lack::StampRefused(refusal)) = &finding.state else { panic!("{finding:?}") };
    assert_eq!(refusal.code, Code::CertificateUntrusted);
    assert!(finding.asked && account.faults.is_empty());
}

#[test]
fn a_false_token_makes_the_file_false() {
    let w = world();
    let sound = Recipe::new(text(&w.file).as_bytes(), NOW);
    let others = w.stamper.token(&Recipe::new(b"another text", NOW));
    let digest = w.stamper.token(&Recipe { message_digest: Some([0; 32]), ..sound.clone() });
    let extras = w.stamper.token(&Recipe { extras: true, ..sound });
    for token in [others, digest, extras, b"a token".to_vec()] {
        let mut file = w.file.clone();
        file.checkpoints[0].stamps = vec![token];
        for ground in [w.ground(), w.trusting(&w.stamper)] {
            let account = examine(&ground, &file.encode()).unwrap();
            assert_eq!(account.faults.len(), 1, "{:?}", account.faults);
            assert!(account.findings.iter().all(|f| f.claim != Claim::Stamped));
        }
    }
}
