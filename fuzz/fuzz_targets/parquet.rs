#![no_main]

fn begin() {
    cohorte_fuzz::begin();
    cohorte_fuzz::columnar_seeds::write("parquet");
}

libfuzzer_sys::fuzz_target!(init: begin(), |data: &[u8]| cohorte_fuzz::file("parquet", data));
