//! HDF5: cut files, chunks that do not unpack, sizes that nothing backs.

use std::path::Path;

use halor::frame::{FrameAddress, image_count, peek_shape, read};
use rust_hdf5::{FilterPipeline, H5File};

use super::{Files, places};

const ROWS: usize = 23;
const COLUMNS: usize = 31;

/// The file that `write` makes.
fn file(write: impl FnOnce(&H5File)) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole.h5");
    let file = H5File::options().no_locking().create(&path).unwrap();
    write(&file);
    file.close().unwrap();
    std::fs::read(path).unwrap()
}

/// Three images, of which the first is stored as `chunk`.
fn with_chunk(pipeline: FilterPipeline, chunk: &[u8]) -> Vec<u8> {
    file(|file| {
        let dataset = file.new_dataset::<u32>().shape([3, ROWS, COLUMNS]).chunk(&[1, ROWS, COLUMNS]);
        let dataset = dataset.filter_pipeline(pipeline).create("data").unwrap();
        dataset.write_chunk_raw_at(&[0, 0, 0], chunk, 0).unwrap();
    })
}

fn image(path: &Path) -> Result<(), String> {
    let (_, _) = (image_count(path), peek_shape(path));
    read(&FrameAddress { path: path.to_owned(), image: 0 }).map(drop).map_err(|error| error.to_string())
}

pub(super) fn refused() -> usize {
    let mut files = Files::default();
    let values: Vec<u32> = (0..3 * ROWS * COLUMNS).map(|pixel| (pixel * 37 % 1000) as u32).collect();
    let plain = file(|file| {
        let dataset = file.new_dataset::<u32>().shape([3, ROWS, COLUMNS]).chunk(&[1, ROWS, COLUMNS]);
        dataset.create("data").unwrap().write_raw(&values).unwrap();
    });
    let bytes: Vec<u8> = values[..ROWS * COLUMNS].iter().flat_map(|value| value.to_le_bytes()).collect();
    let place = plain.windows(bytes.len()).position(|window| window == bytes).unwrap();
    // Whatever it is cut of before its first image ends.
    files.cut("plain", "h5", &plain, places(place + bytes.len(), 40).into_iter().chain(1..=16));
    for (packing, pipeline) in [("deflate", FilterPipeline::deflate(1)), ("lz4", FilterPipeline::lz4())] {
        let noise: Vec<u8> = (0..500_u32).map(|k| (k.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for (kind, chunk) in [
            ("noise", noise.clone()),
            ("empty", vec![0]),
            ("zeros", vec![0; 300]),
            ("ones", vec![0xff; 300]),
            ("short", noise[..7].to_vec()),
        ] {
            files.add(format!("{packing}_{kind}.h5"), with_chunk(pipeline.clone(), &chunk));
        }
    }
    let packed = {
        let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut packer, &bytes).unwrap();
        packer.finish().unwrap()
    };
    for cut in places(packed.len(), 12) {
        // An empty chunk is one that was never written, which is refused by another test.
        if cut > 0 {
            files.add(
                format!("deflate_cut_at_{cut}.h5"),
                with_chunk(FilterPipeline::deflate(1), &packed[..cut]),
            );
        }
    }
    // A chunk of a few bytes that unpacks to 64 MiB.
    let bomb = {
        let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut packer, &vec![0; 64 << 20]).unwrap();
        packer.finish().unwrap()
    };
    files.add("deflate_bomb.h5", with_chunk(FilterPipeline::deflate(1), &bomb));
    // Sizes that nothing backs.
    files.add(
        "absurd_images.h5",
        file(|file| {
            let dataset = file
                .new_dataset::<u32>()
                .shape([1 << 40, ROWS, COLUMNS])
                .max_shape(&[None, Some(ROWS), Some(COLUMNS)])
                .chunk(&[1, ROWS, COLUMNS]);
            dataset.create("data").unwrap();
        }),
    );
    files.add(
        "large_image.h5",
        file(|file| {
            let dataset = file.new_dataset::<u16>().shape([1, 30_000, 40_000]).chunk(&[1, 30_000, 40_000]);
            let dataset = dataset.filter_pipeline(FilterPipeline::deflate(1)).create("data").unwrap();
            dataset.write_chunk_raw_at(&[0, 0, 0], &packed, 0).unwrap();
        }),
    );
    files.add(
        "absurd_image.h5",
        file(|file| {
            file.new_dataset::<u32>()
                .shape([1, 1 << 20, 1 << 20])
                .max_shape(&[None, Some(1 << 20), Some(1 << 20)])
                .chunk(&[1, 4096, 4096])
                .create("data")
                .unwrap();
        }),
    );
    files.add(
        "never_written.h5",
        file(|file| {
            file.new_dataset::<u32>()
                .shape([5, ROWS, COLUMNS])
                .chunk(&[1, ROWS, COLUMNS])
                .create("data")
                .unwrap();
        }),
    );
    files.add(
        "table.h5",
        file(|file| {
            file.new_dataset::<f64>().shape([100]).create("data").unwrap().write_raw(&[0.5; 100]).unwrap();
        }),
    );
    files.add(
        "no_dataset.h5",
        file(|file| {
            file.create_group("entry").unwrap();
        }),
    );
    files.add(
        "two_stacks.h5",
        file(|file| {
            for name in ["a", "b"] {
                file.new_dataset::<u32>()
                    .shape([3, ROWS, COLUMNS])
                    .create(name)
                    .unwrap()
                    .write_raw(&values)
                    .unwrap();
            }
        }),
    );
    files.add(
        "missing_part.h5",
        file(|file| {
            let entry = file.create_group("entry").unwrap().create_group("data").unwrap();
            entry.create_external_link("data_000001", "nowhere_data_000001.h5", "/entry/data/data").unwrap();
        }),
    );
    files.add(
        "links_itself.h5",
        file(|file| {
            let group = file.create_group("a").unwrap();
            group.create_soft_link("b", "/a").unwrap();
        }),
    );
    files.refused(image)
}

/// Groups that hold themselves many times over, and numbers of the measurement that nothing backs, take no time and no memory.
#[test]
fn loops_and_absurd_metadata_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("loops.h5");
    let bytes = file(|file| {
        let group = file.create_group("entry").unwrap();
        for index in 0..20 {
            group.link(&format!("again{index}"), "/entry").unwrap();
        }
        let data = file.create_group("data").unwrap();
        let dataset = data.new_dataset::<u32>().shape([2, ROWS, COLUMNS]).create("data").unwrap();
        dataset.write_raw(&vec![5_u32; 2 * ROWS * COLUMNS]).unwrap();
        let monitor = file.create_group("monitor").unwrap();
        monitor.new_dataset::<f64>().shape([1 << 40]).chunk(&[1 << 20]).create("data").unwrap();
    });
    std::fs::write(&path, bytes).unwrap();
    let start = std::time::Instant::now();
    let address = FrameAddress { path: folder.path().join("loops.h5::/data/data"), image: 1 };
    // A reading that would fill the memory is none; the image is there.
    let frame = read(&address).unwrap().frame;
    assert_eq!(frame.header.monitor, None);
    assert!(frame.counts.to_f64().iter().all(|count| *count == 5.0));
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
