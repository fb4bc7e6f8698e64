//! Processor, memory and what is built in.

use super::Finding;
use crate::simd::InstructionSet;

/// Less memory than this is little for cakes and long series.
const LITTLE_MEMORY_GIB: f64 = 4.0;

/// What there is beside graphics and disk.
pub(super) fn findings() -> Vec<Finding> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let of_processor = format!("{threads} threads, {}, {}", std::env::consts::ARCH, InstructionSet::best());
    let memory = match crate::config::machine_memory_bytes() {
        Some(bytes) => {
            let gib = bytes as f64 / f64::from(1 << 30);
            let found = format!("{gib:.1} GiB, of which a run takes a quarter");
            if gib < LITTLE_MEMORY_GIB {
                Finding::advice(
                    "memory",
                    found,
                    "set `memory_limit_gib` in the run file; leave cakes of frames off",
                )
            } else {
                Finding::good("memory", found)
            }
        }
        None => Finding::good("memory", "this system does not say; a run takes 2 GiB (`memory_limit_gib`)"),
    };
    let readers = "TIFF, CBF, EDF, HDF5 (plain, gzip, LZ4, bitshuffle), all built in: no library is needed";
    vec![Finding::good("processor", of_processor), memory, Finding::good("file formats", readers)]
}
