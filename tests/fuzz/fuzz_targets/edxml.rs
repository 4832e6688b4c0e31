#![no_main]
//! See `tram_entry::envelope`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::edxml(data));
