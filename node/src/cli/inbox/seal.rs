//! The clerk's decision under the agency's own seal.

use tram_api::Client;
use tram_api::model::Recorded;
use tram_dispatch::envelope::SealedBy;
use tram_dispatch::{AgencyCode, Code, DispatchId, Event, Status};
use tram_wire::SealedDispatch;
use tram_wire::statement::Statement;

use crate::cli::clock::now;
use crate::cli::failure::Failure;
use crate::cli::own_seal::Opened;

/// What is decided of which dispatch.
pub(super) struct Decision {
    pub(super) agency: AgencyCode,
    pub(super) id: DispatchId,
    /// `ConsignmentAcceptance`, `ConsignmentRejection`, `HandlingStatus`, `ActAcceptance` or `ActRejection`.
    pub(super) event: Event,
    /// With `HandlingStatus`.
    pub(super) status: Option<Status>,
    pub(super) remark: Option<String>,
}

impl Decision {
    /// Seals it over the bytes that the node holds for the agency, and hands it in.
    ///
    /// # Errors
    /// `UNREADABLE` where the node gives something else than the dispatch; the node's own.
    pub(super) async fn sealed(self, client: &Client, seal: &Opened) -> Result<Recorded, Failure> {
        let Decision { agency, id, event, status, remark } = self;
        let fetched = client.fetch(&agency, id).await?;
        let dispatch = SealedDispatch::parse(&fetched.sealed)?;
        if dispatch.id() != id {
            let detail = format!("the node gave dispatch {} for {id}", dispatch.id());
            return Err(Failure::new(Code::Unreadable, detail));
        }
        let statement = seal.seal(&Statement {
            network: seal.network,
            agency: agency.clone(),
            dispatch: id,
            object: dispatch.object(),
            event,
            status,
            time: now(),
            remark,
            sealed_by: SealedBy::Agency,
        })?;
        Ok(match event {
            Event::ConsignmentRejection => {
                client.refuse_sealed(&agency, id, statement.raw()).await?
            }
            Event::HandlingStatus | Event::ActAcceptance | Event::ActRejection => {
                client.report_sealed(&agency, id, statement.raw()).await?
            }
            _ => client.register_sealed(&agency, id, statement.raw()).await?,
        })
    }
}
