//! One file of evidence: exported, and verified with nothing but the root document.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::sync::Arc;

use tram_dispatch::{Code, DispatchId};
use tram_trust::evidence::{Account, Claim, Ground, Proof, State, Voice, examine};

use super::Scenario;
use crate::cli::table::Align;
use crate::demo::failure::DemoError;
use crate::demo::tiers::CENTRE;

/// Folder of the evidence files.
const FOLDER: &str = "evidence";
/// What must be proved of the directive.
const CLAIMS: [Claim; 5] =
    [Claim::Sealed, Claim::Custody, Claim::Arrived, Claim::Taken, Claim::Decided];

impl Scenario<'_> {
    /// Takes the directive's evidence out of the originator's node, verifies it, alters one byte of it and
    /// verifies it again.
    pub(super) async fn evidence_file(&self, directive: DispatchId) -> Result<(), DemoError> {
        let page = self.page;
        let client = self.client(CENTRE)?;
        let answer = client.evidence(directive, true).await;
        let bytes = self.told(CENTRE, "evidence", answer)?;
        let folder = self.network.dir.join(FOLDER);
        let cannot = |e: std::io::Error| DemoError::file(&folder, e);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(cannot)?;
        let path = folder.join("chi-thi.evidence");
        fs::write(&path, &bytes).map_err(cannot)?;
        let ground = Ground::new(Arc::new(self.trust()?.root));
        let account = examine(&ground, &bytes)?;
        let proof = |claim| proof_of(&account, claim);
        if let Some(lacking) = CLAIMS.into_iter().find(|claim| proof(*claim).is_none()) {
            let name = lacking.name();
            return Err(DemoError::Wrong(format!("the evidence file does not prove \"{name}\"")));
        }
        if let Some(fault) = account.faults.first() {
            return Err(DemoError::Wrong(format!("the evidence file: {}", fault.refusal)));
        }
        let shown = path.display();
        page.note(
            format!("`tram evidence export`: {} bytes in {shown}", bytes.len()),
            format!("`tram evidence export`: {} byte trong {shown}", bytes.len()),
        );
        let rows = CLAIMS.into_iter().filter_map(|claim| Some(row(claim, proof(claim)?)));
        page.table(
            &[("claim", "điều được chứng minh", Align::Left), ("by", "bởi", Align::Left)],
            rows.collect(),
        );
        let mut altered = bytes.to_vec();
        let middle = altered.len() / 2;
        if let Some(byte) = altered.get_mut(middle) {
            *byte ^= 1;
        }
        let refused = match examine(&ground, &altered) {
            Ok(account) => account.faults.first().map(|fault| fault.refusal.code),
            Err(refusal) => Some(refusal.code),
        };
        let refused: Code = refused
            .ok_or_else(|| DemoError::Wrong("an altered evidence file was taken".to_owned()))?;
        page.note(
            format!("one byte of it altered: false, {refused}"),
            format!("sửa một byte trong tệp: sai, {refused}"),
        );
        Ok(())
    }
}

fn proof_of(account: &Account, claim: Claim) -> Option<&Proof> {
    account.findings.iter().filter(|f| f.claim == claim).find_map(|f| match &f.state {
        State::Proved(proof) => Some(proof),
        State::Lacking(_) => None,
    })
}

fn row(claim: Claim, proof: &Proof) -> Vec<String> {
    let by = match proof {
        Proof::Sealed { signer, .. } => format!("{} ({})", signer.agency, signer.name),
        Proof::Custody { nodes } => {
            nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → ")
        }
        Proof::Leaf(place) => format!("{}, {}", place.event.name(), place.node),
        Proof::Decided { place, by: Voice::Agency { signer, .. }, .. } => {
            format!("{}, {}", place.event.name(), signer.name)
        }
        Proof::Decided { place, by: Voice::Node, .. } => {
            format!("{}, {}", place.event.name(), place.node)
        }
        _ => String::new(),
    };
    vec![claim.name().to_owned(), by]
}
