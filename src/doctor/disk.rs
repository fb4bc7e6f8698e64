//! How fast results can be written.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Instant;

use super::Finding;

const BYTES: usize = 64 << 20;
const PIECE: usize = 1 << 20;
/// A frame's results of 1 MB at 30 frames per second.
const SLOW_MB_PER_S: f64 = 30.0;

/// Writes a file of 64 MiB into `folder`, to the disk, and reads it again.
pub(super) fn finding(folder: &Path) -> Finding {
    let subject = format!("disk at {}", folder.display());
    match measured(folder) {
        Ok([write, read]) => {
            let found = format!(
                "writes {write:.0} MB/s to the disk, reads {read:.0} MB/s (from memory where it is cached)"
            );
            if write < SLOW_MB_PER_S {
                Finding::advice(
                    subject,
                    found,
                    "write to a local disk (`output`), and copy the results when they are done",
                )
            } else {
                Finding::good(subject, found)
            }
        }
        Err(error) => Finding::bad(
            subject,
            format!("no file can be written: {error}"),
            "check space and permissions, or name another folder",
        ),
    }
}

/// 10⁶ bytes per second: write with fsync, read.
fn measured(folder: &Path) -> std::io::Result<[f64; 2]> {
    let mut file = tempfile::tempfile_in(folder)?;
    // Numbers that no file system packs.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut piece = vec![0; PIECE];
    for bytes in piece.chunks_exact_mut(8) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        bytes.copy_from_slice(&(state ^ state >> 29).to_le_bytes());
    }
    let start = Instant::now();
    for _ in 0..BYTES / PIECE {
        file.write_all(&piece)?;
    }
    file.sync_all()?;
    let write = start.elapsed();
    file.seek(SeekFrom::Start(0))?;
    let start = Instant::now();
    while file.read(&mut piece)? > 0 {}
    Ok([write, start.elapsed()].map(|time| BYTES as f64 / 1e6 / time.as_secs_f64().max(1e-9)))
}
