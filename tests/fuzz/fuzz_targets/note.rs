#![no_main]
//! See `tram_entry::note`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::note(data));
