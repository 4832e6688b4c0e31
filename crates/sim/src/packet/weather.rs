//! What one direction of a link does to datagrams.

/// The faults of one direction. [`Weather::calm`] has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Lost, per million.
    pub loss_ppm: u32,
    /// Delivered twice, per million; the second copy has a delay of its own.
    pub duplicate_ppm: u32,
    /// Delivered with one octet changed, per million.
    pub corrupt_ppm: u32,
    /// Shortest delay.
    pub delay_ms_min: u32,
    /// Longest delay; what lies between lets datagrams overtake each other.
    pub delay_ms_max: u32,
    /// Longer UDP payloads vanish without a word: an MTU black hole.
    pub mtu_bytes: u32,
    /// Octets that pass in a second; absent: any number.
    pub rate_bytes_per_s: Option<u32>,
    /// Nothing passes.
    pub cut: bool,
}

/// What waits longer for its turn on a slow link is dropped.
pub const QUEUE_MS_MAX: u64 = 400;

impl Weather {
    /// A short way without faults.
    #[must_use]
    pub const fn calm() -> Self {
        Weather {
            loss_ppm: 0,
            duplicate_ppm: 0,
            corrupt_ppm: 0,
            delay_ms_min: 1,
            delay_ms_max: 1,
            mtu_bytes: 65_527,
            rate_bytes_per_s: None,
            cut: false,
        }
    }

    /// Calm, and nothing passes.
    #[must_use]
    pub const fn cut() -> Self {
        Weather { cut: true, ..Weather::calm() }
    }

    /// Loses, doubles, delays and reorders as a bad radio link would.
    #[must_use]
    pub const fn rough() -> Self {
        Weather {
            loss_ppm: 100_000,
            duplicate_ppm: 50_000,
            corrupt_ppm: 10_000,
            delay_ms_min: 5,
            delay_ms_max: 90,
            ..Weather::calm()
        }
    }
}

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Sent,
    Doubled,
    Damaged,
    Cut,
    TooLong,
    Lost,
    QueueFull,
    NobodyThere,
}

impl Fate {
    pub(super) fn word(self) -> &'static str {
        match self {
            Fate::Sent => "sent",
            Fate::Doubled => "sent twice",
            Fate::Damaged => "sent damaged",
            Fate::Cut => "dropped: link cut",
            Fate::TooLong => "dropped: too long",
            Fate::Lost => "dropped: lost",
            Fate::QueueFull => "dropped: queue full",
            Fate::NobodyThere => "dropped: nobody there",
        }
    }
}
