//! From the configuration's numbers to the engine's settings.

use tram_config::{Config, working_days};
use tram_dispatch::directory::RootDocument;
use tram_engine::Settings;
use tram_engine::quota::{Ceiling, Quotas};

const DAY_MS: u64 = 86_400_000;

/// What the engine is told of the configuration, and of the network's root document.
pub(super) fn settings(config: &Config, root: &RootDocument) -> Settings {
    let limits = &config.limits;
    Settings {
        held_max: limits.open_dispatches_max as usize,
        memory_bytes_max: limits.memory_bytes_max,
        stored_bytes_max: limits.stored_bytes_max,
        quotas: quotas(&config.quotas, limits.memory_bytes_max),
        transfers_per_peer_max: limits.peer_in_flight_max as usize,
        retry_ms_min: limits.retry_initial_ms,
        retry_ms_max: limits.retry_max_ms,
        keep_after_consignment_ms: config.retention.consigned_days * DAY_MS,
        keep_closed_documents: config.retention_policy.is_some(),
        keep_after_registration_ms: config.retention.mailbox_days * DAY_MS,
        registration_days: working_days::load(config.working_days.as_deref()).ok(),
        lifetime_ms_max: root.lifetime_ms_max,
        ..Settings::default()
    }
}

/// Of the memory an agency takes at most a quarter; a peer, a direction, a mailbox at most a third.
fn quotas(q: &tram_config::Quotas, memory_bytes: u64) -> Quotas {
    let ceiling = |count, stored_bytes, part| Ceiling {
        count,
        stored_bytes,
        memory_bytes: memory_bytes / part,
    };
    Quotas {
        agency_rate: Quotas::per_minute(q.agency_dispatches_per_minute, q.agency_burst),
        agency_bytes_rate: Quotas::bytes_per_hour(q.agency_bytes_per_hour),
        agency_open: ceiling(q.agency_open_max, q.agency_open_bytes_max, 4),
        peer_rate: Quotas::per_minute(q.peer_offers_per_minute, q.peer_burst),
        peer_open: ceiling(q.peer_open_max, q.peer_open_bytes_max, 3),
        direction: ceiling(q.direction_max, q.direction_bytes_max, 3),
        mailbox: ceiling(q.mailbox_max, q.mailbox_bytes_max, 3),
    }
}
