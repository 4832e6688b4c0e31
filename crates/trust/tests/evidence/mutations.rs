//! Thousands of altered files: none is taken for whole, and none proves more, or anything else.

use tram_trust::evidence::{Account, Proof, examine};
use tram_trust::fixtures::FourTiers;
use tram_wire::EvidenceFile;

use super::{Proved, exit, ground, proved, world};

/// A source of numbers, the same every time (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// Whether a proof of an altered file says nothing but what the whole file proved: the same, or a
/// weaker bound, or fewer witnesses of those there were.
fn says_no_more(now: &Proof, before: &Proof) -> bool {
    match (now, before) {
        (
            Proof::When { place: a, earliest: e, latest: l },
            Proof::When { place: b, earliest: f, latest: m },
        ) => a == b && e.at <= f.at && l.at >= m.at,
        (Proof::Witnessed { witnesses: a, .. }, Proof::Witnessed { witnesses: b, .. }) => {
            a.iter().all(|w| b.contains(w))
        }
        (
            Proof::Decided { place: a, registered: r, by: tram_trust::evidence::Voice::Node },
            Proof::Decided { place: b, registered: s, .. },
        ) => a == b && r == s,
        _ => now == before,
    }
}

fn grew(now: &Account, all: &Proved) -> Option<String> {
    let more = |(key, proof): (&(_, String, String), &Proof)| match all.get(key) {
        Some(before) if says_no_more(proof, before) => None,
        _ => Some(format!("{key:?}: {proof:?}")),
    };
    proved(now).iter().find_map(more)
}

/// Judges altered bytes; gives true if they are refused by the decoder.
fn judge(bytes: &[u8], all: &Proved, what: &str) -> bool {
    let Ok(account) = examine(&ground(), bytes) else { return true };
    if let Some(more) = grew(&account, all) {
        panic!("{what}: proves {more}");
    }
    assert_ne!(exit(&account), 0, "{what}: taken for whole");
    false
}

fn alter_bytes(places: impl Iterator<Item = usize>, bits: &[usize]) {
    let bytes = world().file.encode();
    let all = proved(&examine(&ground(), &bytes).unwrap());
    let (mut altered_count, mut refused) = (0, 0);
    for place in places.take_while(|place| *place < bytes.len()) {
        for bit in bits {
            let mut altered = bytes.clone();
            altered[place] ^= 1 << ((place + bit) % 8);
            altered_count += 1;
            let what = format!("byte {place}, bit {}", (place + bit) % 8);
            refused += usize::from(judge(&altered, &all, &what));
        }
    }
    println!("{altered_count} alterations of {} bytes, {refused} not even read", bytes.len());
    assert!(refused > 0 && refused < altered_count);
}

#[test]
fn no_altered_byte_passes() {
    alter_bytes((0..).step_by(7), &[0]);
}

#[test]
#[ignore = "long: two bits of every byte, some minutes"]
fn long_no_altered_byte_passes() {
    alter_bytes(0.., &[0, 3]);
}

/// Reads the altered file again only if it still is one.
fn spliced(change: impl Fn(&mut EvidenceFile, &mut Dice), rounds: usize, what: &str) {
    let whole = &world().file;
    let all = proved(&examine(&ground(), &whole.encode()).unwrap());
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for round in 0..rounds {
        let mut file = whole.clone();
        change(&mut file, &mut dice);
        if file != *whole {
            judge(&file.encode(), &all, &format!("{what}, round {round}"));
            file.sort();
            if file != *whole {
                judge(&file.encode(), &all, &format!("{what}, round {round}, in order"));
            }
        }
    }
}

#[test]
fn no_swap_splice_or_cut_passes() {
    spliced(
        |f, dice| {
            let (a, b) = (dice.below(f.receipts.len()), dice.below(f.receipts.len()));
            f.receipts.swap(a, b);
            let place = dice.below(f.receipts.len());
            let at = dice.below(f.receipts[place].len());
            f.receipts[place][at] = f.receipts[place][at].wrapping_add(1 + dice.below(255) as u8);
        },
        400,
        "receipts swapped and altered",
    );
    let other = FourTiers::new("other");
    spliced(
        |f, dice| match dice.below(8) {
            0 => f.receipts[dice.below(6)] = other.file.receipts[dice.below(6)].clone(),
            1 => f.sealed = other.file.sealed.clone(),
            2 => f.revocation[dice.below(2)] = other.file.revocation[dice.below(2)].clone(),
            3 => f.checkpoints[dice.below(4)] = other.file.checkpoints[dice.below(4)].clone(),
            4 => f.statements = other.file.statements.clone(),
            5 => f.directory = other.file.directory.clone(),
            6 => (f.network, f.root) = (other.file.network, other.file.root),
            _ => f.dispatch = other.file.dispatch,
        },
        200,
        "another network's",
    );
    spliced(
        |f, dice| {
            // Salt, record and proof of one receipt in the frame of another: both end in the record.
            let (a, b) = (dice.below(6), dice.below(6));
            let (x, y) = (f.receipts[a].clone(), f.receipts[b].clone());
            let cut = 40 + dice.below(x.len().min(y.len()) - 40);
            f.receipts[a] = [&x[..cut], &y[cut.min(y.len())..]].concat();
        },
        400,
        "receipts grafted",
    );
    spliced(
        |f, dice| {
            let a = dice.below(4);
            let b = (a + 1 + dice.below(3)) % 4;
            match dice.below(3) {
                0 => f.checkpoints[a].links = f.checkpoints[b].links.clone(),
                1 => f.checkpoints[a].note = f.checkpoints[b].note.clone(),
                _ => {
                    // Lines of another log's witnesses under this log's text.
                    let text = |n: &[u8]| String::from_utf8_lossy(n).into_owned();
                    let (x, y) = (text(&f.checkpoints[a].note), text(&f.checkpoints[b].note));
                    let head: Vec<&str> = x.lines().take(5).collect();
                    let tail: Vec<&str> = y.lines().skip(5).collect();
                    let note = [head, tail].concat().join("\n") + "\n";
                    f.checkpoints[a].note = note.into_bytes();
                }
            }
        },
        400,
        "checkpoints spliced",
    );
    spliced(
        |f, dice| {
            let n = f.directory.entries.len();
            let (a, b) = (dice.below(n), dice.below(n));
            match dice.below(3) {
                0 => {
                    let path = f.directory.entries[b].path.clone();
                    f.directory.entries[a].path = path;
                }
                1 => f.directory.entries[a].index = dice.below(n) as u64,
                _ => f.directory.entries[a].bytes = f.directory.entries[b].bytes.clone(),
            }
        },
        400,
        "directory entries spliced",
    );
}

/// Taking parts away leaves a file that may still be whole in itself: it never proves more.
#[test]
fn what_is_taken_away_never_adds_a_claim() {
    let whole = &world().file;
    let all = proved(&examine(&ground(), &whole.encode()).unwrap());
    let mut dice = Dice(7);
    for round in 0..1000 {
        let mut file = whole.clone();
        for _ in 0..1 + dice.below(4) {
            match dice.below(8) {
                0 if file.receipts.len() > 1 => {
                    _ = file.receipts.remove(dice.below(file.receipts.len()))
                }
                1 => file.sealed = None,
                2 => file.revocation.truncate(dice.below(2)),
                3 if !file.checkpoints.is_empty() => {
                    file.checkpoints.remove(dice.below(file.checkpoints.len()));
                }
                4 => file.statements.clear(),
                5 => file.documents.clear(),
                6 if file.directory.entries.len() > 1 => {
                    let place = dice.below(file.directory.entries.len());
                    file.directory.entries.remove(place);
                }
                _ => {}
            }
        }
        let account = examine(&ground(), &file.encode()).unwrap();
        let more = grew(&account, &all);
        assert_eq!(more, None, "round {round}");
    }
}
