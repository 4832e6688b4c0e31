#![no_main]
//! See `tram_entry::envelope`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::hidden_zip(data));
