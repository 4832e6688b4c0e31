#![no_main]
//! See `tram_entry::axis_http`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::axis_http(data));
