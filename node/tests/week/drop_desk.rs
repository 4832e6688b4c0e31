//! A system that can only write and read files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tram_dispatch::envelope::Urgency;
use tram_dispatch::{AgencyCode, Digest, Status};
use tram_edxml::values::Operation;
use tram_edxml::{Content, Ignore, Limits, Reading, read};
use tram_wire::SealedDispatch;

use crate::desk::{DOCUMENT, Deed, Got, Paper, name, number};
use crate::support::{Network, SOON, agency};
use crate::written::{self, Asking};

/// What a system writes and reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Edxml,
}

pub(crate) struct DropDesk {
    folder: PathBuf,
    agency: AgencyCode,
    form: Form,
    /// What lies in `in`, by its name there.
    known: BTreeMap<String, Got>,
    /// By letter, as they came.
    seen: BTreeMap<u32, Vec<(AgencyCode, Status)>>,
    /// The recall of a letter, where it has a number of its own.
    asked: BTreeMap<u32, u32>,
    said: u32,
    /// Names in `failed` that were looked at.
    failed: BTreeSet<String>,
}

impl DropDesk {
    pub(crate) fn new(folder: PathBuf, agency: AgencyCode, form: Form) -> Self {
        let (known, seen, asked, failed) = Default::default();
        DropDesk { folder, agency, form, known, seen, asked, said: 0, failed }
    }

    /// Writes under another name and renames, as a careful system does.
    fn drop(&self, name: &str, bytes: &[u8]) {
        let (part, whole) = (self.folder.join(format!("out/{name}.part")), self.out(name));
        fs::write(&part, bytes).expect("a file");
        fs::rename(part, whole).expect("renamed");
    }

    fn out(&self, name: &str) -> PathBuf {
        self.folder.join("out").join(name)
    }

    /// Puts a letter into `out`; its name there.
    fn put(&mut self, network: &Network, letter: &Paper) -> String {
        // In edXML the first recall of the week is a document of its own, the second a status.
        let asking = match letter.deed {
            Deed::Recall(4) => Asking::Document,
            _ => Asking::Status,
        };
        if let Deed::Recall(of) = letter.deed
            && (self.form, asking) != (Form::Edxml, Asking::Status)
        {
            self.asked.insert(of, letter.number);
        }
        if self.form == Form::Edxml {
            let name = format!("cv-{}.edxml", letter.number);
            self.drop(&name, &written::file(network, &self.agency, letter, asking).1);
            return name;
        }
        let (name, part) = (format!("cv-{}", letter.number), self.out(".part"));
        fs::create_dir(&part).expect("a folder");
        fs::write(part.join("cong-van.pdf"), DOCUMENT).expect("a file");
        fs::write(part.join("dispatch.json"), draft(letter).to_string()).expect("a file");
        fs::rename(part, self.out(&name)).expect("renamed");
        name
    }

    /// Puts letters into `out`, and waits until each has its receipt or its error.
    pub(crate) async fn issue(&mut self, network: &Network, all: &[Paper]) -> Result<(), String> {
        let names: Vec<String> = all.iter().map(|letter| self.put(network, letter)).collect();
        let mut refused = Ok(());
        let deadline = Instant::now() + 5 * SOON + all.len() as u32 * Duration::from_millis(50);
        for name in names {
            let sent = self.folder.join(format!("sent/{name}.receipt.json"));
            let failed = format!("{name}.error.json");
            let error = self.folder.join("failed").join(&failed);
            while !sent.exists() && !error.exists() {
                assert!(Instant::now() < deadline, "{name} still lies in out");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            if error.exists() {
                let told = json_of(&error);
                refused = Err(told["code"].as_str().expect("a code").to_owned());
                self.failed.insert(failed);
                continue;
            }
            assert!(json_of(&sent)["dispatch"].is_string());
        }
        refused
    }

    /// Nothing was refused but what the letters' own answers said.
    fn look_at_failures(&self) {
        for name in names(&self.folder.join("failed")) {
            if name.ends_with(".error.json") && !self.failed.contains(&name) {
                let told = fs::read_to_string(self.folder.join("failed").join(&name));
                panic!("{}: {name}: {}", self.agency, told.expect("a file"));
            }
        }
    }

    pub(crate) fn waiting(&mut self) -> Vec<Got> {
        self.look_at_failures();
        let names = names(&self.folder.join("in"));
        let mut all = Vec::with_capacity(names.len());
        for name in names {
            if !self.known.contains_key(&name) {
                let got = self.look(&name);
                self.known.insert(name.clone(), got);
            }
            all.push(self.known[&name].clone());
        }
        all
    }

    fn look(&self, name: &str) -> Got {
        let path = self.folder.join("in").join(name);
        if self.form == Form::Json {
            let told = json_of(&path.join("dispatch.json"));
            let id = told["dispatch"].as_str().expect("an id").to_owned();
            assert!(name.contains(&id), "{name}");
            let reference = told["reference"].as_str().expect("a reference");
            let number = number(reference).expect("a letter of the week");
            return Got { id, number, is_recall: told["act"] == "recall" };
        }
        let id = name.to_owned();
        match edxml(&path).content {
            Content::Document(edoc) => {
                let number = edoc.number.and_then(|text| text.parse().ok());
                let number = number.expect("a letter of the week");
                Got { id, number, is_recall: edoc.task.operation == Operation::Recall }
            }
            Content::Status(notice) => {
                assert_eq!(notice.status, Status::TakeBackRequested, "only that is work");
                let number = notice.about.document_id.as_deref().and_then(number);
                Got { id, number: number.expect("a letter of the week"), is_recall: true }
            }
        }
    }

    /// Takes an entry away, when all of it was looked at.
    pub(crate) fn take(&mut self, got: &Got) {
        let is = |(_, known): &(&String, &Got)| known.id == got.id;
        let name = self.known.iter().find(is).expect("it was listed").0.clone();
        let path = self.folder.join("in").join(&name);
        let sha256 = Digest(tram_crypto::sha256(DOCUMENT));
        match self.form {
            Form::Json => {
                let bytes = fs::read(path.join("sealed.dispatch")).expect("the sealed bytes");
                let sealed = SealedDispatch::parse(&bytes).expect("a dispatch");
                assert_eq!(sealed.id().to_string(), got.id);
                let told = json_of(&path.join("dispatch.json"));
                for document in told["documents"].as_array().expect("documents") {
                    let file = path.join(document["file"].as_str().expect("a name"));
                    let held = Digest(tram_crypto::sha256(&fs::read(file).expect("a document")));
                    assert_eq!(held.to_string(), document["sha256"]);
                    // What a recall was made of has no document beside the request itself.
                    assert!(held == sha256 || document["media_type"] != "application/pdf");
                }
                fs::remove_dir_all(path).expect("taken away");
            }
            Form::Edxml => {
                let reading = edxml(&path);
                if let Content::Document(_) = reading.content {
                    assert_eq!(reading.attachments[0].sha256, sha256);
                }
                fs::remove_file(path).expect("taken away");
            }
        }
        self.known.remove(&name);
    }

    pub(crate) fn say(&mut self, got: &Got, status: Status, words: &str, cause: Option<&str>) {
        self.said += 1;
        if self.form == Form::Edxml {
            let file = written::said(&self.agency, got, status, words);
            return self.drop(&format!("said-{}.xml", self.said), &file);
        }
        let mut told = json!({ "dispatch": got.id, "status": status.to_string() });
        if !words.is_empty() {
            told["remark"] = words.into();
        }
        if let Some(cause) = cause {
            told["cause"] = cause.into();
        }
        self.drop(&format!("said-{}.json", self.said), told.to_string().as_bytes());
    }

    pub(crate) fn seen(&mut self, letter: u32) -> Vec<(AgencyCode, Status)> {
        self.look_at_failures();
        for name in names(&self.folder.join("status")) {
            let path = self.folder.join("status").join(name);
            let (about, from, status) = self.told(&path);
            self.seen.entry(about).or_default().push((from, status));
            fs::remove_file(path).expect("taken away");
        }
        let letters = [Some(letter), self.asked.get(&letter).copied()].into_iter().flatten();
        let of = |letter| self.seen.get(&letter).cloned().unwrap_or_default();
        letters.flat_map(of).collect()
    }

    fn told(&self, path: &Path) -> (u32, AgencyCode, Status) {
        let (about, from, status) = match self.form {
            Form::Json => {
                let told = json_of(path);
                let text = |key: &str| told[key].as_str().expect("text").to_owned();
                let status = text("status").parse().ok().and_then(Status::from_number);
                (text("reference"), text("recipient"), status)
            }
            Form::Edxml => match edxml(path).content {
                Content::Status(n) => {
                    (n.about.document_id.expect("an id"), n.from.code, Some(n.status))
                }
                Content::Document(_) => panic!("a status"),
            },
        };
        let about = number(&about).expect("a letter of the week");
        (about, AgencyCode::parse(&from).expect("a code"), status.expect("a status"))
    }
}

/// `dispatch.json` of a letter.
fn draft(letter: &Paper) -> Value {
    let of = |n: &u32| json!({ "originator": agency(0).as_str(), "reference": name(*n).as_str() });
    let act = match &letter.deed {
        Deed::New => Value::Null,
        Deed::Recall(n) => json!({ "kind": "recall", "of": [of(n)] }),
        Deed::Update(n) => json!({ "kind": "update", "of": [of(n)] }),
        Deed::Replace(all) => {
            json!({ "kind": "replace", "of": all.iter().map(of).collect::<Vec<_>>() })
        }
    };
    let urgency = if letter.urgency == Urgency::Flash { "flash" } else { "normal" };
    let mut draft = json!({
        "reference": name(letter.number).as_str(),
        "secrecy": if letter.secret { "secret" } else { "none" },
        "metadata": {
            "subject": "Về việc thử nghiệm", "number": letter.number.to_string(),
            "notation": "CV-VP", "urgency": urgency,
        },
        "act": act,
        "documents": [{ "file": "cong-van.pdf" }],
    });
    match letter.group {
        Some(group) => draft["groups"] = json!([group]),
        None => {
            let to: Vec<&str> = letter.to.iter().map(AgencyCode::as_str).collect();
            draft["recipients"] = json!(to);
        }
    }
    draft
}

fn json_of(path: &Path) -> Value {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&bytes).expect("JSON")
}

fn edxml(path: &Path) -> Reading {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    read(&bytes[..], &mut Ignore, &Limits::DEFAULT).expect("edXML")
}

/// The names in a folder that are not hidden, in their order.
fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let names = entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}
