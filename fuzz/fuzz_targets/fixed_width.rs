#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cohorte_fuzz::file("fixed_width", data));
