//! What happened, as a digest always, in words where asked for.

use tram_engine::Notice;

use crate::land::land;

/// The trace of one schedule.
pub(super) struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

impl Trace {
    pub(super) fn new(words: bool) -> Self {
        Trace { hash: 0xcbf2_9ce4_8422_2325, lines: words.then(Vec::new) }
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }

    fn mix(&mut self, number: u64) {
        self.hash = (self.hash ^ number).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    }

    fn mix_bytes(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.mix(u64::from_be_bytes(word));
        }
        self.mix(bytes.len() as u64);
    }

    /// A line for people; it does not count in the digest.
    pub(super) fn line(&mut self, t: u64, words: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>9.3} s  {}", t as f64 / 1000.0, words()));
        }
    }

    /// Octets that a node sends.
    pub(super) fn octets(&mut self, t: u64, place: usize, stream: u64, bytes: &[u8]) {
        self.mix(t);
        self.mix((place as u64) << 48 | stream);
        self.mix_bytes(bytes);
    }

    /// Something that happens at a node.
    pub(super) fn event(&mut self, t: u64, place: usize, what: &str, number: u64) {
        self.mix(t);
        self.mix((place as u64) << 48 | number);
        self.mix_bytes(what.as_bytes());
        self.line(t, || {
            let at = &land().places[place];
            format!("tier {} {}  {what} ({number})", at.tier, at.id)
        });
    }

    /// Evidence that became durable at a node.
    pub(super) fn evidence(&mut self, t: u64, place: usize, notice: &Notice) {
        self.mix(t);
        self.mix(place as u64);
        self.mix_bytes(notice.dispatch.as_bytes());
        self.mix(u64::from(notice.event.number()));
        self.line(t, || {
            let at = &land().places[place];
            let to = notice.recipient.as_ref().map_or("-", |r| r.as_str());
            format!(
                "tier {} {}  {} of {} about {} for {to}",
                at.tier,
                at.id,
                notice.event.name(),
                notice.node,
                notice.dispatch.short()
            )
        });
    }
}
