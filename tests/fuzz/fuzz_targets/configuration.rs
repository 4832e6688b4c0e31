#![no_main]
//! See `tram_entry::configuration`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::configuration(data));
