#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| halor_fuzz::Target::Edf.read(bytes));
