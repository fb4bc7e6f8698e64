"""What is measured: one geometry, frames of it as TIFF and CBF, the run files of halor, and halor's process."""

import os
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent.parent / "target")) / "release"
WAVELENGTH = 0.1107e-10
DISTANCE, PONI1, PONI2 = 0.3, 0.1443, 0.1272
PIXEL = 172e-6
SHAPE = (1679, 1475)
Q_RANGE = (0.5, 27.0)
POLARIZATION = 0.99
COMPOSITION = "Zr62 Cu15.5 Ni12.5 Al10"
DENSITY = 0.0528
R_AXIS = (0.0, 30.0, 0.01)

SECTORS = """sectors:
  - {name: X, centre_deg: 0, width_deg: 10, fold: on}
  - {name: Y, centre_deg: 90, width_deg: 10, fold: on}
"""
CAKE = "cake: {azimuth_bins: 360, radial_bins: 1000}\n"
PDF = f"""composition: {COMPOSITION}
pdf: {{density_atoms_per_cubic_angstrom: {DENSITY}, q_range_inv_angstrom: [0.7, 25.0], systematic: off,
      r_range_angstrom: {list(R_AXIS[:2])}, r_step_angstrom: {R_AXIS[2]}}}
"""


def write_frames(folder, mask, count):
    """Rings on a slope, with counting noise; -1 in the gaps."""
    import fabio
    import numpy

    rows, columns = numpy.indices(SHAPE)
    radius = numpy.hypot((rows + 0.5) * PIXEL - PONI1, (columns + 0.5) * PIXEL - PONI2)
    mean = 300 * numpy.exp(-radius / 0.06) * (1.3 + numpy.sin(radius / 0.004)) + 5
    random = numpy.random.default_rng(1)
    frames = []
    for index in range(count):
        frame = random.poisson(mean).astype(numpy.int32)
        frame[mask] = -1
        frames.append(frame)
        fabio.tifimage.TifImage(data=frame).write(str(folder / f"frame_{index:05}.tif"))
        fabio.cbfimage.CbfImage(data=frame).write(str(folder / f"frame_{index:05}.cbf"))
    return frames


def write_run_file(folder, bins, splitting="full", extension="tif", filtered="off", more="", pdf="pdf: off\n", among=""):
    name = f"{splitting}-{extension}-{len(list(folder.glob('*.yaml')))}"
    path = folder / f"{name}.yaml"
    path.write_text(f"""
output: {folder}/results-{name}
engine: cpu
exports: {{nexus: off}}
plan_cache: {folder}/plans
beam: {{wavelength_angstrom: {WAVELENGTH * 1e10}, polarization: {POLARIZATION}}}
detector: {{name: Pilatus CdTe 2M}}
geometry: {{distance_m: {DISTANCE}, poni1_m: {PONI1}, poni2_m: {PONI2}}}
corrections: {{solid_angle: on, polarization: on, sensor: off}}
integration: {{unit: q_inv_angstrom, range: {list(Q_RANGE)}, bins: {bins}, splitting: {splitting}, filter: {filtered}}}
{more}{pdf}samples: [{{name: rings, frames: "{among}frame_*.{extension}"}}]
""")
    return path


def repeat(folder, extension, times):
    """The frames so many times, as other names of the same files."""
    series = folder / f"series-{extension}"
    series.mkdir()
    for path in sorted(folder.glob(f"frame_*.{extension}")):
        for index in range(times):
            os.link(path, series / f"{path.stem}_{index:03}.{extension}")
    return f"{series.name}/"


class Halor:
    """The example `peer`: does what it is told, with the frames and the method of a run file."""

    def __init__(self, run_file):
        import numpy

        self.process = subprocess.Popen(
            [TARGET / "examples" / "peer", run_file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.plan_s = float(self.process.stdout.readline())
        self.matrix_bytes = int(self.process.stdout.readline())
        bins = int(self.process.stdout.readline())
        self.q, self.intensity, self.sigma = (
            numpy.array([float(self.process.stdout.readline()) for _ in range(bins)]) for _ in range(3)
        )
        # The first time memory is new.
        self.seconds("integrate")

    def seconds(self, work="integrate"):
        self.process.stdin.write(f"{work}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
