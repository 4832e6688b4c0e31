//! The one place where bytes become verified values without being verified: bytes that come back
//! from our own store, which took them only after they were. Search for `assertion::` to see every
//! use; nothing that came from a client, a peer or a file belongs here.

use tram_crypto::sha256;
use tram_dispatch::Digest;
use tram_wire::{Receipt, SealedDispatch};

use crate::certificate::{Certificate, profile};
use crate::verified::{SealAuthority, Signer, VerifiedDispatch, VerifiedReceipt};

/// A dispatch that our store took as verified. What revocation said then is in the evidence record.
pub fn dispatch_from_store(sealed: SealedDispatch) -> VerifiedDispatch {
    let leaf = sealed.chain().first().map(Vec::as_slice).unwrap_or_default();
    let read = Certificate::parse(leaf).ok();
    let agency = sealed.envelope().originator.clone();
    let named = read.as_ref().and_then(|c| profile::agency_of(c).ok().flatten());
    let signer = Signer {
        authority: match named {
            Some(name) if name == agency => SealAuthority::Name,
            Some(_) | None => SealAuthority::Binding,
        },
        certificate: Digest(sha256(leaf)),
        name: read.as_ref().map(|c| c.subject().to_owned()).unwrap_or_default(),
        not_after: read.as_ref().map(Certificate::not_after).unwrap_or_default(),
        agency,
    };
    VerifiedDispatch::assertion(sealed, signer, None, None)
}

/// A receipt that our store took as verified.
pub fn receipt_from_store(receipt: Receipt) -> VerifiedReceipt {
    VerifiedReceipt::assertion(receipt, None)
}
