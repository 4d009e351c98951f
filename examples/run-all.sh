#!/usr/bin/env bash
# Builds paydirt and runs every example. It needs cargo, curl, python3, jq and sha256sum, and fails where one is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in cargo curl python3 jq sha256sum; do
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

printf '\n$ paydirt serve, examples/outside-miner.sh, examples/verify_chain.py\n'
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port
"$built/paydirt" serve --memory --bits 12 --port "$port" --log off &
trap 'kill %1' EXIT
curl -s --retry 100 --retry-connrefused --retry-delay 1 --retry-max-time 60 "$url/status" > /dev/null
PAYDIRT="$built/paydirt" examples/outside-miner.sh "$url" 3
curl -s "$url/chain" | jq -c '.chain[]' | examples/verify_chain.py
