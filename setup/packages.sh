#!/usr/bin/env bash
# Installs the packages of the given lists that are not there yet. Says nothing and changes nothing when all are.
set -euo pipefail

wanted=()
for list in "$@"; do
    while read -r entry _why; do
        [[ -z $entry || $entry == \#* ]] && continue
        [[ $entry == *"|"* ]] && command -v "${entry#*|}" >/dev/null && continue
        wanted+=("${entry%|*}")
    done <"$list"
done
((${#wanted[@]})) || exit 0

if ! command -v dpkg-query >/dev/null; then
    echo "setup: this is no Debian. Install what corresponds to: ${wanted[*]}" >&2
    exit 1
fi
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null | sed -n 's/^installed //p' || true)
missing=$(comm -23 <(printf '%s\n' "${wanted[@]}" | sort -u) <(printf '%s\n' "$installed" | sort -u) | tr '\n' ' ')
[[ -n ${missing// /} ]] || exit 0

as_root=()
if [[ $(id -u) != 0 ]]; then
    if ! command -v sudo >/dev/null; then
        echo "setup: these packages are missing and only root can install them:" >&2
        echo "    apt-get install --no-install-recommends $missing" >&2
        exit 1
    fi
    as_root=(sudo)
fi

# Unpacked outside /tmp, which some machines clean while apt works in it.
scratch=$(mktemp -d /var/tmp/subrosa-setup.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
chmod 0755 "$scratch"
apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive TMPDIR="$scratch" apt-get -q -y "$@" </dev/null
}

# Debian starts a relay as soon as it is installed. The tests start their own, on loopback.
if [[ " $missing " == *" coturn "* && -d /etc/systemd/system && ! -e /etc/systemd/system/coturn.service ]]; then
    "${as_root[@]}" ln -s /dev/null /etc/systemd/system/coturn.service
fi

echo "setup: installing $missing" >&2
apt update
# shellcheck disable=SC2086 # a list of names
apt install --no-install-recommends $missing || {
    echo "setup: once more" >&2
    apt -f install
    apt install --no-install-recommends $missing
}
