//! Every limit of the formats in one place. `docs/protocol.md` repeats this table; a test holds
//! the two together. Units are in the names.

macro_rules! limits {
    ($( $(#[doc = $doc:literal])+ $name:ident: $ty:ty = $value:expr; )+) => {
        $( $(#[doc = $doc])+ pub const $name: $ty = $value; )+

        /// Every limit as (name, value, meaning), for documents and their test.
        pub const ALL: &[(&str, u64, &str)] = &[
            $( (stringify!($name), $name as u64, concat!($($doc),+)), )+
        ];
    };
}

limits! {
    /// Longest agency code, canonical or opaque.
    AGENCY_CODE_BYTES_MAX: usize = 64;
    /// Longest node label, the part of a node id before the first dot.
    NODE_LABEL_BYTES_MAX: usize = 16;
    /// Longest code of a unit inside an agency.
    UNIT_CODE_BYTES_MAX: usize = 32;
    /// Most records of forwarding and of units' marks on one dispatch with one recipient.
    UNIT_RECORDS_MAX: usize = 1024;
    /// Longest reference.
    REFERENCE_BYTES_MAX: usize = 64;
    /// Largest sealed dispatch: COSE object with envelope and certificates, without documents.
    DISPATCH_BYTES_MAX: usize = 1 << 20;
    /// Most recipients in one envelope.
    RECIPIENTS_MAX: usize = 10_000;
    /// Most groups that the recipients of one dispatch are expanded from.
    GROUPS_MAX: usize = 16;
    /// Longest name of a group.
    GROUP_NAME_BYTES_MAX: usize = 64;
    /// Most documents in one dispatch.
    DOCUMENTS_MAX: usize = 256;
    /// Largest document.
    DOCUMENT_BYTES_MAX: u64 = 4 << 30;
    /// Largest document that rides inside the journal batch and inside a transfer frame.
    INLINE_DOCUMENT_BYTES_MAX: usize = 64 << 10;
    /// Most bytes of inline documents in one transfer frame; what is over is taken by range.
    INLINE_TOTAL_BYTES_MAX: usize = 256 << 10;
    /// Most bytes of one dispatch's documents inside a journal batch; the others are files.
    JOURNAL_INLINE_BYTES_MAX: usize = 4 << 20;
    /// Longest document name.
    DOCUMENT_NAME_BYTES_MAX: usize = 255;
    /// Longest media type.
    MEDIA_TYPE_BYTES_MAX: usize = 127;
    /// Longest text field of the metadata.
    TEXT_BYTES_MAX: usize = 4096;
    /// Most earlier dispatches or documents one dispatch may refer to.
    RELATED_MAX: usize = 64;
    /// Most certificates in one chain, the trust anchor not counted.
    CHAIN_CERTIFICATES_MAX: usize = 6;
    /// Largest certificate.
    CERTIFICATE_BYTES_MAX: usize = 16 << 10;
    /// Deepest nesting of any CBOR item.
    CBOR_DEPTH_MAX: usize = 16;
    /// Most entries in one CBOR array or map.
    CBOR_ITEMS_MAX: usize = 100_000;
    /// Largest evidence record.
    EVIDENCE_BYTES_MAX: usize = 8 << 10;
    /// Most documents in one record of their removal.
    REMOVED_MAX: usize = 128;
    /// Longest name of a rule of retention.
    RULE_NAME_BYTES_MAX: usize = 64;
    /// Largest receipt with its record, salt, proof and signature.
    RECEIPT_BYTES_MAX: usize = 16 << 10;
    /// Most receipts in one receipts frame.
    RECEIPTS_PER_FRAME_MAX: usize = 512;
    /// Most upstream receipts that travel with one transfer, per recipient.
    UPSTREAM_RECEIPTS_MAX: usize = 32;
    /// Largest frame of the node-to-node protocol.
    FRAME_BYTES_MAX: usize = 4 << 20;
    /// Most hops any envelope may ask for.
    HOPS_MAX: u8 = 16;
    /// Longest time between sealing and expiry.
    LIFETIME_MS_MAX: u64 = 90 * 86_400_000;
    /// How far in the future a sealing time may lie before the dispatch is refused.
    CLOCK_SKEW_MS_MAX: u64 = 300_000;
    /// Longest proof path in nodes.
    PROOF_PATH_MAX: usize = 63;
    /// Largest signed note (checkpoint with its signatures).
    NOTE_BYTES_MAX: usize = 16 << 10;
    /// Largest network root document.
    ROOT_BYTES_MAX: usize = 256 << 10;
    /// Most keys that may sign for a network.
    ROOT_KEYS_MAX: usize = 16;
    /// Largest signed directory, entries included.
    DIRECTORY_BYTES_MAX: usize = 256 << 20;
    /// Most entries in a directory.
    DIRECTORY_ENTRIES_MAX: usize = 1_000_000;
    /// Most receipts in one export bundle, or one after the other.
    BUNDLE_RECEIPTS_MAX: usize = 100_000;
    /// Largest export bundle.
    BUNDLE_BYTES_MAX: usize = 512 << 20;
    /// Largest evidence file, documents included.
    EVIDENCE_FILE_BYTES_MAX: usize = 512 << 20;
    /// Most receipts in one evidence file.
    EVIDENCE_FILE_RECEIPTS_MAX: usize = 100_000;
    /// Most directory entries in one evidence file.
    EVIDENCE_FILE_ENTRIES_MAX: usize = 30_000;
    /// Most checkpoints in one evidence file.
    EVIDENCE_FILE_CHECKPOINTS_MAX: usize = 1024;
    /// Most time-stamp tokens on one checkpoint.
    TIME_STAMPS_MAX: usize = 8;
    /// Largest time-stamp token (RFC 3161).
    TIME_STAMP_BYTES_MAX: usize = 64 << 10;
    /// Largest statement sealed by an agency.
    STATEMENT_BYTES_MAX: usize = 128 << 10;
    /// Largest file of anchors of time-stamping authorities.
    ANCHORS_BYTES_MAX: usize = 1 << 20;
    /// Most records of handling (status 04 to 06) of one dispatch with one recipient.
    HANDLING_RECORDS_MAX: usize = 32;
    /// Largest witness policy.
    POLICY_BYTES_MAX: usize = 64 << 10;
    /// Largest certificate revocation list.
    CRL_BYTES_MAX: usize = 16 << 20;
}
