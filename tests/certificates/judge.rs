//! What the product says about a shape.

use std::collections::BTreeMap;
use std::sync::Arc;

use tram_crypto::{Algorithm, Ed25519Signer, Sign};
use tram_dispatch::Code;
use tram_dispatch::directory::{Anchor, RootDocument};
use tram_trust::fixtures::{CENTRE, COMMUNE, Network, seed};
use tram_trust::{Crls, Options, Refusal, Root, Verdict, Verifier};
use tram_wire::root::{KeySignature, RootFile};
use tram_wire::{SealError, SealedDispatch};

use crate::cert::Purpose;
use crate::keys::Key;
use crate::shapes::{Expected, Shape};

/// A network whose directory lists the commune's agency and node.
pub(crate) struct Judge {
    network: Network,
    roots: BTreeMap<Vec<Vec<u8>>, Result<Arc<Root>, Refusal>>,
}

/// The answer, with the detail that goes with a refusal.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) verdict: Expected,
    pub(crate) detail: String,
}

impl Judge {
    pub(crate) fn new() -> Self {
        Judge { network: Network::new("shapes"), roots: BTreeMap::new() }
    }

    pub(crate) fn answer(&mut self, shape: &Shape) -> Answer {
        match self.judge(shape) {
            Ok(()) => Answer { verdict: Expected::Accepted, detail: String::new() },
            Err((Code::RevocationUnknown, detail)) if shape.purpose == Purpose::Seal => {
                Answer { verdict: Expected::Undetermined, detail }
            }
            Err((code, detail)) => Answer { verdict: Expected::Refused(code), detail },
        }
    }

    fn judge(&mut self, shape: &Shape) -> Result<(), (Code, String)> {
        let told = |refusal: Refusal| (refusal.code, refusal.detail);
        let root = self.root(&shape.anchors).map_err(told)?;
        let mut crls = Crls::none();
        for file in &shape.crls {
            // A list that cannot be read does not come into force, and the operator hears of it.
            if let Err(refusal) = crls.add(file)
                && shape.unreadable_is_told
            {
                return Err(told(refusal));
            }
        }
        let directory = self.network.directory.clone();
        let verifier = Verifier::new(root.clone(), directory, crls, Options::default());
        match shape.purpose {
            Purpose::Node => verifier.peer(&shape.chain, None, shape.at).map(|_| ()).map_err(told),
            Purpose::Seal => {
                let mut envelope = self.network.envelope(COMMUNE, &[CENTRE], "1/TB");
                envelope.network = root.network();
                let (algorithm, sign) = signing(&shape.key, shape.pss);
                let sealed = SealedDispatch::seal(&envelope, &shape.chain, algorithm, |bytes| {
                    Ok::<_, std::convert::Infallible>(sign(bytes))
                });
                let sealed = match sealed {
                    Ok(sealed) => sealed,
                    Err(SealError::Wire(error)) => return Err((error.code, error.detail)),
                    Err(SealError::Sign(never)) => match never {},
                };
                match verifier.dispatch(sealed, shape.at) {
                    Verdict::Verified(_) => Ok(()),
                    Verdict::Refused(refusal) => Err(told(refusal)),
                    Verdict::Undetermined(cause) => Err((cause.code, cause.detail)),
                }
            }
        }
    }

    /// The root document with these anchors, installed.
    fn root(&mut self, anchors: &[Vec<u8>]) -> Result<Arc<Root>, Refusal> {
        if let Some(root) = self.roots.get(anchors) {
            return root.clone();
        }
        let root = Root::install(&root_file(anchors)).map(Arc::new);
        self.roots.insert(anchors.to_vec(), root.clone());
        root
    }
}

fn root_file(anchors: &[Vec<u8>]) -> Vec<u8> {
    let key = Ed25519Signer::from_seed(&seed("directory key")).expect("a seed");
    let anchor = |der: &Vec<u8>| Anchor { certificate: der.clone(), nodes: true, seals: true };
    let document = RootDocument {
        name: "shapes".into(),
        nonce: [7; 16],
        version: 1,
        network: None,
        keys: vec![key.public_key().spki_der().to_vec()],
        threshold: 1,
        anchors: anchors.iter().map(anchor).collect(),
        lifetime_ms_max: 30 * 86_400_000,
    };
    let raw_root = tram_wire::root::encode(&document);
    let network = tram_wire::root::network_id(&raw_root, &document);
    let signed = tram_wire::root::to_be_signed(Algorithm::EdDsa, &raw_root, network);
    let signature = key.sign(&signed).expect("a signature");
    let signatures = vec![KeySignature { key_index: 0, algorithm: Algorithm::EdDsa, signature }];
    RootFile { raw_root, document, signatures, previous_signatures: vec![] }.encode()
}

type Signing<'a> = Box<dyn Fn(&[u8]) -> Vec<u8> + 'a>;

fn signing(key: &Key, pss: bool) -> (Algorithm, Signing<'_>) {
    let seal: Signing<'_> = Box::new(|bytes| key.seal(bytes));
    match key {
        Key::Ed25519(_) => (Algorithm::EdDsa, seal),
        Key::Ecdsa { curve: "prime256v1", .. } => (Algorithm::Es256, seal),
        Key::Ecdsa { .. } => (Algorithm::Es384, seal),
        Key::Rsa { .. } if pss => (Algorithm::Ps256, Box::new(|bytes| key.seal_pss(bytes))),
        Key::Rsa { .. } => (Algorithm::Rs256, seal),
        // Nobody can sign with it; the key is refused before the signature is looked at.
        Key::Public(_) => (Algorithm::Rs256, Box::new(|_| vec![0x2a; 256])),
    }
}
