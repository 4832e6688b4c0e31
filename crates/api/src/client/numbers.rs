use tram_dispatch::AgencyCode;
use tram_dispatch::envelope::Sequence;

use super::{Ask, Client, ClientError};
use crate::model::{GapsQuery, GapsReport, VoidRequest, Voided};
use crate::routes::media;

impl Client {
    /// Which numbers of an originator are missing, and why.
    pub async fn gaps(&self, query: &GapsQuery) -> Result<GapsReport, ClientError> {
        self.json(Ask::get(&["audit", "gaps"]).query(query)?).await
    }

    /// Has the node declare a number void, with the agency's key in its key provider.
    pub async fn void(
        &self,
        agency: &AgencyCode,
        sequence: Sequence,
        reason: &str,
    ) -> Result<Voided, ClientError> {
        let request = VoidRequest { reason: reason.to_owned() };
        let (series, number) = (sequence.series.to_string(), sequence.number.to_string());
        let ask = Ask::post(&["agencies", agency.as_str(), "series", &series, &number, "void"]);
        self.json(ask.json(&request)?).await
    }

    /// Hands in a void statement that the agency sealed itself.
    pub async fn void_sealed(
        &self,
        agency: &AgencyCode,
        sequence: Sequence,
        statement: &[u8],
    ) -> Result<Voided, ClientError> {
        let (series, number) = (sequence.series.to_string(), sequence.number.to_string());
        let ask = Ask::post(&["agencies", agency.as_str(), "series", &series, &number, "void"]);
        self.json(ask.body(media::VOID, statement.to_vec())).await
    }
}
