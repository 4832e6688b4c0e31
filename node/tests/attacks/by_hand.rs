//! Peers with a certificate whose QUIC is made by hand: what no library sends.

use std::time::Duration;

use tram_transport::fixtures::{Grant, HandClient, frames};

use crate::target::{Target, Watch, local};

/// The first stream for a transfer; the next ones are 4 apart.
const FIRST_STREAM: u64 = 4;

/// Sends what `frames` gives so many times a second, over a new session whenever one was closed.
fn again_and_again(
    target: &Target,
    watch: &Watch,
    (per_second, number): (u64, u64),
    grant: Grant,
    mut frames: impl FnMut(&mut HandClient, u64) -> Vec<u8>,
) {
    let mut number = number;
    while watch.goes_on() {
        number += 1;
        let Some(mut client) = target.session(watch, grant, number) else { return };
        watch.at_rate(per_second, |n| {
            let bytes = frames(&mut client, n);
            if client.send(&bytes).is_err() {
                return false;
            }
            while n % 8 == 0 && client.take(Duration::from_micros(1)).is_ok_and(|c| c.is_some()) {}
            client.closed().is_none()
        });
    }
}

/// Single octets at odd offsets of as many streams as there may be, a hundred in each packet.
pub(crate) fn gaps(target: &Target, watch: &Watch, nth: usize) {
    again_and_again(target, watch, (3_000, 100 + nth as u64), Grant::default(), |_, n| {
        let octet = |i: u64| {
            let at = n * 100 + i;
            // All streams in turn, so that each packet is kept by many of them.
            let stream = FIRST_STREAM + 4 * (at % 250);
            frames::stream(stream, 2 * (at / 250) + 5, b"x", false)
        };
        (0..100).flat_map(octet).collect()
    });
}

/// Connection ids that retire each other, never acknowledged.
pub(crate) fn connection_ids(target: &Target, watch: &Watch, nth: usize) {
    again_and_again(target, watch, (2_000, 200 + nth as u64), Grant::default(), |client, n| {
        client.acknowledges = false;
        (1..=20).flat_map(|i| frames::new_connection_id(20 * n + i, 20 * n + i)).collect()
    });
}

/// Path challenges, and another port now and then.
pub(crate) fn paths(target: &Target, watch: &Watch, nth: usize) {
    again_and_again(target, watch, (2_000, 300 + nth as u64), Grant::default(), |client, n| {
        if n % 50 == 49 {
            let _ = client.move_to(local(0));
        }
        (0..100).flat_map(|i| frames::path_challenge(100 * n + i)).collect()
    });
}

/// Streams that are reset as soon as they are open, both ways.
pub(crate) fn resets(target: &Target, watch: &Watch, nth: usize) {
    again_and_again(target, watch, (2_000, 400 + nth as u64), Grant::default(), |_, n| {
        let mut all = Vec::new();
        for i in 0..4 {
            let id = FIRST_STREAM + 4 * (4 * n + i);
            all.extend(frames::stream(id, 0, &[0, 0, 1, 0, 5], false));
            all.extend(frames::reset_stream(id, 7, 5));
            all.extend(frames::stop_sending(id, 7));
        }
        all
    });
}

/// Acknowledges what has not come while the node gives a large document.
pub(crate) fn acknowledgements(target: &Target, watch: &Watch, nth: usize) {
    let grant = Grant { data: 1 << 30, stream_data: 1 << 30, streams: 64 };
    let mut want: Option<Vec<u8>> = None;
    again_and_again(target, watch, (2_000, 500 + nth as u64), grant, |client, _| {
        client.acknowledges = false;
        let mut all = Vec::new();
        for id in [1, 5, 9, 13] {
            // Whatever is offered there is wanted from its beginning.
            if client.stream(id).len() > 4 {
                let want = want.get_or_insert_with(crate::peers::want_all);
                all.extend(frames::stream(id, 0, want, false));
            }
        }
        let _ = client.take(Duration::from_micros(200));
        let ahead = client.largest().unwrap_or(0) + 10;
        all.extend(frames::ack(ahead, ahead.min(200)));
        all
    });
}
