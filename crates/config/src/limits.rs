//! Numbers an operator may set: default, range and meaning, each in one place.

use crate::reader::Section;

/// One number of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// Its key.
    pub key: &'static str,
    /// Where the file is silent.
    pub default: u64,
    /// Least accepted.
    pub min: u64,
    /// Most accepted.
    pub max: u64,
    /// Meaning.
    pub doc: &'static str,
}

macro_rules! numbers {
    ($(#[$attribute:meta])* $name:ident, $(#[$table_attribute:meta])* $table:ident;
     $( $(#[doc = $doc:literal])+ $field:ident = $default:expr, $min:expr => $max:expr; )+) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name { $( $(#[doc = $doc])+ pub $field: u64, )+ }

        $(#[$table_attribute])*
        pub const $table: &[Number] = &[ $( Number {
            key: stringify!($field), default: $default, min: $min, max: $max,
            doc: concat!($($doc),+),
        }, )+ ];

        impl Default for $name {
            fn default() -> Self { Self { $( $field: $default, )+ } }
        }

        impl $name {
            pub(crate) fn read(section: &Section<'_>) -> Self {
                let mut table = $table.iter();
                Self { $( $field: table.next().map_or($default, |n| section.number(n)), )+ }
            }
        }
    };
}

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

numbers! {
    /// `[limits]`: bounds on memory, disk and time.
    Limits,
    /// Every key of `[limits]`.
    LIMITS;
    /// Free space kept on the file system of data_dir; below it new work is answered busy.
    free_space_reserve_bytes = GIB, 16 * MIB => 1024 * GIB;
    /// Most transfers under way with one peer in each direction.
    peer_in_flight_max = 256, 1 => 1_000;
    /// Most of them that carry large documents.
    peer_bulk_max = 8, 1 => 8;
    /// Window of one session with a peer in each direction, while there are few sessions.
    connection_window_bytes = 8 * MIB, MIB => 16 * MIB;
    /// Windows of all sessions together; each takes at least 1 MiB of it, so this bounds sessions.
    window_budget_bytes = 64 * MIB, 16 * MIB => 16 * GIB;
    /// A session is closed and made anew after this long.
    session_age_ms = 86_400_000, 60_000 => 86_400_000;
    /// First pause before trying again; doubles each time, with jitter.
    retry_initial_ms = 1_000, 100 => 60_000;
    /// Longest pause before trying again.
    retry_max_ms = 300_000, 1_000 => 3_600_000;
    /// Most open connections on each local socket.
    client_connections_max = 256, 1 => 4096;
    /// Most uploads under way on the local sockets.
    client_uploads_max = 32, 1 => 1024;
    /// Longest that a client's question waits for news, whatever it asks for.
    client_wait_ms_max = 60_000, 1_000 => 60_000;
    /// Most dispatches with work left to do, in memory; over it new work is answered BUSY.
    open_dispatches_max = 200_000, 10 => 10_000_000;
    /// Most memory that they may take, as estimated; over it new work is answered BUSY.
    memory_bytes_max = 224 * MIB, 64 * MIB => 256 * GIB;
    /// Most bytes of what they and their documents take on disk; over it: BUSY_STORAGE.
    stored_bytes_max = 1024 * GIB, 64 * MIB => 1024 * 1024 * GIB;
}

numbers! {
    /// `[quotas]`: what one agency, peer or mailbox may have of the node.
    Quotas,
    /// Every key of `[quotas]`.
    QUOTAS;
    /// Dispatches one agency may submit here in a minute, evenly.
    agency_dispatches_per_minute = 6_000, 1 => 1_000_000;
    /// Dispatches one agency may submit at once, after a pause.
    agency_burst = 6_000, 1 => 1_000_000;
    /// Bytes one agency may submit in an hour.
    agency_bytes_per_hour = 64 * GIB, MIB => 1024 * GIB;
    /// Dispatches one agency submitted here that have no outcome yet.
    agency_open_max = 100_000, 1 => 10_000_000;
    /// Their bytes.
    agency_open_bytes_max = 128 * GIB, MIB => 1024 * GIB;
    /// Documents of one agency, or from one peer, that are here and no dispatch uses yet, in bytes.
    upload_bytes_max = 16 * GIB, MIB => 1024 * GIB;
    /// Offers one peer may make in a minute, evenly.
    peer_offers_per_minute = 600_000, 1 => 60_000_000;
    /// Offers one peer may make at once, after a pause.
    peer_burst = 600_000, 1 => 60_000_000;
    /// Dispatches one peer gave us that are not delivered, or whose receipts it did not take.
    peer_open_max = 100_000, 1 => 10_000_000;
    /// Their bytes.
    peer_open_bytes_max = 256 * GIB, MIB => 1024 * 1024 * GIB;
    /// Dispatches waiting for one peer, with copies of what it has; half from one agency or peer.
    direction_max = 100_000, 1 => 10_000_000;
    /// Their bytes.
    direction_bytes_max = 256 * GIB, MIB => 1024 * 1024 * GIB;
    /// Dispatches kept for one recipient here; of them half from one originator.
    mailbox_max = 100_000, 1 => 10_000_000;
    /// Their bytes.
    mailbox_bytes_max = 256 * GIB, MIB => 1024 * 1024 * GIB;
}

numbers! {
    /// `[retention]`: how long things are kept.
    Retention,
    /// Every key of `[retention]`.
    RETENTION;
    /// The last relay keeps its copy this long after consignment, unless handover comes first.
    consigned_days = 7, 1 => 90;
    /// The recipient's node keeps documents this long after the clerk's answer.
    mailbox_days = 30, 1 => 3_650;
    /// Documents whose time is over by the policy are looked for this often.
    look_every_s = 600, 1 => 86_400;
}

numbers! {
    /// The number in `[tiles]`.
    TilesPace,
    /// Every number of `[tiles]`.
    TILES;
    /// What is new is written at most this often.
    every_s = 300, 1 => 86_400;
}

numbers! {
    /// The numbers in `[axis]`.
    AxisLimits,
    /// Every number of `[axis]`.
    AXIS;
    /// Largest file that the endpoint takes.
    file_bytes_max = 512 * MIB, MIB => 2 * GIB;
    /// Most open connections of the endpoint.
    connections_max = 256, 1 => 4_096;
    /// Of these, from one address.
    connections_per_address_max = 64, 1 => 4_096;
}

numbers! {
    /// The numbers in `[drop]`.
    DropLimits,
    /// Every number of `[drop]`.
    DROP;
    /// Pause between two looks at a drop folder.
    interval_ms = 1_000, 100 => 60_000;
    /// With complete = "quiet", what has not changed for so long is whole.
    quiet_s = 10, 2 => 3_600;
    /// Largest file or folder that is taken out of a drop folder, all documents together.
    entry_bytes_max = 512 * MIB, MIB => 2 * GIB;
}

numbers! {
    /// The numbers in `[webhook]`.
    WebhookPace,
    /// Every number of `[webhook]`.
    WEBHOOK;
    /// Longest wait for a receiver's answer.
    answer_s = 15, 1 => 120;
    /// Longest pause before an event is sent again.
    pause_s_max = 300, 1 => 3_600;
}

numbers! {
    /// The numbers in `[door]`.
    DoorLimits,
    /// Every number of `[door]`.
    DOOR;
    /// Most open connections of the door.
    connections_max = 256, 1 => 4_096;
    /// Of these, from one address.
    connections_per_address_max = 64, 1 => 4_096;
    /// Of these, of one system.
    connections_per_system_max = 64, 1 => 4_096;
}

numbers! {
    /// The number in `[witness]`.
    WitnessPace,
    /// Every number of `[witness]`.
    WITNESS;
    /// The parent's parent is asked to cosign this node's newest checkpoint at most this often.
    grandparent_s = 600, 1 => 86_400;
}

numbers! {
    /// The number in `[timestamp]`.
    TimeStampPace,
    /// Every number of `[timestamp]`.
    TIME_STAMP;
    /// The newest checkpoint is time-stamped at most this often.
    interval_s = 3_600, 10 => 86_400;
}

numbers! {
    /// The number in `[revocation]`.
    RevocationGrace,
    /// Every number of `[revocation]`.
    REVOCATION;
    /// A list decides this long after its own next update was due; then nodes defer.
    grace_hours = 72, 0 => 720;
}
