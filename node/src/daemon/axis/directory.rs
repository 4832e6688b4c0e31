//! The directory, as the three lists of the axis have it, and requests to change it.

use std::ops::Bound;
use std::sync::Arc;

use tram_axis::{Account, Agency, AgencyPage, AgencyRequest, Refusal, shown};
use tram_dispatch::{AgencyCode, directory};
use tram_trust::Directory;

use super::entry::{self, Wish};
use super::files::blocking;
use super::node::AxisNode;

impl AxisNode {
    pub(super) async fn do_agencies(
        &self,
        account: Arc<Account>,
        after: Option<String>,
        max: usize,
    ) -> Result<AgencyPage, Refusal> {
        let verifier = self.desk.service.context.verifier();
        blocking(move || {
            let directory = verifier.directory();
            let from = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let behind = |code: &str| match from {
                Bound::Excluded(after) => code > after,
                _ => true,
            };
            let found = directory.agencies().filter(|a| behind(a.code.as_str())).take(max);
            let agencies: Vec<_> = found.collect();
            let more = agencies.len() == max;
            let next = agencies.last().filter(|_| more).map(|a| a.code.to_string());
            let agencies = agencies.into_iter().map(|a| listed(&account, directory, a)).collect();
            Ok(AgencyPage { agencies, next })
        })
        .await
    }

    /// The directory is signed by those who answer for it, so a node enters nobody. What is there
    /// already is confirmed; the rest is noted for the operator, with the command to use.
    pub(super) fn do_register(
        &self,
        account: &Account,
        request: &AgencyRequest,
    ) -> Result<(), Refusal> {
        let code =
            AgencyCode::parse(&request.code).map_err(|e| Refusal::system(format!("code: {e}")))?;
        let verifier = self.desk.service.context.verifier();
        let Some(wish) = entry::to_enter(verifier.directory(), &code, request) else {
            return Ok(());
        };
        note(account, &code, &wish);
        Err(Refusal::system(
            "noted for the operator of this node: agencies are entered by those who sign the directory",
        ))
    }

    /// As [`AxisNode::do_register`]; what is closed, or was never there, is confirmed.
    pub(super) fn do_delete(&self, account: &Account, code: &str) -> Result<(), Refusal> {
        let code =
            AgencyCode::parse(code).map_err(|e| Refusal::system(format!("AgencyCode: {e}")))?;
        let verifier = self.desk.service.context.verifier();
        let Some(wish) = entry::to_close(verifier.directory(), &code) else { return Ok(()) };
        note(account, &code, &wish);
        Err(Refusal::system(
            "noted for the operator of this node: agencies are closed by those who sign the directory",
        ))
    }
}

/// All that an operator needs to pass it on to whoever signs the directory.
fn note(account: &Account, code: &AgencyCode, wish: &Wish) {
    let Wish { what, name, parent, command } = wish;
    let (system, what) = (&account.system_id, what.word());
    tracing::warn!(target: "audit", system, %code, name, parent, what, %command, "axis: the directory is to be changed, which those who sign it do");
}

fn listed(account: &Account, directory: &Directory, a: &directory::Agency) -> Agency {
    let code = account.spelled(&a.code);
    let code_102 = a.code.to_qcvn102();
    let former = a.former.first().map(|former| account.spelled(former));
    let other = if account.old_codes { Some(a.code.to_string()) } else { code_102.clone() };
    Agency {
        old_code: former.or(other).filter(|old| *old != code),
        code,
        code_qd20: a.code.to_string(),
        code_102,
        parent: a.parent.as_ref().map(|parent| account.spelled(parent)),
        name: a.name.clone(),
        open: a.open,
        version: directory.version(),
        changed_at: shown(directory.head().issued_at),
    }
}
