#![no_main]

libfuzzer_sys::fuzz_target!(init: cohorte_fuzz::begin(), |data: &[u8]| cohorte_fuzz::fhirpath(data));
