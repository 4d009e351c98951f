#!/bin/sh
# What the ledger's file may meet, many times over: power cuts, files with damage, damage while it is open, slow readers. The
# short form is in `cargo test`. In a few minutes:
#
#   scripts/store-faults.sh [RUNS] [SEED]     RUNS of each kind [600], from SEED on [0]
#
# Each run has a seed; one that fails prints its own, with the line that repeats it. Exits with 1 then.
set -eu
cd "$(dirname "$0")/.."
export PAYDIRT_FAULT_RUNS="${1:-600}" PAYDIRT_FAULT_SEED="${2:-0}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cargo test -p paydirt-ledger --lib --no-run
for test in power_cut damaged_file damage_under slow_reader; do
    if ! cargo test --quiet -p paydirt-ledger --lib "$test" -- --nocapture > "$log" 2>&1; then
        tail -40 "$log" >&2 # its last seed is the one, also when the process ended with it
        exit 1
    fi
    grep -hE '^[0-9]+ (runs|damaged|files)|times' "$log"
done
