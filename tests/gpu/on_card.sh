#!/usr/bin/env bash
# The GPU engine on a real graphics card: the equality tests of the engines, then `halor bench` on the card, in words and as JSON.
#
#     tests/gpu/on_card.sh [FOLDER]
#
# Runs what was built before, on this machine or on another (docs/performance.md says how), and needs no compiler and no
# network: a Vulkan loader and the card's driver. The reports go to FOLDER, else to the terminal only.
set -euo pipefail
cd "$(dirname "$0")/../.."

halor=target/release/halor
suite=$(ls -t target/release/deps/suite-* 2>/dev/null | grep -v '\.d$' | head -n 1 || true)
for built in "$halor" "$suite"; do
    [ -x "$built" ] || { echo "not built: cargo build --release && cargo test --release --test suite --no-run" >&2; exit 1; }
done
folder=${1:-}
[ -z "$folder" ] || mkdir -p "$folder"
report() { if [ -n "$folder" ]; then tee "$folder/$1"; else cat; fi; }

command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,pcie.link.gen.current,pcie.link.width.current --format=csv | report card.csv
# `gpu` insists on a real card and names what is there if there is none.
"$halor" bench --engine gpu --frames 8 --rounds 1 >/dev/null

HALOR_REQUIRE_GPU=1 "$suite" gpu:: --nocapture 2>&1 | report tests.txt
"$halor" bench --engine gpu --frames 128 --rounds 5 | report bench.txt
"$halor" bench --engine gpu --frames 128 --rounds 5 --splitting none | report bench-no-splitting.txt
"$halor" bench --engine gpu --frames 128 --rounds 5 --json | report bench.json >/dev/null
