#!/usr/bin/env bash
# Makes what the simulated camera sees and the simulated microphone hears, and fetches the segmentation model.
# $1: the subrosa-media program.
set -euo pipefail
media=$1
here=$(cd "$(dirname "$0")" && pwd)
data=$here/../data
mkdir -p "$data"
"$here/model.sh" "$data"
made_from=$(cat "$here/data.sh" "$here/speech.sh" "$here/portrait.txt" | sha256sum | cut -d ' ' -f 1)
if [[ -s $data/camera.mjpeg && -s $data/portrait.png && -s $data/microphone.s16le && $(cat "$data/made-from" 2>/dev/null) == "$made_from" ]]; then
    exit 0
fi

scratch=$(mktemp -d "$data/.making.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

echo "data: speech for the simulated microphone" >&2
"$here/speech.sh" >"$scratch/microphone.s16le"

echo "data: a portrait for the simulated camera" >&2
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
    --platform manylinux2014_x86_64 --implementation cp --python-version 3.12 --abi cp312 \
    --dest "$scratch" --requirement "$here/portrait.txt"
python3 - "$scratch" <<'PYTHON'
import glob, sys, zipfile

folder = sys.argv[1]
with zipfile.ZipFile(glob.glob(f"{folder}/scikit_image-*.whl")[0]) as wheel, open(f"{folder}/portrait.png", "wb") as out:
    out.write(wheel.read("skimage/data/astronaut.png"))
PYTHON
"$media" sample camera "$scratch/portrait.png" "$scratch/camera.mjpeg"

cat >"$data/LICENCES.txt" <<'TEXT'
portrait.png       astronaut.png of the Python package scikit-image 0.25.2: a portrait of the astronaut Eileen Collins
                   by NASA, no known copyright restrictions, in the public domain.
camera.mjpeg       made from portrait.png.
microphone.s16le   spoken by espeak-ng from sentences of this project (setup/speech.sh), under the project's licence.
selfie_segmentation_landscape.tflite
                   of the npm package @mediapipe/selfie_segmentation 0.1.1675465747: finds people in a picture, by
                   Google, under the Apache License 2.0 (the text is this project's LICENSE).
TEXT
chmod 0644 "$scratch/camera.mjpeg" "$scratch/portrait.png" "$scratch/microphone.s16le"
mv -f "$scratch/camera.mjpeg" "$scratch/portrait.png" "$scratch/microphone.s16le" "$data/"
echo "$made_from" >"$data/made-from"
sed 's/^/data: /' "$data/LICENCES.txt" >&2
