"""Puts raw frames of i32 into an Eiger master with files of two images, the last of which is missing, and a temperature for each.

usage: master.py FOLDER ROWS COLUMNS
"""
import sys
from pathlib import Path

import h5py
import numpy as np

folder, rows, columns = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
frames = [np.fromfile(path, "<i4").reshape(rows, columns) for path in sorted(folder.glob("*.raw"))]
parts = (len(frames) + 1) // 2
for part in range(parts):
    with h5py.File(folder / f"scan_data_{part + 1:06}.h5", "w") as file:
        images = np.array(frames[2 * part : 2 * part + 2])
        file.create_dataset("entry/data/data", data=images, chunks=(1, rows, columns), compression="gzip", shuffle=True)
with h5py.File(folder / "scan_master.h5", "w") as file:
    for part in range(parts + 1):
        file[f"entry/data/data_{part + 1:06}"] = h5py.ExternalLink(f"scan_data_{part + 1:06}.h5", "/entry/data/data")
    file["entry/instrument/detector/count_time"] = 10.0
    file["entry/instrument/detector/count_time"].attrs["units"] = "s"
    file["entry/sample/temperature"] = 300.0 + np.arange(len(frames) + 1)
    file["entry/sample/temperature"].attrs["units"] = "K"
