#!/usr/bin/env python3
"""A run of many frames: does memory grow, does it slow down?

    cargo build --release && python3 benches/long_run.py [--frames 10000] [--detector "Pilatus CdTe 300K" | --small] [--pdf]

A few frames are simulated and linked as often as needed; the run is watched from outside (Linux): resident memory and frames per
second for each tenth of the frames, and the most memory while sums, tables and the report are made.
"""

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

HALOR = Path(os.environ.get("CARGO_TARGET_DIR", Path(__file__).resolve().parent.parent / "target")) / "release" / "halor"
TWIN = """seed: 1
beam: {{energy_kev: 112}}
detector: {detector}
geometry: {{distance_m: 0.2, poni1_m: 0.0054, poni2_m: 0.0062}}
oversampling: 1
counting: {{exposure_s: 10, counts_per_electron_unit_s: 0.2}}
samples:
  - {{name: glass, frames: 8, structure: {{glass: as-cast}}, composition: Zr62 Cu15.5 Ni12.5 Al10}}
integration: {{range: [0.5, 15], bins: 1000}}
pdf: {{q_range_inv_angstrom: [0.7, 14.5]}}
"""


def resident_mib(pid):
    """Resident memory of a process; 0 where it has just ended."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--detector", default="Pilatus CdTe 300K")
    parser.add_argument("--small", action="store_true", help="a detector of 100 × 100 pixels")
    parser.add_argument("--set", action="append", default=[], help="as `halor run --set`")
    parser.add_argument("--pdf", action="store_true", help="S(Q) and G(r) of each frame too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        detector = "{pixel_um: 1000, shape: [100, 100]}" if options.small else f"{{name: {options.detector}}}"
        (folder / "twin.yaml").write_text(TWIN.format(detector=detector))
        subprocess.run([HALOR, "simulate", folder / "twin.yaml", "--quiet"], check=True)
        frames = folder / "twin" / "frames"
        simulated = sorted((frames / "glass").glob("*.tif"))
        links = frames / "many"
        links.mkdir()
        for index in range(options.frames):
            os.link(simulated[index % len(simulated)], links / f"frame_{index:06}.tif")
        command = [HALOR, "run", folder / "twin" / "run.yaml", "--quiet", "--engine", "cpu", "--set", "samples[0].frames=frames/many/*.tif"]
        command += [] if options.pdf else ["--set", "pdf=off"]
        command += [word for value in options.set for word in ("--set", value)]
        process = subprocess.Popen(command)
        results = folder / "twin" / "results" / "glass" / "frames"
        tenth = max(options.frames // 10, 1)
        done, since, last, most = 0, None, time.monotonic(), 0.0
        print(f"{'frames':>8} {'frames/s':>9} {'MiB':>7}")
        while process.poll() is None:
            time.sleep(0.05 + 2e-6 * options.frames)
            if done >= options.frames:
                most = max(most, resident_mib(process.pid))
                continue
            count = sum(1 for entry in os.scandir(results) if entry.name.endswith(".xye")) if results.is_dir() else 0
            now = time.monotonic()
            if since is None and count > 0:
                since, last = count, now
            if since is not None and (count >= done + tenth or count == options.frames):
                rate, memory = (count - since) / (now - last), resident_mib(process.pid)
                print(f"{count:>8} {rate:>9.0f} {memory:>7.0f}", flush=True)
                done, since, last = count, count, now
        if process.returncode:
            raise SystemExit(f"halor ended with {process.returncode}")
        print(f"{'end':>8} {'':>9} {most:>7.0f}")


if __name__ == "__main__":
    main()
