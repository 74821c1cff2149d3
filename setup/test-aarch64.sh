#!/usr/bin/env bash
# Builds the segmenter's tests for aarch64 and runs them under user-mode emulation: NEON gives the masks that AVX2 gives, bit by bit.
# Skipped with a loud word where the cross compiler, the emulator or the target's standard library is missing; fails there in CI.
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
# The damaged files are left out: reading them has nothing to do with the processor, and takes a minute there.
cargo test --release --locked --target "$target" -p subrosa-blur --lib --test masks "$@" -- \
    selfie mask instructions picture --skip all_instructions_agree
