//! What a clerk's document system does, whatever the door.

use tram_dispatch::envelope::{Act, Document, Envelope, Related, Secrecy, Urgency};
use tram_dispatch::{AgencyCode, Digest, Reference, Status};

use crate::api_desk::ApiDesk;
use crate::axis_desk::AxisDesk;
use crate::drop_desk::DropDesk;
use crate::support::{Network, agency};

/// The one document of every letter.
pub(crate) const DOCUMENT: &[u8] = b"%PDF-1.7 N\xe1\xbb\x99i dung c\xc3\xb4ng v\xc4\x83n";

/// What a letter does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    New,
    Recall(u32),
    Update(u32),
    Replace(Vec<u32>),
}

/// A letter of the centre: the originator of the whole week.
#[derive(Clone, Debug)]
pub(crate) struct Paper {
    pub(crate) number: u32,
    pub(crate) to: Vec<AgencyCode>,
    pub(crate) deed: Deed,
    pub(crate) urgency: Urgency,
    pub(crate) secret: bool,
    /// The group that it is addressed to, by those who can say so; `to` is who that is.
    pub(crate) group: Option<&'static str>,
}

impl Paper {
    pub(crate) fn new(number: u32, to: &[&AgencyCode]) -> Self {
        let mut to: Vec<AgencyCode> = to.iter().map(|code| (*code).clone()).collect();
        to.sort();
        Paper { number, to, deed: Deed::New, urgency: Urgency::Normal, secret: false, group: None }
    }

    pub(crate) fn doing(self, deed: Deed) -> Self {
        Paper { deed, ..self }
    }

    /// The same for every door, so that what they say can be compared.
    pub(crate) fn envelope(&self, network: &Network) -> Envelope {
        let document = Document {
            name: "cong-van.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            size: DOCUMENT.len() as u64,
            sha256: Digest(tram_crypto::sha256(DOCUMENT)),
            second_digest: None,
        };
        let reference = name(self.number);
        let mut envelope = network.envelope(0, &[], reference.as_str(), vec![document]);
        envelope.recipients = self.to.clone();
        envelope.metadata.number = Some(self.number.to_string());
        envelope.metadata.notation = Some("CV-VP".to_owned());
        envelope.metadata.urgency = self.urgency;
        envelope.secrecy = if self.secret { Secrecy::Secret } else { Secrecy::None };
        let of = |n: &u32| Related { originator: agency(0), reference: name(*n), dispatch: None };
        envelope.act = match &self.deed {
            Deed::New => Act::New,
            Deed::Recall(n) => Act::Recall(of(n)),
            Deed::Update(n) => Act::Update(of(n)),
            Deed::Replace(all) => Act::Replace(all.iter().map(of).collect()),
        };
        envelope
    }
}

/// The reference of a letter, which is its `DocumentId` too.
pub(crate) fn name(number: u32) -> Reference {
    format!("{number}/CV-VP").parse().expect("a plain reference")
}

/// The number in a reference.
pub(crate) fn number(reference: &str) -> Option<u32> {
    reference.split_once('/').and_then(|(number, _)| number.parse().ok())
}

/// Something that waits for an agency's system.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    /// The id by which the door knows it.
    pub(crate) id: String,
    /// The letter; of a recall that names no letter of its own, the one that it is about.
    pub(crate) number: u32,
    pub(crate) is_recall: bool,
}

/// One agency's document system.
pub(crate) enum Desk {
    /// The API, by the local socket or by the door.
    Api(ApiDesk),
    /// The endpoint of the national axis.
    Axis(AxisDesk),
    /// A drop folder.
    Drop(DropDesk),
}

impl Desk {
    /// Sends a letter.
    ///
    /// # Errors
    /// What the door says of it.
    pub(crate) async fn issue(&mut self, network: &Network, letter: &Paper) -> Result<(), String> {
        match self {
            Desk::Api(desk) => desk.issue(network, letter).await,
            Desk::Axis(desk) => desk.issue(network, letter).await,
            Desk::Drop(desk) => desk.issue(network, std::slice::from_ref(letter)).await,
        }
    }

    /// Sends many letters: one after the other, or as a pile where the door takes that.
    ///
    /// # Errors
    /// As [`Desk::issue`], of one of them.
    pub(crate) async fn issue_all(
        &mut self,
        network: &Network,
        letters: &[Paper],
    ) -> Result<(), String> {
        if let Desk::Drop(desk) = self {
            return desk.issue(network, letters).await;
        }
        for letter in letters {
            self.issue(network, letter).await?;
        }
        Ok(())
    }

    /// What waits, in its order.
    pub(crate) async fn waiting(&mut self) -> Vec<Got> {
        match self {
            Desk::Api(desk) => desk.waiting().await,
            Desk::Axis(desk) => desk.waiting().await,
            Desk::Drop(desk) => desk.waiting(),
        }
    }

    /// Fetches a letter, looks at its document, and confirms.
    pub(crate) async fn take(&mut self, got: &Got) {
        match self {
            Desk::Api(desk) => desk.take(got).await,
            Desk::Axis(desk) => desk.take(got).await,
            Desk::Drop(desk) => desk.take(got),
        }
    }

    /// Says what becomes of it: of a recall or an update 15 or 16, else 02 to 06.
    pub(crate) async fn say(&mut self, got: &Got, status: Status, words: &str) {
        match self {
            Desk::Api(desk) => desk.say(got, status, words).await,
            Desk::Axis(desk) => desk.say(got, status, words).await,
            Desk::Drop(desk) => desk.say(got, status, words, None),
        }
    }

    /// Gives back what is meant for another agency.
    pub(crate) async fn give_back(&mut self, got: &Got, words: &str) {
        match self {
            Desk::Api(desk) => desk.give_back(got, words).await,
            Desk::Axis(desk) => desk.say(got, Status::Refused, words).await,
            Desk::Drop(desk) => desk.say(got, Status::Refused, words, Some("wrong_addressee")),
        }
    }

    /// As its originator sees it: every status that recipients gave of a letter, or of what asked about it.
    pub(crate) async fn seen(&mut self, number: u32) -> Vec<(AgencyCode, Status)> {
        match self {
            Desk::Api(desk) => desk.seen(number).await,
            Desk::Axis(desk) => desk.seen(number).await,
            Desk::Drop(desk) => desk.seen(number),
        }
    }
}
