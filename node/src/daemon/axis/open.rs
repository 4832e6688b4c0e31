//! Giving a file.

use std::sync::Arc;

use tram_axis::{Account, DocId, OpenFile, Refusal};

use super::super::desk::Opened;
use super::files::{Small, Staged, Stored};
use super::node::AxisNode;
use super::refusals;

impl AxisNode {
    pub(super) async fn do_open(
        &self,
        account: Arc<Account>,
        id: DocId,
    ) -> Result<OpenFile, Refusal> {
        let directory = self.desk.service.context.verifier().directory().clone();
        let who = Self::speaker(&account);
        let status = self.notices.file(&who, id, &directory).map_err(refusals::of_problem)?;
        if let Some(bytes) = status {
            let size = bytes.len() as u64;
            return Ok(OpenFile { size, reader: Box::new(Small(bytes)) });
        }
        let (dispatch, agency) = self.find(&account, id).await?;
        let opened = self.desk.open(&who, &agency, dispatch).await;
        Ok(match opened.map_err(refusals::of_problem)? {
            Opened::Kept(document) => {
                OpenFile { size: document.size, reader: Box::new(Stored(document)) }
            }
            Opened::Composed(file, size) => {
                OpenFile { size, reader: Box::new(Staged(Arc::new(file))) }
            }
        })
    }
}
