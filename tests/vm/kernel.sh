#!/usr/bin/env bash
# Builds the kernel of the tests' virtual machine from Debian's source package, once per machine, and prints the folder
# it is in. It is a kernel that runs as a process (User-Mode Linux): it needs neither root nor virtualisation hardware.
# --where: prints the folder or fails, and builds nothing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source=/usr/src/linux-source-6.12.tar.xz

version=$(dpkg-query -W -f '${Version}' linux-source-6.12 2>/dev/null || true)
key=$(cat "$here/kernel.sh" "$here/kernel.config" <(echo "$version") | sha256sum | cut -c 1-16)
place=${XDG_CACHE_HOME:-$HOME/.cache}/subrosa/vm-$key
if [[ -x $place/linux ]]; then
    echo "$place"
    exit 0
fi
[[ ${1:-} != --where ]] || exit 1
if [[ ! -r $source ]]; then
    echo "vm: $source is missing: \`make setup-tests\` installs linux-source-6.12" >&2
    exit 1
fi

mkdir -p "$(dirname "$place")"
exec 9>"$place.lock"
flock 9
if [[ ! -x $place/linux ]]; then
    echo "vm: building Linux $version as a process, once for this machine (six minutes on two cores)" >&2
    scratch=$(mktemp -d "$place.making.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    tar -xf "$source" -C "$scratch"
    cd "$scratch"/linux-source-6.12
    # Lines that are driven by ticks are late by one: a millisecond, not ten. There is no menu entry for it.
    sed -i '/^config HZ$/,/default/ s/default 100$/default 1000/' arch/um/Kconfig
    # Processors with AMX have more registers (11 kB) than this kernel has room for (2.7 kB), and it panics at its first
    # process with "ptrace set fp regs failed, errno = 14": the host takes all of them or none.
    sed -i 's/DEFINE_LONGS(HOST_FP_SIZE, 2696)/DEFINE_LONGS(HOST_FP_SIZE, 12288)/' arch/x86/um/user-offsets.c
    grep -q '^	default 1000$' arch/um/Kconfig && grep -q 'HOST_FP_SIZE, 12288' arch/x86/um/user-offsets.c
    nice -n 15 make -s ARCH=um KCONFIG_ALLCONFIG="$here/kernel.config" allnoconfig >&2
    # What another kernel calls otherwise would be missing without a word.
    missing=$(grep '^CONFIG_' "$here/kernel.config" | grep -v '=n$' | grep -vxFf .config || true)
    if [[ -n $missing ]]; then
        echo "vm: this kernel does not know: $missing" >&2
        exit 1
    fi
    nice -n 15 make -s ARCH=um -j"$(nproc)" linux modules >&2
    mkdir -p "$scratch/place/modules"
    find . -name '*.ko' -exec cp -t "$scratch/place/modules" {} +
    cp linux "$scratch/place/"
    mv "$scratch/place" "$place"
fi
echo "$place"
