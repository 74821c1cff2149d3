#!/usr/bin/env bash
# A Python environment with what `subrosa bench blur` compares with. Prints its interpreter. Not needed to run or test anything.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
environment=$here/../data/blur-reference
wanted=$(cat "$here"/blur-reference.{sh,txt} | sha256sum | cut -d ' ' -f 1)
if [[ $(cat "$environment/made-from" 2>/dev/null) != "$wanted" ]]; then
    if ! python3 -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || [[ $(uname -m) != x86_64 ]]; then
        echo "bench: the packages to compare with are pinned for Python 3.11 on x86-64 (Debian 12)" >&2
        exit 1
    fi
    echo "bench: MediaPipe, OpenCV and LiteRT for comparison (about 1 GB on disk)" >&2
    rm -rf "$environment"
    python3 -m venv "$environment"
    # Without dependencies: opencv-contrib, which MediaPipe asks for, needs a display's libraries; the headless package has all that is used.
    "$environment/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: --no-deps --require-hashes \
        --requirement "$here/blur-reference.txt"
    cat >"$environment/LICENCES.txt" <<'TEXT'
mediapipe 0.10.21, ai-edge-litert 2.3.0, opencv-python-headless 4.11   Apache-2.0
numpy                BSD-3-Clause
what they import      BSD, MIT, Apache-2.0, PSF and Matplotlib licences: each package's own files in lib/
TEXT
    sed 's/^/bench: /' "$environment/LICENCES.txt" >&2
    echo "$wanted" >"$environment/made-from"
fi
echo "$environment/bin/python3"
