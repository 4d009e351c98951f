#!/bin/sh
# Tests the explorer page, and the page that measures a browser (examples/browser-rate.html), in a real browser: installs
# Debian's Chromium and its driver if they are not there, then runs crates/cli/tests/explorer.rs. Screenshots go to
# target/tmp/explorer. Where npm is there, axe-core checks each page for those who do not see or use a mouse; PAYDIRT_AXE
# names another copy of its script.
set -eu
cd "$(dirname "$0")/.."
if ! command -v chromedriver > /dev/null || ! command -v chromium > /dev/null; then
    as_root=""
    [ "$(id -u)" -eq 0 ] || as_root="sudo"
    $as_root apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y --no-install-recommends chromium chromium-driver
fi
if [ -z "${PAYDIRT_AXE:-}" ] && command -v npm > /dev/null; then
    folder="$PWD/target/axe"
    [ -e "$folder/node_modules/axe-core/axe.min.js" ] ||
        npm install --silent --no-audit --no-fund --prefix "$folder" axe-core@4.11.0
    export PAYDIRT_AXE="$folder/node_modules/axe-core/axe.min.js"
fi
exec cargo test -p paydirt-cli --test explorer -- --test-threads=1 "$@"
