//! What travels, is signed or is stored: decoders of `tram-wire`.

use std::fmt::Debug;

use tram_wire::bundle::{Bundle, split_sequence};
use tram_wire::cose::Sign1;
use tram_wire::directory::{
    self as wire_directory, DirectoryDifference, DirectoryFile, SubtreeFile,
};
use tram_wire::receipt::SignedRoot;
use tram_wire::root::{self as wire_root, RootFile};
use tram_wire::statement::Statement;
use tram_wire::void::Void;
use tram_wire::{Receipt, Sealable, Sealed, SealedDispatch};

/// One value, one encoding: what `decode` takes, `encode` gives back, but for fields of later
/// versions, which some formats pass over.
fn canonical<T: PartialEq + Debug, E>(
    data: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, E>,
    encode: impl Fn(&T) -> Vec<u8>,
) {
    let Ok(value) = decode(data) else { return };
    let again = encode(&value);
    if again == data {
        return;
    }
    let passed_over = again.len() < data.len() && tram_wire::cbor::check(data, data.len()).is_ok();
    assert!(passed_over, "taken, but not the encoding of what was understood: {value:?}");
    assert_eq!(decode(&again).ok().as_ref(), Some(&value));
}

/// The structural walk, against an independent decoder: what it lets through, the other one reads,
/// and writes again to the same bytes.
pub fn cbor(data: &[u8]) {
    if tram_wire::cbor::check(data, data.len()).is_err() {
        return;
    }
    let value: ciborium::Value =
        ciborium::from_reader(data).expect("the walk let through what is not CBOR");
    let mut again = Vec::new();
    ciborium::into_writer(&value, &mut again).expect("a vector takes everything");
    assert_eq!(again, data, "the walk let through a second spelling");
}

/// COSE_Sign1, and what agencies seal beside dispatches: a void number, and a statement about a dispatch.
pub fn cose(data: &[u8]) {
    if let Ok(sign1) = Sign1::parse(data, 1 << 20) {
        assert_eq!(sign1.encode(), data);
    }
    if let Some(void) = said::<Void>(data) {
        assert!(tram_dispatch::text::is_plain(&void.content().reason), "{void:?}");
    }
    if let Some(statement) = said::<Statement>(data) {
        let remark = statement.content().remark.as_deref().unwrap_or_default();
        assert!(tram_dispatch::text::is_plain(remark), "{statement:?}");
    }
}

/// Sealed again it is the same, but for fields of later versions, which are passed over.
fn said<C: Sealable + PartialEq + Debug>(data: &[u8]) -> Option<Sealed<C>> {
    let sealed = Sealed::<C>::parse(data).ok()?;
    assert_eq!(&sealed.raw()[..], data);
    let signature = sealed.signature().to_vec();
    let again = Sealed::seal(sealed.content(), sealed.chain(), sealed.algorithm(), |_| {
        Ok::<_, std::convert::Infallible>(signature)
    });
    let again = again.expect("what was parsed can be sealed again");
    assert_eq!(again.content(), sealed.content());
    let same = &again.raw()[..] == data && again.to_be_signed() == sealed.to_be_signed();
    assert!(same || again.raw().len() < data.len(), "a second spelling was taken: {sealed:?}");
    Some(sealed)
}

/// The sealed dispatch.
pub fn dispatch(data: &[u8]) {
    let Ok(sealed) = SealedDispatch::parse(data) else { return };
    assert_eq!(&sealed.raw()[..], data);
    let signature = sealed.signature().to_vec();
    let again =
        SealedDispatch::seal(sealed.envelope(), sealed.chain(), sealed.algorithm(), |signed| {
            assert_eq!(signed, sealed.to_be_signed());
            Ok::<_, std::convert::Infallible>(signature)
        });
    let again = again.expect("what was parsed can be sealed again");
    assert_eq!(&again.raw()[..], data);
    assert_eq!((again.id(), again.object()), (sealed.id(), sealed.object()));
    let documents = &sealed.envelope().documents;
    assert!(documents.iter().all(|d| tram_dispatch::text::is_plain(&d.name)), "{documents:?}");
}

/// The envelope.
pub fn envelope(data: &[u8]) {
    canonical(data, tram_wire::envelope::decode, tram_wire::envelope::encode);
}

/// A frame between nodes.
pub fn frame(data: &[u8]) {
    canonical(data, tram_wire::frame::decode, tram_wire::frame::encode);
}

/// A record of evidence.
pub fn evidence(data: &[u8]) {
    canonical(data, tram_wire::evidence::decode, tram_wire::evidence::encode);
}

/// The first leaf of a log.
pub fn genesis(data: &[u8]) {
    let Ok(genesis) = tram_wire::genesis::decode(data) else { return };
    assert_eq!(tram_wire::genesis::encode(&genesis), data);
    assert_eq!(tram_wire::genesis::leaf(&genesis).bytes, data);
}

/// A receipt: put together again from its parts it is the same.
pub fn receipt(data: &[u8]) {
    let Ok(receipt) = Receipt::parse(data) else { return };
    assert_eq!(&receipt.raw()[..], data);
    let again = Receipt::build(
        receipt.record().network,
        receipt.signed_root(),
        receipt.leaf_index(),
        receipt.path(),
        receipt.salt(),
        receipt.record_bytes(),
    );
    assert_eq!(&again.expect("it can be built again").raw()[..], data);
}

/// A signed root as it is stored.
pub fn signed_root(data: &[u8]) {
    canonical(data, SignedRoot::decode, SignedRoot::encode);
}

/// The directory file, its head and one of its entries.
pub fn directory(data: &[u8]) {
    canonical(data, DirectoryFile::decode, DirectoryFile::encode);
    canonical(data, DirectoryDifference::decode, DirectoryDifference::encode);
    canonical(data, SubtreeFile::decode, SubtreeFile::encode);
    canonical(data, wire_directory::decode_head, wire_directory::encode_head);
    canonical(data, wire_directory::decode_entry, wire_directory::encode_entry);
}

/// The root file and the document in it.
pub fn root(data: &[u8]) {
    canonical(data, RootFile::decode, RootFile::encode);
    canonical(data, wire_root::decode, wire_root::encode);
}

/// Receipts taken out of a node, in both forms.
pub fn bundle(data: &[u8]) {
    canonical(data, Bundle::decode, Bundle::encode);
    if Bundle::decode(data).is_ok() {
        assert!(Bundle::is_meant(data));
    }
    if let Ok(receipts) = split_sequence(data) {
        assert_eq!(receipts.concat(), data);
    }
}
