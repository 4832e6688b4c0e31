#![no_main]
//! See `tram_entry::certificate_request`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::certificate_request(data));
