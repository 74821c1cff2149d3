#!/usr/bin/env bash
# A compiler for setup/fuzz.sh: $1 is rustc. What libFuzzer watches is put into the code, and overflows end the program.
set -euo pipefail
case " $* " in
*" --crate-name build_script_build "* | *" --crate-name subrosa_fuzz_seeds "* | *" --crate-type proc-macro "* | *" --print"*) exec "$@" ;;
esac
exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks
