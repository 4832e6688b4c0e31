#![no_main]
//! See `tram_entry::cbor`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::cbor(data));
