#!/usr/bin/env bash
# Everything that reads the code without running it. A tool that is missing is skipped with a loud word, and fails in CI.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() {
    echo "lint: SKIPPED: $1" >&2
    [[ -z ${CI:-} ]]
}

if cargo fmt --version >/dev/null 2>&1; then
    cargo fmt --all -- --check
else
    skip "cargo fmt: Debian's compiler comes without rustfmt; rustup has it"
fi
if cargo clippy --version >/dev/null 2>&1; then
    cargo clippy --release --locked --workspace --all-targets -- -D warnings
else
    skip "cargo clippy: Debian's compiler comes without it; rustup has it"
fi
setup/cargo-deny.sh check bans licenses sources
if command -v npm >/dev/null; then
    [[ node_modules/.package-lock.json -nt package-lock.json ]] || npm ci --no-audit --no-fund --loglevel=error
    npm run --silent check
else
    skip "the pages' types: \`make setup-tests\` installs npm"
fi
echo "lint: nothing to complain about" >&2
