//! A door on loopback, the systems that may come in, and clients of theirs.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tram_api::{
    Access, Agencies, Client, Dial, Dialled, Limits, Peer, Problem, RemoteDoor, Role, Rule,
    Systems, Who, serve_remote,
};
use tram_dispatch::{Code, Digest};
use tram_door::{Duplex, Secured, Session, Tls};
use tram_transport::{HttpsClient, Identity, MutualServer};

use crate::fake::Fake;
use crate::harness::Answer;

pub const NAME: &str = "tram.example.vn";
/// Within the life of certificates made with the defaults of their maker.
const NOW_S: u64 = 1_795_248_000;
/// Longest wait for anything.
pub const SOON: Duration = Duration::from_secs(5);

/// A certificate that vouches for itself: whose it is, the door below decides by its bytes.
pub fn made(name: &str) -> Identity {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    Identity { chain_der: vec![cert.der().to_vec()], key_pkcs8_der: signing_key.serialize_der() }
}

struct Mutual(MutualServer);

impl Tls for Mutual {
    fn accept(&self, tcp: TcpStream) -> Secured<'_> {
        Box::pin(async move {
            let (stream, chain_der) = self.0.accept(tcp).await?;
            Ok(Session { stream: Box::new(stream) as Box<dyn Duplex>, chain_der })
        })
    }
}

/// Certificates and their names; one that is taken out is revoked.
#[derive(Default)]
pub struct Listed(Mutex<Vec<(Vec<u8>, String)>>);

impl Listed {
    pub fn add(&self, identity: &Identity, name: &str) {
        self.0.lock().unwrap().push((identity.chain_der[0].clone(), name.to_owned()));
    }

    pub fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

impl Systems for Listed {
    fn know(&self, chain_der: &[Vec<u8>]) -> Result<Peer, Problem> {
        let Some(own) = chain_der.first() else {
            return Err(Problem::new(Code::CertificateUntrusted, "no certificate"));
        };
        let listed = self.0.lock().unwrap();
        let found = listed.iter().find(|(der, _)| der == own);
        let (_, name) = found.ok_or_else(|| Problem::new(Code::CertificateRevoked, "taken out"))?;
        Ok(Peer::System { name: name.as_str().into(), certificate: Digest([7; 32]) })
    }
}

pub struct Running {
    pub fake: Arc<Fake>,
    pub address: SocketAddr,
    pub listed: Arc<Listed>,
    pub system: Identity,
    server: Identity,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// A door by which the system "van-thu" may submit and collect for H41.12.
pub async fn start(limits: Limits) -> Running {
    let server = made(NAME);
    let (listed, system) = (Arc::new(Listed::default()), made("van-thu"));
    listed.add(&system, "van-thu");
    let rule = Rule {
        who: Who::System("van-thu".into()),
        agencies: Agencies::Only(["H41.12".parse().unwrap()].into()),
        roles: [Role::Submit, Role::Collect].into(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = Arc::new(Mutual(MutualServer::new(&server, &[]).unwrap()));
    let door = RemoteDoor { listener, tls, systems: listed.clone() };
    let fake = Arc::new(Fake::default());
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async {
        let _ = stopped.await;
    };
    let access = Access::new(vec![rule]);
    let task = tokio::spawn(serve_remote(door, access, fake.clone(), limits, shutdown));
    Running { fake, address, listed, system, server, stop: Some(stop), task }
}

struct Dialler(HttpsClient, SocketAddr);

impl Dial for Dialler {
    fn dial(&self) -> Dialled<'_> {
        Box::pin(async {
            let tcp = TcpStream::connect(self.1).await?;
            Ok(Box::new(self.0.connect(NAME, tcp).await?) as Box<dyn Duplex>)
        })
    }
}

impl Running {
    fn tls(&self, identity: Option<&Identity>) -> HttpsClient {
        HttpsClient::new(identity, &self.server.chain_der, NOW_S).unwrap()
    }

    pub fn client(&self, identity: &Identity) -> Client {
        Client::over(Dialler(self.tls(Some(identity)), self.address), NAME).unwrap()
    }

    pub async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// A session, with a certificate or without.
    pub async fn session(&self, identity: Option<&Identity>) -> impl Duplex + use<> {
        self.tls(identity).connect(NAME, self.tcp().await).await.unwrap()
    }

    /// One request as it is, and everything that comes back.
    pub async fn raw(&self, identity: Option<&Identity>, request: &[u8]) -> Vec<u8> {
        let mut stream = self.session(identity).await;
        let _ = stream.write_all(request).await;
        let _ = stream.flush().await;
        ended(&mut stream).await
    }

    pub async fn get(&self, identity: Option<&Identity>, target: &str) -> Answer {
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        Answer::parse(&self.raw(identity, request.as_bytes()).await)
    }

    pub async fn stop(mut self) {
        let _ = self.stop.take().unwrap().send(());
        tokio::time::timeout(SOON, self.task).await.unwrap().unwrap();
    }
}

/// What comes until the other side closes; how it does is all the same.
pub async fn ended(stream: &mut (impl Duplex + ?Sized)) -> Vec<u8> {
    let mut all = Vec::new();
    let read = async {
        let mut piece = [0; 4096];
        while let Ok(n @ 1..) = stream.read(&mut piece).await {
            all.extend_from_slice(&piece[..n]);
        }
    };
    tokio::time::timeout(SOON, read).await.expect("an end");
    all
}
