#!/usr/bin/env bash
# Packs what `make install` lays down below a folder as a Debian package for this machine's release: deb.sh FOLDER OUT.
# Prints its path.
set -euo pipefail
folder=$1 out=$2
tree=$(cd "$(dirname "$0")/.." && pwd)
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$tree/Cargo.toml")${VERSION_SUFFIX:-}
architecture=${ARCHITECTURE:-$(dpkg --print-architecture)}

# Which packages the linked libraries are in, and the elements that are loaded by name. dpkg-shlibdeps wants a source package around it.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/debian"
echo "Source: subrosa" > "$scratch/debian/control"
libraries=$(cd "$scratch" && dpkg-shlibdeps -O "${LINKED_LIKE:-$folder/usr/bin}"/subrosa{,-guard,-media} 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
elements=$(awk '$1 ~ /^gstreamer1.0-(plugins|libav|nice|alsa)/ || $1 == "fonts-inter" { printf "%s%s", comma, $1; comma = ", " }' "$tree/setup/packages")

# Nobody debugs a device's programs there: half of their size is names.
strip=strip
[[ $architecture == "$(dpkg --print-architecture)" ]] || strip=aarch64-linux-gnu-strip
"$strip" --strip-unneeded "$folder"/usr/bin/*

install -d "$folder/DEBIAN"
for script in postinst prerm postrm; do
    install -m 0755 "$tree/image/deb/$script" "$folder/DEBIAN/"
done
size=$(du -sk --exclude=DEBIAN "$folder" | cut -f 1)
sed -e "s/@version@/$version/" -e "s/@architecture@/$architecture/" -e "s/@size@/$size/" \
    -e "s/@libraries@/$libraries/" -e "s/@elements@/$elements/" "$tree/image/deb/control" > "$folder/DEBIAN/control"
install -D -m 0644 "$tree/LICENSE" "$folder/usr/share/doc/subrosa/copyright"
mkdir -p "$out"
package=$out/subrosa_${version}_${architecture}.deb
dpkg-deb --root-owner-group -Z"${COMPRESSION:-xz}" --build "$folder" "$package" >/dev/null
echo "$package"
