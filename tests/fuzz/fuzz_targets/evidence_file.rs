#![no_main]
//! See `tram_entry::evidence_file`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::evidence_file(data));
