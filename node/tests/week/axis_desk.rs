//! A system that knows the national axis alone.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tram_dispatch::{AgencyCode, Digest, Status};
use tram_edxml::values::Operation;
use tram_edxml::{Content, Ignore, Limits, Reading, read};

use crate::client::Client;
use crate::desk::{DOCUMENT, Deed, Got, Paper, number};
use crate::support::Network;
use crate::written::{self, Asking};

/// Rows asked for at a time.
const PAGE: usize = 5_000;

pub(crate) struct AxisDesk {
    client: Client,
    agency: AgencyCode,
    /// By letter, as they came.
    seen: BTreeMap<u32, Vec<(AgencyCode, Status)>>,
    /// Recalls that came, until they are answered.
    recalls: Vec<Got>,
    done: BTreeSet<String>,
    /// The letters behind items of the list, which does not say, and whether they are recalls.
    known: BTreeMap<String, (u32, bool)>,
    /// The recall of a letter, where it is a document of its own.
    asked: BTreeMap<u32, u32>,
}

impl AxisDesk {
    pub(crate) fn new(client: Client, agency: AgencyCode) -> Self {
        let (seen, recalls, done, known, asked) = Default::default();
        AxisDesk { client, agency, seen, recalls, done, known, asked }
    }

    pub(crate) async fn issue(&mut self, network: &Network, letter: &Paper) -> Result<(), String> {
        let from = self.agency.as_str().to_owned();
        // The first recall of the week is a status, the second a document.
        let asking = match letter.deed {
            Deed::Recall(4) => Asking::Status,
            _ => Asking::Document,
        };
        if let (Deed::Recall(of), Asking::Document) = (&letter.deed, asking) {
            self.asked.insert(*of, letter.number);
        }
        let (kind, file) = written::file(network, &self.agency, letter, asking);
        let answer = self.client.send(kind, &from, &file).await;
        match answer.code().as_str() {
            "0" => Ok(()),
            code => Err(format!("{code} {}", answer.json()["ErrorDesc"])),
        }
    }

    /// All that waits, page by page.
    async fn list(&mut self, kind: &str) -> Vec<Value> {
        self.client.set("messagetype", kind);
        self.client.set("pageSize", &PAGE.to_string());
        let mut all = Vec::new();
        for page in 1_usize.. {
            self.client.set("pageIndex", &page.to_string());
            let list = self.client.call("getReceivedEdocList", Some(b"")).await;
            assert_eq!(list.code(), "0", "{}", list.json());
            let rows = list.json()["data"].as_array().expect("data").clone();
            let last = rows.len() < PAGE;
            all.extend(rows);
            if last {
                break;
            }
        }
        all
    }

    async fn fetched(&mut self, id: &str) -> Reading {
        self.client.set("docId", id);
        let answer = self.client.call("getEdoc", Some(b"{}")).await;
        assert_eq!(answer.code(), "0", "{}", answer.json());
        let file = STANDARD.decode(answer.json()["data"].as_str().expect("data"));
        read(&file.expect("base64")[..], &mut Ignore, &Limits::DEFAULT).expect("edXML")
    }

    async fn confirm(&mut self, id: &str) {
        self.client.set("docId", id);
        self.client.set("docid", id);
        self.client.set("status", "done");
        assert_eq!(self.client.call("updateStatus", Some(b"{}")).await.code(), "0");
    }

    /// Takes the statuses that wait: those of others' letters as news, requests to give back as work.
    async fn hear(&mut self) {
        for item in self.list("status").await {
            let id = item["docId"].as_str().expect("docId").to_owned();
            if self.done.contains(&id) {
                continue;
            }
            let Content::Status(notice) = self.fetched(&id).await.content else {
                panic!("a status")
            };
            let about = notice.about.document_id.as_deref().and_then(number);
            let about = about.expect("a letter of the week");
            if notice.status == Status::TakeBackRequested {
                // Answered before it is confirmed; it stays listed until then.
                if !self.recalls.iter().any(|got| got.id == id) {
                    self.recalls.push(Got { id, number: about, is_recall: true });
                }
                continue;
            }
            let from = AgencyCode::parse(&notice.from.code).expect("a code");
            self.seen.entry(about).or_default().push((from, notice.status));
            self.confirm(&id).await;
            self.done.insert(id);
        }
    }

    pub(crate) async fn waiting(&mut self) -> Vec<Got> {
        self.hear().await;
        let mut all = self.recalls.clone();
        for item in self.list("edoc").await {
            let id = item["docId"].as_str().expect("docId").to_owned();
            let (number, is_recall) = match self.known.get(&id) {
                Some(known) => *known,
                None => {
                    let Content::Document(edoc) = self.fetched(&id).await.content else {
                        panic!("a document")
                    };
                    let number = edoc.number.and_then(|text| text.parse().ok());
                    let is_recall = edoc.task.operation == Operation::Recall;
                    (number.expect("a letter of the week"), is_recall)
                }
            };
            self.known.insert(id.clone(), (number, is_recall));
            all.push(Got { id, number, is_recall });
        }
        all
    }

    pub(crate) async fn take(&mut self, got: &Got) {
        if !got.is_recall {
            let reading = self.fetched(&got.id).await;
            let sha256 = Digest(tram_crypto::sha256(DOCUMENT));
            assert_eq!(reading.attachments[0].sha256, sha256);
            let Content::Document(edoc) = reading.content else { panic!("a document") };
            assert_eq!(edoc.number.as_deref(), Some(got.number.to_string().as_str()));
        }
        self.confirm(&got.id).await;
        self.recalls.retain(|recall| recall.id != got.id);
        self.done.insert(got.id.clone());
    }

    pub(crate) async fn say(&mut self, got: &Got, status: Status, words: &str) {
        let from = self.agency.as_str().to_owned();
        let file = written::said(&self.agency, got, status, words);
        let said = self.client.send("status", &from, &file).await;
        assert_eq!(said.code(), "0", "{status} of {}: {}", got.number, said.json());
    }

    pub(crate) async fn seen(&mut self, number: u32) -> Vec<(AgencyCode, Status)> {
        self.hear().await;
        let letters = [Some(number), self.asked.get(&number).copied()].into_iter().flatten();
        let of = |letter| self.seen.get(&letter).cloned().unwrap_or_default();
        letters.flat_map(of).collect()
    }
}
