//! Speed of reading frames of a Pilatus 2M from the page cache: TIFF, and CBF of a quiet and of a noisy frame.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use halor::frame::{Counts, Frame, FrameAddress, FrameHeader, Shape, read, write_cbf, write_tiff};

const SHAPE: Shape = Shape { rows: 1679, columns: 1475 };

/// Counts of 200 to 200 + `spread`, −1 in the gaps.
fn frame(spread: u64) -> Frame {
    let count = |pixel: usize| {
        let hash = (pixel as u64).wrapping_mul(6_364_136_223_846_793_005) >> 33;
        if pixel % SHAPE.columns % 494 >= 487 { -1 } else { 200 + (hash % spread) as i32 }
    };
    let counts = Counts::I32((0..SHAPE.pixels()).map(count).collect());
    Frame { shape: SHAPE, counts, header: FrameHeader::default() }
}

/// Without its Content-MD5, whose check takes longer than the rest.
fn without_md5(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    let at = bytes.windows(11).position(|word| word == b"Content-MD5").unwrap();
    std::fs::write(path, [&bytes[..at], b"Content-Non", &bytes[at + 11..]].concat()).unwrap();
}

fn decode(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let mut group = c.benchmark_group("read");
    group.sample_size(20).throughput(Throughput::Elements(1));
    let (quiet, noisy) = (frame(20), frame(500));
    let file = |name: &str| folder.path().join(name);
    write_tiff(std::fs::File::create(file("frame.tif")).unwrap(), &quiet).unwrap();
    for (name, frame) in [("quiet.cbf", &quiet), ("noisy.cbf", &noisy), ("unchecked.cbf", &quiet)] {
        write_cbf(std::fs::File::create(file(name)).unwrap(), frame).unwrap();
    }
    without_md5(&file("unchecked.cbf"));
    for name in ["frame.tif", "quiet.cbf", "noisy.cbf", "unchecked.cbf"] {
        let address = FrameAddress { path: file(name), image: 0 };
        group.bench_function(name, |b| b.iter(|| read(&address).unwrap()));
    }
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
