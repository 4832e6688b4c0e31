#![no_main]
//! See `tram_entry::record`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::record(data));
