//! Entries: agencies, nodes, delegations.

use minicbor::Decoder;
use tram_crypto::sha256;
use tram_dispatch::directory::{Agency, Binding, Delegation, Entry, Epoch, Node};
use tram_dispatch::limits::{CBOR_ITEMS_MAX, DIRECTORY_BYTES_MAX, TEXT_BYTES_MAX};

use crate::WireError;
use crate::cbor::{self, Fields, FieldsOut, Writer, array, finish, header};
use crate::fields::{agency, id, node, plain, put_time_or_null, spki, string, time, time_or_null};

/// First element of an entry, and first byte of its sort key.
mod kind {
    pub(super) const AGENCY: u8 = 1;
    pub(super) const NODE: u8 = 2;
    pub(super) const DELEGATION: u8 = 3;
}

/// The one encoding of this entry: `[kind, fields]`. Lists without elements are left out.
pub fn encode_entry(entry: &Entry) -> Vec<u8> {
    let (kind, fields) = match entry {
        Entry::Agency(a) => (kind::AGENCY, agency_fields(a)),
        Entry::Node(n) => (kind::NODE, node_fields(n)),
        Entry::Delegation(d) => (kind::DELEGATION, delegation_fields(d)),
    };
    let mut w = Writer::with_capacity(256);
    w.array(2).uint(kind.into()).fields(fields);
    w.finish()
}

/// Where the entry stands: entries ascend strictly by these bytes, so none stands twice.
///
/// Kind (one byte), then the code or id as text; a delegation adds a zero byte and the SHA-256 of its key,
/// so that one subtree may have two keys while one takes over from the other.
pub fn sort_key(entry: &Entry) -> Vec<u8> {
    let (kind, name) = match entry {
        Entry::Agency(a) => (kind::AGENCY, a.code.as_str()),
        Entry::Node(n) => (kind::NODE, n.id.as_str()),
        Entry::Delegation(d) => (kind::DELEGATION, d.subtree.as_str()),
    };
    let mut key = vec![kind];
    key.extend_from_slice(name.as_bytes());
    if let Entry::Delegation(d) = entry {
        key.push(0);
        key.extend_from_slice(&sha256(&d.key));
    }
    key
}

fn agency_fields(a: &Agency) -> FieldsOut {
    let mut f = FieldsOut::new();
    f.put(1, |w| _ = w.text(a.code.as_str()));
    put_list(&mut f, 2, &a.former, |w, code| _ = w.text(code.as_str()));
    f.put(3, |w| _ = w.text(&a.name))
        .put(4, |w| _ = w.uint(a.tier.into()))
        .put_some(5, a.parent.as_ref(), |w, code| _ = w.text(code.as_str()))
        .put_some(6, a.node.as_ref(), |w, node| _ = w.text(node.as_str()))
        .put(7, |w| _ = w.bool(a.open))
        .put_some(8, a.successor.as_ref(), |w, code| _ = w.text(code.as_str()));
    put_list(&mut f, 9, &a.bindings, |w, b| {
        w.array(3).bytes(b.certificate.as_bytes()).uint(b.from.0);
        put_time_or_null(w, b.until);
    });
    f.put_some(10, a.contact.as_ref(), |w, contact| _ = w.text(contact))
        .put_some(11, a.from, |w, from| _ = w.uint(from.0))
        .put_some(12, a.until, |w, until| _ = w.uint(until.0));
    f
}

fn node_fields(n: &Node) -> FieldsOut {
    let mut f = FieldsOut::new();
    f.put(1, |w| _ = w.text(n.id.as_str()));
    put_list(&mut f, 2, &n.addresses, |w, address| _ = w.text(address));
    f.put_some(3, n.parent.as_ref(), |w, node| _ = w.text(node.as_str()));
    put_list(&mut f, 4, &n.lateral, |w, node| _ = w.text(node.as_str()));
    f.put(5, |w| _ = w.bool(n.open));
    put_list(&mut f, 6, &n.epochs, |w, epoch| {
        w.array(5)
            .bytes(epoch.id.as_bytes())
            .bytes(&epoch.receipt_key)
            .bytes(&epoch.checkpoint_key)
            .uint(epoch.from.0);
        put_time_or_null(w, epoch.until);
    });
    f
}

fn delegation_fields(d: &Delegation) -> FieldsOut {
    let mut f = FieldsOut::new();
    f.put(1, |w| _ = w.text(d.subtree.as_str()))
        .put(2, |w| _ = w.bytes(&d.key))
        .put(3, |w| _ = w.uint(d.from.0))
        .put_some(4, d.until, |w, until| _ = w.uint(until.0));
    f
}

fn put_list<T>(f: &mut FieldsOut, key: u64, list: &[T], write: impl Fn(&mut Writer, &T)) {
    if !list.is_empty() {
        f.put(key, |w| {
            w.array(list.len());
            list.iter().for_each(|item| write(w, item));
        });
    }
}

/// Reads one entry. Fields from 128 on are passed over; the raw bytes, which the head commits to, keep
/// them.
///
/// # Errors
/// `NotCanonical`, `TooLarge`, `Malformed`.
pub fn decode_entry(bytes: &[u8]) -> Result<Entry, WireError> {
    cbor::check(bytes, DIRECTORY_BYTES_MAX).map_err(|e| e.within("directory entry"))?;
    let mut d = Decoder::new(bytes);
    if header(d.array()?)? != 2 {
        return Err(WireError::malformed("directory entry: an array of 2 is needed"));
    }
    let entry = match d.u8()? {
        kind::AGENCY => Entry::Agency(read_agency(&mut d)?),
        kind::NODE => Entry::Node(read_node(&mut d)?),
        kind::DELEGATION => Entry::Delegation(read_delegation(&mut d)?),
        other => {
            return Err(WireError::malformed(format_args!("unknown directory entry kind {other}")));
        }
    };
    finish(&d)?;
    Ok(entry)
}

/// A list that is left out when it has no element.
fn list<'a, T>(
    f: &mut Fields<'_, 'a>,
    key: u64,
    element: impl FnMut(&mut Decoder<'a>) -> Result<T, WireError>,
) -> Result<Vec<T>, WireError> {
    let read = |d: &mut Decoder<'a>| array(d, 1, CBOR_ITEMS_MAX, "elements", element);
    Ok(f.optional(key, read)?.unwrap_or_default())
}

fn label_text(d: &mut Decoder<'_>) -> Result<String, WireError> {
    let text = string(d)?;
    plain(&text, 1, TEXT_BYTES_MAX)?;
    Ok(text)
}

fn read_agency(d: &mut Decoder<'_>) -> Result<Agency, WireError> {
    let mut f = Fields::open(d, "agency entry")?;
    let entry = Agency {
        code: f.required(1, agency)?,
        former: list(&mut f, 2, agency)?,
        name: f.required(3, label_text)?,
        tier: f.required(4, |d| Ok(d.u8()?))?,
        parent: f.optional(5, agency)?,
        node: f.optional(6, node)?,
        open: f.required(7, |d| Ok(d.bool()?))?,
        successor: f.optional(8, agency)?,
        bindings: list(&mut f, 9, |d| {
            tuple(d, "binding", 3)?;
            Ok(Binding { certificate: id(d)?, from: time(d)?, until: time_or_null(d)? })
        })?,
        contact: f.optional(10, label_text)?,
        from: f.optional(11, time)?,
        until: f.optional(12, time)?,
    };
    f.end_skipping()?;
    Ok(entry)
}

fn tuple(d: &mut Decoder<'_>, what: &str, expected: u64) -> Result<(), WireError> {
    if header(d.array()?)? == expected {
        return Ok(());
    }
    Err(WireError::malformed(format_args!("a {what} is an array of {expected}")))
}

fn read_node(d: &mut Decoder<'_>) -> Result<Node, WireError> {
    let mut f = Fields::open(d, "node entry")?;
    let entry = Node {
        id: f.required(1, node)?,
        addresses: list(&mut f, 2, label_text)?,
        parent: f.optional(3, node)?,
        lateral: list(&mut f, 4, node)?,
        open: f.required(5, |d| Ok(d.bool()?))?,
        epochs: list(&mut f, 6, |d| {
            tuple(d, "epoch", 5)?;
            Ok(Epoch {
                id: id(d)?,
                receipt_key: spki(d)?,
                checkpoint_key: spki(d)?,
                from: time(d)?,
                until: time_or_null(d)?,
            })
        })?,
    };
    f.end_skipping()?;
    Ok(entry)
}

fn read_delegation(d: &mut Decoder<'_>) -> Result<Delegation, WireError> {
    let mut f = Fields::open(d, "delegation entry")?;
    let entry = Delegation {
        subtree: f.required(1, agency)?,
        key: f.required(2, spki)?,
        from: f.required(3, time)?,
        until: f.optional(4, time)?,
    };
    f.end_skipping()?;
    Ok(entry)
}
