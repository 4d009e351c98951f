#!/usr/bin/env bash
# Builds paydirt and runs every example. It needs cargo, python3, jq and sha256sum, and fails where one is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in cargo python3 jq sha256sum; do
    command -v "$tool" > /dev/null || { echo "$tool is missing" >&2; exit 1; }
done
cargo build --release --bin paydirt --examples
built=$(cargo metadata --format-version 1 --no-deps | jq -r .target_directory)/release

for example in library nostr; do
    printf '\n$ cargo run --release --example %s\n' "$example"
    "$built/examples/$example"
done
printf '\n$ examples/drive.py\n'
python3 examples/drive.py "$built/paydirt"
printf '\n$ examples/pipeline.sh\n'
bash examples/pipeline.sh "$built/paydirt"
