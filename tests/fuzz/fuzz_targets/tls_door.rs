#![no_main]
//! See `tram_entry::tls_door`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::tls_door(data));
