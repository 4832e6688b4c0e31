//! A system that speaks the API, on this machine or another.

use std::collections::BTreeMap;

use tram_api::model::{
    InboxQuery, InboxState, RefusalCause, RefuseRequest, SealActKind, SealDocument, SealMetadata,
    SealRequest, SecrecyMark,
};
use tram_api::{Client, ClientError};
use tram_dispatch::group::Group;
use tram_dispatch::{AgencyCode, Digest, DispatchId, Status};

use crate::desk::{DOCUMENT, Deed, Got, Paper, name, number};
use crate::support::Network;

pub(crate) struct ApiDesk {
    client: Client,
    /// Whether it has its agency's seal, or the node does.
    seals: bool,
    agency: AgencyCode,
    issued: BTreeMap<u32, DispatchId>,
    /// The recall or update of a letter that came last.
    asked: BTreeMap<u32, u32>,
}

impl ApiDesk {
    pub(crate) fn new(client: Client, agency: AgencyCode, seals: bool) -> Self {
        ApiDesk { client, seals, agency, issued: BTreeMap::new(), asked: BTreeMap::new() }
    }

    pub(crate) async fn issue(&mut self, network: &Network, letter: &Paper) -> Result<(), String> {
        if let Some(group) = letter.group.filter(|_| !self.seals) {
            let id = self.sealed_there(letter, group).await.map_err(|e| e.code().to_string())?;
            self.issued.insert(letter.number, id);
            return Ok(());
        }
        let mut envelope = letter.envelope(network);
        if let Some(text) = letter.group {
            // Expanded before it is sealed: the envelope names everybody.
            let group: Group = text.parse().expect("a group");
            let view = self.client.recipients(&self.agency, &[group]).await.expect("a list");
            envelope.recipients = view.recipients.into_iter().map(|r| r.agency.0).collect();
            envelope.group = Some(text.to_owned());
        }
        let sealed = network.seal(&envelope);
        let answer = self.client.submit(sealed.raw(), &[Some(DOCUMENT.into())]).await;
        answer.map_err(|e| e.code().as_str().to_owned())?;
        self.issued.insert(letter.number, sealed.id());
        if let Deed::Recall(of) | Deed::Update(of) = letter.deed {
            self.asked.insert(of, letter.number);
        }
        Ok(())
    }

    /// The node expands the group and seals.
    async fn sealed_there(&self, letter: &Paper, group: &str) -> Result<DispatchId, ClientError> {
        let sha256 = Digest(tram_crypto::sha256(DOCUMENT));
        let size = DOCUMENT.len() as u64;
        self.client.upload(&self.agency, sha256, size, 0, DOCUMENT, |_| {}).await?;
        let metadata = SealMetadata {
            number: Some(letter.number.to_string()),
            notation: Some("CV-VP".to_owned()),
            subject: "Về việc thử nghiệm".to_owned(),
            ..SealMetadata::default()
        };
        let document = SealDocument {
            name: "cong-van.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            sha256: sha256.into(),
        };
        let request = SealRequest {
            originator: self.agency.clone().into(),
            reference: None,
            recipients: Vec::new(),
            groups: vec![group.to_owned()],
            group: None,
            secrecy: SecrecyMark::None,
            metadata,
            act: None,
            documents: vec![document],
            expires_at: None,
            max_hops: None,
        };
        let accepted = self.client.seal(&name(letter.number), &request).await?;
        let expanded = accepted.expanded.expect("what became of the group");
        assert_eq!((&*expanded.groups, expanded.recipients as usize), (group, letter.to.len()));
        Ok(accepted.dispatch.0)
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

    pub(crate) async fn seen(&mut self, number: u32) -> Vec<(AgencyCode, Status)> {
        let mut seen = Vec::new();
        for number in [Some(number), self.asked.get(&number).copied()].into_iter().flatten() {
            let Some(id) = self.issued.get(&number) else { continue };
            let tracking = self.client.track(*id).await.expect("its own");
            let said = tracking.evidence.iter().filter(|e| e.authorised);
            seen.extend(said.filter_map(|e| Some((e.recipient.clone()?.0, e.status?.0))));
        }
        seen
    }
}

fn id(got: &Got) -> DispatchId {
    got.id.parse().expect("an id of ours")
}
