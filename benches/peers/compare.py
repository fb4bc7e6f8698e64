"""halor beside pyFAI and, where they are installed, azint and midas-integrate: same frames, geometry and method, in turn.

Every round asks each program once; ratios are of medians over the rounds, so that what else the machine does meanwhile
slows all alike. Differences are of the first frame's I, over the inner bins, in parts of the peer's I.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
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


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--bins", type=int, default=3000)
    return parser.parse_args()


OPTIONS = arguments()
for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = str(OPTIONS.threads)

import fabio  # noqa: E402
import numpy  # noqa: E402
import pyFAI  # noqa: E402
from pyFAI.detectors import detector_factory  # noqa: E402
from pyFAI.integrator.azimuthal import AzimuthalIntegrator  # noqa: E402


def write_frames(folder, mask):
    """Rings on a slope, with counting noise; -1 in the gaps."""
    rows, columns = numpy.indices(SHAPE)
    radius = numpy.hypot((rows + 0.5) * PIXEL - PONI1, (columns + 0.5) * PIXEL - PONI2)
    mean = 300 * numpy.exp(-radius / 0.06) * (1.3 + numpy.sin(radius / 0.004)) + 5
    random = numpy.random.default_rng(1)
    frames = []
    for index in range(OPTIONS.frames):
        frame = random.poisson(mean).astype(numpy.int32)
        frame[mask] = -1
        frames.append(frame)
        fabio.tifimage.TifImage(data=frame).write(str(folder / f"frame_{index:05}.tif"))
        fabio.cbfimage.CbfImage(data=frame).write(str(folder / f"frame_{index:05}.cbf"))
    return frames


def write_run_file(folder, splitting, extension="tif"):
    path = folder / f"{splitting}-{extension}.yaml"
    path.write_text(f"""
output: {folder}/results-{splitting}-{extension}
engine: cpu
beam: {{wavelength_angstrom: {WAVELENGTH * 1e10}, polarization: {POLARIZATION}}}
detector: {{name: Pilatus CdTe 2M}}
geometry: {{distance_m: {DISTANCE}, poni1_m: {PONI1}, poni2_m: {PONI2}}}
corrections: {{solid_angle: on, polarization: on, sensor: off}}
integration: {{unit: q_inv_angstrom, range: {list(Q_RANGE)}, bins: {OPTIONS.bins}, splitting: {splitting}}}
pdf: off
samples: [{{name: rings, frames: frame_*.{extension}}}]
""")
    return path


class Halor:
    """The example `peer`, which integrates all frames whenever it is told to."""

    def __init__(self, run_file):
        self.process = subprocess.Popen(
            [TARGET / "examples" / "peer", run_file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.plan_s = float(self.process.stdout.readline())
        bins = int(self.process.stdout.readline())
        self.q, self.intensity, self.sigma = (
            numpy.array([float(self.process.stdout.readline()) for _ in range(bins)]) for _ in range(3)
        )

    def seconds(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def integrator(detector):
    return AzimuthalIntegrator(
        dist=DISTANCE, poni1=PONI1, poni2=PONI2, rot1=0, rot2=0, rot3=0, detector=detector, wavelength=WAVELENGTH
    )


def pyfai_once(ai, frame, mask, method, error_model):
    return ai.integrate1d(
        frame, OPTIONS.bins, unit="q_A^-1", radial_range=Q_RANGE, mask=mask, method=method,
        polarization_factor=POLARIZATION, correctSolidAngle=True, error_model=error_model,
    )


def difference(found, expected):
    inner = slice(8, -8)
    found, expected = found[inner], expected[inner]
    good = numpy.isfinite(found) & (expected > 0)
    return float(numpy.max(numpy.abs(found[good] / expected[good] - 1)))


def torch_matrix(ai, split):
    """pyFAI's own matrix, applied by torch to eight frames at once: signal only, no correction, no sigma."""
    import torch

    engine = next(e.engine for key, e in ai.engines.items() if e.engine is not None and split in str(key))
    matrix = torch.sparse_csr_tensor(
        torch.from_numpy(engine.indptr.astype(numpy.int64)),
        torch.from_numpy(engine.indices.astype(numpy.int64)),
        torch.from_numpy(numpy.ascontiguousarray(engine.data)),
        size=(len(engine.indptr) - 1, SHAPE[0] * SHAPE[1]),
    )
    torch.set_num_threads(OPTIONS.threads)

    def apply(frames):
        for first in range(0, len(frames), 8):
            stack = numpy.stack([f.ravel() for f in frames[first:first + 8]], axis=1).astype(numpy.float32)
            matrix @ torch.from_numpy(stack)

    return apply


def midas_map():
    """midas-integrate's own map for this detector, one azimuthal bin; None where it is not installed."""
    if importlib.util.find_spec("midas_integrate") is None:
        return None
    import midas_integrate as midas
    import torch

    torch.set_num_threads(OPTIONS.threads)
    scale = 1e6
    far = DISTANCE / PIXEL * numpy.tan(2 * numpy.arcsin(Q_RANGE[1] * WAVELENGTH * 1e10 / (4 * numpy.pi)))
    params = midas.IntegrationParams(
        NrPixelsY=SHAPE[1], NrPixelsZ=SHAPE[0], pxY=PIXEL * scale, pxZ=PIXEL * scale, Lsd=DISTANCE * scale,
        BC_y=PONI2 / PIXEL, BC_z=PONI1 / PIXEL, RhoD=far * PIXEL * scale, RMin=10.0, RMax=far,
        RBinSize=(far - 10.0) / OPTIONS.bins, EtaMin=-180.0, EtaMax=180.0, EtaBinSize=360.0,
    )
    built = {}
    seconds = timed(lambda: built.update(map=midas.build_map(params)))
    pixmap = built["map"].as_pixel_map() if hasattr(built["map"], "as_pixel_map") else built["map"].pixmap
    bins = pixmap.n_bins
    geometry = midas.build_csr(
        pixmap, n_r=bins, n_eta=1, n_pixels_y=SHAPE[1], n_pixels_z=SHAPE[0], build_modes=("floor",)
    )
    return seconds, lambda frames: [midas.integrate(torch.from_numpy(f), geometry) for f in frames]


def file_to_file(folder, ai, mask, extension):
    """A script as users of pyFAI write it: read, integrate, save."""
    out = folder / "pyfai"
    out.mkdir(exist_ok=True)
    for path in sorted(folder.glob(f"frame_*.{extension}")):
        result = pyfai_once(ai, fabio.open(str(path)).data, mask, ("full", "csr", "cython"), "poisson")
        numpy.savetxt(out / f"{path.stem}.xye", numpy.column_stack([result.radial, result.intensity, result.sigma]))


def report(title, count, ours, theirs, note=""):
    ours, theirs = statistics.median(ours), statistics.median(theirs)
    print(f"{title:<58} {count / ours:>8.0f} {count / theirs:>8.1f} {theirs / ours:>7.1f}  {note}", flush=True)


def main():
    detector = detector_factory("Pilatus CdTe 2M")
    mask = detector.mask.astype(bool)
    print(f"pyFAI {pyFAI.version}, {OPTIONS.threads} threads, {OPTIONS.frames} frames of {SHAPE[0]} x {SHAPE[1]}, "
          f"{OPTIONS.bins} bins; medians of {OPTIONS.rounds} rounds. halor always computes sigma.\n")
    print(f"{'':<58} {'halor':>8} {'peer':>8} {'ratio':>7}  largest relative difference of I")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        frames = write_frames(folder, mask)
        few = frames[:4]
        for split, splitting in [("full", "full"), ("bbox", "bounding_box"), ("no", "none")]:
            halor = Halor(write_run_file(folder, splitting))
            for error_model in (None, "poisson"):
                best = None
                for algorithm in ("csr", "histogram") if split == "no" else ("csr", "lut"):
                    method = (split, algorithm, "cython")
                    ai = integrator(detector)
                    result = pyfai_once(ai, few[0], mask, method, error_model)
                    ours, theirs = [], []
                    for _ in range(OPTIONS.rounds):
                        ours.append(halor.seconds())
                        theirs.append(timed(lambda: [pyfai_once(ai, f, mask, method, error_model) for f in few])
                                      * len(frames) / len(few))
                    if best is None or statistics.median(theirs) < statistics.median(best[2]):
                        best = (algorithm, ours, theirs, difference(halor.intensity, result.intensity), ai)
                algorithm, ours, theirs, error, ai = best
                sigma = "with sigma" if error_model else "without sigma"
                report(f"pyFAI {split} {algorithm} {sigma}", len(frames), ours, theirs, f"{error:.1e}")
            if split == "full":
                rounds = range(OPTIONS.rounds)
                built = [timed(lambda: pyfai_once(integrator(detector), few[0], mask, ("full", "csr", "cython"), None))
                         for _ in range(2)]
                report("plan, full splitting (per second)", 1, [halor.plan_s], built)
                if importlib.util.find_spec("torch"):
                    apply = torch_matrix(ai, "full") if algorithm == "csr" else None
                    if apply:
                        apply(frames[:8])
                        pairs = [(halor.seconds(), timed(lambda: apply(frames[:8])) * len(frames) / 8) for _ in rounds]
                        report("torch, pyFAI's matrix times 8 frames, signal only", len(frames), *zip(*pairs))
                try:
                    midas = midas_map()
                except Exception as error:  # Its interface changes; the other peers are still worth having.
                    midas = None
                    print(f"midas-integrate: left out: {type(error).__name__}: {error}")
                if midas:
                    seconds, apply = midas
                    apply(few)
                    pairs = [(halor.seconds(), timed(lambda: apply(few)) * len(frames) / len(few)) for _ in rounds]
                    report("midas-integrate, exact areas, signal only", len(frames), *zip(*pairs))
                    report("plan of midas-integrate (per second)", 1, [halor.plan_s], [seconds])
            halor.process.stdin.close()
        ai = integrator(detector)
        pyfai_once(ai, few[0], mask, ("full", "csr", "cython"), "poisson")
        for extension in ("tif", "cbf"):
            command = [TARGET / "halor", "run", write_run_file(folder, "full", extension), "--force", "--quiet"]
            whole, ours, theirs = [], [], []
            for _ in range(min(OPTIONS.rounds, 3)):
                whole.append(timed(lambda: subprocess.run(command, check=True)))
                timings = json.loads((folder / f"results-full-{extension}" / "run.json").read_text())["timings"]
                ours.append(timings["total_s"] - timings["plan_s"])
                theirs.append(timed(lambda: file_to_file(folder, ai, mask, extension)))
            report(f"files to .xye on disk, {extension}, plans made before", len(frames), ours, theirs)
            report(f"files to .xye on disk, {extension}, halor's start and plan too", len(frames), whole, theirs)
    if importlib.util.find_spec("azint") is None:
        print("azint: not installed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
