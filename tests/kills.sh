#!/usr/bin/env bash
# Kills a small run 300 times at random moments (or as often as is said), lets it go on, and compares every file with those of a run
# that was not killed.
set -euo pipefail
cd "$(dirname "$0")/.."
HALOR_KILLS="${1:-300}" cargo test --release --locked --test suite -- a_run_that_is_killed_goes_on --nocapture
