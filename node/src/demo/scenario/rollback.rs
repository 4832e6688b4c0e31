//! A machine that is put back to an older state is caught by its neighbour, and a witness at work.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bytes::Bytes;
use tram_api::model::{LogWitnesses, NodeState};
use tram_api::{Client, ClientError};
use tram_dispatch::Code;

use super::{POLL, Scenario, WAIT};
use crate::cli::table::Align;
use crate::demo::documents::{self, digest};
use crate::demo::failure::DemoError;
use crate::demo::network::DemoNode;
use crate::demo::processes::Processes;
use crate::demo::summary::Summary;
use crate::demo::tiers::{COMMUNE, agency};
use crate::demo::wall_now;

/// What of a node's folder a snapshot of its machine puts back: the store, and the anchor as well, so that
/// only the neighbour can tell.
const PUT_BACK: [&str; 2] = ["data", "anchor"];

impl Scenario<'_> {
    /// The commune's machine is put back to a snapshot; its parent tells.
    pub(super) async fn rollback(
        &self,
        summary: &mut Summary,
        processes: &mut Processes,
    ) -> Result<(), DemoError> {
        let page = self.page;
        page.heading(
            7,
            "A log that goes back in time is caught",
            "Phát hiện nhật ký bị lùi về quá khứ",
        );
        let node = self.network.node(COMMUNE)?.clone();
        let folder = node.config.parent().map(Path::to_owned).unwrap_or_default();
        processes.stop_one(&node).await?;
        keep(&folder, "snapshot")?;
        processes.start_one(self.network, &node)?;
        processes.ready(&self.network.nodes).await?;
        let before = self.log_size().await?;
        self.hand_in_more("bao-cao/lui/1").await?;
        // The parent learns of the newest checkpoint when a session begins.
        processes.stop_one(&node).await?;
        processes.start_one(self.network, &node)?;
        processes.ready(&self.network.nodes).await?;
        let newest = self.log_size().await?;
        summary.witnessed = self.witness(newest).await?;

        processes.stop_one(&node).await?;
        keep(&folder, "newest")?;
        put_back(&folder, "snapshot")?;
        processes.start_one(self.network, &node)?;
        page.note(
            format!(
                "the commune's machine, put back to a snapshot: its log has {before} leaves again, not {newest}"
            ),
            format!("máy của xã bị khôi phục về bản cũ: nhật ký còn {before} mục thay vì {newest}"),
        );
        summary.rollback_caught = self.caught(&node, before).await?;
        processes.stop_one(&node).await?;
        put_back(&folder, "newest")?;
        processes.start_one(self.network, &node)?;
        processes.ready(&self.network.nodes).await?;
        page.note(
            "the newest store put back: everything goes on",
            "đặt lại kho mới nhất: mọi việc tiếp tục",
        );
        Ok(())
    }

    async fn log_size(&self) -> Result<u64, DemoError> {
        let head = self.client(COMMUNE)?.log_head().await;
        Ok(self.told(COMMUNE, "log", head)?.size)
    }

    /// One more dispatch of the commune to itself, so that its log grows.
    async fn hand_in_more(&self, reference: &str) -> Result<(), DemoError> {
        self.told(COMMUNE, "seal and submit", self.try_more(reference).await?)
    }

    async fn try_more(&self, reference: &str) -> Result<Result<(), ClientError>, DemoError> {
        let commune = self.client(COMMUNE)?;
        let pdf = documents::answer_pdf(wall_now());
        let (sha256, size) = (digest(&pdf), pdf.len() as u64);
        let body = std::io::Cursor::new(Bytes::from(pdf.clone()));
        if let Err(error) = commune.upload(&agency(COMMUNE), sha256, size, 0, body, |_| {}).await {
            return Ok(Err(error));
        }
        let directive = self.directive.get();
        let directive = directive
            .ok_or_else(|| DemoError::Wrong("there is no directive to answer".to_owned()))?;
        let request = documents::answer(&pdf, wall_now(), directive)?;
        Ok(commune.seal(&documents::named(reference)?, &request).await.map(|_| ()))
    }

    /// Shows who cosigned the commune's log; whether its parent cosigned all of it.
    async fn witness(&self, newest: u64) -> Result<bool, DemoError> {
        let page = self.page;
        let parent = self.network.nodes.iter().rev().nth(1).map(|n| n.id.clone());
        let until = Instant::now() + WAIT;
        let view = loop {
            let view: LogWitnesses =
                self.told(COMMUNE, "witnesses", self.client(COMMUNE)?.log_witnesses().await)?;
            let by_parent = |view: &LogWitnesses| {
                let mut all = view.witnesses.iter();
                all.any(|w| Some(&w.node.0) == parent.as_ref() && w.size == Some(newest))
            };
            if by_parent(&view) {
                break view;
            }
            if Instant::now() > until {
                page.wrong(page.pick(
                    "the parent did not cosign the newest checkpoint",
                    "nút cấp trên chưa đồng ký điểm kiểm tra mới nhất",
                ));
                return Ok(false);
            }
            tokio::time::sleep(POLL).await;
        };
        page.note(
            format!(
                "tram log witnesses, at the commune: checkpoint of {newest} leaves, cosigned by"
            ),
            format!("tram log witnesses, tại xã: điểm kiểm tra {newest} mục, được đồng ký bởi"),
        );
        let rows = view.witnesses.iter().filter_map(|w| {
            let size = w.size?.to_string();
            let is_parent = Some(&w.node.0) == parent.as_ref();
            let place = if is_parent { page.pick("parent", "cấp trên") } else { "" };
            Some(vec![w.node.to_string(), place.to_owned(), size])
        });
        page.table(
            &[
                ("witness", "nút chứng kiến", Align::Left),
                ("", "", Align::Left),
                ("leaves", "số mục", Align::Right),
            ],
            rows.collect(),
        );
        Ok(true)
    }

    /// Whether the node that was put back says so, and signs nothing.
    async fn caught(&self, node: &DemoNode, before: u64) -> Result<bool, DemoError> {
        let page = self.page;
        let client = Client::new(&node.socket);
        let began = Instant::now();
        let status = loop {
            match client.status().await {
                Ok(status) if status.state == NodeState::Halted => break status,
                _ if began.elapsed() > WAIT => {
                    page.wrong(page.pick("it was not noticed", "không được phát hiện"));
                    return Ok(false);
                }
                _ => tokio::time::sleep(POLL).await,
            }
        };
        let refused = match self.try_more("bao-cao/lui/2").await? {
            Err(ClientError::Problem(problem)) => problem.code.parse::<Code>().ok(),
            _ => None,
        };
        let told = status.alarms.iter().any(|a| a.code.0 == Code::LogRollback);
        let size = self.log_size().await?;
        let caught = told && size == before && refused == Some(Code::LogRollback);
        let parent = node_above(self.network.nodes.iter().map(|n| n.id.as_str()));
        if caught {
            page.note(
                format!(
                    "LOG_ROLLBACK {} ms after it started: {parent} holds the newer checkpoint; nothing was signed",
                    began.elapsed().as_millis()
                ),
                format!(
                    "LOG_ROLLBACK sau {} ms: {parent} giữ điểm kiểm tra mới hơn; không ký gì thêm",
                    began.elapsed().as_millis()
                ),
            );
        } else {
            page.wrong(format!("{told} {size} {refused:?}"));
        }
        Ok(caught)
    }
}

/// The node above the lowest one.
fn node_above<'n>(nodes: impl DoubleEndedIterator<Item = &'n str>) -> &'n str {
    nodes.rev().nth(1).unwrap_or_default()
}

/// Keeps a copy of what a snapshot holds, under this name.
fn keep(folder: &Path, name: &str) -> Result<(), DemoError> {
    let kept = folder.join(name);
    crate::demo::network::folder(&kept)?;
    PUT_BACK.iter().try_for_each(|part| copy(&folder.join(part), &kept.join(part)))
}

/// Puts such a copy in place.
fn put_back(folder: &Path, name: &str) -> Result<(), DemoError> {
    let kept = folder.join(name);
    for part in PUT_BACK {
        let place: PathBuf = folder.join(part);
        fs::remove_dir_all(&place).map_err(|e| DemoError::file(&place, e))?;
        fs::rename(kept.join(part), &place).map_err(|e| DemoError::file(&place, e))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), DemoError> {
    crate::demo::network::folder(to)?;
    let entries = fs::read_dir(from).map_err(|e| DemoError::file(from, e))?;
    for entry in entries {
        let entry = entry.map_err(|e| DemoError::file(from, e))?;
        let (path, there) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &there)?;
        } else {
            fs::copy(&path, &there).map_err(|e| DemoError::file(&path, e))?;
        }
    }
    Ok(())
}
