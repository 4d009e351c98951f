#!/bin/sh
# Tests the explorer page, and the page that measures a browser (examples/browser-rate.html), in a real browser: installs Debian's Chromium and its driver if they are not there, then
# runs crates/cli/tests/explorer.rs. Screenshots go to target/tmp/explorer.
set -eu
cd "$(dirname "$0")/.."
if ! command -v chromedriver > /dev/null || ! command -v chromium > /dev/null; then
    as_root=""
    [ "$(id -u)" -eq 0 ] || as_root="sudo"
    $as_root apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y --no-install-recommends chromium chromium-driver
fi
exec cargo test -p paydirt-cli --test explorer -- --test-threads=1 "$@"
