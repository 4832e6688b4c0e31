//! Tests of the formats: round trips, hostile bytes, CBOR violations, rules, and two public libraries as
//! referees.

mod bundles;
mod differential;
mod evidence_files;
mod hostile;
mod made;
mod receipts;
mod roundtrip;
mod rules;
mod strategies;
mod violations;
mod voids;
