//! What offices hand in: changes of a directory, requests for certificates.

use tram_crypto::Sign as _;
use tram_dispatch::Digest;
use tram_dispatch::directory::{Delegation, Entry};
use tram_pki::{Key, Request, Subject};
use tram_trust::fixtures::{COMMUNE, NOW, Network, PROVINCE, START};
use tram_wire::directory as wire;

use super::Put;

/// What changes a directory: a difference to its next version, and a change of a subtree that is delegated.
/// Of another network than the one in which forgeries are looked for.
pub(super) fn of_directories(put: &mut Put<'_>) {
    let network = Network::new("another");
    let province = network.agent(PROVINCE);
    let mut entries = network.entries.clone();
    for entry in &mut entries {
        match entry {
            Entry::Agency(agency) if agency.code == network.agent(COMMUNE).code => {
                agency.name = "Xã mới".to_owned();
            }
            _ => {}
        }
    }
    entries.push(Entry::Delegation(Delegation {
        subtree: province.code.clone(),
        key: province.seal.public_key().spki_der().to_vec(),
        from: START,
        until: None,
    }));
    let head = network.head(2, Some(network.directory.digest()), &entries);
    let later = network.directory_file(head, &entries);
    let [old, new] = [&network.directory_file, &later]
        .map(|file| wire::DirectoryFile::decode(file).expect("a sound directory"));
    let difference = wire::DirectoryDifference::between(&old, &new).encode();

    let commune = entries.iter().find(|e| matches!(e, Entry::Agency(a) if a.name == "Xã mới"));
    let change = wire::SubtreeChange {
        network: network.id(),
        subtree: province.code.clone(),
        key: Digest(tram_crypto::sha256(province.seal.public_key().spki_der())),
        base: new.digest(),
        issued_at: NOW,
        entries: commune.into_iter().cloned().collect(),
    };
    let (body, algorithm) = (wire::encode_change(&change), province.seal.algorithm());
    let signed = wire::change_to_be_signed(algorithm, &body, change.network);
    let signature = province.seal.sign(&signed).expect("a key");
    let subtree = wire::SubtreeFile { body, change, algorithm, signature }.encode();
    for target in ["directory", "verified_directory"] {
        put(target, "difference", difference.clone());
        put(target, "subtree", subtree.clone());
    }
}

/// Requests for certificates, in both forms; a key from a seed makes the same ones each time.
pub(super) fn of_requests(put: &mut Put<'_>) {
    let network = Network::new("fuzz");
    let agent = network.agent(COMMUNE);
    let key = Key::from_pkcs8_der(&agent.seal_pkcs8).expect("a key");
    let node = Subject::Node(network.node(COMMUNE).id.clone());
    let made = |request: Result<Request, _>| request.expect("a sound request");
    let requests = [
        ("seal", made(Request::new(&Subject::Seal(agent.code.clone()), &key))),
        ("node", made(Request::new(&node, &key))),
        ("authority", made(Request::for_authority("commune CA", &key))),
    ];
    for (name, request) in requests {
        put("certificate_request", name, request.to_pem().into_bytes());
        put("certificate_request", &format!("{name}-der"), request.der().to_vec());
    }
}
