#![no_main]
//! See `tram_entry::datagrams`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tram_entry::datagrams(data));
