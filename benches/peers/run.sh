#!/usr/bin/env bash
# Runs halor and the peers that can be installed here over the same frames with the same geometry and method, in turn,
# and prints the table of docs/performance.md.
#
#   benches/peers/run.sh [--frames N] [--rounds N] [--threads N] [--bins N]
#
# About eight minutes with the defaults on two free cores, and once a few more to install. The virtual environment is made in
# benches/peers/venv (or in $HALOR_PEERS_VENV); what could not be installed is tried again each time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=${HALOR_PEERS_VENV:-$here/venv}

[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
has() { "$venv/bin/python" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$1') is None)"; }
has pyFAI || "$venv/bin/pip" install --quiet pyFAI
# Left out where they cannot be installed; the table says which are there.
for package in azint midas-integrate glassure; do
    has "${package//-/_}" || "$venv/bin/pip" install --quiet "$package" 2>/dev/null \
        || echo "$package cannot be installed here" >&2
done
cargo build --release --manifest-path "$here/../../Cargo.toml" --bin halor --example peer
exec "$venv/bin/python" "$here/compare.py" "$@"
