#!/usr/bin/env bash
# Installs what the tests need and runs them.
#
# As root on Debian or Ubuntu, a missing software Vulkan driver is installed so that the GPU engine is tested without
# a GPU; elsewhere the GPU tests are skipped with a line that says so. Files are also written and read by h5py, which is put into a
# virtual environment below target/ (HALOR_PYTHON names another Python that has h5py and hdf5plugin); where that fails those tests
# are skipped. The page of a run is opened in Chromium, which is installed likewise (HALOR_CHROMIUM names another). Job
# arrays run on a Slurm of one node that the test starts; it needs root.
# HALOR_REQUIRE_GPU=1, HALOR_REQUIRE_DATA=1, HALOR_REQUIRE_PYTHON=1, HALOR_REQUIRE_BROWSER=1 and HALOR_REQUIRE_SLURM=1 turn such skips into failures.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v cargo >/dev/null || { echo "cargo is missing: install Rust 1.89 or later" >&2; exit 1; }

# A Vulkan loader and at least one driver.
vulkan_is_there() {
    ldconfig -p 2>/dev/null | grep -q 'libvulkan\.so\.1' || return 1
    for driver in /usr/share/vulkan/icd.d/*.json /etc/vulkan/icd.d/*.json; do
        [ -e "$driver" ] && return 0
    done
    return 1
}

if [ "$(uname -s)" = Linux ] && ! vulkan_is_there; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libvulkan1 mesa-vulkan-drivers
    else
        echo "no Vulkan driver: the GPU tests will be skipped (install libvulkan1 and mesa-vulkan-drivers)" >&2
    fi
fi

# h5py, once.
if [ -z "${HALOR_PYTHON:-}" ]; then
    export HALOR_PYTHON="$PWD/target/test-python/bin/python"
    if ! "$HALOR_PYTHON" -c 'import h5py, hdf5plugin' 2>/dev/null; then
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
            apt-get update -qq
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv
        fi
        { python3 -m venv target/test-python && target/test-python/bin/pip install --quiet h5py hdf5plugin; } ||
            echo "no h5py: its tests will be skipped (pip install h5py hdf5plugin)" >&2
    fi
fi

# A browser.
if [ -z "${HALOR_CHROMIUM:-}" ] && ! command -v chromium chromium-browser google-chrome >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium
    else
        echo "no Chromium: the test of the page will be skipped (install chromium)" >&2
    fi
fi

# A cluster of one node.
slurm_is_there() {
    local PATH="$PATH:/usr/sbin:/sbin" program
    for program in sbatch slurmctld slurmd munged; do
        command -v "$program" >/dev/null || return 1
    done
}

if ! slurm_is_there; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge
    else
        echo "no Slurm: the test of job arrays will be skipped (install slurm-wlm and munge)" >&2
    fi
fi

# Mesa then keeps quiet about a display that is not there.
export NODEVICE_SELECT=1
cargo test --release --locked
