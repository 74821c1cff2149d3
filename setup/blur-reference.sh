#!/usr/bin/env bash
# A Python environment with what `subrosa bench blur` compares with. Prints its interpreter. Not needed to run or test anything.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
environment=$here/../data/blur-reference
wanted=$(sha256sum "$here/blur-reference.txt" | cut -d ' ' -f 1)
if [[ $(cat "$environment/made-from" 2>/dev/null) != "$wanted" ]]; then
    echo "bench: MediaPipe, OpenCV and LiteRT for comparison (about 1 GB on disk)" >&2
    rm -rf "$environment"
    python3 -m venv "$environment"
    # opencv-contrib, which MediaPipe asks for, needs a display's libraries; the headless package has all that is used.
    "$environment/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: --no-deps \
        --requirement "$here/blur-reference.txt"
    "$environment/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: absl-py attrs flatbuffers protobuf==4.25.8 matplotlib 'numpy==1.26.4'
    echo "$wanted" >"$environment/made-from"
fi
echo "$environment/bin/python3"
