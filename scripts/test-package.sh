#!/usr/bin/env bash
# Tries what scripts/package.sh makes: unpacks the archive and runs it; installs the Debian package on this system, runs what
# it brought, removes it and looks that nothing is left. Needs root (or sudo) and dpkg for the second half, which is skipped
# where the program is installed already, or where there is no dpkg.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "error: $*" >&2; exit 1; }
says_so() { "$1" mine --text 100 --hex-zeros 4 --json | grep -q '"nonce":35293,' || fail "$1 does not find the nonce"; }

scripts/package.sh
out="$PWD/target/package"
(cd "$out" && sha256sum --quiet -c SHA256SUMS)

echo "== the archive"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tar -xzf "$out"/paydirt-*.tar.gz -C "$scratch"
folder=$(echo "$scratch"/paydirt-*)
for file in paydirt paydirt.service README.md CHANGELOG.md man1/paydirt.1.gz man1/paydirt-chain-mine.1.gz \
    completions/paydirt.bash completions/_paydirt completions/paydirt.fish completions/paydirt.elv completions/_paydirt.ps1 \
    licences/LICENSE-MIT licences/LICENSE-APACHE licences/THIRD-PARTY.txt; do
    [ -s "$folder/$file" ] || fail "the archive lacks $file"
done
says_so "$folder/paydirt"
if readelf --sections "$folder/paydirt" | grep -q '\.symtab\|\.debug_'; then fail "the binary is not stripped"; fi
grep -q '^clap [0-9]' "$folder/licences/THIRD-PARTY.txt" || fail "the licences of others are missing"
# The same again gives the same bytes.
first=$(cat "$out/SHA256SUMS")
scripts/package.sh > /dev/null
[ "$first" = "$(cat "$out/SHA256SUMS")" ] || fail "a second run made other bytes"

echo "== the systemd unit"
if command -v systemd-analyze > /dev/null; then
    # 0 is out of reach for a service with sockets; beyond 2 something was taken away that was there.
    systemd-analyze security --offline=true --no-pager --threshold=20 "$folder/paydirt.service" | tail -n 1
else
    echo "SKIPPED: systemd-analyze is not here"
fi

echo "== the Debian package"
deb=$(echo "$out"/paydirt_*.deb)
if ! command -v dpkg > /dev/null; then
    echo "SKIPPED: no dpkg here"
    exit 0
fi
dpkg-deb --info "$deb" | sed -n '/Package:/,$p'
contents=$(dpkg-deb --contents "$deb" | awk '{print $6}')
for file in usr/bin/paydirt usr/lib/systemd/system/paydirt.service usr/share/man/man1/paydirt.1.gz \
    usr/share/bash-completion/completions/paydirt usr/share/zsh/vendor-completions/_paydirt \
    usr/share/fish/vendor_completions.d/paydirt.fish usr/share/elvish/lib/paydirt.elv usr/share/doc/paydirt/copyright \
    usr/share/doc/paydirt/LICENSE-APACHE usr/share/doc/paydirt/THIRD-PARTY.txt; do
    grep -qx "./$file" <<< "$contents" || fail "the package lacks $file"
done
if dpkg-query --status paydirt > /dev/null 2>&1 || command -v paydirt > /dev/null; then
    echo "SKIPPED: a paydirt is installed on this system, which is left as it is"
    exit 0
fi
as_root=""
[ "$(id -u)" -eq 0 ] || as_root="sudo"
$as_root dpkg --install "$deb"
remove() { $as_root dpkg --purge paydirt; rm -rf "$scratch"; }
trap remove EXIT
[ "$(command -v paydirt)" = /usr/bin/paydirt ] || fail "paydirt is not on the path"
says_so paydirt
if command -v man > /dev/null && man -w paydirt-mine > /dev/null 2>&1; then
    man paydirt-mine < /dev/null | grep -q 'hex-zeros' || fail "man paydirt-mine does not say --hex-zeros"
else
    zcat /usr/share/man/man1/paydirt-mine.1.gz | grep -q 'hex' || fail "the manual page is not one"
fi
bash -c '. /usr/share/bash-completion/completions/paydirt; complete -p paydirt' > /dev/null || fail "no completions in bash"
# What the unit starts, for a moment: it listens, answers, and ends in order.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
line=$(sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/paydirt.service)
line=${line/--port 5000/--port $port}
line=${line/\/var\/lib\/paydirt/$scratch/ledger}
$line 2> "$scratch/log" &
node=$!
answered=no
for _ in $(seq 600); do
    if curl -sf "http://127.0.0.1:$port/status" > /dev/null; then answered=yes; break; fi
    kill -0 "$node" 2> /dev/null || break
    sleep 0.1
done
[ "$answered" = yes ] || { cat "$scratch/log" >&2; fail "the unit's command does not answer"; }
kill -TERM "$node"
wait "$node" || fail "the unit's command ended with $?"
trap 'rm -rf "$scratch"' EXIT
$as_root dpkg --purge paydirt
for file in $contents; do
    case "$file" in
        */) ;;
        *) [ ! -e "/${file#./}" ] || fail "/${file#./} was left behind" ;;
    esac
done
echo "installed, run and removed"
