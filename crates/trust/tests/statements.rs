//! Statements of agencies: verified as a dispatch is, and taken for nothing else.

use tram_crypto::Sign as _;
use tram_dispatch::envelope::{SealedBy, Sequence};
use tram_dispatch::{Code, Event, EvidenceRecord};
use tram_trust::fixtures::{CENTRE, COMMUNE, END, Log, NOW, Network, PROVINCE};
use tram_trust::{Refusal, Verdict, VerifiedVoid};
use tram_wire::statement::{SealedStatement, Statement};
use tram_wire::void::Void;
use tram_wire::{SealedDispatch, SealedVoid};

fn void(network: &Network) -> Void {
    Void {
        network: network.id(),
        agency: network.agent(COMMUNE).code.clone(),
        sequence: Sequence { series: 7, number: 12 },
        time: NOW,
        reason: "không gửi".to_owned(),
    }
}

fn sealed(network: &Network, void: &Void, by: &str) -> SealedVoid {
    let agent = network.agent(by);
    let key = &agent.seal;
    SealedVoid::seal(void, &agent.chain, key.algorithm(), |m| key.sign(m)).unwrap()
}

fn refused(verdict: Verdict<VerifiedVoid>) -> Refusal {
    match verdict {
        Verdict::Refused(refusal) => refusal,
        _ => panic!("not refused"),
    }
}

#[test]
fn a_statement_is_its_agencys_of_this_network_and_as_it_was_sealed() {
    let network = Network::new("trust tests");
    let verifier = network.verifier();
    let good = sealed(&network, &void(&network), COMMUNE);
    let verified = verifier.void(good.clone(), NOW).verified().unwrap();
    assert_eq!(verified.signer().agency, network.agent(COMMUNE).code);
    assert_eq!(verified.sealed(), &good);
    // Another agency's seal, also from above.
    for other in [PROVINCE, CENTRE] {
        let theirs = sealed(&network, &void(&network), other);
        assert_eq!(refused(verifier.void(theirs, NOW)).code, Code::OriginatorMismatch);
    }
    // Every byte of what is said counts.
    let bytes = good.raw().to_vec();
    let at = bytes.windows(2).position(|w| w == [7, 12]).unwrap();
    for (place, by) in [(at, 1), (at + 1, 1), (bytes.len() - 1, 0x40)] {
        let mut altered = bytes.clone();
        altered[place] ^= by;
        let altered = SealedVoid::parse(&altered).unwrap();
        assert_eq!(refused(verifier.void(altered, NOW)).code, Code::SignatureInvalid);
    }
    let elsewhere = Network::new("another network");
    let foreign = sealed(&network, &Void { network: elsewhere.id(), ..void(&network) }, COMMUNE);
    assert_eq!(refused(verifier.void(foreign, NOW)).code, Code::WrongNetwork);
    let late = refused(verifier.void(good, END.plus_ms(1_000)));
    assert_eq!(late.code, Code::CertificateExpired);
}

#[test]
fn no_statement_is_a_dispatch_and_no_dispatch_a_statement() {
    let network = Network::new("trust tests");
    let statement = sealed(&network, &void(&network), COMMUNE);
    assert_eq!(SealedDispatch::parse(statement.raw()).unwrap_err().code, Code::Malformed);
    let dispatch = network.seal(&network.envelope(COMMUNE, &[CENTRE], "1"));
    assert_eq!(SealedVoid::parse(dispatch.raw()).unwrap_err().code, Code::Malformed);
}

#[test]
fn only_the_originators_node_may_say_that_a_number_is_void() {
    let network = Network::new("trust tests");
    let verifier = network.verifier();
    let dispatch = network.seal(&network.envelope(COMMUNE, &[CENTRE], "1"));
    for (agency, may) in [(COMMUNE, true), (PROVINCE, false), (CENTRE, false)] {
        let mut log = Log::new(network.node(agency));
        let record = log.record(Event::SequenceVoid, &dispatch, None, NOW);
        let receipt = log.commit(&[record], NOW).remove(0);
        let verified = verifier.receipt(receipt).unwrap();
        assert_eq!(verified.authorised_issuer(), Some(may), "{agency}");
    }
}

#[test]
fn what_a_clerk_decided_is_verified_as_a_dispatch_is() {
    let network = Network::new("trust tests");
    let verifier = network.verifier();
    let dispatch = network.seal(&network.envelope(CENTRE, &[COMMUNE], "1"));
    let said = Statement {
        network: network.id(),
        agency: network.agent(COMMUNE).code.clone(),
        dispatch: dispatch.id(),
        object: dispatch.object(),
        event: Event::ConsignmentRejection,
        status: None,
        time: NOW,
        remark: Some("gửi nhầm".to_owned()),
        sealed_by: SealedBy::Agency,
    };
    let seal = |said: &Statement, by: &str| {
        let agent = network.agent(by);
        let key = &agent.seal;
        SealedStatement::seal(said, &agent.chain, key.algorithm(), |m| key.sign(m)).unwrap()
    };
    let code = |sealed: SealedStatement, at| match verifier.statement(sealed, at) {
        Verdict::Refused(refusal) => Some(refusal.code),
        Verdict::Verified(_) => None,
        Verdict::Undetermined(cause) => panic!("{cause:?}"),
    };
    let good = seal(&said, COMMUNE);
    assert_eq!(code(good.clone(), NOW), None);
    assert_eq!(code(good.clone(), END.plus_ms(1_000)), Some(Code::CertificateExpired));
    assert_eq!(code(seal(&said, PROVINCE), NOW), Some(Code::OriginatorMismatch));
    let elsewhere = Statement { network: Network::new("another").id(), ..said.clone() };
    assert_eq!(code(seal(&elsewhere, COMMUNE), NOW), Some(Code::WrongNetwork));

    // For a record it must say the same as well.
    let log = Log::new(network.node(COMMUNE));
    let code_of = network.agent(COMMUNE).code.clone();
    let record = log.record(Event::ConsignmentRejection, &dispatch, Some(&code_of), NOW);
    assert!(verifier.says(&good, &record));
    assert!(!verifier.says(&seal(&said, PROVINCE), &record));
    let registered = Statement { event: Event::ConsignmentAcceptance, ..said.clone() };
    assert!(!verifier.says(&seal(&registered, COMMUNE), &record));
    let late = EvidenceRecord { time: END.plus_ms(1_000), ..record.clone() };
    assert!(!verifier.says(&good, &late));
    let other = EvidenceRecord { object: None, ..record };
    assert!(!verifier.says(&good, &other));
}
