#!/usr/bin/env bash
# Unpacks Debian's own kernel with what the tests need of its drivers, once per machine, and prints the folder it is in. Nothing is
# installed. It runs in QEMU, which emulates a processor where there is no virtualisation: ten times slower than the
# kernel that runs as a process (kernel.sh), but this is the kernel of a device, with two processors.
# --where: prints the folder or fails, and fetches nothing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

package=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: //p' | head -n 1)
key=$(cat "$here/debian.sh" <(echo "$package") | sha256sum | cut -c 1-16)
place=${XDG_CACHE_HOME:-$HOME/.cache}/subrosa/debian-$key
if [[ -e $place/initrd ]]; then
    echo "$place"
    exit 0
fi
[[ ${1:-} != --where ]] || exit 1
if [[ -z $package ]]; then
    echo "debian.sh: no package linux-image-amd64 is known here: \`apt-get update\`" >&2
    exit 1
fi

mkdir -p "$(dirname "$place")"
exec 9>"$place.lock"
flock 9
if [[ ! -e $place/initrd ]]; then
    echo "vm: unpacking $package" >&2
    scratch=$(mktemp -d "$place.making.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    cd "$scratch"
    apt-get -q download "$package" >&2 || { apt-get -q update >&2 && apt-get -q download "$package" >&2; }
    dpkg -x "$package"_*.deb whole
    version=${package#linux-image-}
    depmod -b whole "$version"
    of() { modprobe -d whole -S "$version" --show-depends "$1" | sed 's/^insmod //'; }
    # The root is the host's, over 9P, as it is with the kernel that runs as a process.
    mkdir -p initrd/{bin,dev,modules,proc,root} made/lib/modules
    number=100
    for module in virtio_pci 9pnet_virtio 9p overlay; do
        while read -r file _; do
            [[ ! -e initrd/modules/.${file##*/} ]] || continue
            touch "initrd/modules/.${file##*/}"
            cp "$file" "initrd/modules/$((number++))-${file##*/}"
        done < <(of "$module")
    done
    rm initrd/modules/.*.ko
    cp "$(command -v busybox)" initrd/bin/busybox
    cat >initrd/init <<'INIT'
#!/bin/busybox sh
for module in /modules/*; do /bin/busybox insmod "$module"; done
/bin/busybox mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose root /root || exec /bin/busybox poweroff -f
exec /bin/busybox switch_root /root "$FIRST"
INIT
    chmod 0755 initrd/init
    # What the tests load.
    for module in vivid snd-aloop mac80211_hwsim ccm cmac ctr; do of "$module"; done | sort -u | while read -r file _; do
        install -D -m 0644 "$file" "made/lib/modules/$version/${file##*/}"
    done
    cp "whole/lib/modules/$version"/modules.{builtin,builtin.modinfo,order} "made/lib/modules/$version/"
    depmod -b made "$version"
    cp "whole/boot/vmlinuz-$version" made/vmlinuz
    (cd initrd && find . | cpio -o -H newc --quiet) | gzip -1 >made/initrd
    mv made "$place"
fi
echo "$place"
