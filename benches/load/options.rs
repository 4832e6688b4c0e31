//! What the person asks for.

/// The points to measure, and how.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Numbers of tiers, 2 to 4.
    pub(crate) tiers: Vec<usize>,
    /// Dispatches kept in flight.
    pub(crate) in_flight: Vec<usize>,
    /// Length of the measured part of each point.
    pub(crate) seconds: u64,
    /// Added to each sync of a file through the disk port.
    pub(crate) sync_delay_ms: u64,
    /// One JSON object per point as well.
    pub(crate) json: bool,
}

impl Options {
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Options {
            tiers: vec![2, 4],
            in_flight: vec![1, 16, 256],
            seconds: 8,
            sync_delay_ms: 0,
            json: false,
        };
        let mut arguments = arguments;
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{name}: a value is missing"));
            match name.as_str() {
                // Cargo adds it.
                "--bench" => {}
                "--json" => options.json = true,
                "--tiers" => options.tiers = numbers(&value()?)?,
                "--in-flight" => options.in_flight = numbers(&value()?)?,
                "--seconds" => options.seconds = number(&value()?)?,
                "--sync-delay-ms" => options.sync_delay_ms = number(&value()?)?,
                other => return Err(format!("{other}: not an option of this benchmark")),
            }
        }
        // 300 because one user may have 384 connections to a node's socket.
        let fits = |list: &[usize], from, to| list.iter().all(|n| (from..=to).contains(n));
        if !fits(&options.tiers, 2, 4) || !fits(&options.in_flight, 1, 300) || options.seconds == 0
        {
            return Err("tiers: 2 to 4; in flight: 1 to 300; seconds: at least 1".to_owned());
        }
        Ok(options)
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text}: not a number"))
}

fn numbers(text: &str) -> Result<Vec<usize>, String> {
    text.split(',').map(number).collect()
}
