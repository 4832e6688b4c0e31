#![no_main]
//! See `tram_entry::working_days`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::working_days(data));
