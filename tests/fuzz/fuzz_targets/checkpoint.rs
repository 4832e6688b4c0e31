#![no_main]
//! See `tram_entry::checkpoint`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::checkpoint(data));
