#![no_main]
//! See `tram_entry::dispatch`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::dispatch(data));
