//! Receipts: exported to files by their originator's node, read back, and verified with nothing
//! but the root document and the directory.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tokio::time::sleep;
use tram_api::model::{ReceiptQuery, ReceiptView};
use tram_dispatch::{AgencyCode, Code, DispatchId, Event, NodeId};
use tram_trust::receipt::verify_offline;
use tram_trust::{Directory, Root};
use tram_wire::Receipt;

use super::{POLL, Scenario, WAIT};
use crate::cli::table::Align;
use crate::demo::failure::DemoError;
use crate::demo::summary::Summary;
use crate::demo::tiers::{CENTRE, COMMUNE, DISTRICT, PROVINCE, agency, node};
use crate::demo::wall_now;

/// Folder of the exported receipts.
pub(super) const FOLDER: &str = "receipts";

/// What an auditor holds.
pub(super) struct Trust {
    pub(super) root: Root,
    pub(super) directory: Directory,
}

/// What a receipt must say: event, issuer, recipient.
type Says = (Event, NodeId, Option<AgencyCode>);

impl Scenario<'_> {
    /// Root document and directory, read from their files.
    pub(super) fn trust(&self) -> Result<Trust, DemoError> {
        let root = Root::install(&read(&self.network.root_file)?)?;
        let file = read(&self.network.directory_file)?;
        let directory = Directory::verify(&root, &file, None, wall_now())?;
        Ok(Trust { root, directory })
    }

    /// Exports and verifies the receipts of both dispatches.
    pub(super) async fn verify_receipts(
        &self,
        summary: &mut Summary,
        directive: DispatchId,
        answer: DispatchId,
    ) -> Result<(), DemoError> {
        let mut rows = Vec::new();
        for (originator, dispatch, expected) in
            [(CENTRE, directive, of_directive()), (COMMUNE, answer, of_answer())]
        {
            let query = ReceiptQuery { dispatch: Some(dispatch.into()), ..ReceiptQuery::default() };
            let found = self.complete(originator, &query, expected.len()).await?;
            let files = self.export(originator, &found)?;
            let mut left = expected;
            for file in &files {
                let row = self.verify_file(summary, file, originator, &mut left)?;
                rows.push(row);
            }
            for (event, node, recipient) in left {
                summary.receipts_failed += 1;
                let recipient = recipient.map(|r| format!(" for {r}")).unwrap_or_default();
                self.page.wrong(format!("no receipt of {} by {node}{recipient}", event.name()));
            }
        }
        self.page.table(
            &[
                ("from", "của", Align::Left),
                ("evidence event", "sự kiện bằng chứng", Align::Left),
                ("issuer", "nút phát hành", Align::Left),
                ("recipient", "nơi nhận", Align::Left),
                ("leaf", "lá", Align::Right),
                ("of", "trên", Align::Right),
                ("verdict", "kết quả", Align::Left),
            ],
            rows,
        );
        let (good, bad) = (summary.receipts_verified, summary.receipts_failed);
        let folder = self.network.dir.join(FOLDER);
        let folder = folder.display();
        self.page.note(
            format!("{good} receipts verify, {bad} do not; files in {folder}"),
            format!("{good} biên nhận đã kiểm chứng, {bad} không đạt; tệp ở {folder}"),
        );
        Ok(())
    }

    /// All receipts that match, asked for until there are as many as must come.
    async fn complete(
        &self,
        code: &'static str,
        query: &ReceiptQuery,
        expected: usize,
    ) -> Result<Vec<ReceiptView>, DemoError> {
        let client = self.client(code)?;
        let began = Instant::now();
        loop {
            let mut found = Vec::new();
            let mut query = query.clone();
            loop {
                let page = self.told(code, "receipts", client.receipts(&query).await)?;
                let empty = page.items.is_empty();
                found.extend(page.items);
                query.after = page.next;
                if empty || query.after.is_none() {
                    break;
                }
            }
            // What does not come is found missing by the caller.
            if found.len() >= expected || began.elapsed() > WAIT {
                return Ok(found);
            }
            sleep(POLL).await;
        }
    }

    /// Writes each receipt to a file of its own.
    fn export(&self, code: &str, receipts: &[ReceiptView]) -> Result<Vec<PathBuf>, DemoError> {
        let folder = self.network.dir.join(FOLDER).join(code);
        DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(&folder)
            .map_err(|e| DemoError::file(&folder, e))?;
        let mut files = Vec::new();
        for view in receipts {
            let recipient = view.recipient.as_ref().map(|r| format!("-{r}")).unwrap_or_default();
            let name = format!("{}-{}{recipient}-{}", view.event, view.node, view.digest.0.short());
            let path = folder.join(format!("{name}.receipt"));
            fs::write(&path, &view.raw.0).map_err(|e| DemoError::file(&path, e))?;
            files.push(path);
        }
        Ok(files)
    }

    /// Verifies one file; takes what it says off the list of what must be said.
    fn verify_file(
        &self,
        summary: &mut Summary,
        file: &Path,
        originator: &str,
        left: &mut Vec<Says>,
    ) -> Result<Vec<String>, DemoError> {
        let bytes = read(file)?;
        let receipt = Receipt::parse(&bytes)?;
        let record = receipt.record().clone();
        let (leaf, size) = (receipt.leaf_index(), receipt.signed_root().size);
        let says = (record.event, record.node.clone(), record.recipient.clone());
        let expected = left.iter().position(|l| *l == says).map(|at| left.remove(at)).is_some();
        let verdict = match self.verify(receipt) {
            Ok(()) if expected => Ok(()),
            Ok(()) => Err("not expected here".to_owned()),
            Err(refusal) => Err(refusal.to_string()),
        };
        match &verdict {
            Ok(()) => summary.receipts_verified += 1,
            Err(what) => {
                summary.receipts_failed += 1;
                self.page.wrong(format!("{}: {what}", file.display()));
            }
        }
        let page = self.page;
        Ok(vec![
            originator.to_owned(),
            page.pick(record.event.name(), record.event.name_vi()).to_owned(),
            record.node.to_string(),
            record.recipient.map(|r| r.to_string()).unwrap_or_default(),
            leaf.to_string(),
            size.to_string(),
            match verdict {
                Ok(()) => page.pick("verified", "đã kiểm chứng").to_owned(),
                Err(_) => page.pick("FAILED", "SAI").to_owned(),
            },
        ])
    }

    /// Verifies a receipt as an auditor does.
    fn verify(&self, receipt: Receipt) -> Result<(), DemoError> {
        let Trust { root, directory } = self.trust()?;
        let verified = verify_offline(&root, &directory, receipt)?;
        match verified.authorised_issuer() {
            Some(true) => Ok(()),
            _ => Err(DemoError::Wrong("that node may not say this".to_owned())),
        }
    }

    /// The receipts of refusals that are evidence, verified like the others.
    pub(super) async fn verify_rejections(
        &self,
        summary: &mut Summary,
        count: usize,
    ) -> Result<(), DemoError> {
        let event = Event::SubmissionRejection;
        let query = ReceiptQuery { event: Some(event.into()), ..ReceiptQuery::default() };
        let found = self.complete(CENTRE, &query, count).await?;
        let mut left: Vec<Says> = vec![(event, node(CENTRE), None); count];
        for file in self.export(CENTRE, &found)? {
            self.verify_file(summary, &file, CENTRE, &mut left)?;
        }
        if !left.is_empty() {
            summary.receipts_failed += left.len() as u32;
            self.page.wrong(format!("{} signed refusals are missing", left.len()));
        }
        Ok(())
    }

    /// Changes one bit of an exported receipt and verifies it: the code that refuses it.
    pub(super) fn altered_receipt(&self) -> Result<Option<(Code, String)>, DemoError> {
        let folder = self.network.dir.join(FOLDER).join(CENTRE);
        let mut files: Vec<PathBuf> = fs::read_dir(&folder)
            .map_err(|e| DemoError::file(&folder, e))?
            .filter_map(|item| item.ok().map(|i| i.path()))
            .collect();
        files.sort();
        let file = files.first().ok_or_else(|| DemoError::Wrong("no receipts".to_owned()))?;
        let mut bytes = read(file)?;
        let salt = *Receipt::parse(&bytes)?.salt();
        let at = bytes.windows(salt.len()).position(|w| w == salt);
        let at = at.ok_or_else(|| DemoError::Wrong("a receipt without its salt".to_owned()))?;
        bytes[at] ^= 1;
        let Trust { root, directory } = self.trust()?;
        let refused = match Receipt::parse(&bytes) {
            Err(error) => Some((error.code, error.detail)),
            Ok(receipt) => {
                verify_offline(&root, &directory, receipt).err().map(|r| (r.code, r.detail))
            }
        };
        Ok(refused)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, DemoError> {
    fs::read(path).map_err(|e| DemoError::file(path, e))
}

/// What the recipient's node says in the end.
fn at_recipient(code: &'static str) -> [Says; 3] {
    [Event::ContentConsignment, Event::ContentHandover, Event::ConsignmentAcceptance]
        .map(|event| (event, node(code), Some(agency(code))))
}

fn relay(by: &'static str, recipient: &'static str) -> Says {
    (Event::RelayAcceptance, node(by), Some(agency(recipient)))
}

fn of_directive() -> Vec<Says> {
    let mut all = vec![(Event::SubmissionAcceptance, node(CENTRE), None)];
    all.extend([relay(PROVINCE, COMMUNE), relay(DISTRICT, COMMUNE)]);
    all.extend(at_recipient(COMMUNE));
    all
}

fn of_answer() -> Vec<Says> {
    let mut all = vec![(Event::SubmissionAcceptance, node(COMMUNE), None)];
    all.extend([relay(DISTRICT, PROVINCE), relay(DISTRICT, CENTRE), relay(PROVINCE, CENTRE)]);
    all.extend(at_recipient(PROVINCE));
    all.extend(at_recipient(CENTRE));
    all
}
