use std::collections::BTreeSet;

use axum::response::Response;
use tram_dispatch::limits::{GROUP_NAME_BYTES_MAX, GROUPS_MAX};
use tram_dispatch::{AgencyCode, Digest, DispatchId, UnitCode};

use super::super::call::{Call, Strict, page};
use super::super::outgoing;
use super::collect::give;
use super::operate::remark;
use crate::Problem;
use crate::model::{
    ForwardRequest, HostedQuery, MarkRequest, RecipientsQuery, UnitQuery, UnitState,
};
use crate::routes::SEE;

pub(super) async fn groups(call: Call) -> Result<Response, Problem> {
    let agency: AgencyCode = call.path("agency")?;
    outgoing::ok(&call.app.service.groups(call.caller, agency).await?)
}

pub(super) async fn recipients(call: Call) -> Result<Response, Problem> {
    let agency: AgencyCode = call.path("agency")?;
    let query: RecipientsQuery = call.query()?;
    // The longest group is a word before a name or a code of the same length.
    let bytes_max = GROUPS_MAX * (GROUP_NAME_BYTES_MAX + 16);
    if query.groups.len() > bytes_max {
        return Err(Problem::bad_request(format!("groups has at most {bytes_max} bytes")));
    }
    outgoing::ok(&call.app.service.recipients(call.caller, agency, query).await?)
}

pub(super) async fn hosted(call: Call) -> Result<Response, Problem> {
    let mut query: HostedQuery = call.query()?;
    page(query.after.as_deref(), &mut query.limit)?;
    let scope = call.caller.scope(SEE);
    let mut found = call.app.service.hosted(call.caller, query, scope.clone()).await?;
    found.items.retain(|hosted| scope.contains(&hosted.agency));
    outgoing::ok(&found)
}

pub(super) async fn units(call: Call) -> Result<Response, Problem> {
    let agency: AgencyCode = call.path("agency")?;
    outgoing::ok(&call.app.service.units(call.caller, agency).await?)
}

pub(super) async fn forward(
    call: Call,
    Strict(request): Strict<ForwardRequest>,
) -> Result<Response, Problem> {
    let (agency, dispatch) = (call.path("agency")?, call.path("dispatch")?);
    remark("remark", request.remark.as_deref())?;
    let units: BTreeSet<&str> = request.units.iter().map(|u| u.as_str()).collect();
    if units.is_empty() || units.len() < request.units.len() {
        return Err(Problem::bad_request("units: at least one, and each once"));
    }
    outgoing::ok(&call.app.service.forward(call.caller, agency, dispatch, request).await?)
}

/// The agency and the unit that the path names.
fn unit_of(call: &Call) -> Result<(AgencyCode, UnitCode), Problem> {
    Ok((call.path("agency")?, call.path("unit")?))
}

pub(super) async fn unit_inbox(call: Call) -> Result<Response, Problem> {
    let (agency, unit) = unit_of(&call)?;
    let mut query: UnitQuery = call.query()?;
    page(query.after.as_deref(), &mut query.limit)?;
    outgoing::ok(&call.app.service.unit_inbox(call.caller, agency, unit, query).await?)
}

pub(super) async fn unit_entry(call: Call) -> Result<Response, Problem> {
    let (agency, unit) = unit_of(&call)?;
    let dispatch: DispatchId = call.path("dispatch")?;
    outgoing::ok(&call.app.service.unit_entry(call.caller, agency, unit, dispatch).await?)
}

pub(super) async fn unit_document(call: Call) -> Result<Response, Problem> {
    let (agency, unit) = unit_of(&call)?;
    let dispatch: DispatchId = call.path("dispatch")?;
    let sha256: Digest = call.path("sha256")?;
    let service = &call.app.service;
    let opened = service.unit_document(call.caller.clone(), agency, unit, dispatch, sha256).await?;
    give(&call, sha256, opened)
}

pub(super) async fn mark(
    call: Call,
    Strict(request): Strict<MarkRequest>,
) -> Result<Response, Problem> {
    let (agency, unit) = unit_of(&call)?;
    let dispatch: DispatchId = call.path("dispatch")?;
    remark("remark", request.remark.as_deref())?;
    if request.state == UnitState::Forwarded {
        return Err(Problem::bad_request("state: read or handled"));
    }
    outgoing::ok(&call.app.service.mark(call.caller, agency, unit, dispatch, request).await?)
}
