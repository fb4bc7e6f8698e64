//! Files packed by gzip, unpacked in memory within a limit.

use std::io::Read;

use super::FrameError;
use super::source::Source;

/// No file unpacks to more than this.
const MAX_UNPACKED_BYTES: u64 = 4 << 30;

/// First bytes of a gzip file.
pub(super) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The contents of a gzip file (all its members). Memory grows with what is unpacked, never with what a header
/// promises, and stops at 4 GiB.
pub(super) fn unpack(source: &Source<'_>) -> Result<Vec<u8>, FrameError> {
    unpack_within(source, MAX_UNPACKED_BYTES)
}

fn unpack_within(source: &Source<'_>, limit: u64) -> Result<Vec<u8>, FrameError> {
    let mut unpacked = Vec::new();
    flate2::read::MultiGzDecoder::new(source.bytes).take(limit + 1).read_to_end(&mut unpacked).map_err(
        |error| source.malformed(0, format!("gzip data that do not unpack ({error})"), "whole gzip data"),
    )?;
    if unpacked.len() as u64 > limit {
        return Err(FrameError::TooLarge {
            path: source.path.to_path_buf(),
            what: "the unpacked file",
            bytes: limit + 1,
            limit,
        });
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::Path;

    use super::*;

    #[test]
    fn unpacking_stops_at_the_limit() {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(&vec![0u8; 1 << 20]).unwrap();
        let packed = packer.finish().unwrap();
        let source = Source::new(Path::new("bomb.gz"), &packed);
        assert_eq!(unpack_within(&source, 1 << 20).unwrap().len(), 1 << 20);
        assert!(matches!(unpack_within(&source, (1 << 20) - 1), Err(FrameError::TooLarge { .. })));
        for cut in 2..packed.len() {
            assert!(unpack(&Source::new(source.path, &packed[..cut])).is_err(), "cut at {cut}");
        }
    }
}
