#![no_main]
//! See `tram_entry::time_stamp`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::time_stamp(data));
