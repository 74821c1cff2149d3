#!/usr/bin/env bash
# Fuzzes each target (tests/fuzz), or those that are named, as many at once as there are processors. $1 says for how long, in libFuzzer's words: `-max_total_time=60`, or
# `-runs=8000 -seed=1`, which tries the same each time when nothing was kept. Stable Rust has the instrumentation; it needs no cargo-fuzz.
# What was found stays in target/fuzz and begins the next run; a broken target leaves its input there and its name here.
set -euo pipefail
cd "$(dirname "$0")/.."
bound=$1
shift
targets=("$@")
((${#targets[@]})) || targets=(link config stanza jingle sources colibri meeting hosted description livekit opentalk opentalk-start)
target=${CARGO_TARGET_DIR:-target}
kept=$target/fuzz

# Only the project's own code is instrumented: dependencies are those of every other build.
RUSTC_WORKSPACE_WRAPPER=$PWD/setup/instrumented.sh cargo build --release --locked --workspace --bin subrosa-fuzz --bin subrosa-fuzz-seeds
cp "$target/release/subrosa-fuzz" "$target/release/subrosa-fuzz-seeds" "$target/"
"$target/subrosa-fuzz-seeds" tests/recordings/jitsi "$kept/seeds"
cp src/room/src/meeting/jitsi/config_js/tests/*.js "$kept/seeds/config/"

fuzz() {
    local name=$1
    mkdir -p "$kept/$name" "$kept/broken"
    # shellcheck disable=SC2086 # several words
    if ! SUBROSA_FUZZ=$name "$target/subrosa-fuzz" $bound -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=256 \
        -max_len=65536 -use_value_profile=1 -print_final_stats=1 -artifact_prefix="$kept/broken/$name-" "$kept/$name" "$kept/seeds/$name" \
        >"$kept/$name.log" 2>&1; then
        echo "fuzz: $name BROKE; again with SUBROSA_FUZZ=$name $target/subrosa-fuzz $kept/broken/$name-…" >&2
        tail -n 40 "$kept/$name.log" >&2
        return 1
    fi
    echo "fuzz: $name: $(grep -c . < <(ls "$kept/$name")) inputs kept, $(sed -n 's/^stat::number_of_executed_units: *//p' "$kept/$name.log") tried" >&2
}
export -f fuzz
export bound target kept
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I{} bash -c 'fuzz {}'
