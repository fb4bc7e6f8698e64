"""Reads the NeXus file of a run with h5py and compares it with the run's text outputs.

usage: check_nexus.py FILE.nxs OUTPUT_FOLDER
"""
import csv
import json
import sys
from pathlib import Path

import h5py
import numpy as np

file, folder = h5py.File(sys.argv[1]), Path(sys.argv[2])


def text(node):
    value = node[()]
    return value.decode() if isinstance(value, bytes) else value


def child(group, nexus_class):
    found = [node for node in group.values() if node.attrs.get("NX_class") == nexus_class]
    assert len(found) == 1, f"{group.name}: {len(found)} of {nexus_class}"
    return found[0]


def application(group, kind, images):
    """The fields and shapes of NXazint1d or NXazint2d (definition.nexusformat.org)."""
    assert text(group["definition"]) == kind
    for name in ["solid_angle_applied", "polarization_applied", "normalization_applied", "monitor_applied"]:
        assert group[name].dtype == bool and group[name].shape == (), name
    instrument = child(group, "NXinstrument")
    assert text(instrument["name"])
    monochromator = child(instrument, "NXmonochromator")
    for name, unit in [("wavelength", "angstrom"), ("energy", "keV")]:
        assert monochromator[name].attrs["units"] == unit and monochromator[name][()] > 0
    assert np.isclose(monochromator["wavelength"][()] * monochromator["energy"][()], 12.398419843, rtol=1e-8)
    source = child(instrument, "NXsource")
    assert text(source["name"]) and text(source["type"]) and text(source["probe"]) == "x-ray"
    reduction = group["reduction"]
    assert reduction.attrs["NX_class"] == "NXprocess" and text(reduction["program"]) == "halor"
    for name in ["version", "date", "reference"]:
        assert text(reduction[name])
    assert reduction["input"].attrs["NX_class"] == "NXparameters" and len(reduction["input"]) > 8
    data = group[group.attrs["default"]]
    assert data.attrs["NX_class"] == "NXdata" and data.attrs["signal"] == "I"
    axes = {"NXazint1d": [".", "radial_axis"], "NXazint2d": [".", "azimuthal_axis", "radial_axis"]}[kind]
    assert list(data.attrs["axes"]) == axes
    assert data.attrs["interpretation"] == {"NXazint1d": "spectrum", "NXazint2d": "image"}[kind]
    shape = tuple(data[axis].size for axis in axes[1:])
    for axis in axes[1:]:
        edges = data[f"{axis}_edges"][:]
        assert edges.size == data[axis].size + 1
        np.testing.assert_allclose(data[axis][:], (edges[1:] + edges[:-1]) / 2, rtol=1e-12, atol=1e-12)
    assert data["radial_axis"].attrs["long_name"] == "q" and data["radial_axis"].attrs["units"] == "1/angstrom"
    assert data["norm"].shape == shape and np.all(data["norm"][()] >= 0)
    for name, long_name in [("I", "intensity"), ("I_errors", "estimated intensity error")]:
        assert data[name].shape == (images,) + shape, (name, data[name].shape)
        assert data[name].attrs["long_name"] == long_name and data[name].attrs["units"] == "arbitrary units"
    # [E4]: the sums give the patterns again.
    sums = {name: group[f"accumulators/{name}"][()] for name in ["signal", "variance", "norm"]}
    with np.errstate(invalid="ignore", divide="ignore"):
        intensity, error = sums["signal"] / sums["norm"], np.sqrt(sums["variance"]) / sums["norm"]
    rtol = 1e-12 if kind == "NXazint1d" else 1e-6
    np.testing.assert_allclose(data["I"][()], intensity, rtol=rtol)
    np.testing.assert_allclose(data["I_errors"][()], error, rtol=rtol)
    return data


def columns(path):
    """Numbers of a text output."""
    lines = path.read_text().split("#### start data\n")[-1].splitlines()
    return np.array([[float(cell) for cell in line.split()] for line in lines if not line.startswith("#")]).T


def curve(path, axis, rows):
    """Rows of the file against the columns of a text output, where nothing that is not finite stands."""
    written = columns(path)
    keep = np.all([np.isfinite(row) for row in rows], axis=0)
    np.testing.assert_allclose(written[0], axis[keep], atol=6e-8)
    for column, row in zip(written[1:], rows):
        np.testing.assert_allclose(column, row[keep], rtol=2e-6, atol=2e-12)


def images(entry, paths):
    for row, path in enumerate(paths):
        for group, suffix in [(entry, "")] + [
            (node, "_" + name.removeprefix("sector_")) for name, node in entry.items() if name.startswith("sector_")
        ]:
            stem = f"{path}{suffix}"
            data = group["data"]
            curve(Path(f"{stem}.xye"), data["radial_axis"][:], [data["I"][row], data["I_errors"][row]])
            if "background_subtracted" in group:
                data = group["background_subtracted"]
                curve(Path(f"{stem}.iq"), data["radial_axis"][:], [data["I"][row], data["I_errors"][row]])
            if "structure_factor" in group:
                data = group["structure_factor"]
                assert data.attrs["signal"] == "S" and list(data.attrs["axes"]) == [".", "Q"]
                curve(Path(f"{stem}.sq"), data["Q"][:], [data["S"][row], data["S_errors"][row]])
                curve(Path(f"{stem}.fq"), data["Q"][:], [data["F"][row], data["F_errors"][row]])
                data = group["pdf"]
                rows = [data["G"][row], np.zeros(data["r"].size), data["G_errors"][row]]
                curve(Path(f"{stem}.gr"), data["r"][:], rows)


def peaks(group, rows):
    assert len(rows) == group["peak"].size > 0
    names = list(rows[0])
    # When and where a frame was taken stands with its image.
    of_frame = names[names.index("place"):names.index("position_inv_angstrom")]
    for name in (name for name in names if name not in of_frame):
        column = group[name][:]
        if group[name].dtype.kind == "f":
            expected = np.array([float(row[name]) if row[name] else np.nan for row in rows])
            np.testing.assert_allclose(np.where(np.isfinite(column), column, np.nan), expected, rtol=1e-6, atol=6e-9)
        else:
            assert [value.decode() for value in column] == [row[name] for row in rows], name


record = json.loads((folder / "run.json").read_text())
assert file.attrs["NX_class"] == "NXroot" and file.attrs["default"] == "samples"
samples, frames = file["samples"], file["frames"]
names = [name.decode() for name in samples["images/sample"][:]]
application(samples, "NXazint1d", len(names))
for entry in (samples, frames):
    for name, group in entry.items():
        if name.startswith("sector_"):
            application(group, "NXazint1d", entry["data/I"].shape[0])
            assert group.attrs["NX_class"] == "NXsubentry"
cake = application(samples["cake"], "NXazint2d", len(names))
for row, name in enumerate(names):
    npz = np.load(folder / name / f"{name}.cake.npz")
    np.testing.assert_array_equal(cake["I"][row], npz["intensity"])
    np.testing.assert_array_equal(cake["I_errors"][row], npz["sigma"])
images(samples, [folder / name / name for name in names])

stems = [(a.decode(), b.decode()) for a, b in zip(frames["images/sample"][:], frames["images/frame"][:])]
done = [frame for frame in record["frames"] if frame["status"] == "done" and not frame["used_for"].startswith("background")]
assert [frame["used_for"] for frame in done] == [sample for sample, _ in stems]
application(frames, "NXazint1d", len(stems))
images(frames, [folder / sample / "frames" / stem for sample, stem in stems])
for key, name in [("xxh3_128", "xxh3_128"), ("path", "path")]:
    assert [value.decode() for value in frames[f"images/{name}"][:]] == [frame[key] for frame in done]
assert list(frames["images/image"][:]) == [frame["image"] for frame in done]
assert list(frames["images/bytes"][:]) == [frame["bytes"] for frame in done]
temperatures = [
    next((reading["value"] for reading in frame.get("readings", []) if reading["name"] == "temperature"), np.nan)
    for frame in done
]
np.testing.assert_array_equal(frames["readings/temperature_k"][:], temperatures)
assert frames["readings/temperature_k"].attrs["units"] == "K" and np.isfinite(temperatures).any()

# The tables and the file call a reading by one name and agree on when frames were taken.
with (folder / "peaks.csv").open() as table:
    of_frames = {(row["sample"], row["frame"]): row for row in csv.DictReader(table)}
for column, values in [("time_s", frames["images/time_s"][:]), ("temperature_k", frames["readings/temperature_k"][:])]:
    cells = [of_frames[stem][column] for stem in stems]
    np.testing.assert_allclose(values, [float(cell) if cell else np.nan for cell in cells], rtol=1e-8)

# A sample's sums are those of its frames.
for row, name in enumerate(names):
    of_sample = [index for index, (sample, _) in enumerate(stems) if sample == name]
    for kind in ["signal", "variance", "norm"]:
        total = frames[f"accumulators/{kind}"][of_sample].sum(axis=0)
        np.testing.assert_allclose(samples[f"accumulators/{kind}"][row], total, rtol=1e-12)

rows = list(csv.DictReader((folder / "peaks.csv").open()))
peaks(samples["peaks"], [row for row in rows if row["frame"] == "sum"])
peaks(frames["peaks"], [row for row in rows if row["frame"] != "sum"])
assert text(samples["reduction/configuration/data"]) == (folder / "config.yaml").read_text()
inside = json.loads(text(samples["run_json/data"]))
assert inside["frames"] == record["frames"] and inside["outputs"] == record["outputs"]
