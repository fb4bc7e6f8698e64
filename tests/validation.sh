#!/usr/bin/env bash
# Runs the validation campaign and writes its results to docs/validation.md; needs a few minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
page=$(mktemp)
trap 'rm -f "$page"' EXIT
cargo run --release --locked --example validation > "$page"
cp "$page" docs/validation.md
