//! One handler per route: parse, call the service, shape the answer.

mod audit;
mod collect;
mod evidence;
mod hosting;
mod numbers;
mod operate;
mod streams;
mod submit;
mod track;

use axum::routing::{MethodFilter, MethodRouter, on};

use super::App;
use super::call::Call;
use crate::Problem;

/// The handler of a route, by its name in the table. An unknown name answers `INTERNAL`, and a
/// test walks the whole table.
pub(super) fn method(filter: MethodFilter, name: &str) -> MethodRouter<App> {
    match name {
        "upload_state" => on(filter, submit::upload_state),
        "upload" => on(filter, submit::upload),
        "submit" => on(filter, submit::submit),
        "list_dispatches" => on(filter, track::list),
        "track" => on(filter, track::track),
        "dispatch_evidence" => on(filter, evidence::dispatch_evidence),
        "dispatch_receipts" => on(filter, evidence::dispatch_receipts),
        "inbox" => on(filter, collect::inbox),
        "inbox_entry" => on(filter, collect::entry),
        "fetch" => on(filter, collect::fetch),
        "fetch_document" => on(filter, collect::document),
        "confirm" => on(filter, collect::confirm),
        "register" => on(filter, collect::register),
        "refuse" => on(filter, collect::refuse),
        "report" => on(filter, collect::report),
        "forward" => on(filter, hosting::forward),
        "units" => on(filter, hosting::units),
        "unit_inbox" => on(filter, hosting::unit_inbox),
        "unit_entry" => on(filter, hosting::unit_entry),
        "unit_document" => on(filter, hosting::unit_document),
        "mark" => on(filter, hosting::mark),
        "hosted" => on(filter, hosting::hosted),
        "groups" => on(filter, hosting::groups),
        "recipients" => on(filter, hosting::recipients),
        "receipts" => on(filter, evidence::receipts),
        "log_head" => on(filter, evidence::log_head),
        "log_entries" => on(filter, evidence::log_entries),
        "inclusion" => on(filter, evidence::inclusion),
        "consistency" => on(filter, evidence::consistency),
        "log_witnesses" => on(filter, evidence::log_witnesses),
        "log_anchor" => on(filter, evidence::log_anchor),
        "override_anchor" => on(filter, evidence::override_anchor),
        "log_timestamps" => on(filter, evidence::log_timestamps),
        "genesis" => on(filter, evidence::genesis),
        "audit_documents" => on(filter, audit::documents),
        "audit_between" => on(filter, audit::between),
        "audit_refusals" => on(filter, audit::refusals),
        "audit_key" => on(filter, audit::key),
        "audit_overdue" => on(filter, audit::overdue),
        "audit_statistics" => on(filter, audit::statistics),
        "gaps" => on(filter, numbers::gaps),
        "void_number" => on(filter, numbers::void),
        "events" => on(filter, streams::events),
        "status" => on(filter, operate::status),
        "peers" => on(filter, operate::peers),
        "test_peer" => on(filter, operate::test_peer),
        "queue" => on(filter, operate::queue),
        "change_queue" => on(filter, operate::change_queue),
        "retention" => on(filter, operate::retention),
        "directory" => on(filter, operate::directory),
        "install_directory" => on(filter, operate::install_directory),
        "check_store" => on(filter, streams::check_store),
        "openapi" => on(filter, operate::openapi),
        _ => on(filter, missing),
    }
}

async fn missing(call: Call) -> Problem {
    let text = format!("route {} has no handler", call.route.name);
    Problem::new(tram_dispatch::Code::Internal, text)
}
