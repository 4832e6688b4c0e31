#![no_main]
//! See `tram_entry::group`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::group(data));
