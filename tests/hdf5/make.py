"""Writes HDF5 files as detectors and beamlines do, with h5py, and each image as .npy beside them.

usage: make.py FOLDER
"""
import sys
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np

folder = Path(sys.argv[1])
random = np.random.default_rng(7)
ROWS, COLUMNS = 61, 47
TYPES = ["u1", "<u2", ">u2", "<i2", "<u4", "<i4", ">i4", "<u8", "<i8", "<f4", ">f4", "<f8"]


def stack(kind, images=3):
    values = random.integers(0, 120, (images, ROWS, COLUMNS)).astype(kind)
    if np.dtype(kind).kind in "if":
        values[:, 3, :] = -1
    return values


def save(name, values):
    np.save(folder / f"{name}.npy", values.astype("<f8"))


# Every number type, without chunks.
for kind in TYPES:
    name = "type_" + kind.replace("<", "l").replace(">", "b")
    values = stack(kind)
    with h5py.File(folder / f"{name}.h5", "w") as file:
        file["entry/data/data"] = values
    save(name, values)

# Every packing, in chunks of one image.
PACKINGS = {
    "plain": {},
    "gzip": {"compression": "gzip"},
    "shuffle_gzip": {"compression": "gzip", "shuffle": True, "fletcher32": True},
    "lz4": dict(hdf5plugin.LZ4()),
    "bslz4": dict(hdf5plugin.Bitshuffle(cname="lz4")),
    "bitshuffle": dict(hdf5plugin.Bitshuffle(cname="none")),
}
for name, packing in PACKINGS.items():
    for kind in ["<u2", "<u4", "<i4", "<f4"]:
        values = stack(kind)
        full = f"packed_{name}_{kind[1:]}"
        for libver in ["earliest", "latest"]:
            with h5py.File(folder / f"{full}_{libver}.h5", "w", libver=libver) as file:
                file.create_dataset("entry/data/data", data=values, chunks=(1, ROWS, COLUMNS), **packing)
        save(full, values)

# Chunks of several images, of parts of an image, and four axes.
for name, chunks, shape in [
    ("several", (2, ROWS, COLUMNS), (3, ROWS, COLUMNS)),
    ("parts", (1, 16, 16), (3, ROWS, COLUMNS)),
    ("axes", (1, 1, ROWS, COLUMNS), (2, 3, ROWS, COLUMNS)),
]:
    values = stack("<i4", int(np.prod(shape[:-2])))
    with h5py.File(folder / f"chunks_{name}.h5", "w") as file:
        file.create_dataset("scan/images", data=values.reshape(shape), chunks=chunks, **hdf5plugin.Bitshuffle())
    save(f"chunks_{name}", values)

# An Eiger master: links to files of two images, the third of which is gone; numbers of the measurement.
values = stack("<u4", 4)
values[:, 0, :5] = 2**32 - 1
for part in (1, 2):
    with h5py.File(folder / f"scan_data_{part:06}.h5", "w") as file:
        file.create_dataset(
            "entry/data/data", data=values[2 * part - 2 : 2 * part], chunks=(1, ROWS, COLUMNS), **hdf5plugin.Bitshuffle()
        )
with h5py.File(folder / "scan_master.h5", "w") as file:
    for part in (1, 2, 3):
        file[f"entry/data/data_{part:06}"] = h5py.ExternalLink(f"scan_data_{part:06}.h5", "/entry/data/data")
    detector = file.create_group("entry/instrument/detector")

    def number(name, value, unit=None):
        file[name] = value
        if unit:
            file[name].attrs["units"] = unit

    number("entry/instrument/detector/count_time", 500.0, "ms")
    number("entry/instrument/detector/detector_distance", 737.0, "mm")
    number("entry/instrument/detector/x_pixel_size", 75e-6, "m")
    number("entry/instrument/detector/y_pixel_size", 76e-6, "m")
    number("entry/instrument/detector/beam_center_x", 23.5)
    number("entry/instrument/detector/beam_center_y", 30.25)
    number("entry/instrument/beam/incident_wavelength", 0.12423, "angstrom")
    file["entry/instrument/detector/description"] = "Dectris EIGER2 CdTe"
    file["entry/instrument/detector/detector_number"] = "E-08-0101"
    file["entry/start_time"] = "2026-03-12T16:59:41"
    file["entry/monitor/data"] = np.array([1000.0, 1001.0, 1002.0, 1003.0])
    number("entry/sample/temperature", np.array([300.0, 301.0, 302.0, 303.0]), "K")
    file["entry/instrument/detector/detectorSpecific/pixel_mask"] = np.zeros((ROWS, COLUMNS), "<u4")
save("scan_master", values)

# A collection that was stopped: ten images were planned, four written.
with h5py.File(folder / "stopped.h5", "w") as file:
    images = file.create_dataset(
        "entry/data/data", (10, ROWS, COLUMNS), "<u2", chunks=(1, ROWS, COLUMNS), **hdf5plugin.Bitshuffle()
    )
    values = stack("<u2", 4)
    images[:4] = values
save("stopped", values)

# Two stacks: which one is meant has to be said.
first, second = stack("<i4", 2), stack("<i4", 2)
with h5py.File(folder / "two.h5", "w") as file:
    file["a/images"] = first
    file["b/images"] = second
save("two", second)

# Nothing to integrate.
with h5py.File(folder / "none.h5", "w") as file:
    file["entry/table"] = np.arange(5.0)
    file["entry/text"] = "no image"
