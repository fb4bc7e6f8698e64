#![no_main]
use halor_fuzz::Target;
// The tables of the elements are unpacked at the first composition: seconds with a sanitizer, which are not an input's.
libfuzzer_sys::fuzz_target!(
    init: Target::Yaml.seeds().iter().for_each(|seed| Target::Yaml.read(seed)),
    |bytes: &[u8]| Target::Yaml.read(bytes)
);
