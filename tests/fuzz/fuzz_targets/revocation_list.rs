#![no_main]
//! See `tram_entry::revocation_list`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::revocation_list(data));
