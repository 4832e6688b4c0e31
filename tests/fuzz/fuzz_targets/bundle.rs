#![no_main]
//! See `tram_entry::bundle`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::bundle(data));
