//! Frames whose lengths lie, that hold two, or that do not end: refused, and nothing is guessed.

use tram_dispatch::{Code, Digest, Event};
use tram_trust::fixtures::{CENTRE, COMMUNE, Log, NOW, Network};
use tram_wire::evidence_file::{Link, ProvedCheckpoint};
use tram_wire::frame::{self, Answer, DirectoryPiece, Frame, Outcome, Range, Transfer};

/// A frame of each kind that carries something.
fn sound() -> Vec<Vec<u8>> {
    let network = Network::new("mutations");
    let sealed = network.seal(&network.envelope(COMMUNE, &[CENTRE], "1/TB"));
    let mut log = Log::new(network.node(COMMUNE));
    let record = log.record(Event::SubmissionAcceptance, &sealed, None, NOW);
    let receipt = log.commit(&[record], NOW).remove(0).raw().to_vec();
    let recipient = sealed.envelope().recipients[0].clone();
    let transfer = Transfer {
        dispatch: sealed.raw().to_vec(),
        recipients: vec![recipient.clone()],
        receipts: vec![receipt.clone()],
        inline: vec![(0, b"Van ban thu nghiem".to_vec())],
    };
    let answer = |outcome| Answer { recipient: recipient.clone(), outcome };
    let later = Outcome::Later { code: Code::Busy, retry_ms: 1000 };
    let epoch = network.node(COMMUNE).epoch;
    let frames = [
        Frame::Receipts {
            batch: 1,
            receipts: vec![receipt.clone(), receipt.clone()],
            statements: vec![],
        },
        Frame::Stored { batch: 1 },
        Frame::Checkpoint { note: log.checkpoint() },
        Frame::ConsistencyRequest { epoch, old_size: 1, new_size: 2 },
        Frame::Consistency { epoch, old_size: 1, new_size: 2, path: vec![[7; 32]] },
        Frame::CosignatureRequest {
            log: network.node(COMMUNE).id.clone(),
            note: log.checkpoint(),
            old_size: 1,
            path: vec![[7; 32]],
        },
        Frame::CosignatureHeld { log: network.node(COMMUNE).id.clone(), note: log.checkpoint() },
        Frame::Epoch { file: log.checkpoint() },
        Frame::ProofRequest {
            asker: network.node(COMMUNE).id.clone(),
            log: network.node(COMMUNE).id.clone(),
            epoch,
            sizes: vec![1, 2],
        },
        Frame::Proof {
            asker: network.node(COMMUNE).id.clone(),
            log: network.node(COMMUNE).id.clone(),
            epoch,
            checkpoints: vec![ProvedCheckpoint {
                note: log.checkpoint(),
                links: vec![Link { size: 1, path: vec![[7; 32]] }],
                stamps: Vec::new(),
            }],
        },
        Frame::Transfer(Box::new(transfer)),
        Frame::Want(vec![Range { document: 0, offset: 0 }, Range { document: 1, offset: 4096 }]),
        Frame::Data { document: 0, offset: 0, length: 4096 },
        Frame::Answer(vec![answer(Outcome::Accepted(receipt))]),
        Frame::Answer(vec![answer(later)]),
        Frame::Directory { version: 3, digest: Digest([7; 32]) },
        Frame::DirectoryRequest { have: Digest([7; 32]), offset: 65_536 },
        Frame::DirectoryPiece(Box::new(DirectoryPiece {
            version: 3,
            digest: Digest([7; 32]),
            base: Some(Digest([6; 32])),
            total: 300,
            offset: 0,
            bytes: vec![7; 300],
        })),
    ];
    let all: Vec<Vec<u8>> = frames.iter().map(frame::encode).collect();
    for (bytes, frame) in all.iter().zip(&frames) {
        assert_eq!(frame::decode(bytes).as_ref(), Ok(frame));
    }
    all
}

/// A head: major type, argument, where it begins, how long it is.
struct Head {
    major: u8,
    argument: u64,
    at: usize,
    length: usize,
}

/// Every head of a definite item, in order; the content of strings is passed over.
fn heads(bytes: &[u8]) -> Vec<Head> {
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(first) = bytes.get(at) {
        let extra = match first & 0x1f {
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => 0,
        };
        let number =
            bytes[at + 1..at + 1 + extra].iter().fold(0_u64, |n, b| n << 8 | u64::from(*b));
        let argument = if extra == 0 { u64::from(first & 0x1f) } else { number };
        let (major, length) = (first >> 5, 1 + extra);
        out.push(Head { major, argument, at, length });
        at += length;
        if major == 2 || major == 3 {
            at += argument as usize;
        }
    }
    out
}

fn head(major: u8, argument: u64) -> Vec<u8> {
    let first = major << 5;
    match argument {
        0..=23 => vec![first | argument as u8],
        24..=0xff => vec![first | 24, argument as u8],
        0x100..=0xffff => [&[first | 25], &(argument as u16).to_be_bytes()[..]].concat(),
        0x1_0000..=0xffff_ffff => [&[first | 26], &(argument as u32).to_be_bytes()[..]].concat(),
        _ => [&[first | 27], &argument.to_be_bytes()[..]].concat(),
    }
}

#[test]
fn no_frame_whose_lengths_lie_is_taken() {
    let (mut tried, mut accepted) = (0, 0);
    for bytes in sound() {
        for here in heads(&bytes) {
            // Lengths of byte strings, texts, lists and maps.
            if !(2..=5).contains(&here.major) {
                continue;
            }
            let n = here.argument;
            let lies = [
                0,
                n.wrapping_sub(1),
                n + 1,
                2 * n + 1,
                1 << 16,
                (1 << 32) - 1,
                (1 << 62) - 1,
                1 << 63,
                u64::MAX,
            ];
            for lie in lies.into_iter().filter(|lie| *lie != n) {
                let lied =
                    [&bytes[..here.at], &head(here.major, lie), &bytes[here.at + here.length..]]
                        .concat();
                tried += 1;
                accepted += usize::from(frame::decode(&lied).is_ok());
            }
        }
    }
    println!("frames, lengths: tried={tried} accepted={accepted}");
    assert_eq!(accepted, 0);
    assert!(tried > 300, "{tried}");
}

#[test]
fn no_frame_with_more_or_less_than_itself_is_taken() {
    let all = sound();
    let (mut tried, mut accepted) = (0, 0);
    let mut check = |bytes: &[u8]| {
        tried += 1;
        accepted += usize::from(frame::decode(bytes).is_ok());
    };
    for one in &all {
        for other in &all {
            check(&[&one[..], other].concat());
        }
        for tail in [&[0][..], &[0xf6], &[0xff], &[0xa0], &[0; 64], b"\r\n.\r\n"] {
            check(&[one, tail].concat());
            check(&[tail, one].concat());
        }
        for end in 0..one.len().min(2000) {
            check(&one[..end]);
        }
        // As one string, as a list of one, tagged.
        check(&[head(2, one.len() as u64), one.clone()].concat());
        check(&[&[0x81], &one[..]].concat());
        check(&[&[0xd2], &one[..]].concat());
        check(&[&[0xd9, 0xd9, 0xf7], &one[..]].concat());
    }
    println!("frames, whole: tried={tried} accepted={accepted}");
    assert_eq!(accepted, 0);
    assert!(tried > 1_000, "{tried}");
}
