//! Between edXML and a dispatch. What an envelope and edXML both can say is an [`Outline`]; what only
//! edXML says stays in the kept file, and comes back from it; what only the envelope says is told as a
//! note. Where the two could differ, the envelope prevails: it is sealed.

mod from_outline;
mod kinds;
mod notice;
mod overlay;
mod reference;
mod to_outline;

use tram_dispatch::envelope::{Act, Envelope, Metadata};
use tram_dispatch::{AgencyCode, Reference};

pub use from_outline::{Setting, edoc};
pub use notice::{StatusOf, about, notice, recall, status_of};
pub use reference::{reference_named, reference_of, reference_to};
pub use to_outline::outline;

/// The parts of an envelope that edXML can say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// The agency that issued the document: `From`.
    pub originator: AgencyCode,
    /// Its name for the dispatch: made of `DocumentId`.
    pub reference: Reference,
    /// The agencies addressed, ascending, without repeats: `To`.
    pub recipients: Vec<AgencyCode>,
    /// What the document is about.
    pub metadata: Metadata,
    /// What the dispatch does: `Bussiness`.
    pub act: Act,
}

impl From<&Envelope> for Outline {
    fn from(envelope: &Envelope) -> Outline {
        Outline {
            originator: envelope.originator.clone(),
            reference: envelope.reference.clone(),
            recipients: envelope.recipients.clone(),
            metadata: envelope.metadata.clone(),
            act: envelope.act.clone(),
        }
    }
}
