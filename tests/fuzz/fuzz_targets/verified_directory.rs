#![no_main]
//! See `tram_entry::verified_directory`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::verified_directory(data));
