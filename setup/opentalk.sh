#!/usr/bin/env bash
# Builds OpenTalk's room server, which the tests talk to, once per machine, and prints the folder it is in: a crate, pinned by version
# and checksum; its own Cargo.lock pins what it is made of. It needs neither controller nor database.
# --where: prints the folder or fails, and builds nothing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

crate=opentalk-roomserver
version=0.1.5
checksum=3a26d759d5a846459a6d55b3b18f68d163e49bce1d75bff74f8df7f7ed20c362
# The page that shows its REST interface. Its build fetches it from elsewhere unless it is handed a file.
page=swagger-ui-dist@5.17.14
integrity=sha512-CVbSfaLpstV65OnSjbXfVd6Sta3q3F7Cj/yYuvHMp1P90LztOLs6PfUnKEVAeiIVQt9u2SaPwv0LiH/OyMjHRw==

key=$(sha256sum "$here/opentalk.sh" | cut -c 1-16)
place=${XDG_CACHE_HOME:-$HOME/.cache}/subrosa/opentalk-$key
if [[ -x $place/opentalk-roomserver ]]; then
    echo "$place"
    exit 0
fi
[[ ${1:-} != --where ]] || exit 1

mkdir -p "$(dirname "$place")"
exec 9>"$place.lock"
flock 9
if [[ ! -x $place/opentalk-roomserver ]]; then
    echo "opentalk: building $crate $version, once for this machine (seven minutes on two cores)" >&2
    scratch=$(mktemp -d "$place.making.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    cd "$scratch"

    # Only this crate is fetched, so that it is looked at before anything of it is built.
    cargo info --quiet "$crate@$version" >/dev/null
    archive=$(find "${CARGO_HOME:-$HOME/.cargo}/registry/cache" -name "$crate-$version.crate" | head -n 1)
    found=$(sha256sum "$archive" | cut -d ' ' -f 1)
    if [[ $found != "$checksum" ]]; then
        echo "opentalk: the crate is not the one it was: its checksum is $found" >&2
        exit 1
    fi
    tar -xzf "$archive"

    packed=$(npm pack --silent "$page")
    found=sha512-$(python3 -c 'import base64, hashlib, sys; print(base64.b64encode(hashlib.sha512(open(sys.argv[1], "rb").read()).digest()).decode())' "$packed")
    if [[ $found != "$integrity" ]]; then
        echo "opentalk: $page is not what it was: its integrity is $found" >&2
        exit 1
    fi
    mkdir swagger-ui-5.17.14
    tar -xzf "$packed" -C swagger-ui-5.17.14 --transform 's,^package,dist,'
    python3 -m zipfile -c page.zip swagger-ui-5.17.14

    # A server for tests: built fast, not fast.
    SWAGGER_UI_DOWNLOAD_URL=file://$scratch/page.zip nice -n 15 cargo install --quiet --locked --debug \
        --path "$crate-$version" --root "$scratch/made" --target-dir "$scratch/target" --no-track \
        --config profile.dev.debug=false --config profile.dev.incremental=false --config 'profile.dev.strip="symbols"' >&2
    mkdir place
    mv made/bin/opentalk-roomserver place/
    echo "$crate $version, EUPL-1.2" >place/LICENCES.txt
    mv place "$place"
fi
sed 's/^/opentalk: /' "$place/LICENCES.txt" >&2
echo "$place"
