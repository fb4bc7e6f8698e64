"""halor beside pyFAI and, where they are installed, glassure, azint and midas-integrate: same frames, geometry and method, in turn.

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
import warnings
from pathlib import Path


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--bins", type=int, default=3000)
    parser.add_argument("--only", choices=("splittings", "more_than_the_ring", "filters", "frames_to_g", "files"),
                        help="one part of the table")
    return parser.parse_args()


OPTIONS = arguments()
# What libraries say of their own future.
warnings.filterwarnings("ignore")
for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = str(OPTIONS.threads)

import fabio  # noqa: E402
import numpy  # noqa: E402
import pyFAI  # noqa: E402
from pyFAI.detectors import detector_factory  # noqa: E402
from pyFAI.integrator.azimuthal import AzimuthalIntegrator  # noqa: E402

import scene  # noqa: E402
from scene import CAKE, DISTANCE, PDF, PIXEL, PONI1, PONI2, POLARIZATION, Q_RANGE, SECTORS, SHAPE, WAVELENGTH, Halor, timed  # noqa: E402

BEST_FULL = ("full", "csr", "cython")
# Frames of a run from file to file, for one in memory: a run reads, integrates and writes at the same time, which takes some batches to begin.
REPEATS = 10
# The peers are slow: few frames say how fast they are.
FEW = 4


class Comparison:
    """Frames, detector, and the peers' calls."""

    def __init__(self, folder):
        self.folder = folder
        self.detector = detector_factory("Pilatus CdTe 2M")
        self.mask = self.detector.mask.astype(bool)
        self.frames = scene.write_frames(folder, self.mask, OPTIONS.frames)
        self.few = self.frames[:FEW]

    def run_file(self, **how):
        return scene.write_run_file(self.folder, OPTIONS.bins, **how)

    def integrator(self):
        return AzimuthalIntegrator(dist=DISTANCE, poni1=PONI1, poni2=PONI2, rot1=0, rot2=0, rot3=0,
                                   detector=self.detector, wavelength=WAVELENGTH)

    def pyfai(self, ai, frame, method, error_model):
        return ai.integrate1d(
            frame, OPTIONS.bins, unit="q_A^-1", radial_range=Q_RANGE, mask=self.mask, method=method,
            polarization_factor=POLARIZATION, correctSolidAngle=True, error_model=error_model,
        )

    def rounds(self, ours, theirs):
        """Seconds of both for all frames, round by round; `theirs` takes a list of frames and does as many, or `at_once`."""
        done = getattr(theirs, "at_once", len(self.few))
        pairs = [(ours(), timed(lambda: theirs(self.few)) * len(self.frames) / done) for _ in range(OPTIONS.rounds)]
        return tuple(zip(*pairs))

    def row(self, title, ours, theirs, note=""):
        ours, theirs = statistics.median(ours), statistics.median(theirs)
        count = len(self.frames)
        print(f"| {title} | {count / ours:.0f} | {count / theirs:.3g} | {theirs / ours:.3g} | {note} |", flush=True)


def difference(found, expected):
    inner = slice(8, -8)
    found, expected = found[inner], expected[inner]
    good = numpy.isfinite(found) & (expected > 0)
    return float(numpy.max(numpy.abs(found[good] / expected[good] - 1)))


def splittings(c):
    """In memory, each splitting with and without sigma, against pyFAI's fastest method with the same splitting."""
    for split, splitting in [("full", "full"), ("bbox", "bounding_box"), ("no", "none")]:
        halor = Halor(c.run_file(splitting=splitting))
        for error_model in (None, "poisson"):
            best = None
            for algorithm in {"full": ("csr", "lut"), "bbox": ("csr",), "no": ("csr", "histogram")}[split]:
                method, ai = (split, algorithm, "cython"), c.integrator()
                result = c.pyfai(ai, c.few[0], method, error_model)
                ours, theirs = c.rounds(halor.seconds, lambda few: [c.pyfai(ai, f, method, error_model) for f in few])
                if best is None or statistics.median(theirs) < statistics.median(best[2]):
                    best = (algorithm, ours, theirs, difference(halor.intensity, result.intensity))
            algorithm, ours, theirs, error = best
            sigma = "Poisson σ" if error_model else "without σ"
            c.row(f"pyFAI, {splitting} splitting ({algorithm}), {sigma}", ours, theirs, f"I differs by {error:.1e}")
        if split == "full":
            others(c, halor)
        bandwidth(c, halor, splitting)
        halor.close()


def others(c, halor):
    """Peers that apply a matrix to signals alone, and the plans."""
    built = [timed(lambda: c.pyfai(c.integrator(), c.few[0], BEST_FULL, None)) for _ in range(2)]
    print(f"| plan, full splitting: pyFAI's first frame | {halor.plan_s:.2f} s | {statistics.median(built):.2f} s | "
          f"{statistics.median(built) / halor.plan_s:.3g} | |", flush=True)
    for peer in (torch_matrix, midas_map, azint_engine):
        # Their interfaces change; the other peers are still worth having.
        try:
            found = peer(c)
            if found is None:
                continue
            title, note, apply = found
            apply(c.few)
            c.row(title, *c.rounds(halor.seconds, apply), note)
        except Exception as error:
            print(f"| {peer.__name__}: left out: {type(error).__name__}: {str(error)[:200]} | | | | |", flush=True)


def torch_matrix(c):
    """pyFAI's own matrix, applied by torch to eight frames at once."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    ai = c.integrator()
    c.pyfai(ai, c.few[0], BEST_FULL, None)
    engine = next(e.engine for key, e in ai.engines.items() if e.engine is not None and "full" in str(key))
    matrix = torch.sparse_csr_tensor(
        torch.from_numpy(engine.indptr.astype(numpy.int64)),
        torch.from_numpy(engine.indices.astype(numpy.int64)),
        torch.from_numpy(numpy.ascontiguousarray(engine.data)),
        size=(len(engine.indptr) - 1, SHAPE[0] * SHAPE[1]),
    )
    torch.set_num_threads(OPTIONS.threads)

    def apply(few):
        stack = numpy.stack([few[i % len(few)].ravel() for i in range(8)], axis=1).astype(numpy.float32)
        matrix @ torch.from_numpy(stack)

    apply.at_once = 8
    return "torch, pyFAI's matrix times 8 frames at once", "signal only", apply


def midas_map(c):
    """midas-integrate's own map for this detector, one azimuthal bin."""
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
    geometry = midas.build_csr(
        pixmap, n_r=pixmap.n_bins, n_eta=1, n_pixels_y=SHAPE[1], n_pixels_z=SHAPE[0], build_modes=("floor",)
    )
    return ("midas-integrate, exact areas", f"signal only; its map took {seconds:.0f} s",
            lambda few: [midas.integrate(torch.from_numpy(f), geometry) for f in few])


def azint_engine(c):
    """azint with 4 sub-pixels along each side."""
    if importlib.util.find_spec("azint") is None:
        return None
    import azint

    poni = c.folder / "geometry.poni"
    c.integrator().save(str(poni))
    ai = azint.AzimuthalIntegrator(str(poni), 4, OPTIONS.bins, unit="q", mask=c.mask, error_model="poisson",
                                   polarization_factor=POLARIZATION, solid_angle=True)
    return "azint, 4 sub-pixels, Poisson σ", "", lambda few: [ai.integrate(f) for f in few]


def bandwidth(c, halor, splitting):
    """What of the memory's read bandwidth the engine reaches, counting frames and an eighth of the matrix, and frames alone."""
    pairs = [(halor.seconds(), halor.seconds("read-memory")) for _ in range(max(OPTIONS.rounds, 5))]
    ours, reading = (statistics.median(seconds) for seconds in zip(*pairs))
    frame = 4 * SHAPE[0] * SHAPE[1]
    limit = frame * len(c.frames) / reading
    all_bytes, alone = ((frame + extra) * len(c.frames) / ours / limit for extra in (halor.matrix_bytes / 8, 0))
    print(f"| of the read bandwidth ({limit / 1e9:.1f} GB/s), {splitting} splitting, with σ | {len(c.frames) / ours:.0f} | | | "
          f"{all_bytes:.0%} with the matrix, {alone:.0%} frames alone |", flush=True)


def more_than_the_ring(c):
    """Two sectors and a cake, in the same pass as the ring: what they add to its time."""
    ring = Halor(c.run_file())
    for title, more in [("two sectors of 10°, folded", SECTORS), ("a cake of 360 × 1000", CAKE)]:
        both = Halor(c.run_file(more=more))
        pairs = [(both.seconds(), ring.seconds()) for _ in range(max(OPTIONS.rounds, 5))]
        with_more, alone = (statistics.median(seconds) for seconds in zip(*pairs))
        print(f"| the ring with {title}, against the ring alone | {len(c.frames) / with_more:.0f} | "
              f"{len(c.frames) / alone:.0f} | | takes {with_more / alone:.2f} times as long |", flush=True)
        both.close()
    ring.close()


def filters(c):
    """Along the ring, frame by frame."""
    common = {"unit": "q_A^-1", "radial_range": Q_RANGE, "mask": c.mask, "method": BEST_FULL,
              "polarization_factor": POLARIZATION, "error_model": "poisson"}
    ai = c.integrator()
    for filtered, theirs in [
        ("sigma_clip", lambda few: [ai.sigma_clip(f, OPTIONS.bins, thres=5, max_iter=5, **common) for f in few]),
        ("median", lambda few: [ai.medfilt1d_ng(f, OPTIONS.bins, percentile=50, **common) for f in few]),
    ]:
        halor = Halor(c.run_file(filtered=filtered))
        theirs(c.few[:1])
        c.row(f"pyFAI, {filtered}, full splitting (csr), Poisson σ", *c.rounds(halor.seconds, theirs))
        halor.close()


def frames_to_g(c):
    """Frames in memory to G(r) with σ, against pyFAI and glassure."""
    if importlib.util.find_spec("glassure") is None:
        print("| glassure: not installed | | | | |")
        return
    from glassure.calc import calculate_pdf, create_calculate_pdf_configs
    from glassure.pattern import Pattern

    halor, ai = Halor(c.run_file(pdf=PDF)), c.integrator()
    # g/cm³ of DENSITY atoms per Å³ with the mean atomic mass of the composition.
    density = scene.DENSITY * (62 * 91.224 + 15.5 * 63.546 + 12.5 * 58.693 + 10 * 26.982) / 100 / 0.602214

    def theirs(few):
        for frame in few:
            result = c.pyfai(ai, frame, BEST_FULL, "poisson")
            pattern = Pattern(result.radial, result.intensity)
            config = create_calculate_pdf_configs(pattern, {"Zr": 62, "Cu": 15.5, "Ni": 12.5, "Al": 10}, density)
            transform = config[1].transform
            transform.q_min, transform.q_max = 0.7, 25.0
            transform.r_min, transform.r_max, transform.r_step = scene.R_AXIS[0] + scene.R_AXIS[2], *scene.R_AXIS[1:]
            calculate_pdf(*config)

    theirs(c.few[:1])
    c.row("frames to G(r): pyFAI (csr, Poisson σ) and glassure", *c.rounds(lambda: halor.seconds("to-g"), theirs),
          "halor with σ of G(r), peaks and figures of quality")
    halor.close()


def file_to_file(c, ai, extension):
    """A script as users of pyFAI write it: read, integrate, save."""
    out = c.folder / "pyfai"
    out.mkdir(exist_ok=True)
    paths = sorted(c.folder.glob(f"frame_*.{extension}"))[: 2 * FEW]
    for path in paths:
        result = c.pyfai(ai, fabio.open(str(path)).data, BEST_FULL, "poisson")
        numpy.savetxt(out / f"{path.stem}.xye", numpy.column_stack([result.radial, result.intensity, result.sigma]))
    return len(paths)


def files(c):
    """From files in the page cache to .xye on disk."""
    ai = c.integrator()
    c.pyfai(ai, c.few[0], BEST_FULL, "poisson")
    for extension, name in (("tif", "TIFF"), ("cbf", "CBF")):
        halor = Halor(c.run_file(extension=extension))
        run_file = c.run_file(extension=extension, among=scene.repeat(c.folder, extension, REPEATS))
        results = c.folder / f"results-{run_file.stem}" / "timings.json"
        command = [scene.TARGET / "halor", "run", run_file, "--force", "--quiet"]
        subprocess.run(command, check=True)
        whole, ours, decoding, theirs = [], [], [], []
        for _ in range(OPTIONS.rounds):
            whole.append(timed(lambda: subprocess.run(command, check=True)) / REPEATS)
            timings = json.loads(results.read_text())["timings"]
            ours.append((timings["total_s"] - timings["plan_s"]) / REPEATS)
            decoding.append(halor.seconds("decode"))
            counted = {}
            seconds = timed(lambda: counted.update(n=file_to_file(c, ai, extension)))
            theirs.append(seconds * len(c.frames) / counted["n"])
        of_decode = statistics.median(decoding) / statistics.median(ours)
        c.row(f"{name} files to .xye on disk, plans made before", ours, theirs,
              f"{of_decode:.0%} of what decoding alone allows ({len(c.frames) / statistics.median(decoding):.0f} frames/s)")
        c.row(f"{name} files to .xye on disk, the whole program with its plan from disk", whole, theirs)
        halor.close()


def main():
    print(f"pyFAI {pyFAI.version}, {OPTIONS.threads} threads, {OPTIONS.frames} frames of {SHAPE[0]} × {SHAPE[1]}, "
          f"{OPTIONS.bins} bins; medians of {OPTIONS.rounds} rounds; load {os.getloadavg()[0]:.1f} at the start. "
          "halor always computes σ.\n")
    print("| peer | halor, frames/s | peer, frames/s | ratio | |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        c = Comparison(Path(folder))
        for part in (splittings, more_than_the_ring, filters, frames_to_g, files):
            if OPTIONS.only in (None, part.__name__):
                part(c)
    for package in ("azint", "midas_integrate", "glassure"):
        if importlib.util.find_spec(package) is None:
            print(f"\n{package}: not installed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
