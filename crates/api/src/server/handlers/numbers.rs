use axum::response::Response;
use tram_dispatch::AgencyCode;
use tram_dispatch::envelope::Sequence;

use super::super::body::BodyStream;
use super::super::call::{Call, page, said};
use super::super::outgoing;
use crate::Problem;
use crate::model::{GapsQuery, VoidRequest};
use crate::routes::media;
use crate::service::Said;

pub(super) async fn gaps(call: Call) -> Result<Response, Problem> {
    let mut query: GapsQuery = call.query()?;
    page(None, &mut query.limit)?;
    if query.series.is_some() && query.admissions {
        return Err(Problem::bad_request("series and admissions are two different questions"));
    }
    if query.from == Some(0) {
        return Err(Problem::bad_request("numbers start at 1"));
    }
    outgoing::ok(&call.app.service.gaps(call.caller, query).await?)
}

pub(super) async fn void(call: Call, body: BodyStream) -> Result<Response, Problem> {
    let agency: AgencyCode = call.path("agency")?;
    let sequence = Sequence { series: call.path("series")?, number: call.path("number")? };
    let said: Said<VoidRequest> = said(&call, body, media::VOID).await?;
    outgoing::ok(&call.app.service.void(call.caller, agency, sequence, said).await?)
}
