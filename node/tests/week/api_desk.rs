//! A system that speaks the API, on this machine or another.

use std::collections::BTreeMap;

use tram_api::Client;
use tram_api::model::{InboxQuery, InboxState, RefusalCause, RefuseRequest, SealActKind};
use tram_dispatch::{AgencyCode, Digest, DispatchId, Status};

use crate::desk::{DOCUMENT, Deed, Got, Paper, number};
use crate::support::Network;

pub(crate) struct ApiDesk {
    client: Client,
    agency: AgencyCode,
    issued: BTreeMap<u32, DispatchId>,
    /// The recall or update of a letter that came last.
    asked: BTreeMap<u32, u32>,
}

impl ApiDesk {
    pub(crate) fn new(client: Client, agency: AgencyCode) -> Self {
        ApiDesk { client, agency, issued: BTreeMap::new(), asked: BTreeMap::new() }
    }

    pub(crate) async fn issue(&mut self, network: &Network, letter: &Paper) -> Result<(), String> {
        let sealed = network.seal(&letter.envelope(network));
        let answer = self.client.submit(sealed.raw(), &[Some(DOCUMENT.into())]).await;
        answer.map_err(|e| e.code().as_str().to_owned())?;
        self.issued.insert(letter.number, sealed.id());
        if let Deed::Recall(of) | Deed::Update(of) = letter.deed {
            self.asked.insert(of, letter.number);
        }
        Ok(())
    }

    pub(crate) async fn waiting(&mut self) -> Vec<Got> {
        let mut all = Vec::new();
        let state = Some(InboxState::Waiting);
        let mut query = InboxQuery { state, limit: Some(500), ..InboxQuery::default() };
        loop {
            let page = self.client.inbox(&self.agency, &query).await.expect("a mailbox");
            all.extend(page.items.iter().map(|item| Got {
                id: item.dispatch.0.to_string(),
                number: number(item.reference.0.as_str()).expect("a letter of the week"),
                is_recall: item.act == SealActKind::Recall,
            }));
            match page.next {
                Some(next) if !page.items.is_empty() => query.after = Some(next),
                _ => return all,
            }
        }
    }

    pub(crate) async fn take(&mut self, got: &Got) {
        let id = id(got);
        let fetched = self.client.fetch(&self.agency, id).await.expect("its bytes");
        let sha256 = Digest(tram_crypto::sha256(DOCUMENT));
        let mut download =
            self.client.download(&self.agency, id, sha256, 0).await.expect("its document");
        let mut bytes = Vec::new();
        while let Some(piece) = download.next().await.expect("its document") {
            bytes.extend_from_slice(&piece);
        }
        assert_eq!(bytes, DOCUMENT);
        self.client.confirm(&self.agency, id, &fetched.token).await.expect("confirmed");
    }

    pub(crate) async fn say(&mut self, got: &Got, status: Status, words: &str) {
        let (id, words) = (id(got), Some(words.to_owned()).filter(|w| !w.is_empty()));
        let (client, agency) = (&self.client, &self.agency);
        match status {
            Status::Accepted => {
                client.register(agency, id, words).await.expect("registered");
            }
            Status::Refused => {
                let reason = words.expect("a refusal has its reason");
                client.refuse(agency, id, reason).await.expect("refused");
            }
            status => {
                client.report(agency, id, status, words).await.expect("recorded");
            }
        }
    }

    pub(crate) async fn give_back(&mut self, got: &Got, words: &str) {
        let cause = Some(RefusalCause::WrongAddressee);
        let request = RefuseRequest { reason: words.to_owned(), cause };
        self.client.send_back(&self.agency, id(got), &request).await.expect("recorded");
    }

    pub(crate) async fn seen(&mut self, number: u32, recipient: &AgencyCode) -> Vec<Status> {
        let mut seen = Vec::new();
        for number in [Some(number), self.asked.get(&number).copied()].into_iter().flatten() {
            let Some(id) = self.issued.get(&number) else { continue };
            let tracking = self.client.track(*id).await.expect("its own");
            let of = |e: &&tram_api::model::EvidenceView| {
                e.authorised && e.recipient.as_ref().is_none_or(|r| r.0 == *recipient)
            };
            seen.extend(tracking.evidence.iter().filter(of).filter_map(|e| Some(e.status?.0)));
        }
        seen
    }
}

fn id(got: &Got) -> DispatchId {
    got.id.parse().expect("an id of ours")
}
