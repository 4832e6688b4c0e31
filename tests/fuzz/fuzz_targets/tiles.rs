#![no_main]
//! See `tram_entry::tiles`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::tiles(data));
