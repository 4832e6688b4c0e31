//! What the attacks of this module must not achieve, each by name.

use super::air::HEARD_MAX;
use super::*;

fn stranger(number: u16) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 7], number))
}

/// A first packet that this thread's victim has never seen: made for another one, with a chain of
/// certificates like its own.
fn fresh() -> Vec<u8> {
    let made = std::thread::spawn(|| first_flight().remove(0)).join();
    made.expect("another place")
}

/// What a stranger sent and got, who begins a handshake and never goes on: alone, twice, cut below the
/// least size, and with bytes behind it.
fn spoofed(place: &Place) -> [(u64, u64); 4] {
    let [alone, twice, short, long] = std::array::from_fn(|_| fresh());
    let short = &short[..1199];
    let long = [&long[..], &[0; 100]].concat();
    let sent: [&[&[u8]]; 4] = [&[&alone], &[&twice, &twice], &[short], &[&long]];
    for (number, datagrams) in (1..).zip(sent) {
        for datagram in datagrams {
            place.port.put(stranger(number), VICTIM, datagram);
        }
    }
    // Long enough for the victim to send again what nobody answers, and to give up.
    place.runtime.block_on(async { tokio::time::sleep(Duration::from_millis(2_500)).await });
    place.port.nobody_is_flooded();
    let air = place.port.lock();
    std::array::from_fn(|number| air.strangers[&stranger(number as u16 + 1)])
}

#[test]
fn strangers_get_three_times_what_they_sent_and_one_packet_at_most() {
    let [(received, sent), .., (_, short), _] = spoofed(&Place::with(TransportLimits::default()));
    assert!(received >= 1200 && sent > received, "{received} in, {sent} out: no handshake");
    assert_eq!(short, 0, "a first packet below 1,200 bytes");
}

#[test]
fn strangers_that_must_prove_their_address_get_less_than_they_sent() {
    let limits = TransportLimits { retry_above_handshakes: 0, ..TransportLimits::default() };
    for (received, sent) in spoofed(&Place::with(limits)) {
        assert!(sent < received, "{received} in, {sent} out");
    }
}

#[test]
fn version_1_alone_is_offered() {
    let flight = first_flight();
    for version in [0xff00_001d_u32, 0x6b33_43cf, 0x1a2a_3a4a, 0x5130_3436] {
        with_place(|place| {
            let mut packet = flight[0].clone();
            packet[1..5].copy_from_slice(&version.to_be_bytes());
            place.port.put(stranger(9), VICTIM, &packet);
            place.settle();
            // Version negotiation (RFC 9000 section 17.2.1): version 0, both ids, the list.
            let air = place.port.lock();
            let answer = &air.answered;
            assert_eq!(answer[1..5], [0; 4], "{version:x}: {answer:02x?}");
            let ids = 6 + usize::from(answer[5]);
            let list = &answer[ids + 1 + usize::from(answer[ids])..];
            let offered: Vec<u32> = list
                .chunks(4)
                .map(|v| u32::from_be_bytes(v.try_into().expect("four bytes")))
                // Versions that do not exist, so that nobody counts on the list (section 15).
                .filter(|v| v & 0x0f0f_0f0f != 0x0a0a_0a0a)
                .collect();
            assert_eq!(offered, [1], "{version:x}");
        });
    }
}

#[test]
fn what_is_injected_into_a_live_session_does_not_end_it() {
    let mut dice = crate::mutate::Dice::new(69, 0);
    for run in 0..600_usize {
        let length = dice.below(60);
        let mut input: Vec<u8> = (0..length + 2).map(|_| dice.below(256) as u8).collect();
        input[0] = (run % HEARD_MAX) as u8;
        input[1] = (run % 4) as u8;
        // One in eight is a captured datagram as it was.
        if run % 8 == 2 {
            input[2..].fill(0);
        }
        injection(&input);
    }
}
