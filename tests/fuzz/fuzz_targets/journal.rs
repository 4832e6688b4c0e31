#![no_main]
//! See `tram_entry::journal`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::journal(data));
