#!/usr/bin/env bash
# Runs the pinned cargo-deny, built once per machine and kept in the user's cache.
set -euo pipefail
version=0.20.2
tools=${XDG_CACHE_HOME:-$HOME/.cache}/subrosa/cargo-deny-$version
deny=$tools/bin/cargo-deny
if [[ $(cargo deny --version 2>/dev/null) == "cargo-deny $version" ]]; then
    deny=cargo-deny
elif [[ ! -x $deny ]]; then
    echo "lint: building cargo-deny $version once for this machine" >&2
    cargo install --quiet --locked "cargo-deny@$version" --root "$tools"
fi
exec "$deny" --log-level warn "$@"
