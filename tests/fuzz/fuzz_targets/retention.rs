#![no_main]
//! See `tram_entry::retention`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::retention(data));
