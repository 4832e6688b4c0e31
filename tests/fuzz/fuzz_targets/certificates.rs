#![no_main]
//! See `tram_entry::certificates`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::certificates(data));
