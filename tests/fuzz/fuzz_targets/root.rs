#![no_main]
//! See `tram_entry::root`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::root(data));
