#!/usr/bin/env bash
# Builds for aarch64 on another kind of machine: cross.sh CARGO'S ARGUMENTS.
set -euo pipefail
cd "$(dirname "$0")/.."
target=aarch64-unknown-linux-gnu
tools=aarch64-linux-gnu

command -v $tools-gcc >/dev/null || {
    echo "cross: $tools-gcc is missing: \`make setup-tests\` installs it" >&2
    exit 1
}
if [[ ! -d $(rustc --print sysroot)/lib/rustlib/$target ]]; then
    command -v rustup >/dev/null || {
        echo "cross: this compiler has no standard library for $target; rustup has it" >&2
        exit 1
    }
    rustup target add "$target" >&2
fi
sysroot=$(setup/sysroot-arm64.sh)

export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=$tools-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-C link-arg=--sysroot=$sysroot"
export PKG_CONFIG_ALLOW_CROSS=1 PKG_CONFIG_SYSROOT_DIR=$sysroot
export PKG_CONFIG_LIBDIR=$sysroot/usr/lib/$tools/pkgconfig:$sysroot/usr/share/pkgconfig
cargo build --release --locked --target "$target" "$@"
