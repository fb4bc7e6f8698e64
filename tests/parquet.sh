#!/usr/bin/env bash
# Tests what is built with the feature `parquet`, which the other tests are not: minutes of compiling, then seconds.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo test --release --locked --features parquet --lib -- output::
