//! Altered evidence files, each by one kind of change.

use ciborium::Value;
use tram_wire::EvidenceFile;

use super::edit::{self, note_lines, with_lines};
use super::respelled::respelled;
use super::worlds::{World, Worlds};
use crate::{Numbers, deep};

/// What may be left of a file after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// The file is not whole any more, and proves nothing new.
    Altered,
    /// Something was taken away, or stands elsewhere: what is left may be whole, but proves nothing new.
    Less,
    /// Genuine receipts came that prove nothing of what only others may say.
    Strangers,
}

/// A kind of change.
pub(super) type Change = fn(&Worlds, &World, &mut Numbers) -> Option<Vec<u8>>;

/// Every kind, with how often of a hundred it is taken.
pub(super) const KINDS: &[(&str, u64, Rule, Change)] = &[
    ("flip", 16, Rule::Altered, flip),
    ("byte", 8, Rule::Altered, byte),
    ("swap", 7, Rule::Altered, swap),
    ("splice", 10, Rule::Altered, splice),
    ("graft", 11, Rule::Altered, graft),
    ("re-date", 8, Rule::Altered, redate),
    ("tree-size", 8, Rule::Altered, tree_size),
    ("other-log", 7, Rule::Altered, other_log),
    ("other-network", 5, Rule::Altered, other_network),
    ("field", 8, Rule::Altered, field),
    ("twice", 4, Rule::Altered, twice),
    ("second-spelling", 6, Rule::Altered, second_spelling),
    ("reordered", 3, Rule::Altered, reordered),
    ("dropped", 9, Rule::Less, dropped),
    ("stranger", 8, Rule::Strangers, super::strangers::added),
];

fn flip(_: &Worlds, world: &World, numbers: &mut Numbers) -> Option<Vec<u8>> {
    let mut bytes = world.bytes.clone();
    for _ in 0..1 + numbers.below(2) {
        let at = numbers.below(bytes.len());
        bytes[at] ^= 1 << numbers.below(8);
    }
    Some(bytes)
}

fn byte(_: &Worlds, world: &World, numbers: &mut Numbers) -> Option<Vec<u8>> {
    let mut bytes = world.bytes.clone();
    let at = numbers.below(bytes.len());
    match numbers.below(4) {
        0 => _ = bytes.remove(at),
        1 => bytes.insert(at, numbers.next() as u8),
        2 => bytes.truncate(at),
        _ => bytes[at] = [0, 0x18, 0x1f, 0x5f, 0x9f, 0xbf, 0xd2, 0xf6, 0xff][numbers.below(9)],
    }
    Some(bytes)
}

/// One element in another's place.
fn swap(_: &Worlds, world: &World, numbers: &mut Numbers) -> Option<Vec<u8>> {
    let mut f = world.file.clone();
    match numbers.below(7) {
        0 => {
            // A bit as well, or only the order would be another.
            let (a, b) = (numbers.below(f.receipts.len()), numbers.below(f.receipts.len()));
            let at = numbers.below(f.receipts[a].len());
            f.receipts[a][at] ^= 1 << numbers.below(8);
            f.receipts.swap(a, b);
        }
        1 => f.revocation.swap(0, 1),
        2 => {
            let count = f.checkpoints.len().max(1);
            let (a, b) = (numbers.below(count), numbers.below(count));
            let links = f.checkpoints.get(a)?.links.clone();
            f.checkpoints[b].links = links;
        }
        3 => {
            let (a, b) = edit::two(f.directory.entries.len(), numbers);
            let path = f.directory.entries[b].path.clone();
            f.directory.entries[a].path = path;
        }
        4 => {
            let (a, b) = edit::two(f.directory.entries.len(), numbers);
            f.directory.entries[a].bytes = f.directory.entries[b].bytes.clone();
        }
        5 => {
            let (a, b) = edit::two(f.checkpoints.len(), numbers);
            let note = f.checkpoints.get(a)?.note.clone();
            f.checkpoints[b].note = note;
        }
        _ => {
            let (a, b) = edit::two(f.checkpoints.len(), numbers);
            let stamps = f.checkpoints.get(a)?.stamps.clone();
            if stamps.is_empty() {
                return None;
            }
            f.checkpoints[b].stamps = stamps;
        }
    }
    sorted(f)
}

/// Pieces of two objects put together to one.
fn splice(worlds: &Worlds, world: &World, numbers: &mut Numbers) -> Option<Vec<u8>> {
    let mut f = world.file.clone();
    let (a, b) = edit::two(f.receipts.len(), numbers);
    let other = match numbers.below(3) {
        0 => &f.receipts[b],
        1 => worlds.another[numbers.below(worlds.another.len())].raw().as_ref(),
        _ => &worlds.other.file.receipts[numbers.below(worlds.other.file.receipts.len())],
    };
    match numbers.below(4) {
        0 => {
            let other = other.to_vec();
            f.receipts[a] = edit::stretch(&f.receipts[a], &other, numbers);
        }
        1 | 2 => {
            let other = crate::receipts::pieces(other);
            let mut mixed = crate::receipts::pieces(&f.receipts[a]);
            let choice = 1 + numbers.below((1 << mixed.len()) - 2);
            for (place, piece) in other.into_iter().enumerate() {
                if choice >> place & 1 == 1 {
                    mixed[place] = piece;
                }
            }
            f.receipts[a] = crate::receipts::assembled(&mixed);
        }
        _ => {
            let (x, y) = edit::two(f.checkpoints.len(), numbers);
            let (text, _) = note_lines(&f.checkpoints.get(x)?.note)?;
            let (_, lines) = note_lines(&f.checkpoints.get(y)?.note)?;
            f.checkpoints[x].note = with_lines(&text, &lines);
        }
    }
    sorted(f)
}

/// A whole part of another file.
fn graft(worlds: &Worlds, world: &World, numbers: &mut Numbers) -> Option<Vec<u8>> {
    let mut f = world.file.clone();
    let other = &worlds.other.file;
    let a = numbers.below(f.receipts.len());
    match numbers.below(9) {
        0 => f.receipts[a] = other.receipts[numbers.below(other.receipts.len())].clone(),
        1 => f.receipts.push(other.receipts[numbers.below(other.receipts.len())].clone()),
        2 => {
            let receipt = &worlds.another[numbers.below(worlds.another.len())];
            f.receipts.push(receipt.raw().to_vec());
        }
        3 => f.sealed = other.sealed.clone(),
        4 => {
            let place = numbers.below(f.revocation.len().max(1));
            *f.revocation.get_mut(place)? = other.revocation[numbers.below(2)].clone();
            if f.revocation == world.file.revocation {
                f.revocation.push(world.file.sealed.clone()?);
            }
        }
        5 => f.checkpoints.push(other.checkpoints[numbers.below(4)].clone()),
        6 => f.statements = other.statements.clone(),
        7 => f.directory = other.directory.clone(),
        _ => f.documents = vec![(0, b"another document".to_vec())],
    }
    sorted(f)
}

/// Another time in one place, or the same other time in several.
fn redate(_: &Worlds, world: &World, numbers: &mut Numbers) -> Option<Vec<u8>> {
    let by = [-86_400_000, -300_001, -1000, -1, 1, 999, 1000, 300_001, 86_400_000_i64];
    let by = by[numbers.below(by.len())];
    let mut f = world.file.clone();
    let a = numbers.below(f.receipts.len());
    match numbers.below(7) {
        0..=2 => {
            let mut pieces = crate::receipts::pieces(&f.receipts[a]);
            let which = 1 + numbers.below(3);
            if which & 1 == 1 {
                edit::inside(&mut pieces[0], -70_004, |time| edit::add(time, by));
            }
            if which & 2 == 2 {
                edit::inside(&mut pieces[8], 11, |time| edit::add(time, by));
            }
            f.receipts[a] = crate::receipts::assembled(&pieces);
        }
        3 => {
            let place = numbers.below(f.checkpoints.len().max(1));
            let (text, mut lines) = note_lines(&f.checkpoints.get(place)?.note)?;
            let line = 1 + numbers.below(lines.len() - 1);
            lines[line] = edit::cosignature_at_another_time(&lines[line], by)?;
            f.checkpoints[place].note = with_lines(&text, &lines);
        }
        4 => {
            let key = [12, 13][numbers.below(2)];
            f.sealed = Some(edit::payload(f.sealed.as_ref()?, key, |time| edit::add(time, by)));
        }
        5 => {
            let statement = f.statements.first_mut()?;
            *statement = edit::payload(statement, 6, |time| edit::add(time, by));
        }
        _ => {
            let mut head = Value::Bytes(f.directory.head_bytes.clone());
            edit::inside(&mut head, 4, |time| edit::add(time, by));
            f.directory.head_bytes = head.into_bytes().ok()?;
        }
    }
    sorted(f)
}

/// A proof about another size, leaf or path.
fn tree_size(_: &Worlds, world: &World, numbers: &mut Numbers) -> Option<Vec<u8>> {
    let mut f = world.file.clone();
    let a = numbers.below(f.receipts.len());
    let to = [0, 1, 2, 3, 4, 5, 7, 8, 1 << 32, (1 << 63) - 1, 1 << 63, u64::MAX][numbers.below(12)];
    match numbers.below(6) {
        0 => {
            let mut pieces = crate::receipts::pieces(&f.receipts[a]);
            let header = numbers.below(2) == 0;
            pieces[4] = to.into();
            if header {
                edit::inside(&mut pieces[0], -70_003, |size| *size = to.into());
            }
            f.receipts[a] = crate::receipts::assembled(&pieces);
        }
        1 => {
            let mut pieces = crate::receipts::pieces(&f.receipts[a]);
            pieces[5] = to.into();
            f.receipts[a] = crate::receipts::assembled(&pieces);
        }
        2 => {
            let mut pieces = crate::receipts::pieces(&f.receipts[a]);
            edit::list(&mut pieces[6], numbers);
            f.receipts[a] = crate::receipts::assembled(&pieces);
        }
        3 => {
            let place = numbers.below(f.checkpoints.len().max(1));
            let link = f.checkpoints.get_mut(place)?.links.first_mut()?;
            match numbers.below(3) {
                0 => link.size = to,
                1 => _ = link.path.pop()?,
                _ => link.path.push([numbers.next() as u8; 32]),
            }
        }
        4 => {
            let place = numbers.below(f.checkpoints.len().max(1));
            let (text, lines) = note_lines(&f.checkpoints.get(place)?.note)?;
            let parts: Vec<&str> = text.split('\n').collect();
            let text = format!("{}\n{to}\n{}\n", parts[0], parts[2]);
            f.checkpoints[place].note = with_lines(&text, &lines);
        }
        _ => {
            let place = numbers.below(f.directory.entries.len());
            f.directory.entries[place].index = to;
        }
    }
    sorted(f)
}

/// What one log signed, said to be of another.
fn other_log(worlds: &Worlds, world: &World, numbers: &mut Numbers) -> Option<Vec<u8>> {
    let mut f = world.file.clone();
    let nodes = &worlds.tiers.network.nodes;
    let to = &nodes[numbers.below(nodes.len())];
    match numbers.below(4) {
        0 | 1 => {
            let a = numbers.below(f.receipts.len());
            let mut pieces = crate::receipts::pieces(&f.receipts[a]);
            let id = || Value::Text(to.id.to_string());
            let epoch = || Value::Bytes(to.epoch.0.to_vec());
            edit::inside(&mut pieces[0], -70_001, |node| *node = id());
            edit::inside(&mut pieces[0], -70_002, |node| *node = epoch());
            if numbers.below(3) > 0 {
                edit::inside(&mut pieces[8], 3, |node| *node = id());
                edit::inside(&mut pieces[8], 4, |node| *node = epoch());
            }
            f.receipts[a] = crate::receipts::assembled(&pieces);
        }
        2 => {
            // Cosignatures of another log's checkpoint beside those of this one.
            let (x, y) = edit::two(f.checkpoints.len(), numbers);
            let (text, mut lines) = note_lines(&f.checkpoints.get(x)?.note)?;
            let (_, others) = note_lines(&f.checkpoints.get(y)?.note)?;
            lines.push(others[numbers.below(others.len())].clone());
            f.checkpoints[x].note = with_lines(&text, &lines);
        }
        _ => {
            let place = numbers.below(f.checkpoints.len().max(1));
            let (text, lines) = note_lines(&f.checkpoints.get(place)?.note)?;
            let rest = text.split_once('\n')?.1;
            let name = tram_trust::checkpoint::origin(worlds.tiers.network.id(), &to.id, to.epoch);
            f.checkpoints[place].note = with_lines(&format!("{name}\n{rest}"), &lines);
        }
    }
    sorted(f)
}

fn other_network(worlds: &Worlds, world: &World, numbers: &mut Numbers) -> Option<Vec<u8>> {
    let mut f = world.file.clone();
    let other = &worlds.other.file;
    match numbers.below(7) {
        0 => f.network = other.network,
        1 => f.root = other.root,
        2 => (f.network, f.root) = (other.network, other.root),
        3 => f.dispatch = other.dispatch,
        4 => (f.directory, f.receipts) = (other.directory.clone(), other.receipts.clone()),
        5 => return Some(other.encode()),
        _ => {
            let network = || Value::Bytes(other.network.as_bytes().to_vec());
            let a = numbers.below(f.receipts.len());
            let mut pieces = crate::receipts::pieces(&f.receipts[a]);
            edit::inside(&mut pieces[8], 2, |id| *id = network());
            f.receipts[a] = crate::receipts::assembled(&pieces);
        }
    }
    sorted(f)
}

/// One value somewhere in a part, in proper form.
fn field(_: &Worlds, world: &World, numbers: &mut Numbers) -> Option<Vec<u8>> {
    let mut f = world.file.clone();
    match numbers.below(6) {
        0 | 1 => {
            let a = numbers.below(f.receipts.len());
            f.receipts[a] = deep::changed(&f.receipts[a], numbers)?;
        }
        2 => f.sealed = Some(deep::changed(f.sealed.as_ref()?, numbers)?),
        3 => {
            let statement = f.statements.first_mut()?;
            *statement = deep::changed(statement, numbers)?;
        }
        4 => f.directory.head_bytes = deep::changed(&f.directory.head_bytes, numbers)?,
        _ => {
            let place = numbers.below(f.directory.entries.len());
            let entry = &mut f.directory.entries[place].bytes;
            *entry = deep::changed(entry, numbers)?;
        }
    }
    sorted(f)
}

/// Something that stands twice.
fn twice(_: &Worlds, world: &World, numbers: &mut Numbers) -> Option<Vec<u8>> {
    let mut f = world.file.clone();
    match numbers.below(6) {
        0 => f.receipts.push(f.receipts[numbers.below(f.receipts.len())].clone()),
        1 => f.statements.push(f.statements.first()?.clone()),
        2 => f.checkpoints.push(f.checkpoints.last()?.clone()),
        3 => f.directory.entries.push(f.directory.entries.last()?.clone()),
        4 => {
            let checkpoint = f.checkpoints.first_mut()?;
            checkpoint.links.push(checkpoint.links[0].clone());
        }
        _ => f.revocation.push(f.revocation.first()?.clone()),
    }
    Some(f.encode())
}

fn second_spelling(_: &Worlds, world: &World, numbers: &mut Numbers) -> Option<Vec<u8>> {
    let mut f = world.file.clone();
    match numbers.below(6) {
        0 | 1 => return respelled(&world.bytes, numbers),
        2 => {
            let a = numbers.below(f.receipts.len());
            f.receipts[a] = respelled(&f.receipts[a], numbers)?;
        }
        3 => f.sealed = Some(respelled(f.sealed.as_ref()?, numbers)?),
        4 => f.directory.head_bytes = respelled(&f.directory.head_bytes, numbers)?,
        _ => {
            let place = numbers.below(f.directory.entries.len());
            let entry = &mut f.directory.entries[place].bytes;
            *entry = respelled(entry, numbers)?;
        }
    }
    sorted(f)
}

/// The same elements in another order than the one.
fn reordered(_: &Worlds, world: &World, numbers: &mut Numbers) -> Option<Vec<u8>> {
    let mut f = world.file.clone();
    match numbers.below(3) {
        0 => {
            let (a, b) = edit::two(f.receipts.len(), numbers);
            f.receipts.swap(a, b);
        }
        1 => f.checkpoints.reverse(),
        _ => {
            let (a, b) = edit::two(f.directory.entries.len(), numbers);
            f.directory.entries.swap(a, b);
        }
    }
    Some(f.encode())
}

/// Parts taken away.
fn dropped(_: &Worlds, world: &World, numbers: &mut Numbers) -> Option<Vec<u8>> {
    let mut f = world.file.clone();
    for _ in 0..1 + numbers.below(3) {
        match numbers.below(10) {
            0 | 1 if f.receipts.len() > 1 => {
                _ = f.receipts.remove(numbers.below(f.receipts.len()));
            }
            2 => f.sealed = None,
            3 => f.revocation.truncate(numbers.below(2)),
            4 if !f.checkpoints.is_empty() => {
                f.checkpoints.remove(numbers.below(f.checkpoints.len()));
            }
            5 => f.statements.clear(),
            6 => f.documents.clear(),
            7 if f.directory.entries.len() > 1 => {
                f.directory.entries.remove(numbers.below(f.directory.entries.len()));
            }
            8 if !f.checkpoints.is_empty() => {
                let place = numbers.below(f.checkpoints.len());
                let (text, mut lines) = note_lines(&f.checkpoints[place].note)?;
                if lines.len() > 1 {
                    lines.remove(numbers.below(lines.len()));
                }
                f.checkpoints[place].note = with_lines(&text, &lines);
            }
            _ => f.checkpoints.iter_mut().for_each(|checkpoint| checkpoint.stamps.clear()),
        }
    }
    sorted(f)
}

/// In the one order, if it is not the file as it was.
fn sorted(mut f: EvidenceFile) -> Option<Vec<u8>> {
    f.sort();
    Some(f.encode())
}
