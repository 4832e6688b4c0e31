use axum::response::Response;
use bytes::Bytes;
use tram_dispatch::AgencyCode;
use tram_dispatch::envelope::Sequence;
use tram_dispatch::limits::STATEMENT_BYTES_MAX;

use super::super::body::BodyStream;
use super::super::call::{Call, page};
use super::super::gate::media_type;
use super::super::{json, outgoing};
use crate::Problem;
use crate::limits::JSON_BYTES_MAX;
use crate::model::{GapsQuery, VoidRequest};
use crate::routes::media;
use crate::service::Statement;

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
    let statement = match media_type(&call.headers).as_deref() {
        Some(media::VOID) => {
            let gathered = body.gather(STATEMENT_BYTES_MAX as u64, &call.app.memory).await?;
            Statement::Sealed(Bytes::clone(&gathered.bytes))
        }
        _ => {
            let gathered = body.gather(JSON_BYTES_MAX, &call.app.memory).await?;
            let VoidRequest { reason } = json::read(&gathered.bytes)?;
            Statement::Reason(reason)
        }
    };
    outgoing::ok(&call.app.service.void(call.caller, agency, sequence, statement).await?)
}
