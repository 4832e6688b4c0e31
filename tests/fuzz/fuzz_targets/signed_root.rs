#![no_main]
//! See `tram_entry::signed_root`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::signed_root(data));
