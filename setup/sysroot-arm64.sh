#!/usr/bin/env bash
# Unpacks Debian's arm64 libraries that the programs are linked with, once for a machine, and prints the folder. Nothing
# is installed and nothing of them is run here.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")

packages=libc6-dev
while read -r package _; do
    case $package in libgstreamer*-dev | gstreamer1.0-*) packages+=,$package ;; esac
done < "$here/packages"

key=$(cat "$0" <(echo "$suite $packages") | sha256sum | cut -c 1-16)
place=${XDG_CACHE_HOME:-$HOME/.cache}/subrosa/sysroot-arm64-$key
if [[ ! -d $place ]]; then
    command -v mmdebstrap >/dev/null || {
        echo "cross: mmdebstrap is missing: \`make setup-tests\` installs it" >&2
        exit 1
    }
    echo "cross: unpacking $suite's arm64 libraries, once for this machine (two minutes)" >&2
    mkdir -p "$(dirname "$place")"
    exec 9>"$place.lock"
    flock 9
    if [[ ! -d $place ]]; then
        rm -rf "$place.making"
        mmdebstrap --quiet --variant=extract --architectures=arm64 --include="$packages" "$suite" "$place.making" >&2
        rm -rf "$place.making"/usr/share/{doc,man,locale,info}
        mv "$place.making" "$place"
    fi
fi
echo "$place"
