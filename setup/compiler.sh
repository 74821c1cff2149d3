#!/usr/bin/env bash
# Makes sure that a Rust compiler is there which is new enough (rust-version in Cargo.toml).
set -euo pipefail
here=$(dirname "$0")
wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$here/../Cargo.toml")

new_enough() {
    local have
    have=$(cargo --version 2>/dev/null | sed -n 's/^cargo \([0-9.]*\).*/\1/p')
    [[ -n $have && $(printf '%s\n%s\n' "$wanted" "$have" | sort -V | head -n 1) == "$wanted" ]]
}

new_enough && exit 0
if command -v rustup >/dev/null; then
    echo "setup: rustup's toolchain is older than Rust $wanted: run \`rustup update stable\`, then again" >&2
    exit 1
fi
"$here/packages.sh" "$here/packages-compiler"
hash -r
new_enough || {
    echo "setup: $(command -v cargo || echo cargo) is older than Rust $wanted: remove it from PATH, or install rustup" >&2
    exit 1
}
