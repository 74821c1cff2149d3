#!/usr/bin/env bash
# What can be tested of aarch64 under user-mode emulation: the segmenter (NEON gives the masks that AVX2 gives, bit by bit) and the guard (its
# tests, with the guard emulated).
# Skipped with a loud word where the cross compiler, the emulator or the target's standard library is missing; fails there in CI.
# `guard` as $1: builds all programs, starts each, and runs the guard's tests instead. `count` as $1: counts the instructions of a mask instead. The emulator writes a line for each one that it carries out, so this takes minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
target=aarch64-unknown-linux-gnu

skip() {
    echo "test-aarch64: SKIPPED: $1" >&2
    [[ -z ${CI:-} ]]
    exit
}

emulator=$(command -v qemu-aarch64-static || command -v qemu-aarch64) || skip "no qemu-aarch64: \`make setup-tests\` installs it"
command -v aarch64-linux-gnu-gcc >/dev/null || skip "no aarch64-linux-gnu-gcc: \`make setup-tests\` installs it"
if [[ ! -d $(rustc --print sysroot)/lib/rustlib/$target ]]; then
    command -v rustup >/dev/null || skip "no standard library for $target; rustup has it"
    rustup target add "$target" >&2 || skip "no standard library for $target could be had"
fi
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="$emulator -L /usr/aarch64-linux-gnu"

if [[ ${1:-} == count ]]; then
    # What start and reading the model take stands in both figures.
    masks() {
        CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER+=" -singlestep -d nochain,exec" \
            cargo bench --locked --target "$target" -p subrosa-blur --bench inference -- --only "$1" --runs "$2" 2>&1 >/dev/null |
            grep --count '^Trace'
    }
    for instructions in NEON scalar; do
        one=$(masks $instructions 1)
        two=$(masks $instructions 2)
        echo "aarch64, $instructions: $((two - one)) instructions for a mask, $((2 * one - two)) to start and read the model"
    done
    exit
fi
if [[ ${1:-} == guard ]]; then
    # The guard's tests with the guard emulated. What is not about its decisions is left out: the emulator has threads and wakes of its own.
    command -v mmdebstrap >/dev/null || skip "no mmdebstrap: \`make setup-tests\` installs it"
    # Nobody measures an emulated program, so that its compiler need not take its time.
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 make cross
    built=$(realpath "${CARGO_TARGET_DIR:-target}/$target/release")
    sysroot=$(setup/sysroot-arm64.sh)
    for program in subrosa subrosa-guard subrosa-media; do
        "$emulator" -L "$sysroot" "$built/$program" --version
    done
    "$emulator" -L "$sysroot" "$built/subrosa" boards boards/raspberry-pi-4.toml >/dev/null
    # The guard's own user has to reach its C library, and the sysroot may lie in a home.
    export EMULATED_GUARD=$built/subrosa-guard EMULATOR="$emulator -L /usr/aarch64-linux-gnu"
    cargo test --release --locked --workspace --test guard -- --skip made_of
    exit
fi
# The damaged files are left out: reading them has nothing to do with the processor, and takes a minute there.
cargo test --release --locked --target "$target" -p subrosa-blur --lib --test masks "$@" -- \
    selfie mask instructions picture --skip all_instructions_agree
