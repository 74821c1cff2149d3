#!/usr/bin/env bash
# Creates the users that the processes run as, from the files that a device uses. Only root's processes can have users
# of their own, so nothing is created for anybody else.
set -euo pipefail
[[ $(id -u) == 0 ]] || exit 0
here=$(cd "$(dirname "$0")" && pwd)
files=("$here/../systemd/sysusers.conf" "$here/sysusers-simulator.conf")

complete=yes
while read -r type name member_of _; do
    case $type in
    u) getent passwd "$name" >/dev/null || complete= ;;
    m) [[ " $(id -nG "$name" 2>/dev/null) " == *" $member_of "* ]] || complete= ;;
    esac
done < <(cat "${files[@]}")
[[ -z $complete ]] || exit 0

if command -v systemd-sysusers >/dev/null; then
    exec systemd-sysusers "${files[@]}"
fi
while read -r type name member_of _; do
    case $type in
    u) getent passwd "$name" >/dev/null ||
        useradd --system --user-group --no-create-home --home-dir / --shell /usr/sbin/nologin "$name" ;;
    m) usermod --append --groups "$member_of" "$name" ;;
    esac
done < <(cat "${files[@]}")
