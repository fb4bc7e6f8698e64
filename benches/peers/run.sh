#!/usr/bin/env bash
# Runs halor and the peers that can be installed here over the same frames with the same geometry and method, in turn,
# and prints ratios of throughput with the largest difference of the results.
#
#   benches/peers/run.sh [--frames N] [--rounds N] [--threads N] [--bins N]
#
# The virtual environment is made once in benches/peers/venv (or in $HALOR_PEERS_VENV).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=${HALOR_PEERS_VENV:-$here/venv}

if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet pyFAI
    # Left out where they cannot be installed; compare.py says which are there.
    "$venv/bin/pip" install --quiet azint || echo "azint cannot be installed here" >&2
    "$venv/bin/pip" install --quiet midas-integrate || echo "midas-integrate cannot be installed here" >&2
fi
cargo build --release --manifest-path "$here/../../Cargo.toml" --example peer
exec "$venv/bin/python" "$here/compare.py" "$@"
