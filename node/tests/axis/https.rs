//! With a certificate, over TLS.

use std::fs;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};
use tram_pki::{Key, KeyAlgorithm, read_certificate, write_certificates};

use crate::country::{SYSTEMS, network, secret};
use crate::support::{Node, Program};

const KEYS: &str = "https_certificate = \"keys/axis.crt\"\nhttps_key = \"keys/axis.key\"";

#[tokio::test]
async fn a_node_with_a_certificate_speaks_https_and_nothing_else() {
    let (network, doors) = network(2, KEYS);
    let mut names = Vec::new();
    for (tier, files) in network.nodes.iter().enumerate() {
        // A certificate of a node will do.
        let (chain, key) = network.authorities.node(tier, &files.id);
        names.push(read_certificate(&chain[0]).expect("a certificate").names[0].clone());
        key.write_new(&files.folder.join("keys/axis.key")).expect("a key file");
        fs::write(files.folder.join("keys/axis.crt"), write_certificates(&chain)).expect("a file");
    }
    let _nodes = network.start(&Program::tram()).await;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(network.authorities.anchor().to_vec())).expect("an anchor");
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = TcpStream::connect(doors[0]).await.expect("it listens");
    let name = ServerName::try_from(names[0].clone()).expect("a name");
    let tls = TlsConnector::from(Arc::new(config)).connect(name, tcp).await;
    let mut tls = tls.expect("a session with whom the certificate names");
    let mut client = crate::client::Client::new(doors[0], SYSTEMS[0], &secret(0));
    let head = client.head("POST", "/countReceiveEdoc", Some(0));
    tls.write_all(&head).await.expect("it reads");
    let mut answer = Vec::new();
    tls.read_to_end(&mut answer).await.expect("an answer, and an end of the session");
    let answer = String::from_utf8(answer).expect("text");
    assert!(
        answer.ends_with("{\"status\":\"OK\",\"ErrorCode\":\"0\",\"ErrorDesc\":\"\",\"count\":0}"),
        "{answer}"
    );

    let mut plain = TcpStream::connect(doors[0]).await.expect("it listens");
    plain.write_all(&head).await.expect("it reads");
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"));
}

#[tokio::test]
async fn a_certificate_whose_key_is_another_keeps_the_node_from_starting() {
    let (network, _) = network(2, KEYS);
    let files = &network.nodes[1];
    let (chain, _) = network.authorities.node(1, &files.id);
    fs::write(files.folder.join("keys/axis.crt"), write_certificates(&chain)).expect("a file");
    let key = Key::generate(KeyAlgorithm::P256, &mut tram_crypto::SystemEntropy::new());
    key.expect("a key").write_new(&files.folder.join("keys/axis.key")).expect("a key file");
    let node = Node::new(files.clone(), Program::tram());
    let (code, said) = node.second();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("CONFIG_INVALID") && said.contains("axis"), "{said}");
}
