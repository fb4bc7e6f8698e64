#!/usr/bin/env bash
# Fuzzes every reader for SECONDS (600) each, or those that are named: fuzz/run.sh [SECONDS [TARGET …]]
#
# With a nightly compiler and cargo-fuzz (cargo install cargo-fuzz) by libFuzzer with coverage and AddressSanitizer, which begins from good
# files and from what earlier runs left in fuzz/corpus; without them the same targets are given random changes of the good files
# (example `mutate`). What is found lies in fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-600}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(tiff cbf edf msk npy poni chi cfg hdf5_chunk yaml composition)

cargo build --release --locked --example mutate
if cargo fuzz --version >/dev/null 2>&1; then
    # The sanitizer is an unstable option, which a stable compiler has too.
    cargo +nightly --version >/dev/null 2>&1 && toolchain=+nightly || toolchain=
    export RUSTC_BOOTSTRAP=1
    target/release/examples/mutate seeds fuzz/corpus
    for target in "${targets[@]}"; do
        cargo $toolchain fuzz run --fuzz-dir fuzz "$target" -- -max_total_time="$seconds" -rss_limit_mb=6144 -timeout=10
    done
else
    echo "no cargo-fuzz: random changes of good files" >&2
    for target in "${targets[@]}"; do
        target/release/examples/mutate "$target" "$seconds"
    done
fi
