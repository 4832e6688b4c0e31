//! Strategies for every type that goes over the wire: all of them make values that keep the rules.

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use tram_crypto::Algorithm;
use tram_dispatch::directory::*;
use tram_dispatch::envelope::*;
use tram_dispatch::evidence::{Genesis, Removal};
use tram_dispatch::*;
use tram_wire::directory::KeySignature;
use tram_wire::evidence_file::{Link, ProvedCheckpoint};
use tram_wire::frame::{
    Answer, DIRECTORY_PIECE_BYTES, DirectoryPiece, Frame, Hello, Outcome, Range, Transfer,
};

pub(crate) fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest)
}

pub(crate) fn agency() -> impl Strategy<Value = AgencyCode> {
    prop_oneof![
        "[A-Z][0-9]{2}(\\.[0-9]{2}){0,3}",
        "[A-Z][0-9]{2}\\.[A-Z]{2}\\.[0-9]{3}",
        "vxp[a-z0-9.]{0,40}"
    ]
    .prop_map(|text| AgencyCode::parse_canonical(&text).unwrap())
}

pub(crate) fn node() -> impl Strategy<Value = NodeId> {
    "[a-z][a-z0-9]{0,6}\\.[A-Z][0-9]{2}(\\.[0-9]{2}){0,2}".prop_map(|text| text.parse().unwrap())
}

fn reference() -> impl Strategy<Value = Reference> {
    "[0-9]{1,4}/[A-Z]{2}-TTg/20[0-9]{2}".prop_map(|text| text.parse().unwrap())
}

fn time() -> impl Strategy<Value = UnixMillis> {
    any::<u64>().prop_map(UnixMillis)
}

fn words() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 ĂăĐđƯưạảấầẩẫ,.-]{1,40}"
}

fn date() -> impl Strategy<Value = String> {
    (1970u32..9999, 1u32..=12, 1u32..=28).prop_map(|(y, m, d)| format!("{y:04}-{m:02}-{d:02}"))
}

fn related() -> impl Strategy<Value = Related> {
    (agency(), reference(), option::of(any::<[u8; 32]>().prop_map(DispatchId)))
        .prop_map(|(originator, reference, dispatch)| Related { originator, reference, dispatch })
}

fn urgency() -> impl Strategy<Value = Urgency> {
    prop_oneof![
        Just(Urgency::Normal),
        Just(Urgency::Urgent),
        Just(Urgency::VeryUrgent),
        Just(Urgency::Flash),
        time().prop_map(Urgency::FlashAt)
    ]
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let texts = [(); 4].map(|()| option::of(words()));
    let signer = (words(), option::of(words())).prop_map(|(name, office)| Signer { name, office });
    let dates = [(); 2].map(|()| option::of(date()));
    let rest = (option::of(signer), urgency(), vec(related(), 0..3));
    (texts, prop_oneof![words(), Just(String::new())], dates, rest).prop_map(
        |([number, notation, kind, place], subject, [issued_on, due_on], rest)| Metadata {
            number,
            notation,
            kind,
            subject,
            issued_on,
            place,
            signer: rest.0,
            urgency: rest.1,
            due_on,
            answers_to: rest.2,
        },
    )
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        Just(Act::New),
        related().prop_map(Act::Recall),
        related().prop_map(Act::Update),
        vec(related(), 1..4).prop_map(Act::Replace)
    ]
}

fn document() -> impl Strategy<Value = Document> {
    let second = option::of((any::<u64>(), vec(any::<u8>(), 1..=64)));
    (words(), "[a-z]{1,9}/[a-z.+-]{1,9}", 0..=4u64 << 30, digest(), second).prop_map(
        |(name, media_type, size, sha256, second_digest)| Document {
            name,
            media_type,
            size,
            sha256,
            second_digest,
        },
    )
}

/// Small canonical items, one of each kind.
fn extension() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(vec![0x18, 0x2a]),
        Just(vec![0x20]),
        Just(vec![0x43, 1, 2, 3]),
        Just(vec![0x82, 0x01, 0xf5]),
        Just(vec![0xa1, 0x61, 0x61, 0xf6])
    ]
}

fn sequence() -> impl Strategy<Value = tram_dispatch::envelope::Sequence> {
    (any::<u64>(), 1..=u64::MAX)
        .prop_map(|(series, number)| tram_dispatch::envelope::Sequence { series, number })
}

pub(crate) fn envelope() -> impl Strategy<Value = Envelope> {
    let secrecy = prop_oneof![
        Just(Secrecy::None),
        Just(Secrecy::Secret),
        Just(Secrecy::TopSecret),
        Just(Secrecy::UltraSecret)
    ];
    // What a node seals is numbered.
    let numbering = prop_oneof![
        option::of(sequence()).prop_map(|numbered| (numbered, SealedBy::Agency)),
        (sequence(), node()).prop_map(|(numbered, by)| (Some(numbered), SealedBy::Node(by))),
    ];
    let parties = (agency(), btree_set(agency(), 1..6), option::of(words()));
    let names = (any::<[u8; 32]>(), reference());
    let content = (secrecy, metadata(), act(), vec(document(), 0..4), numbering);
    let times = (0..u64::MAX / 2, 1..u64::MAX / 2, 1u8..=16);
    let extensions = proptest::collection::btree_map(128..=u64::MAX, extension(), 0..4);
    let rest = (option::of(vec(any::<u8>(), 0..40)), extensions);
    (parties, names, content, times, rest).prop_map(|(parties, names, content, times, rest)| {
        Envelope {
            network: NetworkId(names.0),
            originator: parties.0,
            reference: names.1,
            sequence: content.4.0,
            recipients: parties.1.into_iter().collect(),
            group: parties.2,
            secrecy: content.0,
            metadata: content.1,
            act: content.2,
            documents: content.3,
            sealed_by: content.4.1,
            issued_at: UnixMillis(times.0),
            expires_at: UnixMillis(times.0 + times.1),
            max_hops: times.2,
            encryption: rest.0,
            extensions: rest.1,
        }
    })
}

fn removal() -> impl Strategy<Value = Box<Removal>> {
    let documents = vec(digest(), 1..=limits::REMOVED_MAX);
    (digest(), words(), time(), any::<u64>(), documents).prop_map(
        |(policy, rule, since, days, documents)| {
            let rule = rule.chars().take(20).collect();
            Box::new(Removal { policy, rule, since, days, documents })
        },
    )
}

pub(crate) fn record() -> impl Strategy<Value = EvidenceRecord> {
    let any_event = (1u8..).prop_map(|n| Event::read(n).unwrap());
    let event = prop_oneof![4 => any_event, 1 => Just(Event::DocumentsRemoval)];
    let reason = (1u16..).prop_map(|n| Code::read(n).unwrap());
    let log = (event, any::<[u8; 32]>(), node(), any::<[u8; 32]>());
    let parties = (agency(), option::of(agency()), option::of(node()));
    let admission = option::of(1..=u64::MAX);
    let numbers = (any::<u64>(), admission, time(), option::of(1u8..=16), option::of(sequence()));
    let words = (option::of(reason), option::of(words()));
    let digests = [(); 7].map(|()| option::of(digest()));
    (log, any::<[u8; 32]>(), parties, numbers, words, digests, removal()).prop_map(
        |(log, dispatch, parties, numbers, words, digests, removal)| EvidenceRecord {
            event: log.0,
            network: NetworkId(log.1),
            node: log.2,
            epoch: EpochId(log.3),
            dispatch: DispatchId(dispatch),
            object: digests[0],
            originator: parties.0,
            recipient: parties.1,
            custody: numbers.0,
            admission: numbers.1,
            time: numbers.2,
            reason: words.0,
            remark: words.1,
            status: numbers.3,
            previous: parties.2,
            upstream: digests[1],
            directory: digests[2],
            revocation: digests[3],
            attestation: digests[4],
            other_object: digests[5],
            sequence: numbers.4,
            related: digests[6].map(|d| DispatchId(d.0)),
            removal: (log.0 == Event::DocumentsRemoval).then_some(removal),
        },
    )
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 1..100)
}

pub(crate) fn genesis() -> impl Strategy<Value = Genesis> {
    let previous = option::of(vec(any::<u8>(), 0..100));
    (any::<[u8; 32]>(), node(), key(), key(), time(), previous).prop_map(
        |(network, node, receipt_key, checkpoint_key, started_at, previous)| Genesis {
            network: NetworkId(network),
            node,
            receipt_key,
            checkpoint_key,
            started_at,
            previous,
        },
    )
}

pub(crate) fn head() -> impl Strategy<Value = Head> {
    let times = (0..u64::MAX / 2, 1..u64::MAX / 2);
    (any::<[u8; 32]>(), 1..=u64::MAX, digest(), times, 0..=1_000_000u64, digest()).prop_map(
        |(network, version, previous, (issued, lasts), entries, root)| Head {
            network: NetworkId(network),
            version,
            previous: (version > 1).then_some(previous),
            issued_at: UnixMillis(issued),
            expires_at: UnixMillis(issued + lasts),
            entries,
            root,
        },
    )
}

pub(crate) fn entry() -> impl Strategy<Value = Entry> {
    let binding = (digest(), time(), option::of(time()))
        .prop_map(|(certificate, from, until)| Binding { certificate, from, until });
    let names = (agency(), vec(agency(), 0..3), words(), any::<u8>());
    let place = (option::of(agency()), option::of(node()), any::<bool>(), option::of(agency()));
    let known = (option::of(words()), option::of(time()), option::of(time()));
    let agency_entry =
        (names, place, vec(binding, 0..3), known).prop_map(|(names, place, bindings, known)| {
            Entry::Agency(Agency {
                code: names.0,
                former: names.1,
                name: names.2,
                tier: names.3,
                parent: place.0,
                node: place.1,
                open: place.2,
                successor: place.3,
                bindings,
                contact: known.0,
                from: known.1,
                until: known.2,
            })
        });
    let epoch = (digest(), key(), key(), time(), option::of(time())).prop_map(
        |(id, receipt_key, checkpoint_key, from, until)| Epoch {
            id: EpochId(id.0),
            receipt_key,
            checkpoint_key,
            from,
            until,
        },
    );
    let links = (option::of(node()), vec(node(), 0..3), any::<bool>());
    let node_entry = (node(), vec(words(), 0..3), links, vec(epoch, 0..3)).prop_map(
        |(id, addresses, (parent, lateral, open), epochs)| {
            Entry::Node(Node { id, addresses, parent, lateral, open, epochs })
        },
    );
    let delegation =
        (agency(), key(), time(), option::of(time())).prop_map(|(subtree, key, from, until)| {
            Entry::Delegation(Delegation { subtree, key, from, until })
        });
    prop_oneof![agency_entry, node_entry, delegation]
}

pub(crate) fn root_document() -> impl Strategy<Value = RootDocument> {
    let anchor = (vec(any::<u8>(), 1..60), 1u8..=3).prop_map(|(certificate, purposes)| Anchor {
        certificate,
        nodes: purposes & 1 != 0,
        seals: purposes & 2 != 0,
    });
    let keys = btree_set(key(), 1..5).prop_flat_map(|keys| {
        let count = keys.len() as u8;
        (Just(keys.into_iter().collect::<Vec<_>>()), 1..=count)
    });
    let name = (words(), any::<[u8; 16]>(), 1..=u64::MAX, any::<[u8; 32]>());
    (name, keys, vec(anchor, 0..4), 1..=90 * 86_400_000u64).prop_map(
        |((name, nonce, version, network), (keys, threshold), anchors, lifetime_ms_max)| {
            RootDocument {
                name,
                nonce,
                version,
                network: (version > 1).then_some(NetworkId(network)),
                keys,
                threshold,
                anchors,
                lifetime_ms_max,
            }
        },
    )
}

pub(crate) fn signatures() -> impl Strategy<Value = Vec<KeySignature>> {
    let one = (0usize..6, vec(any::<u8>(), 1..80));
    proptest::collection::btree_map(0u8..16, one, 1..4).prop_map(|map| {
        map.into_iter()
            .map(|(key_index, (i, signature))| KeySignature {
                key_index,
                algorithm: Algorithm::ALL[i],
                signature,
            })
            .collect()
    })
}

fn receipt_bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 1..60)
}

fn hello() -> impl Strategy<Value = Hello> {
    let held = vec(any::<u8>(), 1..80);
    let who = (any::<[u8; 32]>(), node(), any::<[u8; 32]>(), vec(any::<u8>(), 0..80));
    let numbers = (btree_set(any::<u16>(), 1..4), btree_set(any::<u16>(), 0..4));
    let rest = (any::<u64>(), digest(), option::of(held), time(), any::<u32>());
    (who, numbers, rest).prop_map(|(who, numbers, rest)| Hello {
        network: NetworkId(who.0),
        versions: numbers.0.into_iter().collect(),
        features: numbers.1.into_iter().collect(),
        node: who.1,
        directory_version: rest.0,
        directory: rest.1,
        epoch: EpochId(who.2),
        checkpoint: who.3,
        held: rest.2,
        wall: rest.3,
        credit: rest.4,
    })
}

fn transfer() -> impl Strategy<Value = Transfer> {
    let inline = proptest::collection::btree_map(0u16..256, vec(any::<u8>(), 0..100), 0..3);
    let recipients = btree_set(agency(), 1..5);
    (vec(any::<u8>(), 0..100), recipients, vec(receipt_bytes(), 0..4), inline).prop_map(
        |(dispatch, recipients, receipts, inline)| Transfer {
            dispatch,
            recipients: recipients.into_iter().collect(),
            receipts,
            inline: inline.into_iter().collect(),
        },
    )
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let code = || (0..Code::ALL.len()).prop_map(|i| Code::ALL[i]);
    prop_oneof![
        receipt_bytes().prop_map(Outcome::Accepted),
        receipt_bytes().prop_map(Outcome::Refused),
        (code(), words()).prop_map(|(code, detail)| Outcome::RefusedUnsigned { code, detail }),
        (code(), any::<u64>()).prop_map(|(code, retry_ms)| Outcome::Later { code, retry_ms })
    ]
}

/// The line of a cosignature of any bytes: whether it verifies is no matter of the format.
fn cosignature_line() -> impl Strategy<Value = String> {
    use tram_tlog::cosignature::Cosignature;
    use tram_tlog::note::NoteSignature;
    ("[a-z0-9/.]{1,40}", any::<u32>(), 0..=i64::MAX as u64, vec(any::<u8>(), 64)).prop_map(
        |(name, key_id, time, signature)| {
            let bytes = [&time.to_be_bytes()[..], &signature].concat();
            let line = NoteSignature { name, key_id, bytes };
            Cosignature::from_signature(&line).expect("its shape").to_line()
        },
    )
}

pub(crate) fn frame() -> impl Strategy<Value = Frame> {
    let code = (0..Code::ALL.len()).prop_map(|i| Code::ALL[i]);
    let sizes = || (any::<[u8; 32]>(), any::<u64>(), any::<u64>());
    let ordered = |(epoch, a, b): ([u8; 32], u64, u64)| (EpochId(epoch), a.min(b), a.max(b));
    let ranges = proptest::collection::btree_map(0u16..256, 0..=4u64 << 30, 0..4);
    let answers = proptest::collection::btree_map(agency(), outcome(), 1..4);
    let bytes = || vec(any::<u8>(), 0..80);
    prop_oneof![
        hello().prop_map(|h| Frame::Hello(Box::new(h))),
        (code, words()).prop_map(|(code, detail)| Frame::HelloRefused { code, detail }),
        (any::<u64>(), vec(receipt_bytes(), 1..4), vec(receipt_bytes(), 0..3)).prop_map(
            |(batch, receipts, statements)| Frame::Receipts { batch, receipts, statements }
        ),
        any::<u64>().prop_map(|batch| Frame::Stored { batch }),
        bytes().prop_map(|note| Frame::Checkpoint { note }),
        sizes().prop_map(move |s| {
            let (epoch, old_size, new_size) = ordered(s);
            Frame::ConsistencyRequest { epoch, old_size, new_size }
        }),
        (sizes(), vec(any::<[u8; 32]>(), 0..5)).prop_map(move |(s, path)| {
            let (epoch, old_size, new_size) = ordered(s);
            Frame::Consistency { epoch, old_size, new_size, path }
        }),
        (node(), any::<[u8; 32]>(), any::<u64>(), cosignature_line()).prop_map(
            |(log, epoch, size, line)| {
                Frame::Cosignature { log, epoch: EpochId(epoch), size, line }
            }
        ),
        (node(), bytes(), any::<u64>(), vec(any::<[u8; 32]>(), 0..5)).prop_map(
            |(log, note, old_size, path)| Frame::CosignatureRequest { log, note, old_size, path }
        ),
        (node(), bytes()).prop_map(|(log, note)| Frame::CosignatureHeld { log, note }),
        bytes().prop_map(|file| Frame::Epoch { file }),
        (node(), node(), any::<[u8; 32]>(), proptest::collection::btree_set(any::<u64>(), 1..5))
            .prop_map(|(asker, log, epoch, sizes)| {
                let (epoch, sizes) = (EpochId(epoch), sizes.into_iter().collect());
                Frame::ProofRequest { asker, log, epoch, sizes }
            }),
        (node(), node(), any::<[u8; 32]>(), vec((receipt_bytes(), any::<u64>()), 1..3)).prop_map(
            |(asker, log, epoch, notes)| {
                let path = vec![[7; 32]];
                let link = |size| vec![Link { size, path: path.clone() }];
                let made =
                    |(note, size)| ProvedCheckpoint { note, links: link(size), stamps: vec![] };
                let mut checkpoints: Vec<_> = notes.into_iter().map(made).collect();
                checkpoints.sort_by(|a, b| a.note.cmp(&b.note));
                checkpoints.dedup_by(|a, b| a.note == b.note);
                Frame::Proof { asker, log, epoch: EpochId(epoch), checkpoints }
            }
        ),
        transfer().prop_map(|t| Frame::Transfer(Box::new(t))),
        ranges.prop_map(|map| Frame::Want(
            map.into_iter().map(|(document, offset)| Range { document, offset }).collect()
        )),
        (0u16..256, 0..=2u64 << 30, 0..=2u64 << 30)
            .prop_map(|(document, offset, length)| Frame::Data { document, offset, length }),
        answers.prop_map(|map| Frame::Answer(
            map.into_iter().map(|(recipient, outcome)| Answer { recipient, outcome }).collect()
        )),
        (any::<u64>(), digest()).prop_map(|(version, digest)| Frame::Directory { version, digest }),
        (digest(), any::<u64>())
            .prop_map(|(have, offset)| Frame::DirectoryRequest { have, offset }),
        (any::<u64>(), digest(), option::of(digest()), 0..4_000u64, vec(any::<u8>(), 1..400))
            .prop_map(|(version, digest, base, pieces, bytes)| {
                let offset = pieces * DIRECTORY_PIECE_BYTES as u64;
                let total = offset + bytes.len() as u64;
                let piece = DirectoryPiece { version, digest, base, total, offset, bytes };
                Frame::DirectoryPiece(Box::new(piece))
            }),
        (128..=u64::MAX).prop_map(|kind| Frame::Unknown { kind, body: vec![0xa1, 0x00, 0xf6] }),
    ]
}
