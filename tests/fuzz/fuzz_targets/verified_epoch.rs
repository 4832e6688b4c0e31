#![no_main]
//! See `tram_entry::verified_epoch`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::verified_epoch(data));
